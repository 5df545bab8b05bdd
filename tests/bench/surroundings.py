"""What the benchmarks run on: sample photos, and an engine under a licence made for the run."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senseid.version import __version__
from senseid_engine.engine import Engine
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image
from senseid_engine.quality.checker import QualityChecker
from senseid_licensing.context import context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_models.registry import Registry
from tests.archives import content
from tests.bench.report import UnavailableError, test_data
from tools.fetch_samples import DEFAULT_FOLDER, FetchError, fetch_samples

if TYPE_CHECKING:
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences

PHOTO_SIZE = (640, 480)
# Where the faces of the sample portraits are: high up.
_CENTRE = (0.5, 0.2)


def licences() -> VerifiedLicences:
    """Verified licences, made for this run and kept nowhere."""
    with tempfile.TemporaryDirectory() as folder:
        store = LicenceStore(Path(folder))
        context = context_here(now=datetime.now(UTC), version=__version__)
        quickstart(store, context, licensee="benchmark", entropy=os.urandom)
        return store.verify_all(context)


def open_engine(*, threads: int) -> Engine:
    """The engine that `senseid` uses."""
    return Engine.open(Registry.builtin(), licences(), threads=threads)


def sample_photos(*names: str) -> list[bytes]:
    """Sample portraits as JPEG photos of 640x480.

    Raises:
        UnavailableError: they cannot be had.
    """
    from PIL import Image, ImageOps

    try:
        paths = fetch_samples(DEFAULT_FOLDER)
    except FetchError as error:
        raise UnavailableError(f"no sample photos: {error}") from None
    photos = []
    for name in names:
        with Image.open(paths[name]) as photo:
            fitted = ImageOps.fit(photo.convert("RGB"), PHOTO_SIZE, Image.Resampling.LANCZOS, centering=_CENTRE)
        buffer = io.BytesIO()
        fitted.save(buffer, "JPEG", quality=90)
        photos.append(buffer.getvalue())
    return photos


def open_quality(*, threads: int) -> QualityChecker:
    """The quality check that `senseid quality` uses."""
    registry, verified = Registry.builtin(), licences()
    finder = FaceFinder.open(registry, verified, threads=threads)
    return QualityChecker.open(registry, verified, finder, threads=threads)


def lfw_photos(count: int) -> list[Image]:
    """First photos of that many people of LFW, spread over the alphabet.

    Raises:
        UnavailableError: they are not there.
    """
    archive = test_data() / "lfw-pairs.tar"
    if not archive.is_file():
        raise UnavailableError(f"no {archive}")
    with tarfile.open(archive) as tar:
        first = sorted(name for name in tar.getnames() if name.endswith("_0001.jpg"))
        chosen = first[:: max(1, len(first) // count)][:count]
        return [decode_image(content(tar, name), name=name) for name in chosen]


class OrtClock:
    """Adds up the time that an engine's sessions spend inside onnxruntime, on whatever thread."""

    def __init__(self, engine: Engine) -> None:
        self._seconds: dict[str, list[float]] = {}
        finder, embedder = engine.encoder.finder, engine.encoder.embedder
        for session in (finder.detector._session, finder.landmarker._session, embedder.session):
            spent = self._seconds.setdefault(session.model_id, [])
            session._session = _Timed(session._session, spent)

    def take(self) -> dict[str, float]:
        """Seconds by model since the last call."""
        taken = {model: sum(spent) for model, spent in self._seconds.items()}
        for spent in self._seconds.values():
            spent.clear()
        return taken


class _Timed:
    """An onnxruntime session that writes down how long each run takes."""

    def __init__(self, session: Any, spent: list[float]) -> None:
        self._session = session
        self._spent = spent

    def run(self, outputs: Any, inputs: Any) -> Any:
        start = time.perf_counter()
        try:
            return self._session.run(outputs, inputs)
        finally:
            self._spent.append(time.perf_counter() - start)
