"""Prometheus metrics: counts and times, no identities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_service.pool import PoolState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The figures of one HTTP process."""

    def __init__(self, state: Callable[[], PoolState], days_left: Callable[[], dict[str, int]]) -> None:
        """Start all counters at zero.

        Args:
            state: returns the state of the pool, called at each scrape.
            days_left: returns the days left of each licence, by product, called at each scrape.
        """
        self._state = state
        self._days_left = days_left
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "senseid_requests", "Requests answered.", ("path", "status", "code"), registry=self._registry
        )
        self._seconds = Histogram(
            "senseid_request_seconds", "From the headers to the end of the answer.", ("path",),
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._handling = Histogram(
            "senseid_handler_seconds", "What a handler worked on it.", ("path",),
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        self._queued = Histogram(
            "senseid_queue_seconds", "What it waited for a handler.", ("path",),
            buckets=_BUCKETS, registry=self._registry,
        )  # fmt: skip
        gauges = {
            "senseid_handlers_ready": ("Handlers, or workers, that answer.", lambda: self._state().ready),
            "senseid_handlers_busy": ("Requests that are being worked on.", lambda: self._state().busy),
            "senseid_queue_length": ("Requests that wait for a handler.", lambda: self._state().waiting),
            "senseid_handler_losses": ("Handlers, or requests to workers, lost.", lambda: self._state().losses),
        }
        for name, (text, read) in gauges.items():
            Gauge(name, text, registry=self._registry).set_function(read)
        self._licence = Gauge(
            "senseid_licence_days_left", "Days until a licence ends; absent where none is valid.", ("product",),
            registry=self._registry,
        )  # fmt: skip

    def observe(
        self, path: str, status: int, code: int, seconds: float, *, queued: float | None, handled: float | None
    ) -> None:
        """Count one answered request; the times of those that reached a handler."""
        self._requests.labels(path, status, code).inc()
        self._seconds.labels(path).observe(seconds)
        if queued is not None:
            self._queued.labels(path).observe(queued)
        if handled is not None:
            self._handling.labels(path).observe(handled)

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        self._licence.clear()
        for product, days in self._days_left().items():
            self._licence.labels(product).set(days)
        return generate_latest(self._registry)
