"""The region of the five features, and the formulas of the manual that speak of it."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.quality.features import (
    FIVE_FEATURES,
    distance_to_centre,
    five_features,
    hull,
    integrity,
    size,
    visible_share,
)
from senseid_engine.quality.occlusion import REGIONS, Occlusion
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from senseid_engine.landmarks import Landmarks


def square(left: float, top: float, side: float) -> Landmarks:
    """Landmarks whose five features fill a square."""
    points = np.full((468, 3), (left + side / 2, top + side / 2, 0), np.float32)
    corners = [(left, top), (left + side, top), (left + side, top + side), (left, top + side)]
    for index, corner in zip(FIVE_FEATURES[:4], corners, strict=True):
        points[index, :2] = corner
    return landmarks_of(points)


def test_a_face_in_the_middle() -> None:
    features = five_features(square(60, 40, 80), 200, 160)
    assert features.centre == pytest.approx((100, 80))
    assert features.area == features.visible_area == pytest.approx(6400)
    assert distance_to_centre(features, 200, 160) == pytest.approx(1)
    assert size(features, 200, 160) == pytest.approx(6400 / 32000)
    assert integrity(features) == 1.0


@pytest.mark.parametrize(("left", "top", "share"), [(-40, 40, 0.5), (180, 40, 0.25), (60, -20, 0.75), (-40, -40, 0.25)])
def test_a_face_that_the_edge_cuts(left: float, top: float, share: float) -> None:
    features = five_features(square(left, top, 80), 200, 160)
    assert integrity(features) == pytest.approx(share)
    assert size(features, 200, 160) == pytest.approx(share * 6400 / 32000)
    assert features.centre == pytest.approx((left + 40, top + 40))
    distance = math.hypot(left + 40 - 100, top + 40 - 80)
    assert distance_to_centre(features, 200, 160) == pytest.approx(1 - distance / 160)


def test_a_face_outside_the_photo() -> None:
    features = five_features(square(-300, 40, 80), 200, 160)
    assert (integrity(features), size(features, 200, 160)) == (0, 0)
    assert distance_to_centre(features, 200, 160) == 0
    assert len(features.visible) == 0


def test_the_total_weighs_features_by_their_area() -> None:
    rng = np.random.default_rng(1)
    points = np.column_stack([rng.uniform(0, 100, (468, 2)), np.zeros(468)]).astype(np.float32)
    landmarks = landmarks_of(points)
    assert visible_share(landmarks, Occlusion(1, 1, 1, 1)) == pytest.approx(1)
    assert visible_share(landmarks, Occlusion(0, 0, 0, 0)) == 0
    parts = [visible_share(landmarks, Occlusion(*(float(i == j) for j in range(4)))) for i in range(4)]
    assert sum(parts) == pytest.approx(1)
    import cv2

    areas = [cv2.contourArea(hull(landmarks, REGIONS[name])) for name in ("left_eye", "right_eye", "nose", "mouth")]
    assert parts == pytest.approx([area / sum(areas) for area in areas])
