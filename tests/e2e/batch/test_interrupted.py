"""Runs that are killed, interrupted or started twice, and go on."""

from __future__ import annotations

import contextlib
import random
import signal
import subprocess
import time
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.counts import count
from tests.e2e.batch.conftest import partial_lines
from tests.e2e.conftest import heed_sigint

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

KILLS = count(4, 40)


@pytest.mark.slow
@pytest.mark.parametrize("lines", [0, 1, 8, 20])
def test_killed_and_resumed_it_writes_the_same(
    senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path, lines: int
) -> None:
    out = tmp_path / "out.csv"
    process = senseid.start_slow_batch(manifest, "--workers", "1", "-o", out)
    deadline = time.monotonic() + 120
    while partial_lines(out) < lines and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not out.exists()
    if partial_lines(out):
        refused = senseid("batch", manifest, "-o", out)
        assert refused.returncode == 2
        assert b"--resume goes on with it" in refused.stderr
        other = senseid("batch", manifest, "-o", out, "--resume", "--threshold", "0.5")
        assert other.returncode == 2
        assert b"other settings" in other.stderr
    resume = ["--resume"] if partial_lines(out) else []
    assert senseid("batch", manifest, "-o", out, *resume).returncode == 3
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.slow
def test_killed_at_random_moments_again_and_again(
    senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path
) -> None:
    """Whatever was killed when, while whatever was written: the output is there in the end, and not before."""
    source, kills, finished = random.Random(11), 0, 0
    out = tmp_path / "out.csv"
    while kills < KILLS:
        how = ["--resume"] if partial_lines(out) else []
        with senseid.start_slow_batch(manifest, "--workers", "2", "-o", out, *how, stderr=subprocess.DEVNULL) as run:
            try:
                status = run.wait(source.uniform(0.2, 4.0))
            except subprocess.TimeoutExpired:
                victims = [psutil.Process(run.pid), *psutil.Process(run.pid).children()]
                with contextlib.suppress(psutil.NoSuchProcess):
                    source.choice(victims).kill()
                status, kills = run.wait(60), kills + 1
                psutil.wait_procs(victims, 60)
        assert status in {3, 70, -signal.SIGKILL}
        if status == 3:
            finished += 1
            assert out.read_bytes() == whole
            out.unlink()
        assert not out.exists()
        assert len(list(tmp_path.iterdir())) <= 1  # the journal
    assert senseid("batch", manifest, "-o", out, *(["--resume"] if partial_lines(out) else [])).returncode == 3
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    print(f"{kills} kills, the output whole {finished + 1} times")


@pytest.mark.slow
def test_a_second_run_onto_one_output_is_no_interruption(
    senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    first = senseid.start_slow_batch(manifest, "--workers", "1", "-o", out, stderr=subprocess.DEVNULL)
    while partial_lines(out) < 2 and first.poll() is None:
        time.sleep(0.01)
    for how in ([], ["--resume"], ["--force"]):
        second = senseid("batch", manifest, "-o", out, *how)
        assert second.returncode == 2
        (line,) = second.stderr.decode().splitlines()
        assert line.startswith(f"senseid: another run is writing {out}")
        assert line.endswith(": wait for it, end it, or choose another --out")
    assert first.wait(120) == 3
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.slow
def test_control_c_leaves_a_run_that_can_go_on(senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    process = senseid.start_slow_batch(
        manifest, "--workers", "1", "-o", out, stderr=subprocess.PIPE, preexec_fn=heed_sigint
    )
    while partial_lines(out) < 4 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stderr
    assert b"--resume goes on" in stderr
    assert not out.exists()
    assert senseid("batch", manifest, "-o", out, "--resume").returncode == 3
    assert out.read_bytes() == whole
