"""The decision log of the service: opted into, whole under load, without a picture, and never behind the answers."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from senseid.decision_audit import verify_log
from senseid.decision_log import files_of
from senseid_crypto.key_folder import KeyFolder
from tests.service.conftest import COMPARE, QUALITY, make_home, running, until
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from pathlib import Path


def test_every_answer_is_in_it(tmp_path: Path, pair: dict[str, str], photos: dict[str, str]) -> None:
    """Of two services that share a file, one of which loses all its processes meanwhile."""
    home, path = make_home(tmp_path / "home"), tmp_path / "decisions.jsonl"
    done = serve(home, tmp_path, "--show-config", env={"SENSEID_DECISION_LOG": str(path)})
    assert not path.exists(), done.stderr
    made = subprocess.run(
        [sys.executable, "-m", "senseid_cli", "key", "generate", "audit"],
        env={**os.environ, "SENSEID_HOME": str(home)}, check=False, capture_output=True,
    )  # fmt: skip
    assert made.returncode == 0, made.stderr
    key = KeyFolder(home / "keys").read("audit")
    assert key is not None
    env = {
        "SENSEID_DECISION_LOG": str(path), "SENSEID_DECISION_LOG_KEY": "audit",
        "SENSEID_THRESHOLD": "0.6", "HANDLERS": "1",
    }  # fmt: skip
    answers = {}
    with running(home, tmp_path, env=env) as one, running(home, tmp_path, "--metrics", "0", env=env) as other:

        def ask(number: int) -> tuple[str, int]:
            service = (one, other)[number % 2]
            if number % 5 == 0:
                body = service.post(QUALITY, {"encrypted_image": "none"}).json()
            elif number % 7 == 0:
                body = service.post(QUALITY, {"encrypted_image": photos["obama"]}).json()
            else:
                body = service.post(COMPARE, pair).json()
            return body["request_id"], body["code"]

        with ThreadPoolExecutor(4) as pool:
            answers.update(pool.map(ask, range(16)))
        roles = one.roles()
        for pid in (*roles["http"], *roles["handler"]):
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(one.events("serving")) == 2 and one.is_healthy())
        one.close_clients()
        one.clients.clear()
        answers.update(map(ask, range(16, 20)))
    found = verify_log([each for each in files_of(path) if each.exists()], key=key.load())
    assert (found.problem, found.records) == (None, 22)
    records = [json.loads(line) for line in path.read_text().splitlines()]
    assert [record["event"] for record in records].count("started") == 2
    logged = {record["request_id"]: record["code"] for record in records if "request_id" in record}
    assert logged == answers
    allowed = {
        "event", "time", "format", "version", "n", "previous", "hash", "seal", "key", "source", "role", "request_id",
        "path", "code", "decision", "score", "threshold", "liveness_score", "integrity", "models",
    }  # fmt: skip
    for record in records:
        assert record.keys() <= allowed
        if record.get("path") == COMPARE:
            assert (record["decision"], record["threshold"]) == ("match", 0.6)
            assert 0.6 < record["score"] <= 1
    assert {record["event"] for record in records if record.get("code") == 1200} == {"refusal"}
    size = path.stat().st_size
    # With another key, and without one, nothing is added to a sealed log.
    ports = {"SENSEID_PORT": "0", "SENSEID_WORKER_PORT": "0"}
    refused = serve(home, tmp_path, env={"SENSEID_DECISION_LOG": str(path), **ports})
    assert refused.returncode == 2
    assert "is sealed with the key" in refused.stderr
    assert path.stat().st_size == size


def test_what_cannot_be_logged_is_not_answered(tmp_path: Path, pair: dict[str, str]) -> None:
    home, folder = make_home(tmp_path / "home"), tmp_path / "logs"
    folder.mkdir()
    env = {"SENSEID_DECISION_LOG": str(folder / "decisions.jsonl"), "HANDLERS": "1"}
    with running(home, tmp_path, env=env) as service:
        assert service.post(COMPARE, pair).json()["code"] == 1000
        folder.rename(tmp_path / "moved")
        refused = service.post(COMPARE, pair)
        assert (refused.status_code, refused.json()["message"]) == (500, "internal error")
        assert "verification_score" not in refused.text
        # A request's line comes after its answer.
        until(lambda: "cannot be written" in service.events("request")[-1].get("reason", ""), 10)
        (tmp_path / "moved").rename(folder)
        assert service.post(COMPARE, pair).json()["code"] == 1000
    # A log that cannot be written is no start.
    ports = {"SENSEID_PORT": "0", "SENSEID_WORKER_PORT": "0"}
    done = serve(home, tmp_path, env={**env, **ports, "SENSEID_DECISION_LOG": str(tmp_path / "none" / "log")})
    assert done.returncode == 70
    assert "the decision log" in done.stderr
