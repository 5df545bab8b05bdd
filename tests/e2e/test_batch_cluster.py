"""A real Dask cluster of several processes on this machine, one of which is killed while it works."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Senseid

pytest.importorskip("distributed")
PATIENCE = 180


@pytest.fixture(scope="module")
def manifest(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One row for each pair of neighbours among photos of different content, some of them broken."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("cluster")
    for name, path in photos.items():
        with Image.open(path) as photo:
            small = photo.convert("RGB")
            small.thumbnail((160, 160))
        for quality in range(86, 96):
            small.save(folder / f"{name}-{quality}.jpg", quality=quality)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    names = sorted(path.name for path in folder.iterdir())
    with (folder / "pairs.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "second"])
        writer.writerows(zip(names, [*names[1:], "gone.jpg"], strict=True))
    return folder / "pairs.csv"


@contextmanager
def started(*words: str, senseid: Senseid) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, "-m", *words], env=senseid.environment(), stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def worker(file: Path, senseid: Senseid) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--scheduler-file", str(file), "--no-nanny", "--no-dashboard", "--nthreads", "1"]
    with started("distributed.cli.dask_worker", *options, senseid=senseid) as process:
        yield process


@pytest.fixture
def scheduler(senseid: Senseid, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "scheduler.json"
    options = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with started("distributed.cli.dask_scheduler", *options, senseid=senseid):
        deadline = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield file


def address(scheduler: Path) -> str:
    found = json.loads(scheduler.read_text())["address"]
    assert isinstance(found, str)
    return found


@pytest.mark.slow
def test_a_worker_that_dies_loses_nothing_and_nothing_is_done_twice(
    senseid: Senseid, manifest: Path, scheduler: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert senseid("batch", manifest, "-o", here).returncode == 3
    partial = there.with_name(f".{there.name}.senseid-partial")
    with worker(scheduler, senseid) as first, worker(scheduler, senseid):
        command = senseid.command("batch", manifest, "-o", there, "--scheduler", address(scheduler))
        run = subprocess.Popen(command, env=senseid.environment(), stderr=subprocess.PIPE)
        deadline = time.monotonic() + PATIENCE
        # In the middle: some rows are written, most are not.
        while time.monotonic() < deadline and not (partial.exists() and partial.read_bytes().count(b'"row"') > 3):
            time.sleep(0.02)
        assert run.poll() is None
        first.kill()
        _, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 3, stderr
    assert there.read_bytes() == here.read_bytes()
    assert not partial.exists()


@pytest.mark.slow
def test_a_worker_needs_a_licence_of_its_own(senseid: Senseid, manifest: Path, scheduler: Path, tmp_path: Path) -> None:
    stranger = type(senseid)(tmp_path / "another machine")
    with worker(scheduler, stranger):
        done = senseid("batch", manifest, "-o", tmp_path / "out.csv", "--scheduler", address(scheduler))
    assert done.returncode == 4
    assert b"worker tcp://" in done.stderr
    assert b"there is no licence for senseid_face" in done.stderr


@pytest.mark.slow
def test_nobody_answers(senseid: Senseid, manifest: Path) -> None:
    done = senseid("batch", manifest, "--scheduler", "tcp://127.0.0.1:1")
    assert done.returncode == 2
    assert b"no Dask scheduler answers at tcp://127.0.0.1:1" in done.stderr
