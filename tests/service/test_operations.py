"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

import fcntl
import http.server
import json
import os
import signal
import socket
import subprocess
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import pytest

from senseid_licensing.issue import issue
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.private_key import open_key_file
from senseid_licensing.product import Product
from senseid_licensing.version_range import VersionRange
from senseid_service.endpoints import ENDPOINTS
from tests.service.conftest import (
    COMPARE,
    KEY,
    QUALITY,
    Service,
    command,
    environment,
    free_port,
    make_home,
    renew,
    running,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path


def serve(home: Path, folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`senseid serve ...` that is expected to end by itself."""
    done = subprocess.run(
        command("serve", *words),
        capture_output=True,
        text=True,
        env=environment(home, env),
        cwd=folder,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done


# What is refused at the start.


def test_a_bound_port_gives_one_clear_line(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve(home, tmp_path, "--port", port)
    assert done.returncode == 2
    first, second = done.stderr.splitlines()
    assert first == f"senseid: port {port} of 127.0.0.1 cannot be used: address already in use"
    assert second.startswith("hint: ")


def test_more_handlers_than_cores(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, "--handlers", "1000")
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: HANDLERS is 1000, and this machine has ")


def test_without_a_key_nothing_starts(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, env={"PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": ""})
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: there is no key to decrypt what clients send\nhint: set PARAM_DECRYPT_KEY")


def test_a_broken_key_is_refused_without_showing_it(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, env={"PARAM_DECRYPT_KEY": "too-short-secret"})
    assert done.returncode == 2
    assert "it must have 32" in done.stderr
    assert "too-short-secret" not in done.stderr


def test_without_a_licence_nothing_starts(tmp_path: Path) -> None:
    done = serve(tmp_path / "empty", tmp_path)
    assert done.returncode == 4
    assert "STID_E_FILE_NOT_FOUND (-7)" in done.stderr


def test_an_api_needs_to_know_its_workers(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, "--role", "api")
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: WORKER_IP is not set")


def test_show_config_tells_everything_but_secrets(home: Path, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HANDLES=1\nSENSEID_API_KEY='a secret'\nSENSEID_QUEUE=7\n")
    done = serve(home, tmp_path, "--show-config", "--port", "3999", env={"SENSEID_QUEUE": "9"})
    assert done.returncode == 0
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert lines["SENSEID_PORT"] == ["3999", "option"]
    assert lines["SENSEID_QUEUE"] == ["9", "environment"]
    assert lines["HANDLERS"] == ["1", ".env"]
    assert lines["SENSEID_API_KEY"] == ["(set)", ".env"]
    assert lines["PARAM_DECRYPT_KEY"] == ["(set)", "environment"]
    assert lines["key"] == [KEY.id, "environment"]
    assert "a secret" not in done.stdout
    assert KEY.secret.decode() not in done.stdout


def test_a_strangers_dotenv_file(home: Path, tmp_path: Path) -> None:
    """It does not open the service to the network, and it is spoken of."""
    (tmp_path / ".env").write_text("SENSEID_HOST=0.0.0.0\nSENSEID_OPEN=true\nSENSEID_QUEUE=7\n")
    done = serve(home, tmp_path, "--show-config")
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert lines["SENSEID_HOST"] == ["127.0.0.1", "default"]
    assert lines["SENSEID_OPEN"] == ["false", "default"]
    assert lines["SENSEID_QUEUE"] == ["7", ".env"]
    first, second = done.stderr.splitlines()
    assert first == "note: .env of this folder, which was not named, sets SENSEID_QUEUE"
    assert second.startswith("note: SENSEID_HOST, SENSEID_OPEN of .env counts for nothing, since it was not named.")
    named = serve(home, tmp_path, "--env-file", ".env", "--show-config")
    assert "0.0.0.0" in named.stdout
    (tmp_path / ".env").chmod(0o622)
    assert "note: .env of this folder is not read: others may write" in serve(home, tmp_path, "--show-config").stderr


def test_no_secret_is_on_a_command_line(service: Service) -> None:
    processes = [psutil.Process(service.process.pid), *psutil.Process(service.process.pid).children(recursive=True)]
    # The supervisor, the front, the keeper, and one process a handler.
    assert len(processes) >= 4
    words = " ".join(word for process in processes for word in process.cmdline())
    assert KEY.secret.decode() not in words
    assert KEY.fixed_iv.decode() not in words


# In the background.


@pytest.mark.slow
def test_start_status_logs_stop(home: Path, tmp_path: Path) -> None:
    words = ("--port", str(free_port()))
    env = {"SENSEID_WORKER_PORT": "0"}
    assert serve(home, tmp_path, *words, "status", env=env).returncode == 1
    started = serve(home, tmp_path, *words, "start", env=env)
    try:
        assert started.returncode == 0, started.stderr
        assert started.stdout == f"all answers at http://127.0.0.1:{words[1]}\n"
        assert serve(home, tmp_path, *words, "status", env=env).returncode == 0
        again = serve(home, tmp_path, *words, "start", env=env)
        assert (again.returncode, again.stderr.splitlines()[0]) == (2, "senseid: it runs already")
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


# Dying.


class Load:
    """Clients that ask again and again; what each was told is kept."""

    def __init__(self, url: str, form: dict[str, str], clients: int = 3) -> None:
        self.answers: list[tuple[float, int, Any]] = []
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._ask, args=(url, form)) for _ in range(clients)]

    def __enter__(self) -> Load:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _ask(self, url: str, form: dict[str, str]) -> None:
        with httpx.Client(timeout=60, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    response = client.post(url + COMPARE, data=form)
                    self.answers.append((time.monotonic(), response.status_code, response.json()))
                except httpx.HTTPError as error:
                    self.answers.append((time.monotonic(), 0, type(error).__name__))

    def good_since(self, moment: float) -> int:
        return sum(1 for at, status, _ in self.answers if at > moment and status == 200)


def check_answers(load: Load, *, resets: bool) -> None:
    """Every request got a result or a clear error; a connection is cut only where its own front was killed."""
    scores = set()
    for _, status, body in load.answers:
        if status == 200:
            scores.add(body["verification_score"])
        elif status:
            assert status in {500, 503}
            assert set(body) == {"code", "message", "request_id"}
        else:
            assert resets, body
    assert len(scores) == 1


@pytest.mark.slow
def test_a_killed_handler_loses_no_answer(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    count = min(2, psutil.cpu_count(logical=False) or 1)
    with running(home, tmp_path, env={"HANDLERS": str(count)}) as service:
        until(lambda: len(service.handlers()) == count)
        with Load(service.url, pair) as load:
            until(lambda: load.answers)
            victim = service.handlers()[0]
            os.kill(victim, signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: victim not in service.handlers() and len(service.handlers()) == count, 3)
            until(lambda: load.good_since(killed) >= 4)
        check_answers(load, resets=False)
        assert {status for _, status, _ in load.answers} == {200}
        assert service.events("handler_lost")


@pytest.mark.slow
def test_every_process_may_be_killed(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    """The keeper without anybody noticing; the front at the price of its open connections."""
    with running(home, tmp_path) as service:
        (keeper,) = [event["pid"] for event in service.events("models_loaded")]
        children = {child.pid for child in psutil.Process(service.process.pid).children()}
        (front,) = children - {keeper}
        with Load(service.url, pair) as load:
            until(lambda: load.answers)
            os.kill(keeper, signal.SIGKILL)
            until(lambda: len(service.events("models_loaded")) == 2)
            assert {status for _, status, _ in load.answers} == {200}
            os.kill(front, signal.SIGKILL)
            killed = time.monotonic()
            until(lambda: load.good_since(killed) >= 2)
        check_answers(load, resets=True)
        # Handlers of the dead front have gone with it.
        cores = psutil.cpu_count() or 1
        until(lambda: len(psutil.Process(service.process.pid).children(recursive=True)) <= 2 + cores)
        assert [event["process"] for event in service.events("process_ended")] == ["models", "http"]


def test_nothing_outlives_a_killed_supervisor(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path) as service:
        processes = psutil.Process(service.process.pid).children(recursive=True)
        service.process.kill()
        service.process.wait()
        gone, alive = psutil.wait_procs(processes, timeout=20)
        assert not alive
        assert len(gone) >= 3


def test_a_stop_finishes_what_runs(home: Path, tmp_path: Path, pair: dict[str, str]) -> None:
    with running(home, tmp_path) as service:
        answers: list[httpx.Response] = []
        thread = threading.Thread(target=lambda: answers.append(service.post(COMPARE, pair)))
        thread.start()
        time.sleep(0.15)  # it is on its way, or with a handler
        service.process.send_signal(signal.SIGTERM)
        thread.join(60)
        assert [answer.status_code for answer in answers] == [200]
        assert service.process.wait(30) == 0
        with pytest.raises(httpx.ConnectError):
            httpx.get(service.url + "/healthcheck", trust_env=False)
        assert [event["event"] for event in service.events()][-1] == "stopped"


# Licences.


def test_a_licence_that_ends_and_one_that_comes(tmp_path: Path, pair: dict[str, str]) -> None:
    """Expiry counts at once and is told by the health checks; a new file is enough to go on."""
    home = make_home(tmp_path / "home", datetime.now(UTC) - timedelta(days=29))
    with running(home, tmp_path, env={"SENSEID_WORKER_PORT": str(free_port())}) as service:
        assert service.post(COMPARE, pair).status_code == 200
        renew(home, datetime.now(UTC) - timedelta(days=1, seconds=1), days=1)
        refused = service.post(COMPARE, pair)
        assert refused.status_code == 500
        message = "internal error: STID_E_AUTH_EXPIRE (-15)"
        assert refused.json() | {"request_id": ""} == {"code": 500, "message": message, "request_id": ""}
        for url in service.addresses:
            assert httpx.get(url + "/readyz", trust_env=False).status_code == 503
            assert httpx.get(url + "/livez", trust_env=False).status_code == 200
            health = httpx.get(url + "/healthcheck", trust_env=False)
            assert health.status_code == 503
            body = health.json()
            assert (body["code"], body["message"]) == (503, "service unavailable")
            assert body["status"] == "STID_E_AUTH_EXPIRE (-15) senseid_face"
        assert any("STID_E_AUTH_EXPIRE" in event.get("reason", "") for event in service.events("request"))
        renew(home)
        assert service.post(COMPARE, pair).status_code == 200
        assert service.is_healthy()
        for product in ("senseid_face", "senseid_kestrel", "senseid_liveness"):
            (home / "license" / product / f"{product}.lic").unlink()
        assert service.post(COMPARE, pair).status_code == 500
        renew(home)
        assert service.post(COMPARE, pair).status_code == 200


def test_one_licence_is_missing(tmp_path: Path, pair: dict[str, str], photos: dict[str, str]) -> None:
    """What cannot be done is named, in both roles alike, and what can is done."""
    home = make_home(tmp_path / "home")
    (home / "license" / "senseid_face" / "senseid_face.lic").unlink()
    face = "STID_E_FILE_NOT_FOUND (-7) senseid_face"
    paths = {path: face for path, endpoint in ENDPOINTS.items() if Product.FACE in endpoint.products}
    with (
        running(home, tmp_path, "--role", "worker", env={"HANDLERS": "1"}, healthy=False) as worker,
        running(home, tmp_path, "--role", "api", "--workers", worker.url[7:], healthy=False) as api,
    ):
        until(lambda: httpx.get(api.url + "/readyz", trust_env=False).status_code == 200)
        for service in (worker, api):
            whole = service.client.get("/healthcheck")
            assert (whole.status_code, whole.json()["status"], whole.json()["cannot"]) == (503, face, paths)
            ready = service.client.get("/readyz")
            assert (ready.status_code, ready.json()["status"], ready.json()["cannot"]) == (200, "ok", paths)
            live = service.client.get("/livez")
            assert (live.status_code, live.json()["status"]) == (200, "ok")
            assert "cannot" not in live.json()
            assert service.post(QUALITY, {"encrypted_image": photos["obama"]}).json()["code"] == 1000
            refused = service.post(COMPARE, pair)
            assert (refused.status_code, refused.json()["code"]) == (500, 500)
            assert refused.json()["message"] == "internal error: STID_E_FILE_NOT_FOUND (-7)"
        for product in ("senseid_kestrel", "senseid_liveness"):
            (home / "license" / product / f"{product}.lic").unlink()
        until(lambda: httpx.get(api.url + "/readyz", trust_env=False).status_code == 503, 20)
        for service in (worker, api):
            refused = service.post(QUALITY, {"encrypted_image": photos["obama"]})
            assert refused.json()["message"] == "internal error: STID_E_FILE_NOT_FOUND (-7)"
            assert set(service.client.get("/readyz").json()["cannot"]) == set(ENDPOINTS)


def test_bad_licences_are_named_alike_in_both_roles(tmp_path: Path, pair: dict[str, str]) -> None:
    """A worker whose licence turns bad, and the API before it, from the next request on."""
    home = make_home(tmp_path / "home")
    path = home / "license" / "senseid_face" / "senseid_face.lic"
    good = path.read_bytes()

    terms = parse_licence_file(good).leaf.licence
    root = open_key_file((home / "vendor" / "root.key").read_bytes(), None)
    states = {
        "STID_E_INVALID_AUTH (-13)": good.replace(b'"tests"', b'"a thief"'),
        "STID_E_INVALID_FILE_FORMAT (-8)": good[:100],
        "STID_E_UDID_MISMATCH (-16)": issue(replace(terms, udid=dict.fromkeys(terms.udid or (), "0" * 32)), root),
        "STID_E_VERSION_MISMATCH (-23)": issue(replace(terms, versions=VersionRange("99")), root),
        "STID_E_PLATFORM_NOTSUPPORTED (-24)": issue(replace(terms, platforms=frozenset({"macos-arm64"})), root),
        "STID_E_CAPABILITY_NOTSUPPORTED (-2067857410)": issue(replace(terms, capabilities=frozenset()), root),
    }
    with (
        running(home, tmp_path, "--role", "worker", env={"HANDLERS": "1"}) as worker,
        running(home, tmp_path, "--role", "api", "--workers", worker.url[7:]) as api,
    ):
        for stid, data in states.items():
            path.write_bytes(data)
            for service in (worker, api):
                refused = service.post(COMPARE, pair)
                assert (refused.status_code, refused.json()["code"]) == (500, 500)
                assert refused.json()["message"] == f"internal error: {stid}"
            until(lambda: api.client.get("/healthcheck").status_code == 503, 20)
            for service in (worker, api):
                assert service.client.get("/healthcheck").json()["status"] == f"{stid} senseid_face"
            path.write_bytes(good)
            until(lambda: worker.is_healthy() and api.is_healthy(), 20)
            for service in (worker, api):
                assert service.post(COMPARE, pair).status_code == 200


def test_a_service_without_an_iv_says_so(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path, env={"PARAM_DECRYPT_IV": "", "HANDLERS": "1"}) as found:
        assert "note: no key has an IV: what clients send in the wire format is refused (1200)" in found.log.read_text()
    with running(home, tmp_path, env={"HANDLERS": "1"}) as found:
        assert "no key has an IV" not in found.log.read_text()


# Two roles.


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
        (line,) = [event for event in first.events("request") if event["code"] == 1000]
        assert line["request_id"] == result.json()["request_id"]
        assert api.post(COMPARE, {}, headers=headers).json()["code"] == 1200
        names = [psutil.Process(api.process.pid), *psutil.Process(api.process.pid).children(recursive=True)]
        assert len(names) == 2  # a supervisor and a front: no keeper, no handler
        with running(home, folders[1], "--role", "worker", "--port", str(ports[1]), env=env) as second:
            until(lambda: len(api.events("worker_up")) == 2)
            assert first.stop() == 0
            answers = [api.post(COMPARE, pair, headers=headers) for _ in range(2)]
            assert [answer.status_code for answer in answers] == [200, 200]
            assert len([event for event in second.events("request") if event["code"] == 1000]) == 2
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
    assert (done.returncode, done.stderr.splitlines()[0]) == (2, "senseid: it is being started")


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
    assert done.stderr.splitlines()[0] == "senseid: SENSEID_TLS_CERT and SENSEID_TLS_KEY cannot be used together"
