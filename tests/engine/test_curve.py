"""The score curve: what a score promises, and its file."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_engine.calibration.provenance import (
    Group,
    GroupRow,
    HeldOut,
    Interval,
    ModelFile,
    Provenance,
    Rate,
    RateRow,
)
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError

RATE = Rate(3, 1000, Interval(0.001, 0.0088), Interval(0.0009, 0.0091))
FULL = Provenance(
    set_name="forty people, 2026",
    made="2026-11-24",
    photos=200,
    photos_without_face=2,
    photos_refused=0,
    people=40,
    genuine_pairs=400,
    impostor_pairs=19_500,
    seed=7,
    model=ModelFile("sface", "a" * 64),
    rates=(
        RateRow(0.4, RATE, replace(RATE, events=0), HeldOut(0.1, 0.09, 0.11)),
        RateRow(0.5, RATE, RATE, None),
    ),
    note='a "note" with é, \\ and a tab\t',
    exponent=0.8,
    groups=(
        Group(
            name="sisters",
            fitted=True,
            people=12,
            pairs=66,
            rows=(GroupRow(0.4, 9, HeldOut(0.2, 0.1, 0.3)), GroupRow(0.5, 0, HeldOut(0.0, 0.0, 0.0))),
        ),
        Group(name="both in a hat", fitted=False, people=30, pairs=435, rows=()),
    ),
)
BARE = replace(FULL, rates=(), note=None, exponent=1.0, groups=())
KNOTS = ((-5.0, 0.0005), (-2.0, 0.3), (0.0, 1.0), (2.0, 3.0), (4.0, 5.0), (5.5, 6.25))
CURVE = ScoreCurve(KNOTS, 0.5, 0.9, FULL)

reals = st.floats(allow_nan=False)
# Beyond this the score has reached 1 to the last bit.
near = st.floats(-1e6, 20.0)


def test_a_score_is_the_false_match_rate_at_the_knots() -> None:
    for z, level in KNOTS[:-1]:
        assert CURVE.score(z) == (3 + level) / 10
    assert CURVE.score(0.0) == 0.4
    assert CURVE.score(3.0) == 0.7


def test_between_the_knots_the_level_is_a_straight_line() -> None:
    assert CURVE.score(1.0) == pytest.approx(0.5)
    assert CURVE.score(0.5) == pytest.approx(0.45)


def test_the_formula_is_literal_up_to_0_9_and_then_bends_below_it() -> None:
    at_six = 4.0 + 1.5 * (1.0 / 1.25)
    assert CURVE.score(at_six) == pytest.approx(0.9, abs=1e-12)
    beyond = 5.5 + 2.0 * (7.0 - 6.25)
    assert CURVE.score(beyond) == pytest.approx(1 - 0.1 * math.exp(-1))
    step = 1e-6
    before = (CURVE.score(at_six) - CURVE.score(at_six - step)) / step
    after = (CURVE.score(at_six + step) - CURVE.score(at_six)) / step
    assert after == pytest.approx(before, rel=1e-4)


def test_beyond_the_last_knot_the_tail_goes_on() -> None:
    flat = ScoreCurve(((0.0, 1.0), (1.0, 2.0)), 0.25, 0.5, BARE)
    assert flat.score(5.0) == pytest.approx((3 + 2 + 4 * 0.25) / 10)


def test_below_the_first_knot_the_score_falls_smoothly_towards_0() -> None:
    step = 1e-4
    before = (CURVE.score(-5.0) - CURVE.score(-5.0 - step)) / step
    after = (CURVE.score(-5.0 + step) - CURVE.score(-5.0)) / step
    assert before == pytest.approx(after, rel=1e-3)
    assert CURVE.score(-5.0 - 10.5) < 0.2
    assert 0 < CURVE.score(-1e9) < 1e-10


@given(near, near)
def test_a_higher_similarity_never_scores_lower(a: float, b: float) -> None:
    low, high = sorted((a, b))
    assert CURVE.score(low) <= CURVE.score(high)
    if high - low > 1e-6 * max(1.0, abs(low)):
        assert CURVE.score(low) < CURVE.score(high)


@given(st.sampled_from([z for z, _ in KNOTS]))
def test_it_does_not_fall_across_a_knot(z: float) -> None:
    around = [z - 1e-9, np.nextafter(z, -np.inf), z, np.nextafter(z, np.inf), z + 1e-9]
    scores = CURVE.scores(around)
    assert (np.diff(scores) >= 0).all()


@given(st.lists(reals, min_size=1, max_size=40))
def test_many_and_one_are_the_same_to_the_bit(values: list[float]) -> None:
    together = CURVE.scores(values)
    assert together.dtype == np.float64
    assert together.tolist() == [CURVE.score(z) for z in values]
    assert ((together >= 0) & (together <= 1)).all()


def test_the_shape_and_layout_of_the_input_do_not_matter() -> None:
    values = np.linspace(-20, 20, 60).reshape(5, 12)
    scores = CURVE.scores(values)
    assert scores.shape == (5, 12)
    assert (CURVE.scores(np.asfortranarray(values))[:, ::-1] == scores[:, ::-1]).all()
    assert CURVE.scores(1.0).shape == ()
    assert CURVE.scores([]).shape == (0,)


def test_infinite_similarities_have_scores() -> None:
    assert CURVE.score(math.inf) == 1.0
    assert CURVE.score(-math.inf) == 0.0


def test_what_is_not_a_number_has_no_score() -> None:
    with pytest.raises(ValueError, match="not a number"):
        CURVE.scores([0.0, math.nan])


@given(st.floats(1e-6, 1 - 1e-9))
def test_the_similarity_at_a_score_is_the_first_that_reaches_it(score: float) -> None:
    z = CURVE.similarity_at(score)
    assert CURVE.score(z) >= score
    assert CURVE.score(np.nextafter(z, -np.inf)) < score


@pytest.mark.parametrize("score", [0.0, 1.0, -0.1, 1.5])
def test_only_scores_inside_have_a_similarity(score: float) -> None:
    with pytest.raises(ValueError, match="between 0 and 1"):
        CURVE.similarity_at(score)


@pytest.mark.parametrize(
    "provenance",
    [FULL, BARE, replace(BARE, exponent=0.5), replace(BARE, groups=FULL.groups)],
    ids=["full", "bare", "exponent", "groups"],
)
def test_the_file_gives_the_same_curve(provenance: Provenance) -> None:
    curve = replace(CURVE, provenance=provenance)
    text = curve.dump()
    again = ScoreCurve.parse(text)
    assert again == curve
    assert again.dump() == text
    values = np.linspace(-30, 30, 999)
    assert (again.scores(values) == curve.scores(values)).all()


def test_a_file_that_says_nothing_of_them_has_the_sets_own_strangers_and_no_groups() -> None:
    text = replace(CURVE, provenance=BARE).dump()
    assert "exponent" not in text
    assert "group" not in text
    read = ScoreCurve.parse(text).provenance
    assert (read.exponent, read.groups) == (1.0, ())


def test_the_documented_file_is_one() -> None:
    page = Path(__file__).parents[2] / "docs" / "formats" / "score-curve.md"
    example = page.read_text(encoding="utf-8").split("```toml\n")[1].split("```")[0]
    curve = ScoreCurve.parse(example.replace('sha256 = "..."', f'sha256 = "{"0" * 64}"'))
    assert curve.provenance.rates[0].held_out is not None


@pytest.mark.parametrize(
    ("knots", "slope", "measured_to", "problem"),
    [
        (KNOTS[:1], 1.0, 0.9, "at least two knots"),
        ((), 1.0, 0.9, "at least two knots"),
        (((0.0, 1.0), (0.0, 2.0)), 1.0, 0.9, "rise in both"),
        (((0.0, 1.0), (1.0, 1.0)), 1.0, 0.9, "rise in both"),
        (((0.0, 1.0), (math.inf, 2.0)), 1.0, 0.9, "rise in both"),
        (((0.0, 1.0), (1e-12, 2.0)), 1.0, 0.9, "apart"),
        (((0.0, -0.1), (1.0, 2.0)), 1.0, 0.9, "above 1 is impossible"),
        (KNOTS, 0.0, 0.9, "tail slope"),
        (KNOTS, math.inf, 0.9, "tail slope"),
        (KNOTS, 1.0, 0.0, "measured_to"),
        (KNOTS, 1.0, 1.1, "measured_to"),
    ],
)
def test_numbers_that_make_no_curve_are_refused(
    knots: tuple[tuple[float, float], ...], slope: float, measured_to: float, problem: str
) -> None:
    with pytest.raises(CalibrationError, match=problem):
        ScoreCurve(knots, slope, measured_to, BARE)


@pytest.mark.parametrize(
    ("old", "new", "problem"),
    [
        ("format = 2", "format = 1", "format is 1; this senseid knows 2: make the curve again with it"),
        ("format = 2", "format = 3", "format is 3; this senseid knows 2"),
        ("format = 2", "", "field format is missing"),
        ("format = 2", "format = 2\nmood = 3", "unknown field mood"),
        ("format = 2", "format = [", "is not TOML"),
        pytest.param("format = 2", f"format = {'1' * 5000}", "is not TOML", id="thousands of digits"),
        pytest.param("format = 2", f"format = {'[' * 5000}{']' * 5000}", "nested too deeply", id="deep"),
        ("tail_slope = 0.5", "tail_slope = -0.5", "tail_slope must be"),
        pytest.param("tail_slope = 0.5", f"tail_slope = {'1' * 400}", "tail_slope must be", id="no float is so large"),
        ("tail_slope = 0.5", "tail_slope = nan", "tail_slope must be"),
        ("tail_slope = 0.5", "tail_slope = inf", "tail_slope must be"),
        ("tail_slope = 0.5", "tail_slope = 0.0", "tail slope is 0.0"),
        ("people = 40", 'people = "forty"', "people must be a whole number"),
        ("events = 3", "events = -3", "events must be a whole number"),
        ("photos = 200", "photos = 200\nsmile = true", "unknown field smile"),
        ("exponent = 0.8", "exponent = -0.8", "exponent must be a number that is not negative"),
        ("fitted = true", "fitted = 1", "fitted must be true or false"),
        ("events = 9", "events = -9", "events must be a whole number"),
        ('id = "sface"', 'id = "sface"\nsize = 3', "unknown field size"),
    ],
)
def test_a_file_that_says_something_else_is_refused_in_one_line(old: str, new: str, problem: str) -> None:
    text = CURVE.dump()
    assert old in text
    with pytest.raises(CalibrationError, match=problem) as caught:
        ScoreCurve.parse(text.replace(old, new))
    assert "\n" not in str(caught.value)
    assert str(caught.value).startswith("score curve: ")
    assert str(caught.value).count("score curve") == 1
