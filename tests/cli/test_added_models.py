"""Models and curves that an operator brings: what is refused, and that nothing is half there."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from senseid_cli import wiring
from senseid_cli.added_models import CURVE, Addition, curve_addition, model_addition, place, remove
from senseid_cli.exits import OutputError, RefusedError
from senseid_engine.calibration.provenance import Data, Provenance
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError, MediaNotFoundError
from senseid_engine.recognition import Recognition
from senseid_licensing.errors import LicenceMissingError
from senseid_licensing.quickstart import quickstart
from senseid_models.additions import MANIFEST, added_names
from senseid_models.errors import ManifestError, ModelCorruptError, ModelFileMissingError
from senseid_models.registry import Registry
from tests import packs

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences

BUILTIN = Registry.builtin()
SHIPPED = Recognition.load(BUILTIN)
MODELS = tuple(Data(part.model, BUILTIN.get(part.model).sha256) for part in SHIPPED.parts)
COHORT = Data("cohort", BUILTIN.asset("cohort").sha256)
MADE = Provenance("forty people", "2026-11-24", 40, 0, 0, 40, 1, 780, 0, None, MODELS, COHORT, (), None)


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    return tmp_path / "home"


@pytest.fixture
def licences() -> VerifiedLicences:
    store, context = wiring.open_store()
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
    place(addition, wiring.additions_dir(), overwrite=False)
    assert wiring.registry().get("tiny").read() == file.read_bytes()
    assert Registry.builtin() == BUILTIN


def test_the_digest_of_the_models_tells_an_import(tmp_path: Path, licences: VerifiedLicences) -> None:
    before = wiring.models_digest()
    place(model_addition(packs.write_pack(tmp_path), licences)[0], wiring.additions_dir(), overwrite=False)
    assert wiring.models_digest() != before


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
    packs.write_manifest(file, id="hse-faceres")
    with pytest.raises(ManifestError, match="another model or data file is called hse-faceres"):
        model_addition(file, licences)
    file.with_suffix(".toml").write_text("format = 1\n")
    with pytest.raises(ManifestError, match="must describe one model and no data file"):
        model_addition(file, licences)
    file.with_suffix(".toml").unlink()
    with pytest.raises(ManifestError, match="cannot be read"):
        model_addition(file, licences)


def test_without_a_licence_no_model_is_opened(tmp_path: Path) -> None:
    file = packs.write_pack(tmp_path)
    file.unlink()
    with pytest.raises(LicenceMissingError):
        model_addition(file, wiring.verify_licences())


# Curves.


def test_a_curve_for_the_models_that_come_with_senseid(tmp_path: Path) -> None:
    file = curve_file(tmp_path, MADE)
    addition, curve = curve_addition(file, wiring.registry())
    assert (addition.name, curve.provenance) == (CURVE, MADE)
    place(addition, wiring.additions_dir(), overwrite=False)
    registry = wiring.registry()
    assert registry.asset("score-curve").read() == file.read_bytes()
    assert "forty people" in registry.asset("score-curve").about
    assert registry.asset("recognition") == BUILTIN.asset("recognition")


def test_a_curve_for_an_imported_model_makes_faces_be_compared_by_it(
    tmp_path: Path, licences: VerifiedLicences
) -> None:
    addition, entry = model_addition(packs.write_pack(tmp_path), licences)
    place(addition, wiring.additions_dir(), overwrite=False)
    made = replace(MADE, models=(Data("tiny", entry.sha256),), cohort=None)
    place(curve_addition(curve_file(tmp_path, made), wiring.registry())[0], wiring.additions_dir(), overwrite=False)
    recognition = Recognition.load(wiring.registry())
    assert recognition == Recognition.plain("tiny", curve="score-curve")
    # Back to senseid's own: first the curve, then the model.
    with pytest.raises(RefusedError, match="faces are compared by tiny"):
        remove("tiny", wiring.additions_dir(), wiring.registry)
    for name in (CURVE, "tiny"):
        remove(name, wiring.additions_dir(), wiring.registry)
    assert wiring.registry() == BUILTIN


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"models": (Data("sface", "0" * 64),)}, "was made with a model sface that is not the one here"),
        ({"models": (Data("dlib-resnet", "0" * 64), MODELS[1])}, "a model dlib-resnet that is not the one here"),
        ({"cohort": Data("cohort", "0" * 64)}, "was made with another version of senseid"),
        ({"models": MODELS[::-1]}, "was made with another version of senseid"),
        ({"cohort": None}, "was made with another version of senseid"),
        ({"cohort": None, "own_cohort": 10}, "with cohorts of its own"),
    ],
)
def test_a_curve_that_would_mean_nothing_here(tmp_path: Path, changes: dict[str, Any], problem: str) -> None:
    with pytest.raises(RefusedError, match=problem) as caught:
        curve_addition(curve_file(tmp_path, replace(MADE, **changes)), wiring.registry())
    assert "make a" in caught.value.remedy


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
    place(Addition("one", {MANIFEST: b"first", "gone": b""}), folder, overwrite=False)
    with pytest.raises(RefusedError, match="one was imported before"):
        place(Addition("one", {MANIFEST: b"second"}), folder, overwrite=False)
    assert contents(folder) == {f"one/{MANIFEST}": b"first", "one/gone": b""}
    place(Addition("one", {MANIFEST: b"second"}), folder, overwrite=True)
    assert contents(folder) == {f"one/{MANIFEST}": b"second"}
    assert [path.name for path in folder.iterdir()] == ["one"]


def test_an_import_that_fails_leaves_what_was_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "additions"
    place(Addition("one", {MANIFEST: b"first"}), folder, overwrite=False)

    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OutputError, match="no space left on device"):
        place(Addition("one", {MANIFEST: b"second"}), folder, overwrite=True)
    assert contents(folder) == {f"one/{MANIFEST}": b"first"}
    assert [path.name for path in folder.iterdir()] == ["one"]


def test_removing_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match="no model or curve called two was imported") as caught:
        remove("two", tmp_path, wiring.registry)
    assert caught.value.remedy == "choose one of: (none)"
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").write_text("not an addition")
    for name in ("kept", "..", "kept/../kept"):
        with pytest.raises(RefusedError):
            remove(name, tmp_path, wiring.registry)
    assert (tmp_path / "kept" / "file").exists()


def test_a_broken_manifest_can_be_removed(home: Path) -> None:
    folder = wiring.additions_dir()
    for name in ("broken", CURVE):
        place(Addition(name, {MANIFEST: b"nonsense"}), folder, overwrite=False)
    with pytest.raises(ManifestError):
        wiring.registry()
    remove("broken", folder, wiring.registry)
    remove(CURVE, folder, wiring.registry)
    assert added_names(folder) == ()
    assert home.exists()
