"""Cutting faces out."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.align import Alignment, CropAlignment, FivePointAlignment, MeshAlignment, SurroundingsCrop
from senseid_engine.faces import Face, face_of, find_faces
from senseid_engine.landmarks import FIVE_POINTS, LEFT_EYE, RIGHT_EYE
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from senseid_engine.encoder import Encoder
    from senseid_engine.finder import UprightPhoto
    from senseid_models.registry import Registry

SIDE = 100
PLACES = np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32)
FIVE = FivePointAlignment(PLACES, SIDE)
# The middle of each upper eyelid stands for its eye.
MESH = MeshAlignment((159, 386, 1, 61, 291), PLACES, SIDE)
CROP = CropAlignment(crop=1.25, side=SIDE)


def face_at(angle: float, scale: float, centre: tuple[float, float]) -> Face:
    """A face whose points are those of the template, moved."""
    points = np.zeros((468, 3), np.float32)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    for group, place in zip(FIVE_POINTS, PLACES, strict=True):
        points[list(group), :2] = scale * turn @ (place - 50) + centre
    for eye in (LEFT_EYE, RIGHT_EYE):
        # Corners of an eye lie on either side of its place.
        points[list(eye), :2] += np.outer([-6, 6], scale * turn @ [1, 0])
    half = 40 * scale
    box = np.array([centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half], np.float32)
    return face_of(box, 1.0, landmarks_of(points), 600, 500)


def drawn(face: Face) -> np.ndarray:
    """A photo with a bright dot at each place that the template asks for: eyes red, the others green."""
    y, x = np.indices((500, 600), dtype=np.float64)
    pixels = np.zeros((500, 600, 3))
    scale = float(face.box[2] - face.box[0]) / 80
    for at, channel in zip(face.points, (0, 0, 1, 1, 1), strict=True):
        dot = 250 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (1.5 * scale) ** 2))
        pixels[:, :, channel] += dot
    return pixels.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize("alignment", [FIVE, MESH], ids=["five points", "mesh"])
@pytest.mark.parametrize(
    ("angle", "scale", "centre"),
    [(0.0, 1.0, (300, 250)), (0.5, 1.4, (280.5, 260.25)), (-2.8, 2.2, (310, 240)), (1.3, 3.1, (300, 250))],
)
def test_the_points_of_the_face_come_to_lie_on_the_template(
    alignment: Alignment, angle: float, scale: float, centre: tuple[float, float]
) -> None:
    face = face_at(angle, scale, centre)
    chip = alignment.chip(drawn(face), face)
    assert chip.shape == (SIDE, SIDE, 3)
    assert chip.dtype == np.uint8
    v, u = np.indices((SIDE, SIDE))
    for place, channel in zip(PLACES, (0, 0, 1, 1, 1), strict=True):
        near = (np.abs(u - place[0]) < 8) & (np.abs(v - place[1]) < 8)
        dot = chip[:, :, channel] * near.astype(float)
        assert dot.max() > 200
        assert (dot * u).sum() / dot.sum() == pytest.approx(place[0], abs=0.1)
        assert (dot * v).sum() / dot.sum() == pytest.approx(place[1], abs=0.1)


def test_each_alignment_looks_at_its_own_points() -> None:
    face = face_at(0.3, 1.4, (300, 250))
    pixels = drawn(face)
    no_mesh = replace(face, landmarks=landmarks_of(np.zeros((468, 3), np.float32)))
    no_points = replace(face, points=np.zeros((5, 2), np.float32))
    np.testing.assert_array_equal(FIVE.chip(pixels, no_mesh), FIVE.chip(pixels, face))
    np.testing.assert_array_equal(MESH.chip(pixels, no_points), MESH.chip(pixels, face))


def test_points_of_another_shape_are_met_as_closely_as_a_similarity_can() -> None:
    face = face_at(0.0, 1.0, (300, 250))
    # The mouth of this face lies 5 units lower: a similarity can but move and grow it.
    points = face.points.copy()
    points[3:, 1] += 5
    chip = FIVE.chip(drawn(replace(face, points=points)), replace(face, points=points)).astype(float)
    v, u = np.indices((SIDE, SIDE))
    red, green = chip[:, :, 0], chip[:, :, 1]
    assert (red * u).sum() / red.sum() == pytest.approx((green * u).sum() / green.sum(), abs=0.1)
    # The places' centre is that of the points, and no dot is where it belongs.
    assert ((red + green) * v).sum() / (red + green).sum() == pytest.approx(60, abs=0.5)
    assert 35 < (red * v).sum() / red.sum() < 39.9


@pytest.mark.parametrize(("angle", "scale"), [(0.0, 1.0), (0.4, 2.0), (-0.7, 3.0)])
def test_a_crop_has_level_eyes_and_the_box_in_its_middle(angle: float, scale: float) -> None:
    face = face_at(angle, scale, (300, 250))
    assert face.roll == pytest.approx(math.degrees(angle), abs=1e-3)
    chip = CROP.chip(drawn(face), face)
    assert chip.shape == (SIDE, SIDE, 3)
    # The template's square of 100 units is 80 times 1.25 units: both alignments see the same.
    np.testing.assert_allclose(
        chip.astype(float).mean(axis=(0, 1)), FIVE.chip(drawn(face), face).mean(axis=(0, 1)), rtol=0.05
    )
    red = chip[:, :, 0].astype(float)
    v, u = np.indices((SIDE, SIDE))
    for half in (u < 50, u >= 50):
        assert (red * half * v).sum() / (red * half).sum() == pytest.approx(40, abs=0.3)


def test_the_longer_side_of_the_box_counts() -> None:
    face = face_at(0.0, 1.0, (300, 250))
    narrow = replace(face, box=np.array([280, 210, 320, 290], np.float32))
    np.testing.assert_array_equal(CROP.chip(drawn(face), narrow), CROP.chip(drawn(face), face))


def test_a_face_at_the_edge_has_black_outside() -> None:
    face = face_at(0.0, 1.0, (10, 250))
    white = np.full((500, 600, 3), 255, np.uint8)
    for alignment in (FIVE, MESH, CROP):
        chip = alignment.chip(white, face)
        assert not chip[:, :38].any()
        assert (chip[:, 42:] == 255).all()


def test_the_shipped_template_puts_real_faces_where_the_network_expects_them(
    registry: Registry, encoder: Encoder, found: dict[str, UprightPhoto]
) -> None:
    entry = registry.get("sface")
    assert entry.embedding is not None
    assert entry.embedding.template is not None
    places = np.array(entry.embedding.template, np.float32)
    for photo in found.values():
        chip = encoder.embedder.alignment.chip(photo.image.pixels, photo.faces[0])
        assert chip.shape[:2] == entry.input.size
        # The chip is a photo of a face again.
        (face,) = find_faces(chip, encoder.finder.detector, encoder.finder.landmarker)
        assert np.linalg.norm(face.points - places, axis=1).mean() < 6


def test_surroundings_are_cut_out_about_the_face() -> None:
    y, x = np.indices((500, 600))
    pixels = np.stack([x // 3, y // 2, x * 0], axis=2).astype(np.uint8)
    chip = SurroundingsCrop(crop=2.5, side=100).chip(pixels, face_at(0.0, 1.0, (300, 250)))
    assert chip.shape == (100, 100, 3)  # 200 pixels of the photo, from (200, 150) on
    assert chip[0, 0, :2] == pytest.approx([200 / 3, 75], abs=1.5)
    assert chip[-1, -1, :2] == pytest.approx([400 / 3, 175], abs=1.5)


@pytest.mark.parametrize("centre", [(20, 250), (590, 250), (300, 10), (300, 495)])
def test_surroundings_are_moved_into_the_photo(centre: tuple[float, float]) -> None:
    pixels = np.full((500, 600, 3), 200, np.uint8)
    assert (SurroundingsCrop(crop=2.7, side=80).chip(pixels, face_at(0.0, 1.0, centre)) == 200).all()


def test_surroundings_of_a_face_that_fills_the_photo_are_the_photo() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (60, 60, 3)).astype(np.uint8)
    face = replace(face_at(0.0, 1.0, (40, 40)), box=np.array([0, 0, 60, 60], np.float32))
    assert (SurroundingsCrop(crop=2.7, side=60).chip(pixels, face) == pixels).all()
