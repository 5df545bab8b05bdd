"""`senseid doctor` as an operator sees it: a sound installation, and each way in which it can be unsound."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from senseid.version import __version__
from senseid_cli import app
from senseid_cli.commands import doctor
from senseid_cli.doctor import checkup
from senseid_cli.doctor.finding import Status, ok
from senseid_cli.doctor.licences import check_clock
from senseid_cli.output import terminal
from senseid_licensing.context import Context, context_here
from senseid_licensing.product import Product
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_licensing.verified import VerifiedLicences
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


class Doctor:
    """Runs the command in this process on one data directory."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.store = LicenceStore(home)
        self._app = typer.Typer(rich_markup_mode=None)
        self._app.command()(doctor.doctor)

    def __call__(self, *words: str) -> Result:
        return CliRunner().invoke(self._app, words, catch_exceptions=False)

    def report(self, *words: str) -> dict[str, Any]:
        (line,) = self("--json", *words).stdout.splitlines()
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def problems(self, *words: str) -> dict[str, str]:
        return {row["check"]: row["message"] for row in self.report(*words)["findings"] if row["status"] == "problem"}

    def lacks(self) -> dict[str, list[str]]:
        return {row["command"]: row["lacks"] for row in self.report()["commands"]}


def context(now: datetime) -> Context:
    return context_here(now=now, version=__version__)


def licensed(home: Path, now: datetime) -> None:
    quickstart(LicenceStore(home), context(now), licensee="test", entropy=os.urandom)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the process that loads the libraries, where it is not what is tested."""
    monkeypatch.setattr(checkup, "check_libraries", lambda _: ok("libraries", "load"))


@pytest.fixture
def sound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Doctor:
    """An installation with licences of its own."""
    home = tmp_path / "home"
    monkeypatch.setenv("SENSEID_HOME", str(home))
    monkeypatch.chdir(tmp_path)
    licensed(home, datetime.now(UTC))
    return Doctor(home)


def test_a_sound_installation(sound: Doctor) -> None:
    done = sound()
    assert done.exit_code == 0, done.output
    rows = [line.split("\t") for line in done.stdout.splitlines()]
    assert {row[0] for row in rows} <= {"ok", "note", "works", "lacks"}
    checks = [row[1] for row in rows]
    for check in ("cpu", "cores", "memory", "disk", "data directory", "clock", "models", "packages", "photos"):
        assert check in checks
    assert ["works", "compare"] in rows


@pytest.mark.usefixtures("quick")
def test_json_is_one_object(sound: Doctor) -> None:
    report = sound.report()
    assert report["ready"] is True
    assert report["version"] == __version__
    assert all(row["status"] != "problem" for row in report["findings"])
    assert sound.lacks()["omni"] == []


@pytest.mark.usefixtures("quick")
def test_nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "none"))
    bare = Doctor(tmp_path / "none")
    done = bare()
    assert done.exit_code == 1
    assert done.stdout.count("problem\tlicence senseid_") == 3
    assert "license quickstart" in done.stderr
    assert not bare.home.exists()  # a doctor only looks
    assert bare.lacks()["compare"] == [
        "senseid_face (STID_E_FILE_NOT_FOUND)",
        "senseid_kestrel (STID_E_FILE_NOT_FOUND)",
    ]
    assert bare.lacks()["batch"] == ["a licence that allows batch"]


@pytest.mark.usefixtures("quick")
@pytest.mark.parametrize("product", Product)
def test_a_product_without_licence_is_a_problem(sound: Doctor, product: Product) -> None:
    sound.store.path(product).unlink()
    done = sound()
    assert done.exit_code == 1
    assert list(sound.problems()) == [f"licence {product}"]
    assert f"problem\tlicence {product}\tSTID_E_FILE_NOT_FOUND (-7)" in done.stdout


@pytest.mark.usefixtures("quick")
def test_what_works_without_one_product(sound: Doctor) -> None:
    sound.store.path(Product.LIVENESS).unlink()
    assert sound.lacks()["liveness"] == ["senseid_liveness (STID_E_FILE_NOT_FOUND)"]
    assert sound.lacks()["verify"] == ["senseid_liveness (STID_E_FILE_NOT_FOUND)"]
    assert sound.lacks()["compare"] == sound.lacks()["serve"] == []


@pytest.mark.usefixtures("quick")
def test_a_broken_licence(sound: Doctor) -> None:
    path = sound.store.path(Product.FACE)
    path.write_bytes(path.read_bytes().replace(b'"test"', b'"best"'))
    assert "STID_E_INVALID_AUTH (-13)" in sound.problems()["licence senseid_face"]
    assert "senseid_face (STID_E_INVALID_AUTH)" in sound.lacks()["compare"]


@pytest.mark.usefixtures("quick")
def test_a_clock_that_was_set_back(sound: Doctor) -> None:
    later = datetime.now(UTC) + timedelta(days=2)
    sound.store.verify_all(context(later))
    problems = sound.problems()
    assert "was already seen" in problems["clock"]
    assert sound().exit_code == 1


def test_a_clock_that_cannot_be_right() -> None:
    for year in (1970, 2099):
        found = check_clock(VerifiedLicences({}, {}), datetime(year, 1, 1, tzinfo=UTC))
        assert (found.status, found.check) == (Status.PROBLEM, "clock")
        assert found.message == f"the clock shows {year}-01-01T00:00:00Z, which cannot be"


@pytest.mark.usefixtures("quick")
def test_a_licence_that_ends_soon_is_a_note(sound: Doctor, tmp_path: Path) -> None:
    quickstart(sound.store, context(datetime.now(UTC)), licensee="test", entropy=os.urandom, days=3)
    done = sound()
    assert done.exit_code == 0
    assert "note\tlicence senseid_face\texpiring" in done.stdout


@pytest.mark.usefixtures("quick")
@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX'")
def test_files_that_others_may_change_or_read(sound: Doctor) -> None:
    sound.store.roots_dir.chmod(0o777)
    assert "anybody may write it" in sound.problems()["data directory"]
    sound.store.roots_dir.chmod(0o755)
    sound.store.root_key_path.chmod(0o644)
    assert "others may read the root key" in sound.problems()["data directory"]


@pytest.mark.usefixtures("quick")
def test_a_data_directory_that_is_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"")
    monkeypatch.setenv("SENSEID_HOME", str(path))
    assert Doctor(path).problems()["data directory"].endswith("is no folder")


@pytest.mark.usefixtures("quick")
@pytest.mark.skipif(os.name != "posix" or os.geteuid() == 0, reason="root may read and write everything")
def test_a_data_directory_that_is_closed(sound: Doctor) -> None:
    sound.home.chmod(0)
    try:
        assert sound.problems()["data directory"].endswith("cannot be read")
    finally:
        sound.home.chmod(0o700)


@pytest.mark.usefixtures("quick")
def test_a_read_only_data_directory_is_a_note(sound: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: mode != os.W_OK and real(path, mode))
    assert "note\tdata directory" in sound().stdout


@pytest.mark.usefixtures("quick")
def test_a_model_of_other_bytes(sound: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    registry = Registry.builtin()
    entry = registry.get("sface")
    changed = replace(entry, path=tmp_path / "changed.onnx")
    changed.path.write_bytes(b"\0" * entry.size)
    asset = replace(registry.assets[0], path=tmp_path / "gone")
    fakes = Registry((changed,), (asset,))
    monkeypatch.setattr(Registry, "builtin", classmethod(lambda cls: fakes))
    rows = [row["message"] for row in sound.report()["findings"] if row["check"] == "models"]
    assert rows[0] == "0 files are those of the manifest"
    assert "sface" in rows[1]
    assert "gone" in rows[2]
    assert "a model of senseid_face" in sound.lacks()["compare"]


@pytest.mark.usefixtures("quick")
def test_a_damaged_manifest(sound: Doctor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def damaged(cls: type[Registry]) -> Registry:
        return Registry.load(tmp_path / "gone.toml")

    monkeypatch.setattr(Registry, "builtin", classmethod(damaged))
    assert "manifest" in sound.problems()["models"]


def test_models_of_a_product_without_licence_are_not_opened(sound: Doctor) -> None:
    sound.store.path(Product.FACE).unlink()
    program = (
        "import sys\n"
        "opened = []\n"
        "sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == 'open' else None)\n"
        "from senseid_cli.app import run\n"
        "run(['doctor'])\n"
        "print(*(path for path in opened if path.endswith('.onnx')), file=sys.stderr)\n"
    )
    env = {**os.environ, "COVERAGE_PROCESS_CONFIG": ""}  # threads that are measured do not get on with an audit hook
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=env, check=True)
    face = [entry.path.name for entry in Registry.builtin().entries if entry.product == Product.FACE]
    assert len(face) == 1
    assert "yunet.onnx" in done.stderr
    assert not any(name in done.stderr for name in face)
    assert "note\tmodels\t1 model not looked at: only senseid_face opens them" in done.stdout


def test_a_library_that_does_not_load_stops_the_codecs(sound: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    report = sound.report()
    assert report["ready"] is False
    assert "photos" not in [row["check"] for row in report["findings"]]


@pytest.mark.usefixtures("quick")
def test_a_terminal_gets_a_table(sound: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:

    monkeypatch.setattr(terminal, "terminal_width", lambda: 60)
    quickstart(sound.store, context(datetime.now(UTC)), licensee="test", entropy=os.urandom, days=3)
    text = sound().stdout
    assert "all is right" in text
    assert "license quickstart" in text
    assert all(len(line) <= 60 for line in text.splitlines())
    sound.store.path(Product.FACE).write_bytes(b"")
    assert "something has to be done" in sound().stdout


@pytest.mark.usefixtures("quick")
def test_after_an_upgrade(sound: Doctor, tmp_path: Path) -> None:
    old = tmp_path / "old"
    shutil.copytree(sound.home, old)
    (tmp_path / "old.env").write_text("HANDLERS=1\n")
    words = ("--upgraded-from", str(old), "--old-env-file", str(tmp_path / "old.env"))
    assert set(sound.problems(*words)) == {"carried settings"}
    (tmp_path / ".env").write_text("HANDLERS=1\n")
    assert sound.problems(*words) == {}
    shutil.rmtree(sound.home / "vendor")
    assert set(sound.problems(*words)) == {"carried over"}


@pytest.mark.usefixtures("quick")
def test_an_api_asks_its_workers(sound: Doctor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEID_ROLE", "api")
    monkeypatch.setenv("WORKER_IP", "127.0.0.1:1")
    assert set(sound.problems()) == {"worker"}


@pytest.mark.usefixtures("quick")
def test_a_licence_that_does_not_cover_this_version(sound: Doctor, tmp_path: Path) -> None:
    """What an upgrade can run into: the licence was carried over, and ends before the new version."""
    key, below = str(sound.store.root_key_path), __version__
    words = ["license", "issue", "--key", key, "--licensee", "Acme", "--any-machine", "--days", "9"]
    assert app.run([*words, "--product", "senseid_face", "--below-version", below, "--out", str(tmp_path)]) == 0
    (issued,) = tmp_path.glob("SENSEID_FACE_*.lic")
    issued.replace(sound.store.path(Product.FACE))
    assert "STID_E_VERSION_MISMATCH (-23)" in sound.problems()["licence senseid_face"]
