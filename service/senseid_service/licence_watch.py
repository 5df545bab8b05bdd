"""Licences that are verified again while the service runs: replacements, expiry and revocation take effect."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

from senseid.stids import in_words
from senseid_licensing.capability import Capability
from senseid_licensing.errors import LicensingError
from senseid_licensing.product import Product
from senseid_service.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime
    from pathlib import Path

    from senseid_licensing.context import Context
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicences

RECHECK_SECONDS = 5.0
"""Interval at which licences are verified even if no file has changed: the clock may have been set back."""


class LicenceWatch:
    """The licences of one data directory as they are now."""

    def __init__(
        self,
        store: LicenceStore,
        context: Context,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
    ) -> None:
        """Verify at the first use.

        Args:
            store: the licences.
            context: this machine; its time is not used.
            clock: the time, UTC.
            monotonic: seconds that never go back.
        """
        self._store = store
        self._context = context
        self._clock = clock
        self._monotonic = monotonic
        self._seen: tuple[object, ...] | None = None
        self._verified_at = 0.0
        self._current: VerifiedLicences | None = None
        self._kept: dict[Product, bytes] = {}

    def current(self) -> VerifiedLicences:
        """The licences. Takes microseconds unless something changed; failures are raised when a licence is required."""
        now, seen = self._clock(), self._look()
        current = self._current
        if (
            current is None
            or seen != self._seen
            or self._monotonic() >= self._verified_at + RECHECK_SECONDS
            or any(now > licence.grace_until for licence in current.licences.values())
        ):
            current = self._store.verify_all(dataclasses.replace(self._context, now=now), self._kept)
            self._seen, self._verified_at, self._current = seen, self._monotonic(), current
        return current

    def require_any(self) -> None:
        """Return if some licence allows serving.

        Raises:
            LicensingError: none does; the error is that of the product that most endpoints need.
        """
        current = self.current()
        if not any(Capability.SERVE in licence.capabilities for licence in current.licences.values()):
            current.require(Product.FACE, Capability.SERVE)

    def cannot(self) -> dict[str, str]:
        """The endpoints that are refused now, each with the reason: `STID_E_AUTH_EXPIRE (-15) senseid_face`."""
        current = self.current()
        found = {}
        for path, endpoint in ENDPOINTS.items():
            for product in endpoint.products:
                try:
                    endpoint.require_of(product, current)
                except LicensingError as error:
                    found[path] = f"{in_words(error.stid)} {product}"
                    break
        return found

    def ends(self) -> dict[str, float]:
        """The last second of each valid licence, in seconds since 1970, by product."""
        return {product.value: licence.not_after.timestamp() for product, licence in self.current().licences.items()}

    def in_force(self) -> dict[str, str]:
        """The id of each valid licence, by product, with the reason where a file that was to replace it is refused."""
        current = self.current()
        found = {}
        for product, licence in current.licences.items():
            error = current.failures.get(product)
            reason = f" (the new file is refused: {in_words(error.stid)})" if error is not None else ""
            found[product.value] = licence.id + reason
        return found

    def _look(self) -> tuple[object, ...]:
        """A value that changes whenever a file is written, replaced or removed."""
        store = self._store
        paths = [*(store.path(product) for product in Product), store.revocations_path, store.roots_dir]
        return tuple(map(facts, paths))


def facts(path: Path) -> tuple[int, int, int] | None:
    """A value that changes whenever a file is written, replaced or removed; None if there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size
