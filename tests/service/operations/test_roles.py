"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

import fcntl
import http.server
import threading
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.service.conftest import (
    COMPARE,
    free_port,
    make_home,
    running,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path
from tests.service.operations.conftest import serve


@pytest.mark.slow
def test_an_api_without_models_in_front_of_workers(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    ports = [free_port(), free_port()]
    env = {"HANDLERS": "1", "SENSEID_API_KEY": "between-us"}
    folders = [tmp_path / name for name in ("one", "two", "api")]
    for folder in folders:
        folder.mkdir()
    workers = ",".join(f"127.0.0.1:{port}" for port in ports)
    # No licence, no key: the API needs neither.
    api_env = {"PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": "", "SENSEID_API_KEY": "between-us"}
    headers = {"x-api-key": "between-us"}
    with (
        running(
            tmp_path / "none", folders[2], "--role", "api", "--workers", workers, env=api_env, healthy=False
        ) as api,
        running(home, folders[0], "--role", "worker", "--port", str(ports[0]), env=env) as first,
    ):
        until(api.is_healthy)
        assert api.post(COMPARE, pair).status_code == 401
        result = api.post(COMPARE, pair, headers=headers)
        assert result.status_code == 200
        assert result.headers["x-request-id"] == result.json()["request_id"]
        (line,) = first.requests(1000)
        assert line["request_id"] == result.json()["request_id"]
        assert api.post(COMPARE, {}, headers=headers).json()["code"] == 1200
        names = [psutil.Process(api.process.pid), *psutil.Process(api.process.pid).children(recursive=True)]
        assert len(names) == 2  # a supervisor and the HTTP process: no models, no handler
        with running(home, folders[1], "--role", "worker", "--port", str(ports[1]), env=env) as second:
            until(lambda: len(api.events("worker_up")) == 2)
            assert first.stop() == 0
            answers = [api.post(COMPARE, pair, headers=headers) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert len(second.requests(1000, count=2)) == 2
        until(lambda: not api.is_healthy())
        nobody = api.post(COMPARE, pair, headers=headers)
        assert (nobody.status_code, nobody.json()["code"], nobody.headers["retry-after"]) == (503, 503, "1")


def test_an_answer_of_another_service_is_not_ours(home: Path, tmp_path: Path) -> None:
    class Healthy(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Says nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Healthy) as other:
        thread = threading.Thread(target=other.serve_forever)
        thread.start()
        try:
            done = serve(home, tmp_path, "--port", str(other.server_port), "start", env={"SENSEID_WORKER_PORT": "0"})
        finally:
            other.shutdown()
            thread.join()
    assert done.returncode == 2
    assert f"it ended again: port {other.server_port} of 127.0.0.1 cannot be used" in done.stderr


def test_two_starts_do_not_meet(home: Path, tmp_path: Path) -> None:
    (home / "service").mkdir(exist_ok=True)
    with (home / "service" / "all.lock").open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        done = serve(home, tmp_path, "--port", str(free_port()), "start")
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        "senseid: it is being started: see `senseid serve status`",
    )


def test_a_data_directory_without_room_for_the_log(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "service").write_bytes(b"")
    done = serve(home, tmp_path, "--port", str(free_port()), "start")
    assert done.returncode == 70
    assert done.stderr.startswith(f"senseid: {home / 'service'} cannot be written: file exists")


def test_a_certificate_that_is_none(home: Path, tmp_path: Path) -> None:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("nothing")
    done = serve(home, tmp_path, "--port", "0", "--tls-cert", "cert.pem", "--tls-key", "key.pem")
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: SENSEID_TLS_CERT and SENSEID_TLS_KEY cannot be used together: ")
