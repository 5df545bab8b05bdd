"""From the evidence to the liveness score.

Each piece of evidence has a weight, in units of the logarithm of the odds that the person is living; the weights are
added, and the logistic function makes the sum a score in [0, 1]. The numbers are in a file of the registry,
`models/senseid_models/liveness-fusion.toml`; docs/models/liveness.md says how they were chosen. Evidence over time for
an attack outweighs any stills, and evidence over time for life weighs hardly anything: a picture can imitate the
texture of a face, but a face cannot be flat.
"""

from __future__ import annotations

import dataclasses
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

from senseid_engine.calibration_file import parse_calibration
from senseid_engine.liveness.results import Evidence
from senseid_engine.liveness.stills import probability
from senseid_engine.liveness.temporal.evidence import TemporalEvidence

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_models.fields import Fields
    from senseid_models.registry import Registry

ASSET: Final = "liveness-fusion"
FORMAT: Final = 2
MEASURES: Final = tuple(field.name for field in dataclasses.fields(TemporalEvidence))
"""The measures over time, in the order of the evidence."""

_NAME: Final = "liveness fusion"


@dataclass(frozen=True, slots=True)
class Ramp:
    """The weight of a measure: a straight line in its logarithm between two points, level outside them.

    Attributes:
        measure: field of `TemporalEvidence`.
        values: where the line starts and ends, positive and rising, in the measure's unit.
        weights: what the measure weighs there.
    """

    measure: str
    values: tuple[float, float]
    weights: tuple[float, float]

    def weight(self, value: float) -> float:
        """The weight of a value."""
        low, high = (math.log(end) for end in self.values)
        return float(np.interp(math.log(max(value, 1e-9)), (low, high), self.weights))


@dataclass(frozen=True, slots=True)
class Verdict:
    """The verdict on the evidence.

    Attributes:
        score: the liveness score, in [0, 1].
        passed: whether it reaches the threshold.
        evidence: what it was made of: the stills first, then the measures that could be taken.
        stills_needed: the mean of the stills, as a probability, from which on the face passes with what was measured
            over time; 0 where any does, None where none does.
    """

    score: float
    passed: bool
    evidence: tuple[Evidence, ...]
    stills_needed: float | None


@dataclass(frozen=True, slots=True)
class Fusion:
    """The shipped weights.

    Attributes:
        threshold: the score from which on a face passes, in (0, 1).
        stills_limit: the stills weigh the mean of their log-odds, at most this much to either side.
        ramps: what the measures over time weigh.
    """

    threshold: float
    stills_limit: float
    ramps: tuple[Ramp, ...]

    @classmethod
    def load(cls, registry: Registry) -> Fusion:
        """The weights that come with the models.

        Raises:
            ModelsError: the file is missing or is not the one of the manifest.
            CalibrationError: it does not hold weights.
        """
        return cls.parse(registry.asset(ASSET).read())

    @classmethod
    def parse(cls, data: bytes) -> Fusion:
        """Read the file's bytes.

        Raises:
            CalibrationError: it is not TOML, or a field is missing, unknown or of the wrong form.
        """
        return parse_calibration(_NAME, data, _read_fusion)

    def decide(self, log_odds: Sequence[float], temporal: TemporalEvidence) -> Verdict:
        """Weigh the evidence of one face.

        Args:
            log_odds: what `StillsClassifier.log_odds` says of each frame that was looked at; at least one.
            temporal: what was measured over time.
        """
        mean, limit = float(np.mean(log_odds)), self.stills_limit
        evidence = [Evidence("stills", probability(mean), float(np.clip(mean, -limit, limit)))]
        for ramp in self.ramps:
            value: float | None = getattr(temporal, ramp.measure)
            if value is not None:
                evidence.append(Evidence(ramp.measure, value, ramp.weight(value)))
        score = probability(math.fsum(part.weight for part in evidence))
        over_time = math.fsum(part.weight for part in evidence[1:])
        return Verdict(score, score >= self.threshold, tuple(evidence), self._stills_needed(over_time))

    def _stills_needed(self, over_time: float) -> float | None:
        log_odds = math.log(self.threshold / (1 - self.threshold)) - over_time
        if log_odds > self.stills_limit:
            return None
        return 0.0 if log_odds <= -self.stills_limit else probability(log_odds)


def _read_fusion(fields: Fields) -> Fusion:
    version = fields.whole("format")
    if version != FORMAT:
        raise fields.fail("format", f"is {version}; this version of senseid knows {FORMAT}")
    threshold = fields.number("threshold")
    if not 0 < threshold < 1:
        raise fields.fail("threshold", "must be between 0 and 1")
    limit = fields.number("stills_limit")
    ramps = fields.tables("ramp", _read_ramp)
    order = [MEASURES.index(ramp.measure) for ramp in ramps]
    if order != sorted(set(order)):
        raise fields.fail("ramp", f"must name each measure at most once, in the order {', '.join(MEASURES)}")
    return Fusion(threshold, limit, ramps)


def _read_ramp(fields: Fields) -> Ramp:
    measure = fields.text("measure")
    if measure not in MEASURES:
        raise fields.fail("measure", f"is {measure}; there are {', '.join(MEASURES)}")
    first, last = fields.numbers("values", 2)
    if not 0 < first < last:
        raise fields.fail("values", "must be positive and rise")
    low, high = fields.numbers("weights", 2)
    return Ramp(measure, (first, last), (low, high))
