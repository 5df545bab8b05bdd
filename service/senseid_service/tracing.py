"""OpenTelemetry: a span for each request, and one for each of its steps, where the environment asks for it.

Asked for is what `OTEL_TRACES_EXPORTER` names, `otlp` or `console`; without it nothing of OpenTelemetry is imported.
The other standard variables count as the SDK reads them. Spans hold paths, codes and times: no score, no verdict, and
nothing of a picture or a client.
"""

from __future__ import annotations

import sys
import threading
from typing import TYPE_CHECKING, Final

from senseid.errors import SettingError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from opentelemetry.sdk.trace.export import SpanExporter
    from opentelemetry.trace import Span
    from starlette.datastructures import Headers

    from senseid_service.steps import Step

TRACE_HEADER: Final = "traceparent"
_STATE_HEADER: Final = "tracestate"
_EXPORTERS: Final[Mapping[str, str]] = {
    "otlp": "opentelemetry.exporter.otlp.proto.http",
    "console": "opentelemetry.sdk",
}
"""The exporters, and what each is in. Other packages bring some of OpenTelemetry, too."""

_STOP_SECONDS: Final = 2.0
"""How long a collector has at the end to take what is left."""


def wanted_exporters(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The exporters that the environment asks for; none if it asks for no traces.

    Raises:
        SettingError: it asks for one that does not exist here, or for a protocol of it that does not.
    """
    if environment.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return ()
    words = [word.strip() for word in environment.get("OTEL_TRACES_EXPORTER", "").lower().split(",")]
    wanted = tuple(dict.fromkeys(word for word in words if word and word != "none"))
    for name in wanted:
        if name not in _EXPORTERS:
            raise SettingError(
                f"OTEL_TRACES_EXPORTER is {name!r}, and must be otlp, console or none", remedy="change it"
            )
    protocol = environment.get("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or environment.get("OTEL_EXPORTER_OTLP_PROTOCOL")
    if "otlp" in wanted and protocol not in {None, "", "http/protobuf"}:
        raise SettingError(
            f"the OTLP protocol {protocol!r} is not one of this service",
            remedy="set OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf, or leave it out",
        )
    return wanted


def check_tracing(environment: Mapping[str, str]) -> None:
    """Return if the traces that the environment asks for can be made.

    Raises:
        SettingError: they cannot.
    """
    if not all(map(_is_installed, {_EXPORTERS[name] for name in wanted_exporters(environment)})):
        raise SettingError(
            "OTEL_TRACES_EXPORTER asks for traces, which need packages that are not installed",
            remedy="install the extra `otel` of senseid, or leave the variable out",
        )


def _is_installed(module: str) -> bool:
    from importlib.util import find_spec

    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # nor is what it is part of
        return False


class Tracing:
    """The tracer of one process."""

    def __init__(self, exporters: Sequence[str], environment: Mapping[str, str], *, role: str, version: str) -> None:
        """Start the exporters.

        Args:
            exporters: what `wanted_exporters` gave, at least one.
            environment: that of this process.
            role: the part of the service.
            version: of senseid.

        Raises:
            SettingError: one of its variables makes no sense.
        """
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        facts = {"service.version": version, "senseid.role": role}
        if not environment.get("OTEL_SERVICE_NAME"):
            facts["service.name"] = "senseid"
        try:
            self._provider = TracerProvider(resource=Resource.create(facts), shutdown_on_exit=False)
            for name in exporters:
                self._provider.add_span_processor(BatchSpanProcessor(_exporter(name)))
        except ValueError as error:
            raise SettingError(
                f"OpenTelemetry refuses one of its variables: {error}", remedy="correct it: its name begins with OTEL_"
            ) from error
        self._tracer = self._provider.get_tracer("senseid", version)
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, method: str, path: str, headers: Headers) -> Span:
        """Begin the span of a request, below the one that its `traceparent` names; of several none counts."""
        from opentelemetry.trace import SpanKind

        parents = headers.getlist(TRACE_HEADER)
        states = ",".join(headers.getlist(_STATE_HEADER))
        given = {TRACE_HEADER: parents[0], _STATE_HEADER: states} if len(parents) == 1 else {}
        return self._tracer.start_span(
            f"{method} {path}",
            context=self._propagator.extract(given),
            kind=SpanKind.SERVER,
            attributes={"http.request.method": method, "http.route": path},
        )

    def header(self, span: Span) -> str:
        """The `traceparent` for those who work on the request next."""
        from opentelemetry.trace import set_span_in_context

        carrier: dict[str, str] = {}
        self._propagator.inject(carrier, set_span_in_context(span))
        return carrier.get(TRACE_HEADER, "")

    def end(
        self, span: Span, *, status: int, code: int, request_id: str, queued: float | None, steps: Sequence[Step]
    ) -> None:
        """End it, with a span for each step."""
        from opentelemetry.trace import StatusCode, set_span_in_context

        inside = set_span_in_context(span)
        for step in steps:
            self._tracer.start_span(step.name, context=inside, start_time=step.begin).end(step.end)
        span.set_attributes(
            {"http.response.status_code": status, "senseid.code": code, "senseid.request_id": request_id}
        )
        if queued is not None:
            span.set_attribute("senseid.queue_seconds", queued)
        if status >= 500:
            span.set_status(StatusCode.ERROR)
        span.end()

    def stop(self) -> None:
        """Send what is left, as far as the collector takes it in time."""
        # A collector that does not answer would be asked again for half a minute.
        sending = threading.Thread(target=self._provider.shutdown, daemon=True)
        sending.start()
        sending.join(_STOP_SECONDS)


def _exporter(name: str) -> SpanExporter:
    if name == "console":
        from opentelemetry.sdk.trace.export import ConsoleSpanExporter

        return ConsoleSpanExporter(out=sys.stdout, formatter=lambda span: (span.to_json(indent=None) or "") + "\n")
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    return OTLPSpanExporter()
