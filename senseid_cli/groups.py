"""Groups of commands of which one needs no name: `senseid liveness VIDEO` is `senseid liveness check VIDEO`."""

from __future__ import annotations

from typing import Any, ClassVar

from typer.core import TyperGroup


class GroupWithDefault(TyperGroup):
    """A group that takes what does not begin with the name of a command for the words of its default command.

    A file that is called like a command is written `./pack`.
    """

    default: ClassVar[str] = "check"

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Name the default command where none is named."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [self.default, *args]
        return super().parse_args(ctx, args)
