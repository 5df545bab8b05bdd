"""Groups of commands: one that imports commands lazily, and one with a default command."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(TyperGroup):
    """A group that imports and builds a command when it is called: both take longer than most commands run.

    Its help, its completion and the suggestions for a misspelt name need only names and summaries. Each command is a
    module of `package` that holds the Typer application `app`, for a group, or a function of the module's name.
    """

    package: ClassVar[str]
    summaries: ClassVar[Mapping[str, str]]

    def __init__(self, **settings: Any) -> None:
        named = {name: TyperCommand(name, help=summary) for name, summary in self.summaries.items()}
        super().__init__(**{**settings, "commands": named})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command, of which only name and summary are known."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, None if command is None else self._load(str(name)), rest

    def _load(self, name: str) -> Any:
        module = importlib.import_module(f"{self.package}.{name}")
        holder = typer.Typer(rich_markup_mode=self.rich_markup_mode)
        if hasattr(module, "app"):
            holder.add_typer(module.app, name=name)
        else:
            holder.command(name)(getattr(module, name))
        return get_group(holder).commands[name]


class GroupWithDefault(TyperGroup):
    """A group that passes arguments that do not begin with the name of a command to its default command.

    `senseid liveness VIDEO` is `senseid liveness check VIDEO`. A file with the name of a command is `./pack`.
    """

    default: ClassVar[str] = "check"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Insert the default command if none is named."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)
