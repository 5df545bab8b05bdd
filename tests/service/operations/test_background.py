"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

import json
import socket
from typing import TYPE_CHECKING

import pytest

from tests.service.conftest import (
    free_port,
)

if TYPE_CHECKING:
    from pathlib import Path
from tests.service.operations.conftest import serve


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
