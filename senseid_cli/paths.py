"""Checks of paths on the command line, before work starts."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from senseid_cli.media import STDIN
from senseid_cli.output import terminal
from senseid_cli.output.streams import facts_of
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

_DEVICES = frozenset({Path("/dev"), Path("/dev/fd"), Path("/proc/self/fd")})


def check_output(
    path: Path, *, sources: tuple[str, ...], force: bool, suffix: str | None = ".png", option: str = "--draw"
) -> None:
    """Refuse an unusable path for a result before work starts.

    Args:
        path: the path of the result.
        sources: the inputs, which are never overwritten.
        force: whether another file may be overwritten.
        suffix: the required suffix, that of the type of the output; None for any.
        option: the option that named it.

    Raises:
        BadParameter: it has another suffix, is a source, is not a file, is in no folder, or exists already.
    """
    if suffix is not None and path.suffix.lower() != suffix:
        problem: str | None = f"does not end in {suffix}, and {suffix[1:].upper()} is what is written"
    else:
        problem = output_problem(path, sources=sources, force=force)
    if problem:
        raise typer.BadParameter(f"{path} {problem}", param_hint=option)


def output_problem(path: Path, *, sources: tuple[str, ...], force: bool, makes_folder: bool = False) -> str | None:
    """Describe why a path is unusable for a result, in words that follow the path; None if it is usable.

    Args:
        path: the path of the result.
        sources: the inputs, `-` for standard input, which are never overwritten.
        force: whether another file may be overwritten.
        makes_folder: whether its folder is made if it is missing.
    """
    try:
        if path.is_dir():
            return "is a folder"
        if not makes_folder and not path.parent.is_dir():
            return "is in a folder that does not exist"
        if any(_is_source(path, source) for source in sources):
            return "is one of the inputs"
        if is_device(path):
            return "is no regular file"
        if not force and os.path.lexists(path):
            return "is there already; --force overwrites it"
    except OSError as error:
        return f"cannot be used ({reason_of(error)})"
    return None


def check_word(word: str, *, name: str) -> None:
    """Refuse an empty argument, such as an unset variable of a script. As a path it would be the current folder.

    Args:
        word: the value.
        name: the name of the argument or option.

    Raises:
        BadParameter: it is empty.
    """
    if not word:
        raise typer.BadParameter("an empty word names no file: check the variable that it came from", param_hint=name)


def check_here() -> None:
    """Refuse to work in a folder that was deleted: no relative path means anything there.

    Raises:
        RefusedError: it was.
    """
    try:
        Path.cwd()
    except FileNotFoundError:
        from senseid.errors import RefusedError

        raise RefusedError("the current folder was deleted", remedy="change to one that exists") from None


def check_apart(outputs: Mapping[str, Path | None]) -> None:
    """Refuse two results in one file.

    Args:
        outputs: the path of each option that was given.

    Raises:
        BadParameter: two are the same.
    """
    seen: dict[Path, str] = {}
    for option, path in outputs.items():
        # The same file may be named in several ways: by a folder's link, or with `..`.
        if path is not None and (first := seen.setdefault(Path(os.path.realpath(path)), option)) != option:
            raise typer.BadParameter(f"{path} is also that of {first}", param_hint=option)


def check_unread(outputs: Iterable[tuple[str, Path | None]], inputs: Iterable[Path]) -> None:
    """Refuse a result in the place of one of many inputs, which are known once a list or a folder was read.

    There may be a million: only those that have the name of a result that is there are looked at.

    Args:
        outputs: options, each with its path if it was given.
        inputs: what is read.

    Raises:
        BadParameter: a result is one of them.
    """
    there = [(option, path) for option, path in outputs if path is not None and path.exists()]
    names = {path.name.casefold() for _, path in there}  # as one file may be named where case does not count
    for source in inputs if there else ():
        if source.name.casefold() in names:
            for option, path in there:
                if is_same_file(path, source):
                    raise typer.BadParameter(f"{path} is one of the inputs", param_hint=option)


def _is_source(path: Path, source: str) -> bool:
    if source != STDIN:
        return is_same_file(path, Path(source))
    facts = facts_of(sys.stdin)
    return facts is not None and path.exists() and os.path.samestat(facts, path.stat())


def write_output(path: Path, data: bytes, *, private: bool = False) -> None:
    """Write a file whole or not at all.

    Args:
        path: where.
        data: all of it.
        private: whether it shows faces: then only its owner may read it.

    Raises:
        OutputError: it cannot be written; an existing file of that name is untouched.
    """
    from senseid.output_file import new_file

    with new_file(path, overwrite=True, private=private) as file:
        file.write(data)


def is_device(path: Path) -> bool:
    """Whether this is the path of something other than a regular file, such as a pipe or a device.

    A result replaces what is there instead of going into it: `/dev/null` would become a file. Names of open files,
    such as `/dev/stdout`, are sometimes links to regular files.
    """
    return (path.exists() and not path.is_file()) or path.absolute().parent in _DEVICES


def is_same_file(one: Path, other: Path) -> bool:
    """Whether two paths lead to one file; False if one of them does not exist."""
    try:
        return one.samefile(other)
    except OSError:
        return False


def files_below(folder: Path) -> list[Path]:
    """The files below a folder, in no order; what begins with a dot is left out, and links to folders are not followed.

    What cannot be read is left out, too, which is said: at the root of a disk there often is such a folder.

    Raises:
        OSError: the folder itself cannot be read.
    """

    def leave_out(error: OSError) -> None:
        if error.filename == str(folder):
            raise error
        terminal.note(f"{error.filename} is left out, since it cannot be read: {reason_of(error)}")

    found = []
    for root, folders, names in os.walk(folder, onerror=leave_out):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for path in (Path(root, name) for name in names if not name.startswith(".")):
            try:
                if path.is_file():
                    found.append(path)
            except OSError as error:
                leave_out(error)
    return found
