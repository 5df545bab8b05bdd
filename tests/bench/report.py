"""What every benchmark prints: the machine, the versions, how often it measured, and whether each promise holds."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from senseid_engine.cpu import available_cpus

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PACKAGES = ("senseid-face", "onnxruntime", "numpy", "opencv-python-headless", "pillow")
UNAVAILABLE = 77
"""Exit status of a benchmark that this environment cannot run; automake's number for a skipped test."""


class UnavailableError(Exception):
    """The benchmark cannot run here; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One measured figure.

    Attributes:
        name: what was measured.
        unit: of the values.
        values: one a round.
    """

    name: str
    unit: str
    values: tuple[float, ...]

    @property
    def median(self) -> float:
        """The figure to judge by: a shared machine makes means and maxima say little."""
        return statistics.median(self.values)


@dataclass(frozen=True, slots=True)
class Promise:
    """One promise and what was measured for it.

    Attributes:
        text: the promise, with its limit.
        measured: what was found, as text.
        holds: whether it is kept.
    """

    text: str
    measured: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Report:
    """What one benchmark found.

    Attributes:
        title: what was measured.
        counts: how often, or over how much.
        rows: the figures.
        promises: the promises that they speak of.
        notes: what else a reader should know, one line each.
    """

    title: str
    counts: str
    rows: tuple[Row, ...]
    promises: tuple[Promise, ...]
    notes: tuple[str, ...] = ()


def at_most(text: str, measured: float, limit: float, *, unit: str = "") -> Promise:
    """A promise that a figure does not exceed a limit."""
    shown = f"{text}: at most {limit:g}{unit and ' ' + unit}"
    return Promise(shown, f"{measured:.4g}{unit and ' ' + unit}", measured <= limit)


def at_least(text: str, measured: float, limit: float, *, unit: str = "") -> Promise:
    """A promise that a figure does not fall below a limit."""
    shown = f"{text}: at least {limit:g}{unit and ' ' + unit}"
    return Promise(shown, f"{measured:.5g}{unit and ' ' + unit}", measured >= limit)


def parser_of(name: str, text: str) -> argparse.ArgumentParser:
    """The options that all benchmarks share."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.bench.{name}", description=text)
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write everything that was measured there")
    return parser


def run(name: str, measure: Callable[[], Report], json_file: Path | None) -> int:
    """Measure and print.

    Returns:
        0: every promise holds, 1: one does not, 77: the benchmark cannot run here.
    """
    before = _load()
    try:
        report = measure()
    except UnavailableError as error:
        print(f"{name}: skipped: {error}")
        return UNAVAILABLE
    facts = {**machine(), "load_before": before, "load_after": _load()}
    _print(name, report, facts)
    if json_file is not None:
        json_file.write_text(json.dumps(_body(name, report, facts), indent=2) + "\n", encoding="utf-8")
    return 0 if all(promise.holds for promise in report.promises) else 1


def machine() -> dict[str, Any]:
    """Where it was measured, and with which versions."""
    return {
        "processor": _processor(),
        "cpus": available_cpus(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "versions": {package: _version(package) for package in PACKAGES},
    }


def test_data() -> Path:
    """The directory of labelled data.

    Raises:
        UnavailableError: it is not there.
    """
    folder = Path(os.environ.get("SENSEID_TEST_DATA", "../shared/data"))
    if not folder.is_dir():
        raise UnavailableError(f"no test data at {folder}: set SENSEID_TEST_DATA")
    return folder


def _body(name: str, report: Report, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "benchmark": name,
        "title": report.title,
        "machine": facts,
        "counts": report.counts,
        "figures": [
            {
                "name": row.name,
                "unit": row.unit,
                "min": min(row.values),
                "median": row.median,
                "max": max(row.values),
                "values": list(row.values),
            }
            for row in report.rows
        ],
        "promises": [
            {"promise": promise.text, "measured": promise.measured, "holds": promise.holds}
            for promise in report.promises
        ],
        "notes": list(report.notes),
    }


def _print(name: str, report: Report, facts: dict[str, Any]) -> None:
    versions = ", ".join(f"{package} {number}" for package, number in facts["versions"].items())
    print(f"{name}: {report.title}")
    print(f"machine: {facts['processor']}, {facts['cpus']} CPUs, {facts['system']}", end="")
    print(f", load {facts['load_before']:.1f} before and {facts['load_after']:.1f} after")
    print(f"versions: Python {facts['python']}, {versions}")
    print(f"counts: {report.counts}")
    width = max((len(row.name) for row in report.rows), default=0)
    if report.rows:
        print(f"\n{'':{width}}  {'min':>9} {'median':>9} {'max':>9}")
    for row in report.rows:
        spread = " ".join(f"{value:>9.4g}" for value in (min(row.values), row.median, max(row.values)))
        print(f"{row.name:{width}}  {spread} {row.unit}")
    print()
    for note in report.notes:
        print(note)
    for promise in report.promises:
        print(f"{'holds' if promise.holds else 'BROKEN'}: {promise.text}; measured {promise.measured}")
    sys.stdout.flush()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _load() -> float:
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else 0.0


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


def interleave(rounds: int, warm_up: int, steps: Sequence[Callable[[], None]]) -> None:
    """Run the steps in turn, A B A B: what else the machine does then meets all of them alike.

    Args:
        rounds: how often, after the warming up.
        warm_up: how often before; a step cannot tell, so it is for the caller to drop these.
        steps: what is compared.
    """
    for _ in range(warm_up + rounds):
        for step in steps:
            step()
