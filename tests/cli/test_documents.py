"""Every command line of the README and of docs/ is one that `senseid` takes: its words, options and values."""

from __future__ import annotations

import re
import shlex
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import typer
from typer.core import TyperGroup

from senseid_cli.app import app

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
BLOCK = re.compile(r"^ *```sh\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
UsageError = typer.BadParameter.__mro__[1]
ENDS = {"|", "||", "&", "&&", ";", ">", ">>", "<", "then", "do", "done", "fi"}


def commands_of(block: str) -> list[list[str]]:
    """The words after each `senseid` that is called in a block of shell."""
    found = []
    for line in block.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(
            re.sub(r"<\(.*?\)", "FILE", line.replace("sudo -u senseid ", "")), posix=True, punctuation_chars="|&;<>"
        )
        lexer.whitespace_split = True
        words: list[str] | None = None
        called = True  # whether the next word is that of a command
        for word in lexer:
            if word in ENDS:
                words, called = None, word not in {">", ">>", "<"}
            elif words is not None:
                if not (word.isdigit() and line.partition(word)[2].startswith(">")):
                    words.append(word)
            elif called and Path(word).name == "senseid" and "=" not in word:
                words = []
                found.append(words)
            elif called and word not in {"if", "while"} and "=" not in word:
                called = False
    return found


LINES = [
    pytest.param(words, id=f"{page.relative_to(ROOT)}: senseid {' '.join(words)}"[:110])
    for page in PAGES
    for block in BLOCK.findall(page.read_text("utf-8"))
    for words in commands_of(block)
]


def parse(words: list[str]) -> None:
    """Read a command line as `senseid` does, to the last word, and run nothing."""
    command: Any = typer.main.get_command(app)
    name, parent = "senseid", None
    while True:
        parent = command.make_context(name, list(words), parent=parent)
        rest = [*parent._protected_args, *parent.args] if isinstance(command, TyperGroup) else []
        if not rest:
            return
        name, command, words = command.resolve_command(parent, rest)


def test_what_is_found_in_shell() -> None:
    block = (
        "if senseid compare a b > /dev/null; then open; fi\n"
        "A=1 /opt/bin/senseid doctor \\\n  --json | jq senseid\n"
        "sudo -u senseid pip install senseid"
    )
    assert commands_of(block) == [["compare", "a", "b"], ["doctor", "--json"]]
    assert len(LINES) > 100


def test_a_wrong_word_is_noticed() -> None:
    for words in (["comparee"], ["compare", "--thresh", "1", "a", "b"], ["batch", "a", "--task", "b"]):
        with pytest.raises(UsageError):
            parse(words)


@pytest.mark.parametrize("words", LINES)
def test_a_command_of_the_documents(words: list[str]) -> None:
    with suppress(typer.Exit):  # --version prints and ends
        parse(words)
