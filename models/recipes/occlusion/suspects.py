"""`python -m models.recipes.occlusion.suspects FACES.npz`: the photos on which something may really cover the face.

Some faces of LFW are covered by a hand, a microphone or dark glasses, and what is drawn over them would be counted as
all that covers them. The shipped network names them, one photo per line, so that the next training can leave them out.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from models.recipes.licences import licences_of_this_run
from models.recipes.occlusion.faces import MARGIN, Faces
from senseid_engine.quality.occlusion import SIDE, OcclusionEstimator
from senseid_models.registry import Registry

DOUBTFUL = 0.6
"""Where less of a feature seems visible, the photo is named."""


def main() -> None:
    """Name them; see the module's docstring."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.occlusion.suspects", description=__doc__)
    parser.add_argument("faces", type=Path)
    faces = Faces.load(parser.parse_args().faces)
    estimator = OcclusionEstimator.open(Registry.builtin(), licences_of_this_run(), threads=1)
    middle = slice(MARGIN, MARGIN + SIDE)
    for start in range(0, len(faces), 64):
        chips = np.ascontiguousarray(faces.pixels[start : start + 64, middle, middle])
        visible = estimator.shares(chips)
        for name in faces.names[start : start + 64][visible.min(axis=1) < DOUBTFUL]:
            print(name)


if __name__ == "__main__":
    main()
