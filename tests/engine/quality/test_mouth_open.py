"""How far a mouth is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.landmarks import Landmarks
from senseid_engine.quality.mouth_open import BASE_OF_NOSE, BRIDGE, LOWER_LIP, UPPER_LIP, WIDE_OPEN, mouth_open

if TYPE_CHECKING:
    from senseid_engine.finder import UprightPhoto


def mouth(gap: float, nose: float = 50.0, pitch: float = 0.0) -> Landmarks:
    """Lips that are `gap` apart in a face whose nose is `nose` long, nodding."""
    points = np.zeros((468, 3))
    points[BASE_OF_NOSE, 1] = nose
    points[list(UPPER_LIP), 1] = 1.4 * nose
    points[list(LOWER_LIP), 1] = 1.4 * nose + gap
    cos, sin = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    points = points @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    return Landmarks(points.astype(np.float32), 1.0)


def test_from_closed_to_wide_open() -> None:
    values = [mouth_open(mouth(gap)) for gap in (0, 5, 20, 39)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert mouth_open(mouth(WIDE_OPEN * 50)) == pytest.approx(0, abs=1e-6)
    assert mouth_open(mouth(90)) == 0


def test_size_and_nodding_do_not_count() -> None:
    assert BRIDGE != BASE_OF_NOSE
    assert mouth_open(mouth(10, 50)) == pytest.approx(mouth_open(mouth(30, 150)))
    assert mouth_open(mouth(10, 50, 40)) == pytest.approx(mouth_open(mouth(10, 50)), abs=1e-5)


def test_men_who_smile_have_not_their_mouths_wide_open(found: dict[str, UprightPhoto]) -> None:
    for photo in found.values():
        assert mouth_open(photo.faces[0].landmarks) > 0.35
