"""A photo and its mirror image tell the same of a face."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.landmarks import Mirrored
from senseid_engine.quality.balanced import balanced, counterparts
from senseid_engine.quality.checker import QualityChecker
from senseid_engine.quality.pose import PoseEstimator
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


def test_counterparts_of_counterparts_are_the_points_themselves(registry: Registry) -> None:
    points = PoseEstimator.parse(registry.asset("face-model").read()).counterparts
    assert points[points].tolist() == list(range(468))
    assert points[[33, 61, 4]].tolist() == [263, 291, 4]


def test_what_is_told_of_photo_and_mirror_image_is_averaged() -> None:
    face = np.array([[-1.0, 0, 0], [1.0, 0, 0], [0, 1.0, 0]])
    points = np.zeros((468, 3), np.float32)
    points[:3] = [(10, 5, 0), (30, 5, 0), (20, 9, 0)]
    mirror = points[[1, 0, 2]] + np.float32(2)
    landmarks = replace(landmarks_of(points, presence=0.5), mirrored=Mirrored(mirror, 0.9))
    told = balanced(replace(landmarks, points=points[:3]), counterparts(face))
    assert told.points.tolist() == (points[:3] + 1).tolist()
    assert told.presence == pytest.approx(0.75)  # the mean of their logits, 0 and log 9


def test_landmarks_without_a_mirror_image_stay(registry: Registry) -> None:
    landmarks = landmarks_of(np.zeros((468, 3), np.float32))
    assert balanced(landmarks, np.arange(468)) is landmarks


def test_a_mirror_image_has_the_same_quality(
    registry: Registry, licences: VerifiedLicences, finder: FaceFinder, photos: dict[str, Image]
) -> None:
    checker = QualityChecker.open(registry, licences, finder, threads=1)
    turns = []
    for image in photos.values():
        face = checker.check(image).faces[0]
        mirror = checker.check(replace(image, pixels=np.ascontiguousarray(image.pixels[:, ::-1]))).faces[0]
        turns.append(abs(face.pose.yaw + mirror.pose.yaw))
        assert mirror.overall == pytest.approx(face.overall, abs=0.15)
    assert np.median(turns) < 1
