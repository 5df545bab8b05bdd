"""The inputs that an ONNX file lists for its graph, and removal of those that are not real inputs.

Makers list the weights as inputs too, or leave inputs behind that nothing reads any more. onnxruntime then asks for
them, or takes weights for values that change from run to run and does not fold them. Only the few fields that this is
about are read: the `onnx` package is not needed to run a model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5

# Numbers of onnx.proto, which never change.
_MODEL_GRAPH: Final = 7
_GRAPH_NODE, _GRAPH_INITIALIZER, _GRAPH_INPUT, _GRAPH_OUTPUT, _GRAPH_VALUE_INFO, _GRAPH_SPARSE = 1, 5, 11, 12, 13, 15
_NODE_INPUT, _NODE_ATTRIBUTE = 1, 5
_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS = 6, 11
_VALUE_NAME, _TENSOR_NAME, _SPARSE_VALUES = 1, 8, 1


class NotOnnxError(ValueError):
    """The bytes are not an ONNX file, or not a complete one."""


def without_idle_inputs(data: bytes) -> bytes:
    """Return the same model with only those inputs that the caller has to provide.

    An input that is an initialiser, or that no node reads, becomes a note about an inner value, of the same form.

    Raises:
        NotOnnxError: the bytes are not an ONNX file.
    """
    idle = _idle_inputs(data)
    if not idle:
        return data
    changed = bytearray(data)
    for at in idle:
        changed[at] = _GRAPH_VALUE_INFO << 3 | _BYTES
    return bytes(changed)


@dataclass(frozen=True, slots=True)
class _Field:
    """One field of a message: its number, where its tag is, and where its content is."""

    number: int
    tag: int
    start: int
    stop: int


def _idle_inputs(data: bytes) -> list[int]:
    """The offsets of the tags of such inputs."""
    graphs = [field for field in _fields(data, 0, len(data)) if field.number == _MODEL_GRAPH]
    if len(graphs) != 1:
        raise NotOnnxError("it has no graph")
    (graph,) = graphs
    inputs: list[tuple[bytes, int]] = []
    given: set[bytes] = set()
    for field in _fields(data, graph.start, graph.stop):
        if field.number == _GRAPH_INPUT:
            inputs.append((_text(data, field, _VALUE_NAME), field.tag))
        elif field.number == _GRAPH_INITIALIZER:
            given.add(_text(data, field, _TENSOR_NAME))
        elif field.number == _GRAPH_SPARSE:
            for values in _fields(data, field.start, field.stop):
                if values.number == _SPARSE_VALUES:
                    given.add(_text(data, values, _TENSOR_NAME))
    read = _values_read(data, graph)
    return [tag for name, tag in inputs if name in given or name not in read]


def _values_read(data: bytes, graph: _Field) -> set[bytes]:
    """The values that a node reads or that are results, in the graph and in those inside of it."""
    read: set[bytes] = set()
    graphs = [graph]
    while graphs:
        inside = graphs.pop()
        for field in _fields(data, inside.start, inside.stop):
            if field.number == _GRAPH_OUTPUT:
                read.add(_text(data, field, _VALUE_NAME))
            elif field.number == _GRAPH_NODE:
                for part in _fields(data, field.start, field.stop):
                    if part.number == _NODE_INPUT:
                        read.add(data[part.start : part.stop])
                    elif part.number == _NODE_ATTRIBUTE:
                        attribute = _fields(data, part.start, part.stop)
                        graphs += [each for each in attribute if each.number in {_ATTRIBUTE_GRAPH, _ATTRIBUTE_GRAPHS}]
    return read


def _text(data: bytes, message: _Field, number: int) -> bytes:
    """The last of a message's fields of that number; nothing where there is none."""
    found = b""
    for field in _fields(data, message.start, message.stop):
        if field.number == number:
            found = data[field.start : field.stop]
    return found


def _fields(data: bytes, start: int, stop: int) -> Iterator[_Field]:
    """The fields of the message that lies between two places."""
    while start < stop:
        tag, at = _varint(data, start, stop)
        kind = tag & 7
        if kind == _VARINT:
            _, end = _varint(data, at, stop)
        elif kind == _BYTES:
            length, at = _varint(data, at, stop)
            end = at + length
        elif kind in (_FIXED32, _FIXED64):
            end = at + (4 if kind == _FIXED32 else 8)
        else:
            raise NotOnnxError("a field has no known form")
        if end > stop:
            raise NotOnnxError("it ends in the middle of a field")
        yield _Field(tag >> 3, start, at, end)
        start = end


def _varint(data: bytes, at: int, stop: int) -> tuple[int, int]:
    """A number of seven bits per byte, and its end."""
    value = shift = 0
    while at < stop and shift < 64:
        value |= (data[at] & 0x7F) << shift
        at += 1
        if data[at - 1] < 0x80:
            return value, at
        shift += 7
    raise NotOnnxError("it ends in the middle of a number")
