"""Prometheus metrics: counts, times and scores, no identities."""

from __future__ import annotations

import platform
from typing import TYPE_CHECKING, Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Info, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily
from prometheus_client.registry import Collector

from senseid.decisions import Verdict
from senseid.drift.period import bounds
from senseid.version import __version__
from senseid_service.endpoints import ENDPOINTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from senseid.decisions import Figures
    from senseid_service.endpoints import Endpoint
    from senseid_service.pool import PoolState

CONTENT_TYPE = CONTENT_TYPE_PLAIN_0_0_4
SCORE_BUCKETS: Final = tuple(map(float, bounds()))
"""Upper bounds of the histograms of scores: `senseid drift` reads them."""

_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """The figures of one HTTP process: that of the service, through which the answers of all handlers go."""

    def __init__(
        self,
        state: Callable[[], PoolState],
        licence_ends: Callable[[], Mapping[str, float]],
        *,
        role: str,
        models: str,
    ) -> None:
        """Start all counters at zero.

        Args:
            state: returns the state of the pool, called at each scrape.
            licence_ends: returns the end of each licence in seconds since 1970, by product, called at each scrape.
            role: the part of the service.
            models: digest of all models and their calibration; empty in an API.
        """
        self._state = state
        self._licence_ends = licence_ends
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        Info("senseid_build", "This release.", registry=self._registry).info(
            {"version": __version__, "python": platform.python_version(), "role": role, "models": models}
        )
        self._requests = Counter(
            "senseid_requests", "Requests answered.", ("path", "status", "code"), registry=self._registry
        )
        self._refusals = Counter(
            "senseid_refusals", "Requests whose photo, video or parameters were refused.", ("path", "code"),
            registry=self._registry,
        )  # fmt: skip
        self._decisions = Counter(
            "senseid_decisions", "Results, by what they mean under the threshold of the service.",
            ("path", "decision"), registry=self._registry,
        )  # fmt: skip
        self._seconds = self._histogram("senseid_request_seconds", "From the headers to the end of the answer.")
        self._handling = self._histogram("senseid_handler_seconds", "What a handler worked on it.")
        self._queued = self._histogram("senseid_queue_seconds", "What it waited for a handler.")
        self._scores = self._histogram(
            "senseid_verification_score", "Verification scores; of many faces the highest.", SCORE_BUCKETS
        )
        self._liveness = self._histogram("senseid_liveness_score", "Liveness scores.", SCORE_BUCKETS)
        self._integrity = self._histogram(
            "senseid_face_integrity",
            "Share of eyes, nose and mouth inside the photo, of faces that were measured.",
            SCORE_BUCKETS,
        )
        gauges = {
            "senseid_handlers_ready": ("Handlers, or workers, that answer.", lambda: self._state().ready),
            "senseid_handlers_busy": ("Requests that are being worked on.", lambda: self._state().busy),
            "senseid_queue_length": ("Requests that wait for a handler.", lambda: self._state().waiting),
        }
        for name, (text, read) in gauges.items():
            Gauge(name, text, registry=self._registry).set_function(read)
        self._registry.register(_Losses(state))
        self._threshold = Gauge(
            "senseid_match_threshold", "The score from which on a result counts as a match.", registry=self._registry
        )
        self._licence = Gauge(
            "senseid_licence_expiry_timestamp_seconds", "When a licence ends; absent where none is valid.",
            ("product",), registry=self._registry,
        )  # fmt: skip
        # A counter that appears with its first event has no rate at that moment.
        for path, endpoint in ENDPOINTS.items():
            for verdict in _verdicts(endpoint):
                self._decisions.labels(path, verdict)

    def _histogram(self, name: str, text: str, buckets: tuple[float, ...] = _BUCKETS) -> Histogram:
        return Histogram(name, text, ("path",), buckets=buckets, registry=self._registry)

    def set_threshold(self, threshold: float) -> None:
        """Tell the threshold of the service from now on."""
        self._threshold.set(threshold)

    def observe(
        self, path: str, status: int, code: int, seconds: float, *, queued: float | None, handled: float | None
    ) -> None:
        """Count one answered request; the times of those that reached a handler."""
        self._requests.labels(path, status, code).inc()
        self._seconds.labels(path).observe(seconds)
        if path in ENDPOINTS and 400 <= status < 500:
            self._refusals.labels(path, code).inc()
        if queued is not None:
            self._queued.labels(path).observe(queued)
        if handled is not None:
            self._handling.labels(path).observe(handled)

    def decide(self, path: str, figures: Figures, verdict: Verdict | None) -> None:
        """Count one result."""
        if verdict is not None:
            self._decisions.labels(path, verdict).inc()
        if figures.score is not None:
            self._scores.labels(path).observe(figures.score)
        if figures.liveness_score is not None:
            self._liveness.labels(path).observe(figures.liveness_score)
        for value in figures.integrity:
            self._integrity.labels(path).observe(value)

    def text(self) -> bytes:
        """All metrics in Prometheus's text format."""
        self._licence.clear()
        for product, end in self._licence_ends().items():
            self._licence.labels(product).set(end)
        return generate_latest(self._registry)


def _verdicts(endpoint: Endpoint) -> tuple[Verdict, ...]:
    """The verdicts that an endpoint can give."""
    fields = endpoint.result.__annotations__
    compares = not {"verification_score", "scores"}.isdisjoint(fields)
    if "passed" not in fields:
        return (Verdict.MATCH, Verdict.NO_MATCH) if compares else ()
    return (Verdict.MATCH, Verdict.NO_MATCH, Verdict.NOT_LIVE) if compares else (Verdict.LIVE, Verdict.NOT_LIVE)


class _Losses(Collector):
    """A counter that the pool keeps."""

    def __init__(self, state: Callable[[], PoolState]) -> None:
        self._state = state

    def collect(self) -> Iterable[CounterMetricFamily]:
        """Read it."""
        yield CounterMetricFamily(
            "senseid_handler_losses", "Handlers, or requests to workers, lost.", self._state().losses
        )
