"""`senseid audit`: is the decision log what was written? And what is older than it may be."""

from __future__ import annotations

import math
import os
import re
from datetime import timedelta
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli.crypt.options import KeyFile, KeyName, check_keys
from senseid_engine.errors import MediaNotFoundError, MediaUnreadableError, printable, reason_of

if TYPE_CHECKING:
    from senseid.command_shapes import PurgedLog, VerifiedLog
    from senseid.decision_audit import Verification
    from senseid.decision_record import Link

app = typer.Typer(
    help="""Verify and purge the decision log.

Examples:
    senseid audit verify decisions.jsonl
    senseid audit purge decisions.jsonl --older-than 90
""",
    no_args_is_help=True,
)


def _noted(text: str) -> Link:
    from senseid.decision_record import Link

    found = re.fullmatch("([0-9]{1,15}):([0-9a-f]{64})", text)
    if found is None:
        raise typer.BadParameter("it is number and hash of a record, as `senseid audit verify` prints them: 41:9f86...")
    return Link(int(found[1]), found[2])


@app.command("verify")
def verify(
    files: Annotated[
        list[Path], typer.Argument(metavar="FILE...", help="The log; full files beside it are found by themselves.")
    ],
    key: KeyName = None,
    key_file: KeyFile = None,
    noted: Annotated[
        str | None,
        typer.Option("--noted", metavar="TEXT", help="A record that was noted, as NUMBER:HASH, and must be there."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
) -> None:
    """Verify the chain of a decision log, and with a key that each record is sealed with it.

    Exit status: 0 it is what was written, 1 it is not: the first broken record is named; 3 a file cannot be read.

    Examples:
        senseid audit verify decisions.jsonl
        senseid audit verify decisions.jsonl --key audit --json
    """
    from senseid import installation
    from senseid.decision_audit import verify_logs
    from senseid.decision_log import real_path
    from senseid_cli.output import terminal

    check_keys(key_file, key)
    expected = None if noted is None else _noted(noted)
    sealing = next(iter(installation.key_sources(key_file, key))) if key_file is not None or key is not None else None
    logs = list(map(real_path, files))
    _check_regular(logs)
    try:
        found, count = verify_logs(logs, key=sealing, noted=expected)
    except FileNotFoundError as error:
        raise MediaNotFoundError(str(error.filename), "there is no such file") from None
    except OSError as error:
        raise MediaUnreadableError(str(error.filename or files[0]), f"cannot be read: {reason_of(error)}") from None
    if as_json:
        terminal.put_result(_body(found, count))
    else:
        terminal.put_lines(map(printable, _lines(found, count)))
    raise typer.Exit(1 if found.problem is not None else 0)


@app.command("purge")
def purge(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="The log; full files beside it belong to it.")],
    days: Annotated[
        float,
        typer.Option(
            "--older-than", min=0, max=36500, metavar="NUMBER", help="Delete what is older than that many days."
        ),
    ],
    key: KeyName = None,
    key_file: KeyFile = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
) -> None:
    """Remove old records, and leave an anchor in their place, so that the rest still verifies.

    Writers go on meanwhile. A sealed log needs its key. Exit status: 0 done, 3 there is no such log or a record of it
    is damaged, 70 the log cannot be written; then nothing is removed.

    Examples:
        senseid audit purge decisions.jsonl --older-than 90
        senseid audit purge decisions.jsonl --older-than 90 --key audit
    """
    from senseid import installation
    from senseid.decision_log import present_files_of, real_path
    from senseid_cli.output import terminal
    from senseid_engine.media import reading

    check_keys(key_file, key)
    if math.isnan(days):
        raise typer.BadParameter("it is no number", param_hint="--older-than")
    with reading(str(file), "file"):
        paths = present_files_of(real_path(file))
    if not paths:
        raise MediaNotFoundError(str(file), "there is no such file")
    _check_regular(paths)
    before = installation.now() - timedelta(days=days)
    removed = installation.decision_log(file, key, key_file=key_file).purge(before)
    if as_json:
        facts: PurgedLog = {"removed": removed, "before": before.isoformat()}
        terminal.put_result(facts)
    else:
        records = "record" if removed == 1 else "records"
        terminal.put_lines([f"removed {removed} {records} from before {before:%Y-%m-%d %H:%M} UTC"])


def _check_regular(paths: list[Path]) -> None:
    """Refuse what is no file: a pipe may have no writer, and a device no end."""
    for path in paths:
        if os.path.exists(path) and not os.path.isfile(path):
            raise MediaUnreadableError(str(path), "is no file")


def _lines(found: Verification, files: int) -> list[str]:
    lines = [f"{found.records} record{'s' * (found.records != 1)} verified, in {files} file{'s' * (files > 1)}"]
    if found.first is not None and found.last is not None:
        lines.append(f"first: {found.first.number}")
        lines.append(f"last: {found.last.number}:{found.last.hash}")
    if found.purged is not None:
        lines.append(f"purged: up to {found.purged}")
    if found.torn:
        lines.append(f"cut short by crashes: {found.torn}")
    if found.sealed or found.unchecked:
        checked = "checked" if found.sealed else "not checked: name the key with --key"
        lines.append(f"seals: {found.sealed + found.unchecked}, {checked}")
    if found.problem is not None:
        place = f"{found.problem.path}:{found.problem.line}" if found.problem.line else str(found.problem.path)
        lines.append(f"{found.problem.kind}: {place}: {found.problem.text}")
    return lines


def _body(found: Verification, files: int) -> VerifiedLog:
    problem = found.problem
    return {
        "valid": problem is None,
        "records": found.records,
        "files": files,
        "first": None if found.first is None else found.first.number,
        "last": None if found.last is None else f"{found.last.number}:{found.last.hash}",
        "purged": found.purged,
        "torn": found.torn,
        "sealed": found.sealed,
        "seals_unchecked": found.unchecked,
        "problem": None
        if problem is None
        else {"file": str(problem.path), "line": problem.line, "kind": problem.kind, "text": problem.text},
    }
