"""Every example of the README is run, and prints what the README says."""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"```console\n(.*?)```", README, re.DOTALL)
EXAMPLES = [
    (command, output.strip("\n"))
    for block in BLOCKS
    for command, output in re.findall(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", block, re.MULTILINE)
]
# What differs from run to run, or from machine to machine.
VARYING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<request id>"),
    (re.compile(r"\b(?:[0-9A-Z]{5}-){5}[0-9A-Z]{2}\b"), "<udid>"),
    (re.compile(r"\b\d+ days left"), "<days> left"),
)
SCORE = re.compile(r"0\.\d{3,}")


def fixed(text: str) -> tuple[str, list[float]]:
    """The text without what varies, and the scores in it."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return SCORE.sub("<score>", text), [float(score) for score in SCORE.findall(text)]


def test_there_are_examples() -> None:
    assert len(EXAMPLES) >= 7


@pytest.mark.parametrize(("command", "expected"), EXAMPLES, ids=[command for command, _ in EXAMPLES])
def test_an_example_prints_what_the_readme_says(
    command: str, expected: str, senseid: Senseid, photos: dict[str, Path]
) -> None:
    assert all(path.is_relative_to(ROOT) for path in photos.values())
    words = shlex.split(command.removesuffix("; echo $?"))
    assert words[0] == "senseid"
    done = senseid(*words[1:], cwd=ROOT)
    printed = done.stdout.decode().strip("\n")
    if command.endswith("; echo $?"):
        printed += f"\n{done.returncode}"
    (text, scores), (expected_text, expected_scores) = fixed(printed), fixed(expected)
    assert text == expected_text
    # Another processor may round otherwise.
    assert scores == pytest.approx(expected_scores, abs=2e-3)
