"""`senseid report`: the page of a batch again, from the results that it wrote."""

from __future__ import annotations

import os
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated, Any

import typer

from senseid.bodies import DEFAULT_THRESHOLD
from senseid_cli.options import DeviceName, Force, PlainFaces, Threshold
from senseid_engine.device import Device

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_cli.batch.run import Page


def report(
    results: Annotated[
        Path, typer.Argument(metavar="RESULTS", help="What `senseid batch --out` wrote: CSV, NDJSON or Parquet.")
    ],
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", metavar="OUT.html", help="Write the result there; beside RESULTS if unset."),
    ] = None,
    threshold: Threshold = DEFAULT_THRESHOLD,
    group: Annotated[
        str | None,
        typer.Option("--group", metavar="NAME", help="The column that names the group of a row.", show_default="group"),
    ] = None,
    photos: Annotated[
        Path | None,
        typer.Option(
            "--photos",
            metavar="FOLDER",
            help="Also show the photos of the pairs: RESULTS names them relative to this folder, that of the manifest.",
        ),
    ] = None,
    plain_faces: PlainFaces = False,
    device: DeviceName = Device.AUTO,
    force: Force = False,
) -> None:
    """Make the page of a batch again from the results that it wrote.

    Without --photos no face is on it, and no model and no licence is needed. RESULTS does not say at which threshold it
    was made: where that was not 0.7, give it. Exit status: 0 written, 2 RESULTS or an option cannot be used.

    Examples:
        senseid report scores.csv
        senseid report scores.csv --photos photos --group site --out june.html
    """
    from senseid_cli import paths
    from senseid_cli.batch.run import Page, write_report

    if not results.name:  # the current folder, or the root
        raise typer.BadParameter("it is a folder, and not the file that batch wrote", param_hint="RESULTS")
    page = out or results.with_suffix(".html")
    paths.check_output(page, sources=(str(results),), force=force, suffix=".html", option="--out")
    if photos is None and plain_faces:
        raise typer.BadParameter("it needs --photos", param_hint="--plain-faces")
    if photos is not None and not os.path.isdir(photos):
        raise typer.BadParameter(f"there is no folder {photos}", param_hint="--photos")
    settings = Page(page, f"Results of {results}", threshold, group or "group", plain_faces)
    records = _records(results, threshold, group)
    if photos is None:
        write_report(settings, records, lambda _: [], None)
    else:
        _write_with_photos(settings, records, photos, device)
    typer.echo(f"written to {page}", err=True)


def _records(results: Path, threshold: float, group: str | None) -> Iterator[dict[str, Any]]:
    from senseid_cli.batch.results import decided_by, read_results

    for record in read_results(results):
        if group is not None and group not in record:
            raise typer.BadParameter(
                f"{results} has no column {group}: it has {', '.join(map(str, record))}", param_hint="--group"
            )
        if not decided_by(threshold, record):
            score = record.get("verification_score", record.get("best_score"))
            verdict = "a match" if record["match"] else "no match"
            raise typer.BadParameter(
                f"{results} was made with another than {threshold}: {score} is {verdict} there",
                param_hint="--threshold",
            )
        yield record


def _write_with_photos(settings: Page, records: Iterator[dict[str, Any]], folder: Path, device: Device) -> None:
    """Write the page with the faces that are worth a look, found anew where the results do not tell where they are."""
    from senseid import installation
    from senseid_cli.batch.results import names_photo
    from senseid_cli.batch.run import open_executor, open_queue, write_report
    from senseid_cli.batch.work_queue import NoCache

    executor = open_executor(installation.verify_licences(), frozenset(), None, None, device)
    queue = open_queue(executor, NoCache())

    def photos(record: dict[str, Any]) -> list[tuple[str, Path]]:
        return [(column, folder / record[column]) for column in record if names_photo(column)]

    try:
        write_report(settings, records, photos, queue)
    finally:
        queue.close()
