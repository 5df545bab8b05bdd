"""`senseid batch`: many comparisons in one run."""

from __future__ import annotations

import io
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid_cli.options import DEFAULT_THRESHOLD, AutoRotate, Threshold

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_cli.batch.executors import Executor
    from senseid_cli.batch.jobs import Settings
    from senseid_cli.batch.journal import Journal
    from senseid_cli.batch.manifest import Format, Manifest
    from senseid_cli.batch.plan import Plan
    from senseid_cli.batch.runner import Tally
    from senseid_cli.batch.work import Medium
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry

STDIN = "-"


class Task(StrEnum):
    """What is done with each row."""

    COMPARE = "compare"
    OMNI = "omni"


class OutputFormat(StrEnum):
    """How the results are written."""

    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"


def batch(
    manifest: Annotated[
        str,
        typer.Argument(
            metavar="MANIFEST",
            help="CSV, NDJSON or Parquet with a row a comparison, `-` for standard input, or a folder of photos.",
        ),
    ],
    other: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Where MANIFEST is a folder: compare all its photos with all of this one, and not with each other.",
        ),
    ] = None,
    task: Annotated[Task, typer.Option("--task", "-t", help="What is done with each row.")] = Task.COMPARE,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the results there, as CSV, NDJSON or Parquet by its suffix; standard output if unset.",
        ),
    ] = None,
    output_format: Annotated[
        OutputFormat | None, typer.Option("--format", help="Write this format, whatever the suffix.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="The same as --format ndjson.")] = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    auto_rotate: AutoRotate = False,
    workers: Annotated[
        int | None,
        typer.Option("--workers", min=1, help="Photos worked on at the same time; as the CPUs allow if unset."),
    ] = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="ADDRESS", help="Let the workers of this Dask scheduler work, as tcp://HOST:8786."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run of this --out.")] = False,
    force: Annotated[
        bool, typer.Option("--force", help="Overwrite --out, and begin anew where a run was interrupted.")
    ] = False,
) -> None:
    """Compare many photos in one run: each is read and encoded once.

    The rows of MANIFEST name photos in the columns `first` and `second`, relative to its folder; other columns are
    passed on. Every row gives one record, in order; a refused one says why, with the code of the HTTP API. Of a folder
    all photos are compared with each other, and the pairs from --threshold on are told. Exit status: 0 every row has
    a result, match or not, 3 some are refused, 4 licence, 130 interrupted.
    """
    from senseid_cli import render, wiring
    from senseid_cli.batch.jobs import Settings
    from senseid_licensing.capability import Capability
    from senseid_licensing.product import Product
    from senseid_models.registry import Registry

    form = _output_format(out, output_format, as_json=as_json)
    _check_output(out, resume=resume, force=force)
    licences = wiring.verify_licences()
    render.note_grace(licences.require(Product.FACE, Capability.BATCH))
    plan = _plan(manifest, other, task, Settings(threshold, auto_rotate), Registry.builtin())
    for product, capability in plan.needs:
        licences.require(product, capability)
        licences.require(product, Capability.BATCH)
    journal = None if out is None else _journal(out, plan, resume=resume)
    tally = _run(plan, journal, form, out, lambda: _executor(licences, scheduler, workers))
    if out is not None:
        typer.echo(f"{tally.done:,} done, {tally.refused:,} refused: written to {out}", err=True)
    raise typer.Exit(tally.status)


def _output_format(out: Path | None, chosen: OutputFormat | None, *, as_json: bool) -> Format:
    from senseid_cli.batch.manifest import SUFFIXES, Format, import_parquet

    if as_json and chosen not in {None, OutputFormat.NDJSON}:
        raise typer.BadParameter("--json writes NDJSON", param_hint="--format")
    if chosen is not None or as_json:
        form = Format.NDJSON if chosen is None else Format(chosen.value)
    elif out is None:
        form = Format.CSV
    elif out.suffix.lower() in SUFFIXES:
        form = SUFFIXES[out.suffix.lower()]
    else:
        raise typer.BadParameter(
            f"{out} does not end in {', '.join(SUFFIXES)}: give a format with --format", param_hint="--out"
        )
    if form == Format.PARQUET:
        if out is None:
            raise typer.BadParameter("Parquet needs a file: --out FILE", param_hint="--format")
        import_parquet()
    return form


def _check_output(out: Path | None, *, resume: bool, force: bool) -> None:
    """Refuse before the work is done, not after it."""
    from senseid_cli.batch.journal import partial_of

    if out is None:
        if resume:
            raise typer.BadParameter("it needs --out, the output of the run that goes on", param_hint="--resume")
        return
    if resume and force:
        raise typer.BadParameter("--resume and --force exclude each other", param_hint="--resume")
    if out.is_dir():
        raise typer.BadParameter(f"{out} is a folder", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    if partial_of(out).exists():
        if not resume and not force:
            raise typer.BadParameter(
                f"a run to {out} was interrupted: --resume goes on with it, --force begins anew", param_hint="--out"
            )
    elif resume:
        raise typer.BadParameter(f"no run to {out} was interrupted", param_hint="--resume")
    elif out.exists() and not force:
        raise typer.BadParameter(f"{out} is there already; --force overwrites it", param_hint="--out")


def _plan(source: str, other: Path | None, task: Task, settings: Settings, registry: Registry) -> Plan:
    from senseid_cli.batch import jobs
    from senseid_cli.batch.manifest import survey
    from senseid_cli.batch.pairs import list_photos
    from senseid_cli.batch.plan import PairsPlan, RowsPlan
    from senseid_engine.batch.scorer import Scorer

    scorer = Scorer.open(registry)
    folder = Path(source)
    if source != STDIN and folder.is_dir():
        if task != Task.COMPARE:
            raise typer.BadParameter(f"{task} needs a manifest that names the pairs", param_hint="MANIFEST")
        if other is not None and not other.is_dir():
            raise typer.BadParameter(f"{other} is not a folder", param_hint="FOLDER")
        return PairsPlan(list_photos(folder), None if other is None else list_photos(other), scorer, settings)
    if other is not None:
        raise typer.BadParameter(
            f"{source} is not a folder, so there is nothing to compare it with", param_hint="FOLDER"
        )
    manifest = _open_manifest(source)
    job = jobs.Compare(settings, scorer) if task == Task.COMPARE else jobs.Omni(settings, scorer)
    return RowsPlan(manifest, survey(manifest), job, settings)


def _open_manifest(source: str) -> Manifest:
    from senseid_cli.batch.errors import ManifestError
    from senseid_cli.batch.manifest import Manifest, format_of

    path = Path(source)
    try:
        if source == STDIN:
            if sys.stdin is None or sys.stdin.isatty():
                raise typer.BadParameter("standard input is a terminal: pipe the rows in", param_hint="MANIFEST")
            data = sys.stdin.buffer.read()
        elif path.is_file():
            with path.open("rb") as file:
                head = file.read(64)
            return Manifest(source, format_of(source, head), path.parent, lambda: path.open("rb"))
        else:
            data = path.read_bytes()  # a pipe: it can be read only once, and the rows are read twice
    except OSError as error:
        raise ManifestError(
            f"{source} cannot be read: {(error.strerror or 'unknown reason').lower()}", remedy="check the path"
        ) from error
    folder = Path() if source == STDIN else path.parent
    name = "stdin" if source == STDIN else source
    return Manifest(name, format_of("", data[:64]), folder, lambda: io.BytesIO(data))


def _journal(out: Path, plan: Plan, *, resume: bool) -> Journal:
    from senseid_cli import wiring
    from senseid_cli.batch.journal import Journal, fingerprint, partial_of

    run = fingerprint({**plan.facts(), "version": wiring.product_version(), "models": wiring.models_digest()})
    begin = Journal.resume if resume else Journal.begin
    return begin(partial_of(out), run, time.monotonic)


def _run(
    plan: Plan, journal: Journal | None, form: Format, out: Path | None, open_executor: Callable[[], Executor]
) -> Tally:
    from senseid_cli.batch.desk import Desk, KeepNothing
    from senseid_cli.batch.runner import run_to_file, run_to_stream
    from senseid_cli.batch.writers import text_writer
    from senseid_cli.report.progress import progress

    executor = open_executor()
    desk = Desk(executor, _read, KeepNothing())
    try:
        with progress(*plan.steps) as advance:
            if journal is not None and out is not None:
                return run_to_file(plan, journal, form, out, desk, executor.slots, advance)
            writer = text_writer(form, sys.stdout.write, plan.columns)
            return run_to_stream(plan, writer, desk, executor.slots, advance)
    finally:
        desk.close()


def _executor(licences: VerifiedLicences, scheduler: str | None, workers: int | None) -> Executor:
    """A cluster, or threads here that share one set of models, each on as many CPUs as are left to one thread."""
    if scheduler is not None:
        from senseid_cli.batch.cluster import Cluster

        return Cluster.connect(scheduler, workers)

    from senseid_cli import wiring
    from senseid_cli.batch.executors import Local
    from senseid_cli.batch.work import Tools
    from senseid_engine.cpu import available_cpus

    cpus = available_cpus()
    slots = workers or cpus
    return Local(Tools(licences, wiring.open_engine(licences, threads=max(1, cpus // slots))), slots)


def _read(path: Path, medium: Medium) -> bytes:
    from senseid_cli import media
    from senseid_engine.image import MAX_BYTES

    # Absolute: a file called `-` is not standard input.
    return media.read_bytes(str(path.absolute()), most=MAX_BYTES, what=medium)
