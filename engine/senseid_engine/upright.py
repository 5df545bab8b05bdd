"""Turning a sideways or upside-down photo by looking for its faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_engine.image import rotate

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.faces import Face
    from senseid_engine.image import Image

# A face turned further than this from level stands upright in one of the other three positions.
MOST_ROLL = 45.0


def turn_upright(image: Image, find: Callable[[Image], list[Face]]) -> tuple[Image, int, list[Face]]:
    """Turn the photo so that its faces are upright.

    All four positions are searched: an upside-down face is sometimes found, and then with a high probability. The
    position whose upright faces have the greatest sum of probabilities wins, and the photo's own position wins a tie.

    Args:
        image: the photo as decoded.
        find: gives the faces of a photo in one position.

    Returns:
        The turned photo, by how many quarter turns anticlockwise, and its faces.
    """
    positions = []
    for turns in range(4):
        turned = rotate(image, turns)
        positions.append((turned, turns, find(turned)))
    return max(positions, key=lambda position: (_confidence(position[2]), -position[1]))


def _confidence(faces: list[Face]) -> float:
    return sum(face.score * face.landmarks.presence for face in faces if abs(face.roll) <= MOST_ROLL)
