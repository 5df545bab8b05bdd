"""From the words of the command line to a plan."""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from senseid_cli.media import STDIN, name_of
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    from senseid.tables.manifest import Manifest
    from senseid_cli.batch.jobs import BatchSettings, Job
    from senseid_cli.batch.plan import Plan
    from senseid_engine.device import Device
    from senseid_models.registry import Registry


def make_plan(source: str, other: Path | None, task: str, settings: BatchSettings, registry: Registry) -> Plan:
    """Make the plan of a run from the words of the command line.

    Args:
        source: a manifest, a folder, or `-`.
        other: a second folder, whose photos are compared with those of the first.
        task: name of the job.
        settings: of every row.
        registry: which models there are.

    Raises:
        BadParameter: the words make no sense together.
        BatchError: the manifest cannot be read or used.
    """
    from senseid.tables.manifest import of_names, survey
    from senseid_cli.batch import jobs
    from senseid_cli.batch.pairs import list_media
    from senseid_cli.batch.plan import PairsPlan, RowsPlan
    from senseid_cli.output import terminal
    from senseid_engine.batch.scorer import Scorer

    scorer = Scorer.open(registry)
    job = jobs.JOBS[task](settings, scorer)
    folder = Path(source)
    of_folder = source != STDIN and os.path.isdir(folder)
    if other is not None and not os.path.lexists(other):
        raise typer.BadParameter(f"there is no folder {other}", param_hint="FOLDER")
    if other is not None and not (of_folder and task == "compare" and os.path.isdir(other)):
        raise typer.BadParameter("it takes two folders, and --task compare", param_hint="FOLDER")
    if of_folder and task == "compare":
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


def _refuse_medium(source: str, head: bytes) -> None:
    """Refuse a photo or a video in the place of a list."""
    from senseid.batch_errors import ManifestError
    from senseid_engine.image import is_photo
    from senseid_engine.photo_kinds import is_video

    if is_photo(head) or is_video(head):
        raise ManifestError(
            f"{source} is a {'photo' if is_photo(head) else 'video'}, and a list of files is needed",
            remedy="name a folder (`senseid batch photos`), or a list with the columns first,second"
            " (`senseid batch pairs.csv`)",
        )


def _open_manifest(source: str, job: Job) -> Manifest:
    from senseid.batch_errors import ManifestError
    from senseid.tables.dialect import Wanted
    from senseid.tables.manifest import Manifest, format_of
    from senseid_cli.batch.summary import LABEL

    path = Path(source)
    # Of a video and a photo without a header it cannot be told which comes first.
    in_order = job.required if len({work.medium for work in job.works.values()}) == 1 else ()
    wanted = Wanted((*job.works, LABEL), in_order, Path() if source == STDIN else path.parent)
    try:
        if source == STDIN:
            if sys.stdin is None or sys.stdin.isatty():
                state = "closed" if sys.stdin is None else "a terminal"
                raise typer.BadParameter(f"standard input is {state}: pipe the rows in", param_hint="MANIFEST")
            data = sys.stdin.buffer.read()
        elif os.path.isfile(path):
            with path.open("rb") as file:
                head = file.read(64)
            _refuse_medium(source, head)
            return Manifest(source, format_of(source, head), wanted, lambda: path.open("rb"))
        else:
            data = path.read_bytes()  # a pipe: it can be read only once, and the rows are read twice
    except OSError as error:
        raise ManifestError(f"{source} cannot be read: {reason_of(error)}", remedy="check the path") from error
    _refuse_medium(name_of(source), data[:64])
    return Manifest(name_of(source), format_of("", data[:64]), wanted, lambda: io.BytesIO(data))


def models_on(device: Device) -> str:
    """Return a word that is equal for equal models on equal processors.

    Scores of one are not quite those of another (docs/hardware.md), so that neither results nor templates are mixed.
    """
    from senseid import installation
    from senseid_engine.device import Device, fastest, installed

    if device is Device.AUTO:
        device = fastest(installed())
    digest = installation.models_digest()
    # On the CPU alone: what was made before there were others still counts.
    return digest if device is Device.CPU else f"{digest} {device}"


def fingerprint_of(plan: Plan, models: str) -> str:
    """Return a digest that is equal for equal plans, versions and models, which `models_on` gives."""
    from senseid.tables.journal import fingerprint
    from senseid.version import __version__

    return fingerprint({**plan.facts(), "version": __version__, "models": models})
