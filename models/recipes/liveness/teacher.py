"""The published network that the student learns from: MiniFASNetV2, which looks at 80x80 pixels about a face.

Its state dict names every layer. Batch normalisation folds into the convolutions, since nothing is learned here. It is
only asked, and is no part of what is installed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor
from torch.nn import functional

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy as np

GENUINE = 1
"""Which of the three classes is a living face; the others are kinds of recaptures."""
_PREFIX = "module."
_STAGES = (("conv_23", "conv_3"), ("conv_34", "conv_4"), ("conv_45", "conv_5"))
"""Of each stage: the block that halves the maps, and the name that its residual blocks share."""
_NORM_EPSILON = 1e-5


class Teacher:
    """The network, with its weights.

    Args:
        state: the tensors of its state dict, as `read_state` returns them.
    """

    def __init__(self, state: Mapping[str, np.ndarray]) -> None:
        self._state = {name.removeprefix(_PREFIX): torch.tensor(values) for name, values in state.items()}
        named = [name.removesuffix(".conv.weight") for name in self._state if name.endswith(".conv.weight")]
        self._folded = {name: self._fold(name) for name in named}

    @torch.no_grad()
    def __call__(self, pixels: Tensor) -> list[Tensor]:
        """Ask it.

        Args:
            pixels: float32 (n, 3, 80, 80), RGB, 0..255; the network itself wants BGR.

        Returns:
            The maps after each block, float32 (n, channels, height, width): the stem, then of each stage the block that
            halves the maps and its residual blocks. Then the embedding, (n, 128), and the logits, (n, 3).
        """
        x = self._convolved(self._convolved(pixels.flip(1), "conv1", stride=2, padding=1), "conv2_dw", padding=1)
        made = [x]
        for halving, residual in _STAGES:
            x = self._narrow(x, halving, stride=2)
            made.append(x)
            number = 0
            while f"{residual}.model.{number}.conv" in self._folded:
                x = x + self._narrow(x, f"{residual}.model.{number}")
                made.append(x)
                number += 1
        x = self._convolved(self._convolved(x, "conv_6_sep"), "conv_6_dw", activated=False).flatten(1)
        scale, shift = self._norm("bn")
        embedding = (x @ self._state["linear.weight"].T) * scale + shift
        return [*made, embedding, embedding @ self._state["prob.weight"].T]

    def _norm(self, name: str) -> tuple[Tensor, Tensor]:
        """The factor and the summand of a batch normalisation, one a channel."""
        weight, bias, mean, variance = (
            self._state[f"{name}.{part}"] for part in ("weight", "bias", "running_mean", "running_var")
        )
        scale = weight / torch.sqrt(variance + _NORM_EPSILON)
        return scale, bias - mean * scale

    def _fold(self, name: str) -> tuple[Tensor, Tensor]:
        """Weight and bias of a convolution and its normalisation."""
        scale, shift = self._norm(f"{name}.bn")
        return (self._state[f"{name}.conv.weight"] * scale[:, None, None, None]).contiguous(), shift

    def _convolved(self, x: Tensor, name: str, *, stride: int = 1, padding: int = 0, activated: bool = True) -> Tensor:
        weight, bias = self._folded[name]
        # One filter a channel where a filter sees only one of several.
        groups = x.shape[1] // weight.shape[1]
        x = functional.conv2d(x, weight, bias, stride, padding, 1, groups)
        return functional.prelu(x, self._state[f"{name}.prelu.weight"]) if activated else x

    def _narrow(self, x: Tensor, name: str, *, stride: int = 1) -> Tensor:
        """A block: channels are mixed, each is filtered by itself, and they are mixed again."""
        x = self._convolved(x, f"{name}.conv")
        x = self._convolved(x, f"{name}.conv_dw", stride=stride, padding=1)
        return self._convolved(x, f"{name}.project", activated=False)
