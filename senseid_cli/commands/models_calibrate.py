"""`senseid models calibrate`: a score curve from a labelled set, with everything that was measured."""

from __future__ import annotations

import json
import os
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senseid_cli.options import DeviceName, Force, Workers
from senseid_engine.device import Device
from senseid_engine.errors import printable, reason_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from senseid_engine.calibration.labelled import LabelledPairs, LabelledSet
    from senseid_engine.calibration.run import CalibrationResult, CalibrationSettings
    from senseid_engine.engine import Engine
    from senseid_engine.recognition import Recognition

REPORT_FILES = ("report.html", "report.json", "rates.csv", "det.png", "roc.png")


def calibrate(
    labelled_set: Annotated[
        Path,
        typer.Argument(
            metavar="SET", help="A folder with one sub-folder a person, or a CSV `first,second,same` of pairs."
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="CURVE.toml", help="Write the result there: the score curve.")
    ],
    pairs: Annotated[
        Path | None,
        typer.Option(
            "--pairs", metavar="FILE", help="LFW's pairs.txt for a folder: also report the accuracy over its folds."
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option("--report", metavar="FOLDER", help=f"Write a report there: {', '.join(REPORT_FILES)}."),
    ] = None,
    model: Annotated[
        str | None,
        typer.Option("--model", metavar="ID", help="Compare by this embedding model, such as one imported."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", metavar="NUMBER", min=0, help="The seed of everything random.")] = 0,
    workers: Workers = None,
    device: DeviceName = Device.AUTO,
    name: Annotated[
        str, typer.Option("--name", metavar="NAME", help="What the set is called in the curve; its file name if unset.")
    ] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="Free text for the curve.")] = "",
    force: Force = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: everything that was measured, as one object.")
    ] = False,
) -> None:
    """Make a score curve from photos with known people.

    The curve tells how often strangers are taken for the same person at each score. Photos without a face are counted
    and left out. Nothing but rates and the names of such photos is written: no embeddings.

    Examples:
        senseid models calibrate people --out curve.toml
        senseid models calibrate pairs.csv --out curve.toml --report report --name staff
    """
    _check_outputs(out, report, [labelled_set, *([pairs] if pairs is not None else [])], force=force)

    from senseid import installation, models
    from senseid_cli import paths
    from senseid_cli.output import calibration, terminal
    from senseid_licensing.capability import Capability
    from senseid_licensing.product import Product

    recognition = _recognition(model)
    labelled, folds = _read_set(labelled_set, pairs)
    pages = [] if report is None else [("--report", report / file) for file in REPORT_FILES]
    paths.check_unread([("--out", out), *pages], (photo.path for photo in labelled.photos))
    licences = installation.verify_licences()
    terminal.note_grace(licences.require(Product.FACE, Capability.COMPARE))
    engine = models.open_engine(licences, device=device, recognition=recognition)
    settings = _settings(labelled_set, recognition, name=name, note=note, seed=seed)
    result = _run(engine, labelled, folds, settings, workers or engine.photos_at_once)
    paths.write_output(out, result.curve.dump().encode())
    if report is not None:
        _write_report(report, result)
    if as_json:
        terminal.put_result(calibration.report_body(result))
    else:
        _print(result)
    for shortfall in calibration.shortfalls(result):
        terminal.note(shortfall)
    typer.echo(f"written to {out}" + (f" and {report}" if report else ""), err=True)


def _check_outputs(out: Path, report: Path | None, sources: list[Path], *, force: bool) -> None:
    """Refuse before the work is done, not after it."""
    from senseid_cli import paths
    from senseid_cli.output.drawing import calibration as charts

    inputs = tuple(str(source) for source in sources)
    paths.check_output(out, sources=inputs, force=force, suffix=None, option="--out")
    if report is None:
        return
    if not charts.available():
        raise typer.BadParameter(
            "drawing needs matplotlib: install the extra `report` of senseid", param_hint="--report"
        )
    if os.path.isdir(report):
        if any(paths.is_same_file(report, source) for source in sources):
            raise typer.BadParameter(f"{report} is one of the inputs", param_hint="--report")
    elif os.path.exists(report):
        raise typer.BadParameter(f"{report} is a file, not a folder", param_hint="--report")
    else:
        paths.check_output(report, sources=(), force=True, suffix=None, option="--report")
    for file in (report / name for name in REPORT_FILES):
        if out.absolute() == file.absolute():
            raise typer.BadParameter(f"{out} is also a file of the report", param_hint="--out")
        if problem := paths.output_problem(file, sources=inputs, force=force, makes_folder=True):
            raise typer.BadParameter(f"{file} {problem}", param_hint="--report")


def _read_set(labelled_set: Path, pairs: Path | None) -> tuple[LabelledSet, LabelledPairs | None]:
    from senseid_engine.calibration.labelled import read_folder, read_lfw_pairs, read_pairs_csv

    if os.path.isdir(labelled_set):
        folder = read_folder(labelled_set)
        return folder, None if pairs is None else read_lfw_pairs(pairs, folder)
    if pairs is not None:
        raise typer.BadParameter("it needs a folder as SET; a CSV of pairs is a set by itself", param_hint="--pairs")
    return read_pairs_csv(labelled_set), None


def _recognition(model: str | None) -> Recognition:
    """Return what the curve is for: one model, or senseid's own; never what an imported curve asks for."""
    from senseid import installation
    from senseid_engine.recognition import Recognition
    from senseid_models.registry import Registry

    builtin = Recognition.load(Registry.builtin())
    if model is None:
        return builtin
    if installation.registry().get(model).kind != "embedding":
        raise typer.BadParameter(f"{model} is no embedding model", param_hint="--model")
    return Recognition(model, curve=builtin.curve)


def _settings(labelled_set: Path, recognition: Recognition, *, name: str, note: str, seed: int) -> CalibrationSettings:
    from senseid import installation
    from senseid_engine.calibration.provenance import ModelFile
    from senseid_engine.calibration.run import CalibrationSettings

    registry = installation.registry()
    model = registry.get(recognition.model)
    return CalibrationSettings(
        set_name=printable((name or labelled_set.resolve().name).strip() or "unnamed"),
        made=installation.today().isoformat(),
        seed=seed,
        model=ModelFile(model.id, model.sha256),
        note=printable(note.strip()) or None,
    )


def _run(
    engine: Engine, labelled: LabelledSet, folds: LabelledPairs | None, settings: CalibrationSettings, workers: int
) -> CalibrationResult:
    from senseid_cli.output.progress import progress
    from senseid_engine.calibration.encode import encode_photos
    from senseid_engine.calibration.pairs import bands
    from senseid_engine.calibration.run import calibrate as fit_and_measure
    from senseid_engine.template import similarities

    with progress("encoding photos", len(labelled.photos)) as advance:
        encoded, unusable = encode_photos(
            labelled.photos, lambda image: engine.encode_largest(image)[1], workers=workers, advance=lambda: advance(1)
        )
    matrix = bands([photo.template for photo in encoded], similarities)
    with progress("comparing photos", len(encoded)) as advance:
        return fit_and_measure(
            labelled,
            [photo.number for photo in encoded],
            unusable,
            _watched(matrix, advance),
            settings,
            folds=folds,
        )


def _watched(matrix: Iterator[NDArray[Any]], advance: Callable[[int], None]) -> Iterator[NDArray[Any]]:
    """The same bands, telling how many rows were done."""
    for band in matrix:
        yield band
        advance(len(band))


def _write_report(folder: Path, result: CalibrationResult) -> None:
    from senseid.errors import OutputError
    from senseid_cli import paths
    from senseid_cli.output import calibration
    from senseid_cli.output.drawing import calibration as charts
    from senseid_cli.output.html.calibration import page

    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"{folder} cannot be made: {reason_of(error)}",
            remedy="check the permissions of the folder above it",
        ) from error
    body = json.dumps(calibration.report_body(result), indent=2, allow_nan=False) + "\n"
    contents = (
        page(result).encode(errors="backslashreplace"),
        body.encode(),
        calibration.rates_csv(result).encode(),
        charts.det_png(result),
        charts.roc_png(result),
    )
    for file, content in zip(REPORT_FILES, contents, strict=True):
        paths.write_output(folder / file, content)


def _print(result: CalibrationResult) -> None:
    """The table of rates, and what else was measured."""
    from senseid_cli.output import calibration, terminal

    header, *rows = calibration.table_cells(result)
    if terminal.terminal_width() is not None:
        from rich.table import Table

        table = Table(*header, box=None, padding=(0, 2, 0, 0))
        for row in rows:
            table.add_row(*row)
        terminal.put_table(table)
    else:
        terminal.put_lines("\t".join(row) for row in rows)
    terminal.put_lines(calibration.summary_lines(result))
