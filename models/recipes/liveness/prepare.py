"""`python -m models.recipes.liveness.prepare STILLS MORE CLIPS LFW FEATURES.npz`: what the networks tell of stills.

STILLS is the unpacked set of labelled stills (`labels.csv` with name, label, group, source); MORE the unpacked set of
whole frames (`labels.csv` with file, label, source and the box of the face); CLIPS the frames of clips that `frames`
wrote; LFW the folder with one sub-folder a person, of whose first photos bona fide faces of a further kind are taken.
From bona fide faces of every source, recaptures are simulated: a source that came with fewer attacks, or none, would
teach that source instead.

No face is kept, but its features and its place in the set are: personal data, made for the training and deleted after.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.efficientnet_lite import LITE0, LITE2
from models.recipes.licences import licences_of_this_run
from models.recipes.liveness import simulate
from senseid_engine.errors import NoFaceError
from senseid_engine.finder import FaceFinder, models_of_kind
from senseid_engine.image import decode_image, read_photo
from senseid_engine.liveness.stills import FACE_CROPS, extract_features
from senseid_engine.liveness.track import overlap
from senseid_engine.session import open_sessions
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.faces import Face
    from senseid_engine.image import Image
    from senseid_engine.session import Session

SEED = 0
LFW_PEOPLE = 600
# At most so many of a group and label: what more there is tells nothing new. Of LFW all count.
MOST = 60
RECAPTURES = 2400
# Of which sources the recaptured faces are; within a source every group has as many.
SHARES = {
    "lfw": 0.23,
    "webcam-crops": 0.25,
    "dtruong": 0.10,
    "gc535": 0.07,
    "msu-mfsd": 0.02,
    "more": 0.20,
    "clips": 0.13,
}
LEAST_OVERLAP = 0.3
"""The least intersection over union of a face with the box of its label; a frame may show a second person."""
SCREENS = 0.75
"""The share of the recaptures that are from screens, the rest are from paper."""


@dataclass(frozen=True, slots=True)
class Still:
    """One labelled photo: its path, whether it shows an attack, its group, its source, and how often it is recaptured.

    The box is that of the labelled face: centre, width and height, as shares of the photo's; None for the largest face.
    A frame of a clip says which clip it is of.
    The labels of gc535 are exchanged: they contradict every other source (docs/models/liveness.md).
    """

    path: Path
    attack: bool
    group: str
    source: str
    recaptures: float = 0.0
    box: tuple[float, ...] | None = None
    clip: str = ""


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


def read_frames(folder: Path, source: str) -> list[Still]:
    """Whole frames, of `liveness-more` or of clips; the recordings of one maker are a group."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["file"].endswith(".mp4")]
    return [
        Still(
            folder / row["file"],
            row["label"] == "attack",
            f"{source}-{row['source']}",
            source,
            box=tuple(map(float, row["box"].split())) or None,
            clip=row["file"].split("_")[0] if source == "clips" else "",
        )
        for row in rows
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
        else replace(still, recaptures=RECAPTURES * SHARES[still.source] / groups[still.source] / size[still.group])
        for still in stills
    ]


@cache
def _models() -> tuple[FaceFinder, tuple[Session, ...]]:
    """The models that find faces and tell textures, under a licence made for this run, once a process."""
    licences, registry = licences_of_this_run(), Registry.builtin()
    networks = open_sessions(models_of_kind(registry, "liveness"), licences, threads=1)
    return FaceFinder.open(registry, licences, threads=1), networks


def features_of(number: int, still: Still) -> np.ndarray:
    """The features, float16 (1 + recaptures, looks, features), of a still and its recaptures; none without a face."""
    finder, networks = _models()
    image = decode_image(read_photo(still.path), name=str(still.path))
    none = np.zeros((0, len(FACE_CROPS) + 1, LITE0.features + LITE2.features + 1), np.float16)
    try:
        face = labelled(finder.find(image).faces, still, image)
    except NoFaceError:
        return none
    if face is None:
        return none
    rng = np.random.default_rng([SEED, number])
    photos = [image.pixels]
    for _ in range(rng.poisson(still.recaptures)):
        recapture = simulate.screen if rng.random() < SCREENS else simulate.paper
        photos.append(recapture(image.pixels, simulate.place_of(face.box), rng))
    return np.stack([extract_features(networks, pixels, face) for pixels in photos]).astype(np.float16)


def labelled(faces: Sequence[Face], still: Still, image: Image) -> Face | None:
    """The face that the label is about; None where it was not found."""
    if still.box is None:
        return faces[0]
    size = np.array([image.width, image.height])
    centre, half = np.array(still.box[:2]) * size, np.array(still.box[2:]) * size / 2
    box = np.concatenate([centre - half, centre + half])
    best = max(faces, key=lambda face: overlap(face.box, box))
    return best if overlap(best.box, box) >= LEAST_OVERLAP else None


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stills", type=Path)
    parser.add_argument("more", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("lfw", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    some = thinned(read_stills(arguments.stills), np.random.default_rng(SEED))
    whole = read_frames(arguments.more, "more") + read_frames(arguments.clips, "clips")
    stills = with_recaptures(some + whole + read_lfw(arguments.lfw))
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
        clip=np.repeat([still.clip for still in stills], counts),
    )


if __name__ == "__main__":
    main()
