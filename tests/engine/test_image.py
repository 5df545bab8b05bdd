from __future__ import annotations

import dataclasses
import io
import json
import os
import shutil
import struct
import subprocess
import sys
import tarfile
import time
import warnings
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pillow
from PIL import ImageCms

from senseid_engine.errors import (
    ContentLengthError,
    EngineError,
    ImageSizeError,
    ImageTypeError,
    MediaNotFoundError,
    MediaUnreadableError,
)
from senseid_engine.image import MAX_BYTES, MAX_SIDE, MIN_SIDE, Image, decode_image, read_photo, rotate

GIB = 1024**3
WIDTH, HEIGHT = 48, 40


def scene(width: int = WIDTH, height: int = HEIGHT) -> Pillow.Image:
    """A smooth colour picture in which every corner differs, so that any turn or flip shows."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    return Pillow.fromarray(np.stack([red, green, 255 - red / 2], axis=2).astype(np.uint8))


def encode(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def decode(data: bytes) -> Image:
    return decode_image(data, name="photo")


def distance(image: Image, picture: Pillow.Image) -> float:
    """The mean absolute difference of the samples, 0..255."""
    expected = np.asarray(picture.convert("RGB"), dtype=np.int16)
    assert image.pixels.shape == expected.shape
    return float(np.abs(image.pixels.astype(np.int16) - expected).mean())


def png(width: int, height: int, colour_type: int, bits: int, rows: bytes, *, before: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(rows: int, length: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(bytes(length)) for _ in range(rows)] + [packer.flush()])


# The image itself


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


# Limits


@pytest.mark.parametrize("size", [(MIN_SIDE, 40), (40, MIN_SIDE), (MAX_SIDE, MIN_SIDE), (MIN_SIDE, MAX_SIDE)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_sides_at_the_limit_pass(size: tuple[int, int], kind: str) -> None:
    image = decode(encode(Pillow.new("RGB", size), kind))
    assert (image.width, image.height) == size


@pytest.mark.parametrize("size", [(31, 40), (40, 31), (MAX_SIDE + 1, 32), (32, MAX_SIDE + 1), (1, 1)])
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_sides_beyond_the_limit_are_refused(size: tuple[int, int], kind: str) -> None:
    with pytest.raises(ImageSizeError, match=rf"{size[0]} x {size[1]} px, each side must be 32\.\.5000 px"):
        decode(encode(Pillow.new("RGB", size), kind))


def test_the_limit_holds_for_a_turned_photo() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "TIFF"):
        assert decode(encode(Pillow.new("RGB", (5000, 32)), kind, exif=exif)).height == 5000
        with pytest.raises(ImageSizeError):
            decode(encode(Pillow.new("RGB", (5001, 32)), kind, exif=exif))


def test_five_megabytes_pass_and_one_byte_more_does_not(tmp_path: Path) -> None:
    data = encode(scene(), "PNG")
    path = tmp_path / "a.png"
    path.write_bytes(data.ljust(5 * 1024 * 1024, b"\0"))
    assert decode_image(read_photo(path), name="a").width == WIDTH
    path.write_bytes(data.ljust(5 * 1024 * 1024 + 1, b"\0"))
    with pytest.raises(ContentLengthError, match=r"5,242,880 bytes"):
        decode_image(read_photo(path), name="a")


def test_a_huge_file_is_not_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "sparse.jpg"
    with path.open("wb") as file:
        file.truncate(100 * GIB)
    assert len(read_photo(path)) == MAX_BYTES + 1


MEASURE = """
import json, re, sys, time
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from senseid_engine.errors import EngineError
from senseid_engine.image import decode_image, read_photo

def peak():  # of this process alone: ru_maxrss starts with the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before, records = peak(), []
for path in map(Path, sys.argv[1:]):
    start = time.perf_counter()
    try:
        image = decode_image(read_photo(path), name=path.name)
        outcome, orientation = "Image", image.orientation
    except EngineError as error:
        outcome, orientation = type(error).__name__, 0
    records.append([str(path), outcome, orientation, time.perf_counter() - start])
print(json.dumps({"before": before, "peak": peak(), "records": records}))
"""


def measure(*paths: Path) -> tuple[dict[str, tuple[str, int, float]], int, int]:
    """Decode in a process of its own, where any warning is an error.

    Returns:
        Path -> class name of the outcome, orientation, seconds; the peak of memory before and after, in bytes.
    """
    command = [sys.executable, "-W", "error", "-c", MEASURE, *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    answer = json.loads(done.stdout)
    records = {path: (outcome, orientation, seconds) for path, outcome, orientation, seconds in answer["records"]}
    return records, answer["before"], answer["peak"]


@pytest.mark.parametrize("side", [10_000, 14_000])
def test_a_pixel_bomb_is_refused_from_its_header(tmp_path: Path, side: int) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(png(side, side, 0, 8, zeros(side, side + 1)))
    assert path.stat().st_size < 300_000
    records, before, after = measure(path)
    outcome, _, seconds = records[str(path)]
    assert outcome == "ImageSizeError"
    assert seconds < 0.5
    assert after - before < 16 * 1024**2


def gif(screen: tuple[int, int], frame: tuple[int, int], disposal: int = 0) -> bytes:
    control = b"!\xf9\x04" + bytes([disposal << 2]) + b"\0\0\0\0"
    picture = b"," + struct.pack("<HHHH", 0, 0, *frame) + b"\0" + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HH", *screen) + b"\0\0\0" + control + picture + b";"


@pytest.mark.parametrize("disposal", [0, 2, 3])
@pytest.mark.parametrize("large", [(5001, 40), (10_000, 10_000), (13_000, 13_000), (65_535, 65_535)])
def test_a_gif_whose_frame_outgrows_its_screen_is_refused(large: tuple[int, int], disposal: int) -> None:
    for screen, frame in (((64, 64), large), (large, (64, 64))):
        with pytest.raises(ImageSizeError):
            decode(gif(screen, frame, disposal))


def test_the_largest_photos_stay_under_a_gibibyte(tmp_path: Path) -> None:
    square = (MAX_SIDE, MAX_SIDE)
    exif = Pillow.Exif()
    exif[0x0112] = 6
    files = {
        "alpha.png": encode(Pillow.new("RGBA", square, (1, 2, 3, 4)), "PNG", exif=exif, compress_level=1),
        "cmyk.jpg": encode(Pillow.new("CMYK", square), "JPEG", progressive=True, exif=exif),
        "float.tif": encode(Pillow.new("F", square), "TIFF", compression="tiff_deflate"),
    }
    for name, data in files.items():
        (tmp_path / name).write_bytes(data)
    records, _, peak = measure(*(tmp_path / name for name in files))
    assert {outcome for outcome, _, _ in records.values()} == {"Image"}
    assert peak < GIB


# Content decides


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_the_name_decides_nothing(tmp_path: Path, kind: str) -> None:
    for name in ("photo.txt", "photo", "photo.jpg", "photo.tiff"):
        path = tmp_path / name
        path.write_bytes(encode(scene(), kind))
        assert decode_image(read_photo(path), name=name).format == kind


@pytest.mark.parametrize("kind", ["WEBP", "PPM", "ICO", "TGA", "JPEG2000", "PCX"])
def test_formats_outside_the_contract_are_refused(kind: str) -> None:
    with pytest.raises(ImageTypeError, match=r"convert it|save it as a plain"):
        decode(encode(scene(), kind))


@pytest.mark.parametrize("data", [b"", b"\xff\xd8", b"BM", b"GIF89a", b"II*\0", b"hello", b"<svg/>", b"\0" * 5000])
def test_what_is_no_photo_is_refused(data: bytes) -> None:
    with pytest.raises(ImageTypeError):
        decode(data)


def test_an_empty_file_is_said_to_be_empty(tmp_path: Path) -> None:
    path = tmp_path / "empty.png"
    path.touch()
    with pytest.raises(ImageTypeError, match="is empty"):
        decode_image(read_photo(path), name="empty.png")


ENCODINGS: dict[str, tuple[str, str, dict[str, object]]] = {
    "baseline": ("RGB", "JPEG", {}),
    "progressive": ("RGB", "JPEG", {"progressive": True}),
    "png": ("RGB", "PNG", {}),
    "gif": ("P", "GIF", {}),
    "bmp": ("RGB", "BMP", {}),
    "raw tiff": ("RGB", "TIFF", {}),
    "lzw tiff": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "deflate tiff": ("RGB", "TIFF", {"compression": "tiff_deflate"}),
}


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_a_cut_off_photo_is_refused(encoding: str) -> None:
    mode, kind, options = ENCODINGS[encoding]
    data = encode(scene(160, 120).convert(mode), kind, **options)
    # The last 21 bytes of a PNG hold no pixels: a checksum and the end chunk.
    for length in {*range(1, len(data) - 30, 97), len(data) // 2, len(data) - 30}:
        with pytest.raises(ImageTypeError):
            decode(data[:length])


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_that_lacks_only_its_end_marker_is_read(mode: str) -> None:
    data = encode(scene().convert(mode), "JPEG")
    assert np.array_equal(decode(data[:-2]).pixels, decode(data).pixels)


def test_sixty_photos_without_their_end_marker_are_read(test_data: Path) -> None:
    with tarfile.open(test_data / "lfw-pairs.tar") as photos:
        names = [member for member in photos if member.name.endswith(".jpg")][:60]
        for name in names:
            file = photos.extractfile(name)
            assert file is not None
            data = file.read()
            end = data.rindex(b"\xff\xd9")
            assert np.array_equal(decode(data[:end]).pixels, decode(data[: end + 2]).pixels), name


# Colour


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


# Frames and pages


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


# Orientation


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


# Files


@pytest.mark.parametrize("name", ["ö漢字 ☺.jpg", "a b,c'd\".jpg", "line\nbreak.jpg", "-", "--help"])
def test_odd_names_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"content")
    assert read_photo(path) == b"content"


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\xfe.jpg")
    path.write_bytes(b"content")
    assert read_photo(path) == b"content"
    path.unlink()
    with pytest.raises(MediaNotFoundError) as caught:
        read_photo(path)
    str(caught.value).encode()


def test_a_missing_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path / "none.jpg", tmp_path / "none" / "a.jpg", file / "a.jpg"):
        with pytest.raises(MediaNotFoundError, match="no such file"):
            read_photo(path)


def test_a_directory(tmp_path: Path) -> None:
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(MediaUnreadableError, match="is a directory"):
            read_photo(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_pipe_that_nobody_writes_to_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    start = time.perf_counter()
    with pytest.raises(MediaUnreadableError, match="not a regular file"):
        read_photo(path)
    assert time.perf_counter() - start < 1


READ = "import pathlib, sys, senseid_engine.image as i; i.read_photo(pathlib.Path(sys.argv[1]))"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_devices_are_refused(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, path], check=False, capture_output=True, text=True, timeout=20, input="x"
    )
    assert "MediaUnreadableError" in done.stderr.splitlines()[-1]


def test_unusable_paths(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (Path("a\0b"), tmp_path / ("n" * 300), loop):
        with pytest.raises(MediaUnreadableError) as caught:
            read_photo(path)
        assert len(str(caught.value).splitlines()) == 1


def test_a_file_without_permission(tmp_path: Path) -> None:
    # As an ordinary user: nothing is forbidden to root.
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"content")
    path.chmod(0)
    if os.geteuid():
        with pytest.raises(MediaUnreadableError, match="permission denied"):
            read_photo(path)
        return
    runner = shutil.which("setpriv")
    if runner is None:
        pytest.skip("root without setpriv cannot become an ordinary user")
    tmp_path.chmod(0o755)
    # Root without CAP_DAC_OVERRIDE still reaches pytest's private directory, which root owns, but not the file.
    capabilities = "--bounding-set=-dac_override,-dac_read_search"
    done = subprocess.run(
        [runner, capabilities, sys.executable, "-c", READ, str(path)], check=False, capture_output=True, text=True
    )
    assert "permission denied" in done.stderr


# Hostile bytes


def outcome(data: bytes) -> None:
    """Decode, and hold what must hold whatever the bytes are. Any error but the engine's goes through."""
    try:
        image = decode(data)
    except EngineError as error:
        message = str(error)
    else:
        message = "photo"
        assert MIN_SIDE <= min(image.pixels.shape[:2]) <= max(image.pixels.shape[:2]) <= MAX_SIDE
    assert message.startswith("photo")
    assert message.isprintable()


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=400), st.sampled_from([b"", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF89a", b"BM", b"II*\0"])
)
def test_random_bytes_are_refused_or_decoded(data: bytes, magic: bytes) -> None:
    outcome(magic + data)


SEEDS = [encode(scene().convert(mode), kind, **options) for mode, kind, options in ENCODINGS.values()]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    st.sampled_from(SEEDS),
    st.lists(st.tuples(st.floats(0, 1), st.sampled_from(["set", "insert", "cut"]), st.binary(min_size=1, max_size=4))),
    st.floats(0, 1),
    st.booleans(),
)
def test_damaged_photos_are_refused_or_decoded(
    seed: bytes, edits: list[tuple[float, str, bytes]], end: float, near_the_head: bool
) -> None:
    data = seed
    for place, edit, value in edits:
        at = int(place * min(len(data), 200 if near_the_head else len(data)))
        rest = {"set": at + len(value), "insert": at, "cut": at + 4 * len(value)}[edit]
        data = data[:at] + (b"" if edit == "cut" else value) + data[rest:]
    for damaged in (data, data[: int(end * len(data))]):
        outcome(damaged)


# Real files


@pytest.mark.data
def test_every_odd_file_gives_an_image_or_a_coded_refusal(test_data: Path) -> None:
    files = sorted(path for path in (test_data / "decoder").rglob("*") if path.is_file())
    assert files
    records, _, peak = measure(*files)
    assert len(records) == len(files)
    assert {outcome for outcome, _, _ in records.values()} <= {"Image", "ImageSizeError", "ImageTypeError"}
    assert max(seconds for _, _, seconds in records.values()) < 5
    assert peak < GIB


@pytest.mark.data
@pytest.mark.parametrize("shape", ["Landscape", "Portrait"])
def test_orientations_of_real_photos(test_data: Path, shape: str) -> None:
    def load(number: int) -> Image:
        path = test_data / "decoder" / "exif-orientation" / f"{shape}_{number}.jpg"
        return decode_image(read_photo(path), name=path.name)

    upright = load(1)
    small = Pillow.fromarray(upright.pixels).resize((60, 60))
    for number in range(9):
        image = load(number)
        assert image.orientation == max(number, 1)
        assert image.pixels.shape == upright.pixels.shape
        shrunk = np.asarray(Pillow.fromarray(image.pixels).resize((60, 60)), dtype=int)
        assert np.abs(shrunk - np.asarray(small)).mean() < 6


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "outcome"),
    [
        ("broken/truncated.jpg", ImageTypeError),
        ("broken/corrupted.png", ImageTypeError),
        ("broken/empty.png", ImageTypeError),
        ("bmp/shortfile.bmp", ImageTypeError),
        ("bmp/badpalettesize.bmp", ImageTypeError),
        ("bmp/16color-10x10.bmp", ImageSizeError),
        ("pillow/1x1_l.png", ImageSizeError),
        ("pillow/photoshop-200dpi-broken.jpg", None),
        ("broken/einstein.tiff", None),
        ("bmp/rgba32.bmp", None),
        ("pillow/g4_orientation_5.tif", None),
        ("pillow/tiff_tiled_planar_16bit_RGBa.tiff", None),
        ("pillow/split_fdat.png", None),
    ],
)
def test_known_files(test_data: Path, name: str, outcome: type[EngineError] | None) -> None:
    data = read_photo(test_data / "decoder" / name)
    if outcome is None:
        assert decode(data).pixels.std() > 5
    else:
        with pytest.raises(outcome):
            decode(data)
