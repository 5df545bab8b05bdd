"""Embeddings of real faces."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.embed import Embedder, unit
from senseid_engine.image import Image
from senseid_engine.session import Session

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels
    from senseid_engine.encoder import Encoder
    from senseid_engine.faces import Face
    from senseid_engine.finder import UprightPhoto
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

SIZES = {"dlib-resnet": 128, "hse-faceres": 1024}
SIDES = {"dlib-resnet": 150, "hse-faceres": 224}


@dataclass(frozen=True)
class GivenChip:
    """No alignment: the chip is there already."""

    given: Pixels

    def chip(self, pixels: Pixels, face: Face) -> Pixels:
        return self.given


def test_unit_length(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    for photo in found.values():
        embeddings = encoder.embed(photo.image, photo.faces[0])
        assert [embedding.shape for embedding in embeddings] == [(128,), (1024,)]
        for embedding in embeddings:
            assert embedding.dtype == np.float32
            assert np.linalg.norm(embedding.astype(float)) == pytest.approx(1, abs=1e-6)


def test_scaling_to_unit_length() -> None:
    vectors = np.array([[3, 4], [0, -2]], np.float32)
    np.testing.assert_array_equal(unit(vectors), np.array([[0.6, 0.8], [0, -1]], np.float32))
    np.testing.assert_array_equal(unit(vectors[0]), unit(vectors)[0])


@pytest.mark.parametrize("model", SIZES)
def test_a_face_and_its_mirror_image_are_the_same(
    registry: Registry, licences: VerifiedLicences, found: dict[str, UprightPhoto], model: str
) -> None:
    session = Session.open(registry.get(model), licences, threads=1)
    for photo in found.values():
        face = photo.faces[0]
        left, top, right, bottom = face.rect.as_list()
        y = np.linspace(top, bottom - 1, SIDES[model]).astype(int)
        x = np.linspace(left, right - 1, SIDES[model]).astype(int)
        chip = np.ascontiguousarray(photo.image.pixels[y][:, x])
        plain = Embedder(session, [GivenChip(chip)], [GivenChip(chip)]).embed(photo.image.pixels, face)
        mirrored = Embedder(session, [GivenChip(chip[:, ::-1])], [GivenChip(chip[:, ::-1])]).embed(
            photo.image.pixels, face
        )
        np.testing.assert_allclose(plain, mirrored, atol=1e-6)
        # Not because the model were blind to it.
        once = unit(session.run(np.stack([chip, chip[:, ::-1]]))[0])
        assert float(once[0] @ once[1]) < 0.999
        np.testing.assert_allclose(plain, unit(once[0] + once[1]), atol=1e-6)


def test_a_view_and_its_mirror_image_are_cut_out_once(
    registry: Registry, licences: VerifiedLicences, found: dict[str, UprightPhoto]
) -> None:
    @dataclass(frozen=True)
    class Counted(GivenChip):
        calls: list[int]

        def chip(self, pixels: Pixels, face: Face) -> Pixels:
            self.calls.append(1)
            return self.given

    photo = found["obama.jpg"]
    view = Counted(np.ascontiguousarray(photo.image.pixels[:150, :150]), [])
    session = Session.open(registry.get("dlib-resnet"), licences, threads=1)
    Embedder(session, [view], [view]).embed(photo.image.pixels, photo.faces[0])
    assert len(view.calls) == 1


def test_a_face_does_not_depend_on_the_others(two_men: Image, encoder: Encoder) -> None:
    larger, smaller = encoder.finder.find(two_men).faces
    first = encoder.embed(two_men, larger)
    encoder.embed(two_men, smaller)
    pixels = two_men.pixels.copy()
    pixels[:, : smaller.rect.right] = 0
    alone = Image(pixels=pixels, format="PNG", orientation=1, name="alone")
    for before, after, without in zip(first, encoder.embed(two_men, larger), encoder.embed(alone, larger), strict=True):
        np.testing.assert_array_equal(before, after)
        np.testing.assert_array_equal(before, without)


def test_the_same_man_is_nearer_than_another(found: dict[str, UprightPhoto], encoder: Encoder) -> None:
    embedded = {name: encoder.embed(photo.image, photo.faces[0]) for name, photo in found.items()}
    for part in range(2):
        obama = [embedded[name][part] for name in ("obama.jpg", "obama2.jpg", "obama3.jpg")]
        biden = embedded["biden.jpg"][part]
        same = min(float(obama[a] @ obama[b]) for a, b in ((0, 1), (0, 2), (1, 2)))
        other = max(float(biden @ each) for each in obama)
        assert same > other + 0.05


def test_the_square_roots_of_features_can_be_compared(
    registry: Registry, licences: VerifiedLicences, found: dict[str, UprightPhoto]
) -> None:
    session = Session.open(registry.get("hse-faceres"), licences, threads=1)
    photo = found["obama.jpg"]
    chip = photo.image.pixels[:224, :224]
    rooted = Embedder(session, [GivenChip(chip)], [GivenChip(chip)], square_root=True).embed(
        photo.image.pixels, photo.faces[0]
    )
    both = unit(np.sqrt(session.run(np.stack([chip, chip[:, ::-1]]))[0]))
    np.testing.assert_allclose(rooted, unit(both[0] + both[1]), atol=1e-6)


def test_a_mirrored_photo_shows_the_same_face(
    photos: dict[str, Image], found: dict[str, UprightPhoto], encoder: Encoder
) -> None:
    for name, photo in photos.items():
        pixels = np.ascontiguousarray(photo.pixels[:, ::-1])
        mirrored = encoder.finder.find(Image(pixels=pixels, format="PNG", orientation=1, name=name))
        original = encoder.embed(photo, found[name].faces[0])
        for one, other in zip(original, encoder.embed(mirrored.image, mirrored.faces[0]), strict=True):
            assert float(one @ other) > 0.97
