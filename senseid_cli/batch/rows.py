"""The rows of a manifest, one record each, in order."""

from __future__ import annotations

from collections import deque
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from senseid import outcomes
from senseid.bodies import OK_CODE
from senseid_cli.batch.work import Refusal, refusal_of
from senseid_engine.errors import DifferentPeopleError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping
    from concurrent.futures import Future
    from pathlib import Path

    from senseid.tables.manifest import Row
    from senseid_cli.batch.jobs import Job
    from senseid_cli.batch.work_queue import WorkQueue

BEFORE = ("row",)
BEHIND = ("code",)
LAST = ("message", "problem")
TYPES: Mapping[str, type] = {
    **dict.fromkeys(("row", "code"), int),
    **dict.fromkeys(("verification_score", "best_score", "liveness_score", "image_timestamp"), float),
    **dict.fromkeys(("match", "passed"), bool),
}
ROWS_A_SLOT = 32
"""Rows that are read ahead of writing: one slow photo holds up no other, and memory stays flat."""


def columns_of(manifest: Iterable[str], job: Job) -> tuple[str, ...]:
    """All columns of the records of a job over a manifest with these columns."""
    return (*BEFORE, *manifest, *BEHIND, *job.columns, *LAST)


def refused(refusal: Refusal) -> dict[str, Any]:
    """The end of the record of what is refused."""
    return {"code": refusal.code, "message": refusal.message, "problem": refusal.problem}


def files_of(rows: Iterable[Row], job: Job, folder: Path) -> Iterator[Path]:
    """The files that a job reads for rows, whose paths are relative to a folder."""
    for row in rows:
        if not _problem(row, job):
            yield from (folder / row.fields[column] for column in job.works if row.fields.get(column))


def work_through(rows: Iterable[Row], job: Job, folder: Path, queue: WorkQueue, slots: int) -> Iterator[dict[str, Any]]:
    """Do a job over rows.

    Args:
        rows: the rows.
        job: what is done with each.
        folder: what their paths are relative to.
        queue: reads and encodes.
        slots: how much work is done at the same time.

    Yields:
        One record a row, in their order.
    """
    waiting: deque[tuple[Row, list[tuple[str, Future[Any]]], Refusal | None]] = deque()
    for row in rows:
        problem = _problem(row, job)
        if problem:
            waiting.append((row, [], _bad_row(problem)))
        else:
            asked = [
                (column, queue.ask(folder / row.fields[column], work))
                for column, work in job.works.items()
                if row.fields.get(column)
            ]
            waiting.append((row, asked, None))
        if len(waiting) > ROWS_A_SLOT * slots:
            yield _record(*waiting.popleft(), job.conclude)
    while waiting:
        yield _record(*waiting.popleft(), job.conclude)


def _problem(row: Row, job: Job) -> str:
    if row.problem:
        return row.problem
    for column in job.works:
        value = row.fields.get(column)
        if value is None or value == "":
            if column in job.optional:
                continue
            return f"it has no {column!r}"
        if not isinstance(value, str) or "\0" in value:
            return f"{column!r} is not a path"
    return ""


def _bad_row(problem: str) -> Refusal:
    return Refusal(outcomes.USAGE.code, outcomes.USAGE.message, f"the row cannot be used: {problem}")


def _record(
    row: Row,
    asked: list[tuple[str, Future[Any]]],
    refusal: Refusal | None,
    conclude: Callable[[dict[str, Any]], dict[str, Any]],
) -> dict[str, Any]:
    outcomes = {column: future.result() for column, future in asked}
    for column, outcome in outcomes.items():
        if refusal is None and isinstance(outcome, Refusal):
            refusal = Refusal(outcome.code, outcome.message, f"{column}: {outcome.problem}")
    if refusal is None:
        try:
            return {"row": row.number, **row.fields, "code": OK_CODE, **conclude(outcomes)}
        except DifferentPeopleError as error:
            refusal = replace(refusal_of(error), problem=str(error))  # which names the column
        except Exception as error:
            refusal = refusal_of(error)
    return {"row": row.number, **row.fields, **refused(refusal)}
