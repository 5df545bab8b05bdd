"""`senseid doctor`: is this installation ready, what works, and what to do about the rest?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli import render, wiring
from senseid_cli.exits import ExitStatus

if TYPE_CHECKING:
    from rich.console import RenderableType

    from senseid_cli.doctor.abilities import Ability
    from senseid_cli.doctor.checkup import Checkup
    from senseid_cli.doctor.finding import Finding


def doctor(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Check this installation: processor, memory, licences, clock, models, codecs, keys, packages.

    It writes nothing and uploads nothing. Exit status: 0 all is right, 1 something has to be done.
    """
    from senseid_cli.doctor.checkup import check_up

    found = check_up(*wiring.open_store())
    if as_json:
        render.put_json(_body(found))
    elif render.terminal_width() is not None:
        render.put_table(_table(found))
    else:
        render.put_lines(_lines(found))
        for finding in found.findings:
            if finding.remedy:
                typer.echo(f"hint: {finding.check}: {render.printable(finding.remedy)}", err=True)
    raise typer.Exit(ExitStatus.YES if found.ready else ExitStatus.NO)


def _body(found: Checkup) -> dict[str, object]:
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
    lines = [
        "\t".join([finding.status, finding.check, render.printable(finding.message)]) for finding in found.findings
    ]
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

    text = Text(render.printable(finding.message))
    if finding.remedy:
        text.append(f"\n{render.printable(finding.remedy)}", "italic")
    return text
