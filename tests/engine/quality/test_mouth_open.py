"""How far a mouth is open."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.quality.mouth_open import BASE_OF_NOSE, BRIDGE, LOWER_LIP, UPPER_LIP, mouth_open
from tests.made_up import landmarks_of

if TYPE_CHECKING:
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.landmarks import Landmarks


def mouth(gap: float, nose: float = 50.0, pitch: float = 0.0) -> Landmarks:
    """Lips that are `gap` apart in a face whose nose is `nose` long, nodding."""
    points = np.zeros((468, 3))
    points[BASE_OF_NOSE, 1] = nose
    points[list(UPPER_LIP), 1] = 1.4 * nose
    points[list(LOWER_LIP), 1] = 1.4 * nose + gap
    cos, sin = np.cos(np.radians(pitch)), np.sin(np.radians(pitch))
    points = points @ np.array([[1, 0, 0], [0, cos, sin], [0, -sin, cos]])
    return landmarks_of(points.astype(np.float32))


def test_from_closed_to_wide_open() -> None:
    values = [mouth_open(mouth(gap)) for gap in (0, 5, 20, 39)]
    assert values[0] == 1
    assert values == sorted(values, reverse=True)
    assert mouth_open(mouth(50)) == pytest.approx(0, abs=1e-6)
    assert mouth_open(mouth(90)) == 0


def test_size_and_nodding_do_not_count() -> None:
    assert BRIDGE != BASE_OF_NOSE
    assert mouth_open(mouth(10, 50)) == pytest.approx(mouth_open(mouth(30, 150)))
    assert mouth_open(mouth(10, 50, 40)) == pytest.approx(mouth_open(mouth(10, 50)), abs=1e-5)


def test_a_laugh_is_more_open_than_a_smile_and_that_more_than_a_closed_mouth(found: dict[str, UprightPhoto]) -> None:
    closed, smile, laugh = (
        mouth_open(found[name].faces[0].landmarks) for name in ("biden.jpg", "obama3.jpg", "obama2.jpg")
    )
    assert closed > 0.95
    assert closed > smile + 0.05
    assert smile > laugh + 0.2
