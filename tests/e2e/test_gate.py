"""The gate: with an invalid licence no model file is opened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

# Every file that Python code opens, in whatever way; of libraries that open files themselves strace tells below.
TRACE = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from senseid_cli.app import run
status = run(sys.argv[1:])
print("opened", *(path for path in opened if path.endswith(".onnx")), sep="\\n", file=sys.stderr)
sys.exit(status)
"""


def trace(senseid: Senseid, *words: str | Path) -> tuple[int, list[str], str]:
    done = subprocess.run(
        [sys.executable, "-c", TRACE, *map(str, words)],
        capture_output=True,
        text=True,
        env=senseid.environment(),
        check=False,
    )
    message, _, opened = done.stderr.partition("opened\n")
    return done.returncode, opened.split(), message


def copy_of(senseid: Senseid, home: Path) -> Senseid:
    shutil.copytree(senseid.home, home)
    return type(senseid)(home)


def licence_of(senseid: Senseid, product: str) -> Path:
    return senseid.home / "license" / product / f"{product}.lic"


def test_with_licences_all_models_are_opened(senseid: Senseid, photos: dict[str, Path]) -> None:
    status, opened, _ = trace(senseid, "compare", photos["obama.jpg"], photos["obama2.jpg"])
    assert status == 0
    assert len(opened) >= 6


@pytest.mark.parametrize("command", ["compare", "omni"])
@pytest.mark.parametrize("product", ["senseid_face", "senseid_kestrel"])
@pytest.mark.parametrize("fault", ["missing", "empty", "edited", "another product's", "unknown root"])
def test_without_one_no_model_is_opened(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path, command: str, product: str, fault: str
) -> None:
    broken = copy_of(senseid, tmp_path / "home")
    path = licence_of(broken, product)
    if fault == "missing":
        path.unlink()
    elif fault == "empty":
        path.write_bytes(b"")
    elif fault == "edited":
        path.write_bytes(path.read_bytes().replace(b"local user", b"other user"))
    elif fault == "another product's":
        shutil.copy(licence_of(broken, "senseid_liveness"), path)
    else:
        for root in (broken.home / "trust" / "roots").iterdir():
            root.unlink()
    status, opened, message = trace(broken, command, photos["obama.jpg"], photos["obama2.jpg"])
    assert status == 4
    assert opened == []
    first, second = message.splitlines()
    assert first.startswith("senseid: ")
    assert second.startswith("hint: ")


def test_a_licence_without_the_capability_opens_no_model(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path
) -> None:
    narrow = copy_of(senseid, tmp_path / "home")
    issue = ("license", "issue", "--product", "senseid_face", "--licensee", "Acme", "--any-machine", "--days", "1")
    issued = narrow.json(*issue, "--capability", "omni", "--out", tmp_path, status=0)
    assert narrow("license", "install", issued["path"]).returncode == 0
    status, opened, message = trace(narrow, "compare", photos["obama.jpg"], photos["obama2.jpg"])
    assert (status, opened) == (4, [])
    assert "does not allow compare" in message
    assert narrow("omni", photos["obama.jpg"], photos["obama2.jpg"]).returncode == 0


def test_a_licence_in_its_days_of_grace_says_so(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    late = copy_of(senseid, tmp_path / "home")
    ended = datetime.now(UTC) - timedelta(hours=1)
    begun = ended - timedelta(days=1)
    issue = ["license", "issue", "--product", "senseid_face", "--licensee", "Acme", "--any-machine"]
    issue += ["--not-before", f"{begun:%Y-%m-%dT%H:%M:%SZ}", "--not-after", f"{ended:%Y-%m-%dT%H:%M:%SZ}"]
    issued = late.json(*issue, "--grace-days", "2", "--out", tmp_path, status=0)
    assert late("license", "install", issued["path"]).returncode == 0
    done = late("compare", photos["obama.jpg"], photos["obama2.jpg"], "--json")
    assert done.returncode == 0
    assert json.loads(done.stdout)["code"] == 1000
    until = ended + timedelta(days=2)
    assert done.stderr.decode() == (
        f"note: the licence for senseid_face has expired and stops working at {until:%Y-%m-%d %H:%M} UTC: renew it\n"
    )


def test_a_refused_licence_as_json(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    empty = type(senseid)(tmp_path)
    done = empty("compare", photos["obama.jpg"], photos["obama2.jpg"], "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["code"] == 500
    assert b"hint: " in done.stderr


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_system_calls_agree(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    def models_opened(home: Senseid) -> int:
        log = tmp_path / "strace.log"
        tracer = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(log)]
        done = subprocess.run(
            [*tracer, *home.command("compare", photos["obama.jpg"], photos["obama2.jpg"])],
            capture_output=True,
            env=home.environment(),
            check=False,
        )
        if not log.exists() or not log.stat().st_size:
            pytest.skip(f"strace may not trace here: {done.stderr[-200:]!r}")
        return log.read_text(errors="replace").count('.onnx"')

    assert models_opened(senseid) >= 6
    broken = copy_of(senseid, tmp_path / "home")
    path = licence_of(broken, "senseid_face")
    path.write_bytes(path.read_bytes().replace(b"local user", b"other user"))
    assert models_opened(broken) == 0
