"""JSON Schema (2020-12) of the shapes of bodies, made from their classes: each is written down once."""

from __future__ import annotations

import inspect
import types
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema; OpenAPI 3.1 has the same."""

_SCALARS: Final[dict[Any, str]] = {
    str: "string", int: "integer", float: "number", bool: "boolean", types.NoneType: "null",
}  # fmt: skip


def schema_of(shape: Any) -> dict[str, Any]:
    """The schema of a type.

    Args:
        shape: a `TypedDict`, a list, a dict with keys of text, a union, a `Literal`, a scalar or any object; or one of
            these in `Annotated`, with parts of its schema or its description behind it.

    Returns:
        A schema that refers to no other. An object has the fields of its class and no others, unless the annotation
        says otherwise.

    Raises:
        TypeError: JSON has no such type.
    """
    if is_typeddict(shape):
        return _object(shape)
    origin, arguments = get_origin(shape), get_args(shape)
    if origin is Annotated:
        schema = schema_of(arguments[0])
        for note in arguments[1:]:
            schema |= {"description": note} if isinstance(note, str) else note
        return schema
    if origin is Literal:
        return {"const": arguments[0]} if len(arguments) == 1 else {"enum": list(arguments)}
    if origin in {Union, types.UnionType}:
        return {"anyOf": [schema_of(each) for each in arguments]}
    if origin is list:
        return {"type": "array", "items": schema_of(arguments[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": schema_of(arguments[1])}
    if shape is object:
        return {}
    if shape not in _SCALARS:
        raise TypeError(f"{shape} has no JSON schema")
    return {"type": _SCALARS[shape]}


def _object(shape: Any) -> dict[str, Any]:
    fields, required = {}, []
    for name, hint in get_type_hints(shape, include_extras=True).items():
        optional = get_origin(hint) is NotRequired
        fields[name] = schema_of(get_args(hint)[0] if optional else hint)
        if not optional:
            required.append(name)
    return {
        "type": "object",
        "description": inspect.cleandoc(shape.__doc__).partition("\n")[0],
        "properties": fields,
        "required": required,
        "additionalProperties": False,
    }
