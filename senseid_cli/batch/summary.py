"""The content of a report, collected from the records one by one: memory grows with the labelled scores only."""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from senseid.bodies import OK_CODE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

BINS = 50
SHOWN = 12
UNSURE = 0.5
"""The liveness score that tells least."""
LABEL = "same"
GROUP = "group"
MOST_REFUSED = 500
MOST_GROUPS = 500
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
class GroupTally:
    """The outcome of the rows of one group.

    Attributes:
        name: what its rows have in the column of groups.
        records: how many.
        refused: those without a result.
        genuine: pairs of the same person with a score.
        missed: those of them below the threshold.
        impostor: pairs of different people with a score.
        taken: those of them at or above the threshold.
    """

    name: str
    records: int = 0
    refused: int = 0
    genuine: int = 0
    missed: int = 0
    impostor: int = 0
    taken: int = 0

    @property
    def trouble(self) -> float:
        """The share of its rows that are refused or decided wrongly."""
        return (self.refused + self.missed + self.taken) / self.records


@dataclass(slots=True)
class Spread:
    """The values of one measure: how many, their sum, the least and the largest."""

    count: int = 0
    total: float = 0.0
    least: float = math.inf
    most: float = -math.inf

    def add(self, value: float) -> None:
        """Take one in."""
        self.count += 1
        self.total += value
        self.least, self.most = min(self.least, value), max(self.most, value)


@dataclass(slots=True)
class Summary:
    """A summary of the records of a run.

    Attributes:
        threshold: the score from which on it is a match.
        group: the column that names the group of a row, under whatever case.
        records: how many.
        refusals: how often each response code came, with its message, but for that of a result.
        yes: rows that match, or show a living person.
        scored: rows with a score.
        not_living: clips whose person is not living, and was not compared with the photo.
        liveness: whether the scores are those of liveness, which have a threshold of their own.
        bins: counts of scores in equal parts of 0..1: without a label, different people, the same person.
        genuine: the scores of pairs whose label says the same person.
        impostor: of those whose label says different people.
        refused: the first `MOST_REFUSED` rows without a result.
        groups: the rows by group, of the first `MOST_GROUPS` groups.
        measures: the quality of the largest face of each photo.
        near: the pairs next to the threshold.
        missed: the lowest genuine pairs.
        taken: the highest impostor pairs.
    """

    threshold: float
    group: str = GROUP
    records: int = 0
    refusals: dict[tuple[int, str], int] = field(default_factory=dict)
    yes: int = 0
    scored: int = 0
    not_living: int = 0
    liveness: bool = False
    bins: list[list[int]] = field(default_factory=lambda: [[0] * BINS for _ in range(3)])
    genuine: list[float] = field(default_factory=list)
    impostor: list[float] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)
    groups: dict[str, GroupTally] = field(default_factory=dict)
    measures: dict[str, Spread] = field(default_factory=dict)
    near: Extremes = field(default_factory=lambda: Extremes(SHOWN))
    missed: Extremes = field(default_factory=lambda: Extremes(SHOWN))
    taken: Extremes = field(default_factory=lambda: Extremes(SHOWN))

    def add(self, record: dict[str, Any]) -> None:
        """Take one record in."""
        self.records += 1
        group = self._group_of(record)
        if group is not None:
            group.records += 1
        code = record["code"]
        if code != OK_CODE:
            reason = (code, str(record.get("message") or ""))
            self.refusals[reason] = self.refusals.get(reason, 0) + 1
            if len(self.refused) < MOST_REFUSED:
                self.refused.append(record)
            if group is not None:
                group.refused += 1
            return
        if faces := record.get("faces"):
            self._measure(faces[0])
        score = record.get("verification_score", record.get("best_score"))
        if score is not None:
            self.yes += score >= self.threshold
            self._score(score, record, group)
        elif "match" in record:
            self.not_living += 1
        elif "liveness_score" in record:
            self.liveness = True
            self.yes += bool(record.get("passed"))
            self._score(record["liveness_score"], record, group)

    @property
    def labelled(self) -> bool:
        """Whether there are pairs of both kinds."""
        return bool(self.genuine and self.impostor)

    @property
    def results(self) -> int:
        """Rows with a result."""
        return self.records - sum(self.refusals.values())

    def worst_groups(self) -> list[GroupTally]:
        """The groups, that with the largest share of trouble first."""
        return sorted(self.groups.values(), key=lambda group: (-group.trouble, group.name))

    def _group_of(self, record: Mapping[str, Any]) -> GroupTally | None:
        name = next((record[column] for column in record if column.casefold() == self.group.casefold()), None)
        if name is None or name == "":
            return None
        if len(self.groups) < MOST_GROUPS:
            return self.groups.setdefault(str(name), GroupTally(str(name)))
        return self.groups.get(str(name))

    def _score(self, score: float, record: dict[str, Any], group: GroupTally | None) -> None:
        self.scored += 1
        same = label_of(record)
        self.bins[0 if same is None else 1 + same][min(int(score * BINS), BINS - 1)] += 1
        example = Example(score, record)
        self.near.take(-abs(score - (UNSURE if self.liveness else self.threshold)), example)
        if same:
            self.genuine.append(score)
            self.missed.take(-score, example)
        elif same is not None:
            self.impostor.append(score)
            self.taken.take(score, example)
        if group is not None and same is not None:
            group.genuine += same
            group.missed += same and score < self.threshold
            group.impostor += not same
            group.taken += not same and score >= self.threshold

    def _measure(self, face: Mapping[str, Any]) -> None:
        for name, value in face.items():
            if name == "rect":
                continue
            parts = value.items() if isinstance(value, dict) else [(name, value)]
            for part, number in parts:
                if isinstance(number, int | float):
                    self.measures.setdefault(part, Spread()).add(number)


def summarise(records: Iterable[dict[str, Any]], threshold: float, group: str = GROUP) -> Summary:
    """Take all records in."""
    summary = Summary(threshold, group)
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
