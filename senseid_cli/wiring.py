"""Where things are and how they are put together: the only reader of the environment, the clock and randomness."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING

from senseid_cli import __version__

if TYPE_CHECKING:
    from concurrent.futures import Future

    from senseid_cli.crypt.work import Manner
    from senseid_cli.keys import KeySources
    from senseid_crypto.key import Key
    from senseid_engine.engine import Engine
    from senseid_engine.finder import FaceFinder
    from senseid_engine.liveness.capture import Device
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.verify import LiveVerifier
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.recognition import Recognition
    from senseid_licensing.context import Context
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


def data_dir() -> Path:
    """Where licences, trust roots and imported models live: `SENSEID_HOME`, else the platform's data directory.

    Raises:
        HomeError: neither is known.
    """
    home = os.environ.get("SENSEID_HOME")
    if home:
        return Path(home)
    import platformdirs

    try:
        path = platformdirs.user_data_path("senseid", appauthor=False)
    except RuntimeError:
        path = Path("~")
    if not path.is_absolute():
        # A user without HOME and without an entry in the user database: a folder called "~" would help nobody.
        from senseid_cli.exits import HomeError

        raise HomeError(
            "there is no home directory to find licences in", remedy="set SENSEID_HOME to the folder for senseid's data"
        )
    return path


def additions_dir() -> Path:
    """Where the models are that were imported here."""
    from senseid_models.additions import FOLDER

    return data_dir() / FOLDER


def registry() -> Registry:
    """The models that come with senseid, and those that were imported here. Opens manifests only.

    Raises:
        ManifestError: a manifest cannot be used.
        HomeError: there is no data directory.
    """
    from senseid_models.additions import with_additions
    from senseid_models.registry import Registry

    return with_additions(Registry.builtin(), additions_dir())


def open_store() -> tuple[LicenceStore, Context]:
    """The licences of this installation, and what they are checked against."""
    from senseid_licensing.context import context_here
    from senseid_licensing.store import LicenceStore

    return LicenceStore(data_dir()), context_here(now=datetime.datetime.now(datetime.UTC), version=__version__)


def verify_licences() -> VerifiedLicences:
    """Verify the licences of this installation. Their failures are raised where a product is required."""
    store, context = open_store()
    return store.verify_all(context)


def open_engine(
    licences: VerifiedLicences, *, threads: int | None = None, recognition: Recognition | None = None
) -> Engine:
    """Load the models. Only verified licences get here.

    Args:
        licences: the verified licences of this run.
        threads: CPUs to use; as many as this process may use by default.
        recognition: how to compare, where it is not what the registry says.

    Raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
    """
    from senseid_engine.cpu import available_cpus
    from senseid_engine.engine import Engine

    return Engine.open(registry(), licences, threads=threads or available_cpus(), recognition=recognition)


def opening_engine(licences: VerifiedLicences) -> Future[Engine]:
    """Begin to load the models that compare faces, beside what is done meanwhile: on a second core it costs no time.

    The result raises what `open_engine` does.
    """
    from concurrent.futures import ThreadPoolExecutor

    # While it is imported it changes sys.path and takes itself out of sys.modules: not beside other threads.
    import cv2  # noqa: F401

    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(open_engine, licences)
    finally:
        pool.shutdown(wait=False)


def open_quality(
    licences: VerifiedLicences, finder: FaceFinder | None = None, *, threads: int | None = None
) -> QualityChecker:
    """Load the models that measure quality. Only verified licences get here.

    Args:
        licences: the verified licences of this run.
        finder: finds the faces, where an engine has one already.
        threads: CPUs to use; as many as this process may use by default.

    Raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
    """
    from senseid_engine.quality.checker import QualityChecker

    models, finder, threads = _with_finder(licences, finder, threads)
    return QualityChecker.open(models, licences, finder, threads=threads)


def open_liveness(
    licences: VerifiedLicences,
    finder: FaceFinder | None = None,
    quality: QualityChecker | None = None,
    *,
    threads: int | None = None,
) -> LivenessDetector:
    """Load the models that check whether a person is living. Only verified licences get here.

    Args:
        licences: the verified licences of this run.
        finder: finds the faces, where an engine has one already.
        quality: measures faces, where one is open already.
        threads: CPUs to use; as many as this process may use by default.

    Raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
    """
    from senseid_engine.liveness.detector import LivenessDetector

    models, finder, threads = _with_finder(licences, finder, threads)
    quality = quality or open_quality(licences, finder, threads=threads)
    return LivenessDetector.open(models, licences, finder, quality, threads=threads)


def _with_finder(
    licences: VerifiedLicences, finder: FaceFinder | None, threads: int | None
) -> tuple[Registry, FaceFinder, int]:
    from senseid_engine.cpu import available_cpus
    from senseid_engine.finder import FaceFinder

    models = registry()
    threads = threads or available_cpus()
    return models, finder or FaceFinder.open(models, licences, threads=threads), threads


def open_verifier(licences: VerifiedLicences) -> LiveVerifier:
    """Load the models that compare a living person with a photo. Only verified licences get here.

    Raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
    """
    from senseid_engine.liveness.verify import LiveVerifier

    engine = open_engine(licences)
    return LiveVerifier(engine, open_liveness(licences, engine.encoder.finder))


def this_device() -> Device:
    """What liveness data that are made here say of their maker."""
    import platform

    from senseid_engine.liveness.capture import Device

    return Device(f"senseid {__version__}", platform.system(), platform.machine())


def entropy(count: int) -> bytes:
    """That many random bytes."""
    return os.urandom(count)


def models_digest() -> str:
    """One word for all models and data files that results depend on: the SHA-256 of their SHA-256s, hex.

    Raises:
        ManifestError: the registry cannot be read.
    """
    import hashlib

    models = registry()
    digests = [entry.sha256 for entry in models.entries] + [asset.sha256 for asset in models.assets]
    return hashlib.sha256("\n".join(digests).encode()).hexdigest()


def key_sources(key_file: Path | None = None, name: str | None = None) -> KeySources:
    """Where the keys of media are looked for.

    Args:
        key_file: look there and nowhere else.
        name: of the only key that counts.

    Raises:
        HomeError: the data directory cannot be told.
    """
    from senseid_cli import render
    from senseid_cli.env_file import UNNAMED
    from senseid_cli.keys import KeySources
    from senseid_crypto.key_folder import KeyFolder

    folder = KeyFolder(data_dir() / "keys")
    return KeySources(folder, os.environ, UNNAMED, key_file, name, say=render.note_once)


def new_key() -> Key:
    """A new random key for media."""
    from senseid_crypto.key import generate_key

    return generate_key(os.urandom)


def manner(*, force: bool, delete_source: bool) -> Manner:
    """How files are encrypted and decrypted here: on as many CPUs as this process may use, and not on very many."""
    from senseid_cli.crypt.work import Manner
    from senseid_engine.cpu import available_cpus

    return Manner(force=force, delete_source=delete_source, entropy=os.urandom, threads=min(available_cpus(), 4))


def cpus() -> tuple[int, int]:
    """Physical cores of this machine, and CPUs that this process may use."""
    import psutil

    from senseid_engine.cpu import available_cpus

    available = available_cpus()
    return psutil.cpu_count(logical=False) or available, available


def now() -> datetime.datetime:
    """The time, UTC."""
    return datetime.datetime.now(datetime.UTC)


def today() -> datetime.date:
    """The date, UTC."""
    return datetime.datetime.now(datetime.UTC).date()


def new_request_id() -> str:
    """An id for one request: 32 hex digits."""
    return os.urandom(16).hex()
