"""Fixtures and helpers of these tests."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from senseid_cli.commands import license as license_command
from senseid_cli.commands import license_vendor, udid

if TYPE_CHECKING:
    from typer.testing import Result


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.add_typer(license_command.app, name="license")
    app.command("udid")(udid.udid)
    return app


class Senseid:
    """Runs the command line in this process, in a data directory and a working directory of its own."""

    def __init__(self, app: typer.Typer) -> None:
        self._app = app

    def __call__(self, *words: str, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(self._app, words, input=stdin, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    def objects(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*words, "--json", code=code).stdout.splitlines()]


@pytest.fixture
def senseid(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Senseid:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(license_vendor.PASSPHRASE_VARIABLE, raising=False)
    return Senseid(app)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def vendor(senseid: Senseid) -> Senseid:
    """A vendor's key that this machine trusts, and this machine's UDID.txt."""
    senseid("license", "keygen", "vendor.key", "--no-passphrase", "--trust")
    senseid("udid")
    return senseid


def issue(senseid: Senseid, *words: str) -> list[Path]:
    command = ("license", "issue", "--key", "vendor.key", "--licensee", "Acme", *words)
    return [Path(found["path"]) for found in senseid.objects(*command)]
