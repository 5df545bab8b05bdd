from __future__ import annotations

import io
import re
import struct
import zlib

import numpy as np
import pytest
from PIL import Image as Pillow

from senseid_engine.errors import ImageTypeError
from senseid_engine.image import MAX_BYTES, decode_image
from senseid_engine.photo_guard import MAX_PIECES, MAX_SCANS, MAX_TILE_SIDE, check_tiff, slim_jpeg

BYTE, SHORT, LONG = 1, 3, 4


def jpeg(**options: object) -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (40, 48, 3), np.uint8)
    file = io.BytesIO()
    Pillow.fromarray(noise).save(file, "JPEG", **options)
    return file.getvalue()


def segment(code: int, body: bytes) -> bytes:
    return bytes([0xFF, code]) + struct.pack(">H", len(body) + 2) + body


def tiff(entries: list[tuple[int, int, int, bytes]], *, order: str = "<", big: bool = False) -> bytes:
    """A TIFF of one directory; values longer than the field lie behind it."""
    head = (b"II" if order == "<" else b"MM") + struct.pack(f"{order}H", 43 if big else 42)
    head += struct.pack(f"{order}HHQ", 8, 0, 16) if big else struct.pack(f"{order}I", 8)
    head += struct.pack(f"{order}{'Q' if big else 'H'}", len(entries))
    field, entry = (8, "HHQ") if big else (4, "HHI")
    behind = len(head) + len(entries) * (4 + 2 * field) + field
    tail = b""
    for tag, kind, count, value in entries:
        inline = value
        if len(value) > field:
            inline, tail = struct.pack(f"{order}{'Q' if big else 'I'}", behind + len(tail)), tail + value
        head += struct.pack(f"{order}{entry}", tag, kind, count) + inline.ljust(field, b"\0")
    return head + bytes(field) + tail


def grey(*more: tuple[int, int, int, bytes]) -> list[tuple[int, int, int, bytes]]:
    values = {256: 64, 257: 64, 258: 8, 259: 1, 262: 1, 277: 1, 278: 1}
    return sorted([(tag, SHORT, 1, struct.pack("<H", value)) for tag, value in values.items()] + list(more))


def pixels(data: bytes) -> bytes:
    return Pillow.open(io.BytesIO(data)).tobytes()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"subsampling": 0}])
def test_slimming_keeps_the_pixels(options: dict[str, object]) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    data = jpeg(exif=exif, comment=b"hello", icc_profile=b"profile", **options)
    slim = slim_jpeg(data + b"\xff\xda" * 1000, name="a")
    assert pixels(slim.data) == pixels(data)
    assert slim.data.endswith(b"\xff\xd9")
    assert len(slim.data) < len(data)
    assert b"hello" not in slim.data
    assert b"profile" in slim.data
    assert slim.exif == exif.tobytes()


def test_a_thumbnail_inside_the_exif_neither_ends_nor_counts() -> None:
    thumbnail = jpeg(progressive=True)
    data = jpeg()
    with_thumbnail = data[:2] + segment(0xE1, b"Exif\0\0" + thumbnail * 8) + data[2:]
    assert pixels(slim_jpeg(with_thumbnail, name="a").data) == pixels(data)


def test_a_segment_with_a_wrong_length_is_left_out_with_its_rest() -> None:
    data = jpeg()
    broken = data[:2] + segment(0xE1, b"Exif\0\0") + b"rest of it" + data[2:]
    assert pixels(slim_jpeg(broken, name="a").data) == pixels(data)


def test_a_cut_off_jpeg_stays_cut_off() -> None:
    data = jpeg()
    assert data.startswith(slim_jpeg(data[:4], name="a").data)
    with pytest.raises(ImageTypeError, match="cut off"):
        decode_image(data[:-100], name="a")


@pytest.mark.parametrize(
    "options", [{}, {"progressive": True}, {"restart_marker_blocks": 1}, {"subsampling": 0, "quality": 95}]
)
@pytest.mark.parametrize("left_out", [1, 2])
def test_an_end_marker_that_is_missing_is_added(options: dict[str, object], left_out: int) -> None:
    data = jpeg(**options)
    slim = slim_jpeg(data[:-left_out], name="a")
    assert slim.data == data
    assert pixels(slim.probe) == pixels(data)
    assert np.array_equal(decode_image(data[:-left_out], name="a").pixels, decode_image(data, name="a").pixels)


@pytest.mark.parametrize("options", [{}, {"progressive": True}, *({"restart_marker_blocks": n} for n in (1, 2, 3))])
def test_whatever_else_is_missing_is_no_photo(options: dict[str, object]) -> None:
    data = jpeg(**options)
    whole = decode_image(data, name="a").pixels
    read = 0
    for length in range(data.index(b"\xff\xda") + 40, len(data) - 2):
        try:
            pixels_left = decode_image(data[:length], name="a").pixels
        except ImageTypeError:
            continue
        # A bit or two of the last block, most of which is behind the edge: eyes cannot tell.
        assert length > len(data) - 8
        assert np.abs(pixels_left.astype(int) - whole).max() < 16
        read += 1
    assert read < 4


def test_scans_that_are_missing_are_missed() -> None:
    data = jpeg(progressive=True)
    scans = [match.start() for match in re.finditer(rb"\xff\xda", data)]
    for start in scans[1:]:
        assert slim_jpeg(data[:start], name="a").probe == b""
        with pytest.raises(ImageTypeError, match="cut off"):
            decode_image(data[:start], name="a")
    assert slim_jpeg(data[: scans[-1]] + b"\xff\xda\x00", name="a").probe == b""


def test_scans_are_limited() -> None:
    data = jpeg(progressive=True)
    last = data[data.rindex(b"\xff\xda") : -2]
    scans = data.count(b"\xff\xda")
    full = data[:-2] + last * (MAX_SCANS - scans) + data[-2:]
    assert decode_image(full, name="a").width == 48
    with pytest.raises(ImageTypeError, match="scans"):
        decode_image(data[:-2] + last * (MAX_SCANS - scans + 1) + data[-2:], name="a")


def test_half_a_million_exif_blocks_take_no_quadratic_time() -> None:
    data = jpeg()
    block = segment(0xE1, b"Exif\0\0abcd")
    swollen = data[:2] + block * ((MAX_BYTES - len(data)) // len(block)) + data[2:]
    assert np.array_equal(decode_image(swollen, name="a").pixels, decode_image(data, name="a").pixels)


def test_a_plain_tiff_passes() -> None:
    offsets = struct.pack("<64H", *range(300, 364))
    check_tiff(tiff(grey((273, SHORT, 64, offsets))), name="a")


@pytest.mark.parametrize("count", [MAX_PIECES, MAX_PIECES + 1])
def test_strips_are_limited(count: int) -> None:
    data = tiff(grey((273, BYTE, count, b"\x08" * count)))
    if count > MAX_PIECES:
        with pytest.raises(ImageTypeError, match="strips or tiles"):
            decode_image(data, name="a")
    else:
        check_tiff(data, name="a")


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize("big", [False, True])
@pytest.mark.parametrize(("kind", "code"), [(SHORT, "H"), (LONG, "I")])
@pytest.mark.parametrize("tag", [322, 323])
def test_tiles_are_limited(order: str, big: bool, kind: int, code: str, tag: int) -> None:
    def sized(side: int) -> bytes:
        return tiff([(tag, kind, 1, struct.pack(f"{order}{code}", side))], order=order, big=big)

    check_tiff(sized(MAX_TILE_SIDE), name="a")
    with pytest.raises(ImageTypeError, match="strips or tiles"):
        check_tiff(sized(MAX_TILE_SIDE + 1), name="a")


def test_a_repeated_tag_hides_nothing() -> None:
    small, large = struct.pack("<I", 64), struct.pack("<I", 40_000)
    for sides in ([small, large], [large, small]):
        with pytest.raises(ImageTypeError, match="strips or tiles"):
            check_tiff(tiff([(322, LONG, 1, side) for side in sides]), name="a")


@pytest.mark.parametrize(
    "data", [b"II*\0\xff\xff\xff\x7f", b"II*\0", b"MM\0*\0\0\0\x08\xff\xff", b"II+\0" + b"\xff" * 20]
)
def test_a_directory_outside_the_file_is_refused(data: bytes) -> None:
    with pytest.raises(ImageTypeError):
        decode_image(data, name="a")


def test_a_tile_of_a_gigabyte_in_a_small_file_is_refused() -> None:
    packed = zlib.compress(bytes(1000))
    side = struct.pack("<I", 40_000)
    entries = [entry for entry in grey() if entry[0] not in {259, 278}]
    entries += [(259, SHORT, 1, b"\x08\0"), (322, LONG, 1, side), (323, LONG, 1, side)]
    entries += [(324, LONG, 1, struct.pack("<I", 8)), (325, LONG, 1, struct.pack("<I", len(packed)))]
    with pytest.raises(ImageTypeError, match="strips or tiles"):
        decode_image(tiff(sorted(entries)) + packed, name="a")
