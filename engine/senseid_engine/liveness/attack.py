"""The presentation-attack detector: does one frame show a face, or a picture of one?

A small network looks at the face and, at a second scale, at what surrounds it. docs/models/liveness.md says what it was
trained on and how well it does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.align import CropAlignment
from senseid_engine.finder import model_of_kind
from senseid_engine.session import Session

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels
    from senseid_engine.faces import Face
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

FACE: Final = CropAlignment(crop=1.2, side=112)
"""The square of the face."""

AROUND: Final = CropAlignment(crop=2.7, side=80)
"""The square with the surroundings: frames, edges of paper, hands."""


def chip_of(pixels: Pixels, face: Face) -> Pixels:
    """What the network looks at: the face's square, and beneath it at the left the surroundings.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        face: a face of that photo.

    Returns:
        uint8 (192, 112, 3), RGB, black outside the photo and to the right of the surroundings.
    """
    chip = np.zeros((FACE.side + AROUND.side, FACE.side, 3), np.uint8)
    chip[: FACE.side] = FACE.chip(pixels, face)
    chip[FACE.side :, : AROUND.side] = AROUND.chip(pixels, face)
    return chip


@dataclass(frozen=True, slots=True)
class AttackDetector:
    """The network. Stateless: may be shared between threads."""

    _session: Session

    @classmethod
    def open(cls, registry: Registry, licences: VerifiedLicences, *, threads: int) -> AttackDetector:
        """Load the network.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before the model file is opened.
            threads: threads that it may use, at least 1.

        Raises:
            LicensingError: no verified licence for senseid_liveness.
            ModelsError: there is no such model, or its file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses it.
        """
        return cls(Session.open(model_of_kind(registry, "liveness"), licences, threads=threads))

    def log_odds(self, pixels: Pixels, face: Face) -> float:
        """The natural logarithm of the odds that the face is bona fide, calibrated for as many attacks as live faces.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.
        """
        return float(self._session.run(chip_of(pixels, face)[None])[0][0, 0])

    def score(self, pixels: Pixels, face: Face) -> float:
        """The probability, in [0, 1], that the face is bona fide; arguments as `log_odds`."""
        return probability(self.log_odds(pixels, face))


def probability(log_odds: float) -> float:
    """The logistic function, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)
