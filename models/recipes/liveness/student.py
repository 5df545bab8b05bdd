"""The network that learns from a published one what a recapture looks like: 80x80 pixels of a face's surroundings.

Strided convolutions make the maps smaller; between them are residual blocks that are narrow in their middle. Their
number, and the width of what goes from block to block, are those of the teacher, so that each can learn from its own.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch import Tensor, nn

from senseid_engine.liveness.stills import SURROUNDINGS_CHIP

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE: Final = SURROUNDINGS_CHIP.side
STAGES: Final = ((64, (16, 16, 16, 16)), (128, (232, 56, 32, 80, 32, 32)), (128, (32, 32)))
"""Of each stage: the width of its maps, and that of the middle of each residual block."""
CENTRE: Final = 2.0
SPREAD: Final = 64.0
"""Pixels are brought to x / SPREAD - CENTRE."""
_STEM: Final = 32
_LAST: Final = 512
_EMBEDDING: Final = 128
_LEAK: Final = 0.1


def convolution(
    inside: int, outside: int, kernel: int, stride: int = 1, *, group: int = 1, padded: bool = True
) -> nn.Sequential:
    """A convolution and its batch normalisation."""
    padding = kernel // 2 if padded else 0
    layer = nn.Conv2d(inside, outside, kernel, stride, padding, groups=group, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outside))


class Residual(nn.Module):
    """What a narrow middle makes of the maps is added to them."""

    def __init__(self, width: int, middle: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            convolution(width, middle, 1),
            nn.LeakyReLU(_LEAK),
            convolution(middle, middle, 3, group=middle),
            nn.LeakyReLU(_LEAK),
            convolution(middle, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """The maps and what was made of them."""
        made: Tensor = x + self.body(x)
        return made


class Head(nn.Module):
    """The embedding and the logits of the teacher's three classes, of which the second is a face."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            convolution(width, _LAST, 1),
            nn.LeakyReLU(_LEAK),
            convolution(_LAST, _LAST, SIDE // 16, group=_LAST, padded=False),
        )
        self.embedding = nn.Sequential(nn.Linear(_LAST, _EMBEDDING, bias=False), nn.BatchNorm1d(_EMBEDDING))
        self.classes = nn.Linear(_EMBEDDING, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Embedding and logits."""
        embedding = self.embedding(self.maps(x).flatten(1))
        return embedding, self.classes(embedding)


class StudentNet(nn.Module):
    """Takes pixels, float32 (n, 3, SIDE, SIDE), RGB, 0..255."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(
            convolution(3, _STEM, 3, 2), nn.PReLU(_STEM), convolution(_STEM, _STEM, 3, group=_STEM), nn.PReLU(_STEM)
        )
        blocks: list[nn.Module] = [stem]
        width = _STEM
        for wider, middles in STAGES:
            blocks.append(
                nn.Sequential(convolution(width, wider, 3, 2), nn.LeakyReLU(_LEAK), convolution(wider, wider, 1))
            )
            blocks += [Residual(wider, middle) for middle in middles]
            width = wider
        self.blocks = nn.ModuleList([*blocks, Head(width)])

    def forward(self, x: Tensor, forced: Sequence[Tensor] | None = None) -> list[Tensor]:
        """What each block makes, then the embedding, then the logits.

        Args:
            x: the pixels.
            forced: what the teacher's blocks make; each block but the first takes that instead of what comes to it.
        """
        x = x / SPREAD - CENTRE
        made: list[Tensor] = []
        for number, block in enumerate(self.blocks):
            told = block(x if forced is None or not number else forced[number - 1])
            if isinstance(block, Head):
                made += told
            else:
                made.append(told)
                x = told
        return made
