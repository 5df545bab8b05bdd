"""`python -m models.recipes.liveness.distil CROPS.npy TEACHER.pth STATE.pt`: knowledge distillation of the student.

CROPS.npy is what `crops` wrote, TEACHER.pth the state dict of the published network, and STATE.pt is where the
student's goes. The targets are the teacher's feature maps, embedding and logits; no label is used. For the first steps
each block of the student takes as input the teacher's output of the block before, so that all learn at once; after that
the student is trained end to end.

The same crops and seed give the same weights on the same machine and version of PyTorch. The weights of the last step
are kept: the validation crops, the first of the file, are only reported on, and select nothing.
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
from models.recipes.liveness.teacher import BONA_FIDE_CLASS, Teacher
from models.recipes.torch_recipe import make_reproducible
from models.recipes.torch_state import read_state

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor, nn

    from senseid_engine.arrays import Pixels

BATCH_SIZE = 64
LEARNING_RATE, FINAL_LEARNING_RATE = 4e-3, 1e-5
WEIGHT_DECAY = 1e-4
WARMUP_STEPS = 100
MAX_GRADIENT_NORM = 5.0
BLOCKWISE_SHARE = 0.15
"""The share of the steps, the first ones, in which each block takes the teacher's output of the block before."""
BFLOAT16_SHARE = 0.9
"""The share of the steps, the first ones, whose forward pass is in bfloat16, which is faster; the rest are float32."""
TEMPERATURE = 2.0
"""Divides the logits of both networks before their softmax. The loss is not multiplied by its square."""
VARIANCE_FLOOR = 2e-2
"""Added to each channel's variance, as a share of the whole output's, so that near-constant ones do not dominate."""
VALIDATION_CROPS = 1000
"""At most so many crops validate, and at most a tenth of all."""
VALIDATE_EVERY = 200
"""Steps."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """The weights of the terms of the loss.

    Attributes:
        block: of the mean squared error of each block's output.
        embedding: of that of the embedding.
        classes: of the Kullback-Leibler divergence of the class probabilities.
    """

    block: float
    embedding: float
    classes: float


BLOCKWISE_WEIGHTS = LossWeights(1.0, 1.0, 0.5)
END_TO_END_WEIGHTS = LossWeights(0.3, 2.0, 4.0)


def to_tensor(crops: Pixels) -> Tensor:
    """Crops, uint8 (n, 80, 80, 3), RGB, as both networks take them: float32 (n, 3, 80, 80), 0..255."""
    return torch.from_numpy(np.array(crops)).permute(0, 3, 1, 2).float().contiguous()


def augmented(pixels: Tensor) -> Tensor:
    """The batch with random mirroring, gain, offset, shift, noise and grey, each applied to some of its crops.

    Args:
        pixels: float32 (n, 3, height, width), 0..255.

    Returns:
        The same shape and range, rounded to whole numbers as pixels are. Shift and noise level are drawn once a batch.
    """
    count = len(pixels)

    def chosen(probability: float) -> Tensor:
        return torch.rand(count, 1, 1, 1) < probability

    def uniform(low: float, high: float, channels: int = 1) -> Tensor:
        return low + (high - low) * torch.rand(count, channels, 1, 1)

    x = torch.where(chosen(0.5), pixels.flip(3), pixels)
    relit = x * uniform(0.65, 1.35) * uniform(0.9, 1.1, 3) + uniform(-20, 20)
    x = torch.where(chosen(0.6), relit, x)
    down, right = torch.randint(-4, 5, (2,)).tolist()
    height, width = x.shape[2:]
    padded = functional.pad(x, (4, 4, 4, 4), mode="replicate")
    x = torch.where(chosen(0.3), padded[:, :, 4 - down : 4 - down + height, 4 - right : 4 - right + width], x)
    x = torch.where(chosen(0.3), x + 6 * torch.rand(1) * torch.randn_like(x), x)
    x = torch.where(chosen(0.1), x.mean(1, keepdim=True), x)
    return x.clamp(0, 255).round()


def channel_variances(outputs: Sequence[Tensor]) -> list[Tensor]:
    """What normalises the squared errors: each output's variance by channel, all other dimensions of size 1."""
    return [
        output.var(dim=[axis for axis in range(output.ndim) if axis != 1], keepdim=True) + VARIANCE_FLOOR * output.var()
        for output in outputs
    ]


def normalised_errors(
    outputs: Sequence[Tensor], targets: Sequence[Tensor], variances: Sequence[Tensor]
) -> list[Tensor]:
    """Mean squared errors over variance: scalars, one for each block, then the embedding's. The logits have none."""
    return [
        ((output - target) ** 2 / variance).mean()
        for output, target, variance in zip(outputs[:-1], targets[:-1], variances[:-1], strict=True)
    ]


def kl_divergence(logits: Tensor, target_logits: Tensor) -> Tensor:
    """Kullback-Leibler divergence of softened class probabilities, mean over the batch; both logits (n, classes)."""
    return functional.kl_div(
        functional.log_softmax(logits / TEMPERATURE, 1),
        functional.softmax(target_logits / TEMPERATURE, 1),
        reduction="batchmean",
    )


def distillation_loss(
    outputs: Sequence[Tensor], targets: Sequence[Tensor], variances: Sequence[Tensor], weights: LossWeights
) -> Tensor:
    """The weighted sum of all terms, a scalar.

    Args:
        outputs: of the student: the blocks' maps, the embedding, the logits.
        targets: the same of the teacher.
        variances: as `channel_variances` gives them.
        weights: of the terms.
    """
    *blocks, embedding = normalised_errors(outputs, targets, variances)
    classes = kl_divergence(outputs[-1], targets[-1])
    return weights.block * torch.stack(blocks).sum() + weights.embedding * embedding + weights.classes * classes


def learning_rate_at(step: int, steps: int) -> float:
    """Linear warm-up and cosine decay to `FINAL_LEARNING_RATE`."""
    cosine = (1 + np.cos(np.pi * step / steps)) / 2
    return float(LEARNING_RATE * min(1.0, step / WARMUP_STEPS) * cosine + FINAL_LEARNING_RATE)


@dataclass(frozen=True)
class Validation:
    """Held-out crops, the teacher's outputs for them, and the variances of these."""

    pixels: Tensor
    targets: list[Tensor]
    variances: list[Tensor]

    @classmethod
    def of(cls, teacher: Teacher, crops: Pixels) -> Validation:
        """Run the teacher on crops, uint8 (n, 80, 80, 3), RGB."""
        pixels = to_tensor(crops)
        targets = teacher(pixels)
        return cls(pixels, targets, channel_variances(targets))

    def summary(self, net: nn.Module) -> str:
        """Normalised errors, and how well the bona fide probabilities of student and teacher agree, in one line."""
        net.eval()
        with torch.no_grad():
            outputs = net(self.pixels)
        net.train()
        errors = normalised_errors(outputs, self.targets, self.variances)
        first, *between, last, embedding = (error.item() for error in errors)
        student = functional.softmax(outputs[-1], 1)[:, BONA_FIDE_CLASS]
        teacher = functional.softmax(self.targets[-1], 1)[:, BONA_FIDE_CLASS]
        log_odds = torch.stack([torch.logit(probability, 1e-4) for probability in (student, teacher)])
        return (
            f"normalised error of the first block {first:.3f}, of those between {np.mean(between):.3f}, "
            f"of the last {last:.3f}, of the embedding {embedding:.3f}, "
            f"correlation of the log-odds {torch.corrcoef(log_odds)[0, 1].item():.4f}, "
            f"agreement at 0.5 {((student > 0.5) == (teacher > 0.5)).float().mean().item():.3f}"
        )


def train(net: nn.Module, teacher: Teacher, crops: Pixels, *, steps: int) -> None:
    """Train the student in place, with PyTorch's global random generator.

    Args:
        net: called with pixels, and with the teacher's outputs while training blockwise or else None; returns as many
            outputs as the teacher.
        teacher: gives the targets.
        crops: uint8 (n, 80, 80, 3), RGB; the first validate.
        steps: how many batches.
    """
    held_out = min(VALIDATION_CROPS, len(crops) // 10)
    validation = Validation.of(teacher, crops[:held_out])
    optimiser = torch.optim.AdamW(net.parameters(), LEARNING_RATE, weight_decay=WEIGHT_DECAY)
    net.train()
    start = time.monotonic()
    for step in range(steps):
        for group in optimiser.param_groups:
            group["lr"] = learning_rate_at(step, steps)
        pixels = augmented(to_tensor(crops[torch.randint(held_out, len(crops), (BATCH_SIZE,)).numpy()]))
        targets = teacher(pixels)
        blockwise = step < BLOCKWISE_SHARE * steps
        with torch.autocast("cpu", torch.bfloat16, enabled=step < BFLOAT16_SHARE * steps):
            outputs = net(pixels, targets if blockwise else None)
        # The loss is computed in float32 either way.
        outputs = [output.float() for output in outputs]
        weights = BLOCKWISE_WEIGHTS if blockwise else END_TO_END_WEIGHTS
        loss = distillation_loss(outputs, targets, validation.variances, weights)
        optimiser.zero_grad()
        loss.backward()
        clip_grad_norm_(net.parameters(), MAX_GRADIENT_NORM)
        optimiser.step()
        if (step + 1) % VALIDATE_EVERY == 0 or step + 1 == steps:
            elapsed = time.monotonic() - start
            print(f"step {step + 1}: loss {loss.item():.3f}, {validation.summary(net)}, {elapsed:.0f} s", flush=True)


def main() -> None:
    """Train; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.liveness.distil", description=__doc__)
    parser.add_argument("crops", type=Path)
    parser.add_argument("teacher", type=Path)
    parser.add_argument("state", type=Path)
    parser.add_argument("--steps", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    make_reproducible(arguments.seed)
    net = StudentNet()
    teacher = Teacher(read_state(arguments.teacher.read_bytes()))
    train(net, teacher, np.load(arguments.crops, mmap_mode="r"), steps=arguments.steps)
    torch.save(net.state_dict(), arguments.state)


if __name__ == "__main__":
    main()
