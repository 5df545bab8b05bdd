"""468 facial landmarks from the MediaPipe face mesh, refined until they settle, and five that a mirror image confirms.

Kartynnik et al., "Real-time Facial Surface Geometry from Monocular Video on Mobile GPUs", 2019.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine import warp

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles, Floats, Pixels
    from senseid_engine.detect import Detection
    from senseid_engine.session import Session

SIZE = 192
CROP_TO_BOX = 1.5
MOST_PASSES = 3
SETTLED = 0.02
"""Where a face moved by less than this share of its size, it need not be looked at again. A tilted head moves by more
at first: the detector hardly tells its tilt."""
# A photo may hold thousands of faces, and the network needs megabytes for each that it looks at together. More at a
# time is no faster.
FACES_A_RUN = 8
# Corners of the eyes in the mesh, image left first: outer and inner, then inner and outer.
LEFT_EYE = (33, 133)
RIGHT_EYE = (362, 263)
# The centre of each eye, the tip of the nose and the corners of the mouth, image left first: the means of these points.
FIVE_POINTS = (
    (33, 133, 159, 145, 160, 144, 158, 153),
    (362, 263, 386, 374, 385, 380, 387, 373),
    (1, 4),
    (61,),
    (291,),
)
MIRRORED = [1, 0, 2, 4, 3]
"""The same points in a mirror image."""
_MEMBERS = [point for group in FIVE_POINTS for point in group]
_STARTS = np.cumsum([0, *(len(group) for group in FIVE_POINTS[:-1])])
_COUNTS: Final[Floats] = np.array([[len(group)] for group in FIVE_POINTS], np.float32)


@dataclass(frozen=True, slots=True)
class Mirrored:
    """The network's answer to the mirror image of a face.

    Attributes:
        points: float32 (468, 3), where in the photo, not in its mirror image, it saw each point: the left corner of the
            mouth of a mirror image is the right one of the photo.
        presence: probability that the crop holds a face, in [0, 1].
    """

    points: Floats
    presence: float


@dataclass(frozen=True, slots=True)
class Landmarks:
    """The landmarks of one face.

    Attributes:
        points: float32 (468, 3), x, y in pixels of the photo, z in the same unit, smaller is nearer.
        presence: probability that the crop holds a face, in [0, 1].
        five: float32 (5, 2), the centres of the eyes, the tip of the nose and the corners of the mouth, image left
            first, photo pixels: what faces are aligned by.
        mirrored: what the network told of the mirror image of the face; None where it was not asked.
    """

    points: Floats
    presence: float
    five: Floats
    mirrored: Mirrored | None = None

    @classmethod
    def of(cls, points: Floats, presence: float) -> Landmarks:
        """The landmarks of a face that was looked at once: the five points are those of the mesh."""
        return cls(points, presence, five_points(points))


class Landmarker:
    """The face-mesh model."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def locate(self, pixels: Pixels, detections: Sequence[Detection]) -> list[Landmarks]:
        """Landmarks of every detected face, in the order of `detections`.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            detections: faces of this photo.
        """
        if not detections:
            return []
        crops = [_crop_of_box(d.box, d.points[0], d.points[1]) for d in detections]
        points, presence = self._run(pixels, crops)
        moving = np.arange(len(crops))
        for number in range(MOST_PASSES - 1):
            before = points[moving]
            points[moving], again = self._run(pixels, [level_crop(face, CROP_TO_BOX, SIZE) for face in before])
            # A third look moves the points, but doubts faces on dim screens, which are to be judged, not lost.
            if number == 0:
                presence = again
            moving = moving[_moved(before, points[moving]) > SETTLED]
            if not len(moving):
                break
        mirrored, mirror_presence = self._run(
            pixels, [level_crop(face, CROP_TO_BOX, SIZE) for face in points], mirrored=True
        )
        # What is at the left of a mirror image is at the right of the photo.
        return [
            Landmarks(
                face,
                float(sure),
                (five_points(face) + five_points(mirror)[MIRRORED]) / np.float32(2),
                Mirrored(mirror, float(mirror_sure)),
            )
            for face, sure, mirror, mirror_sure in zip(points, presence, mirrored, mirror_presence, strict=True)
        ]

    def follow(self, pixels: Pixels, faces: Sequence[Landmarks]) -> list[Landmarks]:
        """Landmarks of faces in the next frame of a video, each near where it was, in their order.

        One pass: a face moves little between two frames, and the next frame starts from this one.

        Args:
            pixels: uint8 (height, width, 3), RGB: the next frame.
            faces: the faces as they were in the frame before.

        Returns:
            Where a face is no longer there, landmarks of a low presence.
        """
        if not faces:
            return []
        crops = [level_crop(face.points, CROP_TO_BOX, SIZE) for face in faces]
        points, presence = self._run(pixels, crops)
        return [Landmarks.of(face, float(sure)) for face, sure in zip(points, presence, strict=True)]

    def _run(self, pixels: Pixels, crops: Sequence[Doubles], *, mirrored: bool = False) -> tuple[Floats, Doubles]:
        """Landmarks of the faces in some crops, in pixels of the photo, by the crops or by their mirror images."""
        parts = [
            self._run_part(pixels, crops[i : i + FACES_A_RUN], mirrored=mirrored)
            for i in range(0, len(crops), FACES_A_RUN)
        ]
        points, logits = (np.concatenate(part) for part in zip(*parts, strict=True))
        for face, crop in zip(points, crops, strict=True):
            back = warp.invert(crop)
            face[:, :2] = warp.apply(back, face[:, :2])
            face[:, 2] *= warp.scale_of(back)
        # In double precision: how far below 1 the probability of a good face is tells more than that it is 1.
        presence = 1 / (1 + np.exp(-logits.astype(np.float64)))
        return points, presence

    def _run_part(self, pixels: Pixels, crops: Sequence[Doubles], *, mirrored: bool) -> tuple[Floats, Floats]:
        """Run the network on some crops: points in pixels of the crop, and the logit of a face's presence."""
        chips = np.stack([warp.warp(pixels, crop, SIZE) for crop in crops])
        located, logits = self._session.run(chips[:, :, ::-1] if mirrored else chips)
        points = located.reshape(len(crops), -1, 3)
        if mirrored:
            points[..., 0] = SIZE - 1 - points[..., 0]
        return points, logits.reshape(-1)


def _moved(before: Floats, after: Floats) -> Floats:
    """The movement of faces, float32 (n,): the mean over their points, as a share of their longer side."""
    sides = np.ptp(after[..., :2], axis=1).max(axis=1)
    moved: Floats = np.linalg.norm(after[..., :2] - before[..., :2], axis=2).mean(axis=1) / sides
    return moved


def five_points(points: Floats) -> Floats:
    """The centres of the eyes, the tip of the nose and the corners of the mouth, image left first.

    Args:
        points: float32 (468, 2 or more), a face's landmarks.

    Returns:
        float32 (5, 2).
    """
    # The sums of all groups at once: a mean of each by itself takes milliseconds a photo.
    sums: Floats = np.add.reduceat(points[_MEMBERS, :2], _STARTS)
    return sums / _COUNTS


def _level(left_eye: Floats, right_eye: Floats) -> float:
    across = right_eye - left_eye
    return math.atan2(float(across[1]), float(across[0]))


def _crop_of_box(box: Floats, left_eye: Floats, right_eye: Floats) -> Doubles:
    centre = (box[0:2] + box[2:4]) / 2
    side = CROP_TO_BOX * float((box[2:4] - box[0:2]).max())
    return warp.square_crop(centre, side, _level(left_eye, right_eye), SIZE)


def level_crop(points: Floats, share: float, size: int) -> Doubles:
    """The transform that takes the square around a face, its eyes level, to a chip.

    Args:
        points: float32 (468, 2 or more), the face's landmarks, photo pixels.
        share: side of the square over the longer side of the landmarks' upright box.
        size: side of the chip, pixels.

    Returns:
        float64 (2, 3), for `warp.warp`.
    """
    flat = points[:, :2]
    angle = _level(flat[list(LEFT_EYE)].mean(axis=0), flat[list(RIGHT_EYE)].mean(axis=0))
    # The box of the face as it stands when its eyes are level.
    upright = warp.square_crop(np.zeros(2, np.float32), 1.0, angle, 1)
    turned = warp.apply(upright, flat)
    low, high = turned.min(axis=0), turned.max(axis=0)
    centre = warp.apply(warp.invert(upright), (low + high) / 2)
    return warp.square_crop(centre, share * float((high - low).max()), angle, size)
