"""How much light and shade the face has. Part of the overall quality."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from senseid_engine.quality.chip import Chip


def contrast(chip: Chip) -> float:
    """Standard deviation of the luma of the five features, from 0 to 1 for half black, half white.

    0 where nothing of the features lies inside the photo.
    """
    return float(chip.luma[chip.face].std()) / 127.5 if chip.face.any() else 0.0
