"""Reads a PyTorch state dict of float and integer tensors without PyTorch and without running what the pickle asks for.

The files are of the format before PyTorch 1.6: four pickles (magic number, protocol, machine, state dict), a fifth with
the order of the storages, then each storage as its length in int64 and its float32 or int64 values, little endian.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from models.recipes.errors import ConvertError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C
_PROTOCOL = 1001


@dataclass(frozen=True, slots=True)
class _Storage:
    key: str
    size: int
    dtype: str = "<f4"


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]

    def view(self, values: NDArray[Any]) -> NDArray[Any]:
        """This tensor as a view of its storage; strides count values."""
        last = self.offset + sum((d - 1) * s for d, s in zip(self.shape, self.stride, strict=True))
        if min((self.offset, *self.shape, *self.stride)) < 0 or last >= len(values):
            raise ConvertError(f"a tensor of shape {self.shape} reaches outside its storage")
        steps = [s * values.itemsize for s in self.stride]
        return np.lib.stride_tricks.as_strided(values[self.offset :], self.shape, steps, writeable=False)


class _FloatStorage:
    """Stands for torch.FloatStorage."""


class _LongStorage:
    """Stands for torch.LongStorage, as the counters of batch normalisation have it."""


_DTYPES: Mapping[object, str] = {_FloatStorage: "<f4", _LongStorage: "<i8"}


def _rebuild(storage: _Storage, offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> _Tensor:
    return _Tensor(storage, offset, tuple(shape), tuple(stride))


_ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "FloatStorage"): _FloatStorage,
    ("torch", "LongStorage"): _LongStorage,
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
}


class _StateUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> object:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise ConvertError(f"the pickle asks for {module}.{name}, which a state dict does not need") from None

    def persistent_load(self, pid: tuple[str, object, str, str, int, object]) -> _Storage:
        kind, storage_type, key, _device, size, view = pid
        dtype = _DTYPES.get(storage_type)
        if kind != "storage" or dtype is None or view is not None:
            raise ConvertError(f"storage {key} is not a plain float32 or int64 storage")
        return _Storage(key, size, dtype)


def read_state(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the tensors of a state dict, by name.

    Raises:
        ConvertError: The file has another format, or its pickle asks for anything but such tensors.
    """
    stream = io.BytesIO(data)

    def load() -> object:
        return _StateUnpickler(stream).load()

    if load() != _MAGIC or load() != _PROTOCOL:
        raise ConvertError("not a PyTorch state dict of the format before PyTorch 1.6")
    machine = load()
    state = load()
    order = load()
    if not isinstance(machine, dict) or not machine.get("little_endian"):
        raise ConvertError("the storages are not little endian")
    if not isinstance(state, OrderedDict) or not isinstance(order, list):
        raise ConvertError("the pickle holds no state dict")
    dtypes = {tensor.storage.key: np.dtype(tensor.storage.dtype) for tensor in state.values()}
    storages: dict[str, NDArray[Any]] = {}
    for key in order:
        size = int.from_bytes(stream.read(8), "little")
        if key not in dtypes:
            raise ConvertError(f"storage {key} belongs to no tensor")
        dtype = dtypes[key]
        storages[key] = np.frombuffer(stream.read(dtype.itemsize * size), dtype, size)
    return {str(name): tensor.view(storages[tensor.storage.key]) for name, tensor in state.items()}
