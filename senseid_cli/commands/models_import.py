"""`senseid models import` and `remove`: an operator's own embedding model and score curve."""

from __future__ import annotations

import os
import re
from enum import StrEnum
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_engine.errors import printable

if TYPE_CHECKING:
    from senseid.added_models import Addition
    from senseid.command_shapes import ImportedCurve, ImportedModel, Removed
    from senseid_engine.curve import ScoreCurve
    from senseid_models.entries import ModelEntry


class Kind(StrEnum):
    """The kinds of files that can be imported."""

    EMBEDDING = "embedding"
    CURVE = "curve"


class Preset(StrEnum):
    """Families of embedding models that need no manifest."""

    SFACE = "sface"
    ARCFACE = "arcface"
    FACENET = "facenet"


def import_(
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="An ONNX file, with --preset or with its manifest beside it (the same name, but .toml); or a score"
            " curve of `senseid models calibrate`.",
        ),
    ],
    kind: Annotated[Kind, typer.Option("--as", metavar="embedding|curve", help="What it is.")],
    preset: Annotated[
        Preset | None,
        typer.Option(
            "--preset",
            metavar="sface|arcface|facenet",
            help="The family of the model, instead of a manifest: sface takes 112x112 pixels as they are, arcface"
            " 112x112 from -1 to 1, facenet 160x160.",
        ),
    ] = None,
    name: Annotated[
        str | None,
        typer.Option("--id", metavar="NAME", help="What to call the model of a --preset; as its file if unset."),
    ] = None,
    licence: Annotated[
        str | None,
        typer.Option("--licence", metavar="TEXT", help="The licence of the model of a --preset, which is recorded."),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite files that are there: what was imported under this name.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: what was imported, as one object.")] = False,
) -> None:
    """Bring your own embedding model, or the score curve that was made for your people.

    A model is checked against its preset or the SHA-256 of its manifest, and tried on noise, for two minutes at
    most. It compares faces once a curve that was made with it is imported as well. Nothing is downloaded.

    Examples:
        senseid models import arcface.onnx --as embedding --preset arcface
        senseid models import curve.toml --as curve
    """
    from senseid import added_models, installation
    from senseid_cli.output import terminal

    if os.path.isdir(file):
        raise typer.BadParameter(f"{file} is a folder, and not the file to import", param_hint="FILE")
    row: ImportedModel | ImportedCurve
    if kind is Kind.EMBEDDING:
        addition, entry = _read_model(file, preset, name, licence)
        row, words = _model(entry)
        if entry.licence == added_models.NOT_STATED:
            terminal.note(f"the licence of {entry.id} is not stated: may you use it? --licence records the answer")
    else:
        if preset is not None or name is not None or licence is not None:
            raise typer.BadParameter("--preset, --id and --licence are for --as embedding")
        addition, curve = added_models.curve_addition(file, installation.registry())
        row, words = _curve(curve)
        terminal.note(f"it was measured up to a score of {curve.measured_to:.2f}; above, it is extrapolated")
    added_models.place(addition, installation.additions_dir(), overwrite=force)
    if as_json:
        terminal.put_result(row)
    else:
        terminal.put_lines([printable(words)])
    if kind is Kind.EMBEDDING:
        typer.echo(
            "hint: faces are not compared by it yet: "
            f"`senseid models calibrate SET --model {addition.name} --out CURVE.toml`, then "
            "`senseid models import CURVE.toml --as curve`",
            err=True,
        )


def remove(
    name: Annotated[str, typer.Argument(metavar="NAME", help="A model's id, or `score-curve`.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: what was removed, as one object.")] = False,
) -> None:
    """Remove what was imported. Without an imported curve, faces are compared as senseid does by itself.

    Examples:
        senseid models remove score-curve
        senseid models remove arcface --json
    """
    from senseid import added_models, installation
    from senseid_cli.output import terminal

    added_models.remove(name, installation.additions_dir(), installation.registry)
    if as_json:
        gone: Removed = {"id": name, "status": "removed"}
        terminal.put_result(gone)
    else:
        terminal.put_lines([f"removed {printable(name)}"])


def _read_model(
    file: Path, preset: Preset | None, name: str | None, licence: str | None
) -> tuple[Addition, ModelEntry]:
    from senseid import added_models, installation
    from senseid_models.fields import IDENTIFIER, is_identifier

    if preset is None:
        if name is not None or licence is not None:
            raise typer.BadParameter("--id and --licence are for a model of a --preset; a manifest says both")
        return added_models.model_addition(file, installation.verify_licences())
    model_id = _words(file.stem) if name is None else name
    if not is_identifier(model_id):
        raise typer.BadParameter(f"{model_id!r} is no name for a model: {IDENTIFIER}", param_hint="--id")
    said = printable((licence or "").strip())
    return added_models.preset_addition(file, preset.value, model_id, said, installation.verify_licences())


def _words(stem: str) -> str:
    """The name of a file in the form of a model's."""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")


def _model(entry: ModelEntry) -> tuple[ImportedModel, str]:
    from senseid_models.entries import OperatorSource

    origin = entry.source.origin if isinstance(entry.source, OperatorSource) else "a recipe"
    row: ImportedModel = {
        "id": entry.id,
        "kind": entry.kind,
        "sha256": entry.sha256,
        "licence": entry.licence,
        "licence_source": entry.licence_source,
        "source": origin,
    }
    return row, f"imported {entry.id} from {origin}, licence {entry.licence} ({entry.licence_source})"


def _curve(curve: ScoreCurve) -> tuple[ImportedCurve, str]:
    made = curve.provenance
    row: ImportedCurve = {
        "id": "score-curve",
        "kind": "curve",
        "set": made.set_name,
        "made": made.made,
        "model": made.model.id,
        "measured_to": curve.measured_to,
    }
    return row, f"faces are now compared by {made.model.id}, scored by a curve of {made.made} on {made.set_name}"
