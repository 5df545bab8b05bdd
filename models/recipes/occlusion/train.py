"""`python -m models.recipes.occlusion.train --validation EXAMPLES.npz --out STATE.pt EXAMPLES.npz...`: learn.

The same examples and seed give the same weights on the same machine and version of PyTorch. Each example is also seen
as in a mirror. The state that comes last is kept; the validation part is only looked at. `--start` goes on from a
state, and `--without` leaves out examples of the photos that a file lists, one per line.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from torch.nn import functional

from models.recipes.occlusion.network import Answer, OcclusionNet
from models.recipes.occlusion.synthesise import Examples
from models.recipes.torch_recipe import make_reproducible
from senseid_engine.quality.occlusion import LEAST_VISIBLE, MIRRORED

if TYPE_CHECKING:
    from torch import Tensor

BATCH = 32
DECAY = 1e-2
# How much the map of covered places counts beside the four shares.
MAP_WEIGHT = 0.5
# How much the side of a half on which a share lies counts, and how sharply: that decides what is called covered.
SIDE_WEIGHT = 0.5
SIDE_SHARPNESS = 4.0


def batch_of(data: Examples, which: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels, visible shares and maps of some examples."""
    pixels = torch.from_numpy(data.chips[which]).permute(0, 3, 1, 2).float()
    return (
        pixels.contiguous(memory_format=torch.channels_last),
        torch.from_numpy(data.visible[which]),
        torch.from_numpy(data.covered[which]),
    )


def mirrored(pixels: Tensor, visible: Tensor, covered: Tensor, which: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """The batch with some of its examples in a mirror."""
    return (
        torch.where(which[:, None, None, None], pixels.flip(3), pixels),
        torch.where(which[:, None], visible[:, MIRRORED], visible),
        torch.where(which[:, None, None], covered.flip(2), covered),
    )


def predict(net: OcclusionNet, data: Examples) -> np.ndarray:
    """The visible shares that the network tells: float32 (n, 4)."""
    net.eval()
    with torch.no_grad():
        parts = [
            torch.sigmoid(net(batch_of(data, np.arange(start, min(start + 256, len(data.chips))))[0]).visible)
            for start in range(0, len(data.chips), 256)
        ]
    return np.asarray(torch.cat(parts).numpy())


def listed(values: np.ndarray) -> str:
    """One figure a region."""
    return " ".join(f"{value:.4f}" for value in values)


def loss_of(answer: Answer, visible: Tensor, covered: Tensor) -> Tensor:
    """Cross-entropy of the shares, of the side of the threshold on which they lie, and of the map."""
    entropy = functional.binary_cross_entropy_with_logits
    side = entropy(SIDE_SHARPNESS * answer.visible, (visible >= LEAST_VISIBLE).float())
    return entropy(answer.visible, visible) + SIDE_WEIGHT * side + MAP_WEIGHT * entropy(answer.covered, covered)


def train(net: OcclusionNet, data: Examples, validation: Examples, *, epochs: int, rate: float, seed: int) -> None:
    """Learn from the examples."""
    rng = np.random.default_rng(seed)
    net.to(memory_format=torch.channels_last)
    steps = epochs * (len(data.chips) // BATCH)
    optimiser = torch.optim.AdamW(net.parameters(), rate, weight_decay=DECAY)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, rate, total_steps=steps, pct_start=0.15)
    start = time.monotonic()
    for epoch in range(epochs):
        net.train()
        order = rng.permutation(len(data.chips))
        total = 0.0
        for at in range(0, len(order) - BATCH + 1, BATCH):
            pixels, visible, covered = mirrored(*batch_of(data, order[at : at + BATCH]), torch.rand(BATCH) < 0.5)
            answer = net(pixels)
            loss = loss_of(answer, visible, covered)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        told = predict(net, validation)
        off = np.abs(told - validation.visible).mean(axis=0)
        wrong = ((told < LEAST_VISIBLE) != (validation.visible < LEAST_VISIBLE)).mean(axis=0)
        print(
            f"epoch {epoch + 1}: loss {total * BATCH / len(order):.4f}, mean error {listed(off)}, "
            f"wrong side {listed(wrong)}, "
            f"{time.monotonic() - start:.0f} s",
            flush=True,
        )


def main() -> None:
    """Train; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.occlusion.train", description=__doc__)
    parser.add_argument("examples", type=Path, nargs="+")
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--start", type=Path)
    parser.add_argument("--without", type=Path)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    words = parser.parse_args()
    make_reproducible(words.seed)
    data = Examples.joined([Examples.load(path) for path in words.examples])
    if words.without is not None:
        data = data.pick(~np.isin(data.names, words.without.read_text(encoding="utf-8").split()))
    net = OcclusionNet()
    if words.start is not None:
        net.load_state_dict(torch.load(words.start, weights_only=True))
    train(net, data, Examples.load(words.validation), epochs=words.epochs, rate=words.rate, seed=words.seed)
    torch.save(net.state_dict(), words.out)


if __name__ == "__main__":
    main()
