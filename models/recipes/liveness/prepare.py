"""`python -m models.recipes.liveness.prepare STILLS LFW FEATURES.npz`: what the network tells of every still.

STILLS is the unpacked set of labelled stills (`labels.csv` with name, label, group, source); LFW the folder with one
sub-folder a person, of whose first photos bona fide faces of a further kind are taken. From bona fide faces of every
source, recaptures are simulated: a source that came with fewer attacks, or none, would teach that source instead.

No face is kept, but its features and its place in the set are: personal data, made for the training and deleted after.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.efficientnet_lite import FEATURES, VIEWS
from models.recipes.licences import licences_of_this_run
from models.recipes.liveness import simulate
from senseid_engine.errors import NoFaceError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import decode_image, read_photo
from senseid_engine.liveness.attack import CHIP, open_network
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from senseid_engine.faces import Face
    from senseid_engine.session import Session

SEED = 0
LFW_PEOPLE = 2400
# At most so many of a group and label: what more there is tells nothing new. Of LFW all count.
MOST = 700
RECAPTURES = 8000
# Of which sources the recaptured faces are; within a source every group has as many.
SHARES = {"lfw": 0.30, "webcam-crops": 0.42, "dtruong": 0.10, "gc535": 0.10, "msu-mfsd": 0.08}
SCREENS = 0.55
"""The share of the recaptures that are from screens, the rest are from paper."""


@dataclass(frozen=True, slots=True)
class Still:
    """One labelled photo: its path, whether it shows an attack, its group, its source, and how often it is recaptured.

    The labels of gc535 are exchanged: they contradict every other source (docs/models/liveness.md).
    """

    path: Path
    attack: bool
    group: str
    source: str
    recaptures: float = 0.0


def read_stills(folder: Path) -> list[Still]:
    """The labelled stills, in the order of their list."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [
            Still(
                folder / row["name"],
                (row["label"] == "spoof") != (row["source"] == "gc535"),
                row["group"],
                row["source"],
            )
            for row in csv.DictReader(file)
        ]


def read_lfw(folder: Path) -> list[Still]:
    """One photo each of the first people of LFW."""
    people = sorted(path for path in folder.iterdir() if path.is_dir())[:LFW_PEOPLE]
    return [Still(min(person.glob("*.jpg")), attack=False, group="lfw", source="lfw") for person in people]


def thinned(stills: list[Still], rng: np.random.Generator) -> list[Still]:
    """At most `MOST` of a group and label, drawn at random, in the order that they came in."""
    kept: list[Still] = []
    seen: Counter[tuple[str, bool]] = Counter()
    for number in rng.permutation(len(stills)):
        still = stills[number]
        seen[still.group, still.attack] += 1
        if seen[still.group, still.attack] <= MOST:
            kept.append(still)
    return sorted(kept, key=lambda still: still.path)


def with_recaptures(stills: list[Still]) -> list[Still]:
    """Say how often each bona fide still is recaptured, on average."""
    bona_fide = [still for still in stills if not still.attack]
    size = Counter(still.group for still in bona_fide)
    groups = Counter(source for source, _ in {(still.source, still.group) for still in bona_fide})
    return [
        still
        if still.attack
        else Still(
            still.path,
            still.attack,
            still.group,
            still.source,
            RECAPTURES * SHARES[still.source] / groups[still.source] / size[still.group],
        )
        for still in stills
    ]


@cache
def _models() -> tuple[FaceFinder, Session]:
    """The models that find faces and tell textures, under a licence made for this run, once a process."""
    licences, registry = licences_of_this_run(), Registry.builtin()
    return FaceFinder.open(registry, licences, threads=1), open_network(registry, licences, threads=1)


def features_of(number: int, still: Still) -> np.ndarray:
    """The features, float16 (1 + recaptures, views, features), of a still and its recaptures; none without a face."""
    finder, network = _models()
    image = decode_image(read_photo(still.path), name=str(still.path))
    try:
        face = finder.find(image).faces[0]
    except NoFaceError:
        return np.zeros((0, len(VIEWS), FEATURES), np.float16)
    rng = np.random.default_rng([SEED, number])
    chips = [CHIP.chip(image.pixels, face)]
    for _ in range(rng.poisson(still.recaptures)):
        recapture = simulate.screen if rng.random() < SCREENS else simulate.paper
        chips.append(CHIP.chip(recapture(image.pixels, _place(face), rng), face))
    return np.concatenate([network.run(chip[None])[0] for chip in chips]).astype(np.float16)


def _place(face: Face) -> tuple[float, float, float]:
    x, y = (face.box[:2] + face.box[2:]) / 2
    return float(x), float(y), float((face.box[2:] - face.box[:2]).max())


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stills", type=Path)
    parser.add_argument("lfw", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    labelled = thinned(read_stills(arguments.stills), np.random.default_rng(SEED))
    stills = with_recaptures(labelled + read_lfw(arguments.lfw))
    with ProcessPoolExecutor() as pool:
        found = list(pool.map(features_of, range(len(stills)), stills, chunksize=50))
    counts = [len(features) for features in found]
    recaptured = np.concatenate([np.arange(count) > 0 for count in counts])
    print(f"{(~recaptured).sum()} of {len(stills)} stills with a face, {recaptured.sum()} recaptures")
    np.savez(
        arguments.output,
        features=np.concatenate(found),
        recaptured=recaptured,
        attack=np.repeat([still.attack for still in stills], counts) | recaptured,
        group=np.repeat([still.group for still in stills], counts),
        source=np.repeat([still.source for still in stills], counts),
    )


if __name__ == "__main__":
    main()
