"""Every example of the README and of docs/ is run in a shell, in the order of its page, and prints what the page says.

An example is a `console` block: lines that begin with `$ ` are typed, what follows them is printed on standard output.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid

ROOT = Path(__file__).resolve().parents[2]
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
    if "```console" in page.read_text("utf-8")
]
BLOCK = re.compile(r"^ *```console\n(.*?)^ *```$", re.DOTALL | re.MULTILINE)
TYPED = re.compile(r"^\$ (.*)\n((?:(?!\$ ).*\n?)*)", re.MULTILINE)
# What differs from run to run, or from machine to machine.
VARYING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<request id>"),
    (re.compile(r"\b(?:[0-9A-Z]{5}-){5}[0-9A-Z]{2}\b"), "<udid>"),
    (re.compile(r"\b\d+ days left"), "<days> left"),
    (re.compile(r"(?<!\.)\b[0-9a-f]{16}\b"), "<key id>"),  # not the digits of a score
    (re.compile(r"/\S+/keys/"), "<keys>/"),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
)
SCORE = re.compile(r"\b[01]\.\d{3,}")
# Angles and other measures with one decimal: another OpenCV rounds to the next.
MEASURE = re.compile(r"(?<![\d.])-?\d+\.\d(?![\d.])")


def examples_of(page: Path) -> list[tuple[str, str]]:
    """What is typed, and what is printed, in the order of the page."""
    blocks = [textwrap.dedent(block) for block in BLOCK.findall(page.read_text("utf-8"))]
    return [(typed, printed.strip("\n")) for block in blocks for typed, printed in TYPED.findall(block)]


def fixed(text: str) -> tuple[str, list[float]]:
    """The text without what varies, and the scores in it."""
    for pattern, name in VARYING:
        text = pattern.sub(name, text)
    return SCORE.sub("<score>", text), [float(score) for score in SCORE.findall(text)]


def rounded(text: str) -> tuple[str, list[float]]:
    """The text without measures of one decimal, and these."""
    return MEASURE.sub("<measure>", text), [float(measure) for measure in MEASURE.findall(text)]


def test_there_are_examples() -> None:
    assert len(examples_of(ROOT / "README.md")) >= 7


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_examples_print_what_the_page_says(
    page: Path, senseid: Senseid, photos: dict[str, Path], still_clip: bytes, tmp_path: Path
) -> None:
    folder = tmp_path / ".demo" / "photos"
    folder.mkdir(parents=True)
    for name, path in photos.items():
        shutil.copyfile(path, folder / name)
    (folder.parent / "still.mp4").write_bytes(still_clip)
    # A machine with licences, and without the keys that other tests made there.
    shutil.copytree(senseid.home, tmp_path / "home", ignore=shutil.ignore_patterns("keys"))
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    for typed, expected in examples_of(page):
        done = subprocess.run(
            ["bash", "-c", typed],
            cwd=tmp_path,
            env=senseid.environment({"PATH": path, "HOME": str(tmp_path), "SENSEID_HOME": str(tmp_path / "home")}),
            capture_output=True,
            text=True,
            check=False,
        )
        (text, scores), (expected_text, expected_scores) = fixed(done.stdout.strip("\n")), fixed(expected)
        (text, measures), (expected_text, expected_measures) = rounded(text), rounded(expected_text)
        assert text == expected_text, f"{typed}\n{done.stderr}"
        assert measures == pytest.approx(expected_measures, abs=0.11), typed
        # Another processor may round otherwise. Quality has three decimals, and the oldest OpenCV moves it by 0.003.
        for score, expected_score in zip(scores, expected_scores, strict=True):
            allowed = 5e-3 if round(expected_score, 3) == expected_score else 2e-3
            assert score == pytest.approx(expected_score, abs=allowed), typed
