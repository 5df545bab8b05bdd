"""`python -m models.recipes.liveness.recapture CACHE`: simulated attacks from the bona fide faces of every source.

A source that came only as bona fide would teach the network that source; each gives attacks too.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from senseid_engine.image import decode_image, read_photo

from . import simulate
from .prepare import LOOSE_SIDE, TIGHT_SIDE, Place, chips_of

SEED = 0
# How many of each source, drawn with repetition.
COUNTS = {"lfw": 800, "webcam-crops": 320, "dtruong": 120, "gc535": 160, "msu-mfsd": 150}


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cache", type=Path)
    cache = parser.parse_args().cache
    labels = np.load(cache / "labels.npz")
    rng = np.random.default_rng(SEED)
    chosen = np.concatenate(
        [
            rng.choice(np.flatnonzero((labels["source"] == source) & ~labels["attack"] & labels["found"]), count)
            for source, count in COUNTS.items()
        ]
    )
    tight = np.zeros((len(chosen), TIGHT_SIDE, TIGHT_SIDE, 3), np.uint8)
    loose = np.zeros((len(chosen), LOOSE_SIDE, LOOSE_SIDE, 3), np.uint8)
    for i, number in enumerate(chosen):
        path = Path(str(labels["path"][number]))
        pixels = decode_image(read_photo(path), name=str(path)).pixels
        place = Place(
            labels["centre"][number], float(labels["side"][number]), float(labels["roll"][number]), found=True
        )
        face = (float(place.centre[0]), float(place.centre[1]), place.side)
        recapture = simulate.screen if rng.random() < 0.55 else simulate.paper
        tight[i], loose[i] = chips_of(recapture(pixels, face, rng), place)
    np.save(cache / "recaptured-tight.npy", tight)
    np.save(cache / "recaptured-loose.npy", loose)
    np.savez(cache / "recaptured.npz", group=labels["group"][chosen], source=labels["source"][chosen])


if __name__ == "__main__":
    main()
