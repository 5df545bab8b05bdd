"""The metric face, and how it is made."""

import os

import numpy as np
import pytest

from models.recipes import face_model, fetch
from models.recipes.errors import FetchError
from senseid_models.registry import Registry


def test_vertices_are_kept_as_they_are_written() -> None:
    lines = [f"v {i}.500000 0.000000 -{i}.250000" for i in range(468)]
    obj = "\n".join(["# a face", *lines, "vt 0.1 0.2", "f 1/1 2/2 3/3"]).encode()
    made = face_model.face_model(obj).decode().splitlines()
    assert len(made) == 468
    assert made[7] == "7.500000,0.000000,-7.250000"


def test_the_committed_face_is_symmetric_and_looks_ahead() -> None:
    points = np.loadtxt(Registry.builtin().asset("face-model").path, delimiter=",")
    assert points.shape == (468, 3)
    # Corners of the eyes and of the mouth, in pairs.
    for one, other in ((33, 263), (133, 362), (61, 291)):
        assert points[one] == pytest.approx(points[other] * [-1, 1, 1], abs=0.01)
    assert points[1, 2] > points[234, 2]  # the nose is nearer than the ear
    assert points[10, 1] > points[152, 1]  # the forehead is above the chin


@pytest.mark.slow
def test_the_committed_file_is_what_its_recipe_makes() -> None:
    try:
        archive = fetch.fetch(face_model.SOURCE, fetch.cache_directory(os.environ))
    except FetchError as error:
        pytest.skip(f"not rebuilt: {error}")
    made = face_model.face_model(fetch.extract(archive, face_model.SOURCE.archive, face_model.FILE))
    assert made == Registry.builtin().asset("face-model").read()
