"""Writes the command reference `docs/cli.md` and the man pages in `man/`; `--check` compares instead."""

from __future__ import annotations

import argparse
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer
from typer.main import get_command

from senseid.outcomes import ExitStatus
from senseid_cli.app import app
from senseid_cli.help_text import Help, children, help_of

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[1]
REFERENCE = ROOT / "docs" / "cli.md"
MAN = ROOT / "man"
STATUSES = {
    ExitStatus.YES: "yes: match, live, valid, done",
    ExitStatus.NO: "no: no match, not live",
    ExitStatus.USAGE: "the command line is wrong",
    ExitStatus.INPUT: "an input is refused",
    ExitStatus.LICENCE: "licence",
    ExitStatus.MODEL: "model",
    ExitStatus.DECRYPTION: "decryption",
    ExitStatus.INTERNAL: "internal error",
    ExitStatus.INTERRUPTED: "interrupted",
}


def pages() -> list[Help]:
    """All commands, a group before its commands."""
    root = get_command(app)
    return list(_walk(root, typer.Context(root, info_name="senseid", **root.context_settings)))


def _walk(command: Any, context: Any) -> Iterator[Help]:
    yield help_of(command, context)
    for _, name, child in children(command, context):
        loaded = command.resolve_command(context, [name])[1] if hasattr(command, "sections") else child
        yield from _walk(loaded, typer.Context(loaded, info_name=name, parent=context))


def file_name(page: Help) -> str:
    """The name of a man page, without its section."""
    return page.path.replace(" ", "-")


def reference(all_pages: list[Help]) -> str:
    """The reference as Markdown."""
    parts = [
        "# Commands\n\nMade from the commands themselves by `tools/make_reference.py`; CI compares.\n",
        "\n".join(["| exit status | means |", "| --- | --- |", *(f"| {s.value} | {t} |" for s, t in STATUSES.items())]),
    ]
    for page in all_pages:
        parts.append(f"\n## {page.path}\n\n```\n{page.path} {page.usage}\n```\n")
        parts.extend(f"{_fill(paragraph)}\n" for paragraph in page.paragraphs)
        for title, rows in page.sections:
            lines = [f"| `{_cell(name)}` | {_cell(text)} |" for name, text in rows]
            parts.append("\n".join([f"| {title} | |", "| --- | --- |", *lines]) + "\n")
        if page.examples:
            parts.append("\n".join(["```sh", *page.examples, "```"]) + "\n")
    return "\n".join(parts).rstrip() + "\n"


def _fill(text: str) -> str:
    return textwrap.fill(text, 120, break_long_words=False, break_on_hyphens=False)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def man_page(page: Help, all_pages: list[Help]) -> str:
    """One man page, in the macros of man(7)."""
    lines = [
        f'.TH "{file_name(page).upper()}" "1" "" "senseid" "User Commands"',
        ".SH NAME",
        f"{_roff(file_name(page))} \\- {_roff(_sentence(page))}",
        ".SH SYNOPSIS",
        f".B {_roff(page.path)}",
        _roff(page.usage),
        ".SH DESCRIPTION",
    ]
    for number, paragraph in enumerate(page.paragraphs):
        lines += [".PP"] * (number > 0) + [_roff(paragraph)]
    for title, rows in page.sections:
        lines.append(f'.SH "{title.upper()}"')
        for name, text in rows:
            lines += [".TP", f".B {_roff(name)}", _roff(" ".join(text.split()))]
    if page.examples:
        lines += [".SH EXAMPLES", ".nf", *map(_roff, page.examples), ".fi"]
    if page.path == "senseid":
        lines.append('.SH "EXIT STATUS"')
        for status, text in STATUSES.items():
            lines += [".TP", f".B {status.value}", _roff(text)]
    related = [other for other in all_pages if other.path != page.path and _related(page.path, other.path)]
    if related:
        lines += [".SH SEE ALSO", ", ".join(f"\\fB{_roff(file_name(other))}\\fR(1)" for other in related)]
    return "\n".join(lines) + "\n"


def _sentence(page: Help) -> str:
    return page.paragraphs[0].split(". ")[0].rstrip(".")


def _related(one: str, other: str) -> bool:
    """A command and its group, or a group and its commands."""
    shorter, longer = sorted((one, other), key=len)
    return longer.rpartition(" ")[0] == shorter


def _roff(text: str) -> str:
    escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("`", "")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


def files() -> dict[Path, str]:
    """Every file and its text."""
    all_pages = pages()
    return {REFERENCE: reference(all_pages)} | {
        MAN / f"{file_name(page)}.1": man_page(page, all_pages) for page in all_pages
    }


def main() -> None:
    """Write or compare; exits with 1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    wanted = files()
    stale = [path for path in MAN.glob("*.1") if path not in wanted]
    differing = [path for path, text in wanted.items() if not path.is_file() or path.read_text("utf-8") != text]
    if check and (differing or stale):
        names = ", ".join(str(path.relative_to(ROOT)) for path in (*differing, *stale))
        sys.exit(f"out of date ({names}): run tools/make_reference.py")
    if not check:
        MAN.mkdir(exist_ok=True)
        for path in stale:
            path.unlink()
        for path in differing:
            path.write_text(wanted[path], encoding="utf-8")


if __name__ == "__main__":
    main()
