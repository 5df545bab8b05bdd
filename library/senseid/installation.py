"""Paths and parts of this installation: the only module that reads the environment, the clock and randomness."""

from __future__ import annotations

import datetime
import os
from pathlib import Path
from typing import TYPE_CHECKING

from senseid.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid.decision_log import DecisionLog
    from senseid.keys import KeySources
    from senseid_crypto.key import Key
    from senseid_engine.liveness.capture import CaptureDevice
    from senseid_licensing.context import Context
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


def data_dir() -> Path:
    """The directory of licences, trust roots and imported models: `SENSEID_HOME`, else the platform's data directory.

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
        from senseid.errors import HomeError

        raise HomeError(
            "there is no home directory to find licences in", remedy="set SENSEID_HOME to the folder for senseid's data"
        )
    return path


def additions_dir() -> Path:
    """The directory of imported models."""
    from senseid_models.additions import FOLDER

    return data_dir() / FOLDER


def registry() -> Registry:
    """The models that come with senseid, and the imported ones. Opens manifests only.

    Raises:
        ManifestError: a manifest cannot be used.
        HomeError: there is no data directory.
    """
    from senseid_models.additions import with_additions
    from senseid_models.registry import Registry

    return with_additions(Registry.builtin(), additions_dir())


def open_store() -> tuple[LicenceStore, Context]:
    """The licences of this installation, and the context to verify them in."""
    from senseid_licensing.context import context_here
    from senseid_licensing.store import LicenceStore

    return LicenceStore(data_dir()), context_here(now=now(), version=__version__)


def verify_licences() -> VerifiedLicences:
    """Verify the licences of this installation. Their failures are raised where a product is required."""
    store, context = open_store()
    return store.verify_all(context)


def this_device() -> CaptureDevice:
    """The description of this device in liveness data that are made here."""
    import platform

    from senseid_engine.liveness.capture import CaptureDevice

    return CaptureDevice(f"senseid {__version__}", platform.system(), platform.machine())


def entropy(count: int) -> bytes:
    """Get random bytes from the system."""
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


def key_sources(
    key_file: Path | None = None, name: str | None = None, *, say: Callable[[str], None] = lambda _: None
) -> KeySources:
    """The sources of the keys for media.

    Args:
        key_file: look there and nowhere else.
        name: the name of the only key to use.
        say: called with a message about a `.env` file that was not named.

    Raises:
        HomeError: the data directory cannot be determined.
    """
    from senseid.env_file import UNNAMED
    from senseid.keys import KeySources
    from senseid_crypto.key_folder import KeyFolder

    folder = KeyFolder(data_dir() / "keys")
    return KeySources(folder, os.environ, UNNAMED, key_file, name, say=say)


def decision_log(path: Path, key_name: str | None = None, *, key_file: Path | None = None) -> DecisionLog:
    """A decision log to append to.

    Args:
        path: its file.
        key_name: the key of `senseid key` that seals it; by default the one that `SENSEID_DECISION_LOG_KEY` names, if
            it is set.
        key_file: the file of the key, in place of a name.

    Raises:
        CryptoError: the key cannot be used.
        HomeError: the data directory cannot be determined.
    """
    from senseid.decision_log import DecisionLog
    from senseid_crypto.errors import MissingKeyError

    name = key_name or os.environ.get("SENSEID_DECISION_LOG_KEY")
    wanted = key_file is not None or bool(name)
    try:
        return DecisionLog(path, now, next(iter(key_sources(key_file, name))) if wanted else None)
    except MissingKeyError:
        raise MissingKeyError(
            "the key that is to seal the decision log is not here",
            remedy="SENSEID_DECISION_LOG_KEY (of `senseid audit` also --key) takes a name of `senseid key list`",
        ) from None


def new_key() -> Key:
    """A new random key for media."""
    from senseid_crypto.key import generate_key

    return generate_key(os.urandom)


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
    return now().date()


def new_request_id() -> str:
    """An id for one request: 32 hex digits."""
    return os.urandom(16).hex()
