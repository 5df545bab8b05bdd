"""A batch on four Dask workers, each a host of its own: two die, one is cut off; nothing is lost, or done twice."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

from tests.archives import unpack
from tests.deploy.hosts import Network, address, network
from tests.e2e.batch.conftest import partial_of
from tests.service.conftest import command, environment, jpeg, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytest.importorskip("distributed")
pytestmark = pytest.mark.slow

FULL = os.environ.get("SENSEID_FULL") == "1"
WORKERS = 4
PHOTOS = 20_000 if FULL else 360
FAULTS = ("dead", "dead", "cut")
"""What becomes of the first workers, one after another, at equal shares of the run."""
PATIENCE = 3600.0 if FULL else 400.0
SOON = PATIENCE if FULL else 0.5
"""The most seconds from one fault to the next: in a short run, all other rows may be waiting for one that was lost."""
PORT = 8786
TAIL = 1 << 18
"""Bytes of a journal that hold at least one mark."""


class Cluster:
    """A scheduler and the command on one host, and workers, each on another, for which it has a licence."""

    def __init__(self, net: Network, folder: Path) -> None:
        """Start the scheduler, and the workers as `docs/batch.md` says: a thread for each processor, no profile."""
        self.net = net
        self._folder = folder
        self._running = contextlib.ExitStack()
        self._start("api", "scheduler", "--port", str(PORT), "--no-dashboard", "--no-show")
        self._workers = [
            self._start(f"worker{worker}", "worker", f"tcp://{address(worker)}:{PORT}", "--no-dashboard")
            for worker in range(WORKERS)
        ]

    def _home(self, host: str) -> Path:
        home = self._folder / f"home-{host}"
        line = self.net.command(host, *command("license", "quickstart"))
        subprocess.run(line, env=environment(home), capture_output=True, check=True)
        return home

    def _start(self, host: str, role: str, *words: str) -> subprocess.Popen[bytes]:
        line = self.net.command(host, sys.executable, "-m", f"distributed.cli.dask_{role}", *words)
        with (self._folder / f"{host}.log").open("wb") as log:
            process = subprocess.Popen(
                line,
                env=environment(self._home(host), {"DASK_DISTRIBUTED__WORKER__PROFILE__ENABLED": "false"}),
                cwd=self._folder,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._running.callback(self._end, process)
        return process

    @staticmethod
    def _end(process: subprocess.Popen[bytes]) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()

    def strike(self, worker: int, fault: str) -> None:
        """Let a worker's host lose its power, or its wire."""
        if fault == "dead":
            self._end(self._workers[worker])
        else:
            self.net.wire(worker, loss=1)

    def log(self) -> str:
        """What the scheduler has said."""
        return (self._folder / "api.log").read_text()

    def batch(self, *words: str | Path) -> subprocess.Popen[bytes]:
        """A run where the scheduler is."""
        line = self.net.command("api", *command("batch", *map(str, words)))
        return subprocess.Popen(line, env=environment(self._folder / "home-api"), stderr=subprocess.PIPE)

    def close(self) -> None:
        """Kill what lives."""
        self._running.close()


@pytest.fixture
def manifest(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """Rows of two photos each, all of other bytes: copies of those of LFW, or of the samples, at other qualities."""
    from PIL import Image

    folder = tmp_path / "photos"
    folder.mkdir()
    if FULL:
        archive = request.getfixturevalue("test_data") / "lfw-pairs.tar"
        originals = sorted(path for path in unpack(archive, tmp_path) if path.suffix == ".jpg")
    else:
        originals = []
        for name, data in request.getfixturevalue("small_photos").items():
            originals.append(tmp_path / f"{name}.jpg")
            originals[-1].write_bytes(data)
    for number in range(PHOTOS):
        times, which = divmod(number, len(originals))
        with Image.open(originals[which]) as photo:
            (folder / f"{number}.jpg").write_bytes(jpeg(photo, quality=95 - times))
    rows = [f"{number}.jpg,{number + 1}.jpg" for number in range(0, PHOTOS, 2)]
    (folder / "pairs.csv").write_text("\n".join(["first,second", *rows, ""]))
    yield folder / "pairs.csv"
    shutil.rmtree(tmp_path)


@pytest.fixture
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    with network(WORKERS) as net, contextlib.closing(Cluster(net, tmp_path_factory.mktemp("cluster"))) as found:
        yield found


def rows_done(out: Path) -> int:
    """How many rows of a run are on its journal, by the last mark near its end: reading all of it slows the run."""
    with contextlib.suppress(FileNotFoundError), partial_of(out).open("rb") as journal:
        journal.seek(max(0, journal.seek(0, os.SEEK_END) - TAIL))
        tail = journal.read()
        return int(tail[tail.rindex(b"\n= ") + 3 :].partition(b"\n")[0]) if b"\n= " in tail else 0
    return 0


def test_two_workers_die_and_one_is_cut_off(cluster: Cluster, manifest: Path, tmp_path: Path) -> None:
    here, there = tmp_path / "here.csv", tmp_path / "there.csv"
    begin = time.monotonic()
    with cluster.batch(manifest, "-o", here) as run:
        _, said = run.communicate(timeout=PATIENCE)
    alone, status = time.monotonic() - begin, run.returncode
    assert status in {0, 3}, said  # 3: a copy may be too coarse to show a face
    until(lambda: cluster.log().count("Register worker") == WORKERS)

    begin = time.monotonic()
    with cluster.batch(manifest, "-o", there, "--scheduler", f"tcp://127.0.0.1:{PORT}") as run:
        for worker, fault in enumerate(FAULTS):
            share = (worker + 1) / (len(FAULTS) + 1)
            late = time.monotonic() + (SOON if worker else PATIENCE)
            until(
                lambda: (
                    run.poll() is not None or time.monotonic() > late or rows_done(there) >= share * PHOTOS / 2  # noqa: B023
                ),
                PATIENCE,
            )
            assert run.poll() is None, run.stderr and run.stderr.read()
            cluster.strike(worker, fault)
        _, also_said = run.communicate(timeout=PATIENCE)
    seconds = time.monotonic() - begin
    print(
        f"{PHOTOS:,} photos: {alone:.1f} s on one machine, {seconds:.1f} s on the cluster, {seconds / alone:.2f} times"
    )
    assert run.returncode == status, also_said
    # Every row once, in order, with the same digits; and every photo counts as worked on once.
    assert there.read_bytes() == here.read_bytes()
    assert also_said == said
    assert f"{PHOTOS:,} files worked on".encode() in said
    if FULL:
        assert seconds < 1.2 * alone
