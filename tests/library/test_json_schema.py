"""Schemas that are made from classes."""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

import pytest
from jsonschema import Draft202012Validator

from senseid import shapes
from senseid.json_schema import schema_of
from senseid_engine.liveness.results import Status


class Base(TypedDict):
    """What both have."""

    code: Literal[1000]


class Shape(Base):
    """A shape.

    More about it.
    """

    name: Annotated[str, {"pattern": "^a"}, "how it is called"]
    sides: NotRequired[list[int | None]]
    by_name: dict[str, bool]
    anything: object


def test_a_class() -> None:
    assert schema_of(Shape) == {
        "type": "object",
        "description": "A shape.",
        "properties": {
            "code": {"const": 1000},
            "name": {"type": "string", "pattern": "^a", "description": "how it is called"},
            "sides": {"type": "array", "items": {"anyOf": [{"type": "integer"}, {"type": "null"}]}},
            "by_name": {"type": "object", "additionalProperties": {"type": "boolean"}},
            "anything": {},
        },
        "required": ["code", "name", "by_name", "anything"],
        "additionalProperties": False,
    }


def test_an_annotation_opens_a_class() -> None:
    assert schema_of(Annotated[Base, {"additionalProperties": True}])["additionalProperties"] is True
    assert schema_of(Base)["additionalProperties"] is False


def test_two_literals() -> None:
    assert schema_of(Literal["a", "b"]) == {"enum": ["a", "b"]}


def test_what_json_has_not() -> None:
    with pytest.raises(TypeError, match="has no JSON schema"):
        schema_of(bytes)


def test_every_shape_has_a_valid_schema() -> None:
    found = [value for value in vars(shapes).values() if isinstance(value, type) and hasattr(value, "__total__")]
    assert len(found) > 20
    for shape in found:
        Draft202012Validator.check_schema(schema_of(shape))


def test_the_words_of_a_status_are_those_of_the_engine() -> None:
    assert schema_of(shapes.LivenessStatus)["enum"] == [str(status) for status in Status]
