"""Traces: none unless asked for; with the caller's trace, the steps of the handlers, and nothing about people."""

from __future__ import annotations

import http.server
import json
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

import pytest
from starlette.datastructures import Headers

from senseid.errors import SettingError
from senseid_service import tracing
from senseid_service.tracing import Tracing, check_tracing, wanted_exporters
from tests.service.conftest import COMPARE, QUALITY, Service, environment, running, until
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
PARENT = "00f067aa0ba902b7"
CALL = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
QUICK = {"OTEL_BSP_SCHEDULE_DELAY": "50", "HANDLERS": "1"}


def spans(service: Service) -> list[dict[str, Any]]:
    return [json.loads(line) for line in service.log.read_text().splitlines(keepends=True) if _is_span(line)]


def _is_span(line: str) -> bool:
    """Whether it is one, and whole: the last may still be on its way."""
    return '"context"' in line and line.endswith("}\n")


def test_spans(home: Path, tmp_path: Path, pair: dict[str, str], photos: dict[str, str]) -> None:
    pytest.importorskip("opentelemetry")
    env = {**QUICK, "OTEL_TRACES_EXPORTER": "console", "SENSEID_WORKER_KEY": "between the two"}
    with (
        running(home, tmp_path, "--role", "worker", env=env) as worker,
        running(home, tmp_path, "--role", "api", "--workers", worker.url[7:], env=env) as api,
    ):
        answer = api.post(COMPARE, pair, headers=CALL).json()
        assert answer["code"] == 1000
        until(
            lambda: len(spans(api)) == 1 and len([s for s in spans(worker) if TRACE in s["context"]["trace_id"]]) >= 7
        )
        (outer,) = spans(api)
        assert outer["name"] == f"POST {COMPARE}"
        assert outer["context"]["trace_id"] == f"0x{TRACE}"
        assert outer["parent_id"] == f"0x{PARENT}"
        assert outer["attributes"].pop("senseid.queue_seconds") >= 0
        assert outer["attributes"] == {
            "http.request.method": "POST",
            "http.route": COMPARE,
            "http.response.status_code": 200,
            "senseid.code": 1000,
            "senseid.request_id": answer["request_id"],
        }
        mine = [span for span in spans(worker) if span["context"]["trace_id"] == f"0x{TRACE}"]
        (inner,) = (span for span in mine if span["kind"] == "SpanKind.SERVER")
        assert inner["parent_id"] == outer["context"]["span_id"]
        steps = [span for span in mine if span is not inner]
        assert sorted(span["name"] for span in steps) == ["decode"] * 2 + ["detect"] * 2 + ["embed"] * 2 + ["score"]
        for span in steps:
            assert span["parent_id"] == inner["context"]["span_id"]
            assert span["attributes"] == {}
            assert inner["start_time"] <= span["start_time"] <= span["end_time"] <= inner["end_time"]
        assert inner["resource"]["attributes"]["service.name"] == "senseid"
        # Without a parent a trace begins here; a refusal has the steps that it got to.
        assert api.post(QUALITY, {"encrypted_image": photos["obama"]}).json()["code"] == 1000
        until(lambda: len(spans(api)) == 2)
        assert spans(api)[1]["parent_id"] is None
        told = json.dumps(spans(api) + spans(worker))
        assert str(answer["verification_score"]) not in told
        assert "127.0.0.1" not in told


class _Collector(http.server.BaseHTTPRequestHandler):
    """Stands for an OpenTelemetry collector."""

    seen: list[bytes]

    def do_POST(self) -> None:
        self.seen.append(self.rfile.read(int(self.headers["content-length"])))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture
def collector() -> Iterator[tuple[str, list[bytes]]]:
    handler = type("Collector", (_Collector,), {"seen": []})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}", handler.seen  # type: ignore[attr-defined]
        server.shutdown()
        thread.join()


def test_otlp(home: Path, tmp_path: Path, pair: dict[str, str], collector: tuple[str, list[bytes]]) -> None:
    """It arrives at the collector, and a collector that is gone disturbs nobody."""
    trace = pytest.importorskip("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
    address, seen = collector
    env = {
        **QUICK,
        "OTEL_TRACES_EXPORTER": "otlp",
        "OTEL_EXPORTER_OTLP_ENDPOINT": address,
        "OTEL_SERVICE_NAME": "faces",
    }
    with running(home, tmp_path, env=env) as service:
        assert service.post(COMPARE, pair, headers=CALL).json()["code"] == 1000
    request = trace.ExportTraceServiceRequest.FromString(seen[0])
    (resource,) = request.resource_spans
    assert {each.key: each.value.string_value for each in resource.resource.attributes}["service.name"] == "faces"
    names = {span.name for scope in resource.scope_spans for span in scope.spans}
    assert {f"POST {COMPARE}", "decode", "detect", "embed", "score"} <= names
    gone = {**env, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9", "OTEL_EXPORTER_OTLP_TIMEOUT": "1"}
    with running(home, tmp_path, env=gone) as service:
        assert service.post(COMPARE, pair).json()["code"] == 1000


def test_nothing_is_imported_unless_asked_for(home: Path, tmp_path: Path) -> None:
    code = (
        "import sys\nfrom senseid_service import http_process, model_process, handler, start\n"
        "from senseid_service.tracing import check_tracing\ncheck_tracing({'OTEL_TRACES_EXPORTER': 'none'})\n"
        "print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment(home), cwd=tmp_path, check=True
    )
    assert done.stdout == "[]\n"


def test_what_is_asked_for() -> None:
    for nothing in ({}, {"OTEL_TRACES_EXPORTER": ""}, {"OTEL_TRACES_EXPORTER": "none"}):
        assert wanted_exporters(nothing) == ()
    assert wanted_exporters({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_SDK_DISABLED": "TRUE"}) == ()
    assert wanted_exporters({"OTEL_TRACES_EXPORTER": "console, otlp"}) == ("console", "otlp")
    assert wanted_exporters({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}) == (
        "otlp",
    )
    with pytest.raises(SettingError, match="jaeger"):
        wanted_exporters({"OTEL_TRACES_EXPORTER": "jaeger"})
    with pytest.raises(SettingError, match="grpc"):
        wanted_exporters({"OTEL_TRACES_EXPORTER": "otlp", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"})


def test_a_wrong_wish_is_no_start(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, env={"OTEL_TRACES_EXPORTER": "jaeger"})
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: OTEL_TRACES_EXPORTER is 'jaeger'")
    pytest.importorskip("opentelemetry.sdk")
    ports = {"SENSEID_PORT": "0", "SENSEID_WORKER_PORT": "0", "HANDLERS": "1"}
    done = serve(home, tmp_path, env={**ports, "OTEL_TRACES_EXPORTER": "console", "OTEL_BSP_MAX_QUEUE_SIZE": "0"})
    assert done.returncode == 2
    assert "max_queue_size" in done.stderr


def test_what_is_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other packages bring the API of OpenTelemetry without what sends spans."""
    monkeypatch.setitem(tracing._EXPORTERS, "otlp", "opentelemetry.none.trace")  # type: ignore[index]
    check_tracing({})
    with pytest.raises(SettingError, match="not installed"):
        check_tracing({"OTEL_TRACES_EXPORTER": "otlp"})


@pytest.mark.parametrize(
    ("headers", "kept"),
    [
        ([("traceparent", CALL["traceparent"])], True),
        ([("traceparent", CALL["traceparent"])] * 2, False),
        ([("traceparent", CALL["traceparent"]), ("traceparent", "nonsense")], False),
        ([("traceparent", CALL["traceparent"].upper())], False),
        ([("traceparent", f"00-{TRACE}-{PARENT}-01-more")], False),
        ([("traceparent", f"00-{'0' * 32}-{PARENT}-01")], False),
        ([("traceparent", "0" * 100_000)], False),
        ([("traceparent", "\u00e9" * 55)], False),
        ([("tracestate", "a=1")], False),
        ([], False),
    ],
)
def test_parents(monkeypatch: pytest.MonkeyPatch, headers: list[tuple[str, str]], kept: bool) -> None:
    """What is not one valid `traceparent` begins a trace of its own, as the specification of W3C asks."""
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_exporter", lambda _: memory)
    traces = Tracing(("console",), {}, role="all", version="1")
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    span = traces.begin("POST", COMPARE, Headers(raw=raw))
    passed_on = traces.header(span)
    traces.end(span, status=200, code=1000, request_id="a", queued=None, steps=())
    traces.stop()
    (sent,) = memory.get_finished_spans()
    assert (f"{sent.context.trace_id:032x}" == TRACE) is kept
    assert (sent.parent is not None) is kept
    assert passed_on.startswith(f"00-{sent.context.trace_id:032x}-{sent.context.span_id:016x}-")


def test_states_of_several_headers(monkeypatch: pytest.MonkeyPatch) -> None:
    memory = pytest.importorskip("opentelemetry.sdk.trace.export.in_memory_span_exporter").InMemorySpanExporter()
    monkeypatch.setattr(tracing, "_exporter", lambda _: memory)
    traces = Tracing(("console",), {}, role="all", version="1")
    raw = [(b"traceparent", CALL["traceparent"].encode()), (b"tracestate", b"a=1"), (b"tracestate", b"b=2")]
    state = traces.begin("POST", COMPARE, Headers(raw=raw)).get_span_context().trace_state
    assert dict(state) == {"a": "1", "b": "2"}
    traces.stop()


def test_a_collector_that_hangs_does_not_keep_the_service_from_stopping(monkeypatch: pytest.MonkeyPatch) -> None:
    export = pytest.importorskip("opentelemetry.sdk.trace.export")
    over, taken = threading.Event(), threading.Event()

    class Hanging(export.SpanExporter):  # type: ignore[name-defined,misc]
        def export(self, _: object) -> object:
            taken.set()
            over.wait(60)
            return export.SpanExportResult.FAILURE

    monkeypatch.setattr(tracing, "_exporter", lambda _: Hanging())
    traces = Tracing(("otlp",), {}, role="all", version="1")
    span = traces.begin("POST", COMPARE, Headers())
    traces.end(span, status=200, code=1000, request_id="a", queued=None, steps=())
    begin = time.monotonic()
    traces.stop()
    assert taken.is_set()
    assert time.monotonic() < begin + 20  # and not thirty or more
    over.set()
