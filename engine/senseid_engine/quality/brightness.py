"""How bright the face is."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senseid_engine.quality.chip import Chip


def brightness(chip: Chip) -> float:
    """The manual's `brightness`, in [-1, 1]: the mean luma of the five features, from black to white.

    `2 * mean / 255 - 1`. It is what the photo shows, light and skin together: what is dark on one face is not on
    another, so a policy should refuse the extremes only. 0 where nothing of the features lies inside the photo.
    """
    if not chip.face.any():
        return 0.0
    return 2 * float(chip.luma[chip.face].mean()) / 255 - 1
