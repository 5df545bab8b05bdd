"""Where a score curve comes from and what was measured with it, as its file tells it; docs/formats/score-curve.md."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from senseid_models.fields import Fields


@dataclass(frozen=True, slots=True)
class Interval:
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
        by_person: interval that knows that pairs share people.
    """

    events: int
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
    """What was measured at one score.

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
class Data:
    """A model or data file that the similarities were made with: its id in the registry and its SHA-256."""

    id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Provenance:
    """What a score curve was made from.

    Attributes:
        set_name: the labelled set, in the operator's words.
        made: the day, `YYYY-MM-DD` (UTC).
        photos: photos of the set that were compared.
        photos_without_face: photos of the set in which no face was found.
        photos_refused: photos of the set that could not be decoded.
        people: people with at least one photo that was compared.
        genuine_pairs: pairs of the same person. A pair with a photo that could not be compared is one of them.
        impostor_pairs: pairs of different people, both compared.
        seed: of everything random: groups of people for the own cohort, halves of people left out.
        own_cohort: number of groups of people where each pair was normalised by a cohort without its own people.
        models: the models whose embeddings were compared.
        cohort: the cohort, unless the set brought its own.
        rates: what was measured, by rising score.
        note: anything else worth knowing.
    """

    set_name: str
    made: str
    photos: int
    photos_without_face: int
    photos_refused: int
    people: int
    genuine_pairs: int
    impostor_pairs: int
    seed: int
    own_cohort: int | None
    models: tuple[Data, ...]
    cohort: Data | None
    rates: tuple[RateRow, ...]
    note: str | None

    def to_table(self) -> dict[str, Any]:
        """As a TOML table, which `read_provenance` reads back as an equal object."""
        table: dict[str, Any] = {
            "set": self.set_name,
            "made": self.made,
            "photos": self.photos,
            "photos_without_face": self.photos_without_face,
            "photos_refused": self.photos_refused,
            "people": self.people,
            "genuine_pairs": self.genuine_pairs,
            "impostor_pairs": self.impostor_pairs,
            "seed": self.seed,
        }
        if self.own_cohort is not None:
            table["own_cohort"] = self.own_cohort
        if self.note is not None:
            table["note"] = self.note
        if self.cohort is not None:
            table["cohort"] = _data_table(self.cohort)
        table["model"] = [_data_table(model) for model in self.models]
        table["rate"] = [_row_table(row) for row in self.rates]
        return table


def read_provenance(fields: Fields) -> Provenance:
    """Read the table that `Provenance.to_table` makes.

    Raises:
        FieldError: a field is missing or of the wrong form.
    """
    return Provenance(
        set_name=fields.text("set"),
        made=fields.text("made"),
        photos=fields.whole("photos"),
        photos_without_face=fields.whole("photos_without_face", at_least=0),
        photos_refused=fields.whole("photos_refused", at_least=0),
        people=fields.whole("people"),
        genuine_pairs=fields.whole("genuine_pairs"),
        impostor_pairs=fields.whole("impostor_pairs"),
        seed=fields.whole("seed", at_least=0),
        own_cohort=fields.whole("own_cohort", at_least=3) if fields.has("own_cohort") else None,
        models=fields.tables("model", _read_data),
        cohort=fields.table("cohort", _read_data) if fields.has("cohort") else None,
        rates=fields.tables("rate", _read_row),
        note=fields.text("note") if fields.has("note") else None,
    )


def _data_table(data: Data) -> dict[str, Any]:
    return {"id": data.id, "sha256": data.sha256}


def _read_data(fields: Fields) -> Data:
    return Data(id=fields.identifier("id"), sha256=fields.sha256("sha256"))


def _row_table(row: RateRow) -> dict[str, Any]:
    table: dict[str, Any] = {"score": row.score, "fmr": _rate_table(row.fmr), "fnmr": _rate_table(row.fnmr)}
    if row.held_out is not None:
        table["held_out"] = {"mean": row.held_out.mean, "lowest": row.held_out.lowest, "highest": row.held_out.highest}
    return table


def _read_row(fields: Fields) -> RateRow:
    return RateRow(
        score=fields.number("score"),
        fmr=fields.table("fmr", _read_rate),
        fnmr=fields.table("fnmr", _read_rate),
        held_out=fields.table("held_out", _read_held_out) if fields.has("held_out") else None,
    )


def _rate_table(rate: Rate) -> dict[str, Any]:
    return {
        "events": rate.events,
        "pairs": rate.pairs,
        "binomial": [rate.binomial.low, rate.binomial.high],
        "by_person": [rate.by_person.low, rate.by_person.high],
    }


def _read_rate(fields: Fields) -> Rate:
    return Rate(
        events=fields.whole("events", at_least=0),
        pairs=fields.whole("pairs"),
        binomial=Interval(*fields.numbers("binomial", 2)),
        by_person=Interval(*fields.numbers("by_person", 2)),
    )


def _read_held_out(fields: Fields) -> HeldOut:
    return HeldOut(mean=fields.number("mean"), lowest=fields.number("lowest"), highest=fields.number("highest"))
