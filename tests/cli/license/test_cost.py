"""`senseid license`: what an operator and a vendor see."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.cli.license.conftest import Senseid

START = (
    "import sys, typer\n"
    "from senseid_cli.commands import license, udid\n"
    "app = typer.Typer(rich_markup_mode=None)\n"
    "app.add_typer(license.app, name='license')\n"
    "app.command('udid')(udid.udid)\n"
    "try:\n"
    "    app(sys.argv[1:])\n"
    "finally:\n"
    "    heavy = {'numpy', 'cv2', 'onnxruntime', 'PIL', 'rich', 'cpuinfo', 'psutil'} & set(sys.modules)\n"
    "    print('heavy:', sorted(heavy), file=sys.stderr)\n"
)


@pytest.mark.parametrize("words", [("license", "check"), ("udid", "--no-file"), ("license", "show")])
def test_checking_is_light(senseid: Senseid, home: Path, words: tuple[str, ...]) -> None:
    senseid("license", "quickstart")
    environment = {**os.environ, "SENSEID_HOME": str(home)}
    command = [sys.executable, "-c", START, *words]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "heavy: []" in result.stderr
