"""`senseid schema`: the JSON Schema of each answer."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from senseid_cli import completion

OPENAPI = "serve"
"""The word for the OpenAPI document, which has the schemas of the HTTP API."""


def _next_words(context: typer.Context, incomplete: str) -> list[str]:
    """What may follow, for the completion of a shell."""
    from senseid.command_shapes import RESULTS

    given = list(context.params["command"] or ())
    names = [name.split() for name in (*RESULTS, OPENAPI)]
    words = dict.fromkeys(name[len(given)] for name in names if name[: len(given)] == given != name)
    return completion.beginning(incomplete, words)


def schema(
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="COMMAND",
            help="A command, such as `license check`; `serve` is the HTTP API.",
            autocompletion=_next_words,
        ),
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json; without one, list them.

    The schema (draft 2020-12) is that of one line: a result or an error. Of `serve` it is the OpenAPI document of the
    HTTP API. It reads no licence and no model.

    Examples:
        senseid schema license check
        senseid schema serve > openapi.json
    """
    from senseid.command_shapes import RESULTS, schema_of_command
    from senseid_cli.output import terminal

    name = " ".join(command or [])
    name = "liveness check" if name == "liveness" else name  # as the command line has it
    if not name:
        terminal.put_lines([*RESULTS, OPENAPI])
    elif name == OPENAPI:
        from senseid.version import __version__
        from senseid_service.openapi import document

        _put(document(__version__))
    elif name in RESULTS:
        _put(schema_of_command(name))
    else:
        raise typer.BadParameter(f"{name!r} prints no JSON: `senseid schema` lists what does", param_hint="COMMAND")


def _put(found: dict[str, object]) -> None:
    typer.echo(json.dumps(found, indent=2))
