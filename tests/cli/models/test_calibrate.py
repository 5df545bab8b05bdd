"""`senseid models`: the registry and the calibration as an operator sees them."""

from __future__ import annotations

import csv
import importlib.util
import json
import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from jsonschema import Draft202012Validator
from PIL import Image as Pillow

from senseid import installation
from senseid import models as opener
from senseid.command_shapes import schema_of_command
from senseid.errors import OutputError
from senseid_cli.output import terminal
from senseid_engine.calibration.provenance import ModelFile
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError, NoFaceError
from senseid_engine.recognition import Recognition
from senseid_engine.template import Template
from senseid_licensing.errors import LicensingError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from senseid_engine.device import Device
    from senseid_engine.image import Image
from tests.cli.models.conftest import Senseid, names_in

GRID = 8


@dataclass(frozen=True)
class PatternEngine:
    """Reads a pattern off a picture; black is no face."""

    photos_at_once: int = 2

    def encode_largest(self, image: Image) -> tuple[None, Template]:
        side = image.height // GRID
        grid = image.pixels[side // 2 :: side, side // 2 :: side, 0].astype(np.float32).ravel()
        if not grid.any():
            raise NoFaceError(image.name, "no face is found")
        grid -= grid.mean()
        return None, Template(grid / np.linalg.norm(grid))


def picture(person: int, photo: int) -> Pillow.Image:
    pattern = np.random.default_rng(person).normal(128, 40, (GRID, GRID))
    pattern += np.random.default_rng([person, photo]).normal(0, 25, (GRID, GRID))
    grey = np.clip(pattern, 1, 255).astype(np.uint8).repeat(5, 0).repeat(5, 1)
    return Pillow.fromarray(grey).convert("RGB")


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """40 people with 2 photos each; two photos more show no face, one is broken."""
    folder = tmp_path_factory.mktemp("sets") / "forty people"
    for person in range(40):
        name = folder / f"P{person:02}"
        name.mkdir(parents=True)
        for photo in (1, 2):
            picture(person, photo).save(name / f"{name.name}_{photo:04}.png")
    for person in (3, 4):
        Pillow.new("RGB", (40, 40)).save(folder / f"P{person:02}" / "dark.png")
    (folder / "P05" / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nbroken")
    return folder


@pytest.fixture
def engine(licensed: None, builtin: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opener, "open_engine", lambda licences, device, recognition: PatternEngine())


def test_calibrate_for_a_model(
    senseid: Senseid, licensed: None, people: Path, builtin: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(builtin.get("sface"), id="own", sha256="1" * 64)
    monkeypatch.setattr(Registry, "builtin", lambda: replace(builtin, entries=(*builtin.entries, own)))
    asked = []

    def open_engine(_: object, *, device: Device, recognition: Recognition) -> PatternEngine:
        asked.append(recognition)
        return PatternEngine()

    monkeypatch.setattr(opener, "open_engine", open_engine)
    senseid("calibrate", people, "--model", "own", "--out", "curve.toml")
    told = ScoreCurve.parse(Path("curve.toml").read_text(encoding="utf-8")).provenance
    assert asked == [Recognition("own", curve="curve")]
    assert told.model == ModelFile("own", "1" * 64)
    refused = senseid("calibrate", people, "--model", "yunet", "--out", "c.toml", code=2)
    assert "yunet is no embedding model" in refused.output


@pytest.mark.usefixtures("engine")
def test_calibrate_writes_a_curve_with_its_provenance(senseid: Senseid, people: Path, builtin: Registry) -> None:
    result = senseid("calibrate", people, "--out", "curve.toml", "--note", "for a test", "--seed", "5")
    curve = ScoreCurve.parse(Path("curve.toml").read_text(encoding="utf-8"))
    told = curve.provenance
    assert (told.set_name, told.note, told.seed) == ("forty people", "for a test", 5)
    assert told.made == installation.open_store()[1].now.date().isoformat()
    assert (told.photos, told.people, told.photos_without_face, told.photos_refused) == (80, 40, 2, 1)
    assert (told.genuine_pairs, told.impostor_pairs) == (40 + 3 * 2, 80 * 79 // 2 - 40)
    assert told.model == ModelFile("sface", builtin.get("sface").sha256)
    assert (told.exponent, told.groups) == (1.0, ())
    assert told.rates[0].fmr.value == pytest.approx(0.1, rel=0.05)
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [line[0] for line in lines[:6]] == ["0.4", "0.5", "0.6", "0.7", "0.8", "0.9"]
    assert [line[-1] for line in lines[:6]] == ["measured"] * 2 + ["extrapolated"] * 4
    assert ["photos", "80 of 40 people; 2 without a face, 1 refused"] in lines
    assert "note: 0.8 needs 1,000,000 pairs of different people, the set has 3,120: extrapolated" in result.stderr
    assert "note: 0.5" not in result.stderr
    assert result.stderr.endswith("written to curve.toml\n")
    assert names_in(Path()) == ["curve.toml"]


def two_folds() -> Path:
    """Pairs of `people` as LFW lists its own."""
    lines = ["2\t10"]
    for fold in (0, 10):
        lines += [f"P{p:02}\t1\t2" for p in range(fold, fold + 10)]
        lines += [f"P{p:02}\t1\tP{p + 20:02}\t2" for p in range(fold, fold + 10)]
    Path("pairs.txt").write_text("\n".join(lines), encoding="utf-8")
    return Path("pairs.txt")


@pytest.mark.usefixtures("engine")
@pytest.mark.parametrize("name", ["", " ", 'Zoë\'s "set"\t1'])
def test_whatever_the_set_is_called_the_curve_is_readable(senseid: Senseid, people: Path, name: str) -> None:
    odd = Path(" ")
    odd.symlink_to(people)
    senseid("calibrate", odd, "--out", "c.toml", "--name", name)
    told = ScoreCurve.parse(Path("c.toml").read_text(encoding="utf-8")).provenance
    assert told.set_name == {"": "forty people", " ": "unnamed"}.get(name, name.replace("\t", "\\t"))


@pytest.mark.usefixtures("engine")
def test_the_accuracy_over_folds_is_printed(senseid: Senseid, people: Path) -> None:
    out = senseid("calibrate", people, "--out", "c.toml", "--pairs", two_folds()).stdout
    assert out.splitlines()[-1].startswith("accuracy over 2 folds\t")


@pytest.mark.usefixtures("engine")
def test_calibrate_again_gives_the_same_bytes(senseid: Senseid, people: Path) -> None:
    senseid("calibrate", people, "--out", "a.toml", "--workers", "1")
    senseid("calibrate", people, "--out", "b.toml", "--workers", "3")
    assert Path("a.toml").read_bytes() == Path("b.toml").read_bytes()


@pytest.mark.usefixtures("engine")
def test_the_report(senseid: Senseid, people: Path) -> None:
    folds = two_folds()
    result = senseid(
        "calibrate", people, "--out", "c.toml", "--report", "report", "--pairs", folds, "--json", "--name", "$\n$"
    )
    body: dict[str, Any] = json.loads(result.stdout)
    Draft202012Validator(schema_of_command("models calibrate")).validate(body)
    kept = json.loads(Path("report/report.json").read_text(encoding="utf-8"))
    assert body == {"code": 1000, **kept, "request_id": body["request_id"]}
    assert body["set"] == "$\\n$"
    assert body["model"]["id"] == "sface"
    assert body["photos_without_face"] == ["P03/dark.png", "P04/dark.png"]
    assert [photo["photo"] for photo in body["photos_refused"]] == ["P05/broken.png"]
    assert body["accuracy"]["folds"] == 2
    assert body["accuracy"]["mean"] > 0.9
    assert [row["score"] for row in body["rates"]] == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert [row["extrapolated"] for row in body["rates"]] == [False, False, True, True, True, True]
    assert body["rates"][3]["promised_fmr"] == 1e-4
    assert body["rates"][0]["held_out_fmr"]["mean"] is None
    assert body["fnmr_at_fmr"][0]["fmr"] == 1e-2
    rows = list(csv.DictReader(Path("report/rates.csv").read_text(encoding="utf-8").splitlines()))
    assert len(rows) == 6
    for row, expected in zip(rows, body["rates"], strict=True):
        assert float(row["fmr_value"]) == expected["fmr"]["value"]
        assert float(row["fnmr_by_person_high"]) == expected["fnmr"]["by_person_high"]
        assert row["held_out_fmr_mean"] == ""
    for name in ("det.png", "roc.png"):
        with Pillow.open(Path("report") / name) as drawn:
            assert drawn.size == (840, 600)
            assert len(np.unique(np.asarray(drawn.convert("RGB")).reshape(-1, 3), axis=0)) > 20
    assert Path("report/det.png").read_bytes() != Path("report/roc.png").read_bytes()
    assert names_in(Path("report")) == ["det.png", "rates.csv", "report.html", "report.json", "roc.png"]
    page = Path("report/report.html").read_text(encoding="utf-8")
    assert "P05/broken.png" in page
    assert "needs 100,000 pairs of different people" in page
    assert result.stderr.endswith("written to c.toml and report\n")


@pytest.mark.usefixtures("engine")
def test_nothing_but_rates_and_given_names_is_written(senseid: Senseid, people: Path) -> None:
    result = senseid("calibrate", people, "--out", "c.toml", "--report", "report")
    files = [Path("c.toml"), Path("report/report.json"), Path("report/report.html")]
    written = "".join(file.read_text(encoding="utf-8") for file in files)
    for text in (written, result.output):
        assert "P07" not in text
    assert str(people) not in written


@pytest.mark.usefixtures("engine")
def test_the_table_on_a_terminal(senseid: Senseid, people: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(terminal, "terminal_width", lambda: 200)
    monkeypatch.setenv("COLUMNS", "200")
    out = senseid("calibrate", people, "--out", "c.toml").stdout
    assert "promised FMR" in out.splitlines()[0]
    assert "1e-04" in out


@pytest.mark.usefixtures("engine")
def test_a_csv_of_pairs(senseid: Senseid, people: Path) -> None:
    rows = [f"P{p:02}/P{p:02}_0001.png,P{p:02}/P{p:02}_0002.png,1" for p in range(40)]
    rows += [f"P{p:02}/P{p:02}_0001.png,P{q:02}/P{q:02}_0002.png,0" for p in range(40) for q in range(40) if p != q]
    pairs = people / "pairs.csv"
    pairs.write_text("\n".join(["first,second,same", *rows]), encoding="utf-8")
    senseid("calibrate", pairs, "--out", "c.toml")
    told = ScoreCurve.parse(Path("c.toml").read_text(encoding="utf-8")).provenance
    assert (told.set_name, told.genuine_pairs, told.impostor_pairs) == ("pairs.csv", 40, 1560)
    result = senseid("calibrate", pairs, "--out", "d.toml", "--pairs", "x.txt", code=2)
    assert "a set by itself" in result.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--out", "."], "--out: . is a folder"),
        (["--out", "nowhere/c.toml"], "--out: nowhere/c.toml is in a folder that does not exist"),
        (["--out", "there.txt"], "--out: there.txt is there already; --force overwrites it"),
        (["--out", "c.toml", "--report", "there.txt"], "--report: there.txt is a file, not a folder"),
        (["--out", "c.toml", "--report", "no/where"], "--report: no/where is in a folder that does not exist"),
        (["--out", "c.toml", "--report", "old"], "--report: old/rates.csv is there already"),
        (["--out", "x" * 300], "cannot be used (file name too long)"),
        (["--out", "c.toml", "--report", "x" * 300], "cannot be used (file name too long)"),
        (["--out", "pipe", "--force"], "--out: pipe is no regular file"),
        (["--out", "old/report.json", "--report", "old", "--force"], "old/report.json is also a file of the report"),
        (["--out", "there.txt", "--pairs", "there.txt", "--force"], "--out: there.txt is one of the inputs"),
    ],
)
def test_outputs_are_checked_before_the_work(senseid: Senseid, people: Path, words: list[str], problem: str) -> None:
    Path("there.txt").touch()
    Path("old").mkdir()
    Path("old/rates.csv").touch()
    os.mkfifo("pipe")
    result = senseid("calibrate", people, *words, code=2)
    assert problem in " ".join(result.stderr.split())


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--out", "people/P01/P01_0001.png"], "--out: people/P01/P01_0001.png is one of the inputs"),
        (["--out", "c.toml", "--report", "people/P01"], "--report: people/P01/det.png is one of the inputs"),
    ],
)
def test_photos_of_the_set_are_not_overwritten(senseid: Senseid, people: Path, words: list[str], problem: str) -> None:
    own = Path("own")
    shutil.copytree(people, own)
    Path("people").symlink_to(own)
    picture(1, 9).save(own / "P01" / "det.png")
    before = {path: path.read_bytes() for path in (own / "P01").iterdir()}
    result = senseid("calibrate", own, *words, "--force", code=2)
    assert problem in " ".join(result.stderr.split())
    assert {path: path.read_bytes() for path in (own / "P01").iterdir()} == before


@pytest.mark.usefixtures("engine")
def test_force_overwrites(senseid: Senseid, people: Path) -> None:
    Path("c.toml").write_text("old", encoding="utf-8")
    Path("report").mkdir()
    Path("report/rates.csv").write_text("old", encoding="utf-8")
    senseid("calibrate", people, "--out", "c.toml", "--report", "report", "--force")
    assert ScoreCurve.parse(Path("c.toml").read_text(encoding="utf-8"))
    assert Path("report/rates.csv").read_text(encoding="utf-8").startswith("score,")


def test_without_matplotlib_one_line_says_what_to_install(
    senseid: Senseid, people: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == "matplotlib" else real(name))
    result = senseid("calibrate", people, "--out", "c.toml", "--report", "report", code=2)
    assert "install the extra `report` of senseid" in " ".join(result.stderr.split())


@pytest.mark.usefixtures("engine")
def test_a_report_folder_that_cannot_be_made(senseid: Senseid, people: Path) -> None:
    Path("report").symlink_to("nowhere")
    with pytest.raises(OutputError, match="report cannot be made: file exists"):
        senseid("calibrate", people, "--out", "c.toml", "--report", "report")


def test_no_engine_is_opened_without_a_licence(senseid: Senseid, people: Path, builtin: Registry) -> None:
    with pytest.raises(LicensingError):
        senseid("calibrate", people, "--out", "c.toml")
    assert not Path("c.toml").exists()


@pytest.mark.usefixtures("engine")
def test_a_set_that_is_too_small_writes_nothing(senseid: Senseid, people: Path, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    for person in ("P01", "P02", "P03"):
        (small / person).symlink_to(people / person)
    with pytest.raises(CalibrationError, match="has 12 usable pairs of different people"):
        senseid("calibrate", small, "--out", "c.toml")
    assert names_in(Path()) == []
