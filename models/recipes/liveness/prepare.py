"""`python -m models.recipes.liveness.prepare STILLS LFW CACHE`: find the faces once and cut out what training sees.

STILLS is the unpacked set of labelled stills (`labels.csv` with name, label, group, source); LFW the folder with one
sub-folder a person, of whose first photos bona fide faces of a further kind are taken. The cache holds faces: personal
data, made for the training and deleted after it.
"""

from __future__ import annotations

import argparse
import csv
import math
import os
import tempfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from senseid_engine import warp
from senseid_engine.errors import NoFaceError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import Image, decode_image, read_photo
from senseid_licensing.context import context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_models.registry import Registry

# What is kept of a face: squares about its box in units of the box's larger side, wider than the network's, so that
# training can shift, turn and scale them.
TIGHT_CROP, TIGHT_SIDE = 1.6, 160
LOOSE_CROP, LOOSE_SIDE = 3.4, 136
LFW_PEOPLE = 2400


@dataclass(frozen=True, slots=True)
class Still:
    """One labelled photo: its path, whether it shows an attack, its group and its source."""

    path: Path
    attack: bool
    group: str
    source: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where a face lies: centre and side of its box in pixels, its roll in radians, and whether it was found."""

    centre: np.ndarray
    side: float
    roll: float
    found: bool


def open_finder() -> FaceFinder:
    """The models that find faces, under a licence made for this run."""
    with tempfile.TemporaryDirectory() as folder:
        store = LicenceStore(Path(folder))
        context = context_here(now=datetime.now(UTC), version="0")
        quickstart(store, context, licensee="recipe", entropy=os.urandom)
        return FaceFinder.open(Registry.builtin(), store.verify_all(context), threads=1)


def read_stills(folder: Path) -> list[Still]:
    """The labelled stills, in the order of their list."""
    with (folder / "labels.csv").open(encoding="utf-8", newline="") as file:
        return [
            Still(folder / row["name"], row["label"] == "spoof", row["group"], row["source"])
            for row in csv.DictReader(file)
        ]


def read_lfw(folder: Path) -> list[Still]:
    """One photo each of the first people of LFW."""
    people = sorted(path for path in folder.iterdir() if path.is_dir())[:LFW_PEOPLE]
    return [Still(min(person.glob("*.jpg")), attack=False, group="lfw", source="lfw") for person in people]


def locate(finder: FaceFinder, image: Image) -> Place:
    """The largest face; the middle of the photo where none is found, as in crops that hold hardly more than a face."""
    width, height = image.width, image.height
    try:
        face = finder.find(image).faces[0]
    except NoFaceError:
        return Place(np.array([width / 2, height / 2]), 0.9 * max(width, height), 0.0, found=False)
    box = face.box.astype(np.float64)
    return Place((box[:2] + box[2:]) / 2, float((box[2:] - box[:2]).max()), math.radians(face.roll), found=True)


def chips_of(pixels: np.ndarray, place: Place) -> tuple[np.ndarray, np.ndarray]:
    """The tight and the loose square of a face, uint8 RGB, black outside the photo."""
    return tuple(
        warp.warp(pixels, warp.square_crop(place.centre, crop * place.side, place.roll, side), side)
        for crop, side in ((TIGHT_CROP, TIGHT_SIDE), (LOOSE_CROP, LOOSE_SIDE))
    )


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stills", type=Path)
    parser.add_argument("lfw", type=Path)
    parser.add_argument("cache", type=Path)
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)

    stills = read_stills(arguments.stills) + read_lfw(arguments.lfw)
    finder = open_finder()
    tight = np.zeros((len(stills), TIGHT_SIDE, TIGHT_SIDE, 3), np.uint8)
    loose = np.zeros((len(stills), LOOSE_SIDE, LOOSE_SIDE, 3), np.uint8)
    places = []
    for i, still in enumerate(stills):
        image = decode_image(read_photo(still.path), name=str(still.path))
        place = locate(finder, image)
        tight[i], loose[i] = chips_of(image.pixels, place)
        places.append(place)
        if i % 1000 == 0:
            print(f"{i} of {len(stills)}", flush=True)
    np.save(arguments.cache / "tight.npy", tight)
    np.save(arguments.cache / "loose.npy", loose)
    np.savez(
        arguments.cache / "labels.npz",
        path=np.array([str(still.path) for still in stills]),
        attack=np.array([still.attack for still in stills]),
        group=np.array([still.group for still in stills]),
        source=np.array([still.source for still in stills]),
        centre=np.stack([place.centre for place in places]),
        side=np.array([place.side for place in places]),
        roll=np.array([place.roll for place in places]),
        found=np.array([place.found for place in places]),
    )
    print("not found:", sum(not place.found for place in places), "of", len(places))


if __name__ == "__main__":
    main()
