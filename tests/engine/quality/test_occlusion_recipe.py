"""The examples that the occlusion network learns from: what is drawn over a face, and what is said of it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from models.recipes.occlusion import synthesise
from models.recipes.occlusion.faces import MARGIN, Faces, part_of, wide_chip
from models.recipes.occlusion.harmless import HARMLESS
from models.recipes.occlusion.occluders import OCCLUDERS, Layer, Scene
from senseid_engine.quality.occlusion import ALIGNMENT, REGIONS, SIDE

if TYPE_CHECKING:
    from senseid_engine.finder import UprightPhoto

NOTHING_ELSE = 1e-9


@pytest.fixture(scope="module")
def faces(found: dict[str, UprightPhoto]) -> Faces:
    cut = [wide_chip(photo.image, photo.faces[0]) for photo in found.values()]
    return Faces(np.stack([chip for chip, _ in cut]), np.stack([mesh for _, mesh in cut]), np.array(list(found)))


@pytest.fixture
def scene(faces: Faces) -> Scene:
    middle = slice(MARGIN, MARGIN + SIDE)
    return Scene(faces.pixels[0, middle, middle].astype(np.float32), faces.points[0] - MARGIN, faces.pixels[1])


def test_the_middle_of_a_wide_chip_is_the_chip_of_the_engine(found: dict[str, UprightPhoto], faces: Faces) -> None:
    photo = next(iter(found.values()))
    middle = slice(MARGIN, MARGIN + SIDE)
    chip = ALIGNMENT.chip(photo.image.pixels, photo.faces[0])
    # A large photo is averaged down in blocks, which lie elsewhere for another cut.
    assert np.abs(faces.pixels[0, middle, middle].astype(int) - chip).mean() < 2


@pytest.mark.parametrize("make", [make for make, _ in OCCLUDERS], ids=lambda make: make.__name__)
def test_an_occluder_hides_what_it_counts_as_covered(scene: Scene, make: object) -> None:
    for seed in range(20):
        layer = make(scene, np.random.default_rng(seed))
        assert layer.colour.shape == (SIDE, SIDE, 3)
        for mask in (layer.opacity, layer.covers):
            assert mask.shape == (SIDE, SIDE)
            assert mask.min() >= 0
            assert mask.max() <= 1
        assert np.isfinite(layer.colour).all()
        # A dark lens counts whole and lets a fifth through at most.
        assert (layer.opacity >= 0.8 * layer.covers - 0.01).all()


@pytest.mark.parametrize("change", [change for change, _ in HARMLESS], ids=lambda change: change.__name__)
def test_what_is_harmless_changes_the_face_and_leaves_it_finite(scene: Scene, change: object) -> None:
    changed = [change(scene, np.random.default_rng(seed)) for seed in range(10)]
    assert all(pixels.shape == scene.pixels.shape and np.isfinite(pixels).all() for pixels in changed)
    assert any(np.abs(pixels - scene.pixels).max() > 10 for pixels in changed)


def test_a_face_without_an_occluder_is_wholly_visible(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesise, "UNCOVERED", 1.0)
    made = synthesise.examples(faces, 40, seed=0)
    assert (made.visible == 1).all()
    assert not made.covered.any()
    assert set(made.occluders) == {""}


def test_the_share_is_counted_inside_the_region(faces: Faces, monkeypatch: pytest.MonkeyPatch) -> None:
    def lower_half(scene: Scene, rng: np.random.Generator) -> Layer:
        mask = np.zeros((SIDE, SIDE), np.float32)
        mask[round(float(scene.points[168, 1]) + 15) :] = 1
        return Layer(np.zeros((SIDE, SIDE, 3), np.float32), mask, mask)

    monkeypatch.setattr(synthesise, "UNCOVERED", 0.0)
    monkeypatch.setattr(synthesise, "OCCLUDERS", ((lower_half, 1.0),))
    made = synthesise.examples(faces, 30, seed=0)
    visible = dict(zip(REGIONS, made.visible.T, strict=True))
    assert (visible["left_eye"] > 0.9).all()
    assert (visible["right_eye"] > 0.9).all()
    assert ((visible["nose"] > 0) & (visible["nose"] < 1)).all()
    assert (visible["mouth"] < NOTHING_ELSE).all()
    assert (made.covered[:, -1] == 1).mean() > 0.5
    assert not made.covered[:, 0].any()


def test_an_example_depends_on_its_seed_and_number_only(faces: Faces) -> None:
    few, many = synthesise.examples(faces, 5, seed=3), synthesise.examples(faces, 9, seed=3)
    np.testing.assert_array_equal(few.chips, many.chips[:5])
    np.testing.assert_array_equal(few.visible, many.visible[:5])
    assert (synthesise.examples(faces, 5, seed=4).chips != few.chips).any()


def test_every_person_belongs_to_one_part() -> None:
    people = [f"Person_{number}" for number in range(4000)]
    parts = [part_of(person) for person in people]
    assert parts == [part_of(person) for person in people]
    assert 0.07 < parts.count("validation") / len(parts) < 0.13
    assert 0.12 < parts.count("test") / len(parts) < 0.18
