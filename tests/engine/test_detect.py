"""The detector on photos of groups, of nobody, and of odd shapes."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine import detect
from senseid_engine.detect import Detection, Detector, Thresholds
from senseid_engine.faces import find_faces
from senseid_engine.image import Image, decode_image, read_photo
from senseid_engine.session import Session

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_engine.encoder import Encoder
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

RNG = np.random.default_rng(2)


def overlap(first: np.ndarray, second: np.ndarray) -> float:
    """Intersection over union of two boxes."""
    sides = np.minimum(first[2:], second[2:]) - np.maximum(first[:2], second[:2])
    shared = np.prod(np.maximum(sides, 0))
    return float(shared / (np.prod(first[2:] - first[:2]) + np.prod(second[2:] - second[:2]) - shared))


def equal(first: list[Detection], second: list[Detection]) -> bool:
    return len(first) == len(second) and all(
        (a.box == b.box).all() and (a.points == b.points).all() and a.score == b.score
        for a, b in zip(first, second, strict=True)
    )


def test_the_faces_of_groups_are_found(group_photos: dict[str, tuple[Image, np.ndarray]], encoder: Encoder) -> None:
    true, hits, false = 0, 0, 0
    for photo, boxes in group_photos.values():
        faces = find_faces(photo.pixels, encoder.finder.detector, encoder.finder.landmarker)
        free = [np.array(face.rect.as_list(), float) for face in faces]
        for box in boxes:
            best = max(free, key=lambda rect: overlap(box, rect), default=None)
            if best is not None and overlap(box, best) >= 0.4:
                hits += 1
                free = [rect for rect in free if rect is not best]
        true += len(boxes)
        false += len(free)
    assert true == 43
    assert hits >= 0.95 * true
    assert false <= hits / 20


def test_a_dog_is_no_face(test_data: Path, encoder: Encoder) -> None:
    path = test_data / "detection-dlib" / "dogs.jpg"
    dogs = decode_image(read_photo(path), name="dogs.jpg")
    assert find_faces(dogs.pixels, encoder.finder.detector, encoder.finder.landmarker) == []


def test_the_five_points_are_those_of_the_face(photos: dict[str, Image], encoder: Encoder) -> None:
    for photo in photos.values():
        face = max(encoder.finder.detector.detect(photo.pixels), key=lambda found: found.score)
        left, top, right, bottom = face.box
        inside = (face.points > [left, top]) & (face.points < [right, bottom])
        assert inside.all()
        left_eye, right_eye, nose, left_mouth, right_mouth = face.points
        assert left_eye[0] < nose[0] < right_eye[0]
        assert left_mouth[0] < right_mouth[0]
        assert max(left_eye[1], right_eye[1]) < nose[1] < min(left_mouth[1], right_mouth[1])
        assert 0.9 < face.score <= 1
        assert face.box.dtype == face.points.dtype == np.float32


def test_no_face_lies_within_another(photos: dict[str, Image], encoder: Encoder) -> None:
    for photo in photos.values():
        detections = encoder.finder.detector.detect(photo.pixels)
        for a, b in itertools.combinations((found.box for found in detections), 2):
            shared = np.prod(np.maximum(np.minimum(a[2:], b[2:]) - np.maximum(a[:2], b[:2]), 0))
            assert shared <= 0.7 * min(np.prod(a[2:] - a[:2]), np.prod(b[2:] - b[:2]))


@pytest.mark.parametrize(
    "shape", [(32, 32), (32, 5000), (5000, 32), (33, 47), (100, 2000)], ids=lambda s: f"{s[1]}x{s[0]}"
)
def test_small_and_long_photos(encoder: Encoder, shape: tuple[int, int]) -> None:
    noise = RNG.integers(0, 256, (*shape, 3), np.uint8)
    for pixels in (noise, np.zeros_like(noise), np.full_like(noise, 255)):
        for found in encoder.finder.detector.detect(pixels):
            assert np.isfinite(found.box).all()
        assert find_faces(pixels, encoder.finder.detector, encoder.finder.landmarker) == []


def test_a_face_that_fills_a_small_photo(photos: dict[str, Image], encoder: Encoder) -> None:
    import cv2

    face = photos["obama.jpg"].pixels[40:480, 280:700]
    for side in (32, 48, 64):
        small = np.asarray(cv2.resize(face, (side, side), interpolation=cv2.INTER_AREA), np.uint8)
        assert len(encoder.finder.detector.detect(small)) == 1


def test_a_face_is_found_whatever_its_size(photos: dict[str, Image], encoder: Encoder) -> None:
    import cv2

    photo = photos["obama.jpg"].pixels
    for width in (100, 200, 455, 910, 1820, 3000):
        size = (width, width * photo.shape[0] // photo.shape[1])
        scaled = np.asarray(cv2.resize(photo, size, interpolation=cv2.INTER_AREA), np.uint8)
        (face,) = find_faces(scaled, encoder.finder.detector, encoder.finder.landmarker)
        assert overlap(face.box * (910 / width), np.array([369.0, 83.0, 612.0, 420.0])) > 0.75


def test_the_same_photo_gives_the_same_faces_to_the_bit(two_men: Image, encoder: Encoder) -> None:
    first = encoder.finder.detector.detect(two_men.pixels)
    assert len(first) == 2
    for _ in range(3):
        assert equal(encoder.finder.detector.detect(two_men.pixels), first)


def test_the_pixels_are_left_alone(two_men: Image, encoder: Encoder) -> None:
    writable = two_men.pixels.copy()
    encoder.finder.detector.detect(writable)
    np.testing.assert_array_equal(writable, two_men.pixels)


def test_many_crops_run_in_parts(photos: dict[str, Image], encoder: Encoder, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encoder.finder.detector.detect(photos["obama.jpg"].pixels)
    monkeypatch.setattr(detect, "CROPS_A_RUN", 3)
    parts = encoder.finder.detector.detect(photos["obama.jpg"].pixels)
    for part, one in zip(parts, whole, strict=True):
        np.testing.assert_allclose(part.box, one.box, atol=0.01)
        np.testing.assert_allclose(part.points, one.points, atol=0.01)
        assert part.score == pytest.approx(one.score, abs=1e-5)


def test_thresholds_are_obeyed(registry: Registry, licences: VerifiedLicences, two_men: Image) -> None:
    proposal, refine, output = (
        Session.open(registry.get(f"mtcnn-{name}"), licences, threads=1) for name in ("pnet", "rnet", "onet")
    )
    for thresholds in (Thresholds(proposal=1.1), Thresholds(refine=1.1), Thresholds(output=1.1)):
        assert Detector(proposal, refine, output, thresholds).detect(two_men.pixels) == []
    strict = Detector(proposal, refine, output, Thresholds(output=0.99)).detect(two_men.pixels)
    assert len(strict) == 2
    assert all(face.score > 0.99 for face in strict)


def boxes(*rows: tuple[float, ...]) -> np.ndarray:
    return np.array(rows, np.float32).reshape(-1, 5)


def test_suppression_keeps_the_best_of_those_that_overlap() -> None:
    near = boxes((0, 0, 10, 10, 0.7), (1, 0, 11, 10, 0.9), (100, 0, 110, 10, 0.8), (0, 1, 10, 11, 0.6))
    assert detect._suppress(near, 0.5) == [1, 2]
    assert detect._suppress(near, 0.95) == [1, 2, 0, 3]
    assert detect._suppress(boxes(), 0.5) == []
    # A small box inside a large one: little of the union, all of the smaller.
    nested = boxes((0, 0, 100, 100, 0.9), (40, 40, 60, 60, 0.8))
    assert detect._suppress(nested, 0.5) == [0, 1]
    assert detect._suppress(nested, 0.5, of_smaller=True) == [0]


def test_suppression_agrees_with_its_definition() -> None:
    corner = RNG.uniform(0, 50, (60, 2))
    random = np.column_stack([corner, corner + RNG.uniform(5, 40, (60, 2)), RNG.uniform(size=60)]).astype(np.float32)
    kept = detect._suppress(random, 0.4)
    assert [float(random[i, 4]) for i in kept] == sorted((float(random[i, 4]) for i in kept), reverse=True)
    assert all(overlap(random[a, :4], random[b, :4]) <= 0.4 for a, b in itertools.combinations(kept, 2))
    for lost in set(range(60)) - set(kept):
        better = [k for k in kept if random[k, 4] > random[lost, 4]]
        assert any(overlap(random[k, :4], random[lost, :4]) > 0.4 for k in better)


def test_of_equal_boxes_the_first_stays() -> None:
    assert detect._suppress(boxes(*[(0, 0, 10, 10, 0.5)] * 5), 0.5) == [0]
