"""The README's section about the service runs as it stands there, and docs/service.md lists what there is."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from senseid_service.settings import OLDER_NAMES, VARIABLES
from tests.e2e.screen import typed_on_terminal
from tests.service.conftest import command, environment, free_port, make_home

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "service.md").read_text(encoding="utf-8")
(SESSION,) = re.findall(r"```shell-session\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
EXAMPLES = re.findall(r"^\$ ((?:.*\\\n)*.*)\n((?:(?!\$ ).*\n)*)", SESSION, re.MULTILINE)
VARYING = ((r"\b[0-9a-f]{32}\b", "<request id>"), (r"\b(?<!\.)[0-9a-f]{16}\b", "<key id>"))
SCORE = re.compile(r"0\.\d{3,}")


def fixed(text: str) -> tuple[str, list[float]]:
    for pattern, name in VARYING:
        text = re.sub(pattern, name, text, flags=re.MULTILINE)
    return SCORE.sub("<score>", text), [float(score) for score in SCORE.findall(text)]


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_readme(tmp_path: Path, sample_photos: dict[str, Path]) -> None:
    home, port = make_home(tmp_path / "home"), free_port()
    (tmp_path / ".demo").mkdir()
    (tmp_path / ".demo" / "photos").symlink_to(next(iter(sample_photos.values())).parent)
    settings = {
        "SENSEID_PORT": str(port), "SENSEID_WORKER_PORT": "0", "PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": "",
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "no_proxy": "*",
    }  # fmt: skip
    env = environment(home, settings)
    # The key was made further up on the page.
    subprocess.run(command("key", "generate"), cwd=tmp_path, env=env, capture_output=True, check=True)
    assert len(EXAMPLES) == 5
    try:
        for line, expected in EXAMPLES:
            here = line.replace("127.0.0.1:3000", f"127.0.0.1:{port}")
            printed = typed_on_terminal(here, folder=tmp_path, environment=env).replace(f":{port}", ":3000")
            (text, scores), (expected_text, expected_scores) = fixed(printed), fixed(expected.rstrip("\n"))
            assert text == expected_text, line
            assert scores == pytest.approx(expected_scores, abs=2e-3)
    finally:
        subprocess.run(command("serve", "stop"), cwd=tmp_path, env=env, capture_output=True, check=False)


def test_the_page_names_every_setting() -> None:
    names = [variable.name for variable in VARIABLES] + [name for names in OLDER_NAMES.values() for name in names]
    assert [name for name in names if f"`{name}`" not in PAGE and f"`{name}=" not in PAGE] == []


def test_the_page_names_every_option(tmp_path: Path) -> None:
    done = subprocess.run(
        command("serve", "--help"), env=environment(tmp_path), capture_output=True, text=True, check=True
    )
    options = set(re.findall(r"^\s+(--[a-z-]+)", done.stdout, re.MULTILINE))
    assert len(options) > 10
    assert [option for option in sorted(options) if option not in PAGE] == []
