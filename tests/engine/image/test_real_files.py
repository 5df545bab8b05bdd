from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow

from senseid_engine.errors import (
    EngineError,
    ImageSizeError,
    ImageTypeError,
)
from senseid_engine.image import Image, decode_image, read_photo
from tests.engine.image.conftest import GIB, decode, measure

if TYPE_CHECKING:
    from pathlib import Path


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
