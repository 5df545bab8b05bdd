"""Modules that somebody left in the current folder: no command runs them, and none of its processes does."""

from __future__ import annotations

import importlib.metadata
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_cli.app import COMMANDS

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid

PLANTED = "import os\nopen(os.path.join(os.path.dirname(__file__), 'RAN'), 'w').close()\nraise SystemExit(99)\n"

WORDS = {
    "compare": [("compare", "a.jpg", "b.jpg")],
    "omni": [("omni", "a.jpg", "b.jpg")],
    "quality": [("quality", "a.jpg", "--report", "page.html")],
    "verify": [("verify", "clip.mp4", "a.jpg")],
    "batch": [("batch", "pairs.csv", "--out", "out.ndjson")],
    "report": [
        ("batch", "pairs.csv", "--out", "out.csv"), ("report", "out.csv"),
        ("report", "out.csv", "--photos", ".", "--force"),
    ],
    "cache": [("cache", "list", "."), ("cache", "purge", ".", "--all")],
    "encrypt": [("key", "generate"), ("encrypt", "a.jpg")],
    "decrypt": [("key", "generate"), ("encrypt", "a.jpg"), ("decrypt", "a.jpg.senseid", "--out", "c.jpg")],
    "udid": [("udid", "--no-file")],
    "doctor": [("doctor",)],
    "liveness": [("liveness", "clip.mp4"), ("liveness", "pack", "clip.mp4", "--out", "data.protobuf")],
    "key": [("key", "generate"), ("key", "list"), ("key", "rotate", ".")],
    "license": [("license", "check"), ("license", "show"), ("license", "inspect", "a.jpg")],
    "models": [("models", "list"), ("models", "verify"), ("models", "import", "a.jpg")],
    "serve": [
        ("serve", "--show-config"), ("serve", "start"), ("serve", "status"), ("serve", "logs"), ("serve", "stop"),
    ],
    "drift": [("batch", "pairs.csv", "--out", "out.csv"), ("drift", "out.csv")],
    "audit": [
        ("compare", "a.jpg", "b.jpg", "--decision-log", "log.jsonl"), ("audit", "verify", "log.jsonl"),
        ("audit", "purge", "log.jsonl", "--older-than", "1"),
    ],
    "help": [("help", "compare")],
    "schema": [("schema", "compare")],
    "version": [("version",)],
}  # fmt: skip


def test_every_command_is_tried() -> None:
    assert set(WORDS) == set(COMMANDS)


def plant(folder: Path) -> None:
    """A module for every name that Python, the packages of this environment or senseid itself import."""
    names = {*sys.stdlib_module_names, *importlib.metadata.packages_distributions(), "senseid_cli", "senseid_engine"}
    for name in names:
        if name.isidentifier():
            (folder / f"{name}.py").write_text(PLANTED)


@pytest.mark.parametrize("command", WORDS)
def test_no_command_runs_them(
    senseid: Senseid, photos: dict[str, Path], still_clip: bytes, tmp_path: Path, command: str
) -> None:
    # Without the keys that other tests made there.
    shutil.copytree(senseid.home, tmp_path / "home", ignore=shutil.ignore_patterns("keys"))
    folder = tmp_path / "work"
    folder.mkdir()
    plant(folder)
    for name, photo in (("a.jpg", "obama.jpg"), ("b.jpg", "biden.jpg")):
        shutil.copy(photos[photo], folder / name)
    (folder / "clip.mp4").write_bytes(still_clip)
    (folder / "pairs.csv").write_text("first,second\na.jpg,b.jpg\n")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    settings = {"SENSEID_PORT": port, "SENSEID_WORKER_PORT": "0", "HANDLERS": "1"}
    keys = {"PARAM_DECRYPT_KEY": "tests-have-a-key-of-32-character", "PARAM_DECRYPT_IV": "and-12-for-i"}
    env = {**plain, "SENSEID_HOME": str(tmp_path / "home"), **(keys | settings if command == "serve" else {})}
    for words in WORDS[command]:
        done = subprocess.run(
            [Path(sys.executable).with_name("senseid"), *words], cwd=folder, env=env, capture_output=True, check=False
        )
        assert not (folder / "RAN").exists(), (words, done.stderr)
        assert done.returncode not in {70, 99}, (words, done.stderr)
        if command in {"serve", "key", "encrypt", "decrypt"}:
            assert done.returncode == 0, (words, done.stderr)
    if command == "doctor":
        assert b"ok\tlibraries\t" in done.stdout
