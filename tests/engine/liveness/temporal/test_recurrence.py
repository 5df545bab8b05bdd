from __future__ import annotations

import math

import cv2
import numpy as np
import pytest

from senseid_engine.liveness.temporal.recurrence import recurrence_distance

RATE = 10


def walk(count: int, seed: int) -> list[np.ndarray]:
    """Pictures of blobs that wander, with fresh noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[0:60, 0:80]
    places = np.cumsum(rng.normal(0, 1.5, (count, 3, 2)), axis=0) + rng.uniform(15, 45, (3, 2))
    pictures = []
    for place in places:
        grey = sum(80 * np.exp(-((x - px) ** 2 + (y - py) ** 2) / 60) for px, py in place)
        pictures.append((grey + rng.normal(0, 1, grey.shape) + 20).clip(0, 255).astype(np.uint8))
    return pictures


def held(frames: list[np.ndarray], *, shake: float = 1.0) -> list[np.ndarray]:
    """Them as an unsteady hand films them that moves by so many pixels."""
    height, width = frames[0].shape
    pictures = []
    for i, frame in enumerate(frames):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), math.sin(i / 3), 1.1 + 0.01 * math.sin(i / 5))
        matrix[:, 2] += shake * math.sin(i / 2), shake * math.cos(i / 2.7)
        light = 1 + 0.05 * math.sin(i / 4)
        view = cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        pictures.append(np.clip(view * light + 2 * math.sin(i / 7), 0, 255).astype(np.uint8))
    return pictures


def times(frames: list[np.ndarray]) -> list[float]:
    return [i / RATE for i in range(len(frames))]


@pytest.mark.parametrize("seconds", [0.5, 0.7, 1.3])
@pytest.mark.parametrize("back", [False, True], ids=["loop", "to and fro"])
def test_a_piece_that_is_played_again(seconds: float, back: bool) -> None:
    piece = walk(round(seconds * RATE), 1)
    if back:
        piece += piece[-2:0:-1]
    rng = np.random.default_rng(2)
    frames = [
        np.clip(piece[i % len(piece)] + rng.normal(0, 1, piece[0].shape), 0, 255).astype(np.uint8) for i in range(40)
    ]
    found = recurrence_distance(times(frames), frames)
    assert found is not None
    assert found < 0.75


@pytest.mark.parametrize("shake", [1.0, 4.5])
@pytest.mark.parametrize("back", [False, True], ids=["loop", "to and fro"])
def test_a_piece_that_is_played_again_before_an_unsteady_hand(back: bool, shake: float) -> None:
    """It shifts by some pixels, comes nearer, and the light drifts."""
    piece = walk(11, 1)
    if back:
        piece += piece[-2:0:-1]
    found = recurrence_distance(
        times(piece * 3), held([piece[i % len(piece)] for i in range(3 * len(piece))], shake=shake)
    )
    assert found is not None
    assert found < 0.75


@pytest.mark.parametrize("seed", range(3, 9))
def test_what_goes_on_before_an_unsteady_hand_never_comes_back(seed: int) -> None:
    """Some of these run away from whatever registers them."""
    frames = held(walk(40, seed))
    found = recurrence_distance(times(frames), frames)
    assert found is not None
    assert found > 1


def test_what_goes_on_never_comes_back() -> None:
    frames = walk(40, 3)
    found = recurrence_distance(times(frames), frames)
    assert found is not None
    assert found > 1


def test_a_pause_is_no_return() -> None:
    """Neighbours are alike in every clip."""
    frames = [frame for frame in walk(20, 4) for _ in range(2)]
    found = recurrence_distance([i / 20 for i in range(len(frames))], frames)
    assert found is not None
    assert found > 0.8


def test_too_few_frames() -> None:
    frames = walk(8, 5)
    assert recurrence_distance(times(frames), frames) is None
