"""Progress bars, on a terminal only, on standard error."""

from __future__ import annotations

import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@contextmanager
def progress(what: str, total: int, *, of_bytes: bool = False, rate: bool = False) -> Iterator[Callable[[int], None]]:
    """Show the progress of `what` while the block runs; call the yielded function with each number of steps done.

    Args:
        what: the label.
        total: the number of steps.
        of_bytes: a step is a byte, shown as MB and so on.
        rate: also show the steps per second.
    """
    if sys.stderr is None or not sys.stderr.isatty():
        yield lambda steps: None  # noqa: ARG005 - nobody watches
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    done = DownloadColumn() if of_bytes else MofNCompleteColumn()
    speed = [TextColumn("{task.fields[rate]}")] if rate else []
    columns = (TextColumn("{task.description}"), BarColumn(), done, *speed, TimeRemainingColumn())
    # rich would redirect output to the bar's console meanwhile, and results would not reach their pipe.
    shared = sys.stdout is not None and sys.stdout.isatty()
    with Progress(
        *columns, console=Console(stderr=True, soft_wrap=True), transient=True, redirect_stdout=shared
    ) as bar:
        task = bar.add_task(what, total=total, rate="")

        def advance(steps: int) -> None:
            speed = bar.tasks[task].speed
            bar.update(task, advance=steps, rate="" if speed is None else f"{speed:.1f}/s")

        yield advance
