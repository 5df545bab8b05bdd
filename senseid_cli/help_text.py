"""Help of the commands: usage, description, arguments, options and commands in sections, examples.

Nothing is cut: what does not fit the width of the terminal continues on the next line. The command reference and the
man pages are made from the same parts.
"""

from __future__ import annotations

import textwrap
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

_EXAMPLES = "Examples:"

Rows = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Help:
    """The help of one command.

    Attributes:
        path: its words, as in `senseid license check`.
        usage: what follows them.
        paragraphs: what it does, the summary first.
        sections: title and rows of arguments, options and commands; a row is a name and its meaning.
        examples: whole command lines.
    """

    path: str
    usage: str
    paragraphs: tuple[str, ...]
    sections: tuple[tuple[str, Rows], ...]
    examples: tuple[str, ...]


def help_of(command: Any, context: Any) -> Help:
    """The help of a command in its context, which knows the words that lead to it."""
    # A group with a command that needs no name does and takes what that one does.
    called = command.commands[command.default] if hasattr(command, "default") else command
    paragraphs, examples = described(called.help or "")
    arguments = [p for p in called.params if p.param_type_name == "argument" and not p.hidden]
    sections: dict[str, list[tuple[str, str]]] = {
        "Arguments": [(argument_name(p), p.get_help_record(context)[1]) for p in arguments]
    }
    if called is command:
        for title, name, child in children(command, context):
            sections.setdefault(title, []).append((name, summary(child)))
    for parameter in [p for p in called.get_params(context) if p.param_type_name == "option"]:
        record = parameter.get_help_record(context)
        if record:
            sections.setdefault(parameter.rich_help_panel or "Options", []).append(record)
    for title, rows in _shared(context):
        sections.setdefault(title, []).extend(rows)
    if called is not command:
        others = [(name, summary(child)) for _, name, child in children(command, context) if child is not called]
        sections["Commands"] = others
    filled = tuple((title, tuple(rows)) for title, rows in sections.items() if rows)
    return Help(context.command_path, usage(command), paragraphs, filled, examples)


def described(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The paragraphs of a help text, each one line, and its examples: the lines below `Examples:`."""
    described, _, listed = text.partition(f"\n{_EXAMPLES}\n")
    paragraphs = (" ".join(part.split()) for part in described.split("\n\n"))
    examples = (line.strip() for line in listed.splitlines())
    return tuple(part for part in paragraphs if part), tuple(line for line in examples if line)


def summary(command: Any) -> str:
    """The first sentence of a command's help."""
    return str(command.get_short_help_str(limit=1000))


def usage(command: Any) -> str:
    """Return the parameters of a command: arguments first, then options, which may stand after them."""
    if hasattr(command, "default"):
        return usage(command.commands[command.default])
    names = [argument_name(p) for p in command.params if p.param_type_name == "argument" and not p.hidden]
    names += [
        f"{option_name(p)} {p.metavar}"
        for p in command.params
        if p.param_type_name == "option" and p.required and p.metavar
    ]
    if hasattr(command, "commands"):
        names.append("[COMMAND]" if command.invoke_without_command else "COMMAND")
    return " ".join([*names, "[OPTIONS]"])


def argument_name(argument: Any) -> str:
    """The name of an argument, in brackets if it may be left out."""
    name = argument.human_readable_name
    return name if argument.required or name.startswith("[") else f"[{name}]"


def option_name(option: Any) -> str:
    """The first long name of an option."""
    return next((name for name in option.opts if name.startswith("--")), str(option.opts[0]))


def children(command: Any, context: Any) -> Iterator[tuple[str, str, Any]]:
    """Section, name and command of everything that a group holds, by section."""
    if not hasattr(command, "commands"):
        return
    named = {name: command.get_command(context, name) for name in command.list_commands(context)}
    sections = getattr(command, "sections", None)
    if sections is None:
        sections = {}
        for name, child in named.items():
            sections.setdefault(child.rich_help_panel or "Commands", []).append(name)
    for title, names in sections.items():
        yield from ((title, name, named[name]) for name in names if not named[name].hidden)


def write_help(command: Any, context: Any, formatter: Any) -> None:
    """Write the help of a command."""
    parts = help_of(command, context)
    formatter.write_usage(parts.path, parts.usage)
    for paragraph in parts.paragraphs:
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(paragraph)
    for title, rows in parts.sections:
        with formatter.section(title):
            formatter.write_dl(rows, col_max=24)
    if parts.examples:
        with formatter.section("Examples"):
            for example in parts.examples:
                formatter.write(example_lines(example, formatter.width, formatter.current_indent))


def example_lines(example: str, width: int, indent: int) -> str:
    """An example on lines of that width, which a shell takes for one: each but the last ends in a backslash."""
    lines = textwrap.wrap(
        example,
        width - 2,
        initial_indent=" " * indent,
        subsequent_indent=" " * 2 * indent,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return " \\\n".join(lines) + "\n"


def adopt(command: Any) -> None:
    """Give a command and everything below it this help."""
    command.format_help = partial(write_help, command)
    for child in getattr(command, "commands", {}).values():
        adopt(child)


def _shared(context: Any) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The options of the group that this command takes as well, if it is one of `GroupWithSharedOptions`."""
    group: Any = context.parent.command if context.parent else None
    if getattr(group, "shares_options", False):
        help_option = group.get_help_option(context.parent)
        records = [p.get_help_record(context.parent) for p in group.params if p is not help_option]
        yield f"Options of {context.parent.command_path}", [record for record in records if record]
