"""dlib's face recognition ResNet, 128-d (D. King, dlib-models, `dlib_face_recognition_resnet_model_v1.dat`).

The file is a stream in which a tensor is dlib's packed int 2, then the four dimensions as packed ints, then float32
values. In the order of the forward pass it holds 29 pairs of a convolution (filters, then biases) and an affine layer
(gamma, then beta), then the 256x128 matrix of the last layer. The recipe asks for exactly these sizes in exactly this
order, so bytes that merely look like a tensor are passed over. Affine layers fold into their convolution, and so does
the input's normalisation, (x - mean) / 256: the first convolution has no padding. The graph takes RGB pixels of 0..255.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .errors import ConvertError
from .graph import Graph, fold_input

if TYPE_CHECKING:
    from numpy.typing import NDArray

_MEAN = (122.782, 117.001, 104.298)
_DIVISOR = 256.0
# (channels, down) of each residual block, from the image on.
_BLOCKS = (
    *[(32, False)] * 3,
    (64, True),
    *[(64, False)] * 3,
    (128, True),
    *[(128, False)] * 2,
    (256, True),
    *[(256, False)] * 2,
    (256, True),
)


def _packed(value: int) -> bytes:
    """A packed int as dlib writes it: the number of bytes, then the value, little endian."""
    size = (value.bit_length() + 7) // 8
    return bytes([size]) + value.to_bytes(size, "little")


class _Stream:
    """Walks through the file from tensor to tensor."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, *dims: int) -> NDArray[np.float64]:
        """The next tensor of these four dimensions."""
        header = b"".join(map(_packed, (2, *dims)))
        found = self._data.find(header, self._at)
        count = int(np.prod(dims))
        start = found + len(header)
        if found < 0 or start + 4 * count > len(self._data):
            raise ConvertError(f"no tensor of dimensions {dims} after byte {self._at}")
        self._at = start + 4 * count
        return np.frombuffer(self._data, "<f4", count, start).astype(np.float64)

    def conv(self, out: int, channels: int, kernel: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The next convolution with its affine layer folded in: weight [out, channels, kernel, kernel], bias [out]."""
        filters = out * channels * kernel * kernel
        values = self.take(filters + out, 1, 1, 1)
        gamma, beta = np.split(self.take(2 * out, 1, 1, 1), 2)
        weight = values[:filters].reshape(out, channels, kernel, kernel)
        return weight * gamma[:, None, None, None], values[filters:] * gamma + beta


def dlib_resnet(data: bytes) -> bytes:
    """Convert the `.dat` file.

    Raises:
        ConvertError: A layer is missing.
    """
    stream = _Stream(data)
    graph = Graph("dlib-resnet")
    weight, bias = stream.conv(32, 3, 7)
    x = graph.conv("image", *fold_input(weight, bias, _MEAN, _DIVISOR), stride=2)
    x = graph.pool("MaxPool", graph.node("Relu", [x]), 3, 2)
    channels, side = 32, 35
    for out, down in _BLOCKS:
        x, side = _block(graph, stream, x, channels=channels, out=out, side=side, down=down)
        channels = out
    x = graph.node("Flatten", [graph.node("GlobalAveragePool", [x])], axis=1)
    graph.node("MatMul", [x], [stream.take(256, 128, 1, 1).reshape(256, 128)], "embedding")
    return graph.model({"image": ["batch", 3, 150, 150]}, {"embedding": ["batch", 128]})


def _block(graph: Graph, stream: _Stream, x: str, *, channels: int, out: int, side: int, down: bool) -> tuple[str, int]:
    """Append one residual block; returns its value and its height, which is also its width."""
    weight, bias = stream.conv(out, channels, 3)
    if down:
        y = graph.conv(x, weight, bias, stride=2)
        short, after_conv, after_pool = graph.pool("AveragePool", x, 2, 2), (side - 3) // 2 + 1, (side - 2) // 2 + 1
    else:
        y = graph.conv(x, weight, bias, pads=(1, 1, 1, 1))
        short, after_conv, after_pool = x, side, side
    y = graph.conv(graph.node("Relu", [y]), *stream.conv(out, out, 3), pads=(1, 1, 1, 1))
    # dlib adds tensors of different sizes as if the smaller went on with zeros.
    grown = max(after_conv, after_pool)
    if after_conv < grown:
        y = graph.pad_end(y, 0, grown - after_conv, grown - after_conv)
    if channels < out or after_pool < grown:
        short = graph.pad_end(short, out - channels, grown - after_pool, grown - after_pool)
    return graph.node("Relu", [graph.node("Add", [y, short])]), grown
