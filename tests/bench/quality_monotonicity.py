"""`python -m tests.bench.quality_monotonicity [--photos N] [--json FILE]`: each measure moves the right way, smoothly.

Each photo is made worse step by step - blur, gamma, noise, JPEG, fewer pixels, a face pushed out of the photo, a turned
photo, an occluder that grows - and goes through the whole pipeline at each step. For each measure that should answer:

- how many of the steps of all faces move the right way, or stand still within what a pipeline that finds the face anew
  each time cannot avoid;
- whether the median over the faces moves the right way at every step;
- the largest step of that median, as a share of its whole way: a measure that jumps is no scale.

Faces that are no longer found are left out from there on, and counted.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from senseid_engine.errors import NoFaceError
from senseid_engine.image import Image
from tests.bench.report import Promise, Report, Row, parser_of, run
from tests.bench.surroundings import lfw_photos, open_quality

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Pixels
    from senseid_engine.landmarks import Landmarks
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.quality.results import FaceQuality

NAME = "quality_monotonicity"
PHOTOS = 30
LEAST_SHARE = 0.9
MOST_JUMP = 0.5


@dataclass(frozen=True, slots=True)
class Answer:
    """How one measure should answer one change.

    Attributes:
        measure: its name.
        value: reads it.
        sign: 1 where it should rise with the level, -1 where it should fall, 0 where it should not rise.
        still: a move of this much is none.
    """

    measure: str
    value: Callable[[FaceQuality], float]
    sign: int
    still: float


@dataclass(frozen=True, slots=True)
class Change:
    """One way to make a photo worse.

    Attributes:
        name: of the change.
        levels: from nothing to much.
        apply: makes the changed pixels of a photo whose face has these landmarks.
        answers: the measures that should answer.
    """

    name: str
    levels: Sequence[float]
    apply: Callable[[Pixels, Landmarks, float], np.ndarray]
    answers: Sequence[Answer]


def _blur(pixels: Pixels, _: Landmarks, sigma: float) -> np.ndarray:
    return cv2.GaussianBlur(pixels, (0, 0), sigma) if sigma else pixels


def _gamma(pixels: Pixels, _: Landmarks, gamma: float) -> np.ndarray:
    return np.round(255 * (pixels / 255) ** gamma).astype(np.uint8)


def _noise(pixels: Pixels, _: Landmarks, sigma: float) -> np.ndarray:
    # The same noise at each level, so that only its strength differs.
    noise = np.random.default_rng(0).normal(0, 1, pixels.shape[:2])[..., None]
    return np.clip(np.round(pixels + sigma * noise), 0, 255).astype(np.uint8)


def _jpeg(pixels: Pixels, _: Landmarks, loss: float) -> np.ndarray:
    _, data = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, round(100 - loss)])
    return cv2.imdecode(data, cv2.IMREAD_UNCHANGED)


def _shrink(pixels: Pixels, _: Landmarks, factor: float) -> np.ndarray:
    return cv2.resize(pixels, None, fx=1 / factor, fy=1 / factor, interpolation=cv2.INTER_AREA)


def _pad(pixels: Pixels, _: Landmarks, factor: float) -> np.ndarray:
    margin = round((factor - 1) / 2 * pixels.shape[0])
    return cv2.copyMakeBorder(pixels, margin, margin, margin, margin, cv2.BORDER_REPLICATE)


def _push_out(pixels: Pixels, landmarks: Landmarks, share: float) -> np.ndarray:
    """Cut the photo from the left, to the face and through more and more of it; grey takes its place on the right."""
    left, right = landmarks.points[:, 0].min(), landmarks.points[:, 0].max()
    cut = max(round(float(left + share * (right - left))), 0)
    moved = np.full_like(pixels, 128)
    moved[:, : pixels.shape[1] - cut] = pixels[:, cut:]
    return moved


def _turn(pixels: Pixels, _: Landmarks, angle: float) -> np.ndarray:
    height, width = pixels.shape[:2]
    matrix = cv2.getRotationMatrix2D((width / 2, height / 2), -angle, 1.0)
    return cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)


def _cover(pixels: Pixels, landmarks: Landmarks, share: float) -> np.ndarray:
    """Lay a blue cloth over the lower part of the face: from the chin up to the eyes at 1."""
    points = landmarks.points[:, :2]
    covered = pixels.copy()
    chin, eyes = points[152, 1] + 0.1 * np.ptp(points[:, 1]), points[[33, 263], 1].mean()
    top = chin + share * (eyes - chin)
    left, right = points[:, 0].min(), points[:, 0].max()
    if share:
        cloth = np.array([[left, top], [right, top], [right, chin], [left, chin]])
        cv2.fillConvexPoly(covered, np.round(cloth).astype(np.int32), (70, 110, 160))
    return covered


CHANGES = (
    Change(
        "blur, sigma in pixels of LFW",
        (0, 0.5, 1, 1.5, 2, 2.5, 3, 4),
        _blur,
        (Answer("sharpness", lambda q: q.sharpness, -1, 0.01), Answer("overall", lambda q: q.overall, -1, 0.05)),
    ),
    Change(
        "gamma",
        (0.4, 0.6, 0.8, 1, 1.4, 2, 2.8),
        _gamma,
        (Answer("brightness", lambda q: q.brightness, -1, 0.01),),
    ),
    Change(
        "noise, sigma in grey levels",
        (0, 3, 6, 12, 18, 25),
        _noise,
        (Answer("sharpness", lambda q: q.sharpness, 0, 0.02),),
    ),
    Change(
        "JPEG, 100 - quality",
        (5, 30, 50, 70, 85, 92),
        _jpeg,
        (Answer("sharpness", lambda q: q.sharpness, 0, 0.02),),
    ),
    Change(
        "fewer pixels, factor",
        (1, 1.4, 2, 2.8, 4),
        _shrink,
        (
            Answer("sharpness", lambda q: q.sharpness, -1, 0.01),
            Answer("eye_distance", lambda q: q.eye_distance, -1, 0.0),
            Answer("overall", lambda q: q.overall, -1, 0.05),
        ),
    ),
    Change(
        "more around the face, factor",
        (1, 1.3, 1.7, 2.2, 3),
        _pad,
        (Answer("size", lambda q: q.size, -1, 0.0),),
    ),
    Change(
        "face pushed out, share cut off",
        (0, 0.08, 0.14, 0.2, 0.26, 0.32, 0.38),
        _push_out,
        (
            Answer("integrity", lambda q: q.integrity, -1, 0.02),
            Answer("distance2center", lambda q: q.distance_to_centre, -1, 0.01),
        ),
    ),
    Change(
        "photo turned, degrees",
        (-45, -30, -15, 0, 15, 30, 45),
        _turn,
        (Answer("roll", lambda q: q.pose.roll, 1, 0.0),),
    ),
    Change(
        "cloth over the lower face, share",
        (0, 0.1, 0.2, 0.28, 0.34, 0.38, 0.4, 0.42, 0.44, 0.47, 0.5, 0.6, 0.7, 0.8, 0.9),
        _cover,
        (
            Answer("mouth", lambda q: q.occlusion.mouth, -1, 0.05),
            Answer("nose", lambda q: q.occlusion.nose, -1, 0.05),
            Answer("total", lambda q: q.visible, -1, 0.03),
        ),
    ),
)


def measure(photos: int) -> Report:
    """Measure every change on every photo."""
    checker = open_quality(threads=1)
    images = lfw_photos(photos)
    rows: list[Row] = []
    promises: list[Promise] = []
    notes: list[str] = []
    for change in CHANGES:
        series = [faces for faces in (_series(checker, image, change) for image in images) if faces]
        lost = sum(len(change.levels) - len(faces) for faces in series)
        if lost:
            notes.append(f"{change.name}: {lost} of {len(series) * len(change.levels)} faces were no longer found")
        for answer in change.answers:
            row, promise = _judge(change, answer, series)
            rows.append(row)
            promises.append(promise)
    return Report(
        title="each measure under photos made worse step by step",
        counts=f"{len(images)} photos of LFW, {len(CHANGES)} changes",
        rows=tuple(rows),
        promises=tuple(promises),
        notes=tuple(notes),
    )


def _series(checker: QualityChecker, image: Image, change: Change) -> list[FaceQuality]:
    """The quality of the photo's largest face at each level, as long as it is found."""
    try:
        landmarks = checker.finder.find(image).faces[0].landmarks
    except NoFaceError:
        return []
    measured = []
    for level in change.levels:
        pixels = np.ascontiguousarray(change.apply(image.pixels, landmarks, level), np.uint8)
        try:
            measured.append(checker.check(Image(pixels, "PNG", 1, image.name)).faces[0])
        except NoFaceError:
            break
    return measured


def _judge(change: Change, answer: Answer, series: Sequence[Sequence[FaceQuality]]) -> tuple[Row, Promise]:
    values = np.full((len(series), len(change.levels)), np.nan)
    for i, faces in enumerate(series):
        values[i, : len(faces)] = [answer.value(face) for face in faces]
    steps = np.diff(values, axis=1)
    steps = steps[np.isfinite(steps)]
    right = (answer.sign or -1) * steps >= -answer.still
    median = np.nanmedian(values, axis=0)
    moves = np.diff(median)
    way = float(np.ptp(median))
    in_order = bool(((answer.sign or -1) * moves >= -answer.still).all())
    jump = float(np.abs(moves).max() / way) if answer.sign and way else 0.0
    share = float(right.mean())
    measured = f"{share:.1%} of the steps, median in order: {in_order}, largest step {jump:.0%} of the way"
    word = {1: "rises", -1: "falls", 0: "does not rise"}[answer.sign]
    text = (
        f"{answer.measure} {word} with {change.name}: {LEAST_SHARE:.0%} of the steps, the median at each, no step over"
        f" {MOST_JUMP:.0%} of the way"
    )
    row = Row(f"{answer.measure}: {change.name}", "at the levels", tuple(float(value) for value in median))
    return row, Promise(text, measured, share >= LEAST_SHARE and in_order and jump <= MOST_JUMP)


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "Whether each measure moves the right way when photos are made worse.")
    parser.add_argument("--photos", type=int, default=PHOTOS, metavar="N", help=f"photos of LFW (default {PHOTOS})")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.photos), words.json)


if __name__ == "__main__":
    sys.exit(main())
