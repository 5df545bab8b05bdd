"""One number for how well a face will be recognised.

It was learned from pairs of photos of the same person: how alike the recognition models find them, as a sum of one term
a photo, each term a sum of one curve a measure. docs/quality.md says what it predicts, and how well.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.errors import ModelError
from senseid_engine.quality.chip import brightness, contrast
from senseid_engine.quality.eyes import lids_apart
from senseid_engine.quality.mouth_open import mouth_open
from senseid_engine.quality.odds import logit

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_engine.arrays import Doubles
    from senseid_engine.faces import Face
    from senseid_engine.quality.chip import Chip
    from senseid_engine.quality.pose import Pose

FORMAT = 1
UNCOVERED = 0.8
SHARP = 0.2
LARGE = 32.0
"""The visible share, the sharpness and the distance of the eyes in pixels from which on a face is none the worse for
them. Of what is below LFW has one photo in a hundred, too few to learn from: there the score falls in proportion."""


@dataclass(frozen=True, slots=True)
class Curve:
    """A piecewise linear curve, level beyond its ends.

    Attributes:
        at: float64 (n,), rising.
        value: float64 (n,).
    """

    at: Doubles
    value: Doubles

    def __call__(self, x: float) -> float:
        """The value at x."""
        return float(np.interp(x, self.at, self.value))


@dataclass(frozen=True, slots=True)
class OverallQuality:
    """A curve for each measure, and one from their sum to the score.

    Attributes:
        terms: by the name of the measure.
        score: from the sum of the terms to the score, in [0, 1]; rising.
    """

    terms: Mapping[str, Curve]
    score: Curve

    @classmethod
    def parse(cls, data: bytes) -> OverallQuality:
        """Read the registry's `overall-quality.toml`.

        Raises:
            ModelError: it is not such a file.
        """
        try:
            table = tomllib.loads(data.decode())
            if table["format"] != FORMAT:
                raise ModelError("overall-quality", f"format {table['format']} is not {FORMAT}: update senseid")
            terms = {str(name): _curve(curve) for name, curve in table["term"].items()}
            score = _curve(table["score"])
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise ModelError("overall-quality", f"not an overall quality ({error})") from error
        if not (np.diff(score.value) >= 0).all() or score.value.min() < 0 or score.value.max() > 1:
            raise ModelError("overall-quality", "its score does not rise within 0 to 1")
        return cls(terms, score)

    def of(self, measures: Mapping[str, float], *, visible: float, sharpness: float, eye_distance: float) -> float:
        """The overall quality of a face, in [0, 1].

        Args:
            measures: see `overall_measures`; there is one for each term.
            visible: share of the features that can be seen, in [0, 1].
            sharpness: of the face in its chip, which is all that is compared, in [0, 1].
            eye_distance: in pixels.
        """
        score = self.score(sum(curve(measures[name]) for name, curve in self.terms.items()))
        return score * min(visible / UNCOVERED, 1.0) * min(sharpness / SHARP, 1.0) * min(eye_distance / LARGE, 1.0)


def overall_measures(face: Face, pose: Pose, chip: Chip) -> dict[str, float]:
    """The inputs of the overall quality.

    Args:
        face: a face.
        pose: how its head is turned.
        chip: cut out of its photo.
    """
    landmarks = face.landmarks
    return {
        "presence": logit(landmarks.presence),
        "detection": logit(face.score),
        "yaw": abs(pose.yaw),
        "pitch": abs(pose.pitch),
        "brightness": brightness(chip),
        "contrast": contrast(chip),
        "mouth_open": mouth_open(landmarks),
        "eyes_open": lids_apart(landmarks),
    }


def _curve(table: Mapping[str, object]) -> Curve:
    at, value = (np.array(table[key], np.float64) for key in ("at", "value"))
    if at.ndim != 1 or at.shape != value.shape or not len(at) or not np.isfinite([at, value]).all():
        raise ValueError("a curve has not as many values as places")
    if not (np.diff(at) > 0).all():
        raise ValueError("the places of a curve do not rise")
    return Curve(at, value)
