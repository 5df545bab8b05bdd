"""How a head is turned: the landmarks against a face of known size and shape.

Axes are those of the face as the camera sees it: x to the right of the picture, y up, z towards the camera. The angles
are those of AFLW2000-3D and 300W-LP (Zhu et al., "Face Alignment Across Large Poses: A 3D Solution", 2016): the face
looking straight ahead is turned by R = Rx(pitch) Ry(yaw) Rz(roll).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.errors import ModelError
from senseid_engine.quality.balanced import counterparts

if TYPE_CHECKING:
    from senseid_engine.arrays import Doubles
    from senseid_engine.landmarks import Landmarks

POINTS = 468
BASE_OF_NOSE = 2

INNER_SHARE = 0.26
"""How far from the middle of the face, in units of its width, its points are laid onto the landmarks: to the outer
corners of the eyes, not to the cheeks."""

DEPTH = 1.1
"""The mesh tells depths too small. Stretched by this much they fit the face best in LFW's photos of turned heads; no
pose was labelled there, what counted were the distances in the plane of the picture."""


@dataclass(frozen=True, slots=True)
class Pose:
    """How a head is turned, in degrees, each in [-180, 180].

    Attributes:
        yaw: about the vertical axis; positive where the face looks to the left of the picture.
        pitch: about the horizontal axis; positive where the face looks up.
        roll: in the plane of the picture; positive where the head is tilted clockwise.
    """

    yaw: float
    pitch: float
    roll: float


class PoseEstimator:
    """The face that landmarks are measured against. May be shared between threads.

    Attributes:
        counterparts: int (468,), the point of the mesh that each point becomes in a mirror.
    """

    __slots__ = ("_face", "_rigid", "counterparts")

    def __init__(self, face: Doubles) -> None:
        """Take a face.

        Args:
            face: float64 (468, 3), x to the right, y up, z towards the camera, the points of the mesh; the face looks
                straight ahead. The unit does not matter.
        """
        self.counterparts = counterparts(face)
        # The mouth and the jaw move; from the base of the nose upwards a face keeps its shape. Of a head turned aside
        # the mesh only guesses the far cheek and temple, and puts them on the wall behind: they are left out.
        width = np.ptp(face[:, 0])
        inner = np.abs(face[:, 0] - face[BASE_OF_NOSE, 0]) <= INNER_SHARE * width
        self._rigid = np.flatnonzero(inner & (face[:, 1] >= face[BASE_OF_NOSE, 1]))
        rigid = face[self._rigid]
        self._face = rigid - rigid.mean(axis=0)

    @classmethod
    def parse(cls, data: bytes) -> PoseEstimator:
        """Read the registry's `face-model.csv`: a line `x,y,z` for each point of the mesh.

        Raises:
            ModelError: it is not such a file.
        """
        try:
            face = np.array([line.split(",") for line in data.decode("ascii").splitlines()], np.float64)
        except ValueError as error:
            raise ModelError("face-model", "not a table of numbers") from error
        if face.shape != (POINTS, 3) or not np.isfinite(face).all():
            raise ModelError("face-model", f"has the shape {face.shape} instead of ({POINTS}, 3)")
        return cls(face)

    def pose(self, landmarks: Landmarks) -> Pose:
        """How the head with these landmarks is turned."""
        return _angles(self._rotation(landmarks))

    def _rotation(self, landmarks: Landmarks) -> Doubles:
        """The rotation that takes the face closest to the landmarks, by least squares.

        Kabsch, "A solution for the best rotation to relate two sets of vectors", 1976.
        """
        seen = landmarks.points[self._rigid].astype(np.float64) * (1, -1, -DEPTH)
        u, _, vt = np.linalg.svd((seen - seen.mean(axis=0)).T @ self._face)
        u[:, 2] *= np.sign(np.linalg.det(u @ vt))  # a rotation, no mirror image
        rotation: Doubles = u @ vt
        return rotation


def _angles(rotation: Doubles) -> Pose:
    # With s and c for sine and cosine, the first row of Rx Ry Rz is (c(yaw) c(roll), c(yaw) s(roll), -s(yaw)), and its
    # last column is (-s(yaw), s(pitch) c(yaw), c(pitch) c(yaw)).
    yaw = math.asin(max(-1.0, min(1.0, -float(rotation[0, 2]))))
    pitch = math.atan2(float(rotation[1, 2]), float(rotation[2, 2]))
    roll = math.atan2(float(rotation[0, 1]), float(rotation[0, 0]))
    return Pose(math.degrees(yaw), math.degrees(pitch), math.degrees(roll))
