"""Where the five features of a face are: eyes, brows, nose and mouth, from the landmarks.

The manual measures a face by its "five features". Here they are defined once: the two eyes with their brows, the nose
and the mouth. Their region is the convex hull of all their points, so it has the same meaning whatever the face looks
like and wherever a mask or hair hides a part of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.quality.occlusion import REGIONS

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats
    from senseid_engine.landmarks import Landmarks
    from senseid_engine.quality.occlusion import Occlusion

# Points of the mesh; left and right are those of the picture.
LEFT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)
RIGHT_BROW = (276, 283, 282, 295, 285, 336, 296, 334, 293, 300)
LEFT_EYE = (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246)
RIGHT_EYE = (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466)
NOSE = (168, 193, 417, 198, 420, 48, 278, 64, 294, 98, 327, 97, 326, 2)
MOUTH = (61, 146, 91, 181, 84, 17, 314, 405, 321, 375, 291, 409, 270, 269, 267, 0, 37, 39, 40, 185)
FIVE_FEATURES = LEFT_BROW + RIGHT_BROW + LEFT_EYE + RIGHT_EYE + NOSE + MOUTH


@dataclass(frozen=True, slots=True)
class FiveFeatures:
    """The region of the five features.

    Attributes:
        outline: float32 (n, 2), the convex hull, x and y in pixels of the photo; may reach outside it.
        area: its area, pixels.
        visible: float32 (m, 2), the part of the region that lies inside the photo; empty where none does.
        visible_area: its area, pixels.
        centre: x and y of the whole region's centre of gravity, whether inside the photo or not.
    """

    outline: Floats
    area: float
    visible: Floats
    visible_area: float
    centre: tuple[float, float]


def five_features(landmarks: Landmarks, width: int, height: int) -> FiveFeatures:
    """Find the region of the five features.

    Args:
        landmarks: of the face.
        width: of the photo, pixels.
        height: of the photo, pixels.
    """
    import cv2

    outline = hull(landmarks, FIVE_FEATURES)
    area = float(cv2.contourArea(outline))
    moments = cv2.moments(outline)
    centre = (moments["m10"] / moments["m00"], moments["m01"] / moments["m00"])
    visible, visible_area = outline, area
    if outline.min() < 0 or (outline > (width, height)).any():
        frame = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float32)
        inside, part = cv2.intersectConvexConvex(outline, frame)
        visible_area = min(float(inside), area)
        visible = np.asarray(part, np.float32).reshape(-1, 2) if visible_area > 0 else np.empty((0, 2), np.float32)
    return FiveFeatures(outline, area, visible, visible_area, centre)


def hull(landmarks: Landmarks, points: tuple[int, ...]) -> Floats:
    """The convex hull of some points of the mesh: float32 (n, 2), x and y in pixels of the photo."""
    import cv2

    return np.asarray(cv2.convexHull(landmarks.points[list(points), :2]), np.float32).reshape(-1, 2)


def distance_to_centre(features: FiveFeatures, width: int, height: int) -> float:
    """The manual's `distance2center`, in [0, 1]; 1 in the middle of the photo.

    `max(1 - distance / short side, 0)`, with the distance from the centre of the five features to that of the photo.
    """
    x, y = features.centre
    distance = float(np.hypot(x - width / 2, y - height / 2))
    return max(1 - distance / min(width, height), 0.0)


def size(features: FiveFeatures, width: int, height: int) -> float:
    """The manual's `size`, in [0, 1]: the share of the photo that the five features take."""
    return features.visible_area / (width * height)


def integrity(features: FiveFeatures) -> float:
    """The manual's `integrity`, in [0, 1]: the share of the five features' area that lies inside the photo."""
    return features.visible_area / features.area


def visible_share(landmarks: Landmarks, seen: Occlusion) -> float:
    """The manual's `occlusion.total`, in [0, 1]: the share of eyes, nose and mouth that can be seen, by their area."""
    import cv2

    areas = {name: float(cv2.contourArea(hull(landmarks, points))) for name, points in REGIONS.items()}
    return sum(area * float(getattr(seen, name)) for name, area in areas.items()) / sum(areas.values())
