"""What results and templates are told apart by, beside the plan."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid import installation
from senseid_cli.batch.planning import models_on
from senseid_engine import device
from senseid_engine.device import Device

if TYPE_CHECKING:
    import pytest


def test_processors_are_not_mixed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those that give slightly other scores; what was made on the CPU before counts as ever."""
    monkeypatch.setattr(device, "installed_version", lambda _: None)
    assert models_on(Device.AUTO) == models_on(Device.CPU) == installation.models_digest()
    assert len({models_on(each) for each in (Device.CPU, Device.OPENVINO, Device.CUDA)}) == 3
    monkeypatch.setattr(device, "installed_version", lambda each: "1" if each is Device.CUDA else None)
    assert models_on(Device.AUTO) == models_on(Device.CUDA)
