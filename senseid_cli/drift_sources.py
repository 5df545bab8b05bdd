"""Where the counts of a period come from: a scrape of the service's metrics, results of `batch`, a reference file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from senseid.bodies import OK_CODE
from senseid.drift.period import Period, bin_of, bounds, parse_period
from senseid.errors import PeriodError
from senseid_engine.errors import MediaNotFoundError, MediaUnreadableError, reason_of
from senseid_service.endpoints import ENDPOINTS
from senseid_service.settings import is_loopback

if TYPE_CHECKING:
    from collections.abc import Mapping

    from prometheus_client.metrics_core import Metric

HISTOGRAMS: Final = {
    "senseid_verification_score": "verification_score",
    "senseid_liveness_score": "liveness_score",
    "senseid_face_integrity": "integrity",
}
_MOST_BYTES: Final = 64 * 1024 * 1024
_HEAD: Final = 4096


def read_period(sources: list[str]) -> Period:
    """The counts of all sources together.

    Args:
        sources: paths, or addresses of metrics on this machine.

    Raises:
        PeriodError: one is none of these, or none that can be used.
        MediaError: a file cannot be read.
        BatchError: results cannot be read.
    """
    found = Period({})
    for source in sources:
        found = found.plus(_read(source))
    return found


def _read(source: str) -> Period:
    if source.startswith(("http://", "https://")):
        return _of_scrape(source, _fetch(source))
    path = Path(source)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
    except FileNotFoundError:
        raise MediaNotFoundError(source, "there is no such file") from None
    except OSError as error:
        raise MediaUnreadableError(source, f"cannot be read: {reason_of(error)}") from None
    if b"senseid_drift_reference" in head:
        return parse_period(path, path.read_text(encoding="utf-8", errors="replace"))
    if head.startswith(b"#"):
        return _of_scrape(source, path.read_text(encoding="utf-8", errors="replace"))
    return _of_results(path, head)


def _fetch(address: str) -> str:
    from urllib.parse import urlsplit
    from urllib.request import ProxyHandler, build_opener

    host = urlsplit(address).hostname or ""
    if not is_loopback(host):
        raise PeriodError(
            f"{address} is not on this machine", remedy="fetch it there, and give the file: curl ... > metrics.txt"
        )
    try:
        with build_opener(ProxyHandler({})).open(address, timeout=10) as response:
            data: bytes = response.read(_MOST_BYTES)
    except OSError as error:
        raise PeriodError(f"{address} does not answer: {error}", remedy="see `senseid serve status`") from error
    return data.decode("utf-8", "replace")


def _of_scrape(name: str, text: str) -> Period:
    try:
        from prometheus_client.parser import text_string_to_metric_families
    except ImportError:
        raise PeriodError(
            "reading metrics needs packages that are not installed",
            remedy="install the extra `serve` of senseid: `senseid doctor` says how",
        ) from None
    try:
        families = {family.name: family for family in text_string_to_metric_families(text)}
    except ValueError:
        raise PeriodError(f"{name} is not what /metrics gives", remedy="fetch it again") from None
    if "senseid_requests" not in families:
        raise PeriodError(f"{name} holds no metrics of senseid", remedy="see SENSEID_METRICS in docs/service.md")
    measures: dict[str, dict[str, int]] = {}
    for family_name, measure in HISTOGRAMS.items():
        for task, counts in _histograms(name, families.get(family_name)).items():
            measures[f"{task}.{measure}"] = counts
    for sample in families["senseid_requests"].samples:
        endpoint, code = ENDPOINTS.get(sample.labels.get("path", "")), sample.labels.get("code", "")
        # Refusals of keys, of load and of faults say nothing about photos.
        if sample.name == "senseid_requests_total" and endpoint is not None and len(code) == 4:
            counts = measures.setdefault(f"{endpoint.capability}.code", {})
            counts[code] = counts.get(code, 0) + round(sample.value)
    build = families.get("senseid_build_info")
    models = build.samples[0].labels.get("models") if build is not None and build.samples else None
    return Period(measures, models or None)


def _histograms(name: str, family: Metric | None) -> dict[str, dict[str, int]]:
    """The histograms of a metric by task."""
    found: dict[str, dict[str, float]] = {}
    for sample in family.samples if family is not None else ():
        endpoint = ENDPOINTS.get(sample.labels.get("path", ""))
        if sample.name.endswith("_bucket") and endpoint is not None and sample.labels["le"] != "+Inf":
            buckets = found.setdefault(str(endpoint.capability), {})
            buckets[sample.labels["le"]] = buckets.get(sample.labels["le"], 0) + sample.value
    result = {}
    for task, cumulated in found.items():
        if tuple(cumulated) != bounds():
            raise PeriodError(f"{name} has other bins than this senseid", remedy="use the senseid of that service")
        before, counts = 0.0, {}
        for bound, value in cumulated.items():
            counts[bound] = round(value - before)
            before = value
        result[task] = counts
    return result


def _of_results(path: Path, head: bytes) -> Period:
    from senseid.tables.dialect import Wanted
    from senseid.tables.manifest import Manifest, format_of

    columns = ("code", "verification_score", "best_score", "liveness_score", "match", "passed", "faces")
    results = Manifest(str(path), format_of(path.name, head), Wanted(columns, (), path.parent), lambda: path.open("rb"))
    rows = [row.fields for row in results.rows()]
    if not any("code" in row for row in rows):
        raise PeriodError(
            f"{path} is neither metrics of the service, nor results of `senseid batch`, nor a reference",
            remedy="see `senseid drift --help`",
        )
    task = _task({name for row in rows for name in row})
    measures: dict[str, dict[str, int]] = {f"{task}.code": {}}
    for row in rows:
        if row.get("code") in {None, ""}:
            continue
        _count(measures[f"{task}.code"], str(row["code"]))
        if str(row["code"]) == str(OK_CODE):
            for measure, value in _values(row):
                _count(measures.setdefault(f"{task}.{measure}", dict.fromkeys(bounds(), 0)), bin_of(value))
    return Period(measures)


def _task(columns: set[str]) -> str:
    """The task of results, by the columns that only it has."""
    if "passed" in columns:
        return "verify" if "verification_score" in columns or "match" in columns else "liveness"
    if "best_score" in columns:
        return "omni"
    return "quality" if "faces" in columns else "compare"


def _values(row: Mapping[str, Any]) -> list[tuple[str, float]]:
    found = []
    columns = {
        "verification_score": "verification_score",
        "best_score": "verification_score",
        "liveness_score": "liveness_score",
    }
    for column, measure in columns.items():
        if row.get(column) not in {None, ""}:
            found.append((measure, float(row[column])))
    faces = row.get("faces")
    if faces:
        faces = json.loads(faces) if isinstance(faces, str) else faces
        found += [("integrity", float(face["integrity"])) for face in faces]
    return found


def _count(counts: dict[str, int], key: str) -> None:
    counts[key] = counts.get(key, 0) + 1
