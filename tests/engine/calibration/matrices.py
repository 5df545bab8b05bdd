"""A matrix of similarities that a test made up, in tiles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from senseid_engine.calibration.tiles import TILE_ROWS, Tiled, tile_templates


def tiled(matrix: npt.NDArray[Any], rows: int = TILE_ROWS) -> Tiled:
    """The similarities of photos that are known by their places in the matrix, float (photos, photos)."""
    return tile_templates(range(len(matrix)), lambda first, second: matrix[np.ix_(first, second)], rows=rows)
