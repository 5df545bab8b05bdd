"""HSE-FaceRes, a MobileNet of 1024 pooled features (A. Savchenko, HSE_FaceRec_tf), from its TF.js graph model.

The weights are stored as float16 and written as float32. Per-channel products and sums fold into the convolutions. The
graph takes RGB pixels of 0..255: the order BGR that the network learned folds into the first convolution, its mean is
subtracted in the graph, because that convolution is padded. The heads for age and gender are left out.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .errors import ConvertError
from .graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .graph import Pads

_SIDE = 224
_MEAN_BGR = (103.939, 116.779, 123.68)
_LAST = "global_pooling/Mean"


@dataclass(slots=True)
class _Conv:
    """A convolution that still waits for its per-channel factor and bias."""

    weight: NDArray[np.float64]
    stride: int
    group: int
    bias: NDArray[np.float64]


def read_weights(topology: dict[str, Any], data: bytes) -> dict[str, NDArray[np.float64]]:
    """The weights of a TF.js graph model by name, float64.

    Raises:
        ConvertError: A weight has an unknown type, or the file another length.
    """
    result = {}
    at = 0
    for spec in topology["weightsManifest"][0]["weights"]:
        if spec.get("quantization", {}).get("dtype") == "float16":
            kind = "<f2"
        elif spec["dtype"] in ("float32", "int32"):
            kind = "<f4" if spec["dtype"] == "float32" else "<i4"
        else:
            raise ConvertError(f"weight {spec['name']} has the unknown type {spec['dtype']}")
        count = int(np.prod(spec["shape"], dtype=np.int64))
        values = np.frombuffer(data, kind, count, at)
        at += values.nbytes
        result[spec["name"]] = values.reshape(spec["shape"]).astype(np.float64)
    if at != len(data):
        raise ConvertError(f"the topology describes {at} bytes of weights, the file has {len(data)}")
    return result


def _same(side: int, kernel: int, stride: int) -> tuple[int, Pads]:
    """TensorFlow's SAME: the size after a convolution and the padding before it, the odd pixel at the end."""
    after = -(-side // stride)
    total = max((after - 1) * stride + kernel - side, 0)
    start, end = total // 2, total - total // 2
    return after, (start, start, end, end)


def _conv(node: dict[str, Any], weights: dict[str, NDArray[np.float64]]) -> _Conv:
    attr = node["attr"]
    strides = [int(i) for i in attr["strides"]["list"]["i"]]
    dilations = [int(i) for i in attr["dilations"]["list"]["i"]]
    layout = base64.b64decode(attr["data_format"]["s"]), base64.b64decode(attr["padding"]["s"])
    if layout != (b"NHWC", b"SAME") or strides[1] != strides[2] or dilations != [1, 1, 1, 1]:
        raise ConvertError(f"node {node['name']} is not a SAME convolution over NHWC")
    kernel = weights[node["input"][1]]
    if node["op"] == "DepthwiseConv2dNative":
        weight, group = kernel.transpose(2, 3, 0, 1), kernel.shape[2]
    else:
        weight, group = kernel.transpose(3, 2, 0, 1), 1
    return _Conv(weight, strides[1], group, np.zeros(len(weight)))


class _Converter:
    """Follows the chain of nodes from the image to the pooled features."""

    def __init__(self, weights: dict[str, NDArray[np.float64]]) -> None:
        self.graph = Graph("hse-faceres")
        self._weights = weights
        self._x = self.graph.node("Sub", ["image"], [np.array(_MEAN_BGR[::-1]).reshape(1, 3, 1, 1)])
        self._side = _SIDE
        self._pending: _Conv | None = None
        self._first = True

    def add(self, node: dict[str, Any]) -> None:
        """Take the next node of the chain."""
        op = node["op"]
        if op in ("Conv2D", "DepthwiseConv2dNative"):
            self._pending = _conv(node, self._weights)
        elif op in ("Mul", "Add") and self._pending is not None:
            value = self._weights[node["input"][1]]
            if op == "Mul":
                self._pending.weight = self._pending.weight * value[:, None, None, None]
            else:
                self._pending.bias = self._pending.bias + value
        elif op == "Relu":
            self._flush()
        elif op in ("Minimum", "Maximum"):
            # Relu, min 6 and max 0 together are one Clip, written when its upper bound is seen.
            bound = float(self._weights[node["input"][1]])
            if bound != {"Minimum": 6.0, "Maximum": 0.0}[op]:
                raise ConvertError(f"node {node['name']} has the bound {bound}, not that of Relu6")
            if op == "Minimum":
                self._x = self.graph.node("Clip", [self._x], [np.array(0.0), np.array(6.0)])
        elif op == "Mean":
            pooled = self.graph.node("GlobalAveragePool", [self._x])
            self.graph.node("Flatten", [pooled], output="embedding", axis=1)
        else:
            raise ConvertError(f"node {node['name']} has the unexpected operator {op}")

    def _flush(self) -> None:
        conv, self._pending = self._pending, None
        if conv is None:
            raise ConvertError("an activation follows no convolution")
        if self._first:
            conv.weight, self._first = conv.weight[:, ::-1], False
        self._side, pads = _same(self._side, conv.weight.shape[2], conv.stride)
        self._x = self.graph.conv(self._x, conv.weight, conv.bias, stride=conv.stride, pads=pads, group=conv.group)


def faceres(topology: bytes, data: bytes) -> bytes:
    """Convert the topology (`.json`) and the weights (`.bin`).

    Raises:
        ConvertError: The graph is not the MobileNet that is expected.
    """
    document = json.loads(topology)
    converter = _Converter(read_weights(document, data))
    previous = None
    for node in document["modelTopology"]["node"]:
        if node["op"] == "Const":
            continue
        if node["op"] != "Placeholder":
            if node["input"][0] != previous:
                raise ConvertError(f"node {node['name']} does not follow {previous}: the graph is not a chain")
            converter.add(node)
        previous = node["name"]
        if previous == _LAST:
            break
    return converter.graph.model({"image": ["batch", 3, _SIDE, _SIDE]}, {"embedding": ["batch", 1024]})
