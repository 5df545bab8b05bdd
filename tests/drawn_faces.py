"""Faces that are drawn: pictures of nobody, with the landmarks that belong to them."""

from __future__ import annotations

import math
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow
from PIL import ImageDraw

import senseid_models
from senseid_engine.image import Image
from senseid_engine.quality.occlusion import REGIONS
from senseid_engine.results import Rect
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from senseid_engine.arrays import Doubles
    from senseid_engine.landmarks import Landmarks


@cache
def _mesh() -> Doubles:
    text = (Path(senseid_models.__file__).parent / "face-model.csv").read_text(encoding="ascii")
    mesh = np.array([line.split(",") for line in text.splitlines()], np.float64)
    mesh -= mesh.mean(axis=0)
    return mesh / np.ptp(mesh[:, 1])


def drawn_photo(
    size: tuple[int, int],
    faces: list[tuple[float, float, float, float]],
    *,
    name: str = "drawn.png",
    mask: bool = False,
) -> tuple[Image, tuple[Rect, ...], tuple[Landmarks, ...]]:
    """A drawing of faces on a plain ground.

    Args:
        size: width and height, pixels.
        faces: of each face the centre, the height, in pixels, and the yaw, in degrees, positive to the left.
        name: of the photo.
        mask: whether a cloth covers nose and mouth.
    """
    picture = Pillow.new("RGB", size, (150, 178, 200))
    draw = ImageDraw.Draw(picture)
    found = []
    for number, (x, y, height, yaw) in enumerate(faces):
        points = _points(x, y, height, yaw)
        skin = ((214, 172, 140), (134, 92, 66), (236, 204, 182))[number % 3]
        draw.rectangle([x - height * 0.18, y, x + height * 0.18, y + height * 0.8], fill=skin)
        draw.ellipse([x - height * 0.8, y + height * 0.6, x + height * 0.8, y + height * 2.4], fill=(70, 84, 110))
        draw.ellipse([x - height * 0.52, y - height * 0.78, x + height * 0.52, y + height * 0.3], fill=(58, 44, 36))
        draw.polygon(_hull(points, range(468)), fill=skin)
        for region in ("left_eye", "right_eye"):
            draw.polygon(_hull(points, REGIONS[region]), fill=(250, 250, 250))
            middle = points[list(REGIONS[region]), :2].mean(axis=0)
            dot = height * 0.022
            draw.ellipse([*(middle - dot), *(middle + dot)], fill=(40, 40, 40))
        draw.line([*_flat(points[[168, 4]])], fill=tuple(part - 30 for part in skin), width=max(1, round(height / 60)))
        draw.polygon(_hull(points, REGIONS["mouth"]), fill=(178, 84, 84))
        if mask:
            edge = (234, 6, 454, 365, 152, 136)  # below the eyes from ear to ear, and round the chin
            draw.polygon([_at(points, number) for number in edge], fill=(120, 160, 200))
        found.append(points)
    rects = tuple(
        Rect(
            *(max(0, math.floor(edge)) for edge in points[:, :2].min(axis=0)),
            *(min(most, math.ceil(edge)) for most, edge in zip(size, points[:, :2].max(axis=0), strict=True)),
        )
        for points in found
    )
    image = Image(np.asarray(picture).copy(), "PNG", 1, name)
    return image, rects, tuple(landmarks_of(points.astype(np.float32)) for points in found)


def _points(x: float, y: float, height: float, yaw: float) -> Doubles:
    turn = -math.radians(yaw)
    mesh = _mesh()
    across = mesh[:, 0] * math.cos(turn) + mesh[:, 2] * math.sin(turn)
    depth = -mesh[:, 0] * math.sin(turn) + mesh[:, 2] * math.cos(turn)
    return np.column_stack([x + height * across, y - height * mesh[:, 1], -height * depth])


def _hull(points: Doubles, members: range | tuple[int, ...]) -> list[tuple[float, float]]:
    import cv2

    hull = cv2.convexHull(points[list(members), :2].astype(np.float32))[:, 0]
    return [(float(x), float(y)) for x, y in hull]


def _at(points: Doubles, number: int) -> tuple[float, float]:
    return float(points[number, 0]), float(points[number, 1])


def _flat(points: Doubles) -> list[float]:
    return [float(part) for part in points[:, :2].ravel()]
