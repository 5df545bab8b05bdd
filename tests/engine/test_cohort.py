"""What was learned about strangers, and its file."""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from senseid_engine.cohort import Cohort, quadratic_features
from senseid_engine.embed import unit
from senseid_engine.errors import ModelError

RNG = np.random.default_rng(7)
DIMENSIONS, COMPONENTS, CROSSED = 12, 4, 3
FEATURES = COMPONENTS + COMPONENTS + 1 + 3


def cohort() -> Cohort:
    return Cohort(
        centre=RNG.normal(scale=0.1, size=DIMENSIONS).astype(np.float32),
        basis=np.linalg.qr(RNG.normal(size=(DIMENSIONS, COMPONENTS)))[0].T.astype(np.float32),
        crossed=np.array(CROSSED),
        coefficients=RNG.normal(scale=0.1, size=(FEATURES, 2)),
        intercept=np.array([0.3, -3.0]),
        bounds=np.array([[0.25, 0.35], [-3.1, -2.9]]),
    )


COHORT = cohort()


def faces(count: int) -> np.ndarray:
    return unit(RNG.normal(size=(count, DIMENSIONS)).astype(np.float32))


def test_what_is_written_is_read_back_to_the_bit() -> None:
    data = COHORT.dump()
    again = Cohort.parse(data)
    for field in fields(Cohort):
        old, new = getattr(COHORT, field.name), getattr(again, field.name)
        assert old.dtype == new.dtype
        np.testing.assert_array_equal(old, new)
    assert again.dump() == data
    assert COHORT.dump() == data
    face = faces(1)[0]
    assert again.statistics(face) == COHORT.statistics(face)


def test_the_features() -> None:
    for face in faces(5):
        d = (face - COHORT.centre).astype(float)
        p = [math.fsum(d * direction) for direction in COHORT.basis.astype(float)]
        known = [*p, *(v * v for v in p), math.fsum(d * d), p[0] * p[1], p[0] * p[2], p[1] * p[2]]
        (found,) = quadratic_features((face - COHORT.centre)[None], COHORT.basis, CROSSED)
        assert found.dtype == np.float64
        np.testing.assert_allclose(found, known, atol=1e-6)


def test_the_statistics_within_the_bounds_are_the_regression() -> None:
    free = replace(COHORT, bounds=np.array([[-99.0, 99.0], [-99.0, 99.0]]))
    for face in faces(20):
        values = quadratic_features((face - free.centre)[None], free.basis, CROSSED)[0]
        mean, log_deviation = values @ free.coefficients + free.intercept
        assert list(free.statistics(face)) == pytest.approx([mean, math.exp(log_deviation)])
        within = [min(max(mean, 0.25), 0.35), math.exp(min(max(log_deviation, -3.1), -2.9))]
        assert list(COHORT.statistics(face)) == pytest.approx(within)


@pytest.mark.parametrize("sign", [1, -1])
def test_a_face_unlike_all_others_stays_within_the_bounds(sign: int) -> None:
    wild = replace(COHORT, intercept=np.array([sign * 1e6, sign * 1e6]))
    for face in faces(3):
        mean, deviation = wild.statistics(face)
        assert mean == (0.35 if sign > 0 else 0.25)
        assert deviation == math.exp(-2.9 if sign > 0 else -3.1)


def archive(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)
    return buffer.getvalue()


def pickled() -> bytes:
    arrays = {field.name: getattr(COHORT, field.name) for field in fields(Cohort)}
    return archive(**{**arrays, "centre": np.array([object()], dtype=object)})


def one_array() -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, COHORT.centre)
    return buffer.getvalue()


GOOD = COHORT.dump()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"not a cohort",
        GOOD[:10],
        GOOD[: len(GOOD) // 2],
        GOOD[:-1],
        GOOD.replace(b"centre", b"center"),
        archive(centre=COHORT.centre),
        pickled(),
        one_array(),
    ],
    ids=[
        "empty",
        "text",
        "its head",
        "half of it",
        "last byte lost",
        "a name changed",
        "five lost",
        "a pickle",
        "one array",
    ],
)
def test_what_is_no_cohort_file(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^cohort: not a cohort file \(\w+\)$"):
        Cohort.parse(data)


def test_a_flipped_byte_in_the_numbers_is_noticed() -> None:
    flipped = bytearray(GOOD)
    with zipfile.ZipFile(io.BytesIO(GOOD)) as names:
        place = names.getinfo("centre.npy").header_offset + 200
    flipped[place] ^= 1
    with pytest.raises(ModelError, match="not a cohort file"):
        Cohort.parse(bytes(flipped))
