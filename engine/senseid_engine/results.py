"""Results of the engine: plain, frozen values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Rect:
    """A rectangle in whole pixels of the upright photo, inside it; right and bottom are exclusive."""

    left: int
    top: int
    right: int
    bottom: int

    def as_list(self) -> list[int]:
        """`[left, top, right, bottom]`, as in the HTTP API."""
        return [self.left, self.top, self.right, self.bottom]

    def overlap(self, other: Rect) -> float:
        """Intersection over union, in [0, 1]."""
        width = min(self.right, other.right) - max(self.left, other.left)
        height = min(self.bottom, other.bottom) - max(self.top, other.top)
        shared = max(width, 0) * max(height, 0)
        whole = self.area + other.area - shared
        return shared / whole if whole else 0.0

    @property
    def area(self) -> int:
        """Square pixels."""
        return (self.right - self.left) * (self.bottom - self.top)


@dataclass(frozen=True, slots=True)
class FoundFaces:
    """The faces of one photo, largest first, then left to right.

    Attributes:
        name: the name of the photo in messages.
        width: pixels of the upright photo.
        height: pixels of the upright photo.
        quarter_turns: how often the decoded photo was turned anticlockwise by 90 degrees to find the faces upright.
        rects: one rectangle per face, at least one.
        covered: which of the left eye, right eye, nose and mouth of the face that is compared are covered; left and
            right are those of the picture. Only where one face of the photo is compared.
    """

    name: str
    width: int
    height: int
    quarter_turns: int
    rects: tuple[Rect, ...]
    covered: tuple[str, ...] = ()

    @property
    def ambiguous(self) -> bool:
        """Whether another face is at least half as large as the first, so that either may be meant.

        One that the edge of the photo cuts goes last, and may still be that large.
        """
        return any(2 * rect.area >= self.rects[0].area for rect in self.rects[1:])


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of a 1:1 comparison of the largest face of each photo.

    Attributes:
        score: calibrated verification score, in [0, 1].
        first: faces of the first photo; face 0 was compared.
        second: faces of the second photo; face 0 was compared.
        further: likewise of each further photo of the first one's person.
    """

    score: float
    first: FoundFaces
    second: FoundFaces
    further: tuple[FoundFaces, ...] = ()


@dataclass(frozen=True, slots=True)
class OmniComparison:
    """Every face of one photo against every face of another.

    Attributes:
        scores: `scores[i][j]` is the calibrated score, in [0, 1], of face i of the first and face j of
            the second photo.
        first: faces of the first photo.
        second: faces of the second photo.
    """

    scores: tuple[tuple[float, ...], ...]
    first: FoundFaces
    second: FoundFaces
