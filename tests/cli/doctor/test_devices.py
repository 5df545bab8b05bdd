"""What `senseid doctor` says about the processors that networks run on."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pytest

from senseid import devices
from senseid.devices import Tried, used
from senseid_cli.doctor import devices as checks
from senseid_cli.doctor.devices import check_devices, chosen_device
from senseid_cli.doctor.finding import Status
from senseid_engine import device
from senseid_engine.device import Device
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences
    from senseid_service.settings import Settings

NONE = cast("VerifiedLicences", None)


def tried(each: Device, reason: str = "") -> Tried:
    return Tried(each, f"package of {each} 1.2", 5, 2e-6, reason)


def found(monkeypatch: pytest.MonkeyPatch, asked: Device, *results: Tried) -> dict[str, tuple[Status, str]]:
    monkeypatch.setattr(checks, "check_installed", lambda _: None)
    monkeypatch.setattr(checks, "try_devices", lambda *_: list(results))
    return {each.check: (each.status, each.message) for each in check_devices(asked, Registry.builtin(), NONE)}


def test_where_models_run() -> None:
    both = [tried(Device.OPENVINO), tried(Device.CUDA)]
    assert used(Device.AUTO, []) is Device.CPU
    assert used(Device.AUTO, both[:1]) is Device.CPU
    assert used(Device.AUTO, both) is Device.CUDA
    assert used(Device.AUTO, [tried(Device.CUDA, "no driver")]) is Device.CPU
    assert used(Device.OPENVINO, both) is Device.OPENVINO


def test_what_is_asked_for() -> None:
    assert chosen_device({}, None) is Device.AUTO
    assert chosen_device({"SENSEID_DEVICE": "CUDA"}, None) is Device.CUDA
    assert chosen_device({"SENSEID_DEVICE": "tpu"}, None) is Device.AUTO

    class OfFile:
        device = Device.OPENVINO

    assert chosen_device({}, cast("Settings", OfFile())) is Device.OPENVINO


def test_only_the_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    assert found(monkeypatch, Device.AUTO) == {
        "device": (Status.OK, "auto: every model runs on CPUExecutionProvider; installed: cpu")
    }


def test_another_that_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    told = found(monkeypatch, Device.OPENVINO, tried(Device.OPENVINO))
    assert "OpenVINOExecutionProvider; installed: cpu, openvino" in told["device"][1]
    status, message = told["device openvino"]
    assert status is Status.OK
    assert "package of openvino 1.2: 5 models" in message


@pytest.mark.parametrize(("asked", "status"), [(Device.CUDA, Status.PROBLEM), (Device.AUTO, Status.NOTE)])
def test_another_that_cannot_be_used(monkeypatch: pytest.MonkeyPatch, asked: Device, status: Status) -> None:
    told = found(monkeypatch, asked, tried(Device.CUDA, "it does not start"))
    assert told["device cuda"] == (status, "package of cuda 1.2: it does not start")


def test_one_that_is_asked_for_and_not_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "installed_version", lambda _: None)
    (finding,) = check_devices(Device.CUDA, Registry.builtin(), NONE)
    assert finding.status is Status.PROBLEM
    assert "onnxruntime-gpu is not installed" in finding.message


def test_every_model_of_the_licences_is_tried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Here on one that is said to be installed, and is not really there."""
    for module in (device, devices):
        monkeypatch.setattr(module, "installed_version", lambda each: "1.2" if each is Device.CUDA else None)
    from models.recipes.licences import licences_of_this_run

    (only,) = devices.try_devices(Registry.builtin(), licences_of_this_run())
    assert (only.device, only.package, only.models) == (Device.CUDA, "onnxruntime-gpu 1.2", 0)
    assert only.reason
