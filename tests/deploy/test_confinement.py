"""What the real service does, against what the deployment files let it do."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from senseid_client import Client
from tests.service.conftest import (
    KEY,
    Service,
    command,
    environment,
    free_port,
    home,
    running,
    small_photos,
    until,
)

__all__ = ["home", "small_photos"]  # fixtures

ROOT = Path(__file__).resolve().parents[2]
HEALTH_CHECK = [sys.executable, "-I", str(ROOT / "deploy/healthcheck.py")]
UNIT = (ROOT / "deploy/systemd/senseid.service").read_text()

pytestmark = pytest.mark.slow


def allowed_calls() -> set[str]:
    """System calls that the units' filters leave, as systemd itself expands its groups."""

    def members(group: str) -> set[str]:
        listed = ["systemd-analyze", "syscall-filter", "--no-pager", group]
        lines = subprocess.run(listed, capture_output=True, text=True, check=True).stdout.splitlines()[1:]
        words = [line.strip() for line in lines if line.strip() and not line.strip().startswith("#")]
        return {call for word in words for call in (members(word) if word.startswith("@") else {word})}

    allowed: set[str] = set()
    for text in re.findall(r"^SystemCallFilter=(.*)$", UNIT, re.MULTILINE):
        for group in text.removeprefix("~").split():
            allowed = allowed - members(group) if text.startswith("~") else allowed | members(group)
    return allowed


@pytest.mark.skipif(
    shutil.which("strace") is None or shutil.which("systemd-analyze") is None,
    reason="not installed: strace, systemd-analyze",
)
def test_the_service_makes_no_call_that_systemd_would_refuse(
    home: Path, small_photos: dict[str, bytes], tmp_path: Path
) -> None:
    counts, log, port = tmp_path / "calls", tmp_path / "log", free_port()
    tracer = ["strace", "-f", "-qq", "-c", "-o", str(counts)]
    settings = {"SENSEID_PORT": str(port), "SENSEID_WORKER_PORT": "0"}
    with log.open("wb") as file:
        traced = subprocess.Popen(
            [*tracer, *command("serve")], stdout=file, stderr=file, env=environment(home, settings), cwd=tmp_path
        )
    service = Service(traced, log, home)
    try:
        until(lambda: service.events("serving") or traced.poll() is not None)
        if not service.events("serving"):
            pytest.skip(f"strace may not trace here: {log.read_text()[-200:]}")
        until(service.is_healthy)
        client = Client(service.url, KEY)
        assert client.compare(small_photos["obama"], small_photos["obama2"]).verification_score > 0.7
    finally:
        for child in psutil.Process(traced.pid).children():
            child.terminate()
        traced.wait(60)
    made = {line.split()[-1] for line in counts.read_text().splitlines() if re.match(r"\s*\d", line)} - {"total"}
    assert len(made) > 20
    assert made - allowed_calls() == set()


def test_the_health_check_of_the_image(home: Path, tmp_path: Path) -> None:
    port = free_port()
    environ = environment(home, {"SENSEID_PORT": str(port)})
    with running(home, tmp_path, env={"SENSEID_PORT": str(port)}):
        assert subprocess.run(HEALTH_CHECK, env=environ, check=False).returncode == 0
        lapsed = home / "license"
        lapsed.rename(home / "elsewhere")
        try:
            done = until(lambda: unhealthy(environ))
        finally:
            (home / "elsewhere").rename(lapsed)
        assert "HTTP 503" in done.stderr
    done = subprocess.run(HEALTH_CHECK, env=environ, capture_output=True, text=True, check=False)
    assert done.returncode == 1


def unhealthy(environ: dict[str, str]) -> subprocess.CompletedProcess[str] | None:
    done = subprocess.run(HEALTH_CHECK, env=environ, capture_output=True, text=True, check=False)
    return done if done.returncode else None


def test_workers_that_are_not_there_yet_cost_nothing(
    home: Path, small_photos: dict[str, bytes], tmp_path: Path
) -> None:
    """The API of the cluster knows eight names, and the autoscaler has started one of them."""
    worker_folder, api_folder = tmp_path / "worker", tmp_path / "api"
    worker_folder.mkdir()
    api_folder.mkdir()
    secret = {"SENSEID_WORKER_KEY": "a key"}
    with running(home, worker_folder, "--role", "worker", env=secret) as worker:
        absent = ",".join(f"senseid-worker-{number}.invalid" for number in range(1, 8))
        settings = {"WORKER_IP": f"127.0.0.1:{worker.port}, {absent}", **secret}
        with running(home, api_folder, "--role", "api", env=settings) as api:
            client = Client(api.url, KEY, timeout=20)
            for _ in range(8):
                assert client.compare(small_photos["obama"], small_photos["obama2"]).verification_score > 0.7
