"""`senseid audit`, and the decisions of commands in the log."""

from __future__ import annotations

import json
import os
import shutil
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


def test_decisions_of_commands(senseid: Senseid, photos: dict[str, Path], still_clip: bytes, tmp_path: Path) -> None:
    log, clip = tmp_path / "decisions.jsonl", tmp_path / "clip.mp4"
    clip.write_bytes(still_clip)
    first, second, other = photos["obama.jpg"], photos["obama2.jpg"], photos["biden.jpg"]
    for words, status in (
        (("compare", first, second), 0),
        (("compare", first, other, "--threshold", "0.5"), 1),
        (("omni", first, other, "--log-names"), 1),
        (("liveness", clip), 1),
        (("verify", clip, first), 1),
    ):
        assert senseid(*words, env={"SENSEID_DECISION_LOG": str(log)}).returncode == status
    senseid("compare", first, second)
    records = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(record["source"], record["decision"]) for record in records] == [
        ("compare", "match"), ("compare", "no_match"), ("omni", "no_match"),
        ("liveness", "not_live"), ("verify", "not_live"),
    ]  # fmt: skip
    assert [record.get("threshold") for record in records] == [0.7, 0.5, 0.7, None, None]
    assert [record.get("inputs") for record in records] == [None, None, [str(first), str(other)], None, None]
    for place in (str(first), str(clip)):
        assert sum(place in line for line in log.read_text().splitlines()) <= 1
    found = senseid.json("audit", "verify", log, status=0)
    assert (found["valid"], found["records"], found["problem"]) == (True, 5, None)
    assert found["last"] == f"4:{records[-1]['hash']}"

    missing = senseid("compare", first, second, "--decision-log", tmp_path / "none" / "log")
    assert (missing.returncode, missing.stdout) == (70, b"")
    assert b"the decision log" in missing.stderr


def test_names_that_are_no_text(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    log, odd = tmp_path / "decisions.jsonl", tmp_path / os.fsdecode(b"\xff\n{}.jpg")
    shutil.copy(photos["obama.jpg"], odd)
    assert senseid("compare", odd, photos["obama2.jpg"], "--decision-log", log, "--log-names").returncode == 0
    (line,) = log.read_text().splitlines()
    assert json.loads(line)["inputs"][0].endswith(r"/\udcff\n{}.jpg")


def test_audit(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    log = tmp_path / "decisions.jsonl"
    assert senseid("audit", "verify", log).returncode == 3
    assert senseid("audit", "purge", log, "--older-than", "1").returncode == 3
    for no_file in (tmp_path, "/dev/zero"):
        assert senseid("audit", "verify", no_file).returncode == 3
        assert senseid("audit", "purge", no_file, "--older-than", "1").returncode == 3
    for days in ("inf", "nan", "1e12", "-1"):
        assert senseid("audit", "purge", log, "--older-than", days).returncode == 2
    assert senseid("key", "generate", "audit").returncode == 0
    first, second = photos["obama.jpg"], photos["obama2.jpg"]
    unknown = senseid("compare", first, second, "--decision-log", log, env={"SENSEID_DECISION_LOG_KEY": "none"})
    assert unknown.returncode == 6
    assert b"the key that is to seal the decision log is not here: SENSEID_DECISION_LOG_KEY" in unknown.stderr
    for _ in range(3):
        words = ("compare", first, second, "--decision-log", log)
        assert senseid(*words, env={"SENSEID_DECISION_LOG_KEY": "audit"}).returncode == 0
    assert senseid("audit", "verify", log, "--noted", "nonsense").returncode == 2
    done = senseid("audit", "verify", log, "--key", "audit")
    assert done.returncode == 0
    lines = done.stdout.decode().splitlines()
    assert lines[0] == "3 records verified, in 1 file"
    noted = lines[2].removeprefix("last: ")
    assert "not checked" in senseid("audit", "verify", log).stdout.decode()

    whole = log.read_bytes()
    log.write_bytes(whole.replace(b'"decision":"match"', b'"decision":"no_match"', 1))
    done = senseid("audit", "verify", log)
    assert done.returncode == 1
    assert f"changed: {log}:1: it was changed" in done.stdout.decode()
    log.write_bytes(b"".join(whole.splitlines(keepends=True)[:2]))
    assert senseid("audit", "verify", log).returncode == 0
    found = senseid.json("audit", "verify", log, "--noted", noted, status=1)
    assert found["problem"]["kind"] == "changed"
    log.write_bytes(whole[:-20])
    assert senseid.json("audit", "verify", log, status=1)["problem"]["kind"] == "cut"

    log.write_bytes(whole)
    assert senseid("audit", "purge", log, "--older-than", "0").returncode == 2  # without the key
    log.write_bytes(whole.replace(b'"decision":"match"', b'"decision":"no_match"', 1))
    assert senseid("audit", "purge", log, "--older-than", "0", "--key", "audit").returncode == 3
    log.write_bytes(whole + b"nonsense\n")
    assert senseid("compare", first, second, "--decision-log", log).returncode == 3
    log.write_bytes(whole)
    assert senseid.json("audit", "purge", log, "--older-than", "1", "--key", "audit", status=0)["removed"] == 0
    assert senseid.json("audit", "purge", log, "--older-than", "0", "--key", "audit", status=0)["removed"] == 3
    found = senseid.json("audit", "verify", log, "--key", "audit", status=0)
    assert (found["records"], found["purged"], found["sealed"]) == (1, 2, 1)
