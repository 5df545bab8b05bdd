"""Photos in, calibrated scores out: the promises of the whole engine."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.engine import Engine
from senseid_engine.errors import (
    AmbiguousFaceError,
    AttackError,
    DifferentPeopleError,
    ModelError,
    NoFaceError,
    OcclusionError,
)
from senseid_engine.image import Image, rotate
from senseid_engine.photo_options import PhotoOptions
from senseid_engine.recognition import Recognition
from senseid_engine.template import similarities
from senseid_licensing.capability import Capability
from senseid_licensing.errors import CapabilityError, LicenceMissingError
from senseid_licensing.issue import issue
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.private_key import open_key_file
from senseid_licensing.product import Product
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_licensing.verified import VerifiedLicences
from senseid_models.errors import ModelCorruptError, ModelNotFoundError
from tests.engine.conftest import beside, picture

if TYPE_CHECKING:
    from senseid_licensing.context import Context
    from senseid_models.registry import Registry

NAMES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")


@pytest.fixture(scope="module")
def small(photos: dict[str, Image]) -> dict[str, Image]:
    """The sample photos at a third of their size: a face as large as in a webcam's picture."""
    import cv2

    thirds = {}
    for name, photo in photos.items():
        pixels = cv2.resize(photo.pixels, (photo.width // 3, photo.height // 3), interpolation=cv2.INTER_AREA)
        thirds[name] = Image(pixels=np.asarray(pixels, np.uint8), format="PNG", orientation=1, name=name)
    return thirds


@pytest.fixture(scope="module")
def engine(registry: Registry, licences: VerifiedLicences) -> Engine:
    return Engine.open(registry, licences, threads=2)


def without(product: Product, capability: Capability, folder: Path, context: Context) -> VerifiedLicences:
    """Licences that allow everything but one thing."""
    store = LicenceStore(folder)
    quickstart(store, context, licensee="tests", entropy=os.urandom)
    terms = parse_licence_file(store.load(product)).leaf.licence
    narrower = replace(terms, id="f" * 32, capabilities=terms.capabilities - {capability})
    store.install(issue(narrower, open_key_file(store.root_key_path.read_bytes(), None)), context)
    return store.verify_all(context)


def test_one_person_matches_and_two_do_not(engine: Engine, small: dict[str, Image]) -> None:
    for other in ("obama2.jpg", "obama3.jpg"):
        assert engine.compare(small["obama.jpg"], small[other]).score > 0.7
        assert engine.compare(small["biden.jpg"], small[other]).score < 0.6


def test_symmetric_to_the_bit(engine: Engine, small: dict[str, Image]) -> None:
    for a, b in (("obama.jpg", "obama2.jpg"), ("obama.jpg", "biden.jpg"), ("obama3.jpg", "biden.jpg")):
        there, back = engine.compare(small[a], small[b]), engine.compare(small[b], small[a])
        assert there.score == back.score
        assert (there.first, there.second) == (back.second, back.first)


def test_repeated_to_the_bit(engine: Engine, small: dict[str, Image], registry: Registry) -> None:
    first = engine.compare(small["obama.jpg"], small["obama2.jpg"])
    assert all(engine.compare(small["obama.jpg"], small["obama2.jpg"]) == first for _ in range(3))
    again = Engine.open(registry, engine.licences, threads=2)
    assert again.compare(small["obama.jpg"], small["obama2.jpg"]) == first


@pytest.mark.parametrize("threads", [1, 4])
def test_the_score_does_not_depend_on_the_threads(
    engine: Engine, registry: Registry, small: dict[str, Image], two_men: Image, threads: int
) -> None:
    other = Engine.open(registry, engine.licences, threads=threads)
    assert other.photos_at_once == min(2, threads)
    for name in ("obama2.jpg", "biden.jpg"):
        assert other.compare(small[name], small["obama.jpg"]) == engine.compare(small[name], small["obama.jpg"])
    assert other.omni(two_men, two_men) == engine.omni(two_men, two_men)


def test_the_same_photo_twice_is_a_match(engine: Engine, small: dict[str, Image]) -> None:
    for name in NAMES:
        assert 0.95 < engine.compare(small[name], small[name]).score <= 1


def test_the_largest_faces_are_compared(engine: Engine, small: dict[str, Image], two_men: Image) -> None:
    result = engine.compare(two_men, small["biden.jpg"])
    assert len(result.first.rects) == 2
    assert result.score > 0.7
    assert engine.compare(two_men, small["obama.jpg"]).score < 0.6


def test_omni_holds_what_compare_says(engine: Engine, small: dict[str, Image], two_men: Image) -> None:
    matrix = engine.omni(two_men, small["biden.jpg"])
    compared = engine.compare(two_men, small["biden.jpg"])
    assert (matrix.first, matrix.second) == (compared.first, compared.second)
    assert [len(row) for row in matrix.scores] == [1, 1]
    # The largest faces are those of the same man.
    assert matrix.scores[0][0] == compared.score == max(max(row) for row in matrix.scores)

    square = engine.omni(two_men, two_men).scores
    assert [len(row) for row in square] == [2, 2]
    assert square[0][1] == square[1][0] < 0.6
    assert min(square[0][0], square[1][1]) > 0.95


def test_omni_turned_over_is_the_transposed_matrix(engine: Engine, small: dict[str, Image], two_men: Image) -> None:
    there, back = engine.omni(two_men, small["obama3.jpg"]), engine.omni(small["obama3.jpg"], two_men)
    assert there.scores == tuple(zip(*back.scores, strict=True))


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_has_the_score_of_the_upright_one(engine: Engine, small: dict[str, Image], turns: int) -> None:
    upright = engine.compare(small["obama.jpg"], small["obama2.jpg"])
    turned, options = rotate(small["obama.jpg"], turns), PhotoOptions(auto_rotate=True)
    result = engine.compare(turned, small["obama2.jpg"], options)
    assert result.score == pytest.approx(upright.score, abs=1e-9)
    assert result.first.rects == upright.first.rects
    assert result.first.quarter_turns == 4 - turns
    matrix = engine.omni(turned, small["obama2.jpg"], options)
    assert matrix.scores[0][0] == result.score


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_is_never_a_score_unless_it_is_turned_back(
    engine: Engine, small: dict[str, Image], turns: int
) -> None:
    for ask in (engine.compare, engine.omni):
        with pytest.raises(NoFaceError, match=r"^obama\.jpg: no upright face is found, .* --auto-rotate$"):
            ask(rotate(small["obama.jpg"], turns), small["obama2.jpg"])


def test_no_face_is_never_a_score(engine: Engine, small: dict[str, Image], blank: Image) -> None:
    for first, second in ((blank, small["obama.jpg"]), (small["obama.jpg"], blank), (blank, blank)):
        for ask in (engine.compare, engine.omni):
            with pytest.raises(NoFaceError, match=r"^blank\.png: no face is found"):
                ask(first, second)
    for encode in (engine.encode_largest, engine.encode_all):
        with pytest.raises(NoFaceError):
            encode(blank)


def test_several_photos_of_one_person(engine: Engine, small: dict[str, Image]) -> None:
    one, two, three, biden = (small[name] for name in NAMES)
    both = engine.compare(one, three, further=[two])
    assert both.score == engine.compare(two, three, further=iter([one])).score > 0.7
    alone = engine.compare(one, three)
    assert (both.first, both.second, alone.further) == (alone.first, alone.second, ())
    assert both.further == (engine.compare(two, three).first,)
    assert engine.compare(one, biden, further=[two, three]).score < 0.6
    found, references = engine.encode_references([one, two])
    assert found == (both.first, *both.further)
    assert engine.curve.score(references.similarity([engine.encode_largest(three)[1]])) == both.score


def test_a_photo_of_somebody_else_among_them_is_named(engine: Engine, small: dict[str, Image], blank: Image) -> None:
    one, two, three, biden = (small[name] for name in NAMES)
    for further in ([biden, two], [two, biden]):
        with pytest.raises(DifferentPeopleError, match=r"^biden\.jpg: shows another person than the 2 others \(score"):
            engine.compare(one, three, further=further)
    with pytest.raises(NoFaceError, match=r"^blank\.png"):
        engine.compare(one, three, further=[blank, biden])


def test_templates_are_what_compare_uses(engine: Engine, small: dict[str, Image], two_men: Image) -> None:
    (photo, a), (_, b) = (engine.encode_largest(small[name]) for name in ("obama.jpg", "obama2.jpg"))
    z = similarities([a], [b])
    compared = engine.compare(small["obama.jpg"], small["obama2.jpg"])
    assert engine.curve.score(float(z[0, 0])) == compared.score
    assert photo.found == compared.first
    _, turned = engine.encode_largest(rotate(small["obama.jpg"], 1), PhotoOptions(auto_rotate=True))
    np.testing.assert_array_equal(similarities([turned], [b]), z)
    found, (largest, smaller) = engine.encode_all(two_men)
    assert len(found.faces) == 2
    np.testing.assert_array_equal(largest.embedding, engine.encode_largest(two_men)[1].embedding)
    np.testing.assert_array_equal(smaller.embedding, engine.template(two_men, found.faces[1]).embedding)


def test_two_faces_of_like_size_are_told(engine: Engine, small: dict[str, Image], two_men: Image, twins: Image) -> None:
    result = engine.compare(twins, two_men)
    assert result.first.ambiguous
    assert not result.second.ambiguous
    assert engine.omni(small["obama.jpg"], twins).second.ambiguous


def test_two_faces_of_like_size_are_refused_where_one_is_asked_for(
    engine: Engine, small: dict[str, Image], two_men: Image, twins: Image
) -> None:
    one = PhotoOptions(single_face=True)
    for photos in ((twins, small["obama.jpg"]), (small["obama.jpg"], twins)):
        with pytest.raises(AmbiguousFaceError, match=r"^twins: shows 2 faces, two of them of like size: cut out"):
            engine.compare(*photos, one)
    with pytest.raises(AmbiguousFaceError):
        engine.encode_largest(twins, one)
    # A small face behind is none of them, and where all are compared nobody asks for one.
    assert engine.compare(two_men, small["biden.jpg"], one) == engine.compare(two_men, small["biden.jpg"])
    assert engine.omni(twins, twins, one) == engine.omni(twins, twins)


def test_what_is_covered_is_told(engine: Engine, small: dict[str, Image], masked: Image) -> None:
    result = engine.compare(masked, small["biden.jpg"])
    assert result.first.covered == ("nose", "mouth")
    assert result.second.covered == ()
    photo, _ = engine.encode_largest(masked)
    assert photo.found == result.first
    # Where every face is compared, there is no room to tell whose.
    matrix = engine.omni(masked, masked)
    assert (matrix.first.covered, matrix.second.covered) == ((), ())


def test_a_covered_face_is_refused_where_that_is_asked_for(
    engine: Engine, small: dict[str, Image], masked: Image
) -> None:
    checked = PhotoOptions(check_quality=True)
    for ask in (engine.compare, engine.omni):
        for photos in ((masked, small["biden.jpg"]), (small["biden.jpg"], masked)):
            with pytest.raises(OcclusionError, match=r"^masked\.png: the face is covered \(nose, mouth\)") as caught:
                ask(*photos, checked)
            assert caught.value.features == ("nose", "mouth")
    plain = small["obama.jpg"], small["biden.jpg"]
    assert engine.compare(*plain, checked) == engine.compare(*plain)
    assert engine.omni(*plain, checked) == engine.omni(*plain)


def test_a_picture_of_a_face_is_refused_where_that_is_asked_for(
    engine: Engine, small: dict[str, Image], recaptured: Image, context: Context, tmp_path: Path
) -> None:
    checked = PhotoOptions(check_liveness=True)
    assert engine.compare(recaptured, small["biden.jpg"]).score < 0.7
    for ask in (engine.compare, engine.omni):
        for photos in ((recaptured, small["biden.jpg"]), (small["biden.jpg"], recaptured)):
            with pytest.raises(AttackError, match=r"^recaptured: looks like a photo of paper or of a screen"):
                ask(*photos, checked)
    plain = small["obama.jpg"], small["biden.jpg"]
    assert engine.compare(*plain, checked) == engine.compare(*plain)
    assert engine.omni(*plain, checked) == engine.omni(*plain)
    not_allowed = replace(engine, licences=without(Product.LIVENESS, Capability.LIVENESS, tmp_path, context))
    with pytest.raises(CapabilityError, match="does not allow liveness"):
        not_allowed.compare(*plain, checked)


def test_only_faces_that_are_compared_are_looked_at(engine: Engine, photos: dict[str, Image], masked: Image) -> None:
    import cv2

    size = masked.width // 2, masked.height // 2
    behind = picture(np.asarray(cv2.resize(masked.pixels, size, interpolation=cv2.INTER_AREA), np.uint8))
    both = beside("both", behind, photos["biden.jpg"])
    checked = PhotoOptions(check_quality=True)
    photo, _ = engine.encode_largest(both, checked)
    assert (len(photo.faces), photo.found.covered) == (2, ())
    with pytest.raises(OcclusionError):
        engine.encode_all(both, checked)


def test_a_licence_that_does_not_allow_it(
    engine: Engine, small: dict[str, Image], blank: Image, context: Context, tmp_path: Path
) -> None:
    no_compare = replace(engine, licences=without(Product.FACE, Capability.COMPARE, tmp_path / "a", context))
    no_omni = replace(engine, licences=without(Product.FACE, Capability.OMNI, tmp_path / "b", context))
    # The refusal comes before the photos are looked at.
    with pytest.raises(CapabilityError, match="does not allow compare"):
        no_compare.compare(blank, blank)
    with pytest.raises(CapabilityError, match="does not allow omni"):
        no_omni.omni(blank, blank)
    assert no_omni.compare(small["obama.jpg"], small["obama2.jpg"]).score > 0.7
    assert no_compare.omni(small["obama.jpg"], small["obama2.jpg"]).scores[0][0] > 0.7


def test_a_licence_that_does_not_allow_to_check_the_quality(
    engine: Engine, small: dict[str, Image], masked: Image, context: Context, tmp_path: Path
) -> None:
    licences = without(Product.KESTREL, Capability.QUALITY, tmp_path, context)
    narrower, checked = replace(engine, licences=licences), PhotoOptions(check_quality=True)
    for ask in (narrower.compare, narrower.omni):
        with pytest.raises(CapabilityError, match="does not allow quality"):
            ask(small["obama.jpg"], small["obama2.jpg"], checked)
    # A doubt that comes with a score needs no licence of its own.
    assert narrower.compare(masked, small["obama2.jpg"]).first.covered == ("nose", "mouth")


def test_another_way_to_compare(registry: Registry, licences: VerifiedLicences) -> None:
    with pytest.raises(ModelNotFoundError, match="'facenet'"):
        Engine.open(registry, licences, threads=1, recognition=Recognition("facenet", "score-curve"))
    with pytest.raises(ModelError, match=r"^recognition: not a score curve"):
        Engine.open(registry, licences, threads=1, recognition=Recognition("sface", "recognition"))


def test_without_a_licence_no_file_is_opened(
    registry: Registry, licences: VerifiedLicences, no_licences: VerifiedLicences
) -> None:
    absent = replace(registry, assets=(), entries=())
    with pytest.raises(LicenceMissingError, match="senseid_face"):
        Engine.open(absent, no_licences, threads=1)
    only_face = VerifiedLicences({Product.FACE: licences.licences[Product.FACE]}, {})
    with pytest.raises(LicenceMissingError, match="senseid_kestrel"):
        Engine.open(replace(registry, entries=()), only_face, threads=1)


@pytest.mark.parametrize("name", ["recognition", "score-curve"])
def test_a_data_file_that_is_not_the_one_of_the_manifest(
    registry: Registry, licences: VerifiedLicences, tmp_path: Path, name: str
) -> None:
    data = bytearray(registry.asset(name).path.read_bytes())
    data[len(data) // 2] ^= 1
    edited = tmp_path / "edited"
    edited.write_bytes(data)
    assets = tuple(replace(a, path=edited) if a.name == name else a for a in registry.assets)
    with pytest.raises(ModelCorruptError, match="SHA-256"):
        Engine.open(replace(registry, assets=assets), licences, threads=1)


def test_a_data_file_of_another_kind(registry: Registry, licences: VerifiedLicences) -> None:
    def exchanged(name: str, other: str) -> Registry:
        stranger = replace(registry.asset(other), name=name)
        return replace(registry, assets=tuple(stranger if a.name == name else a for a in registry.assets))

    with pytest.raises(ModelError, match=r"^recognition: not a recognition file"):
        Engine.open(exchanged("recognition", "score-curve"), licences, threads=1)
    for other in ("recognition", "face-model"):
        with pytest.raises(ModelError, match=r"^score-curve: not a score curve"):
            Engine.open(exchanged("score-curve", other), licences, threads=1)


def test_golden_faces_and_scores(engine: Engine, registry: Registry, photos: dict[str, Image]) -> None:
    golden = json.loads((Path(__file__).parent / "golden" / "scores.json").read_text(encoding="ascii"))
    used = {entry.path.name: entry.sha256 for entry in registry.entries}
    used |= {asset.path.name: asset.sha256 for asset in registry.assets}
    for name, sha256 in golden["made_with"].items():
        assert used.get(name) == sha256, f"{name} has changed: run `{golden['made_by']}`"
    assert len(golden["largest_face"]) == 4
    for name, rect in golden["largest_face"].items():
        # Another CPU sums in another order.
        found = engine.encoder.finder.find(photos[name]).found.rects[0].as_list()
        assert found == pytest.approx(rect, abs=0.01 * (rect[3] - rect[1]))
    assert len(golden["scores"]) == 6
    for first, second, score in golden["scores"]:
        # The oldest OpenCV that is admitted warps to other last bits: 1.02e-3 were measured.
        assert engine.compare(photos[first], photos[second]).score == pytest.approx(score, abs=2e-3)
