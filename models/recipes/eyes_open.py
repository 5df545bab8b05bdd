"""`python -m models.recipes.eyes_open {teach,learn} ...`: learn how far eyes are open from edges in their pictures.

`teach DATA PICTURES` asks MediaPipe's face landmarker with its refined eyes (package `mediapipe` 0.10.14, Apache-2.0,
in an environment of its own) how far the eyes of photos and of frames of live clips are open, and writes their pictures
and its answers. `learn PICTURES` fits the weights by least squares and writes the registry's file; before, it tells how
well each half of the people is told by what the other taught.

PICTURES holds eyes of people: it is no part of the project, and is deleted afterwards.
"""

from __future__ import annotations

import argparse
import zlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from models.recipes.recognition.people import LFW, SOUTH_ASIA, read_photos
from senseid_engine.landmarks import Landmarks
from senseid_engine.quality.eyes import FORMAT, edges, eye_pictures

if TYPE_CHECKING:
    from collections.abc import Iterator

# Upper and lower lid, in three places, and the corners, for each eye, image left first.
LIDS = (((159, 145), (158, 153), (160, 144)), ((386, 374), (385, 380), (387, 373)))
CORNERS = ((33, 133), (362, 263))
WIDE_OPEN = 0.25
"""Distance of the lids over the width of the eye, from which on an eye is wide open."""
CLOSED, OPEN = 0.07, 0.18
NARROW = 0.14
COPIES = 8
"""Closed eyes are rare: pictures of narrow ones are cut so often, each time a little beside."""
NARROW_WEIGHT = 6.0
PENALTY = 30.0
SHIFT, TURN = 0.07, 0.03
FRAMES, EVERY = 150, 4
SEED = 0


def photos(data: Path) -> Iterator[tuple[str, np.ndarray]]:
    """The person or clip, and the RGB pixels, of each photo and frame."""
    import cv2

    for number, (photo, content) in enumerate(read_photos(data)):
        # One photo in two of LFW, whose come first, is enough; `utk` is for judging only.
        if (photo.set == LFW and number % 2) or photo.set == "utk":
            continue
        pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
        person = photo.name if photo.set == SOUTH_ASIA else photo.name.rpartition("/")[0]
        yield person, np.ascontiguousarray(pixels[:, :, ::-1])
    for path in sorted([*data.glob("liveness-videos/live/*"), *data.glob("liveness-videos-2/live/*")]):
        clip = cv2.VideoCapture(str(path))
        for number in range(FRAMES):
            read, frame = clip.read()
            if not read:
                break
            if number % EVERY == 0:
                shrunk = min(1.0, 640 / max(frame.shape[:2]))
                small = cv2.resize(frame, None, fx=shrunk, fy=shrunk, interpolation=cv2.INTER_AREA)
                # Clips of one maker may show one person.
                yield f"clip {path.name[:8]}", np.ascontiguousarray(small[:, :, ::-1])


def teach(data: Path, target: Path) -> None:
    """Write the pictures of eyes, and how far the teacher finds them open."""
    import mediapipe  # type: ignore[import-not-found,import-untyped,unused-ignore]

    teacher = mediapipe.solutions.face_mesh.FaceMesh(
        static_image_mode=True, refine_landmarks=True, max_num_faces=1, min_detection_confidence=0.3
    )
    rng = np.random.default_rng(SEED)
    people: list[str] = []
    pictures: list[np.ndarray] = []
    answers: list[list[float]] = []
    exact: list[bool] = []
    for person, pixels in photos(data):
        points = _mesh(teacher, pixels)
        if points is None:
            continue
        told = [
            float(np.mean([np.linalg.norm(points[a, :2] - points[b, :2]) for a, b in lids]))
            / float(np.linalg.norm(points[outer, :2] - points[inner, :2]))
            for lids, (outer, inner) in zip(LIDS, CORNERS, strict=True)
        ]
        for copy in range(1 + (COPIES if min(told) < NARROW else 1)):
            moved = points if copy == 0 else _moved(points, rng)
            people.append(person)
            pictures.append(eye_pictures(pixels, Landmarks.of(moved, 1.0)))
            answers.append(told)
            exact.append(copy == 0)
        if len(people) % 1000 == 0:
            print(f"{len(people)} pictures", flush=True)
    np.savez(target, people=people, pictures=np.array(pictures), answers=np.array(answers), exact=exact)


def _mesh(teacher: Any, pixels: np.ndarray) -> np.ndarray | None:
    """The first 468 points that the teacher finds: float32 (468, 3), pixels; None where it finds no face."""
    found = teacher.process(pixels).multi_face_landmarks
    if not found:
        return None
    height, width = pixels.shape[:2]
    points = [(point.x * width, point.y * height, point.z * width) for point in found[0].landmark]
    return np.array(points[:468], np.float32)


def _moved(points: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The corners of the eyes a little beside where they are, as another mesh may find them."""
    moved = points.copy()
    for corners in CORNERS:
        width = np.linalg.norm(points[corners[0], :2] - points[corners[1], :2])
        moved[list(corners), :2] += width * (rng.normal(0, SHIFT, 2) + rng.normal(0, TURN, (2, 2)))
    return moved


def fit(features: np.ndarray, answers: np.ndarray) -> np.ndarray:
    """Weights and, last, the bias, by least squares with a penalty on the weights: float64 (FEATURES + 1,).

    Args:
        features: float32 (n, FEATURES).
        answers: float64 (n,), distance of the lids over the width of the eye.
    """
    rows = np.c_[features, np.ones(len(features))].astype(np.float64)
    weight = np.where(answers < NARROW, NARROW_WEIGHT, 1.0)
    penalty = np.diag(np.r_[np.full(features.shape[1], PENALTY), 0.0])
    left = rows.T @ (rows * weight[:, None]) + penalty
    return np.linalg.solve(left, rows.T @ (weight * np.minimum(answers / WIDE_OPEN, 1.0)))


def learn(source: Path) -> None:
    """Tell how well it does on other people, and write the registry's file."""
    import tomli_w

    from models.recipes.build import put
    from senseid_models.registry import Registry

    with np.load(source, allow_pickle=False) as archive:
        people, pictures, answers, exact = (archive[key] for key in ("people", "pictures", "answers", "exact"))
    features = np.concatenate([edges(part.reshape(-1, *part.shape[2:])) for part in np.array_split(pictures, 64)])
    half = np.repeat([zlib.crc32(person.encode()) % 2 for person in people], 2)
    told = np.zeros(len(features))
    for one in (0, 1):
        found = fit(features[half != one], answers.ravel()[half != one])
        told[half == one] = features[half == one] @ found[:-1] + found[-1]
    openness, answer = told.reshape(-1, 2).mean(axis=1)[exact], answers.mean(axis=1)[exact]
    closed, opened = openness[answer < CLOSED], openness[answer > OPEN]
    print(f"{len(closed)} photos with closed eyes, {len(opened)} with open ones, on other people:")
    for share in (0.1, 0.5, 1, 2):
        limit = np.percentile(opened, share)
        print(f"{share} % of the open ones below {limit:.3f}, and {np.mean(closed < limit):.1%} of the closed ones")
    found = fit(features, answers.ravel())
    table = {"format": FORMAT, "bias": round(float(found[-1]), 5), "weights": [round(float(x), 5) for x in found[:-1]]}
    put(Registry.builtin().asset("eyes-open"), tomli_w.dumps(table).encode())


def main() -> None:
    """Teach or learn."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    taught = commands.add_parser("teach", help="write pictures of eyes and how far they are open")
    taught.add_argument("data", type=Path, metavar="DATA", help="the folder with lfw-pairs.tar and the other sets")
    taught.add_argument("pictures", type=Path, metavar="PICTURES", help="the file to write, .npz")
    learnt = commands.add_parser("learn", help="write the registry's file")
    learnt.add_argument("pictures", type=Path, metavar="PICTURES", help="what `teach` wrote")
    words = parser.parse_args()
    if words.command == "teach":
        teach(words.data, words.pictures)
    else:
        learn(words.pictures)


if __name__ == "__main__":
    main()
