import os
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path

import pytest

from senseid_models.entries import PRODUCT_OF, PackageSource, TrainedSource
from senseid_models.errors import ManifestError, ModelNotFoundError, ModelUnreadableError
from senseid_models.registry import LONGEST_MANIFEST, Registry

PACKAGE = Path(__file__).parents[2] / "models" / "senseid_models"
MAX_BYTES = 45_000_000


@pytest.fixture(scope="module")
def builtin() -> Registry:
    return Registry.builtin()


def test_every_file_is_what_the_manifest_says(builtin: Registry) -> None:
    for item in (*builtin.entries, *builtin.assets):
        assert len(item.read()) == item.size


def test_every_data_file_of_the_package_is_registered(builtin: Registry) -> None:
    registered = {item.path.name for item in (*builtin.entries, *builtin.assets)}
    shipped = {p.name for p in PACKAGE.iterdir() if p.is_file() and p.suffix not in {".py", ".typed"}}
    assert shipped - {"manifest.toml", "py.typed"} == registered


def test_the_committed_files_stay_small(builtin: Registry) -> None:
    assert sum(item.size for item in (*builtin.entries, *builtin.assets)) < MAX_BYTES


def test_every_model_says_its_licence_and_source(builtin: Registry) -> None:
    for entry in builtin.entries:
        assert entry.licence in {"MIT", "Apache-2.0", "CC0-1.0"}, entry.id
        assert entry.licence_source
        if isinstance(entry.source, TrainedSource):
            assert entry.rebuild == f"python -m {entry.source.script}"
            assert find_spec(entry.source.script) is not None
        else:
            assert isinstance(entry.source, PackageSource)
            assert entry.rebuild == f"python -m models.recipes.build {entry.id}"
        assert entry.product == PRODUCT_OF[entry.kind]


def test_every_model_is_named_in_the_notice(builtin: Registry) -> None:
    notice = (PACKAGE.parents[1] / "NOTICE").read_text(encoding="utf-8")
    for entry in builtin.entries:
        assert entry.path.name in notice


def test_the_models_of_one_comparison_are_there(builtin: Registry) -> None:
    assert [entry.kind for entry in builtin.entries][:3] == ["detector", "landmarks", "embedding"]


def test_no_file_names_the_host_of_a_registry(builtin: Registry) -> None:
    assert "://" not in (PACKAGE / "manifest.toml").read_text(encoding="utf-8")


def test_get_finds_by_id(builtin: Registry) -> None:
    assert builtin.get("sface").input.shape == ("batch", 3, 112, 112)


def test_an_unknown_id_lists_the_known_ones(builtin: Registry) -> None:
    with pytest.raises(ModelNotFoundError, match="'arcface'") as caught:
        builtin.get("arcface")
    assert "sface" in caught.value.remedy


def test_assets_are_found_by_name(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.toml"
    asset = f'[[asset]]\nname = "curve"\nfile = "c.toml"\nsha256 = "{"0" * 64}"\nbytes = 1\nabout = "a curve"\n'
    manifest.write_text(f"format = 1\n{asset}", encoding="utf-8")
    registry = Registry.load(manifest)
    assert registry.asset("curve").path == tmp_path / "c.toml"
    with pytest.raises(ModelNotFoundError) as caught:
        registry.asset("cohort")
    assert caught.value.remedy == "choose one of: curve"


def test_loading_opens_no_model(tmp_path: Path) -> None:
    manifest = tmp_path / "manifest.toml"
    manifest.write_bytes((PACKAGE / "manifest.toml").read_bytes())
    assert Registry.load(manifest).get("yunet").path == tmp_path / "yunet.onnx"


def test_a_missing_manifest_is_named(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match=r"nowhere\.toml: cannot be read: No such file"):
        Registry.load(tmp_path / "nowhere.toml")


def test_a_manifest_that_never_ends_is_not_read(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.toml")
    with pytest.raises(ManifestError, match="it is not a regular file"):
        Registry.load(tmp_path / "pipe.toml")
    (tmp_path / "long.toml").write_bytes(b"#" * (LONGEST_MANIFEST + 1))
    with pytest.raises(ManifestError, match="is longer than 1 MiB"):
        Registry.load(tmp_path / "long.toml")


def test_a_pipe_in_place_of_a_model_is_not_waited_for(builtin: Registry, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "model.onnx")
    with pytest.raises(ModelUnreadableError, match="it is not a regular file"):
        replace(builtin.entries[0], path=tmp_path / "model.onnx").read()
