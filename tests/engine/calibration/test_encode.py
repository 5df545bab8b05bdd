"""Photos to templates: order, failures, errors that stop."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image as Pillow

from senseid_engine.calibration.encode import EncodedPhoto, encode_photos
from senseid_engine.calibration.labelled import Photo
from senseid_engine.errors import ModelError, NoFaceError

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_engine.image import Image


@pytest.fixture
def photos(tmp_path: Path) -> list[Photo]:
    result = []
    for shade in range(0, 240, 20):
        path = tmp_path / f"{shade:03}.png"
        Pillow.fromarray(np.full((40, 40, 3), shade, np.uint8)).save(path)
        result.append(Photo(f"set/{path.name}", path, shade))
    (tmp_path / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing")
    return [*result, Photo("set/broken.png", tmp_path / "broken.png", 999)]


def shade_of(image: Image) -> int:
    shade = int(image.pixels[0, 0, 0])
    if shade == 60:
        raise NoFaceError(image.name, "no face is found")
    return shade


@pytest.mark.parametrize("workers", [1, 3])
def test_order_is_kept_and_failures_are_listed(photos: list[Photo], workers: int) -> None:
    steps: list[None] = []
    encoded, unusable = encode_photos(photos, shade_of, workers=workers, advance=lambda: steps.append(None))
    assert encoded == [EncodedPhoto(number, 20 * number) for number in range(12) if number != 3]
    assert [(photo.number, photo.name, photo.no_face) for photo in unusable] == [
        (3, "set/060.png", True),
        (12, "set/broken.png", False),
    ]
    assert unusable[0].problem == "no face is found"
    assert "set/broken.png" not in unusable[1].problem
    assert len(steps) == len(photos)


def test_a_broken_model_stops_at_once(photos: list[Photo]) -> None:
    calls: list[int] = []

    def broken(image: Image) -> int:
        calls.append(len(calls))
        time.sleep(0.02)
        raise ModelError("model x", "gives nonsense")

    with pytest.raises(ModelError, match="gives nonsense"):
        encode_photos(photos * 50, broken)
    assert len(calls) < 300
