from __future__ import annotations

import tarfile
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.errors import (
    ImageTypeError,
)
from senseid_engine.image import decode_image, read_photo
from tests.archives import content
from tests.engine.image.conftest import ENCODINGS, decode, encode, scene

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF"])
def test_the_name_decides_nothing(tmp_path: Path, kind: str) -> None:
    for name in ("photo.txt", "photo", "photo.jpg", "photo.tiff"):
        path = tmp_path / name
        path.write_bytes(encode(scene(), kind))
        assert decode_image(read_photo(path), name=name).format == kind


@pytest.mark.parametrize("kind", ["PPM", "ICO", "TGA", "JPEG2000", "PCX"])
def test_formats_that_are_not_read_are_refused(kind: str) -> None:
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
            data = content(photos, name)
            end = data.rindex(b"\xff\xd9")
            assert np.array_equal(decode(data[:end]).pixels, decode(data[: end + 2]).pixels), name
