"""One run, from a plan to an output: on a journal that can be resumed, or straight to standard output."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from senseid.bodies import OK_CODE
from senseid.errors import OutputError
from senseid.outcomes import INTERNAL, ExitStatus
from senseid.output_file import new_file
from senseid.tables.writers import open_writer
from senseid_cli.batch.rows import TYPES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from pathlib import Path

    from senseid.tables.journal import Journal
    from senseid.tables.manifest import Format
    from senseid.tables.writers import Writer
    from senseid_cli.batch.plan import Plan
    from senseid_cli.batch.work_queue import WorkQueue


@dataclass(slots=True)
class Tally:
    """The outcome of the rows.

    Attributes:
        done: records with a result.
        refused: records with an error.
        internal: those of them that are a mistake of ours.
    """

    done: int = 0
    refused: int = 0
    internal: int = 0

    def count(self, record: Mapping[str, Any]) -> None:
        """Count one record."""
        if record["code"] == OK_CODE:
            self.done += 1
        else:
            self.refused += 1
            self.internal += record["code"] == INTERNAL.code

    @property
    def status(self) -> ExitStatus:
        """The exit status: 0 every row has a result, 3 some are refused, 70 one shows a mistake of ours."""
        if self.internal:
            return ExitStatus.INTERNAL
        return ExitStatus.INPUT if self.refused else ExitStatus.YES


@dataclass(frozen=True, slots=True)
class Outputs:
    """The files that a run writes.

    Attributes:
        out: the file of the records.
        form: how they are written.
        report: writes a report on all records, and may ask the queue about their photos; None: there is none.
    """

    out: Path
    form: Format
    report: Callable[[Iterable[dict[str, Any]], WorkQueue], None] | None


def run_to_file(
    plan: Plan,
    journal: Journal,
    outputs: Outputs,
    queue: WorkQueue,
    slots: int,
    advance: Callable[[int], None],
) -> Tally:
    """Work through a plan, and put the output in its place when all of it is there.

    Whatever ends it before: the journal holds every whole unit, and is left for `--resume`.

    Raises:
        OutputError: the journal, the output or the report cannot be written.
    """
    for unit in plan.records(queue, slots, journal.done, advance):
        journal.add(unit)
    journal.flush()
    tally = Tally()
    with new_file(outputs.out, overwrite=True) as file:
        writer = open_writer(outputs.form, file, plan.columns, TYPES)
        for record in journal.records():
            tally.count(record)
            writer.put(record)
        writer.close()
    if outputs.report is not None:
        try:
            outputs.report(journal.records(), queue)
        except OutputError as error:
            journal.remove()  # the output is whole, and the page can be made of it
            raise OutputError(
                f"{error.message}; {outputs.out} is complete",
                remedy=f"{error.remedy}, then make the page by `senseid report {shlex.quote(str(outputs.out))}`",
            ) from error
    journal.remove()
    return tally


def run_to_stream(plan: Plan, writer: Writer, queue: WorkQueue, slots: int, advance: Callable[[int], None]) -> Tally:
    """Work through a plan, and write each record as it comes."""
    tally = Tally()
    for unit in plan.records(queue, slots, 0, advance):
        for record in unit:
            tally.count(record)
            writer.put(record)
    writer.close()
    return tally
