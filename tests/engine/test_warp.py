"""Transforms and the chips that they cut out."""

from __future__ import annotations

import math

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid_engine.warp import apply, invert, scale_of, similarity, square_crop, warp

angles = st.floats(-math.pi, math.pi)
scales = st.floats(0.05, 20.0)
shifts = st.tuples(st.floats(-2000, 2000), st.floats(-2000, 2000))

FACE = np.array([[30.0, 40.0], [70.0, 38.0], [51.0, 60.0], [35.0, 81.0], [68.0, 79.0]])


def turn_scale_shift(angle: float, scale: float, shift: tuple[float, float]) -> np.ndarray:
    cos, sin = scale * math.cos(angle), scale * math.sin(angle)
    return np.array([[cos, -sin, shift[0]], [sin, cos, shift[1]]])


@given(angles, scales, shifts)
def test_a_similarity_is_recovered_exactly(angle: float, scale: float, shift: tuple[float, float]) -> None:
    known = turn_scale_shift(angle, scale, shift)
    target = FACE @ known[:, :2].T + known[:, 2]
    np.testing.assert_allclose(similarity(FACE, target), known, rtol=1e-9, atol=1e-9)


def test_float32_points_lose_nothing_in_the_sums() -> None:
    known = turn_scale_shift(0.3, 0.15, (12.5, -7.25))
    source = (FACE + 4000).astype(np.float32)
    target = source.astype(np.float64) @ known[:, :2].T + known[:, 2]
    np.testing.assert_allclose(similarity(source, target), known, rtol=1e-9, atol=1e-6)


@given(st.lists(shifts, min_size=5, max_size=5))
def test_nothing_is_ever_mirrored(target: list[tuple[float, float]]) -> None:
    matrix = similarity(FACE, np.array(target))
    assert matrix[0, 0] == matrix[1, 1]
    assert matrix[0, 1] == -matrix[1, 0]
    assert np.linalg.det(matrix[:, :2]) >= 0


def test_a_mirrored_face_is_met_by_turning_not_by_mirroring() -> None:
    mirrored = FACE * [-1, 1]
    matrix = similarity(FACE, mirrored)
    assert np.linalg.det(matrix[:, :2]) > 0
    # The face is nearly symmetric, but no rotation makes its left its right.
    assert np.abs(apply(matrix, FACE) - mirrored).max() > 20


@given(angles, st.floats(0.5, 2.0), shifts)
def test_no_other_similarity_comes_nearer(angle: float, scale: float, shift: tuple[float, float]) -> None:
    rng = np.random.default_rng(5)
    known = turn_scale_shift(angle, scale, shift)
    target = FACE @ known[:, :2].T + known[:, 2] + rng.normal(scale=5, size=FACE.shape)

    def distance(matrix: np.ndarray) -> float:
        return float(((FACE @ matrix[:, :2].T + matrix[:, 2] - target) ** 2).sum())

    best = similarity(FACE, target)
    for a, b, x, y in rng.normal(scale=1e-3, size=(20, 4)):
        assert distance(best + np.array([[a, -b, x], [b, a, y]])) >= distance(best)


@given(angles, scales, shifts)
def test_applying_and_undoing_a_transform(angle: float, scale: float, shift: tuple[float, float]) -> None:
    matrix = turn_scale_shift(angle, scale, shift)
    there = apply(matrix, FACE.astype(np.float32))
    assert there.dtype == np.float32
    np.testing.assert_allclose(there, FACE @ matrix[:, :2].T + matrix[:, 2], rtol=1e-6, atol=1e-3)
    # float32 keeps seven digits of a place up to some thousand pixels away, then scaled back.
    np.testing.assert_allclose(apply(invert(matrix), there), FACE, atol=2e-3 / scale + 1e-4)
    np.testing.assert_allclose(invert(invert(matrix)), matrix, rtol=1e-9, atol=1e-6)
    np.testing.assert_allclose(invert(matrix)[:, :2], np.linalg.inv(matrix[:, :2]), rtol=1e-9, atol=1e-12)
    assert scale_of(matrix) == pytest.approx(scale)


@given(shifts, st.floats(1, 5000), angles, st.sampled_from([112, 150, 192, 224]))
def test_a_square_of_the_photo_becomes_the_whole_chip(
    centre: tuple[float, float], side: float, angle: float, size: int
) -> None:
    matrix = square_crop(np.array(centre), side, angle, size)
    # On the screen, where y grows downwards, these are the directions right and down of a square turned clockwise.
    right, down = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    for across, along, chip in ((-1, -1, (0, 0)), (1, -1, (size, 0)), (-1, 1, (0, size)), (1, 1, (size, size))):
        corner = np.array(centre) + side / 2 * (across * right + along * down)
        np.testing.assert_allclose(matrix[:, :2] @ corner + matrix[:, 2], chip, atol=1e-6 * size)


@pytest.mark.parametrize("shrink", [0.5, 1.0, 1.9, 2.0, 2.7, 3.5, 5.2])
@pytest.mark.parametrize("angle", [0.3, 0.6, -2.5])
def test_each_pixel_of_the_chip_comes_from_its_place(shrink: float, angle: float) -> None:
    # Red is the place along x, green along y.
    y, x = np.indices((256, 256), dtype=np.uint8)
    ramp = np.stack([x, y, np.zeros_like(x)], axis=2)
    size = 30
    matrix = square_crop(np.array([127.3, 128.8]), shrink * size, angle, size)
    chip = warp(ramp, matrix, size)
    assert chip.shape == (size, size, 3)
    assert chip.dtype == np.uint8
    v, u = np.indices((size, size), dtype=np.float64)
    back = invert(matrix)
    place = np.stack([u, v], axis=2) @ back[:, :2].T + back[:, 2]
    # Averages are rounded up at a half: the negative of the ramp is rounded the other way.
    seen = (chip.astype(np.float64) + 255 - warp(255 - ramp, matrix, size))[:, :, :2] / 2
    # One value is one pixel of the photo. Two roundings to whole values may add up to it.
    assert np.abs(seen - place).max() < min(1.0, 0.6 * max(shrink, 1))
    assert np.abs((seen - place).mean(axis=(0, 1))).max() < 0.15 * max(shrink, 0.5)


@pytest.mark.parametrize("shrink", [1.0, 2.0, 2.9, 4.4, 7.3, 11.8])
def test_a_dot_lands_where_the_transform_says(shrink: float) -> None:
    y, x = np.indices((1200, 1300), dtype=np.float64)
    size, centre = 100, np.array([602.4, 598.1])
    matrix = square_crop(centre, shrink * size, 0.35, size)
    for away in ([0.4, -0.3], [-24.0, 19.3], [27.1, 30.6]):
        place = centre + shrink * np.array(away)
        spread = 2.5 * shrink
        dot = 255 * np.exp(-((x - place[0]) ** 2 + (y - place[1]) ** 2) / (2 * spread**2))
        pixels = np.repeat(dot.round().astype(np.uint8)[:, :, None], 3, axis=2)
        chip = warp(pixels, matrix, size)[:, :, 0].astype(np.float64)
        v, u = np.indices(chip.shape)
        centroid = np.array([(chip * u).sum(), (chip * v).sum()]) / chip.sum()
        assert np.abs(centroid - apply(matrix, place.astype(np.float32))).max() < 0.1


@pytest.mark.parametrize("shrink", [2.0, 3.0, 4.0, 6.0, 10.0, 2.5, 3.7, 9.2])
def test_fine_stripes_become_grey(shrink: float) -> None:
    stripes = np.zeros((1000, 1000, 3), np.uint8)
    stripes[:, ::2] = 255
    size = 80
    matrix = square_crop(np.array([500.2, 500.7]), shrink * size, 0.0, size)
    # Sampling alone falls on single stripes.
    plain = cv2.warpAffine(stripes, matrix, (size, size), flags=cv2.INTER_LINEAR)
    assert np.abs(plain - 127.5).max() > 70
    # The mean of an odd number of stripes holds one more of one colour. Rounding may lose one from the whole shrink.
    odd_one = 127.5 / max(2, int(shrink) - 1)
    assert np.abs(warp(stripes, matrix, size) - 127.5).max() <= min(odd_one, 127.5 / 3) + 2


@pytest.mark.parametrize("shrink", [2.3, 3.7, 5.5, 9.1])
def test_noise_is_averaged_away(shrink: float) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (1200, 1200, 3), np.uint8)
    size = 90
    matrix = square_crop(np.array([600.0, 600.0]), shrink * size, 0.4, size)
    # The mean of n independent pixels deviates by 1 / sqrt(n); n is at least the square of the whole shrink.
    assert warp(noise, matrix, size).std() < 1.1 * noise.std() / int(shrink)


def test_averaging_first_agrees_with_plain_sampling_where_the_photo_is_smooth() -> None:
    y, x = np.indices((800, 800), dtype=np.float64)
    waves = 127 + 60 * np.sin(x / 60) + 60 * np.cos(y / 45 + x / 200)
    pixels = np.repeat(waves.round().astype(np.uint8)[:, :, None], 3, axis=2)
    size = 150
    for shrink in (2.0, 2.6, 3.9):
        matrix = square_crop(np.array([390.0, 410.0]), shrink * size, -0.2, size)
        plain = cv2.warpAffine(pixels, matrix, (size, size), flags=cv2.INTER_LINEAR).astype(float)
        inside = cv2.warpAffine(np.ones((800, 800), np.uint8), matrix, (size, size)) == 1
        difference = np.abs(warp(pixels, matrix, size).astype(float) - plain)[inside]
        assert difference.mean() < 0.7
        assert np.quantile(difference, 0.99) <= 2


@pytest.mark.parametrize("side", [60.0, 900.0])
def test_outside_the_photo_is_black(side: float) -> None:
    white = np.full((300, 400, 3), 255, np.uint8)
    size = 60
    across = square_crop(np.array([0.0, 150.0]), side, 0.0, size)
    chip = warp(white, across, size)
    y = size // 2
    assert not chip[y, : size // 2 - 1].any()
    assert (chip[y, size // 2 + 1 : size // 2 + 3] == 255).all()


@pytest.mark.parametrize("side", [60.0, 900.0])
@pytest.mark.parametrize("centre", [(-5000.0, 100.0), (9000.0, 100.0), (200.0, -5000.0), (200.0, 9000.0)])
def test_a_chip_wholly_outside_is_black(side: float, centre: tuple[float, float]) -> None:
    white = np.full((300, 400, 3), 255, np.uint8)
    assert not warp(white, square_crop(np.array(centre), side, 0.3, 60), 60).any()


def test_a_photo_much_smaller_than_the_square() -> None:
    white = np.full((32, 32, 3), 255, np.uint8)
    chip = warp(white, square_crop(np.array([16.0, 16.0]), 6000.0, 0.0, 60), 60)
    assert chip.shape == (60, 60, 3)
    # 32 pixels are a third of one pixel of the chip: it sees a ninth of a white pixel at most.
    assert chip.max() > 0
    assert np.count_nonzero(chip) <= 3 * 4
