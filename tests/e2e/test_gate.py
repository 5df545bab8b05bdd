"""The gate: with an invalid licence no model file is opened."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from tests.packs import write_pack
from tests.service.conftest import KEY, free_port

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
        # Before Python 3.12 a thread may not begin to be measured while another one is in an audit hook.
        env=senseid.environment({"COVERAGE_PROCESS_CONFIG": ""}),
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
    assert len(set(opened)) == 4


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
    (line,) = message.splitlines()
    assert line.startswith("senseid: STID_")


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
    assert b"senseid license quickstart" in done.stderr


# Every command that loads a model. {pack} is a model to import, {people} a folder with a folder for each person.
LOADING = {
    "compare": "compare {photo} {photo}",
    "omni": "omni {photo} {photo}",
    "quality": "quality {photo}",
    "liveness": "liveness {clip}",
    "verify": "verify {clip} {photo}",
    "batch": "batch {manifest}",
    "serve": "serve --port {port}",
    "models verify": "models verify",
    "models calibrate": "models calibrate {people} --out {folder}/curve.toml",
    "models import": "models import {pack} --as embedding",
    "doctor": "doctor",
}


@pytest.fixture(scope="module")
def unlicensed(senseid: Senseid, tmp_path_factory: pytest.TempPathFactory) -> Senseid:
    """An installation all of whose licences were edited."""
    broken = copy_of(senseid, tmp_path_factory.mktemp("unlicensed") / "home")
    for path in broken.home.glob("license/*/*.lic"):
        path.write_bytes(path.read_bytes().replace(b"local user", b"other user"))
    return broken


@pytest.fixture(scope="module")
def media(photos: dict[str, Path], still_clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """What the commands of `LOADING` are given."""
    folder = tmp_path_factory.mktemp("media")
    photo = photos["obama.jpg"]
    for name, person in (("obama.jpg", "obama"), ("obama2.jpg", "obama"), ("biden.jpg", "biden")):
        (folder / "people" / person).mkdir(parents=True, exist_ok=True)
        shutil.copy(photos[name], folder / "people" / person)
    (folder / "still.mp4").write_bytes(still_clip)
    (folder / "pairs.csv").write_text(f"first,second\n{photo},{photo}\n")
    (folder / "pack").mkdir()
    return {
        "photo": photo,
        "clip": folder / "still.mp4",
        "manifest": folder / "pairs.csv",
        "people": folder / "people",
        "pack": write_pack(folder / "pack"),
        "folder": folder,
    }


def models_opened(senseid: Senseid, log: Path, *words: str) -> tuple[int, int]:
    """The exit status, and how many model files were opened by the process, its children and their libraries."""
    tracer = ["strace", "-f", "-qq", "-e", "trace=open,openat,openat2", "-o", str(log)]
    keys = {"PARAM_DECRYPT_KEY": KEY.secret.decode(), "PARAM_DECRYPT_IV": KEY.fixed_iv.decode()}
    done = subprocess.run(
        [*tracer, *senseid.command(*words)],
        capture_output=True,
        env=senseid.environment(keys),
        check=False,
        timeout=300,
    )
    if not log.exists() or not log.stat().st_size:
        pytest.skip(f"strace may not trace here: {done.stderr[-200:]!r}")
    return done.returncode, log.read_text(errors="replace").count('.onnx"')


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
@pytest.mark.parametrize("command", LOADING)
def test_no_command_opens_a_model_without_a_licence(
    unlicensed: Senseid, media: dict[str, Path], tmp_path: Path, command: str
) -> None:
    words = [word.format_map({**media, "port": free_port()}) for word in LOADING[command].split()]
    status, opened = models_opened(unlicensed, tmp_path / "strace.log", *words)
    # `doctor` has looked at everything else then, and says that something is wrong.
    assert (status, opened) == (1 if command == "doctor" else 4, 0)


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_with_licences_the_system_calls_show_the_models(
    senseid: Senseid, media: dict[str, Path], tmp_path: Path
) -> None:
    status, opened = models_opened(senseid, tmp_path / "strace.log", "compare", *[str(media["photo"])] * 2)
    assert status == 0
    assert opened >= 4
