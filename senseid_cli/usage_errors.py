"""Wrong command lines in one line: what was given, what was expected, what to type instead."""

from __future__ import annotations

import os
import re
import shlex
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from typer._click import exceptions

from senseid_cli import help_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    import typer

_MOST_CHARACTERS = 80
"""Maximum length of a command line that is repeated in a message."""

_EXTRA = re.compile(r"Got unexpected extra arguments?(?:\(s\))? \((.*)\)", re.DOTALL)
_NO_CHOICE = re.compile(r"'(.*)' is not one of ", re.DOTALL)
_NO_NUMBER = re.compile(r"'(.*)' is not a valid (?:integer|int|float|int range|float range)", re.DOTALL)
_OUT_OF_RANGE = re.compile(r"(.*) is not in the range", re.DOTALL)


def sentence(error: typer.TyperException, words: Sequence[str]) -> str:
    """Say in one line what is wrong with a command line.

    Args:
        error: what Typer or a command says about it.
        words: what was typed after `senseid`.
    """
    context: Any = getattr(error, "ctx", None)
    if isinstance(error, exceptions.BadOptionUsage):
        return f"{error.option_name} is the last word, and needs a value after it: type `{error.option_name} VALUE`"
    if context is None:
        return f"{error.format_message().rstrip('.')}: see `senseid --help`"
    path, command = context.command_path, context.command
    if isinstance(error, exceptions.MissingParameter):
        return _missing(error.param, context, words)
    if isinstance(error, exceptions.NoSuchOption):
        for word in words:
            if word.startswith(error.option_name) and os.path.isfile(word):
                return f"`{path}` has no option {error.option_name}: if the file {word} is meant, write ./{word}"
        meant = get_close_matches(error.option_name, [o for p in command.get_params(context) for o in p.opts], 1)
        instead = f"did you mean {meant[0]}? " if meant else ""
        return f"`{path}` has no option {error.option_name}: {instead}`{path} --help` lists them"
    if isinstance(error, exceptions.BadParameter):
        return _bad(error, context)
    extra = _EXTRA.fullmatch(error.format_message())
    if extra:
        return (
            f"{extra[1]} is more than `{_called(context)}` takes: leave it out, or put a name with spaces into quotes"
            f"{_as_in(context)}"
        )
    if hasattr(command, "commands") and error.format_message().startswith("No such command"):
        return _no_command(context, error.format_message())
    return f"{error.format_message().rstrip('.')}: see `{path} --help`"


def _called(context: Any) -> str:
    """How a command is called, without its options."""
    usage = help_text.usage(context.command).removesuffix("[OPTIONS]").strip()
    return f"{context.command_path} {usage}".strip()


def _as_in(context: Any) -> str:
    examples = help_text.described(context.command.help or "")[1]
    return f", as in `{examples[0]}`" if examples else ""


def _missing(parameter: Any, context: Any, words: Sequence[str]) -> str:
    line = shlex.join(["senseid", *words])
    given = f" after `{line}`" if len(line) <= _MOST_CHARACTERS else ""
    if parameter.param_type_name == "argument":
        what = f"{help_text.argument_name(parameter)} is missing{given}"
    else:
        what = f"{help_text.option_name(parameter)} {parameter.metavar or ''}".rstrip() + f" is missing{given}"
    meaning = (parameter.help or "").split(";")[0].rstrip(".")
    meaning = f" ({meaning[:1].lower()}{meaning[1:]})" if meaning else ""
    return f"{what}{meaning}: type `{_called(context)}`{_as_in(context)}"


def _bad(error: exceptions.BadParameter, context: Any) -> str:
    message = error.message.rstrip(".")
    hint = error.param_hint or (error.param.opts[0] if error.param is not None and error.param.opts else "")
    if error.param is not None and error.param.param_type_name == "argument" and not error.param_hint:
        hint = help_text.argument_name(error.param)
    if error.param is not None and _is_of_environment(context, error.param):
        hint = str(error.param.envvar)
    choices = [
        getattr(choice, "value", choice) for choice in getattr(getattr(error.param, "type", None), "choices", ())
    ]
    wrong = _NO_CHOICE.match(message)
    if choices and wrong:
        # Of three letters two must not do: who types gpu does not mean cpu.
        meant = get_close_matches(wrong[1], choices, 1, cutoff=0.7)
        instead = f"did you mean `{f'{hint} ' if str(hint).startswith('-') else ''}{meant[0]}`" if meant else "type one"
        return f"{hint}: {wrong[1]!r} is none of {', '.join(choices)}: {instead}"
    wrong = _NO_NUMBER.match(message) or _OUT_OF_RANGE.match(message)
    if wrong and error.param is not None:
        return f"{hint}: {wrong[1]!r} is not {_number(error.param.type)}: see `{context.command_path} --help`"
    return f"{hint}: {message}" if hint else message


def _is_of_environment(context: Any, param: Any) -> bool:
    source = context.get_parameter_source(param.name)
    return source is not None and source.name == "ENVIRONMENT"


def _number(kind: Any) -> str:
    """The numbers that an option takes."""
    what = "a whole number" if "int" in kind.name else "a number"
    least, most = getattr(kind, "min", None), getattr(kind, "max", None)
    if least is not None and most is not None:
        return f"{what} from {least} to {most}"
    return what if least is None else f"{what} of at least {least}"


def _no_command(context: Any, message: str) -> str:
    path, names = context.command_path, context.command.list_commands(context)
    word = message.partition("'")[2].partition("'")[0]
    meant = get_close_matches(word, names, 1)
    if meant:
        instead = f"did you mean `{path} {meant[0]}`?"
    elif os.path.isfile(word):
        instead = "a file follows the name of a command, as in `senseid quality PHOTO`;"
    else:
        instead = ""
    return f"`{path}` has no command {word!r}: {instead} `{path} --help` lists them".replace("  ", " ")
