"""`python -m models.recipes.occlusion.synthesise FACES.npz EXAMPLES.npz`: from real faces to training examples.

A face is moved, changed, covered and photographed, and what is still visible of it is counted.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, get_args

import cv2
import numpy as np

from models.recipes.occlusion.canvas import Canvas, turned
from models.recipes.occlusion.faces import MARGIN, Columns, Faces, Part
from models.recipes.occlusion.harmless import HARMLESS
from models.recipes.occlusion.occluders import OCCLUDERS, Layer, Scene
from models.recipes.occlusion.photometry import colours, degraded, edge_of_photo
from senseid_engine import warp
from senseid_engine.quality.occlusion import REGIONS, SIDE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels

MAP = SIDE // 8
"""Side of the map of covered places, which the network learns to draw beside the shares."""

TRIES = 4
"""How often an edge of the photo is drawn before a chip stays without."""
UNCOVERED = 0.35
"""The share of examples without an occluder."""


class Example(NamedTuple):
    """One example.

    Attributes:
        chip: uint8 (SIDE, SIDE, 3), RGB.
        visible: float32 (4,), the visible share of each region, in the order of `REGIONS`.
        covered: float32 (MAP, MAP), the covered share of each place.
        occluder: what covers it, for the evaluation; empty where nothing does.
    """

    chip: Pixels
    visible: Floats
    covered: Floats
    occluder: str


def region_masks(points: Floats) -> Floats:
    """The regions of a face: float32 (4, SIDE, SIDE), 0..1."""
    return np.stack(
        [Canvas().polygon(cv2.convexHull(points[list(region)])[:, 0]).mask() for region in REGIONS.values()]
    )


def example(faces: Faces, index: int, rng: np.random.Generator, *, harsh: bool = True) -> Example:
    """Make an example of one of the faces.

    Args:
        faces: the faces.
        index: which one.
        rng: everything that is left to chance.
        harsh: photograph it badly, as is good to learn from; otherwise it is as sharp and as bright as its photo.
    """
    pixels, points = _moved(faces.pixels[index], faces.points[index], rng)
    scene = Scene(pixels, points, faces.pixels[rng.integers(len(faces))])
    for change, often in HARMLESS:
        if rng.random() < often:
            scene = replace(scene, pixels=change(scene, rng))
    covered = np.zeros((SIDE, SIDE), np.float32)
    occluder = ""
    if rng.random() >= UNCOVERED:
        occluder, layer = _occluder(scene, rng)
        scene, covered = _cover(scene, layer, covered, rng)
        if rng.random() < 0.12:
            also, layer = _occluder(scene, rng)
            scene, covered = _cover(scene, layer, covered, rng)
            occluder = f"{occluder}+{also}"
    inside, regions = np.ones((SIDE, SIDE), np.float32), region_masks(points)
    for _ in range(TRIES if harsh and rng.random() < 0.35 else 0):
        edge = edge_of_photo(rng)
        # What lies outside the photo is neither visible nor covered; a region must be left to speak of.
        if ((regions * edge).sum(axis=(1, 2)) > 0.7 * regions.sum(axis=(1, 2))).all():
            inside = edge
            break
    regions = regions * inside
    visible = 1 - (regions * covered).sum(axis=(1, 2)) / regions.sum(axis=(1, 2)).clip(1e-3)
    chip = scene.pixels.clip(0, 255).astype(np.uint8)
    if harsh:
        chip = degraded(colours(scene.pixels, rng) * inside[..., None], rng)
    return Example(
        chip=chip,
        visible=visible.clip(0, 1).astype(np.float32),
        covered=cv2.resize(covered * inside, (MAP, MAP), interpolation=cv2.INTER_AREA),
        occluder=occluder,
    )


@dataclass(frozen=True)
class Examples(Columns):
    """Many examples.

    Attributes:
        chips: uint8 (n, SIDE, SIDE, 3), RGB.
        visible: float32 (n, 4).
        covered: float32 (n, MAP, MAP).
        occluders: (n,) what covers each.
        names: (n,) of the photo that each was made from.
    """

    chips: Pixels
    visible: Floats
    covered: Floats
    occluders: np.ndarray
    names: np.ndarray

    @classmethod
    def joined(cls, parts: Sequence[Examples]) -> Examples:
        """All examples of the parts, in their order."""
        columns = ([getattr(part, field.name) for part in parts] for field in fields(cls))
        return cls(*(np.concatenate(column) for column in columns))


def examples(faces: Faces, count: int, seed: int, *, harsh: bool = True) -> Examples:
    """Make `count` examples of these faces; example i depends on the seed and on i alone."""
    made = []
    for number in range(count):
        if number % 1000 == 0:
            print(f"{number} of {count} examples", flush=True)
        made.append(example(faces, number % len(faces), np.random.default_rng([seed, number]), harsh=harsh))
    columns = (np.array(column) for column in zip(*made, strict=True))
    return Examples(*columns, faces.names[np.arange(count) % len(faces)])


def _occluder(scene: Scene, rng: np.random.Generator) -> tuple[str, Layer]:
    chances = np.array([often for _, often in OCCLUDERS])
    make = OCCLUDERS[rng.choice(len(OCCLUDERS), p=chances / chances.sum())][0]
    return make.__name__, make(scene, rng)


def _cover(scene: Scene, layer: Layer, covered: Floats, rng: np.random.Generator) -> tuple[Scene, Floats]:
    pixels = scene.pixels
    if rng.random() < 0.5:  # it throws a soft shadow on the face
        sigma, dx, dy = rng.uniform(1, 4), rng.normal(0, 2), rng.uniform(-1, 3)
        moved = cv2.warpAffine(layer.opacity, np.array([[1, 0, dx], [0, 1, dy]]), (SIDE, SIDE))
        pixels = pixels * (1 - rng.uniform(0.1, 0.5) * cv2.GaussianBlur(moved, (0, 0), sigma))[..., None]
    colour = layer.colour
    if rng.random() < 0.7:  # in the light of the photo
        light = np.clip(scene.skin().mean() / 150, 0.25, 1.25)
        colour = colour * (1 + rng.random() * (light - 1))
    share = layer.opacity[..., None]
    return replace(scene, pixels=(pixels * (1 - share) + np.clip(colour, 0, 255) * share).astype(np.float32)), (
        np.maximum(covered, layer.covers)
    )


def _moved(wide: Pixels, mesh: Floats, rng: np.random.Generator) -> tuple[Floats, Floats]:
    """Cut the chip out a little off, as landmarks of a covered face are."""
    middle = SIDE / 2
    loose = 2.0 if rng.random() < 0.25 else 1.0
    linear = turned(np.eye(2), rng.normal(0, 3.5 * loose)).T * np.exp(rng.normal(0, 0.05 * loose))
    linear = linear @ np.diag([1, np.exp(rng.normal(0, 0.04))])
    offset = middle + rng.normal(0, 1.8 * loose, 2) - linear @ np.array([middle + MARGIN, middle + MARGIN])
    matrix = np.column_stack([linear, offset])
    return warp.warp(wide, matrix, SIDE).astype(np.float32), warp.apply(matrix, mesh)


def main() -> None:
    """Make the examples; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.occlusion.synthesise", description=__doc__)
    parser.add_argument("faces", type=Path)
    parser.add_argument("out", type=Path, help="the .npz file to write")
    parser.add_argument("--part", choices=get_args(Part), default="train", help="of whose faces")
    parser.add_argument("--count", type=int, default=40_000)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    cv2.setNumThreads(1)
    examples(Faces.load(words.faces).of(words.part), words.count, words.seed).save(words.out)


if __name__ == "__main__":
    main()
