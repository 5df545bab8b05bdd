"""The teacher: MiniFASNetV2, a published network that takes 80x80 pixels of a face and what is around it.

Used by `distil`, for inference alone: batch normalisation is folded into the convolutions. Its weights are no part of
what is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

BONA_FIDE_CLASS = 1
"""Which of the three classes is a living face; the others are kinds of recaptures."""
_PREFIX = "module."
_STAGES = (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5"))
"""Of each stage: the name of its downsampling block, and the name that its residual blocks share."""
_NORM_EPSILON = 1e-5


class Teacher:
    """The network in evaluation mode.

    Args:
        state: the tensors of its state dict, as `read_state` returns them.
    """

    def __init__(self, state: Mapping[str, np.ndarray]) -> None:
        self._state = {name.removeprefix(_PREFIX): torch.tensor(values) for name, values in state.items()}
        named = [name.removesuffix(".conv.weight") for name in self._state if name.endswith(".conv.weight")]
        self._folded = {name: self._fold(name) for name in named}

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> list[Tensor]:
        """Run it without gradients.

        Args:
            pixels: float32 (n, 3, 80, 80), RGB, 0..255; the network itself wants BGR.

        Returns:
            The output of each block, float32 (n, channels, height, width): the stem, then of each stage the block that
            downsamples and its residual blocks. Then the embedding, (n, 128), and the logits, (n, 3).
        """
        x = self._convolved(self._convolved(pixels.flip(1), "conv1", stride=2, padding=1), "conv2_dw", padding=1)
        outputs = [x]
        for downsampling, residual in _STAGES:
            x = self._bottleneck(x, downsampling, stride=2)
            outputs.append(x)
            index = 0
            while f"{residual}.model.{index}.conv" in self._folded:
                x = x + self._bottleneck(x, f"{residual}.model.{index}")
                outputs.append(x)
                index += 1
        x = self._convolved(self._convolved(x, "conv_6_sep"), "conv_6_dw", activated=False).flatten(1)
        scale, shift = self._norm("bn")
        embedding = (x @ self._state["linear.weight"].T) * scale + shift
        return [*outputs, embedding, embedding @ self._state["prob.weight"].T]

    def _norm(self, name: str) -> tuple[Tensor, Tensor]:
        """Scale and shift of a batch normalisation, (channels,) each."""
        weight, bias, mean, variance = (
            self._state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / torch.sqrt(variance + _NORM_EPSILON)
        return scale, bias - mean * scale

    def _fold(self, name: str) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution with its batch normalisation folded in."""
        scale, shift = self._norm(f"{name}.bn")
        return (self._state[f"{name}.conv.weight"] * scale[:, None, None, None]).contiguous(), shift

    def _convolved(self, x: Tensor, name: str, *, stride: int = 1, padding: int = 0, activated: bool = True) -> Tensor:
        weight, bias = self._folded[name]
        # The state dict does not say which convolutions are depthwise; their weights have one input channel.
        groups = x.shape[1] // weight.shape[1]
        x = functional.conv2d(x, weight, bias, stride, padding, 1, groups)
        return functional.prelu(x, self._state[f"{name}.prelu.weight"]) if activated else x

    def _bottleneck(self, x: Tensor, name: str, *, stride: int = 1) -> Tensor:
        """Pointwise, depthwise 3x3 and pointwise convolution, without activation after the last."""
        x = self._convolved(x, f"{name}.conv")
        x = self._convolved(x, f"{name}.conv_dw", stride=stride, padding=1)
        return self._convolved(x, f"{name}.project", activated=False)
