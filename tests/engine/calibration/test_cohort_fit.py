"""Learning from made-up people how much faces resemble strangers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid_engine.calibration import cohort_fit
from senseid_engine.calibration.cohort_fit import GROUPS, _mixtures, _targets, fit_cohort
from senseid_engine.cohort import Cohort
from senseid_engine.curve import ScoreCurve
from senseid_engine.embed import unit
from senseid_engine.errors import CalibrationError
from senseid_engine.image import decode_image, read_photo
from senseid_engine.template import Template, normalised_similarities

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_engine.encoder import Encoder
    from senseid_engine.recognition import Recognition
    from senseid_models.registry import Registry

DIMENSIONS = 48
NEAREST = 100


def people(count: int, photos: int = 2, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Embeddings of people who resemble one of six types, some more, some less, and the person of each."""
    rng = np.random.default_rng(seed)
    types = np.linalg.qr(rng.normal(size=(DIMENSIONS, 6)))[0].T
    type_of = rng.choice(6, count, p=rng.dirichlet(np.full(6, 3)))
    noise = rng.normal(size=(count, 1 + photos, DIMENSIONS)) / math.sqrt(DIMENSIONS)
    own = rng.uniform(0.2, 2.0, count)[:, None] * types[type_of] + noise[:, 0]
    embeddings = own[:, None] + 0.3 * noise[:, 1:]
    return unit(embeddings.reshape(-1, DIMENSIONS).astype(np.float32)), np.repeat(np.arange(count), photos)


def nearest_strangers(embeddings: np.ndarray, strangers: np.ndarray, nearest: int) -> np.ndarray:
    """Mean and log deviation of the similarities to the nearest strangers, found by sorting all."""
    rows = [np.sort(strangers.astype(float) @ embedding)[-nearest:] for embedding in embeddings.astype(float)]
    return np.array([[row.mean(), math.log(row.std())] for row in rows])


def test_it_predicts_how_much_unknown_people_resemble_strangers() -> None:
    embeddings, person = people(1200)
    known = person < 900
    cohort = fit_cohort(embeddings[known], person[known], nearest=NEAREST)
    unknown = embeddings[~known]
    true = nearest_strangers(unknown, embeddings[known][::2], NEAREST)
    predicted = np.array([cohort.statistics(embedding) for embedding in unknown])
    predicted[:, 1] = np.log(predicted[:, 1])
    unexplained = ((true - predicted) ** 2).sum(axis=0) / ((true - true.mean(axis=0)) ** 2).sum(axis=0)
    assert 1 - unexplained[0] > 0.8
    assert 1 - unexplained[1] > 0.6


def test_what_is_learned_comes_from_strangers_only() -> None:
    embeddings, person = people(30, photos=3)
    first = embeddings[::3]
    targets = _targets(embeddings, person, first, 5)
    group = np.arange(30) % GROUPS
    for row in range(0, 90, 7):
        strangers = first[group != group[person[row]]]
        np.testing.assert_allclose(targets[row], nearest_strangers(embeddings[[row]], strangers, 5)[0], rtol=1e-4)
    # A person with three photos in the set does not meet any of them: that would be a similarity near 1.
    assert targets[:, 0].max() < (embeddings[0::3] * embeddings[1::3]).sum(axis=1).mean()


def test_the_same_photos_give_the_same_file() -> None:
    embeddings, person = people(200)
    first = fit_cohort(embeddings, person, nearest=20).dump()
    assert fit_cohort(embeddings.copy(), person.copy(), nearest=20).dump() == first
    # Only who belongs to whom counts, not the numbers that people have.
    assert fit_cohort(embeddings, person * 7 + 3, nearest=20).dump() == first
    assert fit_cohort(embeddings[::-1].copy(), person[::-1].copy(), nearest=20).dump() != first


def test_the_parts_of_a_cohort() -> None:
    embeddings, person = people(200)
    cohort = fit_cohort(embeddings, person, nearest=20)
    assert cohort.centre.dtype == cohort.basis.dtype == np.float32
    np.testing.assert_allclose(cohort.centre, embeddings.mean(axis=0), atol=1e-6)
    assert cohort.basis.shape == (DIMENSIONS, DIMENSIONS)
    assert int(cohort.crossed) == 40
    assert cohort.coefficients.shape == (2 * DIMENSIONS + 1 + 40 * 39 // 2, 2)
    np.testing.assert_allclose(cohort.basis @ cohort.basis.T, np.eye(DIMENSIONS), atol=1e-5)
    spread = ((embeddings - cohort.centre) @ cohort.basis.T).var(axis=0)
    assert (np.diff(spread) <= 1e-6).all()  # the strongest direction first
    strongest = np.abs(cohort.basis).argmax(axis=1)
    assert (cohort.basis[np.arange(DIMENSIONS), strongest] > 0).all()


def test_nothing_is_predicted_that_was_never_seen() -> None:
    embeddings, person = people(200)
    cohort = fit_cohort(embeddings, person, nearest=20)
    _, person_of = np.unique(person, return_inverse=True)
    learned_from = np.concatenate([embeddings, _mixtures(embeddings, person_of)])
    targets = _targets(learned_from, np.tile(person_of, 2), embeddings[::2], 20)
    spread = targets.std(axis=0)
    expected = np.stack([targets.min(axis=0) - spread, targets.max(axis=0) + spread], axis=1)
    np.testing.assert_allclose(cohort.bounds, expected)
    for embedding in (*(5 * embeddings[:5]), *unit(-embeddings[:5])):
        mean, deviation = cohort.statistics(embedding)
        assert cohort.bounds[0, 0] <= mean <= cohort.bounds[0, 1]
        assert cohort.bounds[1, 0] - 1e-9 <= math.log(deviation) <= cohort.bounds[1, 1] + 1e-9


def test_fewer_dimensions_than_directions_wanted() -> None:
    embeddings, person = people(60)
    narrow = unit(embeddings[:, :5])
    cohort = fit_cohort(narrow, person, nearest=10)
    assert cohort.basis.shape == (5, 5)
    assert int(cohort.crossed) == 5
    assert isinstance(Cohort.parse(cohort.dump()).statistics(narrow[0]), tuple)


@pytest.mark.parametrize("nearest", [2, 7, 8, 20, 100])
def test_it_says_how_many_people_are_needed(nearest: int) -> None:
    embeddings, person = people(2)
    with pytest.raises(CalibrationError, match=r"^own cohort: 2 people cannot stand for strangers, \d+ are") as caught:
        fit_cohort(embeddings, person, nearest=nearest)
    needed = int(str(caught.value).split("strangers, ")[1].split(" are")[0])
    embeddings, person = people(needed)
    fit_cohort(embeddings, person, nearest=nearest)
    one_less = person < needed - 1
    with pytest.raises(CalibrationError, match=f"{needed - 1} people cannot stand for strangers, {needed} are needed"):
        fit_cohort(embeddings[one_less], person[one_less], nearest=nearest)


@pytest.mark.slow
@pytest.mark.data
def test_the_shipped_cohort_identifies_nobody(
    registry: Registry, recognition: Recognition, encoder: Encoder, lfw: Callable[[int], list[Path]]
) -> None:
    cohort = Cohort.parse(registry.asset(recognition.cohort).read())
    curve = ScoreCurve.parse(registry.asset(recognition.curve).read().decode())
    parts = recognition.parts
    faces = []
    for path in lfw(250):
        photo = encoder.finder.find(decode_image(read_photo(path), name=path.name))
        faces.append(Template.of(encoder.embed(photo.image, photo.faces[0]), parts, cohort))
    sizes = [len(embedding) for embedding in faces[0].embeddings]

    def scores_of(*vectors: np.ndarray) -> np.ndarray:
        """Scores of all faces with vectors of the cohort's space, each taken for the fused embedding of a face."""
        taken = [unit(part) for vector in vectors for part in np.split(vector, np.cumsum(sizes)[:-1])]
        held = [tuple(taken[i : i + len(sizes)]) for i in range(0, len(taken), len(sizes))]
        return curve.scores(normalised_similarities([Template.of(each, parts, cohort) for each in held], faces, parts))

    # At 0.6 one stranger of a thousand would be let in.
    assert scores_of(*cohort.basis).max() < 0.6
    assert scores_of(*-cohort.basis).max() < 0.6

    # The centre is the average face, and resembles whoever has an average face. It knows none of those it was made
    # of: without a photo in it, it is as much like that photo.
    told = curve.provenance
    photos = told.photos - told.photos_without_face - told.photos_refused
    with_all = scores_of(cohort.centre)[0]
    embeddings = [face.fused(parts) for face in faces]
    without = [
        scores_of((photos * cohort.centre.astype(np.float64) - embedding) / (photos - 1))[0, i]
        for i, embedding in enumerate(embeddings)
    ]
    assert np.abs(with_all - without).max() < 0.005
    # And nobody stands out from the others by being known.
    assert np.diff(np.sort(with_all)[-10:]).max() < 0.1


def test_a_morph_of_several_faces_is_known_to_resemble_many(monkeypatch: pytest.MonkeyPatch) -> None:
    embeddings, person = people(400)
    faces = np.random.default_rng(3).permutation(len(embeddings))
    morphs = unit(embeddings[faces].reshape(-1, 8, DIMENSIONS).sum(axis=1))
    nearest = np.sort(morphs @ embeddings[::2].T, axis=1)[:, -20:].mean(axis=1)

    def error() -> float:
        cohort = fit_cohort(embeddings, person, nearest=20)
        return float(np.abs([cohort.statistics(morph)[0] for morph in morphs] - nearest).mean())

    taught = error()
    monkeypatch.setattr(cohort_fit, "_mixtures", lambda embeddings, person: embeddings)
    assert taught < 0.9 * error()
