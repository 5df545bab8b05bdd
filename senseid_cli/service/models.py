"""The models of one process, opened once: before the handlers are forked where the licences allow it, else later."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from senseid_licensing.errors import LicensingError

if TYPE_CHECKING:
    from senseid_engine.engine import Engine
    from senseid_licensing.verified import VerifiedLicences


class Models:
    """What looks at photos and videos. Each part opens at its first use, and again only after it failed."""

    def __init__(self, threads: int) -> None:
        """Opens nothing.

        Args:
            threads: CPUs that one request may keep busy.
        """
        self._threads = threads
        self._engine: Engine | None = None

    def preload(self, licences: VerifiedLicences) -> list[LicensingError]:
        """Open everything that the licences allow, and say why the rest stays closed.

        Raises:
            ModelsError: a model file is missing or is not the one of the manifest.
            ModelError: a model cannot be used.
        """
        failures = []
        for part in (self.engine,):
            try:
                part(licences)
            except LicensingError as error:
                failures.append(error)
        return failures

    def engine(self, licences: VerifiedLicences) -> Engine:
        """Compares faces, asking these licences before each use.

        Raises:
            LicensingError: they do not allow it.
        """
        from senseid_cli import wiring

        if self._engine is None:
            self._engine = wiring.open_engine(licences, threads=self._threads)
        return dataclasses.replace(self._engine, licences=licences)
