"""The man pages and the command reference."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "man").glob("*.1"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_man_page_is_laid_out_without_a_warning(page: Path) -> None:
    groff = shutil.which("groff")
    if groff is None:
        pytest.skip("there is no groff here")
    done = subprocess.run([groff, "-man", "-Tascii", "-ww", page], capture_output=True, check=True)
    assert done.stderr == b""
    assert b"SEE ALSO" in re.sub(rb".\x08", b"", done.stdout)


def test_every_option_of_a_help_is_in_the_reference(senseid: Senseid) -> None:
    reference = (ROOT / "docs" / "cli.md").read_text(encoding="utf-8")
    for name in ("compare", "license issue", "models calibrate"):
        section = reference.partition(f"\n## senseid {name}\n")[2].partition("\n## ")[0]
        options = re.findall(
            r"^ +(?:-\w, )?(--[a-z-]+)", senseid(*name.split(), "--help").stdout.decode(), re.MULTILINE
        )
        assert len(options) > 3
        for option in options:
            assert option in section
