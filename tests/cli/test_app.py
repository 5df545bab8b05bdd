"""The frame of the command line, as a process of its own."""

from __future__ import annotations

import json
import os
import pkgutil
import pty
import pwd
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid.outcomes import ExitStatus
from senseid_cli import app as cli
from senseid_cli import commands
from tests.e2e.conftest import heed_sigint

if TYPE_CHECKING:
    from collections.abc import Sequence

HEAVY = {"numpy", "cv2", "onnxruntime", "rich", "cryptography", "PIL", "matplotlib", "psutil"}


def run(
    *words: str | bytes, home: Path | None = None, env: dict[str, str] | None = None, stdin: bytes = b""
) -> subprocess.CompletedProcess[bytes]:
    environment = {**os.environ, "SENSEID_HOME": str(home or "/nonexistent"), **(env or {})}
    return subprocess.run(
        [sys.executable, "-m", "senseid_cli", *words],
        input=stdin,
        capture_output=True,
        env=environment,
        check=False,
    )


@pytest.fixture(scope="module")
def licensed_home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    done = run("license", "quickstart", home=home)
    assert done.returncode == 0, done.stderr
    return home


def loaded_by(words: Sequence[str]) -> set[str]:
    """The modules that are loaded when a command has run."""
    script = "import sys\nfrom senseid_cli.app import run\nstatus = run(sys.argv[1:])\nprint('modules', *sys.modules)\n"
    done = subprocess.run([sys.executable, "-c", script, *words], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split()[1:])


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["--version"],
        ["license", "--help"],
        ["license", "issue", "--help"],
        ["compare", "--help"],
        ["omni", "--help"],
        ["encrypt", "--help"],
        ["key", "--help"],
        ["quality", "--help"],
        ["models", "calibrate", "--help"],
        ["schema", "license", "check"],
        ["compare", "a.jpg"],
    ],
    ids=" ".join,
)
def test_help_is_light(words: list[str]) -> None:
    modules = loaded_by(words)
    assert "typer" in modules
    assert not HEAVY & modules


@pytest.mark.parametrize(
    ("words", "imported"),
    [
        (["--help"], []),
        (["--version"], ["version"]),
        (["nope"], []),
        (["compare", "--help"], ["compare"]),
        (["--debug", "compare", "--help"], ["compare"]),
        (["license", "check"], ["license", "license_vendor"]),
    ],
    ids=str,
)
def test_only_the_called_command_is_imported(
    words: list[str], imported: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path))
    prefix = f"{commands.__name__}."
    found = [module.removeprefix(prefix) for module in loaded_by(words) if module.startswith(prefix)]
    assert sorted(found) == imported


def test_opening_a_network_on_the_cpu_imports_nothing(licensed_home: Path) -> None:
    """OpenCV is imported meanwhile, beside which no thread may import."""
    script = (
        "import sys\n"
        "from senseid import installation\n"
        "from senseid_engine.device import Device\n"
        "from senseid_engine.session import Session, load_runtime\n"
        "load_runtime()\n"
        "licences, registry = installation.verify_licences(), installation.registry()\n"
        "before = set(sys.modules)\n"
        "opened = Session.open(registry.get('sface'), licences, threads=1, device=Device.CPU)\n"
        "print(opened.device, sorted(set(sys.modules) - before))\n"
    )
    environment = {**os.environ, "SENSEID_HOME": str(licensed_home)}
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout == "cpu []\n"


def test_every_module_of_a_command_is_registered() -> None:
    parts = {"license_vendor", "models_calibrate", "models_import"}
    modules = {module.name for module in pkgutil.iter_modules(commands.__path__)}
    assert modules - parts == set(cli.COMMANDS)


def test_version() -> None:
    done = run("--version")
    assert re.fullmatch(rb"senseid \d+\.\d+\.\d+\n", done.stdout)


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["compare"], b"senseid: A is missing"),
        (["compare", "a"], b"senseid: B: the second photo is missing"),
        (["compare", "a", "b", "c"], b"senseid: c is more than `senseid compare A [B]` takes"),
        (["compare", "a", "b", "--nope"], b"senseid: `senseid compare` has no option --nope"),
        (["compare", "a", "b", "--threshold"], b"senseid: --threshold is the last word"),
        (["nope"], b"senseid: `senseid` has no command 'nope'"),
        (["compare", "-", "-"], b"cannot both be '-'"),
        (["omni", "-", "-"], b"cannot both be '-'"),
        *[
            (["compare", "a", "b", "--threshold", value], f"--threshold: {value!r} is not a number".encode())
            for value in ("-0.1", "1.1", "nan", "inf", "x", "")
        ],
        *[
            ([*words, name], f"{words[-1]}: {said}".encode())
            for words in (["batch", "a.csv", "--cache"], ["license", "issue", "--out"], ["serve", "--key-file"])
            for name, said in (("", "an empty word names no file"), ("-", "'-' is no standard stream here"))
        ],
        (["license", "install", ""], b"FILE...: an empty word names no file"),
        (["omni", "a", "b", "--draw", "x.jpg"], b"--draw: x.jpg does not end in .png"),
    ],
    ids=str,
)
def test_usage_errors(words: list[str], line: bytes) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == b""
    (only,) = done.stderr.splitlines()
    assert line in only


def test_a_wrong_value_from_the_environment_names_its_variable() -> None:
    assert b"SENSEID_DEVICE: 'cud' is none of" in run("compare", "a", "b", env={"SENSEID_DEVICE": "cud"}).stderr
    assert b"--device: 'cud'" in run("compare", "a", "b", "--device", "cud", env={"SENSEID_DEVICE": "cpu"}).stderr


def test_who_types_gpu_is_not_told_of_the_cpu() -> None:
    """They differ in one letter, and are opposites."""
    line = b"--device: 'gpu' is none of auto, cpu, openvino, cuda: type one"
    assert line in run("compare", "a", "b", "--device", "gpu").stderr
    assert b"did you mean `--device cuda`" in run("compare", "a", "b", "--device", "cud").stderr


def test_a_usage_error_as_json() -> None:
    done = run("compare", "a", "b", "--nope", "--json")
    assert done.returncode == 2
    body = json.loads(done.stdout)
    assert list(body) == ["code", "message", "request_id"]
    assert body["code"] == 1200
    assert body["message"] == f"invalid argument: {done.stderr.decode().strip().removeprefix('senseid: ')}"
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
    assert run("compare", "a", "b", "c", "--", "--json").stdout == b""  # a file of that name


@pytest.mark.parametrize("words", [[], ["license"], ["models"]], ids=str)
def test_a_command_group_alone_shows_its_help(words: list[str]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stdout == b""
    assert done.stderr.startswith(b"Usage: senseid")
    assert b"COMMAND" in done.stderr


def test_no_licence_is_one_line_with_the_way_out(tmp_path: Path) -> None:
    done = run("compare", "a.jpg", "b.jpg", "--json", home=tmp_path)
    assert done.returncode == 4
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("senseid: STID_E_FILE_NOT_FOUND (-7): ")
    assert "there is no licence for senseid_face" in line
    assert "senseid license quickstart" in line
    assert {**json.loads(done.stdout), "request_id": ""} == {
        "code": 500,
        "message": f"internal error: {line.removeprefix('senseid: ')}",
        "request_id": "",
    }


def test_no_licence_no_heavy_import(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path))
    assert not {"numpy", "cv2", "onnxruntime", "rich", "PIL"} & loaded_by(["compare", "a", "b"])


def test_no_home(tmp_path: Path) -> None:
    environment = {
        name: value for name, value in os.environ.items() if name not in {"HOME", "SENSEID_HOME", "XDG_DATA_HOME"}
    }
    command = [sys.executable, "-m", "senseid_cli", "compare", "a", "b"]
    done = subprocess.run(command, capture_output=True, env=environment, check=False)
    assert done.returncode in {3, 4}  # the user database knows a home; where it holds licences the photo is missing


def test_a_user_without_any_home(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    def unknown(_: int) -> None:
        raise KeyError

    for name in ("HOME", "SENSEID_HOME", "XDG_DATA_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert cli.run(["compare", "a", "b"]) == ExitStatus.USAGE == 2
    assert "set SENSEID_HOME" in capsys.readouterr().err


def test_a_bug_is_one_line_and_tells_no_secret(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken() -> None:
        raise RuntimeError("secret text")

    monkeypatch.setattr(cli.installation, "verify_licences", broken)
    assert cli.run(["compare", "a", "b", "--json"]) == ExitStatus.INTERNAL == 70
    shown = capsys.readouterr()
    assert json.loads(shown.out)["code"] == 500
    assert shown.err.count("\n") == 1
    assert "internal error (RuntimeError)" in shown.err
    assert "secret" not in shown.out + shown.err
    assert cli.run(["--debug", "compare", "a", "b"]) == ExitStatus.INTERNAL
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize("kind", [KeyboardInterrupt, EOFError])
def test_an_interrupt_in_a_command(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kind: type[BaseException]
) -> None:
    def interrupted() -> None:
        raise kind

    monkeypatch.setattr(cli.installation, "verify_licences", interrupted)
    assert cli.run(["compare", "a", "b", "--json"]) == ExitStatus.INTERRUPTED == 130
    shown = capsys.readouterr()
    assert shown.out == ""
    assert "Traceback" not in shown.err


def test_sigint_ends_with_130(licensed_home: Path) -> None:
    environment = {**os.environ, "SENSEID_HOME": str(licensed_home)}
    command = [sys.executable, "-m", "senseid_cli", "compare", "-", "b.jpg"]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        preexec_fn=heed_sigint,
    ) as process:
        wait_until_it_reads(process)
        process.send_signal(signal.SIGINT)
        # Leaves stdin open: it waits for a photo until the signal comes.
        assert process.wait(timeout=20) == 130
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.read() == b""
        assert b"Traceback" not in process.stderr.read()


def test_a_reader_that_leaves_early() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "senseid_cli", "--help"], stdout=writer, stderr=subprocess.PIPE, check=False
    )
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, b"")


def test_closed_stdout() -> None:
    command = 'exec "$0" -m senseid_cli --version >&-'
    done = subprocess.run(["/bin/sh", "-c", command, sys.executable], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_a_full_disk() -> None:
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "senseid_cli", "--version"], stdout=full, stderr=subprocess.PIPE, check=False
        )
    assert done.returncode == 70
    assert b"standard output cannot be written: no space left on device" in done.stderr
    assert b"Traceback" not in done.stderr
    assert b"Exception ignored" not in done.stderr


@pytest.mark.parametrize("locale", ["C", "POSIX", "C.UTF-8"])
@pytest.mark.parametrize("name", ["日本 ü.jpg".encode(), b"\xff\xfe.jpg", b"a\nsenseid: forged\x1b[2J"], ids=repr)
def test_odd_file_names_in_any_locale(licensed_home: Path, locale: str, name: bytes) -> None:
    done = run("compare", name, name, "--json", home=licensed_home, env={"LC_ALL": locale})
    assert done.returncode == 3
    assert json.loads(done.stdout)["code"] == 1200
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.endswith(b": no such file: check the path\n")
    assert b"\x1b" not in done.stderr


def test_a_terminal_of_another_encoding_shows_what_it_can(tmp_path: Path) -> None:
    leader, follower = pty.openpty()
    environment = {**os.environ, "SENSEID_HOME": str(tmp_path), "PYTHONIOENCODING": "ascii:strict"}
    done = subprocess.run(
        [sys.executable, "-m", "senseid_cli", "license", "check"],
        stdout=follower,
        stderr=subprocess.PIPE,
        env={**environment, "SENSEID_HOME": str(tmp_path / "ü")},
        check=False,
    )
    os.close(follower)
    os.close(leader)
    assert done.returncode == 4
    assert b"Traceback" not in done.stderr


def wait_until_it_reads(process: subprocess.Popen[bytes]) -> None:
    """Waits until the process, or the one that it waits for, sleeps in a read of its standard input."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("no /proc/PID/syscall here")
    for _ in range(400):
        for pid in (str(process.pid), *children.read_text().split()):
            words = Path(f"/proc/{pid}/syscall").read_text().split()
            if words[:2] == ["0", "0x0"]:
                return
        time.sleep(0.05)
    pytest.fail("it never read its standard input")
