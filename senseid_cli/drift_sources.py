"""Where the counts of a period come from: a scrape of the service's metrics, results of `batch`, a reference file."""

from __future__ import annotations

import os
from collections import Counter
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from senseid.bodies import OK_CODE
from senseid.drift.period import Period, bin_of, bounds, parse_period
from senseid.errors import BatchError, PeriodError
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
        PeriodError: one is none of these, none that can be used, or given twice.
        MediaError: a file cannot be read.
    """
    found = Period({})
    seen: set[str] = set()
    for source in sources:
        # Counted twice, the same events would make chance look like a change.
        place = source if _is_address(source) else os.path.realpath(source)
        if place in seen:
            raise PeriodError(f"{source} is given twice", remedy="name each source once")
        seen.add(place)
        found = found.plus(_read(source))
    return found


def _is_address(source: str) -> bool:
    return source.startswith(("http://", "https://"))


def _read(source: str) -> Period:
    if _is_address(source):
        return _of_scrape(source, _fetch(source))
    path = Path(source)
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD)
            is_results = b"senseid_drift_reference" not in head and not head.startswith(b"#")
            data = head if is_results else _all_of(source, head + file.read(_MOST_BYTES))
    except FileNotFoundError:
        raise MediaNotFoundError(source, "there is no such file") from None
    except OSError as error:
        raise MediaUnreadableError(source, f"cannot be read: {reason_of(error)}") from None
    if is_results:
        return _of_results(path)
    text = data.decode("utf-8", "replace")
    return _of_scrape(source, text) if head.startswith(b"#") else parse_period(path, text)


def _all_of(name: str, data: bytes) -> bytes:
    if len(data) >= _MOST_BYTES:
        raise PeriodError(f"{name} is too long for counts", remedy="give what /metrics, `batch` or --save wrote")
    return data


def _fetch(address: str) -> str:
    """Read what an address on this machine answers. No redirection is followed: it may lead to another one."""
    from http.client import HTTPConnection, HTTPException, HTTPSConnection
    from urllib.parse import urlsplit

    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise PeriodError(f"{address} is no address", remedy="write http://127.0.0.1:PORT/metrics") from None
    if not is_loopback(host):
        raise PeriodError(
            f"{address} is not on this machine", remedy="fetch it there, and give the file: curl ... > metrics.txt"
        )
    connection = (HTTPSConnection if parts.scheme == "https" else HTTPConnection)(host, port, timeout=10)
    try:
        connection.request("GET", parts._replace(scheme="", netloc="", fragment="").geturl() or "/")
        response = connection.getresponse()
        data = response.read(_MOST_BYTES)
    except (OSError, HTTPException) as error:
        raise PeriodError(f"{address} does not answer: {error}", remedy="see `senseid serve status`") from error
    finally:
        connection.close()
    if response.status != HTTPStatus.OK:
        raise PeriodError(
            f"{address} answers with HTTP status {response.status}", remedy="give the address of the metrics"
        )
    return _all_of(address, data).decode("utf-8", "replace")


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
            counts[code] = counts.get(code, 0) + _whole(name, sample.value)
    build = families.get("senseid_build_info")
    models = build.samples[0].labels.get("models") if build is not None and build.samples else None
    return _checked(name, Period(measures, models or None))


def _checked(name: str, period: Period) -> Period:
    if not period.is_sound:
        raise _no_counts(name)
    return period


def _no_counts(name: str) -> PeriodError:
    return PeriodError(f"{name} holds numbers that are no counts", remedy="fetch it again")


def _whole(name: str, value: float) -> int:
    if value % 1 != 0:  # nor is it for what is not finite
        raise _no_counts(name)
    return int(value)


def _histograms(name: str, family: Metric | None) -> dict[str, dict[str, int]]:
    """The histograms of a metric by task."""
    found: dict[str, dict[str, int]] = {}
    for sample in family.samples if family is not None else ():
        endpoint = ENDPOINTS.get(sample.labels.get("path", ""))
        if sample.name.endswith("_bucket") and endpoint is not None and sample.labels.get("le") != "+Inf":
            buckets, bound = found.setdefault(str(endpoint.capability), {}), sample.labels.get("le", "")
            buckets[bound] = buckets.get(bound, 0) + _whole(name, sample.value)
    result = {}
    for task, cumulated in found.items():
        if tuple(cumulated) != bounds():
            raise PeriodError(f"{name} has other bins than this senseid", remedy="use the senseid of that service")
        before, counts = 0, {}
        for bound, value in cumulated.items():
            counts[bound] = value - before
            before = value
        result[task] = counts
    return result


def _of_results(path: Path) -> Period:
    from senseid_cli.batch.results import read_results

    # By measure alone: which task they are of is known when all columns are.
    found: dict[str, Counter[str]] = {"code": Counter()}
    columns: set[str] = set()
    try:
        for record in read_results(path):
            columns |= record.keys()
            found["code"][str(record["code"])] += 1
            if record["code"] == OK_CODE:
                for measure, value in _values(path, record):
                    found.setdefault(measure, Counter(dict.fromkeys(bounds(), 0)))[bin_of(value)] += 1
    except BatchError as error:
        raise PeriodError(error.message, remedy=error.remedy) from error
    task = _task(columns)
    return _checked(str(path), Period({f"{task}.{measure}": counts for measure, counts in found.items()}))


def _task(columns: set[str]) -> str:
    """The task of results, by the columns that only it has."""
    if "passed" in columns:
        return "verify" if "verification_score" in columns or "match" in columns else "liveness"
    if "best_score" in columns:
        return "omni"
    return "quality" if "faces" in columns else "compare"


def _values(path: Path, record: Mapping[str, Any]) -> list[tuple[str, float]]:
    found = []
    columns = {
        "verification_score": "verification_score",
        "best_score": "verification_score",
        "liveness_score": "liveness_score",
    }
    for column, measure in columns.items():
        if column in record:
            found.append((measure, record[column]))
    for face in record.get("faces", ()):
        integrity = face.get("integrity")
        if not (isinstance(integrity, float | int) and 0 <= integrity <= 1):
            raise PeriodError(
                f"{path} holds faces without their quality", remedy="give what `senseid batch` wrote, unchanged"
            )
        found.append(("integrity", integrity))
    return found
