"""Where networks run: which processors are taken, what each is told, and the check against the CPU."""

from __future__ import annotations

import json
import sys
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from senseid_engine import device, session
from senseid_engine.device import TOLERANCE, Device, check_installed, check_same, difference, open_on
from senseid_engine.encoder import Encoder, open_embedder
from senseid_engine.errors import DeviceError
from senseid_engine.finder import FaceFinder
from senseid_engine.liveness.stills import StillsClassifier
from senseid_engine.quality.occlusion import OcclusionEstimator
from senseid_engine.session import Session
from tests.processor import is_intel

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import ModelEntry
    from senseid_models.registry import Registry

OPENVINO, CUDA, CPU = (device.PROVIDERS[each].name for each in (Device.OPENVINO, Device.CUDA, Device.CPU))


def install(monkeypatch: pytest.MonkeyPatch, *devices: Device) -> None:
    """Let the packages of these devices be installed, and those of no other."""
    monkeypatch.setattr(device, "installed_version", lambda each: "1.2" if each in (*devices, Device.CPU) else None)


class Options:
    """Those of a session, as far as they are about providers."""

    def __init__(self) -> None:
        self.added: list[tuple[list[Any], dict[str, str]]] = []

    def add_provider_for_devices(self, devices: list[Any], options: dict[str, str]) -> None:
        self.added.append((devices, options))


class Runtime:
    """An onnxruntime that knows given providers, and starts given ones of them."""

    def __init__(self, *known: str, starts: tuple[str, ...] = (), devices: tuple[tuple[str, str], ...] = ()) -> None:
        self.known = known
        self.starts = starts
        self.devices = devices
        self.registered: list[str] = []
        self.asked: list[Any] = []

    def get_available_providers(self) -> list[str]:
        return list(self.known)

    def get_ep_devices(self) -> list[Any]:
        return [
            SimpleNamespace(ep_name=name, ep_metadata={"ov_device": kind})
            for name, kind in self.devices
            if self.registered or name == CPU
        ]

    def register_execution_provider_library(self, name: str, path: str) -> None:
        if self.registered:
            raise RuntimeError("twice")
        self.registered.append(path)

    def set_default_logger_severity(self, severity: int) -> None:
        pass

    def preload_dlls(self) -> None:
        print("Failed to load libcublas")

    def InferenceSession(self, data: bytes, options: Options, providers: Any = None, **_: Any) -> Any:  # noqa: N802
        self.asked.append(providers)
        return SimpleNamespace(get_providers=lambda: [*self.starts, CPU])


@pytest.fixture
def plugin(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = SimpleNamespace(get_library_path=lambda: "/there/plugin.so")
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_openvino", module)


def test_what_is_not_installed_is_told_with_what_is_and_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device.CUDA)
    for each in (Device.AUTO, Device.CPU, Device.CUDA):
        check_installed(each)
    with pytest.raises(DeviceError) as caught:
        check_installed(Device.OPENVINO)
    for said in ("device openvino", "onnxruntime-ep-openvino", "(here: cpu, cuda)", "extra `openvino`", "--device"):
        assert said in str(caught.value)


@pytest.mark.usefixtures("plugin")
def test_openvino_takes_its_cpu_with_32_bits(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device.OPENVINO)
    runtime = Runtime(CPU, starts=(OPENVINO,), devices=((CPU, ""), (OPENVINO, "GPU"), (OPENVINO, "CPU")))
    for _ in range(2):  # the library is registered once
        options = Options()
        open_on(Device.OPENVINO, b"", options, 3, runtime)
        ((devices, told),) = options.added
        assert [each.ep_metadata["ov_device"] for each in devices] == ["CPU"]
        assert json.loads(told["load_config"]) == {
            "CPU": {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": "3"}
        }
    assert runtime.registered == ["/there/plugin.so"]


@pytest.mark.usefixtures("plugin")
def test_openvino_without_a_cpu_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device.OPENVINO)
    with pytest.raises(DeviceError, match=r"does not start on this machine: it needs a processor of Intel"):
        open_on(Device.OPENVINO, b"", Options(), 1, Runtime(CPU, devices=((OPENVINO, "GPU"),)))


def test_a_broken_plugin_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device.OPENVINO)
    monkeypatch.setitem(sys.modules, "onnxruntime_ep_openvino", None)
    with pytest.raises(DeviceError, match=r"onnxruntime-ep-openvino 1\.2 does not start"):
        open_on(Device.OPENVINO, b"", Options(), 1, Runtime(CPU))


def test_cuda_computes_with_32_bits_and_prints_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    install(monkeypatch, Device.CUDA)
    runtime = Runtime(CPU, CUDA, starts=(CUDA,))
    open_on(Device.CUDA, b"", Options(), 1, runtime)
    (((name, told), last),) = runtime.asked
    assert (name, told["use_tf32"], last) == (CUDA, "0", CPU)
    assert capsys.readouterr().out == ""


def test_cuda_that_onnxruntime_drops_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a driver it goes on with the CPU alone, and says nothing."""
    install(monkeypatch, Device.CUDA)
    with pytest.raises(DeviceError, match="driver of NVIDIA"):
        open_on(Device.CUDA, b"", Options(), 1, Runtime(CPU, CUDA))


def test_cuda_under_the_files_of_another_package_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    install(monkeypatch, Device.CUDA)
    with pytest.raises(DeviceError, match=r"--force-reinstall --no-deps onnxruntime-gpu==1\.2"):
        open_on(Device.CUDA, b"", Options(), 1, Runtime(CPU))


def test_the_difference_is_a_share_of_the_largest_value_of_each_output() -> None:
    cpu = [np.array([[1.0, -4.0]], np.float32), np.array([100.0], np.float32)]
    assert difference(cpu, cpu) == 0
    assert difference([cpu[0] + 0.5, cpu[1]], cpu) == pytest.approx(0.125)
    assert difference([cpu[0], cpu[1] + 10], cpu) == pytest.approx(0.1)
    assert difference([np.zeros(2)], [np.zeros(2)]) == 0
    for other in ([cpu[0]], [cpu[0][:, :1], cpu[1]], [cpu[0] * np.nan, cpu[1]]):
        assert difference(other, cpu) == float("inf")


def test_beyond_the_tolerance_a_processor_is_refused() -> None:
    cpu = [np.ones(3, np.float32)]
    assert check_same(Device.CUDA, "sface", [cpu[0] * (1 + TOLERANCE / 2)], cpu) < TOLERANCE
    with pytest.raises(DeviceError, match="device cuda: model sface"):
        check_same(Device.CUDA, "sface", [cpu[0] * (1 + 2 * TOLERANCE)], cpu)


class Elsewhere:
    """A session of onnxruntime whose outputs are those of the CPU times a factor."""

    def __init__(self, on_cpu: Any, factor: float) -> None:
        self._on_cpu = on_cpu
        self._factor = factor

    def get_providers(self) -> list[str]:
        return [CUDA, CPU]

    def run(self, outputs: Any, inputs: Any) -> list[Any]:
        return [self._factor * output for output in self._on_cpu.run(outputs, inputs)]


def on_made_up_cuda(monkeypatch: pytest.MonkeyPatch, factor: float) -> None:
    """Give the real onnxruntime a CUDA that is the CPU times a factor."""
    real = session.load_runtime()

    def opened(data: bytes, options: Any, providers: Any, **_: Any) -> Any:
        on_cpu = real.InferenceSession(data, options, providers=[CPU])
        return on_cpu if providers == [CPU] else Elsewhere(on_cpu, factor)

    made_up = SimpleNamespace(
        SessionOptions=real.SessionOptions,
        InferenceSession=opened,
        get_available_providers=lambda: [CUDA, CPU],
        set_default_logger_severity=lambda _: None,
        preload_dlls=lambda: None,
    )
    monkeypatch.setattr(session, "load_runtime", lambda: made_up)
    install(monkeypatch, Device.CUDA)


@pytest.fixture
def small(registry: Registry) -> ModelEntry:
    return registry.get("occlusion")


def test_a_processor_that_gives_the_same_is_taken(
    monkeypatch: pytest.MonkeyPatch, small: ModelEntry, licences: VerifiedLicences
) -> None:
    on_made_up_cuda(monkeypatch, 1 + TOLERANCE / 2)
    for asked in (Device.CUDA, Device.AUTO):
        opened = Session.open(small, licences, threads=1, device=asked)
        assert opened.device is Device.CUDA
        assert opened.difference == pytest.approx(TOLERANCE / 2, rel=0.2)
    assert Session.open(small, licences, threads=1).device is Device.CPU


def test_a_processor_that_gives_something_else_is_refused_and_auto_passes_over_it(
    monkeypatch: pytest.MonkeyPatch, small: ModelEntry, licences: VerifiedLicences
) -> None:
    on_made_up_cuda(monkeypatch, 1 + 2 * TOLERANCE)
    with pytest.raises(DeviceError, match="gives other values"):
        Session.open(small, licences, threads=1, device=Device.CUDA)
    assert Session.open(small, licences, threads=1, device=Device.AUTO).device is Device.CPU


def test_auto_never_takes_openvino(
    monkeypatch: pytest.MonkeyPatch, small: ModelEntry, licences: VerifiedLicences
) -> None:
    """It is no faster: see docs/hardware.md."""
    install(monkeypatch, Device.OPENVINO)
    assert Session.open(small, licences, threads=1, device=Device.AUTO).device is Device.CPU


def test_every_network_goes_through_the_same_door(
    monkeypatch: pytest.MonkeyPatch, registry: Registry, licences: VerifiedLicences
) -> None:
    install(monkeypatch)
    openers = (FaceFinder.open, OcclusionEstimator.open, StillsClassifier.open)
    for opened in (*openers, lambda registry, *args, **how: Encoder.open(registry, "sface", *args, **how)):
        with pytest.raises(DeviceError, match="device cuda"):
            opened(registry, licences, threads=1, device=Device.CUDA)
    embedder = registry.get("sface")
    with pytest.raises(DeviceError, match="device cuda"):
        open_embedder(embedder, licences, threads=1, device=Device.CUDA)


def test_on_openvino_itself_every_model_gives_the_same(registry: Registry, licences: VerifiedLicences) -> None:
    pytest.importorskip("onnxruntime_ep_openvino", reason="the extra openvino is not installed")
    if not is_intel():
        pytest.skip("OpenVINO's plug-in takes processors of Intel alone")
    for entry in registry.entries:
        opened = Session.open(entry, licences, threads=2, device=Device.OPENVINO)
        assert opened.device is Device.OPENVINO
        assert opened._session.get_providers()[0] == OPENVINO
        assert 0 < opened.difference < TOLERANCE / 10
