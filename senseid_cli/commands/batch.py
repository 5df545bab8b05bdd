"""`senseid batch`: many comparisons in one run."""

from __future__ import annotations

import io
import sys
import time
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senseid.bodies import DEFAULT_THRESHOLD
from senseid_cli.media import STDIN
from senseid_cli.options import AutoRotate, CheckQuality, SingleFace, Threshold
from senseid_engine.errors import reason_of
from senseid_engine.photo_options import PhotoOptions

if TYPE_CHECKING:
    from collections.abc import Iterable

    from senseid.models import ModelKind
    from senseid_cli.batch.executors import Executor
    from senseid_cli.batch.jobs import Job, Settings
    from senseid_cli.batch.journal import Journal
    from senseid_cli.batch.manifest import Format, Manifest
    from senseid_cli.batch.plan import Plan
    from senseid_cli.batch.runner import Outputs, Tally
    from senseid_cli.batch.work import Medium
    from senseid_cli.batch.work_queue import ResultCache
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


class Task(StrEnum):
    """What is done with each row."""

    COMPARE = "compare"
    OMNI = "omni"
    QUALITY = "quality"
    LIVENESS = "liveness"
    VERIFY = "verify"


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
    check_quality: CheckQuality = False,
    single_face: SingleFace = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="DIR",
            help="Keep templates there, encrypted with your key, so that the next run encodes no photo again.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="OUT.html",
            help="Also write a page: scores, error rates where a column `same` says 1 or 0, the worst pairs."
            " It shows the faces of people.",
        ),
    ] = None,
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
    """Many comparisons or checks in one run: each photo is read and encoded once.

    The rows of MANIFEST name files, relative to its folder, in the columns `first` and `second` (compare, omni),
    `photo` (quality), `video` (liveness) or both (verify); other columns are passed on. Every row gives one record, in
    order; a refused one says why, with the code of the HTTP API. Of a folder all photos are compared with each other,
    and the pairs from --threshold on are told; quality and liveness take a folder too. Exit status: 0 every row has a
    result, match or not, 3 some are refused, 4 licence, 130 interrupted.
    """
    from senseid import installation
    from senseid_cli import paths
    from senseid_cli.batch.jobs import Settings
    from senseid_cli.batch.journal import Journal
    from senseid_cli.batch.runner import Outputs
    from senseid_cli.batch.work_queue import NoCache
    from senseid_cli.output import terminal
    from senseid_licensing.capability import Capability

    paths.check_here()
    paths.check_word(manifest, name="MANIFEST")
    form = _output_format(out, output_format, as_json=as_json)
    _check_output(out, manifest, resume=resume, force=force)
    paths.check_apart({"--out": out, "--report": report, "MANIFEST": None if manifest == STDIN else Path(manifest)})
    if report is not None:
        if out is None:
            raise typer.BadParameter("it needs --out", param_hint="--report")
        paths.check_output(report, sources=(), force=force or resume, suffix=".html", option="--report")
    licences = installation.verify_licences()
    photos = PhotoOptions(auto_rotate=auto_rotate, check_quality=check_quality, single_face=single_face)
    settings = Settings(threshold, photos)
    plan = _plan(manifest, other, task, settings, installation.registry())
    for product, capability in dict.fromkeys(need for work in plan.works for need in work.needs):
        licences.require(product, capability)
        terminal.note_grace(licences.require(product, Capability.BATCH))
    results = NoCache() if cache is None else _cache(cache)
    run = _fingerprint(plan)
    journal = Journal.resume(out, run, time.monotonic) if resume and out is not None else None
    model_kinds = frozenset(kind for work in plan.works for kind in work.model_kinds)
    writes = None if report is None else lambda records: _report(report, manifest, plan, threshold, records)
    outputs = None if out is None else Outputs(out, form, writes)
    executor = _executor(licences, model_kinds, scheduler, workers)
    if out is not None and journal is None:
        # Not before the models are open: what did not begin is no interrupted run.
        journal = Journal.begin(out, run, time.monotonic)
    tally = _run(plan, executor, journal, form, outputs, results)
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


def _check_output(out: Path | None, manifest: str, *, resume: bool, force: bool) -> None:
    """Refuse before the work is done, not after it."""
    from senseid_cli import paths
    from senseid_cli.batch.journal import check_idle, partial_of

    if out is None:
        if resume:
            raise typer.BadParameter("it needs --out, the output of the run that goes on", param_hint="--resume")
        return
    if resume and force:
        raise typer.BadParameter("--resume and --force exclude each other", param_hint="--resume")
    if out.is_dir():
        raise typer.BadParameter(f"{out} is a folder", param_hint="--out")
    if paths.is_device(out):
        raise typer.BadParameter(
            f"{out} is no regular file: without --out the results go to standard output", param_hint="--out"
        )
    if manifest != STDIN and paths.is_same_file(out, Path(manifest)):
        raise typer.BadParameter(f"{out} is also that of MANIFEST", param_hint="--out")
    if not out.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {out.parent}", param_hint="--out")
    if partial_of(out).exists():
        check_idle(out)
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
    from senseid_cli.batch.manifest import of_names, survey
    from senseid_cli.batch.pairs import list_media
    from senseid_cli.batch.plan import PairsPlan, RowsPlan
    from senseid_cli.output import terminal
    from senseid_engine.batch.scorer import Scorer

    scorer = Scorer.open(registry)
    job = jobs.JOBS[task](settings, scorer)
    folder = Path(source)
    of_folder = source != STDIN and folder.is_dir()
    if other is not None and not (of_folder and task == Task.COMPARE and other.is_dir()):
        raise typer.BadParameter("it takes two folders, and --task compare", param_hint="FOLDER")
    if of_folder and task == Task.COMPARE:
        return PairsPlan(list_media(folder), None if other is None else list_media(other), scorer, settings)
    if not of_folder:
        manifest = _open_manifest(source, job)
    elif len(job.works) == 1:
        ((column, work),) = job.works.items()
        manifest = of_names(folder, list_media(folder, work.medium).names, column=column)
    else:
        raise typer.BadParameter(f"{task} needs a manifest that names the pairs", param_hint="MANIFEST")
    plan = RowsPlan(manifest, survey(manifest), job, settings)
    if not plan.survey.header:
        terminal.note(f"{manifest.name} has no header: its columns are taken as {', '.join(plan.survey.columns)}")
    return plan


def _open_manifest(source: str, job: Job) -> Manifest:
    from senseid_cli.batch.dialect import Wanted
    from senseid_cli.batch.errors import ManifestError
    from senseid_cli.batch.manifest import Manifest, format_of
    from senseid_cli.batch.summary import LABEL

    path = Path(source)
    # Of a video and a photo without a header it cannot be told which comes first.
    in_order = tuple(job.works) if len({work.medium for work in job.works.values()}) == 1 else ()
    wanted = Wanted((*job.works, LABEL), in_order, Path() if source == STDIN else path.parent)
    try:
        if source == STDIN:
            if sys.stdin is None or sys.stdin.isatty():
                raise typer.BadParameter("standard input is a terminal: pipe the rows in", param_hint="MANIFEST")
            data = sys.stdin.buffer.read()
        elif path.is_file():
            with path.open("rb") as file:
                head = file.read(64)
            return Manifest(source, format_of(source, head), wanted, lambda: path.open("rb"))
        else:
            data = path.read_bytes()  # a pipe: it can be read only once, and the rows are read twice
    except OSError as error:
        raise ManifestError(f"{source} cannot be read: {reason_of(error)}", remedy="check the path") from error
    name = "stdin" if source == STDIN else source
    return Manifest(name, format_of("", data[:64]), wanted, lambda: io.BytesIO(data))


def _fingerprint(plan: Plan) -> str:
    from senseid import installation
    from senseid.version import __version__
    from senseid_cli.batch.journal import fingerprint

    return fingerprint({**plan.facts(), "version": __version__, "models": installation.models_digest()})


def _run(
    plan: Plan, executor: Executor, journal: Journal | None, form: Format, outputs: Outputs | None, cache: ResultCache
) -> Tally:
    from senseid_cli.batch.runner import run_to_file, run_to_stream
    from senseid_cli.batch.work_queue import WorkQueue
    from senseid_cli.batch.writers import text_writer
    from senseid_cli.output.progress import progress

    queue = WorkQueue(executor, _read, cache)
    try:
        with progress(*plan.steps, rate=True) as advance:
            if journal is not None and outputs is not None:
                tally = run_to_file(plan, journal, outputs, queue, executor.slots, advance)
            else:
                writer = text_writer(form, sys.stdout.write, plan.columns)
                tally = run_to_stream(plan, writer, queue, executor.slots, advance)
    except KeyboardInterrupt:
        if journal is not None:
            typer.echo("senseid: interrupted; --resume goes on with the run", err=True)
        raise
    finally:
        queue.close()
    work = f"{queue.counts.worked:,} files worked on, {queue.counts.kept:,} taken from the cache"
    typer.echo(f"{tally.done:,} records done, {tally.refused:,} refused; {work}", err=True)
    return tally


def _cache(folder: Path) -> ResultCache:
    from senseid import installation
    from senseid_cli.batch.cache import Cache
    from senseid_cli.key_sources import key_sources

    return Cache(folder, key_sources().to_encrypt().key, installation.models_digest(), installation.entropy)


def _executor(
    licences: VerifiedLicences, model_kinds: frozenset[ModelKind], scheduler: str | None, workers: int | None
) -> Executor:
    """A cluster, or threads here that share one set of models, each on as many CPUs as are left to one thread."""
    if scheduler is not None:
        from senseid_cli.batch.cluster import Cluster

        return Cluster.connect(scheduler, model_kinds, workers)

    from senseid.models import Models
    from senseid_cli.batch.executors import Local
    from senseid_engine.cpu import available_cpus

    cpus = available_cpus()
    slots = workers or cpus
    models = Models(lambda: licences, threads=max(1, cpus // slots))
    for kind in model_kinds:
        models.open(kind)
    return Local(models, slots)


def _read(path: Path, medium: Medium) -> bytes:
    from senseid_cli import media
    from senseid_cli.batch.work import Medium
    from senseid_engine import image, video

    most = image.MAX_BYTES if medium == Medium.PHOTO else video.MAX_BYTES
    # Absolute: a file called `-` is not standard input.
    return media.read_bytes(str(path.absolute()), most=most, what=medium)


def _report(path: Path, title: str, plan: Plan, threshold: float, records: Iterable[dict[str, Any]]) -> None:
    from senseid_cli import media, paths
    from senseid_cli.batch.summary import Example, summarise
    from senseid_cli.output.html.batch import page, small

    def thumbnail(photo: Path) -> bytes:
        from senseid_crypto.errors import CryptoError
        from senseid_engine.errors import MediaError

        try:
            return small(media.read_photo(str(photo.absolute())).pixels)
        except (MediaError, CryptoError):
            return b""  # gone since it was compared

    def pictures(example: Example) -> list[bytes]:
        return [thumbnail(photo) for photo in plan.photos(example.record)]

    text = page(f"Batch of {title}", summarise(records, threshold), pictures)
    paths.write_output(path, text.encode(errors="backslashreplace"))
