"""`python -m tests.bench.quality_pose [--json FILE]`: yaw, pitch and roll against labels, and under turned photos.

Photos with angles fitted to a 3D face (AFLW2000-3D): the mean absolute error of each angle, within a yaw of 60 degrees
and over all. Then photos of LFW turned about their middle: by how much roll follows. In the convention of the labels
roll and yaw of a turned head are not apart, so the promise is judged on faces that look ahead, and the others are told.

Promises of issue 5: at most 6 degrees each of yaw, pitch and roll within a yaw of 60; roll exact to 2 degrees.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.errors import NoFaceError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import Image, decode_image, read_photo
from senseid_engine.quality.balanced import balanced
from senseid_engine.quality.pose import Pose, PoseEstimator
from senseid_models.registry import Registry
from tests.bench.report import Report, UnavailableError, at_most, parser_of, run, test_data
from tests.bench.surroundings import lfw_photos, licences

if TYPE_CHECKING:
    from pathlib import Path

NAME = "quality_pose"
MOST_ERROR = 6.0
MOST_YAW = 60.0
MOST_ROLL_ERROR = 2.0
ANGLES = (-40, -25, -10, 10, 25, 40)
PHOTOS = 40
AHEAD = 12.0


class Poser:
    """From a photo to the pose of the face nearest to its middle."""

    def __init__(self) -> None:
        registry = Registry.builtin()
        self._finder = FaceFinder.open(registry, licences(), threads=1)
        self._poser = PoseEstimator.parse(registry.asset("face-model").read())

    def pose(self, image: Image) -> Pose | None:
        """The pose, or None where no face is found."""
        try:
            faces = self._finder.find(image).faces
        except NoFaceError:
            return None
        middle = np.array([image.width, image.height]) / 2
        nearest = min(faces, key=lambda face: float(np.hypot(*(face.landmarks.points[:, :2].mean(axis=0) - middle))))
        return self._poser.pose(balanced(nearest.landmarks, self._poser.counterparts))


def labelled(folder: Path) -> list[tuple[Image, np.ndarray]]:
    """Photos with pitch, yaw and roll in degrees.

    Raises:
        UnavailableError: they are not there, or scipy is not.
    """
    if importlib.util.find_spec("scipy") is None:
        raise UnavailableError("no scipy: install the dependency group `bench`")
    from scipy.io import loadmat

    photos = []
    for path in sorted(folder.glob("*.jpg")):
        angles = np.degrees(loadmat(path.with_suffix(".mat"))["Pose_Para"][0, :3].astype(np.float64))
        photos.append((decode_image(read_photo(path), name=path.name), angles))
    if not photos:
        raise UnavailableError(f"no photos in {folder}")
    return photos


def turned(image: Image, angle: float) -> Image:
    """The photo turned clockwise about its middle, on a canvas of the same size."""
    import cv2

    matrix = cv2.getRotationMatrix2D((image.width / 2, image.height / 2), -angle, 1.0)
    pixels = cv2.warpAffine(image.pixels, matrix, (image.width, image.height), borderMode=cv2.BORDER_REPLICATE)
    return Image(np.asarray(pixels, np.uint8), image.format, 1, image.name)


def measure() -> Report:
    """Measure both."""
    poser = Poser()
    notes, errors, labels = [], [], []
    photos = labelled(test_data() / "pose-aflw2000")
    for image, angles in photos:
        pose = poser.pose(image)
        if pose is None:
            notes.append(f"no face: {image.name}")
            continue
        labels.append(angles)
        errors.append(np.array([pose.pitch, pose.yaw, pose.roll]) - angles)
    error, yaw = np.abs(np.array(errors)), np.abs(np.array(labels)[:, 1])
    within, every = error[yaw <= MOST_YAW].mean(axis=0), error.mean(axis=0)
    signed = np.array(errors)[yaw <= MOST_YAW].mean(axis=0)
    notes.append("mean error with its sign: pitch {:.2f}, yaw {:.2f}, roll {:.2f}".format(*signed))
    notes.append("over all yaws: pitch {:.2f}, yaw {:.2f}, roll {:.2f}".format(*every))
    ahead, others = _roll_errors(poser)
    notes.append(f"roll of turned photos, heads turned aside: mean error {np.mean(others):.2f} degrees")
    notes.append(f"roll of turned photos, heads ahead: 95 % below {np.percentile(ahead, 95):.2f} degrees")
    return Report(
        title="yaw, pitch and roll against AFLW2000-3D, and roll of photos turned on purpose",
        counts=f"{len(photos)} photos, {int((yaw <= MOST_YAW).sum())} within {MOST_YAW:g} degrees of yaw;"
        f" {len(ahead)} turned photos of heads ahead, {len(others)} of others",
        rows=(),
        promises=(
            *(
                at_most(f"mean absolute error of {name} within a yaw of {MOST_YAW:g}", float(value), MOST_ERROR)
                for name, value in zip(("pitch", "yaw", "roll"), within, strict=True)
            ),
            at_most("mean error of roll under a turned photo", float(np.mean(ahead)), MOST_ROLL_ERROR),
        ),
        notes=tuple(notes),
    )


def _roll_errors(poser: Poser) -> tuple[list[float], list[float]]:
    """For heads that look ahead, and for the others: how far roll is from what the photo was turned by."""
    ahead: list[float] = []
    others: list[float] = []
    for image in lfw_photos(PHOTOS):
        upright = poser.pose(image)
        if upright is None:
            continue
        errors = ahead if max(abs(upright.yaw), abs(upright.pitch)) <= AHEAD else others
        for angle in ANGLES:
            pose = poser.pose(turned(image, angle))
            if pose is not None:
                errors.append(abs(pose.roll - upright.roll - angle))
    return ahead, others


def main() -> int:
    """Run the benchmark."""
    words = parser_of(NAME, "The angles of heads against labels, and against photos turned on purpose.").parse_args()
    return run(NAME, measure, words.json)


if __name__ == "__main__":
    sys.exit(main())
