"""Options for processing and refusing photos. Imports nothing heavy: commands name options before models open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class PhotoOptions:
    """Options and requirements for a photo.

    Attributes:
        auto_rotate: turn a sideways or upside-down photo by looking for its faces.
        check_quality: refuse a photo on which an eye, the nose or the mouth of a compared face is covered.
        single_face: where the largest face is compared, refuse a photo whose second face is at least half as large.
        check_liveness: refuse a photo whose compared face looks like one on paper or on a screen.
    """

    auto_rotate: bool = False
    check_quality: bool = False
    single_face: bool = False
    check_liveness: bool = False


AS_IT_IS: Final = PhotoOptions()

MOST_REFERENCES: Final = 10
"""Maximum number of photos of one person that are taken for one score: more were never measured."""
