"""The processors that networks can run on, and the check that each computes what the CPU computes.

`session` alone imports onnxruntime, and passes it in. A network is opened on another processor beside the CPU, and both
are run on the same pictures: a difference beyond `TOLERANCE` refuses the processor.
"""

from __future__ import annotations

import math
import threading
from contextlib import redirect_stdout
from dataclasses import dataclass
from enum import StrEnum
from importlib import import_module
from io import StringIO
from typing import TYPE_CHECKING, Any, Final

from senseid_engine.errors import DeviceError

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from senseid_engine.arrays import Floats

TOLERANCE: Final = 1e-4
"""How far an output may be from the CPU's, as a share of the CPU's largest value there.

Rounding alone makes 1e-6. 16 bits, which OpenVINO computes with unless told otherwise, make 1e-3 to 4e-2.
"""


class Device(StrEnum):
    """A processor to run networks on; `auto` is the fastest one that is there and computes what the CPU computes."""

    AUTO = "auto"
    CPU = "cpu"
    OPENVINO = "openvino"
    CUDA = "cuda"


@dataclass(frozen=True, slots=True)
class Provider:
    """How onnxruntime comes by a processor.

    Attributes:
        name: of its execution provider.
        package: the distribution that brings it.
        remedy: what to do where it is not installed.
        needs: what it starts on.
    """

    name: str
    package: str
    remedy: str
    needs: str


_EXTRA: Final = "install the extra `{}` of senseid (`senseid doctor` says how), or leave --device out"

PROVIDERS: Final[Mapping[Device, Provider]] = {
    Device.CPU: Provider("CPUExecutionProvider", "onnxruntime", "", ""),
    # The plug-in passes over the processors of other makers, although OpenVINO itself runs on them.
    Device.OPENVINO: Provider(
        "OpenVINOExecutionProvider", "onnxruntime-ep-openvino", _EXTRA.format("openvino"), "a processor of Intel"
    ),
    Device.CUDA: Provider(
        "CUDAExecutionProvider",
        "onnxruntime-gpu",
        _EXTRA.format("cuda"),
        "a card that it supports and a driver of NVIDIA with the libraries of CUDA and cuDNN",
    ),
}

FASTER_THAN_CPU: Final = (Device.CUDA,)
"""What `auto` tries before the CPU, the fastest first. OpenVINO is no faster at the same precision
(docs/hardware.md), so it runs only where it is asked for."""

_REGISTERING = threading.Lock()
"""Libraries are loaded once in a process, which opens several networks at the same time."""


def installed_version(device: Device) -> str | None:
    """The version of the package that brings a processor; None if it is not installed."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(PROVIDERS[device].package)
    except PackageNotFoundError:
        return None


def installed() -> list[Device]:
    """The processors other than the CPU whose packages are there. Nothing is loaded."""
    return [device for device in PROVIDERS if device is not Device.CPU and installed_version(device) is not None]


def fastest(there: Collection[Device]) -> Device:
    """What `auto` takes where these processors are there beside the CPU."""
    return next((faster for faster in FASTER_THAN_CPU if faster in there), Device.CPU)


def check_installed(device: Device) -> None:
    """Return if the package of a processor is there, without loading anything.

    Raises:
        DeviceError: it is not; the message names what is, and what to install.
    """
    if device is Device.AUTO or device is Device.CPU or installed_version(device) is not None:
        return
    here = [str(each) for each in (Device.CPU, *installed())]
    raise DeviceError(
        f"device {device}",
        f"{PROVIDERS[device].package} is not installed (here: {', '.join(here)}): {PROVIDERS[device].remedy}",
    )


def faster_here(ort: Any) -> tuple[Device, ...]:
    """What `auto` tries on this machine before the CPU. Where there is none, opening a network imports nothing."""
    there = ort.get_available_providers()
    return tuple(device for device in FASTER_THAN_CPU if PROVIDERS[device].name in there)


def open_on(device: Device, data: bytes, options: Any, threads: int, ort: Any) -> Any:
    """Open a network on one processor, and on nothing else where that one fails.

    Args:
        device: any but `auto`.
        data: the ONNX file.
        options: onnxruntime's, for this network alone; they are changed.
        threads: for a processor that takes a number of them, at least 1.
        ort: onnxruntime.

    Returns:
        The session of onnxruntime.

    Raises:
        DeviceError: the processor is not there, or does not start.
    """
    check_installed(device)
    name = PROVIDERS[device].name
    if device is Device.OPENVINO:
        import json

        # Told nothing, it computes with 16 bits on processors that have AMX.
        config = {"CPU": {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": str(threads)}}
        options.add_provider_for_devices([_openvino_cpu(ort)], {"load_config": json.dumps(config)})
        session = ort.InferenceSession(data, options, enable_fallback=0)
    elif device is Device.CUDA:
        _load_cuda(ort)
        # Told nothing, it rounds factors to 10 bits (TF32), and tries out algorithms, other ones each time.
        exact = {"use_tf32": "0", "cudnn_conv_algo_search": "HEURISTIC"}
        session = ort.InferenceSession(
            data, options, providers=[(name, exact), PROVIDERS[Device.CPU].name], enable_fallback=0
        )
    else:
        return ort.InferenceSession(data, options, providers=[name])
    if name not in session.get_providers():
        raise _not_starting(device)
    return session


def _openvino_cpu(ort: Any) -> Any:
    """The CPU as OpenVINO sees it; its library is loaded first where it was not yet."""
    name = PROVIDERS[Device.OPENVINO].name
    with _REGISTERING:
        if not any(each.ep_name == name for each in ort.get_ep_devices()):
            try:
                plugin = import_module("onnxruntime_ep_openvino")
                ort.register_execution_provider_library("openvino", plugin.get_library_path())
            except Exception as error:
                # Of a broken package, of a system library that it lacks, of another release of onnxruntime.
                raise _not_starting(Device.OPENVINO) from error
    for each in ort.get_ep_devices():
        if each.ep_name == name and each.ep_metadata.get("ov_device") == "CPU":
            return each
    raise _not_starting(Device.OPENVINO)


def _load_cuda(ort: Any) -> None:
    if PROVIDERS[Device.CUDA].name not in ort.get_available_providers():
        raise DeviceError(
            f"device {Device.CUDA}",
            "onnxruntime-gpu is installed, and the files of onnxruntime lie over it: type `pip install"
            f" --force-reinstall --no-deps onnxruntime-gpu=={installed_version(Device.CUDA)}`, or leave --device out",
        )
    # What it does not find it says on standard output, where results belong.
    with _REGISTERING, redirect_stdout(StringIO()):
        ort.set_default_logger_severity(4)
        ort.preload_dlls()


def _not_starting(device: Device) -> DeviceError:
    return DeviceError(
        f"device {device}",
        f"{PROVIDERS[device].package} {installed_version(device)} does not start on this machine: it needs"
        f" {PROVIDERS[device].needs}; leave --device out to use the CPU",
    )


def difference(outputs: Sequence[Floats], of_cpu: Sequence[Floats]) -> float:
    """The largest difference of outputs of a network, each as a share of the CPU's largest value in that output.

    Infinite where shapes differ, or where one is no number.
    """
    worst = 0.0
    if [output.shape for output in outputs] != [output.shape for output in of_cpu]:
        return float("inf")
    for ours, cpu in zip(outputs, of_cpu, strict=True):
        apart, scale = float(abs(ours - cpu).max(initial=0)), float(abs(cpu).max(initial=0))
        share = apart / scale if scale else apart
        worst = max(worst, float("inf") if math.isnan(share) else share)
    return worst


def check_same(device: Device, model_id: str, outputs: Sequence[Floats], of_cpu: Sequence[Floats]) -> float:
    """Return the difference if a processor computes what the CPU computes.

    Args:
        device: the processor.
        model_id: the network.
        outputs: what the processor computed.
        of_cpu: what the CPU computed from the same input.

    Raises:
        DeviceError: it is beyond `TOLERANCE`.
    """
    apart = difference(outputs, of_cpu)
    if not apart <= TOLERANCE:
        raise DeviceError(
            f"device {device}",
            f"model {model_id} gives other values there than on the CPU ({apart:.1g} apart, {TOLERANCE:g} is the most):"
            " scores would not mean the same; leave --device out to use the CPU",
        )
    return apart
