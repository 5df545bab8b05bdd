from __future__ import annotations

import numpy as np
import pytest
from PIL import Image as Pillow

from senseid_engine.errors import (
    ImageTypeError,
)
from senseid_engine.image import decode_image
from tests.engine.image.conftest import HEIGHT, WIDTH, decode, distance, encode, scene


@pytest.mark.parametrize(("kind", "name"), [("GIF", "GIF"), ("TIFF", "TIFF"), ("PNG", "PNG"), ("MPO", "JPEG")])
def test_the_first_frame_counts(kind: str, name: str) -> None:
    others = [Pillow.new("RGB", (64, 50), "red"), Pillow.new("RGB", (WIDTH, HEIGHT), "blue")][kind in {"GIF", "PNG"} :]
    first = scene().quantize(200).convert("RGB")
    image = decode(encode(first, kind, save_all=True, append_images=others))
    assert image.format == name
    assert distance(image, first) < 8


def test_an_apng_whose_default_picture_is_no_frame() -> None:
    data = encode(scene(), "PNG", save_all=True, default_image=True, append_images=[Pillow.new("RGB", (48, 40))])
    assert distance(decode(data), scene()) == 0


def test_libtiff_writes_nothing_of_its_own(capfd: pytest.CaptureFixture[str]) -> None:
    noise = np.random.default_rng(0).integers(0, 255, (64, 64, 3), dtype=np.uint8)
    photo = encode(Pillow.fromarray(noise), "TIFF", compression="tiff_lzw")
    middle = len(photo) // 2
    with pytest.raises(ImageTypeError):
        decode_image(photo[:8] + photo[8:middle][::-1] + photo[middle:], name="photo")
    assert capfd.readouterr() == ("", "")
