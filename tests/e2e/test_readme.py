"""Every example of the README and of docs/ is typed on a terminal, in the order of its page, and shows what it says.

An example is a `console` block: lines that begin with `$ ` are typed, what follows them is on the terminal then.
`SENSEID_WRITE_EXAMPLES=1` writes what is seen into the pages instead of comparing it.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import textwrap
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.e2e.screen import typed_on_terminal

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
# What a fresh installation gets today.
LOCKED = re.findall(r"^([\w.-]+)==(\S+)", (ROOT / "deploy" / "requirements.lock").read_text("utf-8"), re.MULTILINE)
AS_LOCKED = all(
    version(package) == pinned
    for package, pinned in LOCKED
    if package in {"numpy", "onnxruntime", "opencv-python-headless", "pillow"}
)
WRITE = bool(os.environ.get("SENSEID_WRITE_EXAMPLES"))
ABOUT_THE_MACHINE = re.compile(r"^note: this is a (?:container|virtual machine).*\n?", re.MULTILINE)
# What differs from run to run, or from machine to machine.
VARYING = (
    (re.compile(r"\b[0-9a-f]{32}\b"), "<request id>"),
    (re.compile(r"\b(?:[0-9A-Z]{5}-){5}[0-9A-Z]{2}\b"), "<udid>"),
    (re.compile(r"\b\d+ days left"), "<days> left"),
    (re.compile(r"(?<!\.)\b[0-9a-f]{16}\b"), "<key id>"),  # not the digits of a score
    (re.compile(r"/\S+/keys/"), "<keys>/"),
    (ABOUT_THE_MACHINE, ""),
    (re.compile(r"\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"), "<time>"),
)
SCORE = re.compile(r"\b[01]\.\d{2,}")
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
    text = page.read_text("utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    variables = {"PATH": path, "HOME": str(tmp_path), "SENSEID_HOME": str(tmp_path / "home")}
    for typed, expected in examples_of(page):
        seen = typed_on_terminal(typed, folder=tmp_path, environment=senseid.environment(variables))
        (found, scores), (expected_text, expected_scores) = fixed(seen), fixed(expected)
        found = found.strip("\n")
        (found, measures), (expected_text, expected_measures) = rounded(found), rounded(expected_text)
        if WRITE:
            seen = seen.replace(str(tmp_path / "home"), "/home/you/.local/share/senseid")
            shown = ABOUT_THE_MACHINE.sub("", seen).strip("\n") + ("" if expected else "\n" * bool(seen))
            (indent,) = set(re.findall(rf"^( *)\$ {re.escape(typed)}$", text, re.MULTILINE))
            before, after = (textwrap.indent(f"$ {typed}\n{printed}", indent) for printed in (expected, shown))
            text = text.replace(before, after, 1)
            continue
        assert found == expected_text, typed
        assert measures == pytest.approx(expected_measures, abs=0.11), typed
        for score, expected_score in zip(scores, expected_scores, strict=True):
            # Another processor may round the last digit that is shown otherwise, and the oldest packages more.
            shown = next((digits for digits in (2, 3) if round(expected_score, digits) == expected_score), 4)
            allowed = 1.1 * 10**-shown if AS_LOCKED else {2: 0.011, 3: 6e-3, 4: 6e-3}[shown]
            assert score == pytest.approx(expected_score, abs=allowed), typed
    if WRITE:
        page.write_text(text, "utf-8")
