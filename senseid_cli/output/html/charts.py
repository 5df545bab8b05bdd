"""Charts as SVG inside a page: labelled axes, and colours that follow those of the page."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from senseid_cli.output.html.markup import Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Sequence

# Units of the drawing, about one pixel each on a wide screen and on a phone.
WIDTH, HEIGHT = 400, 280
LEFT, RIGHT, TOP, BOTTOM = 82, 22, 12, 46
ROW = 24


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Attributes:
        title: what it measures, with the unit.
        low: its lower end; above 0 where it is logarithmic.
        high: its upper end.
        ticks: the values that are labelled, and their labels.
        log: whether it is logarithmic.
    """

    title: str
    low: float
    high: float
    ticks: tuple[tuple[float, str], ...]
    log: bool = False

    def share(self, value: float) -> float:
        """The place of a value, from 0 to 1; what lies outside is on the edge."""
        scale = math.log10 if self.log else float
        low, high = scale(self.low), scale(self.high)
        return max(0.0, min(1.0, (scale(max(value, self.low)) - low) / (high - low)))


def score_axis(title: str = "score") -> Axis:
    """An axis of scores from 0 to 1."""
    return Axis(title, 0, 1, tuple((0.2 * i, f"{0.2 * i:.1f}") for i in range(6)))


def count_axis(title: str, most: int) -> Axis:
    """A logarithmic axis of counts, on which 1 stands out among many thousands, and 0 lies on the lower edge."""
    decades = max(1, math.ceil(math.log10(max(most, 2))))
    ticks = ((0.5, "0"), *((10.0**i, f"{10**i:,}") for i in range(decades + 1)))
    return Axis(f"{title} (logarithmic)", 0.5, max(10.0**decades, most * 1.1), ticks, log=True)


def rate_axis(title: str, least: float) -> Axis:
    """A logarithmic axis of rates up to 100 %; its lower edge stands for 0.

    Args:
        title: which rate.
        least: the lowest rate above 0 that can occur.
    """
    low = math.floor(math.log10(min(least, 0.1) / 2))
    ticks = ((10.0**low, "0"), *((10.0**i, percent(10.0**i)) for i in range(low + 1, 1)))
    return Axis(f"{title} (logarithmic)", 10.0**low, 1, ticks, log=True)


@dataclass(slots=True)
class Chart:
    """A drawing on two axes.

    Attributes:
        title: what it shows; it stands above, and is read out.
        across: the axis to the right.
        up: the axis upwards.
    """

    title: str
    across: Axis
    up: Axis
    _parts: list[Html] = field(default_factory=list)
    _keys: list[Html] = field(default_factory=list)

    def curve(self, points: Sequence[tuple[float, float]], kind: str, key: str = "") -> None:
        """A line through points, in the colour of `plain`, `other` or `same`, with a word for the legend."""
        # Of many points in one place one is enough.
        places = dict.fromkeys(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in points)
        self._parts.append(tag("polyline", points=" ".join(places), class_=f"curve {kind}"))
        if key:
            self.key(key, kind)

    def key(self, words: str, kind: str) -> None:
        """A word for the legend."""
        self._keys.append(tag("span", words, class_=f"key {kind}"))

    def span(self, x: float, low: float, high: float, kind: str) -> None:
        """A vertical stroke, such as an interval."""
        self._parts.append(
            tag(
                "line", x1=self._at(x), x2=self._at(x), y1=f"{self._y(low):.1f}", y2=f"{self._y(high):.1f}", class_=kind
            )
        )

    def limit(self, x: float, label: str) -> None:
        """A dashed line upwards with a label, such as the threshold."""
        at = self._x(x)
        end = at > WIDTH * 0.6
        self._parts += [
            tag("line", x1=self._at(x), x2=self._at(x), y1=TOP, y2=HEIGHT - BOTTOM, class_="limit"),
            tag("text", label, x=f"{at - 6 if end else at + 6:.1f}", y=TOP + 10, text_anchor="end" if end else "start"),
        ]

    def dot(self, x: float, y: float, label: str = "", radius: float = 5, *, under: bool = False) -> None:
        """A dot with a label beside it, or right under it."""
        at, up = self._x(x), self._y(y)
        self._parts.append(tag("circle", cx=f"{at:.1f}", cy=f"{up:.1f}", r=radius, class_="dot"))
        if not label:
            return
        end = at > WIDTH * 0.6
        x, anchor = (at - 8, "end") if end else (at + 8, "start")
        if under:
            x, anchor = at, "middle"
        y = up + 18 if up < TOP + 24 or (under and up < HEIGHT - BOTTOM - 24) else up - 8
        self._parts.append(tag("text", label, x=f"{x:.1f}", y=f"{y:.1f}", text_anchor=anchor))

    def below(self, x: float | None = None, y: float | None = None) -> None:
        """Shade what lies below a value of one axis."""
        left, bottom = self._x(self.across.low), self._y(self.up.low)
        right = self._x(self.across.high if x is None else x)
        top = self._y(self.up.high if y is None else y)
        self._parts.append(
            tag(
                "rect",
                x=left,
                y=f"{top:.1f}",
                width=f"{right - left:.1f}",
                height=f"{bottom - top:.1f}",
                class_="bound",
            )
        )

    def words(self, line: str) -> None:
        """A line of text in the middle."""
        middle = (LEFT + WIDTH - RIGHT) / 2
        self._parts.append(tag("text", line, x=middle, y=HEIGHT / 2 - 20, text_anchor="middle"))

    def figure(self) -> Html:
        """The chart with its title, its axes and its legend."""
        middle = (TOP + HEIGHT - BOTTOM) / 2
        frame = [
            *(
                join(
                    tag(
                        "line",
                        x1=LEFT,
                        x2=WIDTH - RIGHT,
                        y1=f"{self._y(at):.1f}",
                        y2=f"{self._y(at):.1f}",
                        class_="grid",
                    ),
                    tag("text", label, x=LEFT - 6, y=f"{self._y(at) + 4:.1f}", text_anchor="end", class_="axis"),
                )
                for at, label in self.up.ticks
            ),
            *(
                tag("text", label, x=self._at(at), y=HEIGHT - BOTTOM + 18, text_anchor="middle", class_="axis")
                for at, label in _apart(self.across)
            ),
            tag("text", self.across.title, x=(LEFT + WIDTH - RIGHT) / 2, y=HEIGHT - 8, text_anchor="middle"),
            tag("text", self.up.title, x=14, y=middle, text_anchor="middle", transform=f"rotate(-90 14 {middle})"),
        ]
        svg = tag("svg", tag("title", self.title), *frame, *self._parts, viewBox=f"0 0 {WIDTH} {HEIGHT}", role="img")
        return tag("figure", tag("figcaption", self.title), svg, tag("div", *self._keys) if self._keys else None)

    def _x(self, value: float) -> float:
        return LEFT + self.across.share(value) * (WIDTH - LEFT - RIGHT)

    def _y(self, value: float) -> float:
        return HEIGHT - BOTTOM - self.up.share(value) * (HEIGHT - TOP - BOTTOM)

    def _at(self, value: float) -> str:
        return f"{self._x(value):.1f}"


def _apart(axis: Axis) -> list[tuple[float, str]]:
    """The ticks of which the labels do not run into each other: every second or third of many."""
    step = 1 + (len(axis.ticks) - 1) // 6
    return [tick for number, tick in enumerate(reversed(axis.ticks)) if number % step == 0][::-1]


def bars(title: str, counts: Sequence[tuple[str, int]]) -> Html:
    """One bar for each name, as long as its count."""
    most = max(count for _, count in counts)
    names, room = 130, WIDTH - 130 - 50
    rows = [
        join(
            tag("text", name, x=names - 8, y=ROW * number + 16, text_anchor="end"),
            tag("rect", x=names, y=ROW * number + 4, width=f"{room * count / most:.1f}", height=ROW - 8, class_="bar"),
            tag("text", f"{count:,}", x=f"{names + room * count / most + 6:.1f}", y=ROW * number + 16),
        )
        for number, (name, count) in enumerate(counts)
    ]
    svg = tag("svg", tag("title", title), *rows, viewBox=f"0 0 {WIDTH} {ROW * len(counts) + 6}", role="img")
    return tag("figure", tag("figcaption", title), svg)


@dataclass(frozen=True, slots=True)
class RatePoint:
    """The error rates at one threshold: false-match and false-non-match rate, both in [0, 1]."""

    fmr: float
    fnmr: float


def det(
    points: Sequence[RatePoint],
    threshold: tuple[str, RatePoint],
    genuine: int,
    impostor: int,
    marks: Sequence[tuple[str, RatePoint]] = (),
) -> tuple[Html, str]:
    """The DET curve: the false-non-match rate over the false-match rate, both logarithmic.

    Args:
        points: by rising threshold.
        threshold: its label and its rates, marked above the curve.
        genuine: pairs of the same person, at least 1.
        impostor: pairs of different people, at least 1.
        marks: further thresholds, marked under the curve.

    Returns:
        The chart, and what it cannot show: which rates are too low for so few pairs, and whether the scores separate.
    """
    bound_fmr, bound_fnmr = bound_of_none(impostor), bound_of_none(genuine)
    chart = Chart(
        "False-non-match rate over false-match rate (DET)",
        rate_axis("false-match rate", 1 / impostor),
        rate_axis("false-non-match rate", 1 / genuine),
    )
    chart.below(x=bound_fmr)
    chart.below(y=bound_fnmr)
    chart.curve([(point.fmr, point.fnmr) for point in points], "other")
    for label, mark in marks:
        chart.dot(mark.fmr, mark.fnmr, label, under=True)
    chart.dot(threshold[1].fmr, threshold[1].fnmr, threshold[0])
    said = (
        f"Grey: rates that {impostor:,} pairs of different people and {genuine:,} of the same person cannot tell from "
        f"0. Where none was seen, the false-match rate is below {percent(bound_fmr)} and the false-non-match rate "
        f"below {percent(bound_fnmr)} with 95 % confidence, if the pairs are independent."
    )
    if any(point.fmr == point.fnmr == 0 for point in points):
        chart.words("the scores separate fully")
        said = (
            "The scores of the same person and of different people separate fully: some thresholds are wrong on no "
            f"pair, so the curve lies on the axes. {said}"
        )
    return chart.figure(), said


def bound_of_none(pairs: int) -> float:
    """The 95 % upper bound of a rate of which none was seen, by the rule of 3 of ISO/IEC 19795-1."""
    return min(1.0, 3 / pairs)


def percent(rate: float) -> str:
    """A rate with two digits that count, such as `0.031 %`."""
    return f"{float(f'{100 * rate:.2g}'):.12f}".rstrip("0").rstrip(".") + " %"
