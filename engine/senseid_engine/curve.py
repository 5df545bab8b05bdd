"""From a similarity to the verification score, whose meaning is a false-match rate.

A score s says: a stranger reaches it with probability 10^-((s - 0.3) / 0.1). With L(z) = -log10 FMR(z), the share of
strangers' pairs at or above z, that is s = (3 + L) / 10. See docs/formats/score-curve.md.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from senseid_engine.calibration.provenance import Provenance
from senseid_engine.calibration_file import parse_calibration
from senseid_engine.errors import CalibrationError
from senseid_models.fields import table_of

if TYPE_CHECKING:
    from senseid_models.fields import Fields

FORMAT = 2
LITERAL_TO = 6.0
"""The level up to which s = (3 + L) / 10 holds to the letter; beyond it the score bends so as to stay below 1."""

_NAME = "score curve"
_LEAST_STEP = 1e-9


@dataclass(frozen=True, slots=True)
class ScoreCurve:
    """Maps a similarity z to a score in [0, 1]; continuous and increasing.

    Between the knots the level L is a straight line in z. Above the last knot it goes on with `tail_slope`. Below the
    first knot there is no rate left to speak of, and the score falls smoothly from 0.3 towards 0. Above L = 6 the score
    is 1 - 0.1 exp(6 - L): the same slope at 0.9, and never more than the formula promises.

    Attributes:
        knots: (z, L), both strictly increasing, L >= 0; at least two.
        tail_slope: L per unit of z above the last knot, positive.
        measured_to: the largest score that enough pairs back; above it the curve is extrapolated.
        provenance: what the curve was made from.

    Raises:
        CalibrationError: the knots or the slope do not make an increasing curve.
    """

    knots: tuple[tuple[float, float], ...]
    tail_slope: float
    measured_to: float
    provenance: Provenance
    _z: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _level: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _slope: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.knots) < 2:
            raise CalibrationError(_NAME, "needs at least two knots")
        z, level = np.array(self.knots, np.float64).T
        steps = np.diff(np.stack([z, level]))
        if not np.isfinite(steps).all() or (steps <= 0).any():
            raise CalibrationError(_NAME, "the knots must be finite and rise in both numbers")
        if (steps[0] < _LEAST_STEP).any():
            raise CalibrationError(_NAME, f"the knots must be at least {_LEAST_STEP} apart")
        if level[0] < 0:
            raise CalibrationError(_NAME, f"the first level is {level[0]}; a false-match rate above 1 is impossible")
        if not (math.isfinite(self.tail_slope) and self.tail_slope > 0):
            raise CalibrationError(_NAME, f"the tail slope is {self.tail_slope}; it must be positive")
        if not 0 < self.measured_to <= 1:
            raise CalibrationError(_NAME, f"measured_to is {self.measured_to}; it must be above 0 and at most 1")
        # Frozen and slotted: this is how a dataclass fills what it derives from its fields.
        object.__setattr__(self, "_z", z)
        object.__setattr__(self, "_level", level)
        object.__setattr__(self, "_slope", np.append(steps[1] / steps[0], self.tail_slope))

    def score(self, z: float) -> float:
        """The score of one similarity, in [0, 1], bit-identical to that of `scores`.

        Raises:
            ValueError: z is not a number.
        """
        return float(self.scores(np.array([z], np.float64))[0])

    def scores(self, z: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """The scores of many similarities.

        Args:
            z: real numbers of any shape, computed in float64.

        Returns:
            float64 of the same shape, in [0, 1]. Each value depends on its own z only, to the bit.

        Raises:
            ValueError: a z is not a number.
        """
        shape = np.shape(z)
        values = np.asarray(z, np.float64).reshape(-1)
        if np.isnan(values).any():
            raise ValueError("a similarity is not a number")
        segment = np.maximum(np.searchsorted(self._z, values, side="right") - 1, 0)
        with np.errstate(over="ignore"):  # an absurd z has the score 0 or 1
            level = self._level[segment] + self._slope[segment] * (values - self._z[segment])
            # Rounding must not lift the end of a segment above the knot that the next one starts from.
            level = np.minimum(level, np.append(self._level[1:], np.inf)[segment])
            result = (3.0 + level) / 10.0
            below = values < self._z[0]
            result[below] = self._below(values[below])
        above = level > LITERAL_TO
        # math.exp, one by one: numpy's vector code may round differently from its scalar code.
        result[above] = [1.0 - math.exp(LITERAL_TO - value) / 10.0 for value in level[above]]
        shaped: npt.NDArray[np.float64] = result.reshape(shape)
        return shaped

    def similarity_at(self, score: float) -> float:
        """The least z whose score is at least `score`, exactly, by bisection.

        Raises:
            ValueError: `score` is not between 0 and 1.
        """
        if not 0 < score < 1:
            raise ValueError("the score must be between 0 and 1")
        step = float(self._z[-1] - self._z[0])
        low, high = float(self._z[0]) - step, float(self._z[-1]) + step
        while self.score(low) >= score:
            low, step = low - step, step * 2
        while self.score(high) < score:
            high, step = high + step, step * 2
        while True:
            middle = low + (high - low) / 2
            if not low < middle < high:
                return high
            if self.score(middle) >= score:
                high = middle
            else:
                low = middle

    def _below(self, z: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """The score below the first knot: s0 / (1 + a u + u^2), u = distance in spans of the knots, slope as above."""
        span = self._z[-1] - self._z[0]
        start = (3.0 + self._level[0]) / 10.0
        away = (self._z[0] - z) / span
        return np.asarray(start / (1.0 + away * (self._slope[0] / 10.0 * span / start + away)))

    @classmethod
    def parse(cls, text: str) -> ScoreCurve:
        """Read a curve's file; docs/formats/score-curve.md.

        Raises:
            CalibrationError: it is not TOML, a field is missing, unknown or of the wrong form, or the numbers make no
                curve.
        """
        return parse_calibration(_NAME, text, _read_curve)

    def dump(self) -> str:
        """The text of the curve's file, which `parse` reads back as an equal curve."""
        import tomli_w

        return tomli_w.dumps(
            {
                "format": FORMAT,
                "measured_to": self.measured_to,
                "tail_slope": self.tail_slope,
                "knots": [list(knot) for knot in self.knots],
                "provenance": table_of(self.provenance),
            }
        )


def _read_curve(fields: Fields) -> ScoreCurve:
    version = fields.whole("format")
    if version != FORMAT:
        raise fields.fail("format", f"is {version}; this senseid knows {FORMAT}: make the curve again with it")
    return ScoreCurve(
        knots=fields.points("knots"),
        tail_slope=fields.number("tail_slope"),
        measured_to=fields.number("measured_to"),
        provenance=fields.table("provenance", lambda table: table.record(Provenance)),
    )
