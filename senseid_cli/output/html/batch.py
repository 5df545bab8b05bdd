"""The report of a batch: one HTML page that needs no other file and runs no script."""

from __future__ import annotations

import math
from html import escape
from typing import TYPE_CHECKING

from senseid.bodies import OK_CODE
from senseid_cli.batch.summary import BINS, det_points
from senseid_cli.output.comparison import score_text
from senseid_cli.output.html.document import document, image_tag, small_jpeg
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_cli.batch.summary import Example, Summary
    from senseid_cli.output.html.document import Faces

WIDTH, HEIGHT, MARGIN = 640, 300, 45
FIRST_RATE = 1e-6
MOST_POINTS = 2000
GREY, BLUE, GREEN = "#7a8290", "#2662be", "#14803e"
KINDS = (("no label", GREY), ("different people", BLUE), ("same person", GREEN))

_STYLE = """
body { max-width: 60rem; }
td.name { overflow-wrap: anywhere; max-width: 18rem; }
svg text { font: 12px system-ui, sans-serif; fill: #1e2228; }
"""


def page(title: str, summary: Summary, pictures: Callable[[Example], Sequence[bytes]], faces: Faces) -> str:
    """The page.

    Args:
        title: what was run.
        summary: what came out.
        pictures: small JPEGs of the photos of a pair; no bytes where there is none.
        faces: counts them, for what is said about them.
    """
    sections = [_counts(summary), "<h2>Scores</h2>\n", _histogram(summary)]
    if summary.labelled:
        sections += ["<h2>Error rates</h2>\n", _rates(summary), _det(summary)]
        sections += [_examples("Same person, lowest scores", summary.missed.ranked(), pictures)]
        sections += [_examples("Different people, highest scores", summary.taken.ranked(), pictures)]
    else:
        sections += [_examples(f"Next to the threshold of {summary.threshold}", summary.near.ranked(), pictures)]
    return document(title, "".join([faces.sentence(), *sections]), _STYLE)


def small(pixels: object) -> bytes:
    """Encode a photo, uint8 (height, width, 3), RGB, as a small JPEG."""
    from PIL import Image as Pillow

    return small_jpeg(Pillow.fromarray(pixels))  # type: ignore[arg-type]


def _counts(summary: Summary) -> str:
    named = [
        ("results" if code == OK_CODE else f"refused, code {code}", n) for code, n in sorted(summary.codes.items())
    ]
    rows = "".join(f'<tr><td>{name}</td><td class="number">{count:,}</td></tr>' for name, count in named)
    return f"<p>{summary.records:,} records.</p>\n<table>{rows}</table>\n"


def _histogram(summary: Summary) -> str:
    """One step curve per kind of pair, on a log scale: a few matches among many strangers stay visible."""
    highest = max(max(counts) for counts in summary.bins)
    top = max(1.0, math.log10(highest + 1))

    def place(score: float, count: float) -> tuple[float, float]:
        return score, math.log10(count + 1) / top

    lines, legend = [], []
    for (name, colour), counts in zip(KINDS, summary.bins, strict=True):
        if any(counts):
            steps = [place(edge / BINS, c) for i, c in enumerate(counts) for edge in (i, i + 1)]
            lines.append(_line([(0.0, 0.0), *steps, (1.0, 0.0)], colour))
            legend.append(f'<span style="color: {colour}">&#9632; {name}: {sum(counts):,}</span> ')
    ticks = [(0.1 * i, f"{0.1 * i:.1f}") for i in range(11)]
    marks = [(math.log10(10**i + 1) / top, f"{10**i:,}") for i in range(math.ceil(top)) if 10**i <= highest]
    limit = _line([(summary.threshold, 0), (summary.threshold, 1)], "#b3261e")
    return f"<p>{''.join(legend)}</p>\n{_chart(ticks, marks, [*lines, limit])}"


def _rates(summary: Summary) -> str:
    false = sum(score >= summary.threshold for score in summary.impostor)
    missed = sum(score < summary.threshold for score in summary.genuine)
    return (
        f"<p>At the threshold of {summary.threshold}: {false:,} of {len(summary.impostor):,} pairs of different people"
        f" match, {missed:,} of {len(summary.genuine):,} pairs of the same person do not.</p>\n"
    )


def _det(summary: Summary) -> str:
    """FNMR over FMR, both logarithmic, so without rates of zero."""

    def place(rate: float) -> float:
        return 1 - math.log10(max(rate, FIRST_RATE)) / math.log10(FIRST_RATE)

    points = [(place(a), place(b)) for _, a, b in det_points(summary.genuine, summary.impostor) if a > 0 and b > 0]
    step = max(1, len(points) // MOST_POINTS)
    ticks = [(i / 6, f"1e-{6 - i}") for i in range(6)] + [(1.0, "1")]
    return f"<p>False-non-match rate over false-match rate</p>\n{_chart(ticks, ticks, [_line(points[::step], BLUE)])}"


def _chart(across: Sequence[tuple[float, str]], up: Sequence[tuple[float, str]], lines: Sequence[str]) -> str:
    labels = "".join(
        f'<text x="{_x(at):.1f}" y="{HEIGHT - MARGIN + 18}" text-anchor="middle">{text}</text>' for at, text in across
    ) + "".join(
        f'<text x="{MARGIN - 6}" y="{_y(at) + 4:.1f}" text-anchor="end">{text}</text>'
        f'<line x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{_y(at):.1f}" y2="{_y(at):.1f}" stroke="#dde1e7"/>'
        for at, text in up
    )
    return (
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}" role="img">{labels}{"".join(lines)}'
        "</svg>\n"
    )


def _line(points: Sequence[tuple[float, float]], colour: str) -> str:
    path = " ".join(f"{_x(x):.1f},{_y(y):.1f}" for x, y in points)
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="1.5"/>'


def _x(share: float) -> float:
    return MARGIN + share * (WIDTH - 2 * MARGIN)


def _y(share: float) -> float:
    return HEIGHT - MARGIN - share * (HEIGHT - 2 * MARGIN)


def _examples(title: str, examples: Sequence[Example], pictures: Callable[[Example], Sequence[bytes]]) -> str:
    if not examples:
        return ""
    rows = "".join(
        f'<tr><td class="number">{score_text(example.score)}</td>'
        + "".join(f"<td>{image_tag(picture)}</td>" for picture in pictures(example))
        + "".join(
            f'<td class="name">{escape(printable(str(example.record.get(column) or "")))}</td>'
            for column in ("first", "second", "video", "photo")
            if column in example.record
        )
        + "</tr>\n"
        for example in examples
    )
    return f"<h2>{escape(title)}</h2>\n<table>\n{rows}</table>\n"
