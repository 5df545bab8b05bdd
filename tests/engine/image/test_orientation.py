from __future__ import annotations

import io
import struct
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from PIL import Image as Pillow

from tests.engine.image.conftest import HEIGHT, WIDTH, decode, distance, encode, png, scene, zeros


@pytest.mark.parametrize(
    ("kind", "options", "orientation"),
    [(kind, {}, orientation) for kind in ("JPEG", "PNG", "TIFF") for orientation in range(10)]
    + [("TIFF", {"compression": "tiff_deflate"}, orientation) for orientation in range(1, 9)],
)
def test_every_orientation_comes_upright(kind: str, options: dict[str, object], orientation: int) -> None:
    # What a camera held that way stores: the inverse of the turn that the viewer makes.
    stored = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_90,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_270,
    }
    picture = scene().transpose(stored[orientation]) if orientation in stored else scene()
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    image = decode(encode(picture, kind, exif=exif, **options))
    assert distance(image, scene()) < 3
    assert image.orientation == (orientation if orientation in stored else 1)


def test_an_orientation_behind_the_pixels_of_a_png() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 8
    body = b"eXIf" + exif.tobytes()[6:]
    chunk = struct.pack(">I", len(body) - 4) + body + struct.pack(">I", zlib.crc32(body))
    data = encode(scene(), "PNG")
    image = decode(data[:-12] + chunk + data[-12:])
    assert (image.orientation, image.width, image.height) == (8, HEIGHT, WIDTH)


@pytest.mark.parametrize(
    "block",
    [
        b"Exif\0\0",
        b"Exif\0\0II*\0\xff\xff\xff\xff",
        b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12",
        b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x02\0\xff\0\0\0\x08\0\0\0",
        b"Exif\0\0garbage",
    ],
)
def test_broken_exif_costs_neither_the_photo_nor_a_warning(block: bytes) -> None:
    data = encode(scene(), "JPEG")
    # Without the JFIF header, Pillow's reader would look for the resolution in the EXIF block, and fail with it.
    bare = data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[20:]
    image = decode(bare)
    assert image.orientation == 1
    assert distance(image, scene()) < 3


def test_a_remark_of_pillow_reaches_nobody() -> None:
    # An animation of no frames, on which Pillow warns.
    body = b"acTL" + bytes(8)
    control = struct.pack(">I", 8) + body + struct.pack(">I", zlib.crc32(body))
    data = png(40, 40, 0, 8, zeros(40, 41), before=control)
    with pytest.warns(UserWarning, match="APNG"), Pillow.open(io.BytesIO(data)):
        pass
    with warnings.catch_warnings(record=True) as seen:
        warnings.simplefilter("always")
        decode(data)
    assert seen == []


def test_the_filter_is_added_once() -> None:
    decode(encode(scene(), "PNG"))
    before = list(warnings.filters)
    for _ in range(3):
        decode(encode(scene(), "PNG"))
    assert list(warnings.filters) == before


def test_threads_decode_side_by_side() -> None:
    photos = [encode(scene(), kind) for kind in ("JPEG", "PNG", "GIF", "BMP", "TIFF")] * 20
    alone = [decode(data).pixels for data in photos]
    with ThreadPoolExecutor(4) as pool:
        together = [image.pixels for image in pool.map(decode, photos)]
    assert all(np.array_equal(one, other) for one, other in zip(alone, together, strict=True))
