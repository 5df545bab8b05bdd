"""`senseid batch`: many comparisons in one run."""

from __future__ import annotations

import os
import time
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from senseid.bodies import DEFAULT_THRESHOLD
from senseid.tables.manifest import SUFFIXES, Format, import_parquet
from senseid_cli.media import STDIN
from senseid_cli.options import (
    AutoRotate,
    CheckLiveness,
    CheckQuality,
    DeviceName,
    PlainFaces,
    SingleFace,
    Threshold,
    Workers,
    refuse_given,
)
from senseid_engine.device import Device
from senseid_engine.photo_options import PhotoOptions


class Task(StrEnum):
    """The task for each row."""

    COMPARE = "compare"
    OMNI = "omni"
    QUALITY = "quality"
    LIVENESS = "liveness"
    VERIFY = "verify"


def batch(
    manifest: Annotated[
        str,
        typer.Argument(
            metavar="MANIFEST",
            help="CSV, NDJSON or Parquet with a row per comparison, `-` for standard input, or a folder of photos.",
        ),
    ],
    other: Annotated[
        Path | None,
        typer.Argument(
            metavar="[FOLDER]",
            help="Where MANIFEST is a folder: compare all its photos with all of this one, and not with each other.",
        ),
    ] = None,
    task: Annotated[
        Task,
        typer.Option(
            "--task", "-t", metavar="compare|omni|quality|liveness|verify", help="What is done with each row."
        ),
    ] = Task.COMPARE,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            "-o",
            metavar="FILE",
            help="Write the result there, as CSV, NDJSON or Parquet by its suffix; standard output if unset.",
        ),
    ] = None,
    output_format: Annotated[
        Format | None,
        typer.Option("--format", metavar="csv|ndjson|parquet", help="Choose the format, whatever the suffix."),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: the same as --format ndjson.")] = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    auto_rotate: AutoRotate = False,
    check_quality: CheckQuality = False,
    single_face: SingleFace = False,
    check_liveness: CheckLiveness = False,
    cache: Annotated[
        Path | None,
        typer.Option(
            "--cache",
            metavar="FOLDER",
            help="Keep templates there, encrypted with your key, so that the next run encodes no photo again.",
        ),
    ] = None,
    cache_days: Annotated[
        int | None,
        typer.Option(
            "--cache-days",
            metavar="NUMBER",
            min=1,
            max=36500,
            help="Delete templates of that age from --cache; 90 if unset.",
        ),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(
            "--report",
            metavar="OUT.html",
            help="Write a report: a page with what was refused and why, scores, the worst pairs, error rates where a"
            " column `same` says 1 or 0, the worst groups of a column `group`. It shows the faces of people.",
        ),
    ] = None,
    plain_faces: PlainFaces = False,
    workers: Workers = None,
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler", metavar="ADDRESS", help="Let the workers of this Dask scheduler work, as tcp://HOST:8786."
        ),
    ] = None,
    device: DeviceName = Device.AUTO,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an interrupted run of this --out.")] = False,
    force: Annotated[
        bool,
        typer.Option("--force", help="Overwrite files that are there, and begin anew where a run was interrupted."),
    ] = False,
) -> None:
    """Many comparisons or checks in one run: each photo is read and encoded once.

    The rows of MANIFEST name files, relative to its folder, in the columns `first` and `second` (compare, omni),
    `photo` (quality), `video` (liveness) or both (verify); other columns are passed on. Further photos of one person go
    into `first_2` to `first_10`, or `photo_2` to `photo_10`. Every row gives one record, in order; a refused one says
    why, with the code of the HTTP API. Of a folder all photos are compared with each other, and the pairs from
    --threshold on are told; quality and liveness take a folder too. Exit status: 0 every row has a result, match or
    not, 3 some are refused, 4 licence, 130 interrupted.

    Examples:
        senseid batch pairs.csv --out results.csv --report report.html
        senseid batch photos --threshold 0.8 --json
    """
    from senseid import installation
    from senseid.tables.journal import Journal
    from senseid_cli import paths
    from senseid_cli.batch.cache_folder import DEFAULT_DAYS
    from senseid_cli.batch.jobs import BatchSettings
    from senseid_cli.batch.planning import fingerprint_of, make_plan, models_on
    from senseid_cli.batch.run import Page, open_cache, open_executor, run_plan, write_report
    from senseid_cli.batch.runner import Outputs
    from senseid_cli.batch.summary import GROUP
    from senseid_cli.batch.work_queue import NoCache
    from senseid_cli.output import terminal
    from senseid_licensing.capability import Capability

    paths.check_here()
    paths.check_word(manifest, name="MANIFEST")
    form = _output_format(out, output_format, as_json=as_json)
    _check_output(out, manifest, resume=resume, force=force)
    paths.check_apart({"--out": out, "--report": report, "MANIFEST": None if manifest == STDIN else Path(manifest)})
    if task in {Task.QUALITY, Task.LIVENESS}:
        refuse_given(
            {"--check-quality": check_quality, "--check-liveness": check_liveness, "--single-face": single_face},
            f"it is about faces that are compared, not about {task}",
        )
    if cache_days is not None and cache is None:
        raise typer.BadParameter("it needs --cache", param_hint="--cache-days")
    if plain_faces and report is None:
        raise typer.BadParameter("it needs --report", param_hint="--plain-faces")
    if report is not None:
        if out is None:
            raise typer.BadParameter("it needs --out", param_hint="--report")
        paths.check_output(report, sources=(), force=force or resume, suffix=".html", option="--report")
    licences = installation.verify_licences()
    photos = PhotoOptions(
        auto_rotate=auto_rotate,
        check_quality=check_quality,
        single_face=single_face,
        check_liveness=check_liveness,
    )
    settings = BatchSettings(threshold, photos)
    plan = make_plan(manifest, other, task, settings, installation.registry())
    paths.check_unread([("--out", out), ("--report", report)], plan.files())
    for product, capability in dict.fromkeys(need for work in plan.works for need in work.needs):
        licences.require(product, capability)
        terminal.note_grace(licences.require(product, Capability.BATCH))
    models = models_on(device)
    results = NoCache() if cache is None else open_cache(cache, cache_days or DEFAULT_DAYS, models)
    run = fingerprint_of(plan, models)
    journal = Journal.resume(out, run, time.monotonic) if resume and out is not None else None
    model_kinds = frozenset(kind for work in plan.works for kind in work.model_kinds)
    writes = (
        None
        if report is None
        else lambda records, queue: write_report(
            Page(report, f"Batch of {manifest}", threshold, GROUP, plain_faces), records, plan.photos, queue
        )
    )
    outputs = None if out is None else Outputs(out, form, writes)
    executor = open_executor(licences, model_kinds, scheduler, workers, device)
    if out is not None and journal is None:
        # Not before the models are open: what did not begin is no interrupted run.
        journal = Journal.begin(out, run, time.monotonic)
    tally = run_plan(plan, executor, journal, form, outputs, results)
    raise typer.Exit(tally.status)


def _output_format(out: Path | None, chosen: Format | None, *, as_json: bool) -> Format:
    if as_json and chosen not in {None, Format.NDJSON}:
        raise typer.BadParameter("--json writes NDJSON", param_hint="--format")
    if chosen is not None or as_json:
        form = chosen or Format.NDJSON
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
    from senseid.tables.journal import check_idle, partial_of
    from senseid_cli import paths

    if out is None:
        if resume:
            raise typer.BadParameter("it needs --out, the output of the run that goes on", param_hint="--resume")
        return
    if resume and force:
        raise typer.BadParameter("--resume and --force exclude each other", param_hint="--resume")
    interrupted = os.path.exists(partial_of(out))
    paths.check_output(out, sources=(manifest,), force=force or resume or interrupted, suffix=None, option="--out")
    if interrupted:
        check_idle(out)
        if not resume and not force:
            raise typer.BadParameter(
                f"a run to {out} was interrupted: --resume goes on with it, --force begins anew", param_hint="--out"
            )
    elif resume:
        raise typer.BadParameter(f"no run to {out} was interrupted", param_hint="--resume")
