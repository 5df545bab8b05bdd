"""The origin of a score curve and its measurements, as in its file; docs/formats/score-curve.md."""

from __future__ import annotations

from dataclasses import asdict, dataclass
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
        by_person: interval that accounts for pairs that share people.
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

    id: str
    sha256: str


@dataclass(frozen=True, slots=True)
class GroupRow:
    """The measurements of strangers within a group of people at one score.

    Attributes:
        score: the threshold.
        events: pairs of different people that reach it.
        held_out: false-match rate with curves that were fitted on other people.
    """

    score: float
    events: int
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
    rows: tuple[GroupRow, ...]


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

    set_name: str
    made: str
    photos: int
    photos_without_face: int
    photos_refused: int
    people: int
    genuine_pairs: int
    impostor_pairs: int
    seed: int
    model: ModelFile
    rates: tuple[RateRow, ...]
    note: str | None
    exponent: float = 1.0
    groups: tuple[Group, ...] = ()

    def to_table(self) -> dict[str, Any]:
        """Convert to a TOML table, which `read_provenance` reads back as an equal object."""
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
        if self.note is not None:
            table["note"] = self.note
        if self.exponent != 1:
            table["exponent"] = self.exponent
        table["model"] = {"id": self.model.id, "sha256": self.model.sha256}
        table["rate"] = [_row_table(row) for row in self.rates]
        if self.groups:
            table["group"] = [_group_table(group) for group in self.groups]
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
        model=fields.table("model", _read_model),
        rates=fields.tables("rate", _read_row),
        note=fields.text("note") if fields.has("note") else None,
        exponent=fields.number("exponent") if fields.has("exponent") else 1.0,
        groups=fields.tables("group", _read_group),
    )


def _read_model(fields: Fields) -> ModelFile:
    return ModelFile(id=fields.identifier("id"), sha256=fields.sha256("sha256"))


def _row_table(row: RateRow) -> dict[str, Any]:
    table: dict[str, Any] = {"score": row.score, "fmr": _rate_table(row.fmr), "fnmr": _rate_table(row.fnmr)}
    if row.held_out is not None:
        table["held_out"] = asdict(row.held_out)
    return table


def _group_table(group: Group) -> dict[str, Any]:
    rows = [{"score": row.score, "events": row.events, "held_out": asdict(row.held_out)} for row in group.rows]
    return {"name": group.name, "fitted": group.fitted, "people": group.people, "pairs": group.pairs, "rate": rows}


def _read_group(fields: Fields) -> Group:
    return Group(
        name=fields.text("name"),
        fitted=fields.flag("fitted"),
        people=fields.whole("people"),
        pairs=fields.whole("pairs"),
        rows=fields.tables("rate", _read_group_row),
    )


def _read_group_row(fields: Fields) -> GroupRow:
    return GroupRow(
        score=fields.number("score"),
        events=fields.whole("events", at_least=0),
        held_out=fields.table("held_out", _read_held_out),
    )


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
