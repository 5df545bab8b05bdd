"""Face detection with MTCNN: three small networks, each looking closer at what the last one kept.

Zhang et al., "Joint Face Detection and Alignment using Multi-task Cascaded Convolutional Networks", 2016.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import numpy.typing as npt

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.session import Session

CELL = 12
STRIDE = 2
PYRAMID_STEP = 0.709
MIN_FACE_PIXELS = 20
# A face narrower than 1/64 of the longer side is not looked for: it bounds the cost of a large photo.
MIN_FACE_SHARE = 1 / 64
# More at a time need more memory, and are no faster.
CROPS_A_RUN = 64
BOXES_A_ROUND = 64


@dataclass(frozen=True, slots=True)
class Thresholds:
    """The least face probability, in [0, 1], that each network lets through."""

    proposal: float = 0.6
    refine: float = 0.7
    output: float = 0.7


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
    """The MTCNN cascade."""

    __slots__ = ("_output", "_proposal", "_refine", "_thresholds")

    def __init__(
        self, proposal: Session, refine: Session, output: Session, thresholds: Thresholds | None = None
    ) -> None:
        self._proposal = proposal
        self._refine = refine
        self._output = output
        self._thresholds = thresholds or Thresholds()

    def detect(self, pixels: Pixels) -> list[Detection]:
        """Find the faces of a photo.

        Args:
            pixels: uint8 (height, width, 3), RGB.

        Returns:
            The faces, in no promised order.
        """
        boxes = self._propose(pixels)
        boxes = self._refine_boxes(pixels, boxes)
        return self._conclude(pixels, boxes)

    def _propose(self, pixels: Pixels) -> Floats:
        import cv2

        height, width = pixels.shape[:2]
        smallest = max(MIN_FACE_PIXELS, MIN_FACE_SHARE * max(height, width))
        scale = CELL / smallest
        kept: list[Floats] = []
        level = pixels
        while min(height, width) * scale >= CELL:
            # Each level is made from the one before: averaging the whole photo anew would cost more than the network.
            # Bilinear sampling misses no pixel where a level shrinks by less than two.
            size = (int(width * scale + 1), int(height * scale + 1))
            method = cv2.INTER_AREA if level.shape[1] >= 2 * size[0] else cv2.INTER_LINEAR
            level = np.asarray(cv2.resize(level, size, interpolation=method), np.uint8)
            probabilities, offsets = self._proposal.run(level[None])
            boxes = _grid_boxes(probabilities[0, 1], offsets[0], scale, self._thresholds.proposal)
            kept.append(boxes[_suppress(boxes, 0.5)])
            scale *= PYRAMID_STEP
        boxes = np.concatenate(kept) if kept else np.empty((0, 9), np.float32)
        boxes = boxes[_suppress(boxes, 0.7)]
        return _square(_regress(boxes[:, :5], boxes[:, 5:9]))

    def _refine_boxes(self, pixels: Pixels, boxes: Floats) -> Floats:
        boxes, crops = _crop(pixels, boxes, 24)
        if not len(boxes):
            return boxes
        probabilities, offsets = _run_in_parts(self._refine, crops)
        scores = probabilities[:, 1]
        passed = scores > self._thresholds.refine
        boxes = np.column_stack([boxes[passed, :4], scores[passed]])
        offsets = offsets[passed]
        picked = _suppress(boxes, 0.7)
        return _square(_regress(boxes[picked], offsets[picked]))

    def _conclude(self, pixels: Pixels, boxes: Floats) -> list[Detection]:
        boxes, crops = _crop(pixels, boxes, 48)
        if not len(boxes):
            return []
        probabilities, offsets, points = _run_in_parts(self._output, crops)
        scores = probabilities[:, 1]
        passed = scores > self._thresholds.output
        boxes = np.column_stack([boxes[passed, :4], scores[passed]])
        points, offsets = points[passed], offsets[passed]
        sides = (boxes[:, 2:4] - boxes[:, 0:2])[:, None, :]
        located = np.stack([points[:, :5], points[:, 5:]], axis=2) * sides + boxes[:, None, 0:2]
        boxes = _regress(boxes, offsets)
        picked = _suppress(boxes, 0.7, of_smaller=True)
        return [Detection(boxes[i, :4], float(boxes[i, 4]), located[i].astype(np.float32)) for i in picked]


def _run_in_parts(session: Session, crops: Pixels) -> tuple[Floats, ...]:
    parts = [session.run(crops[i : i + CROPS_A_RUN]) for i in range(0, len(crops), CROPS_A_RUN)]
    return tuple(np.concatenate(part) for part in zip(*parts, strict=True))


def _grid_boxes(probability: Floats, offsets: Floats, scale: float, threshold: float) -> Floats:
    """Boxes of the proposal grid over the threshold: (n, 9), box, score, four offsets."""
    cells = np.flatnonzero(probability >= threshold)
    rows, columns = np.divmod(cells, probability.shape[1])
    corner = np.stack([columns, rows], axis=1).astype(np.float32) * STRIDE
    boxes = np.empty((len(cells), 9), np.float32)
    boxes[:, 0:2] = np.floor((corner + 1) / scale)
    boxes[:, 2:4] = np.floor((corner + CELL) / scale)
    boxes[:, 4] = probability.reshape(-1)[cells]
    boxes[:, 5:9] = offsets.reshape(4, -1)[:, cells].T
    return boxes


def _suppress(boxes: Floats, limit: float, *, of_smaller: bool = False) -> list[int]:
    """Non-maximum suppression: rows to keep, best first. Overlap is over the union, or over the smaller box."""
    order = np.argsort(-boxes[:, 4], kind="stable")
    boxes = boxes[order]
    alive = np.arange(len(boxes))
    keep: list[int] = []
    # Some boxes against all later ones at a time: one box at a time leaves numpy too little to do.
    while len(alive):
        apart = _apart(boxes[alive[:BOXES_A_ROUND]], boxes[alive], limit, of_smaller=of_smaller)
        stays = np.ones(len(alive), dtype=bool)
        best = []
        for i, apart_from_this in enumerate(apart):
            if stays[i]:
                best.append(i)
                stays &= apart_from_this  # what stood before it is decided already
        keep += order[alive[best]].tolist()
        alive = alive[BOXES_A_ROUND:][stays[BOXES_A_ROUND:]]
    return keep


def _apart(boxes: Floats, others: Floats, limit: float, *, of_smaller: bool) -> npt.NDArray[np.bool_]:
    """Which boxes overlap which others by no more than `limit`: (boxes, others)."""
    left, top, right, bottom = boxes[:, :4].T[:, :, None]
    other_left, other_top, other_right, other_bottom = others[:, :4].T
    width = np.minimum(right, other_right) - np.maximum(left, other_left)
    height = np.minimum(bottom, other_bottom) - np.maximum(top, other_top)
    shared = np.maximum(width, 0) * np.maximum(height, 0)
    areas, other_areas = (right - left) * (bottom - top), (other_right - other_left) * (other_bottom - other_top)
    whole = np.minimum(areas, other_areas) if of_smaller else areas + other_areas - shared
    return np.asarray(shared <= limit * whole)


def _regress(boxes: Floats, offsets: Floats) -> Floats:
    sides = boxes[:, 2:4] - boxes[:, 0:2]
    moved = boxes.copy()
    moved[:, 0:2] += offsets[:, 0:2] * sides
    moved[:, 2:4] += offsets[:, 2:4] * sides
    return moved


def _square(boxes: Floats) -> Floats:
    sides = boxes[:, 2:4] - boxes[:, 0:2]
    side = sides.max(axis=1, keepdims=True) if len(boxes) else sides[:, :1]
    squared = boxes.copy()
    squared[:, 0:2] += (sides - side) / 2
    squared[:, 2:4] = squared[:, 0:2] + side
    return squared


def _crop(pixels: Pixels, boxes: Floats, size: int) -> tuple[Floats, Pixels]:
    """Cut the boxes out, clipped to the photo, each resized to (size, size). Boxes outside are dropped."""
    import cv2

    height, width = pixels.shape[:2]
    corners = np.trunc(boxes[:, :4]).astype(np.int64)
    left, top = np.maximum(corners[:, 0] - 1, 0), np.maximum(corners[:, 1] - 1, 0)
    right, bottom = np.minimum(corners[:, 2], width), np.minimum(corners[:, 3], height)
    inside = np.nonzero((right - left > 0) & (bottom - top > 0))[0]
    crops = np.empty((len(inside), size, size, 3), dtype=np.uint8)
    for place, i in enumerate(inside):
        part = pixels[top[i] : bottom[i], left[i] : right[i]]
        cv2.resize(part, (size, size), dst=crops[place], interpolation=cv2.INTER_AREA)
    return boxes[inside], crops
