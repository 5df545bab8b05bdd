"""A real Dask cluster of several processes on this machine, one of which is killed while it works."""

from __future__ import annotations

import csv
import json
import signal
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import TYPE_CHECKING

import pytest

from tests.e2e.batch.conftest import partial_of, write_copies

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from tests.e2e.conftest import Senseid

pytest.importorskip("distributed")
PATIENCE = 180


@pytest.fixture(scope="module")
def manifest(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One row for each pair of neighbours among photos of different content, some of them broken."""
    folder = tmp_path_factory.mktemp("cluster")
    write_copies(photos, folder, 400, range(71, 96))
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
def scheduling(file: Path, senseid: Senseid) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--port", "0", "--no-dashboard", "--scheduler-file", str(file)]
    with started("distributed.cli.dask_scheduler", *options, senseid=senseid) as process:
        deadline = time.monotonic() + PATIENCE
        while not file.exists() and time.monotonic() < deadline:
            time.sleep(0.1)
        yield process


@contextmanager
def worker(file: Path, senseid: Senseid) -> Iterator[subprocess.Popen[bytes]]:
    options = ["--scheduler-file", str(file), "--no-nanny", "--no-dashboard", "--nthreads", "1"]
    with started("distributed.cli.dask_worker", *options, senseid=senseid) as process:
        yield process


@pytest.fixture
def scheduler(senseid: Senseid, tmp_path: Path) -> Iterator[Path]:
    file = tmp_path / "scheduler.json"
    with scheduling(file, senseid):
        yield file


def address(scheduler: Path) -> str:
    found = json.loads(scheduler.read_text())["address"]
    assert isinstance(found, str)
    return found


def run_to_the_middle(senseid: Senseid, manifest: Path, out: Path, scheduler: Path) -> subprocess.Popen[bytes]:
    """A run of which some rows are written, and most are not."""
    run = senseid.start_slow_batch(manifest, "-o", out, "--scheduler", address(scheduler), stderr=subprocess.PIPE)
    partial = partial_of(out)
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline and not (partial.exists() and partial.read_bytes().count(b'"row"') > 3):
        time.sleep(0.02)
    assert run.poll() is None
    return run


@pytest.mark.slow
def test_a_worker_that_dies_loses_nothing_and_nothing_is_done_twice(
    senseid: Senseid, manifest: Path, scheduler: Path, tmp_path: Path
) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    assert senseid("batch", manifest, "-o", here).returncode == 3
    with worker(scheduler, senseid) as first, worker(scheduler, senseid):
        run = run_to_the_middle(senseid, manifest, there, scheduler)
        first.kill()
        _, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 3, stderr
    assert there.read_bytes() == here.read_bytes()
    assert not partial_of(there).exists()


@pytest.mark.slow
def test_a_scheduler_that_dies_is_told_in_one_line_and_the_run_can_go_on(
    senseid: Senseid, manifest: Path, tmp_path: Path
) -> None:
    here, there, first = tmp_path / "here.csv", tmp_path / "there.csv", tmp_path / "first.json"
    assert senseid("batch", manifest, "-o", here).returncode == 3
    with scheduling(first, senseid) as dying, worker(first, senseid):
        run = run_to_the_middle(senseid, manifest, there, first)
        dying.kill()
        _, stderr = run.communicate(timeout=PATIENCE)
    assert run.returncode == 2, stderr
    assert stderr.startswith(b"senseid: the scheduler ended the work, or was lost: ")
    assert stderr.count(b"\n") == 1
    assert not there.exists()
    # The rest is done here: a run is the same wherever its work is done.
    assert senseid("batch", manifest, "-o", there, "--resume").returncode == 3
    assert there.read_bytes() == here.read_bytes()


@pytest.mark.slow
def test_control_c_ends_a_run_whose_scheduler_hangs(senseid: Senseid, manifest: Path, tmp_path: Path) -> None:
    file = tmp_path / "scheduler.json"
    with scheduling(file, senseid) as hanging, worker(file, senseid):
        run = run_to_the_middle(senseid, manifest, tmp_path / "there.csv", file)
        hanging.send_signal(signal.SIGSTOP)
        run.send_signal(signal.SIGINT)
        _, stderr = run.communicate(timeout=30)
    assert (run.returncode, stderr) == (130, b"senseid: interrupted; --resume goes on with the run\n")


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


@pytest.mark.parametrize(
    "address",
    ["", "cluster", "tcp://", "http://127.0.0.1:8786", "tcp://[::1", "tls://127.0.0.1:1", "tcp://a:secret@127.0.0.1:1"],
)
def test_an_address_that_dask_cannot_use(senseid: Senseid, manifest: Path, address: str) -> None:
    done = senseid("batch", manifest, "--scheduler", address, timeout=30)
    assert done.returncode == 2
    assert len(done.stderr.splitlines()) == 1
    assert b"secret" not in done.stderr


def test_something_else_answers(senseid: Senseid, manifest: Path) -> None:
    """Such as Dask's dashboard, whose address stands beside that of the scheduler in its log."""
    with HTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        where = f"tcp://127.0.0.1:{server.server_port}"
        done = senseid("batch", manifest, "--scheduler", where, timeout=60)
        server.shutdown()
    assert done.returncode == 2
    assert done.stderr.startswith(f"senseid: no Dask scheduler answers at {where}: ".encode())
