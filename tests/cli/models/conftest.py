"""Fixtures and helpers of these tests."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
import typer
from typer.testing import CliRunner

from senseid import installation
from senseid_cli.commands import models
from senseid_engine.recognition import Recognition
from senseid_licensing.quickstart import quickstart
from senseid_models.entries import Asset
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from pathlib import Path

    from typer.testing import Result


RECOGNITION = Recognition("sface", curve="curve")


class Senseid:
    """Runs the command line in this process."""

    def __init__(self, app: typer.Typer) -> None:
        self._app = app

    def __call__(self, *words: str | Path, code: int = 0) -> Result:
        result = CliRunner().invoke(self._app, ["models", *map(str, words)], catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result


@pytest.fixture
def senseid(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Senseid:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.add_typer(models.app, name="models")
    return Senseid(app)


@pytest.fixture
def licensed(senseid: Senseid) -> None:
    store, context = installation.open_store()
    quickstart(store, context, licensee="tests", entropy=os.urandom, days=40)


def asset(folder: Path, name: str, data: bytes) -> Asset:
    path = folder / name
    path.write_bytes(data)
    return Asset(name, path, hashlib.sha256(data).hexdigest(), len(data), f"the {name}\nof a test")


@pytest.fixture
def builtin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """The models that are shipped, and data files of our own."""
    assets = asset(tmp_path, "recognition", RECOGNITION.dump()), asset(tmp_path, "notes", b"nobody")
    registry = replace(Registry.builtin(), assets=assets)
    monkeypatch.setattr(Registry, "builtin", lambda: registry)
    return registry


def names_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
