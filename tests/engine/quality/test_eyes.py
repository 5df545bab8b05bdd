"""How far eyes are open, told by the edges of their pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import cv2
import numpy as np
import pytest

from senseid_engine.errors import ModelError
from senseid_engine.quality.eyes import FEATURES, HEIGHT, WIDTH, EyesOpen, edges, eye_pictures

if TYPE_CHECKING:
    from senseid_engine.finder import FaceFinder
    from senseid_engine.image import Image
    from senseid_models.registry import Registry

GOOD = f"format = 1\nbias = 0.5\nweights = [{', '.join(['0.0'] * FEATURES)}]\n"


@pytest.fixture(scope="module")
def eyes(registry: Registry) -> EyesOpen:
    return EyesOpen.parse(registry.asset("eyes-open").read())


def drawn(*, opened: bool) -> np.ndarray:
    """A picture of an eye: iris and white between lids, or a lid with its lashes: uint8 (1, HEIGHT, WIDTH)."""
    picture = np.full((HEIGHT, WIDTH), 170, np.uint8)
    if opened:
        cv2.ellipse(picture, (16, 12), (9, 4), 0, 0, 360, 225, -1)
        cv2.circle(picture, (16, 12), 4, 50, -1)
        cv2.ellipse(picture, (16, 12), (9, 4), 0, 180, 360, 60, 1)
    else:
        cv2.ellipse(picture, (16, 12), (9, 3), 0, 0, 180, 70, 1)
    return cv2.GaussianBlur(picture, (0, 0), 0.8)[None]


def test_a_drawn_eye_opens_and_shuts(eyes: EyesOpen) -> None:
    assert eyes.of_pictures(drawn(opened=True)) > eyes.of_pictures(drawn(opened=False)) + 0.2


def test_light_and_contrast_hardly_count(eyes: EyesOpen) -> None:
    picture = drawn(opened=True)
    dim = np.round(picture * 0.5 + 20).astype(np.uint8)
    assert eyes.of_pictures(dim) == pytest.approx(eyes.of_pictures(picture), abs=0.15)


def test_the_right_eye_is_cut_out_as_the_left_one_of_the_mirror_image(
    finder: FaceFinder, photos: dict[str, Image]
) -> None:
    photo = finder.find(next(iter(photos.values())))
    pictures = eye_pictures(photo.image.pixels, photo.faces[0].landmarks)
    assert pictures.shape == (2, HEIGHT, WIDTH)
    assert edges(pictures).shape == (2, FEATURES)
    assert np.corrcoef(pictures[0].ravel(), pictures[1].ravel())[0, 1] > 0.5


def test_painted_lids_close_the_eyes_of_a_photo(eyes: EyesOpen, finder: FaceFinder, photos: dict[str, Image]) -> None:
    photo = finder.find(next(iter(photos.values())))
    landmarks, pixels = photo.faces[0].landmarks, photo.image.pixels.copy()
    skin = pixels[landmarks.points[[50, 280], 1].astype(int), landmarks.points[[50, 280], 0].astype(int)].mean(axis=0)
    before = eyes.of(pixels, landmarks)
    for corners, upper, lower in (((33, 133), 27, 145), ((362, 263), 257, 374)):
        a, b = landmarks.points[list(corners), :2]
        top, low = landmarks.points[upper, :2], landmarks.points[lower, :2] + (0, 2)
        lid = np.array([a, (a + top) / 2, top, (b + top) / 2, b, (b + low) / 2, low, (a + low) / 2])
        cv2.fillConvexPoly(pixels, np.round(lid).astype(np.int32), tuple(map(int, skin)))
        lash = np.array([a, (a + low) / 2, low, (b + low) / 2, b])
        cv2.polylines(pixels, [np.round(lash).astype(np.int32)], False, (60, 40, 30), 2)
    assert eyes.of(pixels, landmarks) < before - 0.15


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("format = 2", "update senseid"),
        ("format = 1\nbias = 0.5\nweights = [1.0]", "384 finite weights"),
        (GOOD.replace("bias = 0.5", "bias = nan"), "384 finite weights"),
        ("format = 1", "not weights of edges"),
        ("[", "not weights of edges"),
    ],
)
def test_a_file_that_is_none_is_refused(text: str, problem: str) -> None:
    with pytest.raises(ModelError, match=problem):
        EyesOpen.parse(text.encode())


def test_a_file_of_no_weight_tells_its_bias() -> None:
    assert EyesOpen.parse(GOOD.encode()).of_pictures(drawn(opened=True)) == pytest.approx(0.5)
