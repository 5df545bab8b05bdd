"""Groups of commands: one that imports commands lazily, one with a default command, and one that shares its options."""

from __future__ import annotations

import importlib
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, cast

import typer
from typer.core import TyperCommand, TyperGroup
from typer.main import get_group
from typer.models import TyperPath

from senseid_cli import help_text

if TYPE_CHECKING:
    from collections.abc import Mapping


class LazyGroup(TyperGroup):
    """A group that imports and builds a command when it is called: both take longer than most commands run.

    Its help, its completion and the suggestions for a misspelt name need only names and summaries. Each command is a
    module of `package` that holds the Typer application `app`, for a group, or a function of the module's name.

    Attributes:
        package: the package of the modules.
        sections: the commands of each section of the help, with their summaries.
    """

    package: ClassVar[str]
    sections: ClassVar[Mapping[str, Mapping[str, str]]]

    def __init__(self, **settings: Any) -> None:
        summaries = {name: text for section in self.sections.values() for name, text in section.items()}
        named = {name: TyperCommand(name, help=text) for name, text in summaries.items()}
        super().__init__(**{**settings, "commands": named})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Import the command, of which only name and summary are known."""
        name, command, rest = super().resolve_command(ctx, args)
        return name, None if command is None else self._load(str(name)), rest

    def format_help(self, ctx: Any, formatter: Any) -> None:
        """Write the help."""
        help_text.write_help(self, ctx, formatter)

    def _load(self, name: str) -> Any:
        module = importlib.import_module(f"{self.package}.{name}")
        holder = typer.Typer(rich_markup_mode=self.rich_markup_mode)
        if hasattr(module, "app"):
            holder.add_typer(module.app, name=name)
        else:
            holder.command(name)(getattr(module, name))
        command = get_group(holder).commands[name]
        help_text.adopt(command)
        _take_names(command)
        return command


class _Name(TyperPath):
    """The name of a file or folder, as it was typed: whoever opens it says what is wrong with it."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Path:
        """Refuse an empty word, such as an unset variable of a script: as a path it would be the current folder.

        And `-`: commands that read or write a standard stream there take it as text.
        """
        if value == "":
            self.fail("an empty word names no file: check the variable that it came from", param, ctx)
        if value == "-":
            self.fail("'-' is no standard stream here: name a file (./- if it is called so)", param, ctx)
        return Path(value)


def _take_names(command: Any) -> None:
    """Have a command and everything below it take paths as names, which Typer would look at first."""
    for param in command.params:
        if isinstance(param.type, TyperPath):
            param.type = _Name()
    for child in getattr(command, "commands", {}).values():
        _take_names(child)


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

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete with the names of commands, and with what the default command takes."""
        default = self.commands[self.default]
        of_default = default.shell_complete(typer.Context(default, parent=ctx), incomplete)
        named = [item for item in super().shell_complete(ctx, incomplete) if item.value != self.default]
        return list({item.value: item for item in (*named, *of_default)}.values())


class GroupWithSharedOptions(TyperGroup):
    """A group whose options may stand before and after the name of a command, as in `serve start --port 3001`."""

    shares_options: ClassVar[bool] = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Take the group's own options from what follows the name of a command, and leave the rest to the command."""
        rest = super().parse_args(ctx, args)
        parser = self.make_parser(ctx)
        parser.ignore_unknown_options = parser.allow_interspersed_args = True
        given, left, order = parser.parse_args(list(rest))
        asks_for_help = self.get_help_option(ctx)
        for option in dict.fromkeys(order):
            if option is asks_for_help:
                left.append(ctx.help_option_names[0])  # for the help of the command, not of the group
            else:
                option.handle_parse_result(ctx, given, [])
        ctx.args = left
        return left

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        """Let the command complete the options of the group as well."""
        name, command, rest = cast("Any", super().resolve_command(ctx, args))
        if command is not None and ctx.resilient_parsing:
            command.shell_complete = partial(self._complete_both, command.shell_complete, ctx)
        return name, command, rest

    def _complete_both(self, own: Any, group_context: Any, context: Any, incomplete: str) -> list[Any]:
        of_group = TyperCommand.shell_complete(cast("Any", self), group_context, incomplete)
        return list({item.value: item for item in (*own(context, incomplete), *of_group)}.values())
