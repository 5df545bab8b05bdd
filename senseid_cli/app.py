"""The `senseid` command line: registers the commands and turns every error into one line and an exit status."""

from __future__ import annotations

import gc
import os
import sys
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from senseid import bodies, child_process, errors, heap, installation, outcomes, stids
from senseid_cli.groups import LazyGroup
from senseid_cli.output import streams, terminal

if TYPE_CHECKING:
    from collections.abc import Callable

SECTIONS = {
    "Begin here": {
        "license": "Check, install and issue licences.",
        "udid": "Print this machine's hardware fingerprint and write it to UDID.txt, to send to your vendor.",
        "doctor": "Check this installation: processor, memory, licences, clock, keys, settings, models, codecs,"
        " packages.",
    },
    "Photos and videos": {
        "compare": "Compare the faces of two photos.",
        "omni": "Compare every face of A with every face of B.",
        "quality": "Measure the quality of every face of a photo, or of all photos of a folder.",
        "liveness": "Check that the person in a video is living.",
        "verify": "Check that the person in a video is living, and compare the face with that of a photo.",
    },
    "Many at once": {
        "batch": "Many comparisons or checks in one run: each photo is read and encoded once.",
        "report": "Make the page of a batch again from the results that it wrote.",
        "cache": "List or delete the templates that `senseid batch --cache` keeps.",
    },
    "Encrypted files": {
        "key": "Make, list and change the keys of encrypted media.",
        "encrypt": "Encrypt files.",
        "decrypt": "Decrypt files of either format, told by their content: FILE.senseid and FILE.b64 become FILE.",
    },
    "Service": {
        "serve": "Answer the HTTP API until Ctrl-C or SIGTERM; with a command, in the background.",
        "drift": "Compare the scores, qualities and refusals of a period with the calibration or an earlier period.",
        "audit": "Verify and purge the decision log.",
    },
    "Models": {
        "models": "List, verify, calibrate and import models.",
    },
    "Help": {
        "help": "Show the help of a command.",
        "schema": "Print the JSON Schema of what a command prints with --json; without one, list them.",
        "version": "Print the version.",
    },
}
"""The sections of the help of `senseid`, in the order of their use: every command and the first sentence of its help,
which is shown without importing the command."""

COMMANDS = [name for section in SECTIONS.values() for name in section]


WITH_MODELS = frozenset({"compare", "omni", "quality", "verify", "batch", "report", "liveness"})
"""Commands that run in a child process; `serve` starts its own."""


SOON_OVER = frozenset({"compare", "omni"})
"""Commands that end before there are cycles of objects worth freeing: looking for them, which as libraries are imported
means looking at every object of each, takes longer than to compare two faces."""


class _Root(LazyGroup):
    package = "senseid_cli.commands"
    sections = SECTIONS

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command, and run it in a child process once its arguments are parsed, if it works with models."""
        name, command, rest = super().resolve_command(ctx, args)
        if name not in SOON_OVER:
            gc.enable()
        guard = ctx.obj and ctx.obj["guard"]  # without it: calls that only print the help of a command
        if guard is not None and name in WITH_MODELS:
            command.invoke = partial(_guarded, guard, command.invoke)
        return name, command, rest


ONE_THREAD_OF_BLAS = frozenset({"compare", "omni", "quality"})
"""Commands that multiply no large matrices: threads for that would only be started, and wait at full speed."""


def _guarded(guard: child_process.Guard, invoke: Callable[[Any], Any], context: Any) -> Any:
    if context.info_name in ONE_THREAD_OF_BLAS:
        os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # read as numpy is imported

    def work() -> Any:
        heap.use_huge_pages()
        return invoke(context)

    return guard.run(work)


app = typer.Typer(
    name="senseid",
    cls=_Root,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    # Plain help: it costs no rich import, and is the same in a pipe and on a terminal.
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        from senseid_cli.commands.version import version

        version()
        raise typer.Exit


@app.callback()
def root(
    context: typer.Context,
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error, on stderr.")] = False,
    version: Annotated[  # noqa: ARG001  its callback has done the work
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Face verification on your own machine: no photo leaves it.

    Options stand after the command: `senseid compare A B --json`.

    Examples:
        senseid license quickstart
        senseid compare alice.jpg bob.jpg
        senseid help license issue
    """
    context.obj["debug"] = debug


def main() -> NoReturn:
    """Run the command line of this process and end it."""
    streams.fill_gaps()
    sys.stderr = streams.aside(sys.stderr)
    if sys.stdout is not None:
        sys.stdout = streams.tolerant(sys.stdout)
    guard = child_process.Guard()
    guard.end(run(sys.argv[1:], guard))


def run(words: list[str], guard: child_process.Guard | None = None) -> int:
    """Run one command line; no error propagates.

    Args:
        words: the arguments after `senseid`.
        guard: starts a child process for some commands; None runs everything in this one.

    Returns:
        The exit status.
    """
    flags = {"debug": False, "guard": guard}
    terminal.note_once.cache_clear()  # it was reported to the command earlier
    try:
        status = app(words, prog_name="senseid", standalone_mode=False, obj=flags)
        _flush()
    except typer.TyperException as error:
        return _report_usage(error, words)
    except (KeyboardInterrupt, typer.Abort):  # Ctrl-C, and Ctrl-D at a prompt
        return outcomes.ExitStatus.INTERRUPTED
    except Exception as error:
        if flags["debug"]:
            import traceback

            traceback.print_exc()
            typer.echo(f"debug: {stids.in_words(stids.stid_of(error))}", err=True)
        return _report(error, words)
    finally:
        with suppress(errors.OutputError):
            _flush()
    return status if isinstance(status, int) else outcomes.ExitStatus.YES


def _flush() -> None:
    """Flush the rest of the output now: a failure to write it when Python exits would change the exit status."""
    if sys.stdout is not None:
        sys.stdout.flush()


def _report_usage(error: typer.TyperException, words: list[str]) -> int:
    from senseid_cli import usage_errors

    context = getattr(error, "ctx", None)
    if context is not None and error.format_message() == context.get_help():
        typer.echo(context.get_help(), err=True)  # a command was called without arguments: print its help
        line = f"`{context.command_path}` is not all of a command: `{context.command_path} --help` shows what follows"
    else:
        line = usage_errors.sentence(error, words)
        terminal.put_problem(line)
    _put_body(outcomes.USAGE, line, words)
    return outcomes.USAGE.status


def _report(error: Exception, words: list[str]) -> int:
    outcome = outcomes.outcome_of(error)
    if outcomes.is_of_memory(error):
        line = "there is not enough memory: end other programs, or use smaller media"
    elif not outcomes.is_expected(error):
        # The text of an unknown error may contain a secret or its path.
        line = f"internal error ({type(error).__name__}): run `senseid --debug ...` and report what it prints"
    else:
        line = outcomes.sentence(error)
    terminal.put_problem(line)
    _put_body(outcome, line, words)
    return outcome.status


def _put_body(outcome: outcomes.Outcome, line: str, words: list[str]) -> None:
    """Print the error as JSON if JSON was requested, even when the command line itself does not parse."""
    options = words[: words.index("--")] if "--" in words else words
    if "--json" in options:
        # The error and the status are those of the command: the error is printed on stderr anyway.
        with suppress(errors.OutputError):
            terminal.put_json(bodies.error_body(outcome, installation.new_request_id(), line))
