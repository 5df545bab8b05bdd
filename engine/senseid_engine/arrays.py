"""The array types that the engine's steps exchange."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pixels = npt.NDArray[np.uint8]
"""Pixels, uint8 (..., height, width, 3), RGB."""

Floats = npt.NDArray[np.float32]
"""Inputs and outputs of models, and points in pixels as x, y."""

Doubles = npt.NDArray[np.float64]
"""Transforms, statistics and similarities."""
