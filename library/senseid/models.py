"""The models of one process: each is opened at its first use, and all share the face detector."""

from __future__ import annotations

import dataclasses
import sys
from contextlib import contextmanager
from enum import StrEnum
from typing import TYPE_CHECKING

from senseid import installation
from senseid.child_process import ending_at_once
from senseid_engine.device import Device

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from concurrent.futures import Future

    from senseid_engine.engine import Engine
    from senseid_engine.finder import FaceFinder
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.verify import LiveVerifier
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.recognition import Recognition
    from senseid_licensing.verified import VerifiedLicences


HANDOVER = 0.0005
"""Seconds after which a thread that waits for the interpreter gets it where networks are opened beside imports: each of
the short turns that opening one takes would wait for 5 ms."""


class ModelKind(StrEnum):
    """The task to open models for."""

    ENGINE = "engine"
    QUALITY = "quality"
    LIVENESS = "liveness"


class Models:
    """Lazily opened models. Each part is opened at its first use, and retried only after a failure.

    Every use of a part checks the current licences, not those under which its models were opened. Several threads may
    use the parts once they are open.

    Each property raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
        DeviceError: the processor cannot be used.
    """

    def __init__(
        self,
        licences: Callable[[], VerifiedLicences],
        *,
        threads: int | None = None,
        device: Device = Device.AUTO,
        forks: bool = False,
    ) -> None:
        """Open nothing yet.

        Args:
            licences: returns the current verified licences.
            threads: CPUs to use; by default as many as this process may use.
            device: where the networks run.
            forks: whether the process forks once they are open. Then each network runs on one thread, since no other
                sessions survive a fork, and `threads` photos of one comparison are processed in parallel; `auto` is
                the CPU, since what CUDA has open does not survive either.
        """
        self.licences = licences
        self._threads = threads
        self._device = Device.CPU if forks and device is Device.AUTO else device
        self._forks = forks
        self._engine: Engine | None = None
        self._quality: QualityChecker | None = None
        self._liveness: LivenessDetector | None = None

    def open(self, kind: ModelKind) -> None:
        """Open the models of one kind now."""
        getattr(self, kind)

    @property
    def engine(self) -> Engine:
        """The part that finds, embeds and compares faces."""
        licences = self.licences()
        if self._engine is None:
            self._engine = open_engine(licences, threads=self._threads, device=self._device)
        return dataclasses.replace(self._engine, licences=licences)

    @property
    def quality(self) -> QualityChecker:
        """The part that measures the quality of faces."""
        from senseid_engine.quality.checker import QualityChecker

        licences = self.licences()
        if self._quality is None:
            finder, threads = self._finder(licences), self._network_threads()
            self._quality = QualityChecker.open(
                installation.registry(), licences, finder, threads=threads, device=self._device
            )
        return dataclasses.replace(self._quality, licences=licences)

    @property
    def liveness(self) -> LivenessDetector:
        """The part that distinguishes living people from attacks."""
        from senseid_engine.liveness.detector import LivenessDetector

        licences = self.licences()
        if self._liveness is None:
            quality, threads = self.quality, self._network_threads()
            self._liveness = LivenessDetector.open(
                installation.registry(), licences, quality.finder, quality, threads=threads, device=self._device
            )
        return dataclasses.replace(self._liveness, licences=licences)

    @property
    def verifier(self) -> LiveVerifier:
        """The part that compares living people with photos."""
        from senseid_engine.liveness.verify import LiveVerifier

        return LiveVerifier(self.engine, self.liveness)

    def _network_threads(self) -> int:
        from senseid_engine.cpu import available_cpus

        return 1 if self._forks else self._threads or available_cpus()

    def _finder(self, licences: VerifiedLicences) -> FaceFinder:
        from senseid_engine.finder import FaceFinder

        if self._engine is not None:
            return self._engine.encoder.finder
        threads = self._network_threads()
        return FaceFinder.open(installation.registry(), licences, threads=threads, device=self._device)


def open_engine(
    licences: VerifiedLicences,
    *,
    threads: int | None = None,
    device: Device = Device.AUTO,
    recognition: Recognition | None = None,
) -> Engine:
    """Load the models that compare faces, which takes verified licences.

    Args:
        licences: the verified licences of this run.
        threads: CPUs to use; by default as many as this process may use.
        device: where the networks run.
        recognition: the recognition to compare with, if not that of the registry.

    Raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
        DeviceError: the processor cannot be used.
    """
    from senseid_engine.cpu import available_cpus
    from senseid_engine.engine import Engine

    threads = threads or available_cpus()
    return Engine.open(installation.registry(), licences, threads=threads, device=device, recognition=recognition)


@contextmanager
def opening_engine(licences: VerifiedLicences, device: Device = Device.AUTO) -> Iterator[Future[Engine]]:
    """Start loading the models that compare faces in the background: on a second core it takes no extra time.

    The result raises the errors of `open_engine`, those of the embedding model as the first face is embedded: faces can
    be found before it is open. Until the block ends Ctrl-C ends the process at once.

    Raises:
        LicensingError: no verified licence for the models' products.
        ModelsError: the manifest, or the file that names the model, is missing or is not the one that it should be.
        ModelError: that file cannot be used.
        LibraryError: onnxruntime does not load.
    """
    from concurrent.futures import ThreadPoolExecutor

    from senseid_engine.cpu import available_cpus, share
    from senseid_engine.device import faster_here
    from senseid_engine.recognition import Recognition
    from senseid_engine.session import Session, load_runtime
    from senseid_licensing.product import Product

    for product in (Product.KESTREL, Product.FACE):  # all of them before the first file is opened
        licences.require(product)
    sys.setswitchinterval(HANDOVER)
    with ending_at_once():
        runtime = load_runtime()
        if device is not Device.CPU and (device is not Device.AUTO or faster_here(runtime)):
            # Its import changes sys.path and removes itself from sys.modules: no other thread may import meanwhile,
            # as they do there.
            import cv2
        threads, registry = available_cpus(), installation.registry()
        recognition = Recognition.load(registry)
        pool = ThreadPoolExecutor(2)
        try:
            # The largest network by far is opened while this thread imports what uses it.
            largest = registry.get(recognition.model)
            embedding = pool.submit(Session.open, largest, licences, threads=share(threads)[1], device=device)
            import cv2  # noqa: F401  before anything else that imports starts

            from senseid_engine.engine import Engine

            yield pool.submit(
                Engine.open,
                registry,
                licences,
                threads=threads,
                device=device,
                recognition=recognition,
                embedding=embedding,
            )
        finally:
            pool.shutdown(wait=False)
