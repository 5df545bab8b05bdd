"""The classifier of stills: does one frame show a face, or a picture of one?

Networks that were trained on photos of everything extract features of textures; a logistic regression tells those of a
recapture from those of a face. A further network was trained for this alone, and its answer is one more feature.
docs/models/liveness.md says what they were fitted to and how well they do.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.align import CropAlignment, SurroundingsCrop
from senseid_engine.calibration_file import parse_calibration
from senseid_engine.device import Device
from senseid_engine.finder import models_of_kind
from senseid_engine.session import Session, open_sessions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.fields import Fields
    from senseid_models.registry import Registry

FACE_CHIP: Final = CropAlignment(crop=1.6, side=160)
"""The chip of the face."""
FACE_CROPS: Final = (120, 100, 80)
"""Sides, in pixels, of the centre crops of that chip; each is resized to the whole chip."""
SURROUNDINGS_CHIP: Final = SurroundingsCrop(crop=2.7, side=80)
"""The chip of what is next to the face: the edge of a screen, the hand that holds it."""
SURROUNDINGS_SIDE: Final = 112
"""Side, in pixels, to which that chip is resized for the networks of textures."""

ASSET: Final = "liveness-stills"
FORMAT: Final = 2
PHOTO_THRESHOLD: Final = 0.5
"""The score from which on a photo alone passes: even odds, where half of all photos are attacks."""

_NAME: Final = "weights of the liveness stills"


@dataclass(frozen=True, slots=True)
class Regression:
    """The logistic regression.

    Attributes:
        bias: the log-odds where all features are zero.
        face: float64 (n,), the weights of the features of a crop of the face.
        surroundings: float64 (n,), the weights of those of the surroundings.
    """

    bias: float
    face: NDArray[np.float64]
    surroundings: NDArray[np.float64]

    def log_odds(self, features: Floats) -> float:
        """The log-odds that a face is bona fide; features as `extract_features` gives them."""
        return float((features[:-1] @ self.face).mean() + features[-1] @ self.surroundings) + self.bias

    @classmethod
    def parse(cls, data: bytes, features: int) -> Regression:
        """Read the file's bytes.

        Args:
            data: TOML with `format`, `bias`, `face` and `surroundings`.
            features: how many weights there must be of each.

        Raises:
            CalibrationError: it is not TOML, or a field is missing, unknown or of the wrong form.
        """
        return parse_calibration(_NAME, data, lambda fields: _read(fields, features))


def extract_features(networks: Sequence[Session], pixels: Pixels, face: Face) -> Floats:
    """Features that the networks find in a face and in its surroundings.

    Args:
        networks: those of the kind `liveness`, in the order of the manifest: networks of textures, which give float32
            (n, features) of n chips, and last the one that was trained for this, which gives the log-odds that a face
            is bona fide, float32 (n, 1), of chips of `SURROUNDINGS_CHIP`.
        pixels: uint8 (height, width, 3), RGB.
        face: a face of that photo.

    Returns:
        float32 (4, features of all networks): three crops of the face, then its surroundings. The last feature is the
        answer of the last network; it is 0 for the face, at which that network does not look.
    """
    import cv2

    *textures, student = networks
    chip = FACE_CHIP.chip(pixels, face)
    edges = [(FACE_CHIP.side - side) // 2 for side in FACE_CROPS]
    crops = [cv2.resize(chip[edge:-edge, edge:-edge], (FACE_CHIP.side, FACE_CHIP.side)) for edge in edges]
    surroundings = SURROUNDINGS_CHIP.chip(pixels, face)
    resized = np.asarray(cv2.resize(surroundings, (SURROUNDINGS_SIDE, SURROUNDINGS_SIDE)), np.uint8)
    batches: tuple[Pixels, Pixels] = (np.stack(crops), resized[None])
    answer = np.zeros((len(crops) + 1, 1), np.float32)
    answer[-1] = student.run(surroundings[None])[0]
    return np.hstack([*(np.vstack([network.run(chips)[0] for chips in batches]) for network in textures), answer])


@dataclass(frozen=True, slots=True)
class StillsClassifier:
    """The networks and the regression. Stateless: may be shared between threads."""

    _networks: tuple[Session, ...]
    _regression: Regression

    @classmethod
    def open(
        cls, registry: Registry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
    ) -> StillsClassifier:
        """Load the networks.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before the model file is opened.
            threads: threads that it may use, at least 1.
            device: where it runs.

        Raises:
            LicensingError: no verified licence for senseid_liveness.
            ModelsError: there is no such model, or a file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses it.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
            CalibrationError: the weights cannot be read.
        """
        models = models_of_kind(registry, "liveness")
        networks = open_sessions(models, licences, threads=threads, device=device)
        features = sum(int(model.outputs[0].shape[-1]) for model in models)
        return cls(networks, Regression.parse(registry.asset(ASSET).read(), features))

    def log_odds(self, pixels: Pixels, face: Face) -> float:
        """The natural logarithm of the odds that the face is bona fide, calibrated for as many attacks as live faces.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.
        """
        return self._regression.log_odds(extract_features(self._networks, pixels, face))

    def score(self, pixels: Pixels, face: Face) -> float:
        """The probability, in [0, 1], that the face is bona fide; arguments as `log_odds`."""
        return probability(self.log_odds(pixels, face))


def probability(log_odds: float) -> float:
    """The logistic function, without overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    odds = math.exp(log_odds)
    return odds / (1 + odds)


def _read(fields: Fields, features: int) -> Regression:
    version = fields.whole("format")
    if version != FORMAT:
        raise fields.fail("format", f"is {version}; this version of senseid knows {FORMAT}")
    face, surroundings = (np.array(fields.numbers(name, features)) for name in ("face", "surroundings"))
    return Regression(fields.signed("bias"), face, surroundings)
