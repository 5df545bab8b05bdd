"""What docs/clients.md shows is run against the real service, as it stands there but for the address."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.service.conftest import KEY, environment

if TYPE_CHECKING:
    from tests.service.clients.conftest import Media
    from tests.service.conftest import Service

pytestmark = pytest.mark.slow

PAGE = (Path(__file__).resolve().parents[3] / "docs/clients.md").read_text(encoding="utf-8")
SHOWN = "http://127.0.0.1:3000"


def blocks(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def folder(media: Media, tmp_path: Path) -> Path:
    shutil.copy(media.one, tmp_path / "one.jpg")
    shutil.copy(media.same, tmp_path / "same.jpg")
    shutil.copy(media.liveness_data, tmp_path / "capture.bin")
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_curl(site: Service, folder: Path) -> None:
    shown = [block for block in blocks("sh") if "curl" in block]
    assert len(shown) == 2
    script = "\n".join(["set -e", *shown]).replace(SHOWN, site.url)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", script], cwd=folder, env=environment(site.home, {"PATH": path, "no_proxy": "*"}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.count('"verification_score":') == 2, done.stdout


def test_python(site: Service, folder: Path) -> None:
    (shown,) = blocks("python")
    program = f"secret, iv = {KEY.secret.decode()!r}, {KEY.fixed_iv.decode()!r}\n{shown}".replace(SHOWN, site.url)
    done = subprocess.run([sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert re.fullmatch(r"0\.\d+ [0-9a-f]{32}\n", done.stdout)
