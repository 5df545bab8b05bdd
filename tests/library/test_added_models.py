"""Models and curves that an operator brings: what is refused, and that nothing is half there."""

from __future__ import annotations

import hashlib
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from senseid import added_models, installation
from senseid.added_models import (
    CURVE,
    NOT_STATED,
    Addition,
    curve_addition,
    model_addition,
    place,
    preset_addition,
    remove,
)
from senseid.errors import OutputError, RefusedError
from senseid_engine.calibration.provenance import ModelFile, Provenance
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError, MediaNotFoundError, MediaUnreadableError, ModelError
from senseid_engine.recognition import Recognition
from senseid_licensing.errors import LicenceMissingError
from senseid_licensing.quickstart import quickstart
from senseid_models.additions import MANIFEST, added_names
from senseid_models.entries import OperatorSource
from senseid_models.errors import ManifestError, ModelCorruptError, ModelFileMissingError
from senseid_models.registry import Registry
from tests import packs

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences

BUILTIN = Registry.builtin()
SHIPPED = Recognition.load(BUILTIN)
MODEL = ModelFile(SHIPPED.model, BUILTIN.get(SHIPPED.model).sha256)
FIRST, SECOND = b"format = 1\n", b"format = 1\n# again\n"
MADE = Provenance("forty people", "2026-11-24", 40, 0, 0, 40, 1, 780, 0, MODEL, (), None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def licences() -> VerifiedLicences:
    store, context = installation.open_store()
    quickstart(store, context, licensee="tests", entropy=os.urandom)
    return store.verify_all(context)


def curve_file(folder: Path, made: Provenance) -> Path:
    path = folder / "people.toml"
    path.write_text(ScoreCurve(((0.0, 0.1), (1.0, 4.0)), 3.0, 0.6, made).dump())
    return path


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


# Models.


@pytest.mark.parametrize("suffix", [".onnx", ".toml"])
def test_a_model_is_named_by_its_file_or_its_manifest(tmp_path: Path, licences: VerifiedLicences, suffix: str) -> None:
    file = packs.write_pack(tmp_path)
    addition, entry = model_addition(file.with_suffix(suffix), licences)
    assert (addition.name, entry.id, entry.licence) == ("tiny", "tiny", "MIT")
    assert addition.files == {MANIFEST: file.with_suffix(".toml").read_bytes(), "tiny.onnx": file.read_bytes()}
    place(addition, installation.additions_dir(), overwrite=False)
    assert installation.registry().get("tiny").read() == file.read_bytes()
    assert Registry.builtin() == BUILTIN


def test_the_digest_of_the_models_tells_an_import(tmp_path: Path, licences: VerifiedLicences) -> None:
    before = installation.models_digest()
    place(model_addition(packs.write_pack(tmp_path), licences)[0], installation.additions_dir(), overwrite=False)
    assert installation.models_digest() != before


def test_a_model_whose_bytes_are_not_those_of_its_manifest(tmp_path: Path, licences: VerifiedLicences) -> None:
    file = packs.write_pack(tmp_path)
    file.write_bytes(file.read_bytes()[:-1] + b"!")
    with pytest.raises(ModelCorruptError, match="has SHA-256"):
        model_addition(file, licences)
    file.unlink()
    with pytest.raises(ModelFileMissingError):
        model_addition(file, licences)


def test_a_manifest_that_is_not_of_one_new_embedding_model(tmp_path: Path, licences: VerifiedLicences) -> None:
    file = packs.write_pack(tmp_path)
    packs.write_manifest(file, id="sface")
    with pytest.raises(ManifestError, match="another model or data file is called sface"):
        model_addition(file, licences)
    file.with_suffix(".toml").write_text("format = 1\n")
    with pytest.raises(ManifestError, match="must describe one model and no data file"):
        model_addition(file, licences)


def test_without_a_manifest_the_presets_are_named(tmp_path: Path, licences: VerifiedLicences) -> None:
    file = packs.write_pack(tmp_path)
    file.with_suffix(".toml").unlink()
    with pytest.raises(RefusedError, match=r"^there is no manifest .*tiny\.toml$") as caught:
        model_addition(file, licences)
    assert "--preset (sface, arcface, facenet)" in caught.value.remedy
    with pytest.raises(ManifestError, match="cannot be read: No such file"):
        model_addition(file.with_suffix(".toml"), licences)
    file.with_suffix(".toml").mkdir()
    with pytest.raises(ManifestError, match="cannot be read: Is a directory"):
        model_addition(file, licences)


def test_without_a_licence_no_model_is_opened(tmp_path: Path) -> None:
    file = packs.write_pack(tmp_path)
    file.unlink()
    with pytest.raises(LicenceMissingError):
        model_addition(file, installation.verify_licences())


def test_a_model_that_computes_for_ever(
    tmp_path: Path, licences: VerifiedLicences, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = packs.write_pack(tmp_path)
    file.write_bytes(packs.endless())
    packs.write_manifest(file)
    monkeypatch.setattr(added_models, "TRIAL_SECONDS", 1.0)
    with pytest.raises(
        ModelError, match=r"^model tiny: it did not look at two chips within 1 seconds, and was stopped$"
    ):
        model_addition(file, licences)


def test_a_model_file_that_would_take_the_name_of_the_manifest(tmp_path: Path, licences: VerifiedLicences) -> None:
    file = packs.write_pack(tmp_path)
    file.with_name(MANIFEST).write_bytes(file.read_bytes())
    packs.write_manifest(file, file=MANIFEST)
    addition, _ = model_addition(file, licences)
    with pytest.raises(RefusedError, match="tiny cannot be imported, since it could not be read again"):
        place(addition, installation.additions_dir(), overwrite=False)
    assert contents(installation.additions_dir()) == {}


# Models by a preset.


def published(folder: Path, name: str = "Face Net_v1.onnx", **what: Any) -> Path:
    """A network of 112x112 pixels, as a maker publishes it."""
    file = folder / name
    shape = what.pop("shape", (1, 3, 112, 112))
    file.write_bytes(packs.network(shape=shape, output=(1, packs.SIZE), values=3 * 112 * 112, listed=True, **what))
    return file


def test_a_preset_takes_the_place_of_a_manifest(tmp_path: Path, licences: VerifiedLicences) -> None:
    file = published(tmp_path, names=("data", "fc1"))
    addition, entry = preset_addition(file, "sface", "own", "CC-BY-4.0", licences)
    assert (entry.id, entry.licence, entry.licence_source) == ("own", "CC-BY-4.0", "said at the import")
    assert entry.source == OperatorSource("Face Net_v1.onnx, by the preset sface")
    assert (entry.sha256, entry.size) == (hashlib.sha256(file.read_bytes()).hexdigest(), file.stat().st_size)
    assert (entry.input.name, entry.input.shape, entry.input.mean) == ("data", (1, 3, 112, 112), (0.0, 0.0, 0.0))
    place(addition, installation.additions_dir(), overwrite=False)
    imported = installation.registry().get("own")
    assert imported == replace(entry, path=installation.additions_dir() / "own" / "own.onnx")
    assert imported.read() == file.read_bytes()


def test_a_licence_that_nobody_stated_is_recorded_as_such(tmp_path: Path, licences: VerifiedLicences) -> None:
    _, entry = preset_addition(published(tmp_path), "arcface", "own", "", licences)
    assert (entry.licence, entry.licence_source) == (NOT_STATED, "nothing was said at the import")
    assert entry.input.scale == (1 / 127.5,) * 3


def test_a_preset_and_a_manifest_are_one_too_many(tmp_path: Path, licences: VerifiedLicences) -> None:
    file = published(tmp_path)
    file.with_suffix(".toml").write_text("format = 1\n")
    with pytest.raises(RefusedError, match=r"has the manifest .* beside it"):
        preset_addition(file, "sface", "own", "", licences)


@pytest.mark.parametrize("name", ["sface", "score-curve"])
def test_a_preset_takes_no_name_of_senseid(tmp_path: Path, licences: VerifiedLicences, name: str) -> None:
    with pytest.raises(RefusedError, match=f"a model or data file of senseid is called {name}") as caught:
        preset_addition(published(tmp_path), "sface", name, "", licences)
    assert caught.value.remedy == "--id gives another name"


def test_what_a_preset_cannot_take(tmp_path: Path, licences: VerifiedLicences) -> None:
    with pytest.raises(ModelError, match=r"^model own: its input face is \[1, 3, 112, 112\], the preset's"):
        preset_addition(published(tmp_path), "facenet", "own", "", licences)
    with pytest.raises(ModelError, match="embeddings of two different chips are the same"):
        preset_addition(published(tmp_path, scale=0.0), "sface", "own", "", licences)
    with pytest.raises(MediaNotFoundError):
        preset_addition(tmp_path / "none.onnx", "sface", "own", "", licences)
    with pytest.raises(MediaUnreadableError, match="is a directory: name a model in it"):
        preset_addition(tmp_path, "sface", "own", "", licences)
    with pytest.raises(MediaUnreadableError, match="file name too long"):
        preset_addition(Path("x" * 300), "sface", "own", "", licences)


@pytest.mark.parametrize("name", ["in\nput", " ", "i" * 2**20])
def test_a_name_in_a_graph_that_no_manifest_may_hold(tmp_path: Path, licences: VerifiedLicences, name: str) -> None:
    """It was imported, and every command failed from then on."""
    addition, _ = preset_addition(published(tmp_path, names=(name, "fc1")), "sface", "own", "", licences)
    with pytest.raises(RefusedError, match=r"^own cannot be imported, since it could not be read again: "):
        place(addition, installation.additions_dir(), overwrite=False)
    assert installation.registry() == BUILTIN


def test_without_a_licence_a_preset_opens_nothing(tmp_path: Path) -> None:
    with pytest.raises(LicenceMissingError):
        preset_addition(tmp_path / "none.onnx", "sface", "own", "", installation.verify_licences())


# Curves.


def test_a_curve_for_the_models_that_come_with_senseid(tmp_path: Path) -> None:
    file = curve_file(tmp_path, MADE)
    addition, curve = curve_addition(file, installation.registry())
    assert (addition.name, curve.provenance) == (CURVE, MADE)
    place(addition, installation.additions_dir(), overwrite=False)
    registry = installation.registry()
    assert registry.asset("score-curve").read() == file.read_bytes()
    assert "forty people" in registry.asset("score-curve").about
    assert registry.asset("recognition") == BUILTIN.asset("recognition")


def test_a_curve_for_an_imported_model_makes_faces_be_compared_by_it(
    tmp_path: Path, licences: VerifiedLicences
) -> None:
    addition, entry = model_addition(packs.write_pack(tmp_path), licences)
    place(addition, installation.additions_dir(), overwrite=False)
    made = replace(MADE, model=ModelFile("tiny", entry.sha256))
    place(
        curve_addition(curve_file(tmp_path, made), installation.registry())[0],
        installation.additions_dir(),
        overwrite=False,
    )
    recognition = Recognition.load(installation.registry())
    assert recognition == Recognition("tiny", curve="score-curve")
    # Back to senseid's own: first the curve, then the model.
    with pytest.raises(RefusedError, match="faces are compared by tiny"):
        remove("tiny", installation.additions_dir(), installation.registry)
    for name in (CURVE, "tiny"):
        remove(name, installation.additions_dir(), installation.registry)
    assert installation.registry() == BUILTIN


@pytest.mark.parametrize("model", [ModelFile("arcface", "0" * 64), ModelFile(SHIPPED.model, "0" * 64)])
def test_a_curve_that_would_mean_nothing_here(tmp_path: Path, model: ModelFile) -> None:
    with pytest.raises(RefusedError, match=f"was made with a model {model.id} that is not the one here") as caught:
        curve_addition(curve_file(tmp_path, replace(MADE, model=model)), installation.registry())
    assert "make a new curve" in caught.value.remedy


def test_a_curve_of_an_earlier_senseid(tmp_path: Path) -> None:
    file = curve_file(tmp_path, MADE)
    file.write_text(file.read_text().replace("format = 2", "format = 1"))
    with pytest.raises(CalibrationError, match="format is 1; this senseid knows 2: make the curve again"):
        curve_addition(file, BUILTIN)


def test_what_is_no_curve(tmp_path: Path) -> None:
    file = tmp_path / "curve.toml"
    with pytest.raises(MediaNotFoundError):
        curve_addition(file, BUILTIN)
    curve = curve_file(tmp_path, MADE).read_bytes()
    for data in (b"", b"\xff", b"format = 1\n", curve + b"#" * (1 << 20)):
        file.write_bytes(data)
        with pytest.raises(CalibrationError) as caught:
            curve_addition(file, BUILTIN)
        assert str(caught.value).startswith(f"{file}: is ")


@pytest.mark.parametrize("name", ["", ".", "/"])
def test_a_folder_is_no_model(licences: VerifiedLicences, name: str) -> None:
    with pytest.raises(ManifestError, match="cannot be read"):
        model_addition(Path(name), licences)


# Placing and removing.


def test_what_was_imported_is_replaced_only_when_asked(tmp_path: Path) -> None:
    folder = tmp_path / "additions"
    place(Addition("one", {MANIFEST: FIRST, "gone": b""}), folder, overwrite=False)
    with pytest.raises(RefusedError, match="one was imported before"):
        place(Addition("one", {MANIFEST: SECOND}), folder, overwrite=False)
    assert contents(folder) == {f"one/{MANIFEST}": FIRST, "one/gone": b""}
    place(Addition("one", {MANIFEST: SECOND}), folder, overwrite=True)
    assert contents(folder) == {f"one/{MANIFEST}": SECOND}
    assert [path.name for path in folder.iterdir()] == ["one"]


def test_an_import_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "additions"
    place(Addition("one", {MANIFEST: FIRST}), folder, overwrite=False)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left on device"):
        place(Addition("one", {MANIFEST: SECOND}), folder, overwrite=True)
    assert contents(folder) == {f"one/{MANIFEST}": FIRST}
    assert [path.name for path in folder.iterdir()] == ["one"]


def test_removing_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no model or curve called two was imported") as caught:
        remove("two", tmp_path, installation.registry)
    assert caught.value.remedy == "choose one of: (none)"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("not an addition")
    for name in ("kept", "..", "kept/../kept"):
        with pytest.raises(RefusedError):
            remove(name, tmp_path, installation.registry)
    assert (tmp_path / "kept" / "file").exists()


def test_a_broken_manifest_can_be_removed(home: Path) -> None:
    folder = installation.additions_dir()
    for name in ("broken", CURVE):
        (folder / name).mkdir(parents=True)
        (folder / name / MANIFEST).write_text("nonsense")
    with pytest.raises(ManifestError):
        installation.registry()
    remove("broken", folder, installation.registry)
    remove(CURVE, folder, installation.registry)
    assert added_names(folder) == ()
    assert home.exists()
