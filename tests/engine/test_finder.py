"""Photos to faces, with the models opened under a licence."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from senseid_engine.errors import NoFaceError
from senseid_engine.finder import FaceFinder
from senseid_engine.image import Image, rotate
from senseid_licensing.product import Product
from senseid_licensing.verified import VerifiedLicences
from senseid_models.errors import ModelKindMissingError

if TYPE_CHECKING:
    from senseid_models.registry import Registry


def test_it_needs_the_kestrel_licence_only(registry: Registry, licences: VerifiedLicences) -> None:
    kestrel = VerifiedLicences({Product.KESTREL: licences.licences[Product.KESTREL]}, {})
    FaceFinder.open(registry, kestrel, threads=1)


@pytest.mark.parametrize("kind", ["detector", "landmarks"])
def test_a_registry_without_a_detector(registry: Registry, licences: VerifiedLicences, kind: str) -> None:
    fewer = replace(registry, entries=tuple(entry for entry in registry.entries if entry.kind != kind))
    with pytest.raises(ModelKindMissingError, match=f"the registry has no model of kind {kind}"):
        FaceFinder.open(fewer, licences, threads=1)


def test_what_is_found_is_told(two_men: Image, finder: FaceFinder) -> None:
    photo = finder.find(two_men)
    assert photo.image is two_men
    assert (photo.found.name, photo.found.width, photo.found.height) == ("two men", two_men.width, two_men.height)
    assert photo.found.quarter_turns == 0
    assert photo.found.rects == tuple(face.rect for face in photo.faces)
    assert len(photo.faces) == 2


@pytest.mark.parametrize("auto_rotate", [False, True])
def test_a_photo_without_a_face(blank: Image, finder: FaceFinder, auto_rotate: bool) -> None:
    with pytest.raises(NoFaceError, match=r"^blank.png: no face is found: use a photo that"):
        finder.find(blank, auto_rotate=auto_rotate)


def test_the_size_of_a_turned_photo_is_that_of_the_upright_one(photos: dict[str, Image], finder: FaceFinder) -> None:
    original = photos["obama2.jpg"]
    found = finder.find(rotate(original, 1), auto_rotate=True).found
    assert (found.width, found.height, found.quarter_turns) == (original.width, original.height, 3)
