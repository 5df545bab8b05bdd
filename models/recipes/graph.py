"""A small writer of ONNX graphs whose bytes depend on nothing but the weights and the recipe."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
from onnx import TensorProto, helper

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

# Old enough for every onnxruntime that the package allows, and fixed, so that a newer onnx writes the same bytes.
OPSET = 17
IR_VERSION = 8

Dim = int | str
Pads = tuple[int, int, int, int]


def _node(op: str, inputs: list[str], output: str, attrs: Mapping[str, int | str | list[int]]) -> onnx.NodeProto:
    node = helper.make_node(op, inputs, [output])
    node.attribute.extend(helper.make_attribute(name, value) for name, value in sorted(attrs.items()))
    return node


def _stored_as(dtype: np.dtype[np.generic]) -> tuple[int, str]:
    if dtype == np.int8:
        return TensorProto.INT8, "i1"
    return (TensorProto.FLOAT, "<f4") if np.issubdtype(dtype, np.floating) else (TensorProto.INT64, "<i8")


class Graph:
    """Collects nodes and weights in the order they are added and writes them as one float32 model.

    Values are named by the order of their nodes, weights after the value they help to make. Images inside the graph are
    NCHW; `Pads` is (top, left, bottom, right).
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._nodes: list[onnx.NodeProto] = []
        self._weights: list[onnx.TensorProto] = []

    def node(
        self,
        op: str,
        inputs: Sequence[str],
        weights: Sequence[NDArray[np.generic]] = (),
        output: str = "",
        **attrs: int | str | list[int],
    ) -> str:
        """Append one operator and return the name of its output.

        Args:
            op: ONNX operator.
            inputs: Values that come before the weights in the operator's argument list.
            weights: Constant arguments. Floating-point ones are stored as float32, int8 as it is, other integers as
                int64.
            output: Name of the result; by default one made from the node's number.
            attrs: The operator's attributes.
        """
        output = output or f"v{len(self._nodes)}"
        names = [f"{output}.w{i}" for i in range(len(weights))]
        for name, weight in zip(names, weights, strict=True):
            kind, dtype = _stored_as(weight.dtype)
            data = np.ascontiguousarray(weight, dtype=dtype).tobytes()
            self._weights.append(helper.make_tensor(name, kind, weight.shape, data, raw=True))
        self._nodes.append(_node(op, [*inputs, *names], output, attrs))
        return output

    def dequantised(
        self, values: NDArray[np.int8], zero: NDArray[np.int8] | None, scale: NDArray[np.floating], shape: Sequence[int]
    ) -> str:
        """A weight that is stored as int8: (values - zero) * scale, with a zero and a scale for each block of a row.

        `Session` has onnxruntime multiply it out once, while it loads the model. Each block is a row of its own, which
        takes less time than blocks of a row.

        Args:
            values: int8 (rows, numbers of a row).
            zero: int8 (rows, blocks); None where all are 0.
            scale: (rows, blocks).
            shape: of the weight.
        """
        rows = values.reshape(scale.size, -1)
        zeros = [] if zero is None else [zero.ravel()]
        weight = self.node("DequantizeLinear", [], [rows, scale.ravel(), *zeros], axis=0)
        return self.node("Reshape", [weight], [np.array(shape, np.int64)])

    def conv(
        self,
        x: str,
        weight: NDArray[np.floating],
        bias: NDArray[np.floating],
        *,
        stride: int = 1,
        pads: Pads = (0, 0, 0, 0),
        group: int = 1,
        output: str = "",
    ) -> str:
        """Convolve; `weight` is [out, in / group, kh, kw], `bias` is [out]."""
        kernel = list(weight.shape[2:])
        return self.node(
            "Conv", [x], [weight, bias], output, kernel_shape=kernel, strides=[stride] * 2, pads=list(pads), group=group
        )

    def prelu(self, x: str, slope: NDArray[np.floating]) -> str:
        """PRelu with one slope per channel, as x - s relu(-|1 - slope| x) with s the sign of slope - 1.

        onnxruntime runs PRelu one value at a time and outside its blocked layout, where it costs more than the
        convolutions around it (measured: the landmark model takes 4.7 ms with it and 1.8 ms without). The same function
        of 1x1 depthwise convolutions and a sum stays in that layout, which wants the channels to be a multiple of 16.
        """
        channels = len(slope)
        steep = 1.0 - slope.astype(np.float64).reshape(channels, 1, 1, 1)
        zero = np.zeros(channels)
        bent = self.node("Relu", [self.conv(x, -np.abs(steep), zero, group=channels)])
        if (steep < 0).any():
            bent = self.conv(bent, np.sign(steep), zero, group=channels)
        return self.node("Add", [x, bent])

    def model(self, inputs: Mapping[str, Sequence[Dim]], outputs: Mapping[str, Sequence[Dim]]) -> bytes:
        """Check the graph and return the model file. A named dimension is free at run time."""
        graph = helper.make_graph(
            self._nodes,
            self._name,
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in inputs.items()],
            [helper.make_tensor_value_info(n, TensorProto.FLOAT, list(s)) for n, s in outputs.items()],
            self._weights,
        )
        model = helper.make_model(
            graph,
            producer_name="senseid",
            ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        onnx.checker.check_model(model, full_check=True)
        return bytes(model.SerializeToString(deterministic=True))
