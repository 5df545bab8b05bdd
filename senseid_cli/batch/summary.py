"""The content of a report, collected from the records one by one: memory grows with the labelled scores only."""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from senseid.bodies import OK_CODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BINS = 50
SHOWN = 12
SCORES = ("verification_score", "best_score", "liveness_score")
LABEL = "same"
_YES = frozenset({"1", "true"})
_NO = frozenset({"0", "false"})


@dataclass(frozen=True, slots=True)
class Example:
    """One pair that is shown with its photos.

    Attributes:
        score: its score.
        record: the whole record.
    """

    score: float
    record: dict[str, Any]


class Extremes:
    """The few records that come first by a key; of equals, those that were seen first."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._seen = 0
        self._heap: list[tuple[float, int, Example]] = []

    def take(self, key: float, example: Example) -> None:
        """Look at one: the higher the key, the sooner it is shown."""
        self._seen += 1
        entry = (key, -self._seen, example)
        if len(self._heap) < self._count:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            heapq.heapreplace(self._heap, entry)

    def ranked(self) -> list[Example]:
        """The examples, the first first."""
        return [example for _, _, example in sorted(self._heap, reverse=True)]


@dataclass(slots=True)
class Summary:
    """A summary of the records of a run.

    Attributes:
        threshold: the score from which on it is a match.
        records: how many.
        codes: how often each response code came.
        bins: counts of scores in equal parts of 0..1: without a label, different people, the same person.
        genuine: the scores of pairs whose label says the same person.
        impostor: of those whose label says different people.
        near: the pairs next to the threshold.
        missed: the lowest genuine pairs.
        taken: the highest impostor pairs.
    """

    threshold: float
    records: int = 0
    codes: dict[int, int] = field(default_factory=dict)
    bins: list[list[int]] = field(default_factory=lambda: [[0] * BINS for _ in range(3)])
    genuine: list[float] = field(default_factory=list)
    impostor: list[float] = field(default_factory=list)
    near: Extremes = field(default_factory=lambda: Extremes(SHOWN))
    missed: Extremes = field(default_factory=lambda: Extremes(SHOWN))
    taken: Extremes = field(default_factory=lambda: Extremes(SHOWN))

    def add(self, record: dict[str, Any]) -> None:
        """Take one record in."""
        self.records += 1
        code = record["code"]
        self.codes[code] = self.codes.get(code, 0) + 1
        score = next((record[name] for name in SCORES if name in record), None)
        if code != OK_CODE or score is None:
            return
        same = label_of(record)
        self.bins[0 if same is None else 1 + same][min(int(score * BINS), BINS - 1)] += 1
        example = Example(score, record)
        self.near.take(-abs(score - self.threshold), example)
        if same:
            self.genuine.append(score)
            self.missed.take(-score, example)
        elif same is not None:
            self.impostor.append(score)
            self.taken.take(score, example)

    @property
    def labelled(self) -> bool:
        """Whether there are pairs of both kinds."""
        return bool(self.genuine and self.impostor)


def summarise(records: Iterable[dict[str, Any]], threshold: float) -> Summary:
    """Take all records in."""
    summary = Summary(threshold)
    for record in records:
        summary.add(record)
    return summary


def label_of(record: Mapping[str, Any]) -> bool | None:
    """Return the label in the column `same` of the manifest; None if there is none."""
    text = str(record.get(LABEL, "")).strip().lower()
    return True if text in _YES else False if text in _NO else None


def det_points(genuine: Iterable[float], impostor: Iterable[float]) -> list[tuple[float, float, float]]:
    """Threshold, false-match rate and false-non-match rate wherever one of them changes, from the lowest threshold."""
    import numpy as np

    same, other = np.sort(np.fromiter(genuine, np.float64)), np.sort(np.fromiter(impostor, np.float64))
    thresholds = np.unique(np.concatenate([same, other]))
    fmr = 1 - np.searchsorted(other, thresholds, side="left") / len(other)
    fnmr = np.searchsorted(same, thresholds, side="left") / len(same)
    return list(zip(thresholds.tolist(), fmr.tolist(), fnmr.tolist(), strict=True))
