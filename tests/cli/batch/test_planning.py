"""What results and templates are told apart by, beside the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid import installation
from senseid.batch_errors import ManifestError
from senseid_cli.batch.jobs import BatchSettings
from senseid_cli.batch.planning import make_plan, models_on
from senseid_engine import device
from senseid_engine.device import Device
from senseid_engine.photo_options import PhotoOptions

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_cli.batch.plan import Plan


def test_processors_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that give slightly other scores; what was made on the CPU before counts as ever."""
    monkeypatch.setattr(device, "installed_version", lambda _: None)
    assert models_on(Device.AUTO) == models_on(Device.CPU) == installation.models_digest()
    assert len({models_on(each) for each in (Device.CPU, Device.OPENVINO, Device.CUDA)}) == 3
    monkeypatch.setattr(device, "installed_version", lambda each: "1" if each is Device.CUDA else None)
    assert models_on(Device.AUTO) == models_on(Device.CUDA)


def list_in(folder: Path, lines: str) -> Plan:
    path = folder / "list.ndjson"
    path.write_text(lines)
    settings = BatchSettings(0.7, PhotoOptions())
    return make_plan(str(path), None, "compare", settings, installation.registry())


def test_the_same_list_in_another_folder_is_another_run(tmp_path: Path) -> None:
    """It names other photos, whose scores --resume must not mix with those of the first folder."""
    lines = '{"first": "anna.jpg", "second": "bert.jpg"}\n'
    one, other = tmp_path / "one", tmp_path / "other"
    one.mkdir()
    other.mkdir()
    link = tmp_path / "link"
    link.symlink_to(one)
    assert list_in(one, lines).facts() != list_in(other, lines).facts()
    assert list_in(one, lines).facts() == list_in(link, lines).facts()


def test_rows_none_of_which_can_be_used_are_not_called_none(tmp_path: Path) -> None:
    """Python prints a dictionary like this; to say that the list is empty would send its author astray."""
    with pytest.raises(ManifestError, match="no row that can be used, row 1: not an object of JSON"):
        list_in(tmp_path, "{'first': 'anna.jpg', 'second': 'bert.jpg'}\n" * 2)
    with pytest.raises(ManifestError, match="holds no rows"):
        list_in(tmp_path, "\n\n")
