"""The file that says how embeddings become one number."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import pytest

from senseid_engine.errors import ModelError
from senseid_engine.recognition import Part, Recognition

if TYPE_CHECKING:
    from senseid_models.registry import Registry

GOOD = b"""
format = 1
cohort = "strangers"
nearest = 30
curve = "a curve"
[[part]]
model = "first"
weight = 0.75
affinity = 10
[[part]]
model = "second"
weight = 0.25
affinity = 0.0
"""


def test_every_field_is_read() -> None:
    assert Recognition.parse(GOOD) == Recognition(
        parts=(Part("first", 0.75, 10.0), Part("second", 0.25, 0.0)), cohort="strangers", nearest=30, curve="a curve"
    )


def test_another_format_asks_for_an_update() -> None:
    with pytest.raises(ModelError, match=r"^recognition: format 2 is not 1: update senseid$"):
        Recognition.parse(GOOD.replace(b"format = 1", b"format = 2"))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"format = ",
        GOOD.replace(b"weight = 0.25", b""),
        GOOD.replace(b"weight = 0.25", b'weight = "much"'),
        GOOD.replace(b"weight = 0.25", b"weight = [1]"),
        GOOD.replace(b"nearest = 30", b'nearest = "x"'),
        GOOD.replace(b"curve", b"kurve"),
        GOOD.partition(b"[[part]]")[0],
        GOOD.partition(b"[[part]]")[0] + b"part = 3",
        GOOD.partition(b"[[part]]")[0] + b"part = [3]",
    ],
)
def test_what_is_no_such_file(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^recognition: not a recognition file"):
        Recognition.parse(data)


def test_the_shipped_file(registry: Registry, recognition: Recognition) -> None:
    assert math.fsum(part.weight for part in recognition.parts) == pytest.approx(1.0, abs=1e-12)
    for part in recognition.parts:
        assert registry.get(part.model).kind == "embedding"
        assert part.weight > 0
        assert part.affinity >= 0
    assert registry.asset(recognition.cohort).name == "cohort"
    assert registry.asset(recognition.curve).name == "score-curve"
    assert recognition.nearest > 0


@pytest.mark.parametrize("weight", [b"0.3", b"-0.25", b"nan", b"inf"])
def test_weights_that_make_no_mean(weight: bytes) -> None:
    with pytest.raises(ModelError, match="the weights of its parts are not positive with a sum of 1"):
        Recognition.parse(GOOD.replace(b"weight = 0.25", b"weight = " + weight))
    with pytest.raises(ModelError, match="the weights"):
        Recognition.parse(GOOD.replace(b"weight = 0.25", b"weight = -0.25").replace(b"0.75", b"1.25"))


def test_one_model_by_itself_needs_no_cohort_and_survives_its_file() -> None:
    plain = Recognition.plain("sface", curve="its curve")
    assert plain == Recognition((Part("sface", 1.0, 0.0),), cohort=None, nearest=0, curve="its curve")
    assert Recognition.parse(plain.dump()) == plain
    assert Recognition.parse(Recognition.parse(GOOD).dump()) == Recognition.parse(GOOD)
