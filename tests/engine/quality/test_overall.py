"""The overall quality."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.errors import ModelError
from senseid_engine.quality.chip import SIDE, Chip
from senseid_engine.quality.odds import logit
from senseid_engine.quality.overall import LARGE, SHARP, UNCOVERED, OverallQuality, overall_measures
from senseid_engine.quality.pose import Pose

if TYPE_CHECKING:
    from senseid_engine.faces import Face
    from senseid_engine.finder import UprightPhoto
    from senseid_models.registry import Registry

WHOLE = {"visible": 1.0, "sharpness": 1.0, "eye_distance": 100.0}
TWO_TERMS = b"""
format = 1
[score]
at = [0.0, 10.0]
value = [0.0, 1.0]
[term.a]
at = [0.0, 1.0]
value = [0.0, 4.0]
[term.b]
at = [0.0, 1.0, 2.0]
value = [3.0, 0.0, 3.0]
"""


@pytest.fixture(scope="module")
def overall(registry: Registry) -> OverallQuality:
    return OverallQuality.parse(registry.asset("overall-quality").read())


def test_terms_are_added_and_mapped() -> None:
    quality = OverallQuality.parse(TWO_TERMS)
    assert quality.of({"a": 0.5, "b": 1.0}, **WHOLE) == pytest.approx(0.2)
    assert quality.of({"a": 1.0, "b": 2.0}, **WHOLE) == pytest.approx(0.7)
    assert quality.of({"a": 9.0, "b": 9.0}, **WHOLE) == pytest.approx(0.7)  # level beyond the ends


@pytest.mark.parametrize(("name", "enough"), [("visible", UNCOVERED), ("sharpness", SHARP), ("eye_distance", LARGE)])
def test_what_lfw_has_too_few_of_is_taken_off(name: str, enough: float) -> None:
    quality = OverallQuality.parse(TWO_TERMS)
    measures = {"a": 1.0, "b": 0.0}
    whole = quality.of(measures, **WHOLE)
    assert quality.of(measures, **WHOLE | {name: enough}) == whole
    assert quality.of(measures, **WHOLE | {name: enough / 2}) == pytest.approx(whole / 2)
    assert quality.of(measures, **WHOLE | {name: 0.0}) == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        TWO_TERMS.replace(b"format = 1", b"format = 2"),
        TWO_TERMS.replace(b"at = [0.0, 10.0]", b"at = [10.0, 0.0]"),
        TWO_TERMS.replace(b"at = [0.0, 10.0]", b"at = [0.0]"),
        TWO_TERMS.replace(b"value = [0.0, 1.0]", b"value = [1.0, 0.0]"),
        TWO_TERMS.replace(b"value = [0.0, 1.0]", b"value = [0.0, 1.5]"),
        TWO_TERMS.replace(b"[score]", b"[scores]"),
        b"format = 1\nterm = 3\nscore = 4",
    ],
)
def test_another_file_is_refused(data: bytes) -> None:
    with pytest.raises(ModelError, match="overall-quality"):
        OverallQuality.parse(data)


def test_there_is_a_measure_for_each_term(overall: OverallQuality, found: dict[str, UprightPhoto]) -> None:
    face = found["obama.jpg"].faces[0]
    measures = overall_measures(face, Pose(0, 0, 0), flat_chip())
    assert set(overall.terms) == set(measures)


def test_what_is_known_beforehand_holds(overall: OverallQuality, found: dict[str, UprightPhoto]) -> None:
    """A head that turns away, and a face with less detail, is not better."""
    face = found["obama.jpg"].faces[0]
    base = overall_measures(face, Pose(0, 0, 0), flat_chip()) | {"brightness": 0.0, "contrast": 0.25}

    def scores(name: str, values: list[float]) -> list[float]:
        return [overall.of(base | {name: value}, **WHOLE) for value in values]

    for name, values in {
        "yaw": [0, 15, 30, 50, 80],
        "pitch": [0, 10, 25, 60],
        "presence": [36, 30, 15, 2],
    }.items():
        falling = scores(name, values)
        assert falling == sorted(falling, reverse=True), name
        assert falling[-1] < falling[0] - 0.1, name


def test_it_uses_the_detector_and_the_mesh(found: dict[str, UprightPhoto]) -> None:
    face: Face = found["obama.jpg"].faces[0]
    unsure = replace(face, score=0.7, landmarks=replace(face.landmarks, presence=0.6))
    measures = overall_measures(unsure, Pose(-20.0, -5.0, 3.0), flat_chip())
    assert measures["detection"] == pytest.approx(logit(0.7))
    assert measures["presence"] == pytest.approx(logit(0.6))
    assert (measures["yaw"], measures["pitch"]) == (20, 5)
    assert "roll" not in measures  # faces are turned upright before they are compared


def flat_chip() -> Chip:
    return Chip(np.full((SIDE, SIDE), 128, np.float32), np.ones((SIDE, SIDE), bool))
