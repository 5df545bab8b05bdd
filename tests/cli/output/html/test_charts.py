"""Charts: labelled, never empty, and true where nothing was seen."""

from __future__ import annotations

import re

import pytest

from senseid_cli.output.html.charts import (
    BOTTOM,
    HEIGHT,
    LEFT,
    RIGHT,
    TOP,
    WIDTH,
    Chart,
    RatePoint,
    bars,
    bound_of_none,
    count_axis,
    det,
    percent,
    rate_axis,
    score_axis,
)

HERE = ("threshold 0.7", RatePoint(0.5, 0.5))


def curve(figure: str) -> list[tuple[float, float]]:
    (points,) = re.findall('<polyline points="([^"]*)"', figure)
    return [(float(x), float(y)) for x, y in (point.split(",") for point in points.split())]


def dots(figure: str) -> list[tuple[float, float]]:
    return [(float(x), float(y)) for x, y in re.findall('<circle cx="([^"]*)" cy="([^"]*)"', figure)]


def test_a_chart_has_titles_ticks_and_a_legend() -> None:
    chart = Chart("Pairs <by> score", score_axis(), count_axis("pairs", 1500))
    chart.curve([(0, 0), (0.5, 1500), (1, 1)], "same", "the same person")
    chart.limit(0.7, "threshold 0.7")
    figure = chart.figure()
    for label in ("Pairs &lt;by&gt; score", ">score<", "pairs (logarithmic)", ">0.6<", ">1,000<", "threshold 0.7"):
        assert label in figure
    assert "the same person" in figure
    places = curve(figure)
    assert places[0] == (LEFT, HEIGHT - BOTTOM)
    assert places[2][0] == WIDTH - RIGHT
    # 0 lies on the axis, 1 above it, and 1,500 not quite at the top.
    assert TOP < places[1][1] < places[2][1] < places[0][1]


@pytest.mark.parametrize(
    ("rate", "words"), [(1, "100 %"), (0.0313, "3.1 %"), (1e-4, "0.01 %"), (1e-7, "0.00001 %"), (0.0, "0 %")]
)
def test_rates_are_told_in_percent(rate: float, words: str) -> None:
    assert percent(rate) == words


def test_the_bound_of_what_was_not_seen() -> None:
    assert bound_of_none(3000) == 1e-3
    assert bound_of_none(2) == 1


def test_scores_that_separate_have_a_curve_on_the_axes_and_it_is_said() -> None:
    points = [RatePoint(1, 0), RatePoint(0.1, 0), RatePoint(0, 0), RatePoint(0, 0.5), RatePoint(0, 0.99)]
    figure, said = det(points, ("threshold 0.7", RatePoint(0, 0)), genuine=300, impostor=30_000)
    assert "the scores separate fully" in figure
    assert said.startswith("The scores of the same person and of different people separate fully")
    assert "false-match rate is below 0.01 %" in said
    assert "false-non-match rate below 1 %" in said
    corner = (LEFT, HEIGHT - BOTTOM)
    assert dots(figure) == [corner]
    places = curve(figure)
    assert places[0] == (WIDTH - RIGHT, HEIGHT - BOTTOM)
    assert corner in places
    assert places[-1][0] == LEFT
    assert places[-1][1] == pytest.approx(TOP, abs=1)
    # Each piece runs along one of the two axes: none cuts the corner.
    assert all(x == LEFT or y == HEIGHT - BOTTOM for x, y in places)


def test_scores_that_overlap_do_not_separate() -> None:
    points = [RatePoint(1, 0), RatePoint(0.1, 0.01), RatePoint(0.01, 0.1), RatePoint(0, 0.3)]
    figure, said = det(points, ("threshold 0.7", RatePoint(0.01, 0.1)), genuine=100, impostor=1000)
    assert "separate" not in figure + said
    assert "cannot tell from 0" in said
    ((x, y),) = dots(figure)
    # Rates of 1e-4 and 1e-3 are the edges, below the least that can be seen.
    assert x == pytest.approx(LEFT + (WIDTH - LEFT - RIGHT) / 2, abs=0.1)
    assert y == pytest.approx(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * 2 / 3, abs=0.1)


@pytest.mark.parametrize("pairs", [1, 2, 10, 10**7])
def test_any_number_of_pairs_has_axes(pairs: int) -> None:
    axis = rate_axis("rate", 1 / pairs)
    assert axis.share(0) == 0 < axis.share(1 / pairs) <= axis.share(1) == 1
    figure, _ = det([RatePoint(1, 0), RatePoint(0, 1)], HERE, genuine=pairs, impostor=pairs)
    assert len(curve(figure)) == 2


def test_labels_of_a_long_axis_are_thinned_out() -> None:
    figure, _ = det([RatePoint(1, 0)], HERE, genuine=10, impostor=10**8)
    across = re.findall(f'y="{HEIGHT - BOTTOM + 18}"[^>]*>([^<]*)<', figure)
    assert len(across) <= 6
    assert across[-1] == "100 %"


def test_bars_are_as_long_as_their_counts() -> None:
    figure = bars("why", [("nose", 4), ("<b>", 1)])
    widths = [float(width) for width in re.findall('width="([^"]*)" height', figure)]
    assert widths[0] == 4 * widths[1]
    assert "&lt;b&gt;" in figure
