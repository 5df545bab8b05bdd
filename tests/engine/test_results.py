"""What the engine answers."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from senseid_engine.results import Comparison, FoundFaces, OmniComparison, Rect

RECT = Rect(left=3, top=4, right=50, bottom=60)
FACES = FoundFaces("a.jpg", 640, 480, 0, (RECT,))


def test_a_rectangle_as_the_api_has_it() -> None:
    assert RECT.as_list() == [3, 4, 50, 60]


@pytest.mark.parametrize(
    "result", [RECT, FACES, Comparison(0.5, FACES, FACES), OmniComparison(((0.5,),), FACES, FACES)]
)
def test_results_are_plain_and_frozen(result: object) -> None:
    assert not hasattr(result, "__dict__")
    field = next(iter(result.__slots__))  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        setattr(result, field, None)
    assert hash(result) == hash(result)


@pytest.mark.parametrize(
    ("areas", "ambiguous"),
    [
        ((100,), False),
        ((100, 50), True),
        ((100, 49), False),
        ((100, 99, 98), True),
        ((100, 30, 60), True),
        ((1, 0), False),
    ],
)
def test_another_face_of_like_size_makes_a_photo_ambiguous(areas: tuple[int, ...], ambiguous: bool) -> None:
    rects = tuple(Rect(0, 0, area, 1) for area in areas)
    assert FoundFaces("a.jpg", 640, 480, 0, rects).ambiguous is ambiguous


def test_overlap_is_intersection_over_union() -> None:
    assert RECT.overlap(RECT) == 1.0
    assert Rect(0, 0, 4, 4).overlap(Rect(2, 0, 6, 4)) == 8 / 24
    assert Rect(0, 0, 4, 4).overlap(Rect(4, 0, 6, 4)) == 0.0
    assert Rect(3, 3, 3, 3).overlap(Rect(3, 3, 3, 3)) == 0.0
