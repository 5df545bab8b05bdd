"""`senseid help`: the help of a command, named after the word as many other programs do."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from senseid_cli import completion


def help(  # noqa: A001  the command's name
    context: typer.Context,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...",
            help="The words of a command, such as `license issue`.",
            autocompletion=completion.commands,
        ),
    ] = None,
) -> None:
    """Show the help of a command.

    Examples:
        senseid help compare
        senseid help license issue
    """
    shown: Any = context.find_root()
    for word in words or ():
        if not hasattr(shown.command, "commands"):
            raise typer.BadParameter(f"`{shown.command_path}` has no command {word!r}", ctx=context)
        name, command, _ = shown.command.resolve_command(shown, [word])
        shown = typer.Context(command, info_name=name, parent=shown)
    typer.echo(shown.get_help())
