"""The origin of a score curve and its measurements, as in its file; docs/formats/score-curve.md."""

# Without `from __future__ import annotations`: `Fields.record` reads the types.
from dataclasses import dataclass, field
from typing import NamedTuple

from senseid_models.fields import Count, Identifier, Sha256


class Interval(NamedTuple):
    """A 95 % confidence interval, both ends in [0, 1]."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Rate:
    """A measured share of pairs.

    Attributes:
        events: pairs that were counted.
        pairs: pairs that there are, at least 1.
        binomial: interval as if all pairs were independent: too narrow, given because others report it.
        by_person: interval that accounts for pairs that share people.
    """

    events: Count
    pairs: int
    binomial: Interval
    by_person: Interval

    @property
    def value(self) -> float:
        """`events / pairs`, in [0, 1]."""
        return self.events / self.pairs


@dataclass(frozen=True, slots=True)
class HeldOut:
    """False-match rates on people whom the curve was not fitted on, over several random halves of the people.

    Attributes:
        mean: their mean.
        lowest: the least of them.
        highest: the largest of them.
    """

    mean: float
    lowest: float
    highest: float


@dataclass(frozen=True, slots=True)
class RateRow:
    """The measurements at one score.

    Attributes:
        score: the threshold, in (0, 1); decisions are `>=`.
        fmr: false-match rate of the pairs of different people that the curve was fitted on.
        fnmr: false-non-match rate of the pairs of the same person.
        held_out: false-match rate on other people, where the set is large enough to leave half of it out.
    """

    score: float
    fmr: Rate
    fnmr: Rate
    held_out: HeldOut | None


@dataclass(frozen=True, slots=True)
class ModelFile:
    """The model that the similarities were made with: its id in the registry and its SHA-256."""

    id: Identifier
    sha256: Sha256


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The measurements of strangers within a group of people at one score.

    Attributes:
        score: the threshold.
        events: pairs of different people that reach it.
        held_out: false-match rate with curves that were fitted on other people.
    """

    score: float
    events: Count
    held_out: HeldOut


@dataclass(frozen=True, slots=True)
class Group:
    """Strangers of a group of people.

    Attributes:
        name: what they have in common.
        fitted: whether half of them took part in each fit.
        people: how many people there are.
        pairs: pairs of photos of different ones.
        rows: the measurements, by rising score.
    """

    name: str
    fitted: bool
    people: int
    pairs: int
    rows: tuple[GroupRow, ...] = field(metadata={"key": "rate"})


@dataclass(frozen=True, slots=True)
class Provenance:
    """The origin of a score curve.

    Attributes:
        set_name: the labelled set, in the operator's words.
        made: the day, `YYYY-MM-DD` (UTC).
        photos: photos of the set that were compared.
        photos_without_face: photos of the set in which no face was found.
        photos_refused: photos of the set that could not be decoded.
        people: people with at least one photo that was compared.
        genuine_pairs: pairs of the same person. A pair with a photo that could not be compared is one of them.
        impostor_pairs: pairs of different people, both compared.
        seed: of everything random, such as halves of people left out.
        model: the model whose embeddings were compared.
        exponent: what the level that was counted is multiplied by: strangers who are alike reach a similarity at the
            rate of the set's strangers to this power. 1 where the set's own strangers are meant.
        rates: the measurements, by rising score.
        groups: the measurements within groups of people.
        note: anything else worth knowing.
    """

    set_name: str = field(metadata={"key": "set"})
    made: str
    photos: int
    photos_without_face: Count
    photos_refused: Count
    people: int
    genuine_pairs: int
    impostor_pairs: int
    seed: Count
    model: ModelFile
    rates: tuple[RateRow, ...] = field(metadata={"key": "rate"})
    note: str | None
    exponent: float = 1.0
    groups: tuple[Group, ...] = field(default=(), metadata={"key": "group"})
