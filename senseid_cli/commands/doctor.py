"""`senseid doctor`: is this installation ready, what works, and what to do about the rest?"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import installation
from senseid.outcomes import ExitStatus
from senseid_cli.key_sources import key_sources
from senseid_cli.options import EnvFile
from senseid_cli.output import terminal
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from rich.console import RenderableType

    from senseid import command_shapes as shapes
    from senseid.abilities import Ability
    from senseid_cli.doctor.checkup import Checkup, Installation
    from senseid_cli.doctor.finding import Finding


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
    env_file: EnvFile = None,
    old_home: Annotated[
        Path | None,
        typer.Option("--upgraded-from", metavar="FOLDER", help="The old data directory: has all of it come along?"),
    ] = None,
    old_env: Annotated[
        Path | None, typer.Option("--old-env-file", metavar="FILE", help="The old .env file: does each setting hold?")
    ] = None,
) -> None:
    """Check this installation: processor, memory, licences, clock, keys, settings, models, codecs, packages.

    It changes nothing. Exit status: 0 all is right, 1 something has to be done.

    Examples:
        senseid doctor
        senseid doctor --upgraded-from /mnt/old/senseid --json
    """
    from senseid_cli.doctor.checkup import check_up

    found = check_up(_installation(env_file), old_home=old_home, old_env=old_env)
    if as_json:
        terminal.put_result(_body(found))
    elif terminal.terminal_width() is not None:
        terminal.put_table(_table(found))
    else:
        terminal.put_lines(_lines(found))
        for finding in found.findings:
            if finding.remedy:
                typer.echo(f"hint: {finding.check}: {printable(finding.remedy)}", err=True)
    raise typer.Exit(ExitStatus.YES if found.ready else ExitStatus.NO)


def _installation(env_file: Path | None) -> Installation:
    import os
    from dataclasses import replace

    from senseid.env_file import UNNAMED
    from senseid_cli.doctor.checkup import Installation

    store, context = installation.open_store()
    file = env_file or UNNAMED
    cores, cpus = installation.cpus()
    return Installation(
        store=store,
        context=context,
        keys=replace(key_sources(), env_file=file, env_named=env_file is not None),
        environment=os.environ,
        env_file=file if env_file or os.path.isfile(file) else None,
        env_named=env_file is not None,
        cores=cores,
        cpus=cpus,
    )


def _body(found: Checkup) -> shapes.Doctor:
    return {
        "ready": found.ready,
        "version": found.version,
        "findings": [
            {
                "check": finding.check,
                "status": finding.status.value,
                "message": finding.message,
                "remedy": finding.remedy or None,
            }
            for finding in found.findings
        ],
        "commands": [
            {"command": ability.command, "works": not ability.lacks, "lacks": list(ability.lacks)}
            for ability in found.abilities
        ],
    }


def _lines(found: Checkup) -> list[str]:
    """`ok<TAB>memory<TAB>...`, then `works<TAB>compare` or `lacks<TAB>serve<TAB>...`."""
    lines = ["\t".join([finding.status, finding.check, printable(finding.message)]) for finding in found.findings]
    return lines + ["\t".join(part for part in _ability(ability) if part) for ability in found.abilities]


def _ability(ability: Ability) -> tuple[str, str, str]:
    return ("lacks" if ability.lacks else "works", ability.command, ", ".join(ability.lacks))


def _table(found: Checkup) -> RenderableType:
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    colours = {"ok": "green", "works": "green", "note": "yellow", "lacks": "yellow", "problem": "bold red"}
    table = Table.grid(padding=(0, 2))
    for finding in found.findings:
        table.add_row(Text(finding.status, colours[finding.status]), Text(finding.check), _told(finding))
    table.add_row()
    for ability in found.abilities:
        word, command, lacks = _ability(ability)
        table.add_row(Text(word, colours[word]), Text(command), Text(lacks))
    verdict = "all is right" if found.ready else "something has to be done: see each problem"
    return Group(table, "", Text(verdict, "bold green" if found.ready else "bold red"))


def _told(finding: Finding) -> RenderableType:
    from rich.text import Text

    text = Text(printable(finding.message))
    if finding.remedy:
        text.append(f"\n{printable(finding.remedy)}", "italic")
    return text
