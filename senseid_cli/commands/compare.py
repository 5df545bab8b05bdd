"""`senseid compare`: do two photos show the same person?"""

from __future__ import annotations

from typing import Annotated

import typer

from senseid import bodies, installation
from senseid.bodies import DEFAULT_THRESHOLD
from senseid.decisions import Figures
from senseid.models import opening_engine
from senseid.outcomes import ExitStatus
from senseid_cli import media
from senseid_cli.decisions import note_decision
from senseid_cli.options import (
    AsJson,
    AutoRotate,
    CheckLiveness,
    CheckQuality,
    DecisionLogFile,
    DeviceName,
    LogNames,
    References,
    SingleFace,
    Threshold,
)
from senseid_cli.output import comparison, terminal
from senseid_engine.device import Device
from senseid_engine.photo_options import PhotoOptions
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product


def compare(
    first: Annotated[
        str,
        typer.Argument(metavar="A", help="The first photo, or the only one beside --reference; `-` is standard input."),
    ],
    second: Annotated[
        str | None, typer.Argument(metavar="[B]", help="The second photo; `-` is standard input.", show_default=False)
    ] = None,
    references: References = None,
    as_json: AsJson = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    auto_rotate: AutoRotate = False,
    check_quality: CheckQuality = False,
    single_face: SingleFace = False,
    check_liveness: CheckLiveness = False,
    details: Annotated[
        bool, typer.Option("--details", help="Add details: which faces were compared, and what the score means.")
    ] = False,
    device: DeviceName = Device.AUTO,
    decision_log: DecisionLogFile = None,
    log_names: LogNames = False,
) -> None:
    """Compare the faces of two photos. Of several faces the largest is used.

    Prints the verdict and the score, and on standard error which face was taken where another one may be meant, and
    what of a face is covered. With several photos of one person, each behind --reference, the right person is turned
    away less often, and a stranger gets in no more often; one that shows somebody else is refused. Exit status: 0
    match, 1 no match, 3 a photo is refused, 4 licence.

    Examples:
        senseid compare alice.jpg bob.jpg
        senseid compare passport.jpg selfie.jpg --threshold 0.8 --json
        senseid compare --reference first.jpg --reference second.jpg selfie.jpg
    """
    known, probe = _sides(first, second, references or [])
    licences = installation.verify_licences()
    terminal.note_grace(licences.require(Product.FACE, Capability.COMPARE))
    with opening_engine(licences, device) as opening:
        photos = media.read_pair(known[0], probe)
        engine = opening.result()
    options = PhotoOptions(
        auto_rotate=auto_rotate,
        check_quality=check_quality,
        single_face=single_face,
        check_liveness=check_liveness,
    )
    result = engine.compare(*photos, options, further=map(media.read_photo, known[1:]))
    note_decision(
        decision_log,
        "compare",
        Figures(score=result.score),
        threshold=threshold,
        names=(*known, probe) if log_names else (),
    )
    if as_json or terminal.terminal_width() is None:
        terminal.note_doubts(result.first, *result.further, result.second)
    if as_json:
        body = bodies.compare_body(result, installation.new_request_id())
        terminal.put_json({**body, "details": bodies.compare_details(result, threshold)} if details else body)
    elif terminal.terminal_width() is not None:
        terminal.put_table(comparison.compare_table(result, threshold, details=details))
    else:
        terminal.put_lines(comparison.compare_lines(result, threshold, details=details))
    raise typer.Exit(ExitStatus.YES if result.score >= threshold else ExitStatus.NO)


def _sides(first: str, second: str | None, references: list[str]) -> tuple[list[str], str]:
    """The photos of the known person, and the one that is compared with them."""
    if references and second is not None:
        raise typer.BadParameter(
            "beside --reference one photo is compared, not two: `senseid compare --reference A --reference B PHOTO`",
            param_hint="B",
        )
    if not references and second is None:
        raise typer.BadParameter(
            f"the second photo is missing after {first}: type `senseid compare A B`, as in `senseid compare alice.jpg"
            " bob.jpg`, or `senseid compare --reference A PHOTO`",
            param_hint="B",
        )
    known, probe = (references, first) if second is None else ([first], second)
    media.check_references(known)
    if references:
        media.check_sources({**media.named_references(references), "PHOTO": probe})
    else:
        media.check_sources({"A": first, "B": probe})
    return known, probe
