"""The picture of `senseid omni --draw`."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image as Pillow

from senseid_cli.output.drawing import omni
from senseid_engine.image import Image
from senseid_engine.results import FoundFaces, OmniComparison, Rect

LARGEST = (2000, 2300)


def photo(width: int, height: int, name: str = "p.jpg") -> Image:
    ramp = np.linspace(60, 200, width, dtype=np.float64)
    pixels = np.broadcast_to(ramp[None, :, None], (height, width, 3)).astype(np.uint8)
    return Image(np.ascontiguousarray(pixels), "JPEG", 1, name)


def faces(image: Image, count: int, side: int, turns: int = 0) -> FoundFaces:
    width, height = (image.height, image.width) if turns % 2 else (image.width, image.height)
    step = max(1, (width - side) // max(1, count - 1)) if count > 1 else 0
    rects = tuple(
        Rect(
            min(i * step, width - side), (height - side) // 2, min(i * step, width - side) + side, (height + side) // 2
        )
        for i in range(count)
    )
    return FoundFaces(image.name, width, height, turns, rects)


def picture(a: Image, b: Image, result: OmniComparison, threshold: float = 0.7) -> Pillow.Image:
    opened = Pillow.open(io.BytesIO(omni.draw_omni(a, b, result, threshold)))
    assert opened.format == "PNG"
    opened.load()
    return opened


def has_colour(image: Pillow.Image, colour: tuple[int, int, int]) -> bool:
    return bool((np.asarray(image) == colour).all(axis=2).any())


def test_matches_stand_out() -> None:
    a, b = photo(320, 240), photo(200, 300)
    result = OmniComparison(((0.9, 0.1), (0.2, 0.3)), faces(a, 2, 60), faces(b, 2, 60))
    drawn = picture(a, b, result)
    assert has_colour(drawn, omni.GOOD)
    assert has_colour(drawn, omni.OTHER)
    every = picture(a, b, result, 0.0)
    assert has_colour(every, omni.GOOD)
    assert not has_colour(every, omni.OTHER)


def test_no_match_no_match_colour_but_in_the_legend() -> None:
    a = photo(320, 240)
    result = OmniComparison(((0.5, 0.4),), faces(a, 1, 100), faces(a, 2, 100))
    pixels = np.asarray(picture(a, a, result))
    rows = np.nonzero((pixels == omni.GOOD).all(axis=2).any(axis=1))[0]
    assert rows.max() - rows.min() == 14


def test_one_face_each_has_a_scale_over_the_whole_width_and_no_matrix() -> None:
    a = photo(320, 240)
    result = OmniComparison(((0.5,),), faces(a, 1, 100), faces(a, 1, 100))
    pixels = np.asarray(picture(a, a, result))
    assert not (pixels == omni.GOOD).all(axis=2).any()
    pale = np.nonzero((pixels == omni.PALE_GOOD).all(axis=2))
    left, right = omni.MARGIN, pixels.shape[1] - omni.MARGIN
    assert pale[1].max() == right
    assert pale[1].min() == pytest.approx(left + 0.7 * (right - left), abs=3)
    assert pixels.shape[0] == pale[0].min() + omni.SCALE_HEIGHT - 62 + omni.MARGIN


def test_equal_inputs_give_equal_bytes() -> None:
    a, b = photo(320, 240), photo(200, 300)
    result = OmniComparison(((0.9, 0.1),), faces(a, 1, 60), faces(b, 2, 60))
    assert omni.draw_omni(a, b, result, 0.7) == omni.draw_omni(a, b, result, 0.7)


@pytest.mark.parametrize(
    ("size_a", "count_a", "size_b", "count_b", "side"),
    [
        ((32, 32), 1, (32, 32), 1, 24),
        ((32, 5000), 1, (5000, 32), 3, 24),
        ((5000, 5000), 60, (5000, 5000), 60, 80),
        ((5000, 80), 300, (32, 32), 1, 24),
        ((32, 32), 1, (5000, 80), 300, 24),
        ((640, 480), 300, (640, 480), 300, 24),
    ],
)
def test_the_picture_is_bounded(
    size_a: tuple[int, int], count_a: int, size_b: tuple[int, int], count_b: int, side: int
) -> None:
    a, b = photo(*size_a), photo(*size_b)
    scores = tuple(tuple((i + j) % 10 / 10 for j in range(count_b)) for i in range(count_a))
    drawn = picture(a, b, OmniComparison(scores, faces(a, count_a, side), faces(b, count_b, side)))
    assert drawn.width <= LARGEST[0]
    assert drawn.height <= LARGEST[1]


def test_a_turned_photo_is_drawn_upright() -> None:
    a = photo(400, 100)
    result = OmniComparison(((0.1,),), faces(a, 1, 50, turns=1), faces(a, 1, 50))
    drawn = picture(a, a, result)
    # Enlarged to 480 px a side: 120 wide when turned, 480 wide when not.
    assert drawn.width == max(640, 120 + 480 + 3 * omni.MARGIN)


def test_a_long_or_odd_name_fits() -> None:
    long = photo(64, 64, "x" * 500 + ".jpg")
    odd = photo(64, 64, "a\nb日本\udcff.jpg")
    result = OmniComparison(((0.1,),), faces(long, 1, 40), faces(odd, 1, 40))
    assert picture(long, odd, result).width < 1200
