"""Options that `encrypt`, `decrypt` and `key` share, and what is said about keys."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli import media, render

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_cli.crypt.plan import Job
    from senseid_cli.keys import KnownKey

Sources = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="Files, folders or patterns; `-` is standard input.")
]
Out = Annotated[
    str | None,
    typer.Option("--out", "-o", metavar="PATH", help="A folder, or for one file the new file; `-` is standard output."),
]
KeyFile = Annotated[
    Path | None, typer.Option("--key-file", metavar="FILE", help="Take the key from this key file or .env file only.")
]
KeyName = Annotated[
    str | None, typer.Option("--key", metavar="NAME", help="Take the key of this name: see `senseid key list`.")
]
Force = Annotated[bool, typer.Option("--force", help="Overwrite files that are there already.")]
DeleteSource = Annotated[
    bool, typer.Option("--delete-source", help="Delete each file once its result has been read back and checked.")
]
AsJson = Annotated[bool, typer.Option("--json", help="Print one JSON object a file.")]


def check_keys(key_file: Path | None, name: str | None) -> None:
    """Refuse two ways to name one key."""
    if key_file is not None and name is not None:
        raise typer.BadParameter("--key-file and --key cannot both be given: each names the key")


def check_streams(jobs: Sequence[Job], *, delete_source: bool, as_json: bool) -> None:
    """Refuse what makes no sense with standard input or standard output."""
    if delete_source and any(job.source == media.STDIN or job.target is None for job in jobs):
        raise typer.BadParameter("--delete-source needs files: nothing can be read back from standard output")
    if as_json and any(job.target is None for job in jobs):
        raise typer.BadParameter("--json and the result cannot both go to standard output: name a file with --out")


def note_weakness(known: KnownKey) -> None:
    """Say what is wrong with a key and with the place that it is kept in."""
    from senseid_crypto.key import weaknesses

    for weakness in weaknesses(known.key):
        render.note(f"the key {known.key.id} {weakness}; make a better one with `senseid key generate`")
    if known.path is not None and stat.S_IMODE(known.path.stat().st_mode) & 0o077:
        name = render.printable(str(known.path))
        render.note(f"{name} holds a key and can be read by others: run `chmod 600 {name}`")
