"""`senseid drift`: do scores, qualities and refusals look as they did, or as the calibration says?"""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import Annotated

import typer

from senseid_cli.options import Force

Counts = Annotated[
    list[str],
    typer.Argument(
        metavar="COUNTS...",
        help="Metrics of the service (a file, or http://127.0.0.1:PORT/metrics), results of `batch`, or a reference.",
    ),
]


def drift(
    counts: Counts,
    since: Annotated[
        str | None, typer.Option("--since", metavar="FILE", help="An earlier scrape: only what came after it counts.")
    ] = None,
    against: Annotated[
        list[str] | None,
        typer.Option("--against", metavar="FILE", help="The reference; may be repeated.", show_default="calibration"),
    ] = None,
    save: Annotated[
        Path | None,
        typer.Option("--save", metavar="OUT.json", help="Keep the counts as a reference, and judge nothing."),
    ] = None,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object.")] = False,
) -> None:
    """Compare the scores, qualities and refusals of a period with the calibration or an earlier period.

    Says what changed by more than chance, and whether scores without labels speak against the promised rate of false
    matches; that rate itself cannot be known without labels. Exit status: 0 nothing changed, 1 something did, 3 counts
    cannot be read or are too few to tell.

    Examples:
        senseid drift metrics.txt --since yesterday.txt
        senseid drift results.csv --against january.csv --json
    """
    from senseid import installation
    from senseid.drift.judge import LEAST, judge
    from senseid.errors import PeriodError
    from senseid_cli import paths
    from senseid_cli.drift_sources import read_period
    from senseid_cli.output import terminal
    from senseid_cli.output.drift import body, lines
    from senseid_engine.engine import read_curve
    from senseid_engine.recognition import Recognition

    if save is not None:
        paths.check_output(
            save, sources=(*counts, *([since] if since else [])), force=force, suffix=".json", option="--save"
        )
    period = read_period(counts)
    if since is not None:
        period = period.minus(read_period([since]))
    if save is not None:
        paths.write_output(save, period.dump().encode())
        raise typer.Exit
    registry = installation.registry()
    provenance = read_curve(registry.asset(Recognition.load(registry).curve)).provenance
    judgement = judge(period, read_period(against) if against else None, provenance)
    if as_json and not judgement.tells_nothing:  # else the error is the answer
        terminal.put_result(body(judgement, provenance))
    elif not as_json:
        terminal.put_lines(lines(judgement, provenance))
    if judgement.tells_nothing:
        raise PeriodError(
            "there is too little to tell anything by",
            remedy=f"it takes {LEAST} events on each side: take a longer period, or name a reference (--against)",
        )
    raise typer.Exit(1 if judgement.has_changed else 0)
