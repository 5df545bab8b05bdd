"""`senseid cache`: the templates that `senseid batch --cache` keeps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import installation
from senseid_cli import paths
from senseid_cli.output import terminal

if TYPE_CHECKING:
    from senseid.command_shapes import CacheDay, PurgedCache

app = typer.Typer(
    help="""List or delete the templates that `senseid batch --cache` keeps.

Examples:
    senseid cache list templates
    senseid cache purge templates --older-than 30
""",
    no_args_is_help=True,
)

Folder = Annotated[str, typer.Argument(metavar="FOLDER", help="The folder of `batch --cache`.")]


@app.command("list")
def list_days(
    folder: Folder, as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object per day.")] = False
) -> None:
    """Show how many templates a cache holds, and their bytes, by the day (UTC) on which they were made.

    Whose they are is not shown: the names of the files do not tell, and without the key nobody knows.

    Examples:
        senseid cache list templates
        senseid cache list templates --json
    """
    from senseid_cli.batch.cache_folder import by_day

    paths.check_word(folder, name="FOLDER")
    days = by_day(Path(folder))
    found: list[CacheDay] = [
        {"day": day.isoformat(), "templates": kept.templates, "bytes": kept.size} for day, kept in days.items()
    ]
    terminal.put_list(found, as_json=as_json)
    if not days:
        terminal.note("it holds no templates")


@app.command("purge")
def purge(
    folder: Folder,
    older_than: Annotated[
        int | None,
        typer.Option(
            "--older-than", metavar="NUMBER", min=1, max=36500, help="Delete what is older than that many days."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="Take all: delete every template.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
) -> None:
    """Delete templates of a cache, by their age or all of them. Other files in the folder are not touched.

    Examples:
        senseid cache purge templates --older-than 30
        senseid cache purge templates --all
    """
    from senseid_cli.batch.cache_folder import purge as delete
    from senseid_cli.crypt.run import put_facts

    paths.check_word(folder, name="FOLDER")
    if (older_than is None) is not everything:
        raise typer.BadParameter("say which: --older-than DAYS, or --all", param_hint="--older-than")
    deleted = delete(Path(folder), installation.now(), older_than)
    facts: PurgedCache = {"done": "purged", "templates": deleted.templates, "bytes": deleted.size}
    put_facts(facts, as_json=as_json)
