"""Parsing of manifests into entries; see docs/models/manifest.md for the format."""

from __future__ import annotations

import tomllib
from collections import Counter
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Literal

from senseid_models.entries import (
    PRODUCT_OF,
    Asset,
    Colour,
    Dtype,
    EmbeddingContract,
    InputContract,
    Kind,
    Layout,
    ModelEntry,
    OperatorSource,
    OutputContract,
    PackageSource,
    Product,
    Source,
    SourceFile,
    TrainedSource,
    TrainingData,
)
from senseid_models.errors import ManifestError
from senseid_models.fields import FieldError, Fields, parse_table

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


def dump_manifest(model: ModelEntry, origin: str) -> bytes:
    """The manifest of one embedding model that an operator brought from `origin`; `parse_manifest` reads it back."""
    import tomli_w

    table = {
        "id": model.id,
        "kind": model.kind,
        "product": model.product,
        "file": model.path.name,
        "sha256": model.sha256,
        "bytes": model.size,
        "licence": model.licence,
        "licence_source": model.licence_source,
        "source": {"registry": "operator", "origin": origin},
        "input": _stated(model.input),
        "output": [_stated(output) for output in model.outputs],
    }
    if model.embedding is not None:
        table["embedding"] = _stated(model.embedding)
    return tomli_w.dumps({"format": FORMAT, "model": [table]}).encode()


def _stated(contract: InputContract | OutputContract | EmbeddingContract) -> dict[str, Any]:
    return {name: value for name, value in asdict(contract).items() if value is not None}


def _manifest(fields: Fields, directory: Path) -> tuple[tuple[ModelEntry, ...], tuple[Asset, ...]]:
    version = fields.whole("format")
    if version != FORMAT:
        raise fields.fail("format", f"is {version}; this version of senseid knows {FORMAT}")
    models = fields.tables("model", lambda f: _model(f, directory))
    assets = fields.tables("asset", lambda f: _asset(f, directory))
    names = Counter([m.id for m in models] + [a.name for a in assets])
    files = Counter([m.path.name for m in models] + [a.path.name for a in assets])
    for what, counts in (("name", names), ("file", files)):
        for value, count in counts.items():
            if count > 1:
                raise FieldError(f"the {what} {value} is used {count} times")
    return models, assets


def _asset(fields: Fields, directory: Path) -> Asset:
    return Asset(
        name=fields.identifier("name"),
        path=directory / fields.file_name("file"),
        sha256=fields.sha256("sha256"),
        size=fields.whole("bytes"),
        about=fields.text("about"),
    )


def _model(fields: Fields, directory: Path) -> ModelEntry:
    kind: Kind = fields.choice("kind", Kind)
    product: Product = fields.choice("product", Product)
    if product != PRODUCT_OF[kind]:
        raise fields.fail("product", f"must be {PRODUCT_OF[kind]} for a model of kind {kind}")
    contract = fields.table("input", _input)
    outputs = fields.tables("output", _output)
    if not outputs:
        raise fields.fail("output", "must describe at least one output")
    embedding = fields.table("embedding", _embedding) if kind == "embedding" else None
    if embedding is not None:
        _check_embedding(fields, embedding, contract, outputs)
    source: Source = fields.table("source", _source)
    return ModelEntry(
        id=fields.identifier("id"),
        kind=kind,
        path=directory / fields.file_name("file"),
        sha256=fields.sha256("sha256"),
        size=fields.whole("bytes"),
        product=product,
        licence=fields.text("licence"),
        licence_source=fields.text("licence_source"),
        source=source,
        rebuild=None if isinstance(source, OperatorSource) else fields.text("rebuild"),
        input=contract,
        outputs=outputs,
        embedding=embedding,
        last_day=fields.date("last_day") if fields.has("last_day") else None,
    )


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
        return OperatorSource(origin=fields.text("origin"))
    if registry == "trained":
        return _trained(fields)
    source = PackageSource(
        registry=registry,
        package=fields.text("package"),
        version=fields.text("version"),
        archive=fields.file_name("archive"),
        package_sha256=fields.sha256("package_sha256"),
        files=fields.tables("file", _source_file),
    )
    if not source.files:
        raise fields.fail("file", "must name at least one file of the package")
    return source


def _trained(fields: Fields) -> TrainedSource:
    source = TrainedSource(
        script=fields.text("script"),
        seed=fields.whole("seed", at_least=0),
        data=fields.tables("data", _training_data),
    )
    if not source.data:
        raise fields.fail("data", "must name at least one set that the model was trained on")
    return source


def _training_data(fields: Fields) -> TrainingData:
    return TrainingData(name=fields.text("name"), about=fields.text("about"))


def _source_file(fields: Fields) -> SourceFile:
    return SourceFile(path=fields.text("path"), sha256=fields.sha256("sha256"))


def _input(fields: Fields) -> InputContract:
    layout: Layout = fields.choice("layout", Layout)
    colour: Colour = fields.choice("colour", Colour)
    dtype: Dtype = fields.choice("dtype", Dtype)
    channels = 1 if colour == "GRAY" else 3
    shape = fields.shape("shape")
    if len(shape) != 4 or shape[1 if layout == "NCHW" else 3] != channels:
        raise fields.fail("shape", f"must have four dimensions in the order {layout}, with {channels} channels")
    mean, scale = fields.numbers("mean", channels), fields.numbers("scale", channels)
    if dtype == "uint8" and (any(mean) or any(factor != 1 for factor in scale)):
        raise fields.fail("dtype", "uint8 takes pixels as they are: make mean 0 and scale 1")
    return InputContract(
        name=fields.text("name"),
        shape=shape,
        layout=layout,
        colour=colour,
        dtype=dtype,
        mean=mean,
        scale=scale,
        crop=fields.number("crop") if fields.has("crop") else None,
    )


def _output(fields: Fields) -> OutputContract:
    return OutputContract(name=fields.text("name"), shape=fields.shape("shape"), meaning=fields.text("meaning"))


def _embedding(fields: Fields) -> EmbeddingContract:
    template = fields.points("template") if fields.has("template") else None
    if template is not None and len(template) != TEMPLATE_POINTS:
        raise fields.fail("template", f"has {len(template)} points instead of {TEMPLATE_POINTS}")
    mirrored = fields.has("mirrored") and fields.flag("mirrored")
    return EmbeddingContract(size=fields.whole("size"), template=template, mirrored=mirrored)
