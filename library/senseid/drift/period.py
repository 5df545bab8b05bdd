"""The counts of a period: histograms of scores and qualities, and refusals by code."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from senseid.errors import PeriodError

if TYPE_CHECKING:
    from pathlib import Path

FORMAT: Final = 1
BINS: Final = 20
"""Bins of a histogram, 0.05 wide: value v is in the first whose upper bound is not below it."""

_MOST: Final = 10**12
"""Events that are believed. No service counts so many, and arithmetic is exact far beyond."""

_NAME: Final = re.compile(r"[a-z_]{1,40}\.(code|verification_score|liveness_score|integrity)")
_CODE: Final = re.compile(r"[0-9]{1,5}")

Counts = Mapping[str, int]
"""Counts by the upper bound of a bin (`0.05` .. `1.0`), or by response code."""


@dataclass(frozen=True, slots=True)
class Period:
    """The counts of a period.

    Attributes:
        measures: by name, such as `compare.verification_score` or `compare.code`.
        models: digest of the models that made them; None if unknown.
    """

    measures: Mapping[str, Counts]
    models: str | None = None

    @property
    def is_sound(self) -> bool:
        """Whether names, bins and counts are of those that there are."""
        return all(
            _NAME.fullmatch(name) is not None
            and all(type(count) is int and 0 <= count <= _MOST for count in counts.values())
            and all(_CODE.fullmatch(key) is not None if name.endswith(".code") else key in bounds() for key in counts)
            for name, counts in self.measures.items()
        )

    def minus(self, earlier: Period) -> Period:
        """Return the counts since an earlier scrape of the same service.

        Raises:
            PeriodError: something was counted down: the service was started anew meanwhile.
        """
        since = {}
        for name, counts in self.measures.items():
            before = earlier.measures.get(name, {})
            left = {key: count - before.get(key, 0) for key, count in counts.items()}
            if any(count < 0 for count in left.values()) or not before.keys() <= left.keys():
                raise PeriodError(
                    "the service was started anew between the two scrapes, and began to count from zero",
                    remedy="leave --since out: all was counted since that start",
                )
            since[name] = left
        return Period(since, self.models)

    def plus(self, other: Period) -> Period:
        """The counts of both."""
        names = dict.fromkeys([*self.measures, *other.measures])
        both = {name: add(self.measures.get(name, {}), other.measures.get(name, {})) for name in names}
        return Period(both, self.models or other.models)

    def dump(self) -> str:
        """The text of a reference file, which `parse_period` reads back."""
        body = {"senseid_drift_reference": FORMAT, "models": self.models, "measures": self.measures}
        return json.dumps(body, indent=1) + "\n"


def add(some: Counts, more: Counts) -> Counts:
    """The sums of both."""
    return {key: some.get(key, 0) + more.get(key, 0) for key in dict.fromkeys([*some, *more])}


def bounds() -> tuple[str, ...]:
    """The names of the bins of a histogram, in order."""
    return tuple(str(round(step / BINS, 2)) for step in range(1, BINS + 1))


def bin_of(value: float) -> str:
    """The bin of a value in [0, 1]."""
    return next((bound for bound in bounds() if value <= float(bound)), bounds()[-1])


def parse_period(path: Path, text: str) -> Period:
    """Read a reference file.

    Raises:
        PeriodError: it is not one of this format.
    """
    refused = PeriodError(f"{path} is not a reference of this senseid", remedy="make it with --save")
    try:
        table = json.loads(text)
        known, models = table["senseid_drift_reference"] == FORMAT, table["models"]
        period = Period({name: dict(counts.items()) for name, counts in table["measures"].items()}, models)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise refused from None
    if not (known and period.is_sound and (models is None or isinstance(models, str))):
        raise refused
    return period
