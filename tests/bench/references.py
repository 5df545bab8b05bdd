"""`python -m tests.bench.references --embeddings FILE [--json FILE]`: is a score against several photos worth as much?

The embeddings of `tests.bench.accuracy`, of the same FILE. Of everybody in a group who has enough photos, N of them
together are compared with every other photo of the group, and with the person's own left ones. The false-match rate at
0.6 and 0.7 is judged with curves that were fitted on other people (half of them, twenty times), beside that of single
photos of the same people; the false-non-match rate stands beside that of each of the N photos alone against the same
photo.

What is chosen is the power of the length of the mean embedding by which the mean similarity is divided (one half, see
`senseid_engine/references.py`). It is tried on halves of the people: the largest power at which no number of photos
lets more strangers through than one photo does, told by one half and judged by the other.

Whether a photo of somebody else among the references is found is measured as well, and how often right ones are
refused.
"""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.recipes.recognition.encode import load_or_encode, open_engine
from models.recipes.recognition.fit import ANYBODY, GROUP_SCORES, measure_held_out
from models.recipes.recognition.groups import FITTED, JUDGED, pairs_of
from models.recipes.recognition.people import corrected, numbered
from senseid_engine.calibration.pairs import PairScores
from senseid_engine.engine import read_curve
from senseid_engine.errors import DifferentPeopleError
from senseid_engine.recognition import Recognition
from senseid_engine.references import References
from senseid_engine.template import Template
from senseid_models.registry import Registry
from tests.bench.accuracy import MOST_OVER, promised
from tests.bench.report import Promise, Report, at_least, at_most, parser_of, run, test_data
from tests.bench.sexes import told

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy.typing as npt

    from models.recipes.recognition.encode import Encoded
    from models.recipes.recognition.people import LabelledPhoto
    from senseid_engine.curve import ScoreCurve

    Floats = npt.NDArray[np.float32]
    Ints = npt.NDArray[np.int64]

NAME = "references"
COUNTS = (2, 3, 5, 10)
CHOSEN_BY = (2, 3, 5)
"""With more photos there are too few people to halve."""
SETS = 8
SETS_OF_ANYBODY = {2: 1, 3: 2}
"""How many sets of that many photos are drawn of one person at most; fewer where there are millions of pairs anyway."""
MOST_OWN = 8
"""How many of a person's left photos a set is compared with at most: those who have hundreds are not everybody."""
LEAST_PAIRS = 3_000
"""From how many pairs on a group is told: of 3,000, three are promised to reach 0.6."""
LEAST_PEOPLE = 10
"""From how many people with that many photos on a group is told: they are halved."""
LEAST_JUDGED = 10_000
"""From how many pairs on a promise is judged: of 10,000, one is promised to reach 0.7."""
LEAST_OWN = 200
"""From how many comparisons of one person on their false-non-match rate is told."""
POWERS = tuple(np.arange(0, 1.01, 0.05).round(2).tolist())
SHIPPED_POWER = 0.5
HALVINGS = 10
MOST_FNMR = {2: 0.025, 3: 0.015, 5: 0.012, 10: 0.012}
MOST_RIGHT_REFUSED = 0.01
LEAST_WRONG_FOUND = 0.99
MOST_OVER_ELSEWHERE = 3.0
JUDGED_AT = 0.7
FNMR_SCORES = (0.5, 0.6, 0.7, 0.8)


@dataclass(frozen=True, slots=True)
class Sets:
    """Sets of photos of one person, all of one size, and what they were compared with.

    Attributes:
        rows: int64 (sets, photos), rows of the embeddings.
        mean: of each set with all photos of other people of the group, the mean of the similarities.
        length: float32 (pairs,), the length of the mean embedding of the set, for the same pairs.
        single: the same pairs with the first photo of each set alone.
        own: float32 (comparisons,), similarities with left photos of the same person.
        own_single: float32 (comparisons, photos), of each photo of the set alone with the same left photos.
    """

    rows: Ints
    mean: PairScores
    length: Floats
    single: PairScores
    own: Floats
    own_single: Floats

    @property
    def people(self) -> int:
        """How many people have such sets."""
        return len(np.unique(self.mean.first))

    def strangers(self, power: float = SHIPPED_POWER) -> PairScores:
        """The pairs with strangers, the mean similarity divided by a power of the length."""
        return replace(self.mean, z=self.mean.z / self.length**power)


@dataclass(frozen=True, slots=True)
class Mixed:
    """What became of sets with and without a photo of somebody else.

    Attributes:
        count: photos of each set.
        right_refused: share of the sets of one person that are refused.
        wrong_found: share of those with a photo of somebody else of the same sex that are refused, in [0, 1].
        wrong_named: share of the refused among them whose photo of somebody else is the one that is named.
        tried: how many sets had such a photo.
    """

    count: int
    right_refused: float
    wrong_found: float
    wrong_named: float
    tried: int


def measure(embeddings: Path | None) -> Report:
    """Compare, and measure."""
    data, registry = test_data(), Registry.builtin()
    curve = read_curve(registry.asset(Recognition.load(registry).curve))
    encoded = load_or_encode(embeddings, data, open_engine())
    photos = corrected(encoded.photos)
    person = numbered(photos)
    groups = _groups(encoded, photos, person)
    found: dict[tuple[str, int], Sets] = {}
    for name, parts in groups.items():
        for count in COUNTS:
            most = SETS_OF_ANYBODY.get(count, SETS) if name == ANYBODY else SETS
            sets = _compare(encoded, person, parts, count, most)
            if sets is not None and sets.people >= LEAST_PEOPLE and len(sets.length) >= LEAST_PAIRS:
                found[name, count] = sets
    fitted = {name: pairs_of(encoded, photos, name) for name in FITTED}
    people = int(person.max()) + 1
    rates = _held_out(found, fitted, people, curve)
    chosen = _choose(found, people, curve)
    mixed = [_mix(encoded, person, groups, count, curve) for count in COUNTS]
    return Report(
        title="several photos of one person against one",
        counts=f"{len(found)} groups and numbers of photos with at least {LEAST_PAIRS} pairs of strangers",
        rows=(),
        promises=tuple(_promises(found, rates, curve, mixed)),
        notes=tuple(_notes(found, rates, curve, chosen, mixed)),
    )


def _groups(encoded: Encoded, photos: Sequence[LabelledPhoto], person: npt.NDArray[np.int32]) -> dict[str, list[Ints]]:
    """Rows of the embeddings of each group, in the parts within which strangers are compared."""
    groups: dict[str, list[Ints]] = {}
    for name, group in (FITTED | JUDGED).items():
        parts: dict[str, list[int]] = {}
        for row, (photo, covering) in enumerate(zip(photos, encoded.covering.tolist(), strict=True)):
            value = group.within(photo) if group.belongs(photo, covering) else None
            if value is not None:
                parts.setdefault(value, []).append(row)
        groups[name] = [np.array(rows) for rows in parts.values()]
    anybody = np.concatenate(groups[ANYBODY])
    return groups | {name: [anybody[chosen[person[anybody]]]] for name, chosen in told(photos).items()}


def _draw(person: npt.NDArray[np.int32], rows: Ints, count: int, most: int) -> Ints:
    """Sets of that many photos of one person, at most so many of each: int64 (sets, photos)."""
    rng = np.random.default_rng(count)
    sets: list[tuple[int, ...]] = []
    for each in np.unique(person[rows]):
        own = rows[person[rows] == each]
        if len(own) >= count:
            drawn: dict[tuple[int, ...], None] = {}
            while len(drawn) < min(most, math.comb(len(own), count)):
                drawn[tuple(sorted(rng.choice(own, count, replace=False).tolist()))] = None
            sets += drawn
    return np.array(sets, np.int64).reshape(-1, count)


def _compare(
    encoded: Encoded, person: npt.NDArray[np.int32], parts: Sequence[Ints], count: int, most: int
) -> Sets | None:
    embeddings = encoded.embeddings
    found: list[tuple[Any, ...]] = []
    own: list[tuple[Any, ...]] = []
    every: list[Ints] = []
    rng = np.random.default_rng(count)
    for rows in parts:
        every.append(_draw(person, rows, count, most))
        for drawn in every[-1]:
            them = person[drawn[0]]
            others = rows[person[rows] != them]
            mean = embeddings[drawn].mean(axis=0)
            length = np.linalg.norm(mean)
            alike, alone = embeddings[others] @ mean, embeddings[others] @ embeddings[drawn[0]]
            first, second = np.broadcast_arrays(them, person[others])
            found.append((alike, np.full(len(others), length, np.float32), alone, first, second))
            left = rng.permutation(np.setdiff1d(rows[person[rows] == them], drawn))[:MOST_OWN]
            own.append((embeddings[left] @ mean / length**SHIPPED_POWER, embeddings[left] @ embeddings[drawn].T))
    if not found:
        return None
    z, lengths, single, first, second = (np.concatenate(column) for column in zip(*found, strict=True))
    return Sets(
        rows=np.concatenate(every),
        mean=PairScores(z, first, second),
        length=lengths,
        single=PairScores(single, first, second),
        own=np.concatenate([several for several, _ in own]),
        own_single=np.concatenate([each for _, each in own]),
    )


def _held_out(
    found: Mapping[tuple[str, int], Sets], fitted: Mapping[str, PairScores], people: int, curve: ScoreCurve
) -> dict[tuple[str, int], dict[str, list[float]]]:
    """FMR over the promise at `GROUP_SCORES`, with curves fitted on other people: of one photo, and of several."""
    kinds = {(key, kind): f"{key} {kind}" for key in found for kind in ("one", "several")}
    pairs = {
        label: found[key].single if kind == "one" else found[key].strangers() for (key, kind), label in kinds.items()
    }
    rates = measure_held_out({**fitted, **pairs}, people, curve)
    return {
        key: {
            kind: [
                rate.mean / promised(score) for score, rate in zip(GROUP_SCORES, rates[kinds[key, kind]], strict=True)
            ]
            for kind in ("one", "several")
        }
        for key in found
    }


def _choose(found: Mapping[tuple[str, int], Sets], people: int, curve: ScoreCurve) -> list[tuple[float, float]]:
    """The power that each half of LFW's people would choose, and what it costs the other half.

    Returns:
        For each half the largest power at which no number of photos lets more strangers reach 0.6 than one photo does,
        and the most strangers that reach it with that power in the other half, as a multiple of those with one photo.
    """
    limit = curve.similarity_at(GROUP_SCORES[0])
    near = []
    for count in CHOSEN_BY:
        sets = found[ANYBODY, count]
        # What does not reach it by the highest power reaches it by none.
        kept = np.maximum(sets.mean.z / sets.length, sets.single.z) >= limit
        columns = (sets.mean.z, sets.length, sets.single.z, sets.mean.first, sets.mean.second)
        near.append(tuple(column[kept] for column in columns))

    def worst(power: float, half: npt.NDArray[np.bool_]) -> float:
        ratios = []
        for z, length, single, first, second in near:
            inside = half[first] & half[second]
            several = np.count_nonzero(z[inside] / length[inside] ** power >= limit)
            ratios.append(several / np.count_nonzero(single[inside] >= limit))
        return float(max(ratios))

    rng = np.random.default_rng(0)
    chosen = []
    for _ in range(HALVINGS):
        half = rng.permutation(people) < people // 2
        for told_by, judged_by in ((half, ~half), (~half, half)):
            power = max((power for power in POWERS if worst(power, told_by) <= 1), default=0.0)
            chosen.append((power, worst(power, judged_by)))
    return chosen


def _mix(
    encoded: Encoded, person: npt.NDArray[np.int32], groups: Mapping[str, list[Ints]], count: int, curve: ScoreCurve
) -> Mixed:
    """Check sets of one person, and the same with somebody else of the same sex in a random place."""
    templates = [Template(embedding) for embedding in encoded.embeddings]
    names = [str(place) for place in range(count)]
    rng = np.random.default_rng(count)

    def refused(rows: Ints) -> str | None:
        try:
            References.of([templates[row] for row in rows], names, curve)
        except DifferentPeopleError as error:
            return error.name
        return None

    right = [refused(rows) for rows in _draw(person, groups[ANYBODY][0], count, 1)]
    wrong = []
    for name in ("women of LFW", "men of LFW"):
        (rows,) = groups[name]
        for drawn in _draw(person, rows, count, SETS):
            place = int(rng.integers(count))
            drawn[place] = rng.choice(rows[person[rows] != person[drawn[0]]])
            wrong.append((refused(drawn), names[place]))
    caught = [named == place for named, place in wrong if named is not None]
    return Mixed(
        count,
        float(np.mean([name is not None for name in right])),
        len(caught) / len(wrong),
        float(np.mean(caught)),
        len(wrong),
    )


def _promises(
    found: Mapping[tuple[str, int], Sets],
    rates: Mapping[tuple[str, int], Mapping[str, Sequence[float]]],
    curve: ScoreCurve,
    mixed: Sequence[Mixed],
) -> Iterator[Promise]:
    for (name, count), sets in found.items():
        if len(sets.length) < LEAST_JUDGED:
            continue
        most = MOST_OVER.get(name, MOST_OVER_ELSEWHERE)
        for score, over in zip(GROUP_SCORES, rates[name, count]["several"], strict=True):
            yield at_most(f"FMR over the promise at {score}, {name}, {count} photos", over, most)
    for count in COUNTS:
        fnmr = float(np.mean(found[ANYBODY, count].own < curve.similarity_at(JUDGED_AT)))
        yield at_most(f"FNMR at {JUDGED_AT}, {count} photos", fnmr, MOST_FNMR[count])
    for one in mixed:
        yield at_most(f"sets of one person that are refused, {one.count} photos", one.right_refused, MOST_RIGHT_REFUSED)
        yield at_least(
            f"sets with somebody else of the same sex that are refused, {one.count} photos",
            one.wrong_found,
            LEAST_WRONG_FOUND,
        )


def _notes(
    found: Mapping[tuple[str, int], Sets],
    rates: Mapping[tuple[str, int], Mapping[str, Sequence[float]]],
    curve: ScoreCurve,
    chosen: Sequence[tuple[float, float]],
    mixed: Sequence[Mixed],
) -> Iterator[str]:
    for (name, count), sets in found.items():
        over = "; ".join(
            f"{score}: {several:.3g} (one photo {one:.3g})"
            for score, one, several in zip(GROUP_SCORES, *rates[name, count].values(), strict=True)
        )
        text = f"{name}, {count} photos ({len(sets.rows)} sets, {len(sets.length)} pairs): FMR over the promise {over}"
        if len(sets.own) >= LEAST_OWN:
            limits = [curve.similarity_at(score) for score in FNMR_SCORES]
            fnmr = "; ".join(
                f"{score}: {np.mean(sets.own < z):.4f} (one photo {np.mean(sets.own_single < z):.4f})"
                for score, z in zip(FNMR_SCORES, limits, strict=True)
            )
            text += f"; FNMR of {len(sets.own)} {fnmr}"
        yield text
    powers, costs = zip(*chosen, strict=True)
    yield (
        f"powers that halves of LFW's people choose: {min(powers):g} to {max(powers):g}; strangers at"
        f" {GROUP_SCORES[0]} on the other half, times those of one photo: {min(costs):.2f} to {max(costs):.2f}"
    )
    for one in mixed:
        yield (
            f"{one.count} photos: {one.right_refused:.4f} of the right sets refused; with somebody else of the same sex"
            f" ({one.tried}) {one.wrong_found:.4f} refused, who it is named right in {one.wrong_named:.4f}"
        )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Several photos of one person as one reference, beside one photo.")
    parser.add_argument("--embeddings", type=Path, help="reuse the embeddings in this file, or write them there")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.embeddings), words.json)


if __name__ == "__main__":
    sys.exit(main())
