"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

import json
import shutil
import socket
import sys
from typing import TYPE_CHECKING

import pytest

from senseid.errors import SettingError
from senseid_service import settings
from senseid_service.background import Background
from tests.service.conftest import free_port
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

# Who starts a service in the background does not wait for its end.
pytestmark = pytest.mark.filterwarnings("ignore:subprocess .* is still running:ResourceWarning")

SERVER = """
import http.server, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
server = http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Ready)
print('"event":"serving"', flush=True)
server.serve_forever()
"""
"""Answers as a service does that is ready."""


def background(folder: Path, port: int) -> Background:
    values = settings.gather({"SENSEID_PORT": str(port)}, {}, None)
    return Background(folder, settings.parse(values, physical_cores=1, cpus=1))


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Background]:
    port = free_port()
    started = background(tmp_path / "home" / "service", port)
    started.start([sys.executable, "-c", SERVER, str(port)], {})
    try:
        yield started
    finally:
        started.stop()


@pytest.mark.slow
def test_start_status_logs_stop(home: Path, tmp_path: Path) -> None:
    words = ("--port", str(free_port()))
    env = {"SENSEID_WORKER_PORT": "0"}
    assert serve(home, tmp_path, *words, "status", env=env).returncode == 1
    started = serve(home, tmp_path, *words, "start", env=env)
    try:
        assert started.returncode == 0, started.stderr
        assert started.stdout == f"the service answers at http://127.0.0.1:{words[1]}\n"
        assert serve(home, tmp_path, *words, "status", env=env).returncode == 0
        again = serve(home, tmp_path, *words, "start", env=env)
        told = "senseid: it runs already: see `senseid serve status`"
        assert (again.returncode, again.stderr.splitlines()[0]) == (2, told)
        logs = serve(home, tmp_path, *words, "logs", "-n", "1000", env=env)
        assert {"serving", "models_loaded"} <= {json.loads(line)["event"] for line in logs.stdout.splitlines()}
    finally:
        stopped = serve(home, tmp_path, *words, "stop", env=env)
    assert stopped.stdout == "stopped\n"
    assert serve(home, tmp_path, *words, "stop", env=env).stdout == "was not running\n"


def test_a_start_that_fails_says_why(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = serve(home, tmp_path, "--port", str(taken.getsockname()[1]), "start")
    assert done.returncode == 2
    assert "it ended again: port " in done.stderr


def test_a_copy_of_the_data_directory_leaves_the_service_of_the_first_alone(
    running: Background, tmp_path: Path
) -> None:
    shutil.copytree(tmp_path / "home", tmp_path / "copy")
    copied = background(tmp_path / "copy" / "service", free_port())
    assert copied.status() == ("the service is not running", False)
    assert (copied.reload(), copied.stop()) == (False, False)
    assert running.status()[1]


def test_a_service_that_was_not_started_here_is_told_from_none(running: Background, tmp_path: Path) -> None:
    other = background(tmp_path / "other" / "service", int(running.url.rpartition(":")[2]))
    assert other.status() == (
        f"the service was not started by `senseid serve start`, but {running.url} answers", False,
    )  # fmt: skip


def test_a_data_directory_is_the_same_by_another_path(running: Background, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "home")
    linked = background(tmp_path / "link" / "service", free_port())
    assert linked.status() == running.status()
    with pytest.raises(SettingError, match="it runs already"):
        linked.start([], {})


def test_a_service_that_an_older_version_started_is_found(running: Background, tmp_path: Path) -> None:
    state = tmp_path / "home" / "service" / "all.json"
    facts = json.loads(state.read_text())
    del facts["folder"]
    state.write_text(json.dumps(facts))
    assert running.status()[1]
