"""MTCNN's three networks (Zhang et al. 2016, "Joint Face Detection and Alignment using Multitask Cascaded CNNs").

Source: the state dicts of facenet-pytorch. Its normalisation (x - 127.5) / 128 is folded into the first convolution, so
every network takes RGB pixels of 0..255. Three changes leave the results as they were:

- Its pooling rounds up; one row and column of padding at the end is the same thing for kernels 2 and 3 with stride 2.
- It orders a face's features (column, row, channel) before the first dense layer; that order folds into the weights.
- A softmax over two classes is a sigmoid of their difference, which folds into the last layer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from .graph import Graph, fold_input, wide
from .torch_state import read_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .graph import Dim

    State = dict[str, NDArray[np.float32]]

_MEAN = (127.5, 127.5, 127.5)
_DIVISOR = 128.0


class _Net:
    """One network under construction: `x` is the value that the next layer takes."""

    def __init__(self, name: str, data: bytes) -> None:
        self.graph = Graph(name)
        self.state: State = read_state(data)
        self.x = "image"

    def conv(self, layer: int, pool: int = 0) -> None:
        weight, bias = wide(self.state[f"conv{layer}.weight"]), wide(self.state[f"conv{layer}.bias"])
        if layer == 1:
            self.x = self.graph.conv(self.x, *fold_input(weight, bias, _MEAN, _DIVISOR))
        else:
            self.x = self.graph.conv(self.x, wide(weight, axis=1), bias)
        self.x = self.graph.prelu(self.x, wide(self.state[f"prelu{layer}.weight"]))
        if pool:
            self.x = self.graph.pool("MaxPool", self.x, pool, 2, (0, 0, 1, 1))

    def dense(self, layer: int, side: int) -> None:
        weight = self.state[f"dense{layer}.weight"]
        out = weight.shape[0]
        by_channel = weight.reshape(out, side, side, -1).transpose(0, 3, 2, 1).reshape(out, -1)
        flat = self.graph.node("Flatten", [self.x], axis=1)
        y = self.graph.node("Gemm", [flat], [by_channel, self.state[f"dense{layer}.bias"]], transB=1)
        self.x = self.graph.node("PRelu", [y], [self.state[f"prelu{layer}.weight"]])

    def head(self, name: str, layer: str) -> None:
        self._out(name, self.state[f"{layer}.weight"], self.state[f"{layer}.bias"])

    def probability(self, layer: str) -> None:
        weight, bias = (self.state[f"{layer}.{part}"].astype(np.float64) for part in ("weight", "bias"))
        self._out("logit", weight - weight[::-1], bias - bias[::-1])
        self.graph.node("Sigmoid", ["logit"], output="prob")

    def _out(self, name: str, weight: NDArray[np.floating], bias: NDArray[np.floating]) -> None:
        if weight.ndim == 4:
            self.graph.conv(self.x, weight, bias, output=name)
        else:
            self.graph.node("Gemm", [self.x], [weight, bias], name, transB=1)


def pnet(data: bytes) -> bytes:
    """The proposal network, run over a whole image of any size: one cell every 2 pixels, each seeing 12x12."""
    net = _Net("mtcnn-pnet", data)
    net.conv(1, pool=2)
    net.conv(2)
    net.conv(3)
    net.probability("conv4_1")
    net.head("reg", "conv4_2")
    cells: list[Dim] = ["rows", "columns"]
    return net.graph.model(
        {"image": ["batch", 3, "height", "width"]}, {"prob": ["batch", 2, *cells], "reg": ["batch", 4, *cells]}
    )


def rnet(data: bytes) -> bytes:
    """The refinement network, run on 24x24 candidates."""
    net = _Net("mtcnn-rnet", data)
    net.conv(1, pool=3)
    net.conv(2, pool=3)
    net.conv(3)
    net.dense(4, side=3)
    net.probability("dense5_1")
    net.head("reg", "dense5_2")
    return net.graph.model({"image": ["batch", 3, 24, 24]}, {"prob": ["batch", 2], "reg": ["batch", 4]})


def onet(data: bytes) -> bytes:
    """The output network, run on 48x48 candidates; also finds five points."""
    net = _Net("mtcnn-onet", data)
    net.conv(1, pool=3)
    net.conv(2, pool=3)
    net.conv(3, pool=2)
    net.conv(4)
    net.dense(5, side=3)
    net.probability("dense6_1")
    net.head("reg", "dense6_2")
    net.head("landmarks", "dense6_3")
    return net.graph.model(
        {"image": ["batch", 3, 48, 48]}, {"prob": ["batch", 2], "reg": ["batch", 4], "landmarks": ["batch", 10]}
    )
