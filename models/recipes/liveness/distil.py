"""`python -m models.recipes.liveness.distil CROPS.npy TEACHER.pth STATE.pt`: the student learns from the teacher.

CROPS is what `crops` wrote, TEACHER the state dict of the published network, STATE where the student's weights go. No
label is used: the student is to say of each crop what the teacher says. For the first steps each of its blocks is given
what the teacher's block before makes, so that all learn at once; then it works as a whole.

The same crops and seed give the same weights on the same machine and version of PyTorch. The weights that come last are
kept; the validation part, the first crops, is only looked at.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional
from torch.nn.utils import clip_grad_norm_

from models.recipes.liveness.student import StudentNet
from models.recipes.liveness.teacher import GENUINE, Teacher
from models.recipes.torch_recipe import make_reproducible
from models.recipes.torch_state import read_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from senseid_engine.arrays import Pixels

BATCH = 64
RATE, LAST_RATE = 4e-3, 1e-5
DECAY = 1e-4
WARM_UP = 100
"""So many steps the rate takes to rise."""
LONGEST_GRADIENT = 5.0
FORCED = 0.15
"""For this share of the steps each block is given what the teacher makes."""
COARSE = 0.9
"""For this share of the steps the student computes in bfloat16, which is faster; the last steps are exact."""
SOFTNESS = 2.0
"""What logits are divided by before their probabilities are compared, so that small ones count as well."""
LEAST_SPREAD = 2e-2
"""The share of the whole variance that is added to a channel's: one that hardly varies would count without bound."""
VALIDATION = 1000
"""So many crops validate, but at most a tenth."""
EACH = 200
"""Steps from one validation to the next."""


@dataclass(frozen=True, slots=True)
class Weights:
    """How much each part of the loss counts.

    Attributes:
        block: the errors of each block.
        embedding: the error of the embedding.
        classes: the divergence of the classes' probabilities.
    """

    block: float
    embedding: float
    classes: float


BY_BLOCK = Weights(1.0, 1.0, 0.5)
AS_A_WHOLE = Weights(0.3, 2.0, 4.0)


def pixels_of(crops: Pixels) -> Tensor:
    """Crops, uint8 (n, 80, 80, 3), RGB, as the networks take them: float32 (n, 3, 80, 80)."""
    return torch.from_numpy(np.array(crops)).permute(0, 3, 1, 2).float().contiguous()


def varied(pixels: Tensor) -> Tensor:
    """The batch in other light, moved, noisy, in a mirror or without colour, each in some of the crops.

    Args:
        pixels: float32 (n, 3, height, width), 0..255. Whole numbers come out again.
    """
    count = len(pixels)

    def some(share: float) -> Tensor:
        return torch.rand(count, 1, 1, 1) < share

    def between(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(count, channels, 1, 1)

    x = torch.where(some(0.5), pixels.flip(3), pixels)
    lit = x * between(0.65, 1.35) * between(0.9, 1.1, 3) + between(-20, 20)
    x = torch.where(some(0.6), lit, x)
    down, right = torch.randint(-4, 5, (2,)).tolist()
    height, width = x.shape[2:]
    wide = functional.pad(x, (4, 4, 4, 4), mode="replicate")
    x = torch.where(some(0.3), wide[:, :, 4 - down : 4 - down + height, 4 - right : 4 - right + width], x)
    x = torch.where(some(0.3), x + 6 * torch.rand(1) * torch.randn_like(x), x)
    x = torch.where(some(0.1), x.mean(1, keepdim=True), x)
    return x.clamp(0, 255).round()


def spreads(made: Sequence[Tensor]) -> list[Tensor]:
    """By what squared errors are divided: the variance of each channel, with all other dimensions of size 1."""
    return [
        part.var(dim=[axis for axis in range(part.ndim) if axis != 1], keepdim=True) + LEAST_SPREAD * part.var()
        for part in made
    ]


def errors(told: Sequence[Tensor], wanted: Sequence[Tensor], spread: Sequence[Tensor]) -> list[Tensor]:
    """The mean squared errors of the blocks and the embedding, as shares of the variance; not of the logits."""
    return [
        ((one - other) ** 2 / size).mean() for one, other, size in zip(told[:-1], wanted[:-1], spread[:-1], strict=True)
    ]


def divergence(told: Tensor, wanted: Tensor) -> Tensor:
    """How far the probabilities by the student's logits are from those by the teacher's: Kullback and Leibler's."""
    return functional.kl_div(
        functional.log_softmax(told / SOFTNESS, 1), functional.softmax(wanted / SOFTNESS, 1), reduction="batchmean"
    )


def loss_of(told: Sequence[Tensor], wanted: Sequence[Tensor], spread: Sequence[Tensor], weights: Weights) -> Tensor:
    """What is made small. All are what the blocks make, then the embedding, then the logits."""
    *blocks, embedding = errors(told, wanted, spread)
    classes = divergence(told[-1], wanted[-1])
    return weights.block * torch.stack(blocks).sum() + weights.embedding * embedding + weights.classes * classes


def rate_at(step: int, steps: int) -> float:
    """The learning rate: it rises in a line, and falls like half a wave of a cosine."""
    return float(RATE * min(1.0, step / WARM_UP) * (1 + np.cos(np.pi * step / steps)) / 2 + LAST_RATE)


@dataclass(frozen=True)
class Validation:
    """Crops that nothing is learned from, and what the teacher makes of them."""

    pixels: Tensor
    wanted: list[Tensor]
    spread: list[Tensor]

    @classmethod
    def by(cls, teacher: Teacher, crops: Pixels) -> Validation:
        """Ask the teacher."""
        pixels = pixels_of(crops)
        wanted = teacher(pixels)
        return cls(pixels, wanted, spreads(wanted))

    def line(self, net: nn.Module) -> str:
        """How well the student does: errors as shares of the variance, and how alike the two judge."""
        net.eval()
        with torch.no_grad():
            told = net(self.pixels)
        net.train()
        first, *middle, last, embedding = (error.item() for error in errors(told, self.wanted, self.spread))
        ours, theirs = (functional.softmax(made[-1], 1)[:, GENUINE] for made in (told, self.wanted))
        odds = torch.stack([torch.logit(part, 1e-4) for part in (ours, theirs)])
        return (
            f"errors of the first block {first:.3f}, of those between {np.mean(middle):.3f}, of the last {last:.3f}, "
            f"of the embedding {embedding:.3f}, correlation of the log-odds {torch.corrcoef(odds)[0, 1].item():.4f}, "
            f"same answer {((ours > 0.5) == (theirs > 0.5)).float().mean().item():.3f}"
        )


def train(net: nn.Module, teacher: Teacher, crops: Pixels, *, steps: int) -> None:
    """Learn from the teacher, by PyTorch's own randomness.

    Args:
        net: called with pixels and the outputs that are forced upon it, or None; returns as many as the teacher.
        teacher: what it learns from.
        crops: uint8 (n, 80, 80, 3), RGB; the first validate.
        steps: how many batches.
    """
    held_out = min(VALIDATION, len(crops) // 10)
    validation = Validation.by(teacher, crops[:held_out])
    optimiser = torch.optim.AdamW(net.parameters(), RATE, weight_decay=DECAY)
    net.train()
    start = time.monotonic()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = rate_at(step, steps)
        pixels = varied(pixels_of(crops[torch.randint(held_out, len(crops), (BATCH,)).numpy()]))
        wanted = teacher(pixels)
        forced = step < FORCED * steps
        with torch.autocast("cpu", torch.bfloat16, enabled=step < COARSE * steps):
            told = net(pixels, wanted if forced else None)
        exact = [part.float() for part in told]
        loss = loss_of(exact, wanted, validation.spread, BY_BLOCK if forced else AS_A_WHOLE)
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(net.parameters(), LONGEST_GRADIENT)
        optimiser.step()
        if (step + 1) % EACH == 0 or step + 1 == steps:
            spent = time.monotonic() - start
            print(f"step {step + 1}: loss {loss.item():.3f}, {validation.line(net)}, {spent:.0f} s", flush=True)


def main() -> None:
    """Train; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.liveness.distil", description=__doc__)
    parser.add_argument("crops", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    make_reproducible(words.seed)
    net = StudentNet()
    teacher = Teacher(read_state(words.teacher.read_bytes()))
    train(net, teacher, np.load(words.crops, mmap_mode="r"), steps=words.steps)
    torch.save(net.state_dict(), words.state)


if __name__ == "__main__":
    main()
