"""Output of the commands: bodies of the HTTP API, lines for a pipe, tables for a terminal.

Results go to standard output, everything else to standard error. A line for a pipe has tab-separated fields, the
verdict first, so that `grep ^match` and `cut -f2` work as expected. All of it is ASCII except for file names.
"""

from __future__ import annotations

import functools
import sys
from itertools import zip_longest
from typing import TYPE_CHECKING

from senseid import outcomes
from senseid.bodies import OK_CODE, error_body, json_text
from senseid.installation import new_request_id
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from pathlib import Path
    from typing import TextIO

    from rich.console import RenderableType

    from senseid_engine.results import FoundFaces
    from senseid_licensing.verified import VerifiedLicence


def put_line(line: str) -> None:
    """Print a line of a result."""
    _write(sys.stdout, line)


def put_lines(lines: Iterable[str]) -> None:
    """Print lines of a result."""
    for line in lines:
        put_line(line)


def put_rows(rows: Iterable[Sequence[str]]) -> None:
    """Print rows of a result: fields with tabs between them for a pipe, columns for a terminal."""
    if terminal_width() is None:
        put_lines(map("\t".join, rows))
        return
    table = list(rows)
    widths = [max(map(len, column)) for column in zip_longest(*table, fillvalue="")]
    put_lines("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)


def put_list(found: Sequence[Mapping[str, object]], *, as_json: bool) -> None:
    """Print the facts of each of several things: JSON, or rows in which `-` stands for what is not known.

    On a terminal the first row has their names.
    """
    if as_json:
        for facts in found:
            put_result(facts)
        return
    names = [list(facts) for facts in found[:1] if terminal_width() is not None]
    put_rows(names + [["-" if value is None else printable(str(value)) for value in facts.values()] for facts in found])


def put_json(body: Mapping[str, object]) -> None:
    """Print one object on one line."""
    put_line(json_text(body))


def put_result(facts: Mapping[str, object]) -> None:
    """Print the facts of a result that the HTTP API does not have, in the shape of one that it has."""
    put_json({"code": OK_CODE, **facts, "request_id": new_request_id()})


def put_table(table: RenderableType) -> None:
    """Print a table on a terminal."""
    from rich.console import Console

    # Unless both sides are given, rich assumes 80 columns on a dumb terminal.
    Console(highlight=False, width=terminal_width(), height=25).print(table)


def note(text: str) -> None:
    """Print a note beside the result."""
    _write(sys.stderr, f"note: {text}")


def note_hidden(pictures: int, page: Path) -> None:
    """Say how many pictures of encrypted photos a page leaves out, if any."""
    if pictures:
        note(f"{printable(str(page))}: {pictures} pictures of encrypted photos are left out; --plain-faces shows them")


def note_doubts(*photos: FoundFaces) -> None:
    """Note which face was compared if another may be meant, and what is covered. Tables contain this already."""
    for found in photos:
        name = printable(found.name)
        if found.ambiguous:
            box = ",".join(map(str, found.rects[0].as_list()))
            note(f"{name}: of {len(found.rects)} faces the largest was compared, at {box}; --single-face refuses this")
        if found.covered:
            features = " and ".join(found.covered)
            note(f"{name}: covered: {features}; the score is less sure than that of a bare face")


@functools.cache
def note_once(text: str) -> None:
    """Print a note once per command, for any number of files."""
    note(text)


def put_problem(line: str) -> None:
    """Print an error: what is wrong, with which file, what to do."""
    _write(sys.stderr, f"senseid: {printable(line)}")


def put_refusal(error: Exception, source: str, *, as_json: bool) -> outcomes.ExitStatus:
    """Print the error of one of several files, and return its exit status."""
    outcome, line = outcomes.outcome_of(error), outcomes.sentence(error)
    put_problem(line)
    if as_json:
        put_json({**error_body(outcome, new_request_id(), line), "source": source})
    return outcome.status


def terminal_width() -> int | None:
    """Columns of the terminal on standard output; None if it is not a terminal."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def note_grace(licence: VerifiedLicence) -> None:
    """Note that a licence has expired and works for a few more days."""
    if licence.in_grace:
        until = licence.grace_until.strftime("%Y-%m-%d %H:%M UTC")
        note(f"the licence for {licence.product} has expired and stops working at {until}: renew it")


def _write(stream: TextIO | None, line: str) -> None:
    # typer.echo would write past the stream that rich puts there while a progress bar is shown, into the bar's line.
    if stream is not None:
        stream.write(f"{line}\n")
        stream.flush()
