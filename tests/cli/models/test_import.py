"""`senseid models`: the registry and the calibration as an operator sees them."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_cli.commands import models_import
from senseid_models.presets import PRESETS
from tests import packs

if TYPE_CHECKING:
    from tests.cli.models.conftest import Senseid


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
    told = json.loads(done.stdout)
    assert told == {
        "code": 1000,
        "request_id": told["request_id"],
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


@pytest.mark.parametrize("words", [("embedding", "--preset", "sface"), ("embedding",), ("curve",)])
def test_a_folder_is_no_file_to_import(senseid: Senseid, network: Path, words: tuple[str, ...]) -> None:
    assert ". is a folder" in senseid("import", ".", "--as", *words, code=2).stderr


def test_a_file_without_a_name_that_a_model_could_have(senseid: Senseid, network: Path) -> None:
    network.rename("顔.onnx")
    done = senseid("import", "顔.onnx", "--as", "embedding", "--preset", "sface", code=2)
    assert "--id: '' is no name for a model" in " ".join(done.stderr.split())


def test_the_presets_are_those_of_the_registry() -> None:
    assert [str(preset) for preset in models_import.Preset] == list(PRESETS)
