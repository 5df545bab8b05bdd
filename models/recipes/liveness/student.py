"""The student network, distilled from MiniFASNetV2: tells recaptures from 80x80 pixels of a face and what is around it.

Strided convolutions downsample; residual blocks with a bottleneck lie between them. Number, width and resolution of the
blocks' outputs are the teacher's, so that each block can be trained on the teacher's output. `distil` trains it and
`export` writes it as ONNX; the names of its parts are the keys of the state dict that the two exchange.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from torch import Tensor, nn

from senseid_engine.liveness.stills import SURROUNDINGS_CHIP

if TYPE_CHECKING:
    from collections.abc import Sequence

SIDE: Final = SURROUNDINGS_CHIP.side
STAGES: Final = ((64, (16, 16, 16, 16)), (128, (232, 56, 32, 80, 32, 32)), (128, (32, 32)))
"""Of each stage: the channels of its output, and those of the bottleneck of each of its residual blocks."""
CENTRE: Final = 2.0
SCALE: Final = 64.0
"""Pixels are normalised to x / SCALE - CENTRE: -2 to about 2."""
_STEM_WIDTH: Final = 32
_HEAD_WIDTH: Final = 512
_EMBEDDING_SIZE: Final = 128
_NEGATIVE_SLOPE: Final = 0.1


def conv_bn(
    inputs: int, outputs: int, kernel: int, stride: int = 1, *, groups: int = 1, padded: bool = True
) -> nn.Sequential:
    """Convolution without bias, then batch normalisation; zero padding of kernel // 2, or none."""
    padding = kernel // 2 if padded else 0
    layer = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Bottleneck residual block with a depthwise 3x3 convolution; no activation after the sum."""

    def __init__(self, width: int, bottleneck: int) -> None:
        super().__init__()
        self.body = nn.Sequential(
            conv_bn(width, bottleneck, 1),
            nn.LeakyReLU(_NEGATIVE_SLOPE),
            conv_bn(bottleneck, bottleneck, 3, groups=bottleneck),
            nn.LeakyReLU(_NEGATIVE_SLOPE),
            conv_bn(bottleneck, width, 1),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Maps in and out, (n, channels, height, width) of one shape."""
        output: Tensor = x + self.body(x)
        return output


class Head(nn.Module):
    """Global depthwise convolution, embedding and classifier."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.maps = nn.Sequential(
            conv_bn(width, _HEAD_WIDTH, 1),
            nn.LeakyReLU(_NEGATIVE_SLOPE),
            conv_bn(_HEAD_WIDTH, _HEAD_WIDTH, SIDE // 16, groups=_HEAD_WIDTH, padded=False),
        )
        self.embedding = nn.Sequential(
            nn.Linear(_HEAD_WIDTH, _EMBEDDING_SIZE, bias=False), nn.BatchNorm1d(_EMBEDDING_SIZE)
        )
        self.classes = nn.Linear(_EMBEDDING_SIZE, 3)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Maps, (n, width, SIDE // 16, SIDE // 16), to the embedding, (n, 128), and the logits of 3 classes, (n, 3)."""
        embedding = self.embedding(self.maps(x).flatten(1))
        return embedding, self.classes(embedding)


class StudentNet(nn.Module):
    """Stem, three stages and head; the classes are the teacher's."""

    def __init__(self) -> None:
        super().__init__()
        stem = nn.Sequential(
            conv_bn(3, _STEM_WIDTH, 3, 2),
            nn.PReLU(_STEM_WIDTH),
            conv_bn(_STEM_WIDTH, _STEM_WIDTH, 3, groups=_STEM_WIDTH),
            nn.PReLU(_STEM_WIDTH),
        )
        blocks: list[nn.Module] = [stem]
        width = _STEM_WIDTH
        for stage_width, bottlenecks in STAGES:
            blocks.append(
                nn.Sequential(
                    conv_bn(width, stage_width, 3, 2),
                    nn.LeakyReLU(_NEGATIVE_SLOPE),
                    conv_bn(stage_width, stage_width, 1),
                )
            )
            blocks += [Residual(stage_width, bottleneck) for bottleneck in bottlenecks]
            width = stage_width
        self.blocks = nn.ModuleList([*blocks, Head(width)])

    def forward(self, x: Tensor, teacher_outputs: Sequence[Tensor] | None = None) -> list[Tensor]:
        """The output of each block, then the embedding and the logits; shapes as `Teacher` returns them.

        Args:
            x: pixels, float32 (n, 3, SIDE, SIDE), RGB, 0..255.
            teacher_outputs: of the same pixels; each block but the first then takes the teacher's output of the block
                before as its input.
        """
        x = x / SCALE - CENTRE
        outputs: list[Tensor] = []
        for index, block in enumerate(self.blocks):
            output = block(x if teacher_outputs is None or not index else teacher_outputs[index - 1])
            if isinstance(block, Head):
                outputs += output
            else:
                outputs.append(output)
                x = output
        return outputs
