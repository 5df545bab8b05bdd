"""The requirements on a photo, and what to do about one that falls short.

A policy is a TOML file: how many faces a photo may show, and for each measure the least and the most that passes.
`enrol` and `verify` come with the package; docs/quality.md describes the format.
"""

from __future__ import annotations

import math
import sys
import tomllib
from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING, Literal, get_args

from senseid_engine.errors import PolicyError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.quality.results import FaceQuality

FORMAT = 1
BUILT_IN = ("enrol", "verify")

Judged = Literal["only", "largest", "every"]
"""Which faces a policy judges: the only one of the photo, the largest, or every one."""


@dataclass(frozen=True, slots=True)
class Measure:
    """One value that a policy may limit.

    Attributes:
        name: in policies, tables and CSV.
        value: reads it.
        lowest: the least that it can be.
        highest: the most that it can be.
        too_low: what to do where it is too low.
        too_high: what to do where it is too high.
    """

    name: str
    value: Callable[[FaceQuality], float]
    lowest: float
    highest: float
    too_low: str
    too_high: str


_UNCOVER_EYES = "uncover the eyes: take off sunglasses, move hair aside"
_AS_IS = "use another photo"

MEASURES = (
    Measure("yaw", lambda q: q.pose.yaw, -180, 180, "look straight into the camera", "look straight into the camera"),
    Measure("pitch", lambda q: q.pose.pitch, -180, 180, "raise the chin", "lower the chin"),
    Measure("roll", lambda q: q.pose.roll, -180, 180, "hold the head upright", "hold the head upright"),
    Measure("left_eye", lambda q: q.occlusion.left_eye, 0, 1, _UNCOVER_EYES, _AS_IS),
    Measure("right_eye", lambda q: q.occlusion.right_eye, 0, 1, _UNCOVER_EYES, _AS_IS),
    Measure("nose", lambda q: q.occlusion.nose, 0, 1, "remove the mask, or what else covers the nose", _AS_IS),
    Measure("mouth", lambda q: q.occlusion.mouth, 0, 1, "remove the mask, or what else covers the mouth", _AS_IS),
    Measure("total", lambda q: q.visible, 0, 1, "uncover the face", _AS_IS),
    Measure("distance2center", lambda q: q.distance_to_centre, 0, 1, "move to the middle of the picture", _AS_IS),
    Measure("size", lambda q: q.size, 0, 1, "move closer", "move further away"),
    Measure(
        "brightness",
        lambda q: q.brightness,
        -1,
        1,
        "put more light on the face",
        "put less light on the face, or expose less",
    ),
    Measure("sharpness", lambda q: q.sharpness, 0, 1, "hold still and focus on the face; clean the lens", _AS_IS),
    Measure("mouth_open", lambda q: q.mouth_open, 0, 1, "close the mouth", _AS_IS),
    Measure("eyes_open", lambda q: q.eyes_open, 0, 1, "open the eyes, and look into the camera", _AS_IS),
    Measure("integrity", lambda q: q.integrity, 0, 1, "bring the whole face into the picture", _AS_IS),
    Measure(
        "eye_distance",
        lambda q: q.eye_distance,
        0,
        math.inf,
        "move closer, or take a photo with more pixels",
        "move further away",
    ),
    Measure("overall", lambda q: q.overall, 0, 1, "take the photo again, in better conditions", _AS_IS),
)
"""Every value that a policy may limit, in the order of the table."""

_BY_NAME = {measure.name: measure for measure in MEASURES}


@dataclass(frozen=True, slots=True)
class Limit:
    """The least and the most of one measure that passes, both included."""

    measure: Measure
    least: float
    most: float


@dataclass(frozen=True, slots=True)
class Failure:
    """One thing that a photo falls short of.

    Attributes:
        face: number of the face, from 1; 0 where it is the photo as a whole.
        measure: name of the measure, or `faces`.
        value: what was measured.
        limit: what passes, such as `at least 0.5`.
        advice: what to do about it.
    """

    face: int
    measure: str
    value: float
    limit: str
    advice: str


@dataclass(frozen=True, slots=True)
class Policy:
    """The requirements on a photo.

    Attributes:
        name: what it is called.
        faces: which faces it judges.
        limits: what is asked of each of them, in the order of `MEASURES`.
    """

    name: str
    faces: Judged
    limits: tuple[Limit, ...]

    @classmethod
    def built_in(cls, name: str) -> Policy:
        """One of the policies `enrol` and `verify` that come with the package."""
        text = resources.files(__package__ or __name__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
        return cls.parse(text, name=name)

    @classmethod
    def parse(cls, text: str, *, name: str) -> Policy:
        """Read a policy file.

        Args:
            text: TOML.
            name: what the caller calls it, for messages.

        Raises:
            PolicyError: it is not a policy; the message says where.
        """
        try:
            table = tomllib.loads(text)
        except RecursionError:
            raise PolicyError(name, "is nested too deeply") from None
        except ValueError as error:  # also what Python says of a number with thousands of digits
            raise PolicyError(name, f"is not TOML ({error})") from error
        version = table.pop("format", None)
        # True and 1.0 are equal to 1, and no number of a format.
        if type(version) is not int or version != FORMAT:
            raise PolicyError(name, f"must begin with 'format = {FORMAT}'")
        faces = table.pop("faces", "largest")
        if faces not in get_args(Judged):
            raise PolicyError(name, f"'faces' must be one of {', '.join(get_args(Judged))}")
        for key in table:
            if key not in _BY_NAME:
                raise PolicyError(name, f"'{key}' is no measure: use {', '.join(_BY_NAME)}")
        limits = tuple(_limit(name, measure, table[measure.name]) for measure in MEASURES if measure.name in table)
        return cls(name, faces, limits)

    def judge(self, faces: Sequence[FaceQuality]) -> tuple[Failure, ...]:
        """Return the requirements that a photo with these faces, largest first, fails; none where it passes."""
        failures: list[Failure] = []
        if self.faces == "only" and len(faces) > 1:
            advice = "have one person alone in the picture"
            failures.append(Failure(0, "faces", len(faces), "at most 1", advice))
        judged = faces if self.faces == "every" else faces[:1]
        for number, quality in enumerate(judged, 1):
            failures += self._judge_face(number, quality)
        return tuple(failures)

    def _judge_face(self, number: int, quality: FaceQuality) -> Sequence[Failure]:
        failures = []
        for limit in self.limits:
            measure = limit.measure
            value = measure.value(quality)
            if value < limit.least:
                failures.append(Failure(number, measure.name, value, f"at least {limit.least:g}", measure.too_low))
            elif value > limit.most:
                failures.append(Failure(number, measure.name, value, f"at most {limit.most:g}", measure.too_high))
        return failures


def _limit(name: str, measure: Measure, table: object) -> Limit:
    if not isinstance(table, dict) or not table or not table.keys() <= {"least", "most"}:
        raise PolicyError(
            name, f"'{measure.name}' takes 'least', 'most' or both, as in {measure.name} = {{ least = 0 }}"
        )
    least, most = table.get("least", measure.lowest), table.get("most", measure.highest)
    for value in (least, most):
        # TOML's booleans are no numbers, though Python's are.
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        # A whole number of hundreds of digits is below infinity, and too large for a float.
        if is_number and sys.float_info.max < abs(value) < math.inf:
            raise PolicyError(name, f"a limit of '{measure.name}' has too many digits")
        if not is_number or math.isnan(value):
            raise PolicyError(name, f"a limit of '{measure.name}' is not a number")
    if not measure.lowest <= least <= most <= measure.highest:
        bounds = f"from {measure.lowest:g} to {measure.highest:g}"
        raise PolicyError(name, f"the limits of '{measure.name}' must rise and lie {bounds}")
    return Limit(measure, float(least), float(most))
