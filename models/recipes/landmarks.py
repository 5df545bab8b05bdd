"""MediaPipe's face landmark model: 468 points and a presence logit, from its TFLite file, which is pinned.

The graph takes RGB pixels of 0..255 as NCHW; the division by 255 folds into the first convolution (its mean is zero, so
the padding stays right). The points come as 1404 numbers, x, y, z of each, in pixels of the 192x192 crop.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import tflite  # type: ignore[import-untyped]

from models.recipes.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from models.recipes.graph import Pads

_SIDE = 192
_OUTPUTS = {1404: "landmarks", 1: "presence"}


class _Converter:
    """Rewrites a float32 TFLite graph of one subgraph, operator by operator."""

    def __init__(self, data: bytes) -> None:
        self._model = tflite.Model.GetRootAs(data, 0)
        self._sub = self._model.Subgraphs(0)
        self._outputs = [int(i) for i in self._sub.OutputsAsNumpy()]
        self.graph = Graph("mediapipe-face-landmarks")
        self._values = {int(self._sub.Inputs(0)): "image"}

    def run(self) -> None:
        ops = {
            tflite.BuiltinOperator.CONV_2D: self._conv,
            tflite.BuiltinOperator.DEPTHWISE_CONV_2D: self._depthwise,
            tflite.BuiltinOperator.PRELU: self._prelu,
            tflite.BuiltinOperator.ADD: self._add,
            tflite.BuiltinOperator.MAX_POOL_2D: self._max_pool,
            tflite.BuiltinOperator.PAD: self._pad,
        }
        for i in range(self._sub.OperatorsLength()):
            op = self._sub.Operators(i)
            code = self._model.OperatorCodes(op.OpcodeIndex())
            convert = ops[max(code.BuiltinCode(), code.DeprecatedBuiltinCode())]
            self._values[int(op.Outputs(0))] = convert(op, [int(k) for k in op.InputsAsNumpy()])
        for k in self._outputs:
            name = _OUTPUTS[int(np.prod(self._shape(k)))]
            self.graph.node("Flatten", [self._values[k]], output=name, axis=1)

    def _shape(self, tensor: int) -> list[int]:
        return [int(d) for d in self._sub.Tensors(tensor).ShapeAsNumpy()]

    def _constant(self, tensor: int, kind: str = "<f4") -> NDArray[Any]:
        buffer = self._model.Buffers(self._sub.Tensors(tensor).Buffer())
        return np.frombuffer(buffer.DataAsNumpy().tobytes(), kind).reshape(self._shape(tensor))

    def _options(self, op: Any, kind: type) -> Any:
        options = kind()
        options.Init(op.BuiltinOptions().Bytes, op.BuiltinOptions().Pos)
        return options

    def _window(self, tensor: int, options: Any, kernel: int) -> tuple[int, Pads]:
        """Stride and padding of a square window over a square tensor."""
        stride = int(options.StrideH())
        if options.Padding() == tflite.Padding.VALID:
            return stride, (0, 0, 0, 0)
        side = self._shape(tensor)[1]
        total = max((-(-side // stride) - 1) * stride + kernel - side, 0)
        return stride, (total // 2, total // 2, total - total // 2, total - total // 2)

    def _conv(self, op: Any, inputs: list[int]) -> str:
        x, w, b = inputs
        options = self._options(op, tflite.Conv2DOptions)
        weight, bias = self._constant(w).transpose(0, 3, 1, 2), self._constant(b)
        stride, pads = self._window(x, options, weight.shape[2])
        if self._values[x] == "image":
            weight = weight.astype(np.float64) / 255
        return self.graph.conv(self._values[x], weight, bias, stride=stride, pads=pads)

    def _depthwise(self, op: Any, inputs: list[int]) -> str:
        x, w, b = inputs
        options = self._options(op, tflite.DepthwiseConv2DOptions)
        weight = self._constant(w).transpose(3, 0, 1, 2)
        stride, pads = self._window(x, options, weight.shape[2])
        return self.graph.conv(
            self._values[x], weight, self._constant(b), stride=stride, pads=pads, group=weight.shape[0]
        )

    def _prelu(self, _op: object, inputs: list[int]) -> str:
        x, slope = inputs
        return self.graph.prelu(self._values[x], self._constant(slope).ravel())

    def _add(self, _op: object, inputs: list[int]) -> str:
        return self.graph.node("Add", [self._values[k] for k in inputs])

    def _max_pool(self, op: Any, inputs: list[int]) -> str:
        options = self._options(op, tflite.Pool2DOptions)
        kernel = int(options.FilterHeight())
        stride, pads = self._window(inputs[0], options, kernel)
        return self.graph.node(
            "MaxPool", [self._values[inputs[0]]], kernel_shape=[kernel] * 2, strides=[stride] * 2, pads=list(pads)
        )

    def _pad(self, _op: object, inputs: list[int]) -> str:
        """Append zero channels."""
        channels = int(self._constant(inputs[1], "<i4")[3, 1])
        return self.graph.node(
            "Pad", [self._values[inputs[0]]], [np.array([0, 0, 0, 0, 0, channels, 0, 0])], mode="constant"
        )


def landmarks(data: bytes) -> bytes:
    """Convert the `.tflite` file."""
    converter = _Converter(data)
    converter.run()
    return converter.graph.model(
        {"image": ["batch", 3, _SIDE, _SIDE]}, {"landmarks": ["batch", 1404], "presence": ["batch", 1]}
    )
