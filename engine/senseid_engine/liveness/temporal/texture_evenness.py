"""Does the texture of a face change at a few moments, and hardly in between?

Where photos of one person follow each other in a clip, the texture changes as one takes the place of another, by a cut
or a short fade. In between it stays the same, however the photo is warped. A living face changes all the time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.liveness.temporal.pairs import MIN_PAIRS, successive_pairs
from senseid_engine.liveness.temporal.texture import MIN_MOVEMENT, relative

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.liveness.temporal.texture import Compare, Difference

LAG: Final = 0.2
"""Seconds between two views: a short fade lasts as long, and two frames at ten a second do."""

_TOLERANCE: Final = 0.5
"""How far the views of a pair may be from their lag, as a share of it."""

_MIN_CHANGE: Final = 0.01
"""What changes less changes evenly: nothing follows a still."""


def texture_evenness(times: Sequence[float], compare: Compare) -> float | None:
    """How fast the texture usually changes, over how fast it changes at its fastest.

    The change within `LAG`, for the movement of the face, is `sqrt(squares / contrast) / sqrt(0.2 + movement)`, the
    median over the cells of the face. The answer is the median change of the clip over the second greatest: one photo
    after another takes two lags or happens twice, and a sudden movement of a face does not.

    Args:
        times: seconds of each view, rising.
        compare: compares two of them.

    Returns:
        In (0, 1], 1 where all changes are alike; None where too few pairs show enough of a face.
    """
    pairs = successive_pairs(times, LAG, tolerance=_TOLERANCE)
    found = [_change(difference) for difference in (compare(*pair) for pair in pairs) if difference is not None]
    changes = sorted(max(change, _MIN_CHANGE) for change in found if change is not None)
    return min(float(np.median(changes)) / changes[-2], 1.0) if len(changes) >= MIN_PAIRS else None


def _change(difference: Difference) -> float | None:
    change = relative(difference.squares, difference.contrast)
    return None if change is None else change / math.sqrt(MIN_MOVEMENT + difference.movement)
