"""Parsing of manifests into entries; see docs/models/manifest.md for the format."""

from __future__ import annotations

import tomllib
from collections import Counter
from typing import TYPE_CHECKING, Literal

from senseid_models.entries import (
    LONGEST_EMBEDDING,
    PRODUCT_OF,
    Asset,
    Colour,
    EmbeddingContract,
    InputContract,
    Kind,
    ModelEntry,
    OperatorSource,
    OutputContract,
    PackageSource,
    Source,
    TrainedSource,
)
from senseid_models.errors import ManifestError
from senseid_models.fields import FieldError, Fields, parse_table, table_of

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
TEMPLATE_POINTS = 5

SourceRegistry = Literal["pypi", "npm", "trained", "operator"]


def parse_manifest(path: Path, text: bytes) -> tuple[tuple[ModelEntry, ...], tuple[Asset, ...]]:
    """Parse the bytes of the manifest at `path`, whose directory holds the files.

    Raises:
        ManifestError: It is not TOML, or a field is missing, unknown or of the wrong form.
    """
    try:
        document = tomllib.loads(text.decode("utf-8"))
        return parse_table("manifest", document, lambda fields: _manifest(fields, path.parent))
    except UnicodeDecodeError:
        raise ManifestError(path, "is not UTF-8 text") from None
    except RecursionError:
        raise ManifestError(path, "is nested too deeply") from None
    except FieldError as error:
        raise ManifestError(path, str(error)) from None
    except ValueError as error:  # also Python's error for a number with thousands of digits
        raise ManifestError(path, f"is not TOML: {error}") from None


def dump_manifest(model: ModelEntry) -> bytes:
    """The manifest of one embedding model that an operator brought; `parse_manifest` reads it back."""
    import tomli_w

    table = table_of(model)
    table["source"] = {"registry": "operator", **table["source"]}
    return tomli_w.dumps({"format": FORMAT, "model": [table]}).encode()


def _manifest(fields: Fields, directory: Path) -> tuple[tuple[ModelEntry, ...], tuple[Asset, ...]]:
    version = fields.whole("format")
    if version != FORMAT:
        raise fields.fail("format", f"is {version}; this version of senseid knows {FORMAT}")
    models = fields.tables("model", lambda f: _model(f, directory))
    assets = fields.tables("asset", lambda f: f.record(Asset, path=directory / f.file_name("file")))
    names = Counter([m.id for m in models] + [a.name for a in assets])
    files = Counter([m.path.name for m in models] + [a.path.name for a in assets])
    for what, counts in (("name", names), ("file", files)):
        for value, count in counts.items():
            if count > 1:
                raise FieldError(f"the {what} {value} is used {count} times")
    return models, assets


def _model(fields: Fields, directory: Path) -> ModelEntry:
    kind: Kind = fields.choice("kind", Kind)
    source: Source = fields.table("source", _source)
    model = fields.record(
        ModelEntry,
        kind=kind,
        path=directory / fields.file_name("file"),
        source=source,
        rebuild=None if isinstance(source, OperatorSource) else fields.text("rebuild"),
        input=fields.table("input", _input),
        embedding=fields.table("embedding", _embedding) if kind == "embedding" else None,
    )
    if model.product != PRODUCT_OF[kind]:
        raise fields.fail("product", f"must be {PRODUCT_OF[kind]} for a model of kind {kind}")
    if not model.outputs:
        raise fields.fail("output", "must describe at least one output")
    if model.embedding is not None:
        _check_embedding(fields, model.embedding, model.input, model.outputs)
    return model


def _check_embedding(
    fields: Fields, embedding: EmbeddingContract, contract: InputContract, outputs: tuple[OutputContract, ...]
) -> None:
    height, width = contract.size
    if height != width or not isinstance(height, int):
        raise fields.fail("input", "of an embedding model must be a square of a fixed size")
    if (embedding.template is None) == (contract.crop is None):
        raise fields.fail("embedding", "of an embedding model must have a template, or its input a crop, and not both")
    if len(outputs) != 1 or outputs[0].shape[1:] != (embedding.size,):
        raise fields.fail("output", f"of an embedding model must be one, of shape [batch, {embedding.size}]")


def _source(fields: Fields) -> Source:
    registry: SourceRegistry = fields.choice("registry", SourceRegistry)
    if registry == "operator":
        return fields.record(OperatorSource)
    if registry == "trained":
        training = fields.record(TrainedSource)
        if not training.data:
            raise fields.fail("data", "must name at least one set that the model was trained on")
        return training
    package = fields.record(PackageSource, registry=registry)
    if not package.files:
        raise fields.fail("file", "must name at least one file of the package")
    return package


def _input(fields: Fields) -> InputContract:
    colour: Colour = fields.choice("colour", Colour)
    channels = 1 if colour == "GRAY" else 3
    mean, scale = fields.numbers("mean", channels), fields.numbers("scale", channels)
    contract = fields.record(InputContract, colour=colour, mean=mean, scale=scale)
    shape, layout = contract.shape, contract.layout
    if len(shape) != 4 or shape[1 if layout == "NCHW" else 3] != channels:
        raise fields.fail("shape", f"must have four dimensions in the order {layout}, with {channels} channels")
    if contract.dtype == "uint8" and (any(mean) or any(factor != 1 for factor in scale)):
        raise fields.fail("dtype", "uint8 takes pixels as they are: make mean 0 and scale 1")
    return contract


def _embedding(fields: Fields) -> EmbeddingContract:
    contract = fields.record(EmbeddingContract, mirrored=fields.has("mirrored") and fields.flag("mirrored"))
    if contract.size > LONGEST_EMBEDDING:
        raise fields.fail("size", f"must be at most {LONGEST_EMBEDDING}")
    if contract.template is not None and len(contract.template) != TEMPLATE_POINTS:
        raise fields.fail("template", f"has {len(contract.template)} points instead of {TEMPLATE_POINTS}")
    return contract
