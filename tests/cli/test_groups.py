"""Groups with a command that needs no name."""

from __future__ import annotations

from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from senseid_cli.groups import GroupWithDefault

app = typer.Typer(cls=GroupWithDefault, no_args_is_help=True, context_settings={"help_option_names": ["-h", "--help"]})


@app.command("check")
def check(thing: str, loud: Annotated[bool, typer.Option("--loud")] = False) -> None:
    typer.echo(f"check {thing} {loud}")


@app.command("pack")
def pack(thing: str) -> None:
    typer.echo(f"pack {thing}")


@pytest.mark.parametrize(
    ("words", "printed"),
    [
        (["a"], "check a False"),
        (["check", "a"], "check a False"),
        (["--loud", "a"], "check a True"),
        (["a", "--loud"], "check a True"),
        (["-"], "check - False"),
        (["./pack"], "check ./pack False"),
        (["check", "pack"], "check pack False"),
        (["--", "-a"], "check -a False"),
        (["pack", "a"], "pack a"),
    ],
)
def test_the_default(words: list[str], printed: str) -> None:
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.output) == (0, f"{printed}\n")


@pytest.mark.parametrize("words", [["--help"], ["-h"], []])
def test_help_is_that_of_the_group(words: list[str]) -> None:
    text = CliRunner().invoke(app, words).output
    assert "check" in text
    assert "pack" in text


def test_a_wrong_option_is_the_default_commands() -> None:
    done = CliRunner().invoke(app, ["--nonsense", "a"])
    assert done.exit_code == 2
