"""`senseid omni`: every face of one photo against every face of another."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import Annotated

import typer

from senseid import bodies, installation
from senseid.bodies import DEFAULT_THRESHOLD
from senseid.decisions import Figures
from senseid.models import opening_engine
from senseid.outcomes import ExitStatus
from senseid_cli import media, paths
from senseid_cli.decisions import note_decision
from senseid_cli.options import (
    AsJson,
    AutoRotate,
    CheckQuality,
    DecisionLogFile,
    DeviceName,
    FirstPhoto,
    Force,
    LogNames,
    SecondPhoto,
    Threshold,
)
from senseid_cli.output import comparison, terminal
from senseid_engine.device import Device
from senseid_engine.photo_options import PhotoOptions
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product


def omni(
    first: FirstPhoto,
    second: SecondPhoto,
    as_json: AsJson = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    auto_rotate: AutoRotate = False,
    check_quality: CheckQuality = False,
    draw: Annotated[
        Path | None,
        typer.Option(
            "--draw", metavar="OUT.png", help="Draw a picture: both photos with numbered faces, and the scores."
        ),
    ] = None,
    force: Force = False,
    device: DeviceName = Device.AUTO,
    decision_log: DecisionLogFile = None,
    log_names: LogNames = False,
) -> None:
    """Compare every face of A with every face of B.

    Faces are numbered from the largest to the smallest: A1, A2, ... and B1, B2, ... Exit status: 0 some pair matches,
    1 none does, 3 a photo is refused, 4 licence.

    Examples:
        senseid omni family.jpg party.jpg
        senseid omni family.jpg party.jpg --draw faces.png
    """
    media.check_sources({"A": first, "B": second})
    if draw is not None:
        paths.check_output(draw, sources=(first, second), force=force)
    licences = installation.verify_licences()
    terminal.note_grace(licences.require(Product.FACE, Capability.OMNI))
    with opening_engine(licences, device) as opening:
        photos = media.read_pair(first, second)
        engine = opening.result()
    result = engine.omni(*photos, PhotoOptions(auto_rotate=auto_rotate, check_quality=check_quality))
    best = max(max(row) for row in result.scores)
    note_decision(
        decision_log,
        "omni",
        Figures(score=best),
        threshold=threshold,
        names=(first, second) if log_names else (),
    )
    if draw is not None:
        from senseid_cli.output.drawing.omni import draw_omni

        paths.write_output(draw, draw_omni(*photos, result, threshold), private=True)
    if as_json:
        terminal.put_json(bodies.omni_body(result, installation.new_request_id()))
    elif (terminal.terminal_width() or 0) >= comparison.omni_table_width(result):
        terminal.put_table(comparison.omni_table(result, threshold))
    else:
        # A pipe, or a terminal too narrow for the matrix.
        terminal.put_lines(comparison.omni_lines(result, threshold))
    raise typer.Exit(ExitStatus.YES if best >= threshold else ExitStatus.NO)
