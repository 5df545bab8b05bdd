"""One run: the place of the work opened, everything done, the page written."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from pathlib import Path

    from senseid.models import ModelKind
    from senseid.tables.journal import Journal
    from senseid.tables.manifest import Format
    from senseid_cli.batch.executors import Executor
    from senseid_cli.batch.plan import Plan
    from senseid_cli.batch.runner import Outputs, Tally
    from senseid_cli.batch.work import Medium
    from senseid_cli.batch.work_queue import ResultCache, WorkQueue
    from senseid_cli.output.html.document import Faces
    from senseid_engine.device import Device
    from senseid_licensing.verified import VerifiedLicences


def run_plan(
    plan: Plan, executor: Executor, journal: Journal | None, form: Format, outputs: Outputs | None, cache: ResultCache
) -> Tally:
    """Do everything that is planned, and say on standard error how much was done.

    Args:
        plan: what is done.
        executor: where.
        journal: keeps what is done until the output is whole; None for standard output.
        form: of the results.
        outputs: where they go; None for standard output.
        cache: results of earlier runs.

    Raises:
        OutputError: they go to standard output, and it is closed.
    """
    from senseid.errors import OutputError
    from senseid.tables.writers import text_writer
    from senseid_cli.batch.runner import run_to_file, run_to_stream
    from senseid_cli.output.progress import progress

    queue = open_queue(executor, cache)
    try:
        if outputs is None and sys.stdout is None:
            raise OutputError("standard output is closed", remedy="name a file with --out")
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
    worked, done = queue.counts.worked, tally.done
    work = f"{worked:,} file{'s' * (worked != 1)} worked on, {queue.counts.kept:,} taken from the cache"
    typer.echo(f"{done:,} record{'s' * (done != 1)} done, {tally.refused:,} refused; {work}", err=True)
    return tally


def open_cache(folder: Path, days: int, models: str) -> ResultCache:
    """Results of earlier runs in a folder, encrypted under the key of this installation. Older ones are deleted.

    Args:
        folder: where; made when the first result is put there.
        days: the age, in days, from which on they are deleted.
        models: what `models_on` gives: results of others are not found.

    Raises:
        RefusedError: it is no folder, or cannot be read.
        OutputError: an old one cannot be deleted.
    """
    from senseid import installation
    from senseid_cli.batch.cache import Cache
    from senseid_cli.batch.cache_folder import purge
    from senseid_cli.key_sources import key_sources
    from senseid_cli.output import terminal

    cache = Cache(folder, key_sources().to_encrypt().key, models, installation.entropy)
    if os.path.lexists(folder) and (old := purge(folder, installation.now(), days).templates):
        terminal.note(f"{old} templates of {days} days or more were deleted from the cache")
    return cache


def open_executor(
    licences: VerifiedLicences,
    model_kinds: frozenset[ModelKind],
    scheduler: str | None,
    workers: int | None,
    device: Device,
) -> Executor:
    """A cluster, or threads here that share one set of models, each on as many CPUs as are left to one thread."""
    if scheduler is not None:
        from senseid_cli.batch.cluster import Cluster

        return Cluster.connect(scheduler, model_kinds, workers, device)

    from senseid.models import Models
    from senseid_cli.batch.executors import Local
    from senseid_engine.cpu import available_cpus

    cpus = available_cpus()
    slots = workers or cpus
    models = Models(lambda: licences, threads=max(1, cpus // slots), device=device)
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


def open_queue(executor: Executor, cache: ResultCache) -> WorkQueue:
    """A queue that reads photos and videos as the command line does."""
    from senseid_cli.batch.work_queue import WorkQueue

    return WorkQueue(executor, _read, cache)


@dataclass(frozen=True, slots=True)
class Page:
    """The settings of a report, beside the records.

    Attributes:
        path: where it goes.
        title: what it says above.
        threshold: the score from which on it is a match.
        group: the column that names the group of a row.
        plain_faces: whether photos that are encrypted are shown too.
    """

    path: Path
    title: str
    threshold: float
    group: str
    plain_faces: bool = False


def write_report(
    page: Page,
    records: Iterable[dict[str, Any]],
    photos: Callable[[dict[str, Any]], list[tuple[str, Path]]],
    queue: WorkQueue | None,
) -> None:
    """Write the page that shows what came out of a run.

    Args:
        page: where and how.
        records: of all rows.
        photos: the photos of a record that are shown, each with the column that names it.
        queue: finds the faces on those of which the record does not tell them; None: no photo is shown.
    """
    from senseid_cli import paths
    from senseid_cli.batch.summary import Example, summarise
    from senseid_cli.output import terminal
    from senseid_cli.output.html import batch
    from senseid_cli.output.html.document import Faces

    faces = Faces(page.plain_faces)

    def pictures(example: Example) -> list[bytes]:
        if queue is None:
            return []
        matched = example.score >= page.threshold
        return [
            _thumbnail(photo, faces, boxes_of(example.record, column, photo, queue), matched=matched)
            for column, photo in photos(example.record)
        ]

    text = batch.page(page.title, summarise(records, page.threshold, page.group), pictures, faces)
    paths.write_output(page.path, text.encode(errors="backslashreplace"), private=True)
    terminal.note_hidden(faces.hidden, page.path)


def boxes_of(record: dict[str, Any], column: str, photo: Path, queue: WorkQueue) -> list[list[int]]:
    """The rectangles of the faces of a photo, that which was used first: those of the record, else looked for now."""
    from senseid_cli.batch.work import Encode, Encoded
    from senseid_engine.photo_options import PhotoOptions
    from senseid_licensing.capability import Capability

    if "face_rects" in record:
        found: list[list[int]] = record["face_rects"][f"{column}_image_face_rects"]
        return found
    if "faces" in record:
        return [[face["rect"][side] for side in ("left", "top", "right", "bottom")] for face in record["faces"]]
    # As it lies in the file: in a photo that was turned to find its face, none is found, and it has no box.
    capability = Capability.VERIFY if "liveness_score" in record else Capability.COMPARE
    outcome = queue.ask(photo, Encode(True, PhotoOptions(), capability)).result()
    return list(outcome.rects) if isinstance(outcome, Encoded) else []


def _thumbnail(photo: Path, faces: Faces, boxes: list[list[int]], *, matched: bool) -> bytes:
    from senseid_cli import media
    from senseid_cli.output.drawing.palette import GOOD, OTHER
    from senseid_cli.output.html.document import small_face
    from senseid_crypto.errors import CryptoError
    from senseid_engine.errors import MediaError
    from senseid_engine.results import Rect

    try:
        image, encrypted = media.open_photo(str(photo.absolute()))
    except (MediaError, CryptoError):
        return b""  # gone since it was compared
    rects = [Rect(*box) for box in boxes]
    return faces.show(
        lambda: small_face(image.pixels, rects, GOOD if matched else OTHER),
        encrypted=encrypted,
    )
