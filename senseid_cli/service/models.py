"""The models of one process, opened once: before the handlers are forked where the licences allow it, else later."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from senseid_cli import wiring
from senseid_licensing.errors import LicensingError

if TYPE_CHECKING:
    from senseid_engine.engine import Engine
    from senseid_engine.finder import FaceFinder
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.verify import LiveVerifier
    from senseid_engine.quality.checker import QualityChecker
    from senseid_licensing.verified import VerifiedLicences


class Models:
    """What looks at photos and videos. Each part opens at its first use, and again only after it failed.

    Every part asks the licences that it is given with each use, not those under which its models were opened.
    """

    def __init__(self, threads: int) -> None:
        """Opens nothing.

        Args:
            threads: photos of one request that are looked at side by side. Each network runs on one thread, whatever
                this is: only such sessions live through a fork.
        """
        self._threads = threads
        self._engine: Engine | None = None
        self._quality: QualityChecker | None = None
        self._liveness: LivenessDetector | None = None

    def preload(self, licences: VerifiedLicences) -> list[LicensingError]:
        """Open everything that the licences allow, and say why the rest stays closed.

        Raises:
            ModelsError: a model file is missing or is not the one of the manifest.
            ModelError: a model cannot be used.
        """
        failures = []
        for part in (self.engine, self.quality, self.liveness):
            try:
                part(licences)
            except LicensingError as error:
                failures.append(error)
        return failures

    def engine(self, licences: VerifiedLicences) -> Engine:
        """Compares faces.

        Raises:
            LicensingError: the licences do not allow it.
        """
        if self._engine is None:
            self._engine = wiring.open_engine(licences, threads=self._threads)
        return dataclasses.replace(self._engine, licences=licences)

    def quality(self, licences: VerifiedLicences) -> QualityChecker:
        """Measures the quality of faces.

        Raises:
            LicensingError: the licences do not allow it.
        """
        if self._quality is None:
            self._quality = wiring.open_quality(licences, self._finder(), threads=1)
        return dataclasses.replace(self._quality, licences=licences)

    def liveness(self, licences: VerifiedLicences) -> LivenessDetector:
        """Checks whether a person is living.

        Raises:
            LicensingError: the licences do not allow it.
        """
        if self._liveness is None:
            self._liveness = wiring.open_liveness(licences, self._finder(), self.quality(licences), threads=1)
        return dataclasses.replace(self._liveness, licences=licences)

    def verifier(self, licences: VerifiedLicences) -> LiveVerifier:
        """Compares a living person with a photo.

        Raises:
            LicensingError: the licences do not allow it.
        """
        from senseid_engine.liveness.verify import LiveVerifier

        return LiveVerifier(self.engine(licences), self.liveness(licences))

    def _finder(self) -> FaceFinder | None:
        return None if self._engine is None else self._engine.encoder.finder
