from __future__ import annotations

import io

import pytest
from PIL import Image as Pillow
from PIL import features

from senseid_engine.errors import ImageTypeError
from senseid_engine.image import decode_image
from senseid_engine.photo_kinds import unread_kind

BOX = b"\0\0\0\x20ftyp"
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\0\x01\x01\0\0\x01\0\x01\0\0"


def frame(code: int, bits: int) -> bytes:
    return JPEG + bytes([0xFF, code, 0, 11, bits, 0, 64, 0, 64, 1, 1, 0x11, 0]) + bytes(100)


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (BOX + b"heic\0\0\0\0mif1heic", "HEIC"),
        (BOX + b"mif1\0\0\0\0mif1heic", "HEIC"),
        (BOX + b"avif\0\0\0\0mif1avif", "AVIF"),
        (BOX + b"mif1\0\0\0\0mif1avif", "AVIF"),
        (BOX + b"isom\0\0\0\0isom", "video"),
        (b"RIFF\x24\0\0\0WEBPVP8 ", "WebP"),
        (b"RIFF\x24\0\0\0AVI LIST", "video"),
        (b"\xff\x0a\x7f\0", "JPEG XL"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "JPEG XL"),
        (b"\0\0\0\x0cjP  \r\n\x87\n", "JPEG 2000"),
        (b"\xff\x4f\xff\x51\0\x29", "JPEG 2000"),
        (b"II\xbc\x01\x20", "JPEG XR"),
        (b"8BPS\0\x01", "Photoshop"),
        (b"%PDF-1.7", "PDF"),
        (frame(0xF7, 8), "JPEG-LS"),
        (frame(0xC0, 12), "12-bit JPEG"),
        (frame(0xC1, 12), "12-bit JPEG"),
        (frame(0xC3, 16), "lossless JPEG"),
        (frame(0xC5, 8), "hierarchical JPEG"),
    ],
)
def test_a_format_that_is_not_read_is_named(data: bytes, kind: str) -> None:
    with pytest.raises(ImageTypeError, match=f"is an? {kind}.* which is not read: save it as a plain JPEG or PNG"):
        decode_image(data, name="photo", phone_formats=False)


@pytest.mark.parametrize(
    ("kind", "name"), [("WEBP", "a WebP photo"), ("JPEG2000", "a JPEG 2000 photo"), ("AVIF", "an AVIF photo")]
)
def test_what_a_real_encoder_writes_is_named(kind: str, name: str) -> None:
    if not features.check({"JPEG2000": "jpg_2000"}.get(kind, kind.lower())):
        pytest.skip(f"this Pillow writes no {kind}")
    file = io.BytesIO()
    Pillow.new("RGB", (64, 64), "red").save(file, kind)
    assert unread_kind(file.getvalue()) == name


@pytest.mark.parametrize(
    "data", [b"", b"hello", b"\xff\xd8\xff", JPEG, JPEG[:6], frame(0xC0, 8), JPEG + b"\xff\xda\0\2"]
)
def test_nothing_else_is_named(data: bytes) -> None:
    assert unread_kind(data) is None


def test_markers_that_stand_alone_are_stepped_over() -> None:
    assert unread_kind(b"\xff\xd8\xff\xd0\xff\xff\x01" + frame(0xC0, 12)[2:]) == "a 12-bit JPEG"
