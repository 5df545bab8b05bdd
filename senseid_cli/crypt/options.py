"""Options that `encrypt`, `decrypt` and `key` share, and notes about keys."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli import completion, media
from senseid_cli.key_sources import note_readable
from senseid_cli.output import terminal
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid.keys import KnownKey
    from senseid_cli.crypt.convert import WriteOptions
    from senseid_cli.crypt.file_jobs import FileJob, Plan

Sources = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files, folders or patterns; `-` is standard input.")
]
Out = Annotated[
    str | None,
    typer.Option(
        "--out",
        "-o",
        metavar="PATH",
        help="Write the result there: a folder, made if need be, or for one file the new file; `-` is standard output.",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(
        "--key-file", metavar="FILE", help="The file of the key: a key file or a .env file, and no other key is used."
    ),
]
KeyName = Annotated[
    str | None,
    typer.Option(
        "--key", metavar="NAME", help="The name of the key: see `senseid key list`.", autocompletion=completion.keys
    ),
]
DeleteSource = Annotated[
    bool, typer.Option("--delete-source", help="Delete each file once its result has been read back and checked.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON: one object per file.")]


def check_keys(key_file: Path | None, name: str | None) -> None:
    """Refuse `--key-file` together with `--key`."""
    if key_file is not None and name is not None:
        raise typer.BadParameter("--key-file and --key cannot both be given: each names the key")


def check_streams(jobs: Sequence[FileJob], *, delete_source: bool, as_json: bool) -> None:
    """Refuse options that make no sense with standard input or standard output."""
    if delete_source and any(job.source == media.STDIN or job.target is None for job in jobs):
        raise typer.BadParameter("--delete-source needs files: nothing can be read back from standard output")
    if as_json and any(job.target is None for job in jobs):
        raise typer.BadParameter("--json and the result cannot both go to standard output: name a file with --out")


def note_weakness(known: KnownKey) -> None:
    """Report weaknesses of a key and of the place that it is kept in."""
    from senseid_crypto.key import weaknesses

    for weakness in weaknesses(known.key):
        terminal.note(f"the key {known.key.id} {weakness}; make a better one with `senseid key generate`")
    if known.path is not None:
        note_readable(known.path)


def write_options(*, force: bool, delete_source: bool) -> WriteOptions:
    """The options of encryption and decryption: on as many CPUs as this process may use, up to a limit."""
    from senseid_cli.crypt.convert import WriteOptions
    from senseid_engine.cpu import available_cpus

    return WriteOptions(force=force, delete_source=delete_source, entropy=os.urandom, threads=min(available_cpus(), 4))


def note_links(plan: Plan) -> None:
    """Say that links in folders were not followed, if there are any."""
    if plan.links:
        first = printable(str(plan.links[0]))
        terminal.note(f"links in folders are not followed, {len(plan.links)} here, as {first}: name what they lead to")
