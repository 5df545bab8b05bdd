"""The network: the first layers of HSE-FaceRes, once for the face and once for what surrounds it.

Convolutions that were trained on faces know edges, skin and hair before the first attack is seen; what is left to learn
from a few thousand photos is small. Both streams end in the mean and the spread of their maps: a recapture shows in the
texture everywhere, not in one place.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import onnx
import torch
from torch import nn

from models.recipes.errors import ConvertError

if TYPE_CHECKING:
    from pathlib import Path

TIGHT = 112
"""Side of the face square in the chip, pixels."""
LOOSE = 80
"""Side of the square with the surroundings, beneath it at the left."""

# (channels in, channels out, stride) of the depthwise-separable blocks that are kept.
BLOCKS = ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 256, 1))
HIDDEN = 64


class Stream(nn.Module):
    """Convolutions and pooling of one square: uint8-valued RGB (n, 3, side, side) to (n, 512)."""

    def __init__(self, blocks: int) -> None:
        super().__init__()
        layers: list[nn.Module] = [_same(3, 32, 3, 2, 1), nn.ReLU6()]
        for inside, outside, stride in BLOCKS[:blocks]:
            layers += [_same(inside, inside, 3, stride, inside), nn.ReLU6()]
            layers += [nn.Conv2d(inside, outside, 1), nn.ReLU6()]
        self.layers = nn.Sequential(*layers)
        self.width = BLOCKS[blocks - 1][1]

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Mean and spread of each map."""
        maps = self.layers(x)
        mean = maps.mean(dim=(2, 3))
        spread = torch.sqrt(((maps - mean[:, :, None, None]) ** 2).mean(dim=(2, 3)) + 1e-4)
        return torch.cat([mean, spread], 1)


class Head(nn.Module):
    """From pooled maps to one log-odds."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm1d(width)
        self.drop = nn.Dropout(0.3)
        self.hidden = nn.Linear(width, HIDDEN)
        self.out = nn.Linear(HIDDEN, 1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """(n, width) to (n,)."""
        return self.out(torch.relu(self.hidden(self.drop(self.norm(x)))))[:, 0]


class Network(nn.Module):
    """Both streams; the sum of their log-odds that the face is bona fide."""

    def __init__(self) -> None:
        super().__init__()
        self.face, self.around = Stream(5), Stream(4)
        self.face_head, self.around_head = Head(2 * self.face.width), Head(2 * self.around.width)
        self.register_buffer("mean", torch.zeros(1, 3, 1, 1))

    def parts(self, chips: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """The log-odds of the face and of its surroundings; `chips` as `forward`."""
        x = chips - self.mean
        face = self.face_head(self.face(x[:, :, :TIGHT, :]))
        around = self.around_head(self.around(x[:, :, TIGHT:, :LOOSE]))
        return face, around

    def forward(self, chips: torch.Tensor) -> torch.Tensor:
        """Log-odds (n, 1) of float32 chips (n, 3, TIGHT + LOOSE, TIGHT), RGB, 0..255."""
        face, around = self.parts(chips)
        return (face + around)[:, None]


class _same(nn.Module):  # noqa: N801 - reads as a function
    """A convolution padded as TensorFlow pads: at stride 2 and even size only below and to the right."""

    def __init__(self, inside: int, outside: int, kernel: int, stride: int, groups: int) -> None:
        super().__init__()
        self.pad = nn.ZeroPad2d((0, 1, 0, 1) if stride == 2 else (1, 1, 1, 1))
        self.conv = nn.Conv2d(inside, outside, kernel, stride, groups=groups)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """The convolution."""
        return self.conv(self.pad(x))


def initialise(network: Network, faceres: Path) -> None:
    """Give both streams the first layers of the HSE-FaceRes file.

    Raises:
        ConvertError: the file is not the graph that this expects.
    """
    graph = onnx.load(faceres).graph
    arrays = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    first = graph.node[0]
    if first.op_type != "Sub":
        raise ConvertError("hse-faceres.onnx does not start with the subtraction of its mean")
    network.mean.copy_(torch.from_numpy(np.array(arrays[first.input[1]])))
    weights = [node.input for node in graph.node if node.op_type == "Conv"]
    for stream in (network.face, network.around):
        convolutions = [module for module in stream.layers.modules() if isinstance(module, nn.Conv2d)]
        for convolution, names in zip(convolutions, weights, strict=False):
            weight, bias = arrays[names[1]], arrays[names[2]]
            if weight.shape != tuple(convolution.weight.shape):
                raise ConvertError(f"hse-faceres.onnx: {names[1]} has the shape {weight.shape}")
            convolution.weight.data.copy_(torch.from_numpy(np.array(weight)))
            convolution.bias.data.copy_(torch.from_numpy(np.array(bias)))
