"""Registry entries from a published ONNX file and the preset of its family."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final

from senseid_engine.errors import ModelError
from senseid_engine.session import Session
from senseid_models.entries import LONGEST_EMBEDDING, EmbeddingContract, OutputContract

if TYPE_CHECKING:
    from senseid_engine.session import Value
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import InputContract, Layout, ModelEntry
    from senseid_models.presets import Preset

_COLOURS: Final = 3
_FLOATS: Final = "tensor(float)"
_NAMED: Final = 3
"""Maximum number of a graph's values that a message names."""


def described(model: ModelEntry, preset: Preset, licences: VerifiedLicences) -> ModelEntry:
    """Complete an entry from its graph.

    Args:
        model: the entry, of which all but input, outputs and embedding is known.
        preset: the family of the model.
        licences: the verified licences of this run; checked before the file is opened.

    Returns:
        the entry. The model has not been run yet: `try_embedding_model` does.

    Raises:
        LicensingError: no verified licence for the model's product.
        ModelsError: the file is missing or has changed.
        ModelError: onnxruntime refuses it, or its graph does not belong to the preset's family.
    """
    inputs, outputs = Session.open(model, licences, threads=1).signature
    try:
        vector = _only(outputs, "output")
        contract = _input(_only(inputs, "input"), preset)
        output, size = _output(vector)
    except _OtherGraphError as error:
        raise ModelError(f"model {model.id}", str(error)) from None
    embedding = EmbeddingContract(size, preset.template, mirrored=False)
    return replace(model, input=contract, outputs=(output,), embedding=embedding)


class _OtherGraphError(Exception):
    """The graph differs from that of an embedding model of the family."""


def _only(values: tuple[Value, ...], what: str) -> Value:
    if len(values) == 1:
        return values[0]
    names = [value.name for value in values]
    shown = ", ".join(names[:_NAMED]) + (", ..." if len(names) > _NAMED else "")
    hint = ", a detector several" if what == "output" else ""
    raise _OtherGraphError(f"it has {len(names)} {what}s ({shown}); an embedding model has one{hint}")


def _input(value: Value, preset: Preset) -> InputContract:
    what = f"its input {value.name} is {_shown(value)}"
    if value.type != _FLOATS:
        raise _OtherGraphError(f"its input {value.name} is a {value.type}, the preset's is a {_FLOATS}")
    if len(value.shape) != 4:
        raise _OtherGraphError(f"{what}: that is no picture")
    batch, *sides = value.shape
    layout: Layout
    if sides[0] == _COLOURS:
        layout, size = "NCHW", sides[1:]
    elif sides[2] == _COLOURS:
        layout, size = "NHWC", sides[:2]
    else:
        raise _OtherGraphError(f"{what}: no dimension of it has the {_COLOURS} colours")
    if any(isinstance(side, int) and side != preset.side for side in size):
        raise _OtherGraphError(f"{what}, the preset's pictures have {preset.side}x{preset.side} px")
    if isinstance(batch, int) and batch != 1:
        raise _OtherGraphError(f"{what}: it takes {batch} pictures at a time, and not one or any number")
    return preset.input(value.name, layout, 1 if batch == 1 else "batch")


def _output(value: Value) -> tuple[OutputContract, int]:
    if value.type != _FLOATS:
        raise _OtherGraphError(f"its output {value.name} is a {value.type}, an embedding is a {_FLOATS}")
    if len(value.shape) != 2 or not isinstance(value.shape[1], int):
        raise _OtherGraphError(f"its output {value.name} is {_shown(value)}: no vector of a known length")
    size = value.shape[1]
    if size > LONGEST_EMBEDDING:
        raise _OtherGraphError(
            f"its output {value.name} is {_shown(value)}: up to {LONGEST_EMBEDDING} numbers are taken"
        )
    return OutputContract(value.name, ("batch", size), "embedding"), size


def _shown(value: Value) -> str:
    return "[" + ", ".join("?" if side is None else str(side) for side in value.shape) + "]"
