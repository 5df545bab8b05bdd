"""The detector on photos of groups, of nobody, and of odd shapes."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from senseid_engine import detect
from senseid_engine.detect import LEAST_SCORE, MOST_OVERLAP, STRIDES, Detection, Detector
from senseid_engine.faces import find_faces
from senseid_engine.image import Image, decode_image, image_of_array, read_photo

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.session import Session

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


@pytest.mark.parametrize("name", ["Landscape_0.jpg", "Landscape_3.jpg", "Landscape_6.jpg"])
def test_a_landscape_has_no_face(test_data: Path, encoder: Encoder, name: str) -> None:
    scene = decode_image(read_photo(test_data / "decoder" / "exif-orientation" / name), name=name)
    assert find_faces(scene.pixels, encoder.finder.detector, encoder.finder.landmarker) == []


def test_the_five_points_are_those_of_the_face(photos: dict[str, Image], encoder: Encoder) -> None:
    for photo in photos.values():
        face = encoder.finder.detector.detect(photo.pixels)[0]
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
        assert len(find_faces(small, encoder.finder.detector, encoder.finder.landmarker)) == 1


def scaled(photo: Image, width: int) -> np.ndarray:
    import cv2

    size = (width, width * photo.height // photo.width)
    method = cv2.INTER_AREA if width < photo.width else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(photo.pixels, size, interpolation=method), np.uint8)


@pytest.mark.parametrize("width", [32, 64, 100, 200, 455, 910, 1820, 3000, 4000])
def test_a_face_is_found_whatever_its_size(photos: dict[str, Image], encoder: Encoder, width: int) -> None:
    # A fourth of the photo's width: from 8 to 1,070 pixels. The photo of 4,000 pixels is 5,000 high.
    pixels = scaled(photos["obama.jpg"], width)
    (face,) = find_faces(pixels, encoder.finder.detector, encoder.finder.landmarker)
    assert overlap(face.box * (910 / width), np.array([369.0, 83.0, 612.0, 420.0])) > 0.75


@pytest.mark.parametrize("place", [(0.1, 0.2), (0.48, 0.47), (0.9, 0.8)], ids=["first", "middle", "last"])
def test_a_small_face_in_a_large_photo(photos: dict[str, Image], encoder: Encoder, place: tuple[float, float]) -> None:
    # 30 of 4,000 pixels; the middle is where the parts meet.
    person = scaled(photos["obama.jpg"], 112)
    scene = np.full((3000, 4000, 3), 90, np.uint8)
    left, top = int(place[0] * 4000), int(place[1] * 3000)
    scene[top : top + person.shape[0], left : left + person.shape[1]] = person
    (face,) = encoder.finder.find(image_of_array(scene, name="scene")).faces
    there = np.array([left, top, left, top]) + np.array([369.0, 83.0, 612.0, 420.0]) * (112 / 910)
    assert overlap(face.box, there) > 0.5


def test_the_parts_of_a_photo_cover_it_and_overlap() -> None:
    for length in (1, 1280, 1281, 1920, 2560):
        parts = detect._parts(length)
        assert (parts[0][0], parts[-1][1]) == (0, length)
        assert all(stop - start <= detect.MOST_SIDE + detect.MARGIN for start, stop in parts)
        assert all(stop - start == detect.MARGIN for (_, stop), (start, _) in itertools.pairwise(parts))


def test_what_the_edge_cuts_is_found_beyond_it(photos: dict[str, Image], encoder: Encoder) -> None:
    detector = encoder.finder.detector
    photo = scaled(photos["obama.jpg"], 910)
    whole = detector.detect(photo)[0]
    # Nothing but the lower face, from below the eyes to the middle of the chin.
    top, bottom = round(float(whole.points[:2, 1].max())) - 15, round(float(whole.box[3])) - 20
    left, right = round(float(whole.box[0])) + 10, round(float(whole.box[2])) - 10
    cut = np.ascontiguousarray(photo[top:bottom, left:right])
    found = detector.detect_beyond(cut)
    assert len(found) == 1
    shifted = found[0].box + np.array([left, top, left, top])
    assert overlap(shifted, whole.box) > 0.5
    assert found[0].box[1] < 0
    assert np.linalg.norm(found[0].points + np.array([left, top]) - whole.points, axis=1).max() < 0.2 * (right - left)
    assert found[0].box.dtype == found[0].points.dtype == np.float32


def test_the_same_photo_gives_the_same_faces_to_the_bit(two_men: Image, encoder: Encoder) -> None:
    first = encoder.finder.detector.detect(two_men.pixels)
    assert len(first) == 2
    for _ in range(3):
        assert equal(encoder.finder.detector.detect(two_men.pixels), first)


def test_the_pixels_are_left_alone(two_men: Image, encoder: Encoder) -> None:
    writable = two_men.pixels.copy()
    encoder.finder.detector.detect(writable)
    encoder.finder.detector.detect_beyond(writable)
    np.testing.assert_array_equal(writable, two_men.pixels)


class Network:
    """Stands for the network: whatever it is shown, it sees the same in these cells, where there are such.

    Each is a stride, a row, a column and the cell's 16 numbers.
    """

    def __init__(self, *cells: tuple[int, int, int, list[float]]) -> None:
        self._cells = cells
        self.shown: list[Pixels] = []

    def run(self, chips: Pixels) -> tuple[Floats, ...]:
        self.shown.append(chips[0])
        height, width = chips.shape[1:3]
        seen = {s: np.full((1, 16, height // s, width // s), -9, np.float32) for s in STRIDES}
        for stride, row, column, numbers in self._cells:
            if row < height // stride and column < width // stride:
                seen[stride][0, :, row, column] = numbers
        return tuple(seen.values())


def detector_of(network: Network) -> Detector:
    return Detector(cast("Session", network))


def cell(
    *logits: float, centre: tuple[float, float] = (0.5, 0.5), sides: tuple[float, float] = (4.0, 5.0)
) -> list[float]:
    """The numbers of a cell that sees a face; its five points are those of `POINTS`."""
    return [*(logits or (9.0, 9.0)), *centre, *map(math.log, sides), *POINTS.ravel().tolist()]


POINTS = np.array([[-0.5, -0.5], [1.5, -0.25], [0.5, 0.75], [-0.25, 1.5], [1.25, 1.75]])


def shape(width: int, height: int) -> np.ndarray:
    return np.zeros((height, width, 3), np.uint8)


@pytest.mark.parametrize("stride", STRIDES)
def test_a_cell_tells_a_face_in_its_own_units(stride: int) -> None:
    network = Network((stride, 2, 5, cell(2.0, 1.0, centre=(0.25, -0.5))))
    (face,) = detector_of(network).detect(shape(256, 192))
    x, y = 5.25 * stride, 1.5 * stride
    assert face.box.tolist() == pytest.approx([x - 2 * stride, y - 2.5 * stride, x + 2 * stride, y + 2.5 * stride])
    np.testing.assert_allclose(face.points, (POINTS + np.array([5, 2])) * stride, rtol=1e-6)
    assert face.score == pytest.approx(1 / math.sqrt((1 + math.exp(-2)) * (1 + math.exp(-1))))


def test_a_cell_that_is_not_sure_tells_nothing() -> None:
    def of_score(score: float) -> float:
        return math.log(score / (1 - score))

    for scores, faces in (((0.701, 0.701), 1), ((0.699, 0.699), 0), ((0.98, 0.51), 1), ((0.98, 0.49), 0)):
        assert (math.sqrt(scores[0] * scores[1]) >= LEAST_SCORE) is bool(faces)
        network = Network((16, 1, 1, cell(*map(of_score, scores))))
        assert len(detector_of(network).detect(shape(128, 96))) == faces


@pytest.mark.parametrize(
    ("width", "height", "seen"),
    [
        (32, 32, [(32, 32)]),
        (100, 80, [(100, 80)]),
        (300, 200, [(300, 200)]),
        # Half its size is too little for a small photo; one with room for a large face is shown once more.
        (304, 200, [(304, 200), (76, 50)]),
        (640, 480, [(320, 240), (80, 60)]),
        (1000, 2000, [(500, 1000), (125, 250)]),
        (4000, 5000, [(1024, 1280), (256, 320)]),
        (5000, 32, [(1280, 8), (320, 2)]),
    ],
)
def test_a_photo_is_shown_at_two_sizes(width: int, height: int, seen: list[tuple[int, int]]) -> None:
    network = Network()
    assert detector_of(network).detect(np.full_like(shape(width, height), 200)) == []
    assert len(network.shown) == len(seen)
    for chip, (columns, rows) in zip(network.shown, seen, strict=True):
        # Black on the right and below, up to a whole cell of the coarsest stride.
        assert chip.shape == (math.ceil(rows / 32) * 32, math.ceil(columns / 32) * 32, 3)
        assert (chip[:rows, :columns] == 200).all()
        assert chip.sum() == 3 * 200 * rows * columns


def test_each_size_is_taken_back_to_the_photo() -> None:
    # 1290 x 970 is shown as 645 x 485 and as 161 x 121.
    network = Network((32, 1, 1, cell()))
    coarse, fine = sorted(detector_of(network).detect(shape(1290, 970)), key=lambda face: face.box[0])
    assert [chip.shape[:2] for chip in network.shown] == [(512, 672), (128, 192)]
    for face, columns, rows in ((fine, 645, 485), (coarse, 161, 121)):
        back = np.array([1290 / columns, 970 / rows])
        np.testing.assert_allclose(face.box[:2], np.array([1.5 - 2, 1.5 - 2.5]) * 32 * back, rtol=1e-5)
        np.testing.assert_allclose(face.box[2:], np.array([1.5 + 2, 1.5 + 2.5]) * 32 * back, rtol=1e-5)
        np.testing.assert_allclose(face.points, (POINTS + 1) * 32 * back, rtol=1e-5)


def test_the_same_face_at_both_sizes_is_one() -> None:
    # About (100, 100) of 640 x 480, with sides of 128 and 160: at half and at an eighth of the size.
    large = (8, 6, 6, cell(3.0, 3.0, centre=(0.25, 0.25), sides=(8.0, 10.0)))
    small = (8, 1, 1, cell(4.0, 4.0, centre=(0.5625, 0.5625), sides=(2.0, 2.5)))

    class Both(Network):
        def run(self, chips: Pixels) -> tuple[Floats, ...]:
            self._cells = (large,) if chips.shape[2] == 320 else (small,)
            return super().run(chips)

    (face,) = detector_of(Both()).detect(shape(640, 480))
    assert face.score == pytest.approx(1 / (1 + math.exp(-4)))
    assert face.box.tolist() == pytest.approx([36, 20, 164, 180])


@pytest.mark.parametrize(
    ("width", "height", "seen"),
    [
        # A fourth of the longer side all around, enlarged to 640 pixels or reduced to 1,280.
        (100, 80, [(640, 555), (160, 139)]),
        (600, 400, [(900, 700), (225, 175)]),
        (2000, 3000, [(996, 1280), (249, 320)]),
    ],
)
def test_beyond_the_edge_it_is_grey(width: int, height: int, seen: list[tuple[int, int]]) -> None:
    network = Network()
    assert detector_of(network).detect_beyond(shape(width, height)) == []
    assert len(network.shown) == 2
    for chip, (columns, rows) in zip(network.shown, seen, strict=True):
        assert chip.shape == (math.ceil(rows / 32) * 32, math.ceil(columns / 32) * 32, 3)
        border = max(width, height) // 4 * columns / (width + max(width, height) // 4 * 2)
        inner = math.ceil(border) + 6
        assert (chip[: math.floor(border) - 1, :columns] == 127).all()
        assert (chip[:rows, : math.floor(border) - 1] == 127).all()
        assert not chip[inner : rows - inner, inner : columns - inner].any()


def test_a_face_beyond_the_edge_has_the_places_of_the_photo() -> None:
    # 320 x 240 with a border of 80 is 480 x 400, and is shown as 640 x 533 and as 160 x 133.
    inside, outside = (32, 4, 5, cell()), (32, 1, 9, cell())
    (face, *others) = detector_of(Network(inside, outside)).detect_beyond(shape(320, 240))
    back = np.array([480 / 640, 400 / 533])
    np.testing.assert_allclose(face.box[:2], np.array([5.5 - 2, 4.5 - 2.5]) * 32 * back - 80, rtol=1e-5)
    np.testing.assert_allclose(face.points, (POINTS + np.array([5, 4])) * 32 * back - 80, rtol=1e-5)
    # The centre of the other is 36 pixels below the upper edge of the border.
    assert others == []


@pytest.mark.parametrize(("row", "column"), [(0, 4), (4, 0), (4, 19), (16, 4)])
def test_a_face_whose_centre_is_outside_the_photo_is_none_of_it(row: int, column: int) -> None:
    network = Network((32, row, column, cell()))
    assert detector_of(network).detect_beyond(shape(320, 240)) == []
    # It is seen.
    assert any(row < chip.shape[0] // 32 and column < chip.shape[1] // 32 for chip in network.shown)


def rows(*boxes: tuple[float, ...]) -> np.ndarray:
    """Rows of left, top, right, bottom, score, as they are suppressed."""
    return np.array(boxes, np.float32).reshape(-1, 5)


def test_suppression_keeps_the_best_of_those_that_overlap() -> None:
    near = rows((0, 0, 10, 10, 0.7), (1, 0, 11, 10, 0.9), (100, 0, 110, 10, 0.8), (0, 1, 10, 11, 0.6))
    assert detect._suppress(near) == [1, 2]
    assert detect._suppress(rows()) == []
    # A small face before a large one: little of the union.
    assert detect._suppress(rows((0, 0, 100, 100, 0.9), (40, 40, 60, 60, 0.8))) == [0, 1]


def test_suppression_agrees_with_its_definition() -> None:
    corner = RNG.uniform(0, 50, (60, 2))
    random = np.column_stack([corner, corner + RNG.uniform(5, 40, (60, 2)), RNG.uniform(size=60)]).astype(np.float32)
    kept = detect._suppress(random)
    assert [float(random[i, 4]) for i in kept] == sorted((float(random[i, 4]) for i in kept), reverse=True)
    assert all(overlap(random[a, :4], random[b, :4]) <= MOST_OVERLAP for a, b in itertools.combinations(kept, 2))
    for lost in set(range(60)) - set(kept):
        better = [k for k in kept if random[k, 4] > random[lost, 4]]
        assert any(overlap(random[k, :4], random[lost, :4]) > MOST_OVERLAP for k in better)


def test_of_equal_boxes_the_first_stays() -> None:
    assert detect._suppress(rows(*[(0, 0, 10, 10, 0.8)] * 5)) == [0]
