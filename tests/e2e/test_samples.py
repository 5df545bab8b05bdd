"""The script that fetches the sample photos."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def fetch(folder: Path) -> subprocess.CompletedProcess[str]:
    """Runs it where pip can reach no registry."""
    offline = {**os.environ, "PIP_CONFIG_FILE": os.devnull, "PIP_NO_INDEX": "1"}
    command = [sys.executable, str(ROOT / "tools" / "fetch_samples.py"), str(folder)]
    return subprocess.run(command, capture_output=True, text=True, env=offline, check=False)


def test_photos_that_are_there_are_not_fetched_again(photos: dict[str, Path], tmp_path: Path) -> None:
    for path in photos.values():
        shutil.copy(path, tmp_path)
    done = fetch(tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [str(tmp_path / name) for name in photos]


def test_a_changed_photo_is_not_accepted(photos: dict[str, Path], tmp_path: Path) -> None:
    for path in photos.values():
        shutil.copy(path, tmp_path)
    (tmp_path / "obama.jpg").write_bytes(b"changed")
    done = fetch(tmp_path)
    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("fetch_samples: face_recognition==1.3.0: pip failed: ")
    assert "hint: " in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(photos)
