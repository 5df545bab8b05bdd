"""The metrics: what they count, and that they are named as Prometheus asks."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from prometheus_client.parser import text_string_to_metric_families

from senseid.decisions import Figures, Verdict
from senseid_service.endpoints import COMPARE, LIVENESS, OMNI, QUALITY, VERIFY_VIDEO
from senseid_service.metrics import SCORE_BUCKETS, Metrics
from senseid_service.pool import PoolState

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric

# What `promtool check metrics` asks for: https://prometheus.io/docs/practices/naming/.
OTHER_UNITS = (
    "milliseconds|microseconds|nanoseconds|minutes|hours|days|weeks|ms|us|kilobytes|megabytes|kib|mib|bits|percent"
)


def made() -> Metrics:
    metrics = Metrics(
        lambda: PoolState(2, 1, 0, 3), lambda: {"senseid_face": 1_800_000_000.0}, role="all", models="0123456789ab"
    )
    metrics.set_threshold(0.7)
    return metrics


def families(metrics: Metrics) -> dict[str, Metric]:
    return {family.name: family for family in text_string_to_metric_families(metrics.text().decode())}


def value(metrics: Metrics, name: str, **labels: str) -> float:
    (found,) = (
        sample.value
        for family in families(metrics).values()
        for sample in family.samples
        if sample.name == name and labels.items() <= sample.labels.items()
    )
    return found


def complaints(found: dict[str, Metric]) -> list[str]:
    """What a linter of metrics says about them."""
    said = []
    for name, family in found.items():
        if not re.fullmatch("[a-z][a-z0-9_]*", name):
            said.append(f"{name}: neither small letters nor underscores")
        if not family.documentation:
            said.append(f"{name}: no help")
        if re.search(f"_({OTHER_UNITS})(_|$)", name):
            said.append(f"{name}: no base unit")
        samples = {sample.name for sample in family.samples}
        if family.type == "counter" and samples != {f"{name}_total"}:
            said.append(f"{name}: a counter that does not end in _total")
        if family.type != "counter" and name.endswith("_total"):
            said.append(f"{name}: ends in _total and is no counter")
        if family.type not in {"histogram", "summary"} and name.endswith(("_count", "_sum", "_bucket")):
            said.append(f"{name}: named as a part of a histogram")
        if {"histogram", "gauge", "counter", "summary"} & set(name.split("_")):
            said.append(f"{name}: has its type in its name")
    return said


def test_the_linter_finds_what_it_looks_for() -> None:
    text = (
        "# HELP a_days Days.\n# TYPE a_days gauge\na_days 1\n# HELP b B.\n# TYPE b_total gauge\nb_total 1\n"
        "# TYPE c_count gauge\nc_count 1\n# HELP D D.\n# TYPE D gauge\nD 1\n# TYPE e counter\ne 1\n"
    )
    found = {family.name: family for family in text_string_to_metric_families(text)}
    assert len(complaints(found)) >= 6


def test_names() -> None:
    metrics = made()
    metrics.observe(COMPARE.path, 200, 1000, 0.1, queued=0.01, handled=0.05)
    metrics.observe(COMPARE.path, 400, 4000, 0.1, queued=0.01, handled=0.05)
    metrics.decide(COMPARE.path, Figures(score=0.8), Verdict.MATCH)
    found = families(metrics)
    ours = {name: family for name, family in found.items() if not name.endswith("_created")}
    assert complaints(ours) == []
    assert {"process_cpu_seconds", "process_resident_memory_bytes", "process_start_time_seconds"} <= ours.keys()
    (build,) = ours["senseid_build_info"].samples
    assert build.value == 1
    assert build.labels["models"] == "0123456789ab"
    assert {name for name, family in ours.items() if family.type == "histogram"} == {
        "senseid_request_seconds", "senseid_handler_seconds", "senseid_queue_seconds",
        "senseid_verification_score", "senseid_liveness_score", "senseid_face_integrity",
    }  # fmt: skip
    assert value(metrics, "senseid_handler_losses_total") == 3
    assert value(metrics, "senseid_licence_expiry_timestamp_seconds", product="senseid_face") == 1_800_000_000


def test_decisions_are_counted() -> None:
    metrics = made()
    for path in (COMPARE.path, OMNI.path, VERIFY_VIDEO.path):
        assert value(metrics, "senseid_decisions_total", path=path, decision="match") == 0
    assert value(metrics, "senseid_decisions_total", path=LIVENESS.path, decision="live") == 0
    assert QUALITY.path not in {sample.labels["path"] for sample in families(metrics)["senseid_decisions"].samples}
    for score in (0.69, 0.70, 0.95):
        figures = Figures(score=score)
        metrics.decide(COMPARE.path, figures, figures.verdict(0.7))
    metrics.decide(QUALITY.path, Figures(integrity=(0.5, 0.9)), None)
    assert value(metrics, "senseid_decisions_total", path=COMPARE.path, decision="match") == 2
    assert value(metrics, "senseid_decisions_total", path=COMPARE.path, decision="no_match") == 1
    assert value(metrics, "senseid_verification_score_count", path=COMPARE.path) == 3
    assert value(metrics, "senseid_face_integrity_sum", path=QUALITY.path) == pytest.approx(1.4)
    assert SCORE_BUCKETS[0] == 0.05
    assert SCORE_BUCKETS[-1] == 1.0


def test_refusals_are_those_of_clients() -> None:
    metrics = made()
    for status, code in ((400, 4000), (400, 4000), (200, 1000), (503, 503), (500, 500)):
        metrics.observe(COMPARE.path, status, code, 0.1, queued=None, handled=None)
    metrics.observe("other", 404, 404, 0.1, queued=None, handled=None)
    (total,) = (sample for sample in families(metrics)["senseid_refusals"].samples if sample.name.endswith("_total"))
    assert (total.labels["code"], total.value) == ("4000", 2)
