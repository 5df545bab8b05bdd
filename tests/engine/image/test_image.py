from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from senseid_engine.image import Image, rotate
from tests.engine.image.conftest import HEIGHT, WIDTH, decode, distance, encode, scene


def test_pixels_are_contiguous_read_only_rgb_bytes() -> None:
    for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF"):
        image = decode(encode(scene(), kind))
        assert (image.format, image.orientation, image.name) == (kind, 1, "photo")
        assert (image.width, image.height, image.pixels.shape) == (WIDTH, HEIGHT, (HEIGHT, WIDTH, 3))
        assert image.pixels.dtype == np.uint8
        assert image.pixels.flags.c_contiguous
        with pytest.raises(ValueError, match="read-only"):
            image.pixels[0, 0, 0] = 1


def test_an_image_is_frozen_and_its_repr_is_short() -> None:
    image = decode(encode(scene(), "PNG"))
    with pytest.raises(dataclasses.FrozenInstanceError):
        image.name = "other"  # type: ignore[misc]
    assert repr(image) == "Image(format='PNG', orientation=1, name='photo')"


@pytest.mark.parametrize(
    "pixels",
    [
        np.zeros((40, 48), np.uint8),
        np.zeros((40, 48, 4), np.uint8),
        np.zeros((40, 48, 3), np.float32),
        np.zeros((48, 40, 3), np.uint8).transpose(1, 0, 2),
    ],
)
def test_an_image_of_other_pixels_cannot_be_made(pixels: np.ndarray) -> None:
    with pytest.raises(ValueError, match="C-contiguous uint8 HxWx3"):
        Image(pixels=pixels, format="PNG", orientation=1, name="a")


@pytest.mark.parametrize("turns", range(-5, 6))
def test_rotation_is_anticlockwise(turns: int) -> None:
    image = decode(encode(scene(), "PNG"))
    turned = rotate(image, turns)
    assert distance(turned, scene().rotate(90 * turns, expand=True)) == 0
    assert (turned.name, turned.format) == (image.name, image.format)
    assert turned.pixels.flags.c_contiguous
    assert not turned.pixels.flags.writeable
