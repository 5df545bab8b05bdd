"""What an operator adds to the registry, and what it may not do."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest
import tomli_w

from senseid_models.additions import MANIFEST, added_names, with_additions
from senseid_models.errors import ManifestError
from senseid_models.registry import Registry
from tests.packs import write_manifest, write_pack


def add_model(folder: Path, name: str = "tiny") -> Path:
    """A model under its own folder; returns the ONNX file. Its manifest is still to be named."""
    (folder / name).mkdir(parents=True)
    return write_pack(folder / name, name=name)


def name_manifest(file: Path) -> None:
    file.with_suffix(".toml").rename(file.with_name(MANIFEST))


def add_asset(folder: Path, name: str, data: bytes = b"data") -> None:
    (folder / "data").mkdir(parents=True, exist_ok=True)
    (folder / "data" / "file").write_bytes(data)
    asset = {"name": name, "file": "file", "sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data), "about": "a"}
    (folder / "data" / MANIFEST).write_text(tomli_w.dumps({"format": 1, "asset": [asset]}))


def test_without_a_folder_nothing_is_added(tmp_path: Path) -> None:
    assert added_names(tmp_path / "none") == ()
    assert with_additions(Registry.builtin(), tmp_path / "none") == Registry.builtin()


def test_a_model_comes_after_those_that_are_there(tmp_path: Path) -> None:
    name_manifest(add_model(tmp_path))
    builtin, found = Registry.builtin(), with_additions(Registry.builtin(), tmp_path)
    assert added_names(tmp_path) == ("tiny",)
    assert found.entries[:-1] == builtin.entries
    assert found.assets == builtin.assets
    assert (found.get("tiny").path, found.get("tiny").licence) == (tmp_path / "tiny" / "tiny.onnx", "MIT")
    assert found.get("tiny").read() == (tmp_path / "tiny" / "tiny.onnx").read_bytes()


def test_a_data_file_takes_the_place_of_its_namesake(tmp_path: Path) -> None:
    add_asset(tmp_path, "score-curve", b"another curve")
    builtin, found = Registry.builtin(), with_additions(Registry.builtin(), tmp_path)
    assert [asset.name for asset in found.assets] == [asset.name for asset in builtin.assets]
    assert found.asset("score-curve").read() == b"another curve"
    assert found.asset("face-model") == builtin.asset("face-model")


def test_folders_without_a_manifest_and_hidden_drafts_add_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file").write_text("")
    name_manifest(add_model(tmp_path / ".draft", "new"))
    assert added_names(tmp_path) == ()


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        (
            {"kind": "liveness", "product": "senseid_liveness", "embedding": None},
            "adds a model of kind liveness: only embedding models",
        ),
        ({"id": "sface"}, "another model or data file is called sface"),
        ({"id": "face-model"}, "another model or data file is called face-model"),
        ({"product": "senseid_liveness"}, "must be senseid_face for a model of kind embedding"),
        ({"file": "../elsewhere.onnx"}, "a file name without a directory"),
    ],
)
def test_what_a_model_may_not_be(tmp_path: Path, changes: dict[str, str | None], problem: str) -> None:
    file = add_model(tmp_path)
    write_manifest(file, **changes)
    name_manifest(file)
    with pytest.raises(ManifestError, match=problem) as caught:
        with_additions(Registry.builtin(), tmp_path)
    assert str(tmp_path / "tiny" / MANIFEST) in caught.value.message
    assert caught.value.remedy == "`senseid models remove tiny`, then import it again"


def test_a_folder_that_cannot_be_read_is_no_empty_one(tmp_path: Path) -> None:
    folder = tmp_path / ("n" * 300)
    with pytest.raises(ManifestError, match=f"{folder}: cannot be read: ") as caught:
        with_additions(Registry.builtin(), folder)
    assert "permissions" in caught.value.remedy


def test_two_additions_cannot_share_a_name(tmp_path: Path) -> None:
    for name in ("one", "two"):
        file = add_model(tmp_path, name)
        write_manifest(file, id="same")
        name_manifest(file)
    with pytest.raises(ManifestError, match="another model or data file is called same"):
        with_additions(Registry.builtin(), tmp_path)


@pytest.mark.parametrize("name", ["second-curve", "liveness-fusion", "liveness-stills", "face-model"])
def test_a_data_file_whose_place_cannot_be_taken(tmp_path: Path, name: str) -> None:
    """One that nothing asks for; one of those that turn attacks into living people."""
    add_asset(tmp_path, name)
    with pytest.raises(ManifestError, match=f"there is no data file called {name} whose place can be taken"):
        with_additions(Registry.builtin(), tmp_path)


def test_the_manifest_of_the_guide_is_one(tmp_path: Path) -> None:
    guide = (Path(__file__).parents[2] / "docs" / "own-models.md").read_text(encoding="utf-8")
    text = guide.split("```toml\n")[1].split("```")[0].replace('"..."', f'"{"0" * 64}"')
    (tmp_path / "own").mkdir()
    (tmp_path / "own" / MANIFEST).write_text(text, encoding="utf-8")
    entry = with_additions(Registry.builtin(), tmp_path).get("face-512")
    assert (entry.embedding is not None and entry.embedding.size, entry.input.shape) == (512, (1, 3, 112, 112))
