"""Face detection with YuNet, at more than one scale.

Wu et al., "YuNet: A Tiny Millisecond-level Face Detector", Machine Intelligence Research, 2023. The network finds
faces of about 10 to 300 pixels, so a photo is shown to it at two sizes: one where small faces are large enough for it,
and one where large faces are small enough.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.session import Session

STRIDES: Final = (8, 16, 32)
LEAST_SIDE: Final = 320
MOST_SIDE: Final = 1280
"""A photo is shown at half its size, since a face of less than 20 pixels is of no use, but with a longest side of at
least and at most as many pixels. It bounds the cost of a large photo, on which faces below 50 pixels may be missed:
where it shows no other, it is searched again at up to twice that, in parts."""
MARGIN: Final = 64
"""Pixels that such a part shares with the next one: a face that is larger was found before."""
LARGEST_FACE: Final = 300
"""Pixels of the largest face that the network finds. Where there is room for a larger one, the photo is shown ..."""
COARSER: Final = 4
"""... that many times smaller besides."""
LEAST_SCORE: Final = 0.7
MOST_OVERLAP: Final = 0.3


@dataclass(frozen=True, slots=True)
class Detection:
    """One detected face, in pixels of the photo.

    Attributes:
        box: float32 (4,), left, top, right, bottom; may reach outside the photo.
        score: probability of a face, in [0, 1].
        points: float32 (5, 2), x and y of the eye centres, nose tip and mouth corners, image left first.
    """

    box: Floats
    score: float
    points: Floats


class Detector:
    """The face detection network."""

    __slots__ = ("_session",)

    def __init__(self, session: Session) -> None:
        self._session = session

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find the faces of a photo.

        Args:
            pixels: uint8 (height, width, 3), RGB.

        Returns:
            The faces, the most probable first.
        """
        longest = max(pixels.shape[:2])
        return self._detect_with(pixels, min(max(longest / 2, LEAST_SIDE), MOST_SIDE, longest))

    def _detect_with(self, pixels: Pixels, longest: float) -> list[Detection]:
        """Find the faces of a photo that is shown with that longest side, in pixels."""
        height, width = pixels.shape[:2]
        found, level = [], pixels
        for side in (longest, longest / COARSER) if longest > LARGEST_FACE else (longest,):
            level = _shown(level, side / max(height, width), width, height)
            found.append(self._detect_at(level) * _back(level, width, height))
        return _detections(np.concatenate(found))

    def detect_beyond(self, pixels: Pixels) -> list[Detection]:
        """Find faces that the edge of the photo cuts, or that are small in a small photo: enlarged, with a border.

        Args:
            pixels: uint8 (height, width, 3), RGB.

        Returns:
            The faces, the most probable first, whose centre is in the photo.
        """
        import cv2

        height, width = pixels.shape[:2]
        border = max(height, width) // 4
        wider = cv2.copyMakeBorder(pixels, border, border, border, border, cv2.BORDER_CONSTANT, value=[127] * 3)
        found = [
            Detection(d.box - border, d.score, d.points - border)
            for d in self._detect_with(
                np.asarray(wider, np.uint8), max(2 * LEAST_SIDE, min(max(wider.shape), MOST_SIDE))
            )
        ]
        centres = [(d.box[:2] + d.box[2:]) / 2 for d in found]
        return [d for d, (x, y) in zip(found, centres, strict=True) if 0 <= x < width and 0 <= y < height]

    def detect_small(self, pixels: Pixels) -> list[Detection]:
        """Find faces that `detect` shows to the network too small. In parts, which bounds the memory, not the time.

        Args:
            pixels: uint8 (height, width, 3), RGB.

        Returns:
            The faces, the most probable first.
        """
        height, width = pixels.shape[:2]
        longest = max(height, width)
        level = _shown(pixels, min(2 * MOST_SIDE, longest) / longest, width, height)
        found = []
        for top, bottom in _parts(level.shape[0]):
            for left, right in _parts(level.shape[1]):
                at = np.array([left, top, left, top, 0, *[left, top] * 5], np.float32)
                found.append(self._detect_at(level[top:bottom, left:right]) + at)
        return _detections(np.concatenate(found) * _back(level, width, height))

    def _detect_at(self, pixels: Pixels) -> Floats:
        """The cells that contain a face: (n, 15), box, score and points in pixels of this level."""
        height, width = pixels.shape[:2]
        step = STRIDES[-1]
        padded = np.zeros((1, -(-height // step) * step, -(-width // step) * step, 3), np.uint8)
        padded[0, :height, :width] = pixels
        rows = [_decode(cells[0], stride) for cells, stride in zip(self._session.run(padded), STRIDES, strict=True)]
        return np.concatenate(rows)


def _shown(pixels: Pixels, scale: float, width: int, height: int) -> Pixels:
    """A photo of that size, or a smaller picture of it, at that scale."""
    import cv2

    size = max(round(width * scale), 1), max(round(height * scale), 1)
    if size == pixels.shape[1::-1]:
        return pixels
    method = cv2.INTER_AREA if size[0] < pixels.shape[1] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(pixels, size, interpolation=method), np.uint8)


def _parts(length: int) -> list[tuple[int, int]]:
    """Where parts of at most `MOST_SIDE` and a margin begin and end, which cover a length and overlap by a margin."""
    count = -(-length // MOST_SIDE)
    step = -(-length // count)
    return [(max(start - MARGIN // 2, 0), min(start + step + MARGIN // 2, length)) for start in range(0, length, step)]


def _back(level: Pixels, width: int, height: int) -> Floats:
    """The factors that scale a row of `_detect_at` from that picture of a photo back to it: float32 (15,)."""
    x, y = width / level.shape[1], height / level.shape[0]
    return np.array([x, y, x, y, 1.0, *[x, y] * 5], np.float32)


def _detections(rows: Floats) -> list[Detection]:
    return [Detection(row[:4], float(row[4]), row[5:].reshape(5, 2)) for row in rows[_suppress(rows)]]


def _decode(cells: Floats, stride: int) -> Floats:
    """The cells over the least score, (n, 15), of the 16 numbers of each cell: (16, rows, columns).

    The numbers are the logits of a face's class and of its presence, the box's centre and the logarithms of its sides,
    and the five points, all from the cell's corner on and in units of the stride.
    """
    columns = cells.shape[2]
    probability = 1 / (1 + np.exp(-cells[:2].reshape(2, -1)))
    score = np.sqrt(probability[0] * probability[1])
    kept = np.flatnonzero(score >= LEAST_SCORE)
    values = cells.reshape(16, -1)[:, kept].T
    corner = np.stack([kept % columns, kept // columns], axis=1).astype(np.float32)
    centre, sides = values[:, 2:4] + corner, np.exp(values[:, 4:6])
    points = values[:, 6:] + np.tile(corner, 5)
    decoded = np.concatenate([centre - sides / 2, centre + sides / 2, points], axis=1) * stride
    return np.insert(decoded, 4, score[kept], axis=1).astype(np.float32)


def _suppress(rows: Floats) -> list[int]:
    """Non-maximum suppression by intersection over union: rows to keep, the most probable first."""
    import cv2

    if not len(rows):
        return []
    boxes = np.concatenate([rows[:, :2], rows[:, 2:4] - rows[:, :2]], axis=1)
    return [int(i) for i in cv2.dnn.NMSBoxes(boxes, rows[:, 4], 0.0, MOST_OVERLAP)]  # type: ignore[arg-type]
