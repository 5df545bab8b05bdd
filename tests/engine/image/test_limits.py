from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from PIL import Image as Pillow

from senseid_engine.errors import (
    ContentLengthError,
    ImageSizeError,
)
from senseid_engine.image import MAX_BYTES, MAX_SIDE, MIN_SIDE, decode_image, read_photo
from tests.engine.image.conftest import GIB, WIDTH, decode, encode, gif, measure, png, scene, zeros

if TYPE_CHECKING:
    from pathlib import Path


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
