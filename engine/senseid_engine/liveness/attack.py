"""The presentation-attack detector: does one frame show a face, or a picture of one?

A network that was trained on photos of everything tells which textures there are; a logistic regression tells those of
a recapture from those of a face. docs/models/liveness.md says what it was fitted to and how well it does.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.align import CropAlignment
from senseid_engine.calibration_file import parse_calibration
from senseid_engine.device import Device
from senseid_engine.finder import model_of_kind
from senseid_engine.session import Session

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from senseid_engine.arrays import Pixels
    from senseid_engine.faces import Face
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.fields import Fields
    from senseid_models.registry import Registry

CHIP: Final = CropAlignment(crop=1.6, side=160)
"""The network's input. It looks at the middle of it, from 1.2 boxes of the face down to 0.8."""

ASSET: Final = "liveness-stills"
FORMAT: Final = 1
PHOTO_THRESHOLD: Final = 0.5
"""The score from which on a photo alone passes: even odds, where half of all photos are attacks."""

_NAME: Final = "weights of the liveness stills"


@dataclass(frozen=True, slots=True)
class Regression:
    """The logistic regression.

    Attributes:
        bias: the log-odds where all features are zero.
        weights: float64 (n,), one for each feature of the network.
    """

    bias: float
    weights: NDArray[np.float64]

    @classmethod
    def parse(cls, data: bytes, features: int) -> Regression:
        """Read the file's bytes.

        Args:
            data: TOML with `format`, `bias` and `weights`.
            features: how many weights there must be.

        Raises:
            CalibrationError: it is not TOML, or a field is missing, unknown or of the wrong form.
        """
        return parse_calibration(_NAME, data, lambda fields: _read(fields, features))


def open_network(
    registry: Registry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
) -> Session:
    """The network alone: of chips cut by `CHIP` it gives float32 (n, views, features), mean and spread of each map.

    Arguments and errors as `AttackDetector.open`.
    """
    return Session.open(model_of_kind(registry, "liveness"), licences, threads=threads, device=device)


@dataclass(frozen=True, slots=True)
class AttackDetector:
    """The network and the regression. Stateless: may be shared between threads."""

    _session: Session
    _regression: Regression

    @classmethod
    def open(
        cls, registry: Registry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
    ) -> AttackDetector:
        """Load the network.

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
        session = open_network(registry, licences, threads=threads, device=device)
        features = int(model_of_kind(registry, "liveness").outputs[0].shape[-1])
        return cls(session, Regression.parse(registry.asset(ASSET).read(), features))

    def log_odds(self, pixels: Pixels, face: Face) -> float:
        """The natural logarithm of the odds that the face is bona fide, calibrated for as many attacks as live faces.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.
        """
        by_view = self._session.run(CHIP.chip(pixels, face)[None])[0][0] @ self._regression.weights
        return float(by_view.mean()) + self._regression.bias

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
    return Regression(fields.signed("bias"), np.array(fields.numbers("weights", features)))
