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
