from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from senseid_engine.errors import (
    MediaNotFoundError,
    MediaUnreadableError,
)
from senseid_engine.image import read_photo


@pytest.mark.parametrize("name", ["ö漢字 ☺.jpg", "a b,c'd\".jpg", "line\nbreak.jpg", "-", "--help"])
def test_odd_names_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"content")
    assert read_photo(path) == b"content"


def test_a_name_that_is_not_utf_8(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"\xff\xfe.jpg")
    path.write_bytes(b"content")
    assert read_photo(path) == b"content"
    path.unlink()
    with pytest.raises(MediaNotFoundError) as caught:
        read_photo(path)
    str(caught.value).encode()


def test_a_missing_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for path in (tmp_path / "none.jpg", tmp_path / "none" / "a.jpg", file / "a.jpg"):
        with pytest.raises(MediaNotFoundError, match="no such file"):
            read_photo(path)


def test_a_directory(tmp_path: Path) -> None:
    open_before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(5):
        with pytest.raises(MediaUnreadableError, match="is a directory"):
            read_photo(tmp_path)
    assert len(list(Path("/proc/self/fd").iterdir())) == open_before


def test_a_pipe_that_nobody_writes_to_does_not_block(tmp_path: Path) -> None:
    path = tmp_path / "pipe"
    os.mkfifo(path)
    start = time.perf_counter()
    with pytest.raises(MediaUnreadableError, match="not a regular file"):
        read_photo(path)
    assert time.perf_counter() - start < 1


READ = "import pathlib, sys, senseid_engine.image as i; i.read_photo(pathlib.Path(sys.argv[1]))"


@pytest.mark.parametrize("path", ["/dev/zero", "/dev/null", "/dev/stdin"])
def test_devices_are_refused(path: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", READ, path], check=False, capture_output=True, text=True, timeout=20, input="x"
    )
    assert "MediaUnreadableError" in done.stderr.splitlines()[-1]


def test_unusable_paths(tmp_path: Path) -> None:
    loop = tmp_path / "loop"
    loop.symlink_to(loop)
    for path in (Path("a\0b"), tmp_path / ("n" * 300), loop):
        with pytest.raises(MediaUnreadableError) as caught:
            read_photo(path)
        assert len(str(caught.value).splitlines()) == 1


def test_a_file_without_permission(tmp_path: Path) -> None:
    # As an ordinary user: nothing is forbidden to root.
    path = tmp_path / "secret.jpg"
    path.write_bytes(b"content")
    path.chmod(0)
    if os.geteuid():
        with pytest.raises(MediaUnreadableError, match="permission denied"):
            read_photo(path)
        return
    runner = shutil.which("setpriv")
    if runner is None:
        pytest.skip("root without setpriv cannot become an ordinary user")
    tmp_path.chmod(0o755)
    # Root without CAP_DAC_OVERRIDE still reaches pytest's private directory, which root owns, but not the file.
    capabilities = "--bounding-set=-dac_override,-dac_read_search"
    done = subprocess.run(
        [runner, capabilities, sys.executable, "-c", READ, str(path)], check=False, capture_output=True, text=True
    )
    assert "permission denied" in done.stderr
