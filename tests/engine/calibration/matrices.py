"""A matrix of similarities that a test made up, in bands."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from senseid_engine.calibration.pairs import ROWS, bands

if TYPE_CHECKING:
    from collections.abc import Iterator


def banded(matrix: npt.NDArray[Any], rows: int = ROWS) -> Iterator[npt.NDArray[Any]]:
    """The similarities of photos that are known by their places in the matrix, float (photos, photos)."""
    return bands(range(len(matrix)), lambda first, second: matrix[np.ix_(first, second)], rows=rows)
