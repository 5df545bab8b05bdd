"""The network: a few residual convolutions on an aligned chip, and a layer that knows where on the face it looks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from models.recipes.occlusion.synthesise import MAP
from senseid_engine.quality.occlusion import REGIONS

MEAN = 127.5
"""Pixels are brought to (x - MEAN) / MEAN."""


class Answer(NamedTuple):
    """The outputs of the network for a batch, as logits.

    Attributes:
        visible: (n, 4), of the visible share of each region, in the order of `REGIONS`.
        covered: (n, MAP, MAP), of the covered share of each place.
    """

    visible: Tensor
    covered: Tensor


def _convolution(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inside, outside, 3, stride, 1, bias=False), nn.BatchNorm2d(outside))


class _Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.first = _convolution(channels, channels)
        self.second = _convolution(channels, channels)

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(x + self.second(torch.relu(self.first(x))))


class OcclusionNet(nn.Module):
    """Takes pixels, float32 (n, 3, SIDE, SIDE), RGB, 0..255."""

    def __init__(self) -> None:
        super().__init__()
        self.early = nn.Sequential(
            _convolution(3, 16, 2),
            nn.ReLU(),
            _convolution(16, 32, 2),
            nn.ReLU(),
            _convolution(32, 64, 2),
            nn.ReLU(),
            _Residual(64),
        )
        self.late = nn.Sequential(_convolution(64, 96, 2), nn.ReLU(), _Residual(96))
        self.draw_early = nn.Conv2d(64, 1, 1)
        self.draw_late = nn.Conv2d(96, 1, 1)
        self.narrow = nn.Sequential(nn.Conv2d(96, 32, 1), nn.ReLU())
        self.dropout = nn.Dropout(0.2)
        self.hidden = nn.Linear(32 * (MAP // 2) ** 2, 64)
        self.last = nn.Linear(64, len(REGIONS))

    def forward(self, pixels: Tensor) -> Answer:
        """Logits of the visible shares and of the map."""
        early = self.early((pixels - MEAN) / MEAN)
        late = self.late(early)
        flat = self.dropout(self.narrow(late).flatten(1))
        visible = self.last(torch.relu(self.hidden(flat)))
        drawn = nn.functional.interpolate(self.draw_late(late), size=MAP, mode="nearest")
        return Answer(visible, (self.draw_early(early) + drawn)[:, 0])
