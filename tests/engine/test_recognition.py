"""The file that says which model and which curve compare faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid_engine.errors import ModelError
from senseid_engine.recognition import Recognition

if TYPE_CHECKING:
    from senseid_models.registry import Registry

GOOD = b"""
format = 2
model = "a model"
curve = "a curve"
"""


def test_every_field_is_read() -> None:
    assert Recognition.parse(GOOD) == Recognition(model="a model", curve="a curve")


@pytest.mark.parametrize("version", [1, 3])
def test_another_format_asks_for_a_new_import(version: int) -> None:
    with pytest.raises(ModelError, match=rf"^recognition: format {version} is not 2: import the curve again"):
        Recognition.parse(GOOD.replace(b"format = 2", f"format = {version}".encode()))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"format = ",
        b"format = 2",
        GOOD.replace(b"format = 2", b""),
        GOOD.replace(b"curve =", b"kurve ="),
        GOOD.replace(b"model =", b"modell ="),
    ],
)
def test_what_is_no_such_file(data: bytes) -> None:
    with pytest.raises(ModelError, match=r"^recognition: not a recognition file"):
        Recognition.parse(data)


def test_the_shipped_file(registry: Registry, recognition: Recognition) -> None:
    assert registry.get(recognition.model).kind == "embedding"
    assert registry.asset(recognition.curve).name == "score-curve"


def test_it_survives_its_file() -> None:
    made = Recognition("sface", curve="its curve")
    assert Recognition.parse(made.dump()) == made
    assert Recognition.parse(Recognition.parse(GOOD).dump()) == Recognition.parse(GOOD)
