"""Embeddings of real faces."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

import numpy as np
import pytest

from senseid_engine.embed import Embedder, unit
from senseid_engine.image import Image

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.faces import Face
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.session import Session


@dataclass(frozen=True)
class GivenChip:
    """No alignment: the chip is there already."""

    given: Pixels
    asked: list[Face] = field(default_factory=list)

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        self.asked.append(face)
        return self.given


class Sums:
    """A network whose embedding of a chip is the sum of its left half and that of its right one."""

    def __init__(self) -> None:
        self.runs: list[Pixels] = []

    def run(self, chips: Pixels) -> tuple[Floats, ...]:
        self.runs.append(chips)
        halves = np.split(chips.astype(np.float32), 2, axis=2)
        return (np.stack([half.sum(axis=(1, 2, 3)) for half in halves], axis=1),)


def embed(photo: UprightPhoto, encoder: Encoder) -> Floats:
    return encoder.embedder.embed(photo.image.pixels, photo.faces[0])


def test_unit_length(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    for photo in found.values():
        embedding = embed(photo, encoder)
        assert embedding.shape == (128,)
        assert embedding.dtype == np.float32
        assert np.linalg.norm(embedding.astype(float)) == pytest.approx(1, abs=1e-6)


def test_scaling_to_unit_length() -> None:
    vectors = np.array([[3, 4], [0, -2]], np.float32)
    np.testing.assert_array_equal(unit(vectors), np.array([[0.6, 0.8], [0, -1]], np.float32))
    np.testing.assert_array_equal(unit(vectors[0]), unit(vectors)[0])


# The left half has the sum 2 x 3 x 8, the right one 2 x 3 x 6.
CHIP = np.repeat(np.array([4, 4, 3, 3], np.uint8), 3).reshape(1, 4, 3).repeat(2, axis=0)


def test_a_face_is_embedded_as_its_model_sees_it(found: dict[str, UprightPhoto]) -> None:
    photo, network, view = found["obama.jpg"], Sums(), GivenChip(CHIP)
    embedding = Embedder(lambda: cast("Session", network), view, mirrored=False).embed(
        photo.image.pixels, photo.faces[0]
    )
    np.testing.assert_array_equal([chips.tolist() for chips in network.runs], [[CHIP.tolist()]])
    np.testing.assert_allclose(embedding, [0.8, 0.6], rtol=1e-6)
    assert view.asked == [photo.faces[0]]


def test_the_mirror_image_counts_as_much_where_the_model_asks_for_it(found: dict[str, UprightPhoto]) -> None:
    photo, network, view = found["obama.jpg"], Sums(), GivenChip(CHIP)
    embedding = Embedder(lambda: cast("Session", network), view, mirrored=True).embed(
        photo.image.pixels, photo.faces[0]
    )
    # One run for both, and the face is cut out once.
    np.testing.assert_array_equal([chips.tolist() for chips in network.runs], [[CHIP.tolist(), CHIP[:, ::-1].tolist()]])
    assert len(view.asked) == 1
    np.testing.assert_allclose(embedding, [0.5**0.5, 0.5**0.5], rtol=1e-6)


def test_a_mirrored_model_does_not_tell_left_from_right(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    photo = found["biden.jpg"]
    chip = encoder.embedder.alignment.chip(photo.image.pixels, photo.faces[0])

    def of(chip: Pixels, *, mirrored: bool) -> Floats:
        embedder = Embedder(encoder.embedder.opened, GivenChip(chip), mirrored)
        return embedder.embed(photo.image.pixels, photo.faces[0])

    np.testing.assert_allclose(of(chip, mirrored=True), of(chip[:, ::-1], mirrored=True), atol=1e-6)
    # Not because the model were blind to it.
    plain = of(chip, mirrored=False), of(chip[:, ::-1], mirrored=False)
    assert float(plain[0] @ plain[1]) < 0.99
    np.testing.assert_allclose(of(chip, mirrored=True), unit(plain[0] + plain[1]), atol=1e-6)


def test_a_face_does_not_depend_on_the_others(two_men: Image, encoder: Encoder) -> None:
    larger, smaller = encoder.finder.find(two_men).faces
    first = encoder.embedder.embed(two_men.pixels, larger)
    encoder.embedder.embed(two_men.pixels, smaller)
    np.testing.assert_array_equal(encoder.embedder.embed(two_men.pixels, larger), first)
    alone = two_men.pixels.copy()
    alone[:, : smaller.rect.right] = 0
    np.testing.assert_array_equal(encoder.embedder.embed(alone, larger), first)


def test_the_same_man_is_nearer_than_another(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    embedded = {name: embed(photo, encoder) for name, photo in found.items()}
    obama = [embedded[name] for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
    same = min(float(obama[a] @ obama[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
    other = max(float(embedded["biden.jpg"] @ each) for each in obama)
    assert same > other + 0.3


def test_a_mirrored_photo_shows_the_same_face(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    for name, photo in found.items():
        pixels = np.ascontiguousarray(photo.image.pixels[:, ::-1])
        mirrored = encoder.finder.find(Image(pixels=pixels, format="PNG", orientation=1, name=name))
        assert float(embed(photo, encoder) @ embed(mirrored, encoder)) > 0.9
