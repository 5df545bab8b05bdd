"""What is asked of a photo."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from senseid_engine.errors import PolicyError
from senseid_engine.quality.occlusion import Occlusion
from senseid_engine.quality.policy import BUILT_IN, MEASURES, Policy
from senseid_engine.quality.pose import Pose
from tests.made_up import GOOD_FACE


def policy(text: str) -> Policy:
    return Policy.parse(f"format = 1\n{text}", name="mine.toml")


@pytest.mark.parametrize("name", BUILT_IN)
def test_a_good_photo_passes_what_comes_with_the_package(name: str) -> None:
    assert Policy.built_in(name).judge([GOOD_FACE]) == ()


@pytest.mark.parametrize("name", BUILT_IN)
@pytest.mark.parametrize(
    ("changes", "measure", "advice"),
    [
        ({"pose": Pose(50.0, 0.0, 0.0)}, "yaw", "look straight"),
        ({"pose": Pose(0.0, -40.0, 0.0)}, "pitch", "raise the chin"),
        ({"pose": Pose(0.0, 40.0, 0.0)}, "pitch", "lower the chin"),
        ({"occlusion": Occlusion(1.0, 1.0, 0.1, 1.0)}, "nose", "remove the mask"),
        ({"occlusion": Occlusion(0.2, 1.0, 1.0, 1.0)}, "left_eye", "sunglasses"),
        ({"brightness": -0.95}, "brightness", "more light"),
        ({"brightness": 0.95}, "brightness", "less light"),
        ({"sharpness": 0.05}, "sharpness", "focus"),
        ({"mouth_open": 0.1}, "mouth_open", "close the mouth"),
        ({"integrity": 0.6}, "integrity", "whole face"),
        ({"eye_distance": 12.0}, "eye_distance", "move closer"),
    ],
)
def test_what_is_wrong_is_named_with_what_to_do(
    name: str, changes: dict[str, object], measure: str, advice: str
) -> None:
    (failure,) = Policy.built_in(name).judge([replace(GOOD_FACE, **changes)])
    assert (failure.face, failure.measure) == (1, measure)
    assert advice in failure.advice


def test_limits_are_included() -> None:
    assert policy("sharpness = { least = 0.8, most = 0.8 }").judge([GOOD_FACE]) == ()
    (failure,) = policy("sharpness = { least = 0.81 }").judge([GOOD_FACE])
    assert (failure.value, failure.limit) == (0.8, "at least 0.81")
    (failure,) = policy("sharpness = { most = 0.79 }").judge([GOOD_FACE])
    assert failure.limit == "at most 0.79"


def test_which_faces_are_judged() -> None:
    bad = replace(GOOD_FACE, sharpness=0.1)
    limit = "sharpness = { least = 0.5 }"
    assert policy(limit).judge([GOOD_FACE, bad]) == ()
    assert policy(f'faces = "largest"\n{limit}').judge([GOOD_FACE, bad]) == ()
    assert [failure.face for failure in policy(f'faces = "every"\n{limit}').judge([bad, GOOD_FACE, bad])] == [1, 3]
    (failure,) = policy(f'faces = "only"\n{limit}').judge([GOOD_FACE, bad])
    assert (failure.face, failure.measure, failure.value) == (0, "faces", 2)


def test_every_measure_can_be_limited_to_its_own_range() -> None:
    for measure in MEASURES:
        most = 1e9 if math.isinf(measure.highest) else measure.highest
        made = policy(f"{measure.name} = {{ least = {measure.lowest}, most = {most} }}")
        assert made.judge([GOOD_FACE]) == (), measure.name


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("format = 2", "format = 1"),
        ("format = true", "format = 1"),
        ("format = 1.0", "format = 1"),
        ("", "format = 1"),
        ("format = ", "not TOML"),
        ("format = 1\nyaw = " + "9" * 5000, "not TOML"),
        ("format = 1\nyaw = " + "[" * 5000, "nested too deeply"),
        ("format = 1\nsharpnes = { least = 0.5 }", "'sharpnes' is no measure"),
        ('format = 1\nfaces = "some"', "'faces'"),
        ("format = 1\nsharpness = 0.5", "'sharpness' takes"),
        ("format = 1\nsharpness = {}", "'sharpness' takes"),
        ("format = 1\nsharpness = { min = 0.5 }", "'sharpness' takes"),
        ("format = 1\nsharpness = { least = true }", "not a number"),
        ('format = 1\nsharpness = { least = "0.5" }', "not a number"),
        ("format = 1\nsharpness = { least = nan }", "not a number"),
        ("format = 1\nsharpness = { least = " + "9" * 400 + " }", "too many digits"),
        ("format = 1\neye_distance = { least = " + "9" * 400 + " }", "too many digits"),
        ("format = 1\nsharpness = { least = 1.5 }", "from 0 to 1"),
        ("format = 1\nsharpness = { least = 0.6, most = 0.5 }", "must rise"),
    ],
)
def test_another_file_is_refused(text: str, problem: str) -> None:
    with pytest.raises(PolicyError, match=r"mine\.toml") as caught:
        Policy.parse(text, name="mine.toml")
    assert problem in str(caught.value)


def test_a_smile_that_shows_the_teeth_and_dark_skin_do_not_keep_a_photo_from_enrolment() -> None:
    smiling = replace(GOOD_FACE, mouth_open=0.55, brightness=-0.4, overall=0.06)
    assert Policy.built_in("enrol").judge([smiling]) == ()


@pytest.mark.parametrize(
    ("changes", "measure", "advice"),
    [({"eyes_open": 0.3}, "eyes_open", "open the eyes"), ({"size": 0.004}, "size", "move closer")],
)
def test_what_only_a_photo_to_enrol_must_not_be(changes: dict[str, float], measure: str, advice: str) -> None:
    (failure,) = Policy.built_in("enrol").judge([replace(GOOD_FACE, **changes)])
    assert failure.measure == measure
    assert advice in failure.advice
    assert not Policy.built_in("verify").judge([replace(GOOD_FACE, **changes)])
