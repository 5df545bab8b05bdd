"""Cutting faces out."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.align import CropAlignment, TemplateAlignment
from senseid_engine.faces import Face
from senseid_engine.landmarks import LEFT_EYE, RIGHT_EYE, Landmarks
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from senseid_engine.encoder import Encoder
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.image import Image
    from senseid_models.registry import Registry

SIDE = 100
TEMPLATE = TemplateAlignment(
    mesh_points=((33, 133), (362, 263), (1,), (61,), (291,)),
    template=np.array([[30, 40], [70, 40], [50, 60], [35, 80], [65, 80]], np.float32),
    side=SIDE,
)


def face_at(angle: float, scale: float, centre: tuple[float, float]) -> Face:
    """A face whose points are those of the template, moved."""
    points = np.zeros((468, 3), np.float32)
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    for indices, place in zip(TEMPLATE.mesh_points, TEMPLATE.template, strict=True):
        at = scale * turn @ (place - 50) + centre
        for sign, index in zip((-1, 1), indices, strict=False):
            # Corners of an eye lie on either side of its place.
            points[index, :2] = at + (sign * scale * turn @ [6, 0] if len(indices) > 1 else 0)
    half = 40 * scale
    box = np.array([centre[0] - half, centre[1] - half, centre[0] + half, centre[1] + half], np.float32)
    return Face(Rect(*(round(float(v)) for v in box)), box, 1.0, 1.0, Landmarks(points, 1.0))


def drawn(face: Face) -> np.ndarray:
    """A photo with a bright dot at each place that the template asks for: eyes red, the others green."""
    y, x = np.indices((500, 600), dtype=np.float64)
    pixels = np.zeros((500, 600, 3))
    scale = float(face.box[2] - face.box[0]) / 80
    for indices in TEMPLATE.mesh_points:
        at = face.landmarks.points[list(indices), :2].mean(axis=0)
        dot = 250 * np.exp(-((x - at[0]) ** 2 + (y - at[1]) ** 2) / (2 * (1.5 * scale) ** 2))
        pixels[:, :, 0 if len(indices) > 1 else 1] += dot
    return pixels.round().clip(0, 255).astype(np.uint8)


@pytest.mark.parametrize(
    ("angle", "scale", "centre"),
    [(0.0, 1.0, (300, 250)), (0.5, 1.4, (280.5, 260.25)), (-2.8, 2.2, (310, 240)), (1.3, 3.1, (300, 250))],
)
def test_the_points_of_the_face_come_to_lie_on_the_template(
    angle: float, scale: float, centre: tuple[float, float]
) -> None:
    face = face_at(angle, scale, centre)
    chip = TEMPLATE.chip(drawn(face), face)
    assert chip.shape == (SIDE, SIDE, 3)
    assert chip.dtype == np.uint8
    v, u = np.indices((SIDE, SIDE))
    for place, channel in zip(TEMPLATE.template, (0, 0, 1, 1, 1), strict=True):
        near = (np.abs(u - place[0]) < 8) & (np.abs(v - place[1]) < 8)
        dot = chip[:, :, channel] * near.astype(float)
        assert dot.max() > 200
        assert (dot * u).sum() / dot.sum() == pytest.approx(place[0], abs=0.1)
        assert (dot * v).sum() / dot.sum() == pytest.approx(place[1], abs=0.1)


@pytest.mark.parametrize(("angle", "scale"), [(0.0, 1.0), (0.4, 2.0), (-0.7, 3.0)])
def test_a_crop_has_level_eyes_and_the_box_in_its_middle(angle: float, scale: float) -> None:
    face = face_at(angle, scale, (300, 250))
    assert face.roll == pytest.approx(math.degrees(angle), abs=1e-3)
    chip = CropAlignment(crop=1.25, side=SIDE).chip(drawn(face), face)
    assert chip.shape == (SIDE, SIDE, 3)
    # The template's square of 100 units is 80 times 1.25 units: both alignments see the same.
    np.testing.assert_allclose(
        chip.astype(float).mean(axis=(0, 1)), TEMPLATE.chip(drawn(face), face).mean(axis=(0, 1)), rtol=0.05
    )
    red = chip[:, :, 0].astype(float)
    v, u = np.indices((SIDE, SIDE))
    for half in (u < 50, u >= 50):
        assert (red * half * v).sum() / (red * half).sum() == pytest.approx(40, abs=0.3)


def test_the_longer_side_of_the_box_counts() -> None:
    face = face_at(0.0, 1.0, (300, 250))
    narrow = Face(face.rect, np.array([280, 210, 320, 290], np.float32), 1.0, 1.0, face.landmarks)
    alignment = CropAlignment(crop=1.25, side=SIDE)
    np.testing.assert_array_equal(alignment.chip(drawn(face), narrow), alignment.chip(drawn(face), face))


def test_a_face_at_the_edge_has_black_outside() -> None:
    face = face_at(0.0, 1.0, (10, 250))
    white = np.full((500, 600, 3), 255, np.uint8)
    for alignment in (TEMPLATE, CropAlignment(1.25, SIDE)):
        chip = alignment.chip(white, face)
        assert not chip[:, :38].any()
        assert (chip[:, 42:] == 255).all()


def test_the_shipped_template_puts_real_eyes_where_dlib_has_them(
    registry: Registry, encoder: Encoder, photos: dict[str, Image], found: dict[str, UprightPhoto]
) -> None:
    contract = registry.get("dlib-resnet").embedding
    assert contract is not None
    assert contract.template is not None
    targets = np.array(contract.template.targets(150)[0], np.float32)
    alignment = TemplateAlignment(contract.template.mesh_points, targets, 150)
    eyes = [contract.template.mesh_points.index((corner,)) for corner in (*LEFT_EYE, *RIGHT_EYE)]
    for name, photo in photos.items():
        chip = alignment.chip(photo.pixels, found[name].faces[0])
        # The chip is a photo of a face again: its own landmarks must be where the template wants them.
        (detection, *_) = encoder.finder.detector.detect(chip)
        (landmarks,) = encoder.finder.landmarker.locate(chip, [detection])
        assert np.linalg.norm(landmarks.points[[*LEFT_EYE, *RIGHT_EYE], :2] - targets[eyes], axis=1).mean() < 5
