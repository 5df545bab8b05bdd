"""Rate limit per address: one token bucket each."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

_MOST_ADDRESSES = 10_000


class RateLimit:
    """Limit of requests per second and address, with a burst of two seconds' worth."""

    def __init__(self, rate: float, monotonic: Callable[[], float]) -> None:
        """Start without any address.

        Args:
            rate: requests per second; 0 is no limit.
            monotonic: seconds that never go back.
        """
        self._rate = rate
        self._burst = max(1.0, 2 * rate)
        self._monotonic = monotonic
        self._buckets: dict[str, tuple[float, float]] = {}

    def allows(self, address: str) -> bool:
        """Whether a request of this address is allowed now; it counts if so."""
        if not self._rate:
            return True
        now = self._monotonic()
        tokens, at = self._buckets.pop(address, (self._burst, now))
        tokens = min(self._burst, tokens + (now - at) * self._rate)
        allowed = tokens >= 1
        # The dictionary keeps the order of use: the first address is the one that was idle longest.
        self._buckets[address] = (tokens - allowed, now)
        if len(self._buckets) > _MOST_ADDRESSES:
            del self._buckets[next(iter(self._buckets))]
        return allowed
