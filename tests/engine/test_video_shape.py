"""The shape of frames: turned, mirrored, made square, made smaller."""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest
from PIL import Image as Pillow

from senseid_engine.video import (
    KEPT_SIDE,
    decode_video,
)
from tests.engine.clips import HEIGHT, WIDTH, frames, scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


TURN = {
    0: (1, 0, 0, 1),
    90: (0, 1, -1, 0),
    180: (-1, 0, 0, -1),
    270: (0, -1, 1, 0),
}


def turned(data: bytes, degrees: int) -> bytes:
    """An MP4 that says: turn me clockwise by that much."""
    return placed(data, TURN[degrees])


def placed(data: bytes, matrix: tuple[int, int, int, int]) -> bytes:
    """An MP4 with this display matrix: a, b, c, d."""
    changed = bytearray(data)
    at = changed.index(b"tkhd") + 44
    a, b, c, d = (value << 16 for value in matrix)
    changed[at : at + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    return bytes(changed)


@pytest.mark.parametrize("degrees", TURN)
def test_rotation_is_applied(clip: bytes, degrees: int) -> None:
    found = frames(turned(clip, degrees))[0].pixels
    expected = np.rot90(frames(clip)[0].pixels, -degrees // 90)
    assert np.array_equal(found, expected)


@pytest.mark.parametrize(
    ("matrix", "change"),
    [
        ((1, 0, 0, 1), None),
        ((-1, 0, 0, 1), Pillow.Transpose.FLIP_LEFT_RIGHT),
        ((1, 0, 0, -1), Pillow.Transpose.FLIP_TOP_BOTTOM),
        ((-1, 0, 0, -1), Pillow.Transpose.ROTATE_180),
        ((0, 1, 1, 0), Pillow.Transpose.TRANSPOSE),
        ((0, -1, -1, 0), Pillow.Transpose.TRANSVERSE),
        ((0, 1, -1, 0), Pillow.Transpose.ROTATE_270),
        ((0, -1, 1, 0), Pillow.Transpose.ROTATE_90),
        ((0, 0, 0, 0), None),  # says nothing
    ],
)
def test_all_eight_display_matrices_are_applied(
    clip: bytes, matrix: tuple[int, int, int, int], change: Pillow.Transpose | None
) -> None:
    plain = Pillow.fromarray(frames(clip)[0].pixels)
    expected = np.asarray(plain if change is None else plain.transpose(change))
    assert np.array_equal(frames(placed(clip, matrix))[0].pixels, expected)


def test_a_crooked_display_matrix_is_the_nearest_of_the_eight(clip: bytes) -> None:
    found = frames(placed(clip, (9, -4, -4, -9)))[0].pixels
    assert np.array_equal(found, frames(placed(clip, (1, 0, 0, -1)))[0].pixels)


@pytest.mark.parametrize("degrees", TURN)
def test_rotation_is_that_of_opencv(test_data: Path, degrees: int) -> None:
    path = test_data / "decoder" / "video" / f"video_{degrees}.mov"
    capture = cv2.VideoCapture(str(path))
    capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
    _, expected = capture.read()
    first = next(iter(decode_video(path.read_bytes(), name="clip").frames())).pixels
    assert first.shape == expected.shape
    assert np.abs(first.astype(float) - expected[:, :, ::-1]).mean() < 4


def test_pixels_that_are_not_square(encode_clip: Callable[..., bytes]) -> None:
    for ratio, width in (("1/1", WIDTH), ("2/1", 2 * WIDTH), ("90/1", WIDTH)):
        options = {"x264-params": f"sar={ratio}"}
        data = encode_clip([scene()] * 20, range(0, 2000, 100), codec="libx264", options=options)
        assert frames(data)[0].pixels.shape == (HEIGHT, width, 3)


def test_large_frames_are_made_smaller(encode_clip: Callable[..., bytes]) -> None:
    data = encode_clip([scene(0, 1920, 1080)] * 10, range(0, 2000, 200))
    found = frames(data)
    assert found[0].pixels.shape == (720, KEPT_SIDE, 3)
    assert frames(turned(data, 90))[0].pixels.shape == (KEPT_SIDE, 720, 3)
