"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING

import psutil

from tests.service.conftest import KEY, Service, running
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from pathlib import Path


def test_a_bound_port_gives_one_clear_line(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        done = serve(home, tmp_path, "--port", port)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"senseid: port {port} of 127.0.0.1 cannot be used: address already in use by process ")
    assert "`senseid serve stop` ends what `senseid serve start` began), or choose another: --port for the API" in line


def test_one_port_for_two_things_is_told_from_one_that_is_taken(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as once:
        port = str(once.getsockname()[1])
    done = serve(home, tmp_path, "--port", port, "--metrics", port)
    assert done.returncode == 2
    assert "cannot be used: address already in use by another port of this service" in done.stderr


def test_a_host_that_is_no_name_is_no_internal_error(home: Path, tmp_path: Path) -> None:
    """Python refuses an empty part, and one of more than 63 characters, by an error of text."""
    for host in ("127.0.0..1", "x" * 64):
        done = serve(home, tmp_path, "--open", "--host", host)
        assert done.returncode == 2
        assert done.stderr == f"senseid: {host} is no address of this machine (not a name): correct it\n"


def test_with_standard_output_closed_it_serves(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path, "--handlers", "1", within=("sh", "-c", 'exec "$@" >&-', "sh")) as service:
        assert service.is_healthy()


def test_more_handlers_than_cores(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, "--handlers", "1000")
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: --handlers is 1000, and this machine has ")


def test_without_a_key_nothing_starts(home: Path, tmp_path: Path) -> None:
    done = serve(home, tmp_path, env={"PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": ""})
    assert done.returncode == 2
    assert done.stderr.startswith("senseid: there is no key to decrypt what clients send: set PARAM_DECRYPT_KEY")


def test_a_short_api_key_is_told_of_where_others_may_try_to_guess_it(home: Path, tmp_path: Path) -> None:
    with socket.create_server(("0.0.0.0", 0)) as taken:
        port = str(taken.getsockname()[1])
        for host, key, told in (("0.0.0.0", "abc", True), ("0.0.0.0", "k" * 32, False), ("127.0.0.1", "abc", False)):
            done = serve(home, tmp_path, "--host", host, "--port", port, env={"SENSEID_API_KEY": key})
            assert done.returncode == 2
            assert ("note: an API key has 3 characters: it looks typed" in done.stderr) is told


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
    # The supervisor, the HTTP process, the model process, and one process per handler.
    assert len(processes) >= 4
    words = " ".join(word for process in processes for word in process.cmdline())
    assert KEY.secret.decode() not in words
    assert KEY.fixed_iv.decode() not in words


def test_a_start_has_nothing_to_warn_of(home: Path, tmp_path: Path) -> None:
    """No role warns of what only takes its time, though it is asked for its health all the while."""
    env = {"HANDLERS": "1", "SENSEID_WORKER_KEY": "between the two"}
    with (
        running(home, tmp_path, "--role", "worker", env=env, healthy=False) as worker,
        running(home, tmp_path, "--role", "api", "--workers", worker.url[7:], env=env) as api,
        running(home, tmp_path, "--metrics", "0", env={"HANDLERS": "1"}) as whole,
    ):
        for service in (worker, api, whole):
            assert [event for event in service.events() if event["level"] != "info"] == []
            words = service.log.read_text().splitlines()
            assert [line for line in words if not line.startswith("{")] == []
