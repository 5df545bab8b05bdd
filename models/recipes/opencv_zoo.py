"""SFace and YuNet of the OpenCV Zoo, from their block-quantised ONNX files.

SFace: Zhong et al., "SFace: Sigmoid-Constrained Hypersphere Loss for Robust Face Recognition", 2021. YuNet: Wu et al.,
"YuNet: A Tiny Millisecond-level Face Detector", 2023.

SFace gets one more layer at its end, which `models.recipes.recognition.space` learned. The other changes leave the
results as they were, but for the rounding of float32:

- Batch norms fold into the convolution before them, scale and colour order into the first one.
- SFace's PReLUs are written so that onnxruntime runs them fast (`Graph.prelu`).
- SFace's weights stay the int8 numbers of the source, with a scale for each block. onnxruntime multiplies them out
  once, while it loads the model; as float32 the file would have 38 MB instead of 10.
- YuNet's four heads of a scale, each a 1x1 and a depthwise 3x3 convolution, become one of 16 channels.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
from onnx import numpy_helper

from models.recipes.graph import Graph

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Doubles = NDArray[np.float64]

SPACE = Path(__file__).with_name("recognition") / "space.npy"
"""The last layer of `sface`: float32 (129, 128), a matrix and what is added."""
_SFACE_LAYERS = 14
_SFACE_MEAN = 127.5
_SFACE_DIVISOR = 128.0
_STRIDES = (8, 16, 32)
_HEADS = ("cls", "obj", "bbox", "kps")


class _Source:
    """An ONNX file: its weights by name, and its nodes."""

    def __init__(self, data: bytes) -> None:
        graph = onnx.load_from_string(data).graph
        self._weights: dict[str, NDArray[Any]] = {w.name: numpy_helper.to_array(w) for w in graph.initializer}
        self.nodes = list(graph.node)
        self._makers = {node.output[0]: node for node in self.nodes}

    def attributes(self, value: str) -> dict[str, Any]:
        """The attributes of the node that makes a value."""
        return {a.name: onnx.helper.get_attribute_value(a) for a in self._makers[value].attribute}

    def blocks(self, name: str) -> tuple[NDArray[np.int8], NDArray[np.int8], Doubles]:
        """A quantised weight: int8 (rows, numbers of a row), and zero and scale of each block, (rows, blocks)."""
        inputs = self._makers[f"{name}_dequantized"].input
        values, scale, zero = (np.atleast_2d(self._weights[part]) for part in inputs)
        return values, zero, scale.astype(np.float64)

    def weight(self, name: str) -> Doubles:
        """A weight as it is meant, quantised or not."""
        name = name.removesuffix("_dequantized").removesuffix("_reshaped")
        if name in self._weights:
            return self._weights[name].astype(np.float64)
        values, zero, scale = self.blocks(name)
        repeats = values.shape[1] // scale.shape[1]
        weight = (values - zero.astype(np.float64).repeat(repeats, 1)) * scale.repeat(repeats, 1)
        return weight.reshape(self._weights[f"{name}_shape"])

    def batch_norm(self, name: str) -> tuple[Doubles, Doubles]:
        """A batch norm as the factor and the shift of each channel."""
        gamma, beta, mean, variance = (
            self.weight(f"{name}_{part}") for part in ("gamma", "beta", "moving_mean", "moving_var")
        )
        factor = gamma / np.sqrt(variance + self.attributes(name)["epsilon"])
        return factor, beta - mean * factor


def sface(data: bytes) -> bytes:
    """The embedding network: aligned chips of RGB pixels, 0..255, to embeddings that are not of unit length."""
    source, graph = _Source(data), Graph("sface")
    # The source pads after it has subtracted the mean: of raw pixels, the border has the value of the mean.
    x = graph.node("Pad", ["image"], [np.array([0, 0, 1, 1, 0, 0, 1, 1]), np.array(_SFACE_MEAN)], mode="constant")
    for name in ["conv_1"] + [f"conv_{i}{kind}" for i in range(2, _SFACE_LAYERS + 1) for kind in ("_dw", "")]:
        factor, shift = source.batch_norm(f"{name}_batchnorm")
        attributes = source.attributes(f"{name}_conv2d")
        weight = source.weight(f"{name}_conv2d_weight")
        values, zero, scale = source.blocks(f"{name}_conv2d_weight")
        if name == "conv_1":
            attributes["pads"] = [0] * 4
            shift -= factor * weight.sum(axis=(1, 2, 3)) * _SFACE_MEAN / _SFACE_DIVISOR
            scale /= _SFACE_DIVISOR
        folded = graph.dequantised(values, zero, scale * factor[:, None], weight.shape)
        x = graph.node("Conv", [x, folded], [shift], **attributes)
        x = graph.prelu(x, source.weight(f"{name}_relu_gamma").ravel())
    factor, shift = source.batch_norm("bn1")
    x = graph.conv(x, factor.reshape(-1, 1, 1, 1), shift, group=len(factor))
    x = graph.node("Flatten", [x], axis=1)
    factor, shift = source.batch_norm("fc1")
    values, zero, scale = source.blocks("pre_fc1_weight")
    folded = graph.dequantised(values, zero, scale * factor[:, None], values.shape)
    bias = source.weight("pre_fc1_bias") * factor + shift
    x = graph.node("Gemm", [x, folded], [bias], transB=1)
    x = graph.node("LpNormalization", [x], axis=1, p=2)
    space = np.load(SPACE)
    graph.node("Gemm", [x], [space[:-1], space[-1]], "embedding")
    return graph.model({"image": ["batch", 3, 112, 112]}, {"embedding": ["batch", len(values)]})


def yunet(data: bytes) -> bytes:
    """The detector: RGB pixels, 0..255, sides multiples of 32, to 16 numbers for each cell of 8, 16 and 32 pixels."""
    source, graph = _Source(data), Graph("yunet")
    made = {"input": "image"}
    heads: list[str] = []
    for node in source.nodes:
        inputs = [made[name] for name in node.input if name in made]
        attributes = source.attributes(node.output[0])
        if node.op_type == "Conv":
            weight, bias = (source.weight(name) for name in node.input[1:])
            if node.input[0] == "input":
                weight = weight[:, ::-1]  # trained on BGR
            if node.input[1].startswith("bbox_head"):
                heads.append(node.input[0])
                continue
            result = graph.node("Conv", inputs, [weight, bias], **attributes)
        elif node.op_type in ("Relu", "MaxPool", "Add"):
            result = graph.node(node.op_type, inputs, **attributes)
        elif node.op_type == "Resize":
            scales = np.array([1.0, 1.0, 2.0, 2.0])
            attributes = {"coordinate_transformation_mode": "asymmetric", "mode": "nearest", "nearest_mode": "floor"}
            result = graph.node("Resize", [*inputs, ""], [scales], **attributes)
        else:
            continue  # the weights, and the reshaping of what the heads say
        made[node.output[0]] = result
    # What the heads look at, once for each, from the finest scale on.
    levels = [name for name in dict.fromkeys(heads) if name in made]
    for level, (stride, features) in enumerate(zip(_STRIDES, levels, strict=True)):
        weights = [
            np.concatenate([source.weight(f"bbox_head.multi_level_{head}.{level}.{part}") for head in _HEADS])
            for part in ("conv1.weight", "conv1.bias", "conv2.weight", "conv2.bias")
        ]
        x = graph.conv(made[features], weights[0], weights[1])
        graph.conv(x, weights[2], weights[3], pads=(1, 1, 1, 1), group=16, output=f"cells_{stride}")
    sides = {stride: [f"rows_{stride}", f"columns_{stride}"] for stride in _STRIDES}
    outputs = {f"cells_{stride}": ["batch", 16, *sides[stride]] for stride in _STRIDES}
    return graph.model({"image": ["batch", 3, "height", "width"]}, outputs)
