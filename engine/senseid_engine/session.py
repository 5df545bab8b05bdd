"""The only use of onnxruntime: a model is opened with a verified licence, or not at all.

It runs on the CPU, or on another processor that was asked for and gives the same values.
"""

from __future__ import annotations

import os
import re
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from senseid_engine.device import Device, check_same, faster_here, open_on
from senseid_engine.errors import DeviceError, LibraryError, ModelError, printable
from senseid_engine.onnx_file import NotOnnxError, without_idle_inputs
from senseid_licensing.gate import admit
from senseid_licensing.product import Product
from senseid_models.entries import OperatorSource

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats, Pixels
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import InputContract, ModelEntry


@dataclass(frozen=True, slots=True)
class Value:
    """An input or an output of a graph, as described in its file.

    Attributes:
        name: its name.
        type: its type, such as `tensor(float)`.
        shape: its dimensions; a name or None for a free one.
    """

    name: str
    type: str
    shape: tuple[int | str | None, ...]


class Session:
    """One ONNX model ready to run.

    A session is stateless and may be shared between threads.

    Attributes:
        model_id: its id in the registry.
        device: the processor that it runs on, never `auto`.
        difference: how far its outputs were from the CPU's as it was opened, as `device.difference` counts; 0 on the
            CPU.
    """

    __slots__ = ("_contract", "_session", "device", "difference", "model_id")

    def __init__(self, model_id: str, contract: InputContract, session: Any, device: Device = Device.CPU) -> None:
        self.model_id = model_id
        self.device = device
        self.difference = 0.0
        self._contract = contract
        self._session = session

    @classmethod
    def open(
        cls, model: ModelEntry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
    ) -> Session:
        """Load `model` if the licence of its product was verified.

        On another processor than the CPU it is opened on both, and run once: they must give the same.

        Args:
            model: the registry's entry; its file is read once and its SHA-256 checked.
            licences: the verified licences of this run, checked before the file is opened.
            threads: intra-op threads, at least 1.
            device: where it runs. With `auto` a processor that cannot be used is passed over.

        Raises:
            TypeError: the licences do not come from `verify`.
            LicensingError: no verified licence for the model's product.
            ModelsError: the model has expired, or its file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses the model.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
            LibraryError: onnxruntime does not load.
        """
        licence = admit(licences, Product(model.product))
        model.check_usable(licence.verified_at.astimezone(UTC).date())
        data = model.read()
        if isinstance(model.source, OperatorSource):  # the graphs of the package have no other inputs
            try:
                data = without_idle_inputs(data)
            except NotOnnxError as error:
                raise ModelError(f"model {model.id}", f"it is no ONNX file ({error})") from error
        ort = load_runtime()
        on_cpu = cls._on(Device.CPU, model, data, threads, ort)
        if device is Device.AUTO:
            for faster in faster_here(ort):
                with suppress(DeviceError):
                    return cls._moved(on_cpu, faster, model, data, threads, ort)
            return on_cpu
        return on_cpu if device is Device.CPU else cls._moved(on_cpu, device, model, data, threads, ort)

    @classmethod
    def _on(cls, device: Device, model: ModelEntry, data: bytes, threads: int, ort: Any) -> Session:
        options = ort.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning workers waste the CPU quota of a container while idle.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 4
        # An arena never returns what a photo once took, and each session has its own: handlers of the service would
        # keep the sum of them all. The C library reuses freed memory as fast, and gives it back when told to.
        options.enable_cpu_mem_arena = False
        # Weights that are stored as int8 are multiplied out now, and not at each run.
        options.add_session_config_entry("session.disable_quant_qdq", "1")
        # The SHA-256 is that of one file. Weights in a second one, which would be looked for in the current folder,
        # nobody has checked: they are looked for where there is none.
        options.add_session_config_entry("session.model_external_initializers_file_folder_path", os.devnull)
        try:
            session = open_on(device, data, options, threads, ort)
        except DeviceError:
            raise
        except Exception as error:
            # onnxruntime raises a dozen unrelated classes; the model is at fault in every one.
            if device is not Device.CPU:  # there it was opened
                why = f"cannot load model {model.id} ({type(error).__name__}): leave --device out to use the CPU"
                raise DeviceError(f"device {device}", why) from error
            raise ModelError(f"model {model.id}", f"onnxruntime cannot load it ({_why_refused(error)})") from error
        return cls(model.id, model.input, session, device)

    @classmethod
    def _moved(cls, on_cpu: Session, device: Device, model: ModelEntry, data: bytes, threads: int, ort: Any) -> Session:
        """The same model on another processor, once it has given the same there as on the CPU."""
        moved = cls._on(device, model, data, threads, ort)
        chips = _pictures(model.input)
        try:
            outputs = moved.run(chips)
        except ModelError as error:
            why = f"cannot run model {model.id}: leave --device out to use the CPU"
            raise DeviceError(f"device {device}", why) from error
        moved.difference = check_same(device, model.id, outputs, on_cpu.run(chips))
        return moved

    @property
    def signature(self) -> tuple[tuple[Value, ...], tuple[Value, ...]]:
        """The inputs and the outputs of the graph."""
        inputs, outputs = (
            tuple(Value(value.name, value.type, tuple(value.shape)) for value in values)
            for values in (self._session.get_inputs(), self._session.get_outputs())
        )
        return inputs, outputs

    def run(self, chips: Pixels) -> tuple[Floats, ...]:
        """Run the model on a batch of chips.

        Args:
            chips: uint8 (n, height, width, 3), RGB. The manifest defines colour order, layout, mean and scale.

        Returns:
            The outputs, float32, in the manifest's order.

        Raises:
            ModelError: the model does not take chips of this size.
        """
        batch = _prepare(chips, self._contract)
        # Many graphs are exported for one photo at a time.
        batches = np.split(batch, len(batch)) if self._contract.shape[0] == 1 else [batch]
        try:
            outputs = [self._session.run(None, {self._contract.name: part}) for part in batches]
            return tuple(np.concatenate(parts) if len(parts) > 1 else parts[0] for parts in zip(*outputs, strict=True))
        except Exception as error:
            raise ModelError(
                f"model {self.model_id}", f"it does not take an input of shape {batch.shape} ({type(error).__name__})"
            ) from error


_REASONS: Final = (
    (re.compile("External data"), "its weights are in another file"),
    (
        re.compile(r"Opset (\d+) is under development.* till opset (\d+)", re.DOTALL),
        r"it is of ONNX opset \1, up to \2 is read: export it with an older one",
    ),
    (
        re.compile(r"Unsupported model IR version: (\d+), max supported IR version: (\d+)"),
        r"it is of ONNX IR version \1, up to \2 is read: export it with an older one",
    ),
    (re.compile(r"Fatal error: (\S+?)\(-?\d+\) is not a registered"), r"its operator \1 is not known"),
    (re.compile(r"No Op registered for (\S+)"), r"its operator \1 is not known"),
    (re.compile(r"Could not find an implementation for (\w+)"), r"its operator \1 is not known for its numbers"),
)
"""What onnxruntime writes about a file that it does not load, and the same for whoever brought the file."""


def _why_refused(error: Exception) -> str:
    text = str(error)
    for pattern, reason in _REASONS:
        if found := pattern.search(text):
            return printable(found.expand(reason))
    return type(error).__name__


def load_runtime() -> Any:
    """Import onnxruntime.

    Raises:
        LibraryError: it does not load.
    """
    # As it is imported, 1.32 and later give this machine an id, kept in the user's cache, and report to their maker.
    # Nothing may leave the machine, and their own switch counts only if it is set before that.
    os.environ["ORT_DISABLE_TELEMETRY"] = "1"
    try:
        import onnxruntime
    except ImportError as error:
        raise LibraryError(
            "onnxruntime",
            f"it does not load ({type(error).__name__}): reinstall senseid on a platform that it supports",
        ) from error
    return onnxruntime


def open_sessions(
    models: Sequence[ModelEntry], licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
) -> tuple[Session, ...]:
    """Load several models, two at a time: reading, hashing and optimising releases the interpreter.

    Raises:
        LicensingError: no verified licence for a model's product.
        ModelsError: a file is missing or is not the one of the manifest.
        ModelError: onnxruntime refuses a model.
        DeviceError: the processor cannot be used.
    """
    with ThreadPoolExecutor(2) as pool:
        return tuple(pool.map(lambda model: Session.open(model, licences, threads=threads, device=device), models))


_FREE_SIDE: Final = 256
"""The side, in pixels, of the pictures that a network which takes any size is checked on."""


def _pictures(contract: InputContract) -> Pixels:
    """Two made-up pictures that a model takes: patches of colour under noise, always the same."""
    height, width = (side if isinstance(side, int) else _FREE_SIDE for side in contract.size)
    rng = np.random.default_rng(0)
    patches = rng.integers(0, 256, (2, 8, 8, 3)).repeat(-(-height // 8), 1).repeat(-(-width // 8), 2)
    noisy = patches[:, :height, :width] + rng.integers(-32, 33, (2, height, width, 3))
    return noisy.clip(0, 255).astype(np.uint8)


# Luma of ITU-R BT.601, as OpenCV and Pillow make grey.
_LUMA: Final = np.array([[0.299], [0.587], [0.114]], np.float32)


def _prepare(chips: Pixels, contract: InputContract) -> Pixels | Floats:
    if contract.colour == "BGR":
        chips = chips[..., ::-1]
    elif contract.colour == "GRAY":
        chips = np.rint(chips @ _LUMA).astype(np.uint8)
    if contract.layout == "NCHW":
        chips = chips.transpose(0, 3, 1, 2)
    if contract.dtype == "uint8":  # the manifest has no mean and scale for it
        return np.ascontiguousarray(chips)
    batch = chips.astype(np.float32, order="C")  # np.ascontiguousarray takes four times as long
    if any(contract.mean) or any(scale != 1 for scale in contract.scale):
        shape = (1, -1, 1, 1) if contract.layout == "NCHW" else (1, 1, 1, -1)
        batch -= np.array(contract.mean, np.float32).reshape(shape)
        batch *= np.array(contract.scale, np.float32).reshape(shape)
    return batch
