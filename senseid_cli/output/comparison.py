"""Comparisons as lines for a pipe and as tables for a terminal.

A line for a pipe has tab-separated fields, the verdict first, so that `grep ^match` and `cut -f2` work as expected.
"""

from __future__ import annotations

from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING

from senseid.bodies import THRESHOLDS, false_match_rate
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from senseid_engine.results import Comparison, FoundFaces, OmniComparison


def odds(threshold: float) -> str:
    """An error rate for people, such as `1 in 10,000`."""
    return f"1 in {float(f'{1 / false_match_rate(threshold):.3g}'):,.0f}"


def score_text(score: float) -> str:
    """A score with four decimals, rounded down: a score below 0.7 never shows as 0.7000."""
    return str(Decimal(repr(score)).quantize(Decimal("0.0001"), ROUND_FLOOR))


def verdict(score: float, threshold: float) -> str:
    """`match` or `no match`."""
    return "match" if score >= threshold else "no match"


def compare_lines(result: Comparison, threshold: float, *, details: bool) -> list[str]:
    """`match<TAB>0.9312`, and with details one line per photo and one per threshold."""
    lines = ["\t".join([verdict(result.score, threshold), score_text(result.score)])]
    if details:
        lines.append(f"threshold\t{threshold}\t{odds(threshold)}")
        for label, found in _photos(result):
            box = ",".join(map(str, found.rects[0].as_list()))
            turned = f"turned {90 * found.quarter_turns}"
            lines.append("\t".join([label, printable(found.name), f"face 1 of {len(found.rects)}", box, turned]))
        lines.extend(
            f"{'reached' if result.score >= level else 'not reached'}\t{level}\t{odds(level)}" for level in THRESHOLDS
        )
    return lines


def omni_lines(result: OmniComparison, threshold: float) -> list[str]:
    """One line per pair: `match<TAB>0.9312<TAB>A1<TAB>B2`."""
    return [
        "\t".join([verdict(score, threshold), score_text(score), f"A{i}", f"B{j}"])
        for i, row in enumerate(result.scores, 1)
        for j, score in enumerate(row, 1)
    ]


def compare_table(result: Comparison, threshold: float, *, details: bool) -> RenderableType:
    """The verdict, the threshold and its meaning, and with details the faces and the table of thresholds."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    facts.add_row(Text(verdict(result.score, threshold), _style(result.score, threshold)), score_text(result.score))
    facts.add_row("threshold", f"{threshold} (reached by {odds(threshold)} strangers)")
    if result.further:
        facts.add_row("references", f"{1 + len(result.further)} photos of one person")
    for label, found in _photos(result):
        if details or len(found.rects) > 1 or found.quarter_turns or found.covered:
            facts.add_row(label, Text(_face_text(found, details=details)))
    if not details:
        return facts
    levels = Table("threshold", "strangers", "reached", box=None, padding=(0, 2, 0, 0))
    for level in THRESHOLDS:
        levels.add_row(f"{level}", odds(level), "yes" if result.score >= level else "no")
    return Group(facts, "", levels)


def omni_table(result: OmniComparison, threshold: float) -> RenderableType:
    """The matrix: one row per face of the first photo, one column per face of the second, matches in bold."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    matrix = Table(box=None, padding=(0, 2, 0, 0))
    matrix.add_column("")
    for j in range(1, len(result.second.rects) + 1):
        matrix.add_column(f"B{j}", justify="right", no_wrap=True)
    for i, row in enumerate(result.scores, 1):
        matrix.add_row(f"A{i}", *(Text(score_text(score), _style(score, threshold)) for score in row))
    best = max(max(row) for row in result.scores)
    facts = Table.grid(padding=(0, 2))
    for label, found in (("A", result.first), ("B", result.second)):
        facts.add_row(label, Text(f"{printable(found.name)}: {faces_text(found)}{_turned(found)}"))
    facts.add_row("best", Text(f"{score_text(best)} ({verdict(best, threshold)}, threshold {threshold})"))
    return Group(matrix, "", facts)


def omni_table_width(result: OmniComparison) -> int:
    """Columns that the matrix needs on a terminal."""
    return len(f"A{len(result.first.rects)}  ") + len("0.0000  ") * len(result.second.rects)


def _photos(result: Comparison) -> list[tuple[str, FoundFaces]]:
    if not result.further:
        return [("first", result.first), ("second", result.second)]
    return [*(("reference", found) for found in (result.first, *result.further)), ("photo", result.second)]


def _style(score: float, threshold: float) -> str:
    return "bold green" if score >= threshold else ""


def _face_text(found: FoundFaces, *, details: bool) -> str:
    text = f"{printable(found.name)}: "
    text += f"the largest of {faces_text(found)}" if len(found.rects) > 1 else faces_text(found)
    if details:
        text += f" at {', '.join(map(str, found.rects[0].as_list()))} of {found.width} x {found.height}"
    return text + _turned(found) + (f", covered: {' and '.join(found.covered)}" if found.covered else "")


def faces_text(found: FoundFaces) -> str:
    """How many faces a photo shows."""
    return "1 face" if len(found.rects) == 1 else f"{len(found.rects)} faces"


def _turned(found: FoundFaces) -> str:
    turns = {1: "turned left by 90 degrees", 2: "turned upside down", 3: "turned right by 90 degrees"}
    return f", {turns[found.quarter_turns]}" if found.quarter_turns else ""
