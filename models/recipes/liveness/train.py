"""`python -m models.recipes.liveness.train CACHE [--fold N] [--samples N] -o FILE`: train the network once.

With `--fold` the groups of that fold are held out, and their log-odds are written beside the weights; without, all are
trained on. Everything random follows the seed.
"""

from __future__ import annotations

import argparse
import copy
import math
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from .augment import augmented, plain
from .folds import fold_of
from .network import TIGHT, Network, initialise

SEED = 0
BATCH = 48
LEAST_LEARNING_RATE, HEAD_RATE, BODY_RATE = 0.02, 1.5e-3, 5e-4
SMOOTHING = 0.05
# gc535 counts less: its labels came from a machine.
GC535_WEIGHT = 0.7
FROZEN = 6
"""Layers of each stream that keep the weights of HSE-FaceRes: they cost most to train and have least to learn."""

# How often each source is drawn; within one, both labels alike, and within these all groups alike.
SHARES = {"webcam-crops": 0.42, "msu-mfsd": 0.13, "dtruong": 0.14, "gc535": 0.12, "lfw": 0.10, "recaptured": 0.09}


@dataclass(frozen=True, slots=True)
class Cache:
    """What `prepare` and `recapture` wrote, as one list.

    The labels of gc535 are exchanged. A linear classifier of pooled features that was trained on all other sources puts
    its "live" below its "spoof" (AUC 0.18, while it reaches 0.87 on dtruong, which it had not seen either). Training
    with the labels exchanged makes every other source better, training with them as they are makes dtruong worse than
    chance.
    """

    tight: list[np.ndarray]
    loose: list[np.ndarray]
    attack: np.ndarray
    group: np.ndarray
    source: np.ndarray
    found: np.ndarray

    def pick(self, number: int) -> tuple[np.ndarray, np.ndarray]:
        """The chips of one still."""
        for tight, loose in zip(self.tight, self.loose, strict=True):
            if number < len(tight):
                return tight[number], loose[number]
            number -= len(tight)
        raise IndexError(number)


def load(folder: Path) -> Cache:
    """Read the cache; the chips stay on the disk until they are looked at."""
    labels, recaptured = np.load(folder / "labels.npz"), np.load(folder / "recaptured.npz")
    more = len(recaptured["group"])
    attack = np.where(labels["source"] == "gc535", ~labels["attack"], labels["attack"])
    names = (("tight.npy", "loose.npy"), ("recaptured-tight.npy", "recaptured-loose.npy"))
    return Cache(
        tight=[np.load(folder / tight, mmap_mode="r") for tight, _ in names],
        loose=[np.load(folder / loose, mmap_mode="r") for _, loose in names],
        attack=np.append(attack, np.ones(more, bool)),
        group=np.append(labels["group"], recaptured["group"]),
        source=np.append(labels["source"], np.full(more, "recaptured")),
        found=np.append(labels["found"], np.ones(more, bool)),
    )


class Drawer:
    """Draws stills: a source by its share, then a label, then a group, then a still of these."""

    def __init__(self, cache: Cache, usable: np.ndarray) -> None:
        self._pools: dict[str, list[list[np.ndarray]]] = {}
        for source in SHARES:
            of_source = usable & (cache.source == source)
            labels = [of_source & (cache.attack == attack) for attack in (False, True)]
            pools = [
                [np.flatnonzero(mask & (cache.group == group)) for group in np.unique(cache.group[mask])]
                for mask in labels
                if mask.any()
            ]
            if source == "recaptured":
                pools = [[np.flatnonzero(of_source)]]
            if pools:
                self._pools[source] = pools
        shares = np.array([SHARES[source] for source in self._pools])
        self._shares = shares / shares.sum()

    def draw(self, count: int, rng: np.random.Generator) -> np.ndarray:
        """Numbers of `count` stills."""
        numbers = []
        for source in rng.choice(list(self._pools), count, p=self._shares):
            by_label = self._pools[source]
            groups = by_label[rng.integers(len(by_label))]
            numbers.append(rng.choice(groups[rng.integers(len(groups))]))
        return np.array(numbers)


def batch_of(chips: list[np.ndarray]) -> torch.Tensor:
    """Chips as the network takes them."""
    stacked = torch.from_numpy(np.stack(chips)).permute(0, 3, 1, 2).float()
    return stacked.contiguous(memory_format=torch.channels_last)


def loss_of(network: Network, chips: torch.Tensor, bona_fide: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the sum and of each stream, that of the surroundings where there are any."""
    face, around = network.parts(chips)
    target = bona_fide * (1 - 2 * SMOOTHING) + SMOOTHING
    seen = (chips[:, :, TIGHT:].amax(dim=(1, 2, 3)) > 0).float()
    entropy = torch.nn.functional.binary_cross_entropy_with_logits
    total = entropy(face + around, target, weight)
    return total + 0.4 * entropy(face, target, weight) + 0.3 * entropy(around, target, weight * seen)


def train(cache: Cache, usable: np.ndarray, samples: int, faceres: Path, seed: int) -> Network:
    """A network trained on the usable stills."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    network = Network()
    initialise(network, faceres)
    network.to(memory_format=torch.channels_last)
    for stream in (network.face, network.around):
        for layer in stream.layers[:FROZEN]:
            layer.requires_grad_(requires_grad=False)
    heads = [p for name, p in network.named_parameters() if "head" in name]
    body = [p for name, p in network.named_parameters() if "head" not in name and p.requires_grad]
    optimiser = torch.optim.AdamW(
        [{"params": heads, "lr": HEAD_RATE}, {"params": body, "lr": BODY_RATE}], weight_decay=0.01
    )
    steps = samples // BATCH

    def rate(step: int) -> float:
        warm = min(1.0, (step + 1) / 10)
        return warm * (LEAST_LEARNING_RATE + (1 - LEAST_LEARNING_RATE) * 0.5 * (1 + math.cos(math.pi * step / steps)))

    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, rate)
    drawer = Drawer(cache, usable)
    mean = copy.deepcopy(network)
    start = time.monotonic()
    for step in range(steps):
        numbers = drawer.draw(BATCH, rng)
        chips = batch_of([augmented(*cache.pick(number), rng, attack=bool(cache.attack[number])) for number in numbers])
        bona_fide = torch.from_numpy(~cache.attack[numbers]).float()
        weight = torch.from_numpy(np.where(cache.source[numbers] == "gc535", GC535_WEIGHT, 1.0)).float()
        network.train()
        loss = loss_of(network, chips, bona_fide, weight)
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        schedule.step()
        with torch.no_grad():  # a running mean of the weights
            keep = min(0.97, (1 + step) / (10 + step))
            for slow, fast in zip(mean.state_dict().values(), network.state_dict().values(), strict=True):
                if slow.dtype.is_floating_point:
                    slow.mul_(keep).add_(fast, alpha=1 - keep)
        if step % 20 == 0:
            print(f"step {step} of {steps}: loss {loss.item():.3f}, {time.monotonic() - start:.0f} s", flush=True)
    return mean.eval()


def judge(network: Network, cache: Cache, numbers: np.ndarray) -> np.ndarray:
    """The log-odds (n, 2) of the face and its surroundings, of stills as the engine would cut them."""
    parts = []
    with torch.no_grad():
        for i in range(0, len(numbers), 64):
            chips = batch_of([plain(*cache.pick(number)) for number in numbers[i : i + 64]])
            parts.append(torch.stack(network.parts(chips), 1).numpy())
    return np.concatenate(parts)


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    parser.add_argument("--fold", type=int)
    parser.add_argument("--samples", type=int, default=9000)
    parser.add_argument("--faceres", type=Path, default=Path("models/senseid_models/hse-faceres.onnx"))
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    torch.use_deterministic_algorithms(mode=True)
    cache = load(arguments.cache)
    held_out = np.zeros(len(cache.attack), bool) if arguments.fold is None else fold_of(cache.group) == arguments.fold
    network = train(cache, cache.found & ~held_out, arguments.samples, arguments.faceres, SEED)
    torch.save(network.state_dict(), arguments.output)
    if arguments.fold is not None:
        numbers = np.flatnonzero(held_out & cache.found & (cache.source != "recaptured"))
        # At most 700 of a group and label: what more there is tells nothing new.
        rng = np.random.default_rng(SEED)
        chosen = [
            rng.permutation(numbers[(cache.group[numbers] == group) & (cache.attack[numbers] == attack)])[:700]
            for group in np.unique(cache.group[numbers])
            for attack in (False, True)
        ]
        numbers = np.sort(np.concatenate(chosen))
        np.savez(arguments.output.with_suffix(".npz"), numbers=numbers, parts=judge(network, cache, numbers))


if __name__ == "__main__":
    main()
