import hashlib
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from senseid_models.entries import Asset
from senseid_models.errors import ModelCorruptError, ModelExpiredError, ModelFileMissingError, ModelUnreadableError
from senseid_models.registry import Registry

CONTENT = b"sixteen bytes ok"


@pytest.fixture
def asset(tmp_path: Path) -> Asset:
    path = tmp_path / "curve.toml"
    path.write_bytes(CONTENT)
    return Asset("curve", path, hashlib.sha256(CONTENT).hexdigest(), len(CONTENT), "a curve")


def test_read_returns_the_bytes_that_were_checked(asset: Asset) -> None:
    assert asset.read() == CONTENT


@pytest.mark.parametrize("content", [b"", CONTENT[:-1], CONTENT + b"!", CONTENT * 1000, b"S" + CONTENT[1:]])
def test_other_bytes_are_refused(asset: Asset, content: bytes) -> None:
    asset.path.write_bytes(content)
    with pytest.raises(ModelCorruptError) as caught:
        asset.read()
    assert caught.value.message.startswith(f"model curve: {asset.path} has ")


def test_the_message_says_which_length_was_found(asset: Asset) -> None:
    asset.path.write_bytes(CONTENT + b"!")
    with pytest.raises(ModelCorruptError, match="has more than 16 bytes, the manifest says 16"):
        asset.read()
    asset.path.write_bytes(CONTENT[:3])
    with pytest.raises(ModelCorruptError, match="has 3 bytes, the manifest says 16"):
        asset.read()


def test_a_missing_file_is_named(asset: Asset) -> None:
    asset.path.unlink()
    with pytest.raises(ModelFileMissingError, match=r"curve.*there is no file .*curve\.toml"):
        asset.read()


def test_a_directory_is_no_file(asset: Asset) -> None:
    asset.path.unlink()
    asset.path.mkdir()
    with pytest.raises(ModelUnreadableError):
        asset.read()


def test_an_entry_reads_like_an_asset(tmp_path: Path) -> None:
    entry = replace(Registry.builtin().get("yunet"), path=tmp_path / "gone.onnx")
    with pytest.raises(ModelFileMissingError, match="yunet"):
        entry.read()


def test_a_model_may_be_used_until_the_end_of_its_last_day() -> None:
    entry = Registry.builtin().get("yunet")
    entry.check_usable(date(2999, 1, 1))
    ending = replace(entry, last_day=date(2027, 3, 31))
    ending.check_usable(date(2027, 3, 31))
    with pytest.raises(ModelExpiredError, match="model yunet: it may be used until 2027-03-31"):
        ending.check_usable(date(2027, 4, 1))


def test_size_is_height_and_width_in_either_layout() -> None:
    contract = Registry.builtin().get("sface").input
    assert contract.size == (112, 112)
    assert replace(contract, layout="NHWC", shape=("batch", "rows", 80, 3)).size == ("rows", 80)
