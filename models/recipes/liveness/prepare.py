"""`python -m models.recipes.liveness.prepare STILLS MORE CLIPS LFW FEATURES.npz`: features of stills, for `train`.

STILLS is the unpacked set of labelled stills (`labels.csv` with name, label, group, source); MORE the unpacked set of
whole frames (`labels.csv` with file, label, source and the box of the face); CLIPS the frames of clips that `frames`
wrote; LFW the folder with one sub-folder for each person, of whom the first photo is taken as bona fide. Recaptures are
simulated from bona fide faces of every source: if a source had fewer attacks, or none, the regressions would learn to
recognise that source instead.

FEATURES.npz holds, of n stills and recaptures, `features`, float16 (n, crops, features), and `attack`, `recaptured`,
`group`, `source` and `clip`, (n,). No picture is kept, but features and groups are personal data: delete the file after
training.
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
from models.recipes.liveness import recapture
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
MAX_PER_GROUP_AND_LABEL = 60
"""Of the labelled stills: more of the same recordings would add nothing new."""
RECAPTURES = 2400
"""The expected number of simulated recaptures."""
RECAPTURE_SHARES = {
    "lfw": 0.23,
    "webcam-crops": 0.25,
    "dtruong": 0.10,
    "gc535": 0.07,
    "msu-mfsd": 0.02,
    "more": 0.20,
    "clips": 0.13,
}
"""From which sources they are made; within a source every group has the same share."""
MIN_IOU = 0.3
"""The least intersection over union of a found face with the labelled box; a frame may show a second person."""
SCREEN_SHARE = 0.75
"""The share of the recaptures that are of screens; the others are of prints."""


@dataclass(frozen=True, slots=True)
class Still:
    """One labelled photo.

    Attributes:
        path: of the file.
        attack: whether it shows an attack.
        group: of people or scenes that are held out together.
        source: the data set that it comes from.
        recaptures: the expected number of recaptures made from it.
        box: of the labelled face: centre x and y, width and height, as shares of the photo's width and height; None for
            the largest face.
        clip: which clip it is a frame of, or "".
    """

    path: Path
    attack: bool
    group: str
    source: str
    recaptures: float = 0.0
    box: tuple[float, ...] | None = None
    clip: str = ""


def read_stills(folder: Path) -> list[Still]:
    """The labelled stills, in the order of `labels.csv`.

    The labels of gc535 are swapped: they contradict every other source (docs/models/liveness.md).
    """
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
    """Whole frames, of `liveness-more` or of clips; all recordings of one maker are a group."""
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
    """The first photo of each of the first `LFW_PEOPLE` people of LFW, by name."""
    people = sorted(path for path in folder.iterdir() if path.is_dir())[:LFW_PEOPLE]
    return [Still(min(person.glob("*.jpg")), attack=False, group="lfw", source="lfw") for person in people]


def subsampled(stills: list[Still], rng: np.random.Generator) -> list[Still]:
    """At most `MAX_PER_GROUP_AND_LABEL` stills of each group and label, drawn at random, sorted by path."""
    kept: list[Still] = []
    seen: Counter[tuple[str, bool]] = Counter()
    for index in rng.permutation(len(stills)):
        still = stills[index]
        seen[still.group, still.attack] += 1
        if seen[still.group, still.attack] <= MAX_PER_GROUP_AND_LABEL:
            kept.append(still)
    return sorted(kept, key=lambda still: still.path)


def with_recaptures(stills: list[Still]) -> list[Still]:
    """The stills with `recaptures` set: by `RECAPTURE_SHARES` for bona fide ones, 0 for attacks."""
    bona_fide = [still for still in stills if not still.attack]
    size = Counter(still.group for still in bona_fide)
    groups = Counter(source for source, _ in {(still.source, still.group) for still in bona_fide})

    def expected(still: Still) -> float:
        return RECAPTURES * RECAPTURE_SHARES[still.source] / groups[still.source] / size[still.group]

    return [still if still.attack else replace(still, recaptures=expected(still)) for still in stills]


@cache
def _models() -> tuple[FaceFinder, tuple[Session, ...]]:
    """The models that find faces and describe them, under a licence made for this run, once a process."""
    licences, registry = licences_of_this_run(), Registry.builtin()
    networks = open_sessions(models_of_kind(registry, "liveness"), licences, threads=1)
    return FaceFinder.open(registry, licences, threads=1), networks


def features_of(number: int, still: Still) -> np.ndarray:
    """The features of a still and of simulated recaptures of it.

    Args:
        number: of the still; it seeds the random generator.
        still: the still.

    Returns:
        float16 (1 + recaptures, crops, features), crops and features as `extract_features` gives them; (0, crops,
        features) if no face is found.
    """
    finder, networks = _models()
    image = decode_image(read_photo(still.path), name=str(still.path))
    none = np.zeros((0, len(FACE_CROPS) + 1, LITE0.features + LITE2.features + 1), np.float16)
    try:
        face = labelled_face(finder.find(image).faces, still, image)
    except NoFaceError:
        return none
    if face is None:
        return none
    rng = np.random.default_rng([SEED, number])
    photos = [image.pixels]
    for _ in range(rng.poisson(still.recaptures)):
        imitated = recapture.imitated_screen if rng.random() < SCREEN_SHARE else recapture.imitated_print
        photos.append(imitated(image.pixels, recapture.centre_and_side(face.box), rng))
    return np.stack([extract_features(networks, pixels, face) for pixels in photos]).astype(np.float16)


def labelled_face(faces: Sequence[Face], still: Still, image: Image) -> Face | None:
    """The face that overlaps the labelled box most, None if by less than `MIN_IOU`; the largest face without a box."""
    if still.box is None:
        return faces[0]
    size = np.array([image.width, image.height])
    centre, half = np.array(still.box[:2]) * size, np.array(still.box[2:]) * size / 2
    box = np.concatenate([centre - half, centre + half])
    best = max(faces, key=lambda face: overlap(face.box, box))
    return best if overlap(best.box, box) >= MIN_IOU else None


def main() -> None:
    """Write the features; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stills", type=Path)
    parser.add_argument("more", type=Path)
    parser.add_argument("clips", type=Path)
    parser.add_argument("lfw", type=Path)
    parser.add_argument("output", type=Path)
    arguments = parser.parse_args()
    cropped = subsampled(read_stills(arguments.stills), np.random.default_rng(SEED))
    whole = read_frames(arguments.more, "more") + read_frames(arguments.clips, "clips")
    stills = with_recaptures(cropped + whole + read_lfw(arguments.lfw))
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
