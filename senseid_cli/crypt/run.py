"""The run over all files of a command: progress, results, and errors that do not end it."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager, nullcontext
from typing import TYPE_CHECKING

from senseid import outcomes
from senseid_cli.crypt import convert, streams
from senseid_cli.output import terminal
from senseid_cli.output.progress import progress
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from types import FrameType

    from senseid_cli.crypt.file_jobs import FileJob

    Advance = Callable[[int], None]


def run_jobs(
    jobs: Sequence[FileJob],
    step: Callable[[FileJob, Advance], Mapping[str, object] | None],
    what: str,
    *,
    as_json: bool,
) -> outcomes.ExitStatus:
    """Do all jobs. If there are several, an error is reported at once and the next job starts.

    Args:
        jobs: the jobs, in order.
        step: does one job and returns the facts to print, the verb first; None prints nothing.
        what: the label of the progress bar.
        as_json: whether facts are printed as JSON.

    Returns:
        The status of the first error, or 0.
    """
    status = outcomes.ExitStatus.YES
    if not jobs:
        terminal.note("there is no file to be worked on")
    # A bar would garble output on the same terminal.
    hidden = streams.on_terminal() and any(job.target is None for job in jobs)
    watched = progress(what, sum(job.size for job in jobs), of_bytes=True)
    with _tidied(), nullcontext(convert.ignore) if hidden else watched as advance:
        for job in jobs:
            try:
                facts = step(job, advance)
            except Exception as error:
                if len(jobs) == 1 or not outcomes.is_expected(error):
                    raise
                refused = terminal.put_refusal(error, job.source, as_json=as_json)
                status = status or refused
            else:
                if facts is not None:
                    put_facts(facts, as_json=as_json)
    return status


class _EndedError(BaseException):
    """The process received a signal to end."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _tidied() -> Iterator[None]:
    """Remove partial output before a signal ends the process: some file systems have no files without a name.

    Closing a terminal and stopping a service send these signals; Python handles Ctrl-C itself.
    """

    def end(number: int, _: FrameType | None) -> None:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)  # the second one ends it at once
        raise _EndedError(number)

    # Not a signal that is ignored, as under nohup.
    ending = [signal.SIGTERM]
    if sys.platform != "win32":
        ending.append(signal.SIGHUP)
    ours = [each for each in ending if signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, end)
    try:
        yield
    except _EndedError as ended:
        os.kill(os.getpid(), ended.number)
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)


def put_facts(facts: Mapping[str, object], *, as_json: bool) -> None:
    """Print the facts of a job: one JSON object, or one line of tab-separated values."""
    if as_json:
        terminal.put_result(facts)
    else:
        terminal.put_line("\t".join(printable(str(value)) for value in facts.values()))
