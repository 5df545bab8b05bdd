from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from senseid_engine.errors import CalibrationError
from senseid_engine.liveness.fusion import MEASURES, Fusion, Ramp
from senseid_engine.liveness.temporal.evidence import TemporalEvidence

if TYPE_CHECKING:
    from senseid_models.registry import Registry

# What a person who speaks gives.
SPEAKING = TemporalEvidence(
    non_rigid=0.02, texture_change=0.15, texture_evenness=0.6, blend_residual=0.8, recurrence_distance=1.5
)
NOTHING = TemporalEvidence()

GOOD = """
format = 2
threshold = 0.5
stills_limit = 5.0
[[ramp]]
measure = "non_rigid"
values = [0.01, 0.1]
weights = [-8.0, 0.0]
"""


@pytest.fixture(scope="module")
def shipped(registry: Registry) -> Fusion:
    return Fusion.load(registry)


@pytest.mark.parametrize("measure", MEASURES)
def test_each_measure_refuses_an_attack_by_itself_whatever_the_stills_say(
    shipped: Fusion, ramps: dict[str, Ramp], measure: str
) -> None:
    verdict = shipped.decide([50.0, 50.0], replace(SPEAKING, **{measure: ramps[measure].values[0]}))
    assert not verdict.passed
    assert verdict.score < 0.1


@pytest.mark.parametrize("measure", MEASURES)
def test_no_measure_speaks_against_a_person_beyond_its_ramp(
    shipped: Fusion, ramps: dict[str, Ramp], measure: str
) -> None:
    verdict = shipped.decide([1.0], replace(SPEAKING, **{measure: ramps[measure].values[1]}))
    assert verdict.passed
    assert all(part.weight >= 0 for part in verdict.evidence)


def test_a_speaking_person_passes_where_the_stills_agree(shipped: Fusion) -> None:
    verdict = shipped.decide([3.0, 2.0, 4.0], SPEAKING)
    assert verdict.passed
    assert verdict.score > 0.9


def test_scores_of_living_people_are_told_apart(shipped: Fusion) -> None:
    scores = [shipped.decide([odds], SPEAKING).score for odds in (0.0, 1.0, 2.0, 3.0)]
    assert scores == sorted(set(scores))
    assert scores[1] < 0.9


def test_a_recording_of_a_speaking_person_fails_where_the_stills_doubt_it(shipped: Fusion) -> None:
    assert not shipped.decide([-1.2], SPEAKING).passed


def test_movement_alone_does_not_make_a_replay_live(shipped: Fusion) -> None:
    assert not shipped.decide([-4.0, -5.0], SPEAKING).passed


def test_more_movement_within_the_face_never_lowers_the_score(shipped: Fusion) -> None:
    scores = [shipped.decide([1.0], replace(SPEAKING, non_rigid=step / 1000)).score for step in range(1, 30)]
    assert scores == sorted(scores)


def test_the_score_is_the_logistic_function_of_the_weights(shipped: Fusion) -> None:
    verdict = shipped.decide([0.7], SPEAKING)
    total = sum(part.weight for part in verdict.evidence)
    assert verdict.score == pytest.approx(1 / (1 + math.exp(-total)), abs=1e-12)


@pytest.mark.parametrize("weight", [-7.0, -3.0, 0.0, 2.0])
def test_the_stills_that_are_needed_are_those_that_just_pass(weight: float) -> None:
    fusion = Fusion.parse(GOOD.replace("weights = [-8.0, 0.0]", f"weights = [{weight}, {weight + 0.01}]").encode())
    needed = fusion.decide([0.0], SPEAKING).stills_needed
    if weight == -7.0:
        assert needed is None
        assert not fusion.decide([50.0], SPEAKING).passed
        return
    assert needed is not None
    line = math.log(needed / (1 - needed))
    assert fusion.decide([line + 0.01], SPEAKING).passed
    assert not fusion.decide([line - 0.01], SPEAKING).passed


def test_no_stills_are_needed_where_the_rest_outweighs_the_worst() -> None:
    fusion = Fusion.parse(GOOD.replace("weights = [-8.0, 0.0]", "weights = [8.0, 9.0]").encode())
    assert fusion.decide([-99.0], SPEAKING).stills_needed == 0.0


def test_what_was_not_measured_is_no_evidence(shipped: Fusion) -> None:
    assert [part.name for part in shipped.decide([1.0], NOTHING).evidence] == ["stills"]


def test_the_evidence_is_in_a_fixed_order(shipped: Fusion) -> None:
    assert [part.name for part in shipped.decide([1.0], SPEAKING).evidence] == ["stills", *MEASURES]


def test_a_ramp_is_a_line_in_the_logarithm() -> None:
    ramp = Ramp("non_rigid", (0.01, 0.1), (-8.0, 0.0))
    assert ramp.weight(0.0) == -8.0
    assert ramp.weight(0.01) == -8.0
    assert ramp.weight(math.sqrt(0.001)) == pytest.approx(-4.0)
    assert ramp.weight(7.0) == 0.0


def test_the_stills_weigh_the_mean_of_their_log_odds_up_to_a_limit() -> None:
    fusion = Fusion.parse(GOOD.encode())
    assert fusion.decide([1.0, 2.0], NOTHING).evidence[0].weight == 1.5
    assert fusion.decide([99.0], NOTHING).evidence[0].weight == 5.0
    assert fusion.decide([-99.0], NOTHING).evidence[0].weight == -5.0


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("format = 2", "format = 1", "format"),
        ("threshold = 0.5", "threshold = 1.0", "threshold"),
        ("stills_limit = 5.0", "stills_limit = -5.0", "stills_limit"),
        ("[0.01, 0.1]", "[0.1, 0.01]", "values"),
        ('"non_rigid"', '"rigid"', "measure"),
        ("weights = [-8.0, 0.0]", "", "weights"),
        ("format = 2", "format = 2\nmore = 2", "more"),
        ("format = 2", "format = ", "TOML"),
    ],
)
def test_a_file_of_another_form_is_refused(old: str, new: str, complaint: str) -> None:
    with pytest.raises(CalibrationError, match=complaint):
        Fusion.parse(GOOD.replace(old, new).encode())


def test_a_measure_is_named_once_and_in_order() -> None:
    twice = GOOD + GOOD[GOOD.index("[[ramp]]") :]
    with pytest.raises(CalibrationError, match="ramp"):
        Fusion.parse(twice.encode())
