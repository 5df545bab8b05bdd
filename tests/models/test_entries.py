import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from senseid_models.entries import Asset
from senseid_models.errors import ModelCorruptError, ModelExpiredError, ModelFileMissingError, ModelUnreadableError
from senseid_models.registry import MeshTemplate, Registry

CONTENT = b"sixteen bytes ok"


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    path = tmp_path / "cohort.npz"
    path.write_bytes(CONTENT)
    return Asset("cohort", path, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "strangers")


def test_read_returns_the_bytes_that_were_checked(asset: Asset) -> None:
    assert asset.read() == CONTENT


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"!", CONTENT * 1000, b"S" + CONTENT[1:]])
def test_other_bytes_are_refused(asset: Asset, content: bytes) -> None:
    asset.path.write_bytes(content)
    with pytest.raises(ModelCorruptError) as caught:
        asset.read()
    assert (caught.value.name, caught.value.path) == ("cohort", asset.path)


def test_the_message_says_which_length_was_found(asset: Asset) -> None:
    asset.path.write_bytes(CONTENT + b"!")
    with pytest.raises(ModelCorruptError, match="has more than 16 bytes, the manifest says 16"):
        asset.read()
    asset.path.write_bytes(CONTENT[:3])
    with pytest.raises(ModelCorruptError, match="has 3 bytes, the manifest says 16"):
        asset.read()


def test_a_missing_file_is_named(asset: Asset) -> None:
    asset.path.unlink()
    with pytest.raises(ModelFileMissingError, match=r"cohort.*there is no file .*cohort\.npz") as caught:
        asset.read()
    assert caught.value.path == asset.path


def test_a_directory_is_no_file(asset: Asset) -> None:
    asset.path.unlink()
    asset.path.mkdir()
    with pytest.raises(ModelUnreadableError):
        asset.read()


def test_an_entry_reads_like_an_asset(tmp_path: Path) -> None:
    entry = replace(Registry.builtin().get("mtcnn-pnet"), path=tmp_path / "gone.onnx")
    with pytest.raises(ModelFileMissingError, match="mtcnn-pnet"):
        entry.read()


def test_a_model_may_be_used_until_the_end_of_its_last_day() -> None:
    entry = Registry.builtin().get("mtcnn-pnet")
    entry.check_usable(date(2999, 1, 1))
    ending = replace(entry, last_day=date(2027, 3, 31))
    ending.check_usable(date(2027, 3, 31))
    with pytest.raises(ModelExpiredError, match="model mtcnn-pnet: it may be used until 2027-03-31") as caught:
        ending.check_usable(date(2027, 4, 1))
    assert caught.value.last_day == date(2027, 3, 31)


def test_the_template_lands_on_the_pixels_of_the_input() -> None:
    template = MeshTemplate(mesh_points=((33, 133), (2,)), points=((0.25, 0.3), (0.5, 0.8)), paddings=(0.25, 0.0))
    loose, tight = template.targets(150)
    assert loose == (pytest.approx((50.0, 55.0)), pytest.approx((75.0, 105.0)))
    assert tight == (pytest.approx((37.5, 45.0)), pytest.approx((75.0, 120.0)))


def test_size_is_height_and_width_in_either_layout() -> None:
    contract = Registry.builtin().get("dlib-resnet").input
    assert contract.size == (150, 150)
    assert replace(contract, layout="NHWC", shape=("batch", "rows", 80, 3)).size == ("rows", 80)
