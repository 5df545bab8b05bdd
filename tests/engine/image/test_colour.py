from __future__ import annotations

import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow
from PIL import ImageCms

from tests.engine.image.conftest import HEIGHT, WIDTH, decode, distance, encode, png, scene


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_grey_becomes_rgb(kind: str) -> None:
    grey = scene().convert("L")
    assert distance(decode(encode(grey, kind)), grey) < 1


@pytest.mark.parametrize("kind", ["PNG", "GIF", "BMP", "TIFF"])
def test_black_and_white_and_palettes(kind: str) -> None:
    for picture in (scene().convert("1"), scene().convert("P"), scene().quantize(7)):
        assert distance(decode(encode(picture, kind)), picture) == 0


def test_cmyk_is_not_negative() -> None:
    cmyk = scene().convert("CMYK")
    assert distance(decode(encode(cmyk, "JPEG", quality=95)), scene()) < 4  # Adobe's way: stored inverted
    assert distance(decode(encode(cmyk, "TIFF")), scene()) == 0


@pytest.mark.parametrize("profile", [b"broken", ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()])
def test_cmyk_with_an_unusable_profile_is_converted_plainly(profile: bytes) -> None:
    cmyk = scene().convert("CMYK")
    for kind in ("JPEG", "TIFF"):
        plain = decode(encode(cmyk, kind))
        assert np.array_equal(decode(encode(cmyk, kind, icc_profile=profile)).pixels, plain.pixels)


def cmyk_profile() -> bytes:
    """An ICC profile of a printer whose inks are all grey: a 2 x 2 x 2 x 2 table from CMYK to LAB."""
    inks = np.stack(np.meshgrid(*[[0.0, 1.0]] * 4, indexing="ij"), axis=-1).reshape(16, 4)
    lightness = 255 * (1 - inks.mean(axis=1))
    table = np.stack([lightness, np.full(16, 128), np.full(16, 128)], axis=1).astype(np.uint8).tobytes()
    curve = bytes(range(256))
    matrix = struct.pack(">9i", *(65536 if place % 4 == 0 else 0 for place in range(9)))
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + curve * 4 + table + curve * 3
    head = struct.pack(">I4sI4s4s4s12x4s", 144 + len(lut), b"", 0x02400000, b"prtr", b"CMYK", b"Lab ", b"acsp")
    head = head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)  # the D50 white
    return head.ljust(128, b"\0") + struct.pack(">I4sII", 1, b"A2B0", 144, len(lut)) + lut


@pytest.mark.parametrize("kind", ["JPEG", "TIFF"])
def test_cmyk_goes_through_its_profile(kind: str) -> None:
    cyan = Pillow.new("CMYK", (WIDTH, HEIGHT), (255, 0, 0, 0))
    plain = decode(encode(cyan, kind)).pixels[0, 0].astype(int)
    managed = decode(encode(cyan, kind, icc_profile=cmyk_profile())).pixels[0, 0].astype(int)
    assert plain[0] < 10
    assert plain[1] > 245
    assert np.ptp(managed) <= 3
    assert 100 < managed.mean() < 240


def test_lab_and_ycbcr() -> None:
    lab = ImageCms.profileToProfile(
        scene(), ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB"), outputMode="LAB"
    )
    assert lab is not None
    assert distance(decode(encode(lab, "TIFF")), scene()) < 6  # 8-bit LAB holds not every colour
    assert distance(decode(encode(scene().convert("YCbCr"), "TIFF")), scene()) < 3


def ramp(dtype: str, top: float) -> np.ndarray:
    return np.linspace(0, top, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(dtype)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    expected = Pillow.fromarray((ramp("uint16", 65535) >> 8).astype(np.uint8))
    for kind in ("PNG", "TIFF"):
        for order in ("<u2", ">u2") if kind == "TIFF" else ("<u2",):
            assert distance(decode(encode(Pillow.fromarray(ramp(order, 65535)), kind)), expected) == 0


def test_sixteen_bit_colour_is_scaled() -> None:
    samples = np.stack([ramp("uint16", 65535), ramp("uint16", 30000), ramp("uint16", 0)], axis=2)
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in samples)
    image = decode(png(WIDTH, HEIGHT, 2, 16, zlib.compress(rows)))
    assert np.abs(image.pixels.astype(int) - (samples >> 8)).max() <= 1


def tiff_of(samples: bytes, bits: int, photometric: int) -> bytes:
    tags = {256: 64, 257: 32, 258: bits, 259: 1, 262: photometric, 273: 126, 277: 1, 278: 32}
    entries = b"".join(struct.pack("<HHIHH", tag, 3, 1, value, 0) for tag, value in tags.items())
    entries += struct.pack("<HHII", 279, 4, 1, len(samples))
    return b"II*\0" + struct.pack("<IH", 8, 9) + entries + bytes(4) + bytes(126 - 10 - 108 - 4) + samples


def test_twelve_bits_and_white_is_zero() -> None:
    white_is_zero = decode(tiff_of(b"\0\0" * 1024 + b"\xff\xff" * 1024, 16, 0))
    assert (white_is_zero.pixels[0, 0, 0], white_is_zero.pixels[-1, -1, 0]) == (255, 0)
    twelve = decode(tiff_of(b"\0\0\0" * 512 + b"\xff\xff\xff" * 512, 12, 1))
    assert (twelve.pixels[0, 0, 0], twelve.pixels[-1, -1, 0]) == (0, 255)


@pytest.mark.parametrize(("dtype", "top"), [("int32", 255), ("int32", 2**31 - 1), ("float32", 1), ("float32", 3e38)])
def test_integers_and_floats_are_stretched(dtype: str, top: float) -> None:
    image = decode(encode(Pillow.fromarray(ramp(dtype, top)), "TIFF"))
    expected = Pillow.fromarray(np.linspace(0, 255, WIDTH * HEIGHT).reshape(HEIGHT, WIDTH).astype(np.uint8))
    assert distance(image, expected) < 1
    assert (image.pixels.min(), image.pixels.max()) == (0, 255)


@pytest.mark.parametrize("value", [0.0, 7.0, np.nan, np.inf])
def test_flat_and_infinite_floats_have_no_side_effects(value: float) -> None:
    array = np.full((HEIGHT, WIDTH), value, np.float32)
    assert decode(encode(Pillow.fromarray(array), "TIFF")).pixels.max() == 0
    array[0, :2] = 1000, -1000
    assert decode(encode(Pillow.fromarray(array), "TIFF")).pixels[0, :2, 0].tolist() == [255, 0]


@pytest.mark.parametrize(
    ("mode", "kind"),
    [("RGBA", "PNG"), ("LA", "PNG"), ("P", "PNG"), ("RGBA", "TIFF"), ("LA", "TIFF"), ("RGBA", "GIF")],
)
def test_transparency_is_laid_over_white(mode: str, kind: str) -> None:
    picture = scene().convert("RGBA")
    hole = Pillow.new("L", picture.size, 255)
    hole.paste(0, (0, 0, 24, HEIGHT))
    picture.putalpha(hole)
    image = decode(encode(picture.quantize() if mode == "P" else picture.convert(mode), kind))
    assert (image.pixels[:, :24] == 255).all()
    assert image.pixels[:, 25:].mean() < 200


def test_half_transparency_and_transparent_colours() -> None:
    half = decode(encode(Pillow.new("RGBA", (40, 40), (0, 0, 0, 128)), "PNG"))
    assert (half.pixels == 127).all()
    keyed = Pillow.new("RGB", (40, 40), (10, 20, 30))
    assert (decode(encode(keyed, "PNG", transparency=(10, 20, 30))).pixels == 255).all()
    assert (decode(encode(keyed.convert("P"), "PNG", transparency=bytes(256))).pixels == 255).all()
