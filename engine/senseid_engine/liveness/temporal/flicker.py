"""Bands that run over a picture, as those of a screen whose lamp and the camera's shutter do not keep step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles, Pixels

_ROWS: Final = 48
_LEAST: Final = 8
_WAVES: Final = slice(1, 7)


def flicker(frames: Sequence[Pixels]) -> float | None:
    """How strongly bands run over the picture, as a share of its brightness.

    The brightness of each row is taken at the left and at the right edge of the frame, where people seldom move, over
    its median in time. A band lies across both: what is measured is the amplitude of the waves of one to six periods a
    picture that both edges share.

    Args:
        frames: uint8 (height, width, 3) each, RGB, of one shape.

    Returns:
        None for fewer than eight frames.
    """
    if len(frames) < _LEAST:
        return None
    edge = max(1, frames[0].shape[1] // 6)
    left = _bands(np.stack([_rows(frame[:, :edge]) for frame in frames]))
    right = _bands(np.stack([_rows(frame[:, -edge:]) for frame in frames]))
    shared = (left * np.conj(right)).real.mean(axis=0)
    return float(2 * np.sqrt(max(float(shared.sum()), 0.0)) / _ROWS)


def _rows(part: Pixels) -> Doubles:
    """The brightness of `_ROWS` rows."""
    profile = part.mean(axis=(1, 2), dtype=np.float64)
    places = np.linspace(0, len(profile) - 1, _ROWS)
    return np.asarray(np.interp(places, np.arange(len(profile)), profile), np.float64)


def _bands(profiles: Doubles) -> npt.NDArray[np.complex128]:
    """The waves along the rows of each frame's profile over the median profile: complex (frames, waves)."""
    change = np.log((profiles + 4) / (np.median(profiles, axis=0) + 4))
    change -= change.mean(axis=1, keepdims=True)
    return np.asarray(np.fft.rfft(change, axis=1)[:, _WAVES], np.complex128)
