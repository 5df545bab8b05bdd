"""Reads a PyTorch state dict of float and integer tensors without PyTorch and without running what the pickle asks for.

The files are of the format before PyTorch 1.6: four pickles (magic number, protocol, machine, state dict), a fifth with
the order of the storages, then each storage as its length in int64 and its float32 or int64 values, little endian. A
file is pinned by its SHA-256, so nothing else about it is checked.
"""

from __future__ import annotations

import io
import pickle
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

import numpy as np

from models.recipes.errors import ConvertError

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MAGIC = 0x1950A86A20F9469CFC6C


def _rebuild(storage: NDArray[Any], offset: int, shape: tuple[int, ...], stride: tuple[int, ...], *_: object) -> object:
    """A tensor as a view of its storage; strides count values."""
    return np.lib.stride_tricks.as_strided(storage[offset:], shape, [step * storage.itemsize for step in stride])


_ALLOWED = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch", "FloatStorage"): np.dtype("<f4"),
    ("torch", "LongStorage"): np.dtype("<i8"),  # the counters of batch normalisation
    ("torch._utils", "_rebuild_tensor_v2"): _rebuild,
}


class _StateUnpickler(pickle.Unpickler):
    def __init__(self, stream: io.BytesIO) -> None:
        super().__init__(stream)
        self.storages: dict[str, NDArray[Any]] = {}

    def find_class(self, module: str, name: str) -> object:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise ConvertError(f"the pickle asks for {module}.{name}, which a state dict does not need") from None

    def persistent_load(self, pid: tuple[str, np.dtype[Any], str, str, int, object]) -> NDArray[Any]:
        _, dtype, key, _device, size, _view = pid
        return self.storages.setdefault(key, np.empty(size, dtype))


def read_state(data: bytes) -> dict[str, NDArray[Any]]:
    """Read the tensors of a state dict, by name.

    Raises:
        ConvertError: The file has another format, or its pickle asks for anything but such tensors.
    """
    stream = io.BytesIO(data)
    unpickler = _StateUnpickler(stream)
    if unpickler.load() != _MAGIC:
        raise ConvertError("not a PyTorch state dict of the format before PyTorch 1.6")
    _protocol, _machine, state, order = (unpickler.load() for _ in range(4))
    for key in order:
        stream.seek(8, io.SEEK_CUR)
        stream.readinto(unpickler.storages[key])
    return dict(state)
