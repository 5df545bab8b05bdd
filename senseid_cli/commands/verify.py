"""`senseid verify`: is the person in a video living, and the one of a photo?"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from senseid import bodies, installation
from senseid.bodies import DEFAULT_THRESHOLD
from senseid.decisions import Figures
from senseid.models import Models
from senseid.outcomes import ExitStatus
from senseid_cli import media
from senseid_cli.crypt import options as keys
from senseid_cli.decisions import note_decision
from senseid_cli.key_sources import key_sources
from senseid_cli.options import (
    AsJson,
    AutoRotate,
    CheckQuality,
    DecisionLogFile,
    DeviceName,
    LogNames,
    References,
    ReturnFaceImage,
    ReturnImage,
    ReturnStatus,
    SingleFace,
    Threshold,
)
from senseid_cli.output import liveness as text
from senseid_cli.output import terminal
from senseid_cli.output.progress import progress
from senseid_engine.device import Device
from senseid_engine.errors import printable
from senseid_engine.photo_options import PhotoOptions
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from senseid_engine.liveness.capture import Capture
    from senseid_engine.liveness.results import CaptureVerification


def verify(
    video: Annotated[
        str,
        typer.Argument(metavar="VIDEO", help="A video, or a file of liveness data; `-` is standard input."),
    ],
    photo: Annotated[
        str | None,
        typer.Argument(
            metavar="[PHOTO]", help="A photo, unless there are --reference; `-` is standard input.", show_default=False
        ),
    ] = None,
    references: References = None,
    as_json: AsJson = False,
    threshold: Threshold = DEFAULT_THRESHOLD,
    check_quality: CheckQuality = False,
    single_face: SingleFace = False,
    auto_rotate: AutoRotate = False,
    return_status: ReturnStatus = False,
    return_image: ReturnImage = False,
    return_face_image: ReturnFaceImage = False,
    key_file: keys.KeyFile = None,
    device: DeviceName = Device.AUTO,
    decision_log: DecisionLogFile = None,
    log_names: LogNames = False,
) -> None:
    """Check that the person in a video is living, and compare the face with that of a photo.

    Of several faces the largest is used. Prints the verdict, the score, and what the liveness check found. In place of
    the video goes a file that `senseid liveness pack` made. Several photos of one person are given with --reference, in
    place of PHOTO. Exit status: 0 living and a match, 1 not, 3 an input is
    refused, 4 licence.

    Examples:
        senseid verify clip.mp4 passport.jpg
        senseid verify clip.live passport.jpg --key-file media.key --json
    """
    known = _known(photo, references or [])
    media.check_sources({"VIDEO": video, **({"PHOTO": photo} if photo is not None else media.named_references(known))})
    licences = installation.verify_licences()
    for product in (Product.FACE, Product.LIVENESS):
        terminal.note_grace(licences.require(product, Capability.VERIFY))

    import shlex

    from senseid_engine.image import is_photo
    from senseid_engine.liveness.capture import is_capture
    from senseid_engine.video import MAX_BYTES

    options = PhotoOptions(auto_rotate=auto_rotate, check_quality=check_quality, single_face=single_face)
    name, data = media.name_of(video), media.read_bytes(video, most=MAX_BYTES, what="video")
    if_video = "give one of the person, as in `senseid verify VIDEO PHOTO`"
    if photo is not None and is_photo(data):
        if_video = f"type `senseid verify {shlex.quote(photo)} {shlex.quote(video)}`"
    further = (media.read_photo(source, if_video=if_video) for source in known)
    picture = next(further)
    names = (video, *known) if log_names else ()
    if is_capture(data):
        from senseid.captures import read_capture

        capture = read_capture(data, name=name, keys=key_sources(key_file))
        verifier = Models(lambda: licences, device=device).verifier
        compared = verifier.verify_capture(capture, picture, options, name=name, further=further)
        note_decision(decision_log, "verify", Figures(score=compared.score), threshold=threshold, names=names)
        terminal.note_doubts(compared.photo, *compared.further)
        _put_capture(compared, capture, threshold, as_json=as_json)
        raise typer.Exit(ExitStatus.YES if compared.score >= threshold else ExitStatus.NO)
    opened = media.decode_video(data, name, if_photo="the video comes first, as in `senseid verify VIDEO PHOTO`")
    verifier = Models(lambda: licences, device=device).verifier
    with progress("looking at frames", opened.expected_frames) as advance:
        result = verifier.verify_video(opened, picture, options, further=further, watch=advance)
    living = result.liveness
    figures = Figures(result.score, living.score, living.passed)
    note_decision(decision_log, "verify", figures, threshold=threshold, names=names)
    terminal.note_doubts(result.photo, *result.further)
    if not living.one_person:
        terminal.note(f"{printable(opened.name)} shows different people one after another, which counts as an attack")
    if as_json:
        body = bodies.verify_body(
            result,
            installation.new_request_id(),
            return_image=return_image,
            return_face_image=return_face_image,
            return_status=return_status,
        )
        terminal.put_json(body)
    elif terminal.terminal_width() is not None:
        terminal.put_table(text.verify_table(result, threshold))
    else:
        terminal.put_lines(text.verify_lines(result, threshold))
    matches = result.score is not None and result.score >= threshold
    raise typer.Exit(ExitStatus.YES if matches else ExitStatus.NO)


def _known(photo: str | None, references: list[str]) -> list[str]:
    """The photos of the known person."""
    if (photo is None) == (not references):
        raise typer.BadParameter(
            "give one photo, `senseid verify VIDEO PHOTO`, or `senseid verify VIDEO --reference A --reference B`",
            param_hint="PHOTO",
        )
    media.check_references(references)
    return references if photo is None else [photo]


def _put_capture(result: CaptureVerification, capture: Capture, threshold: float, *, as_json: bool) -> None:
    if as_json:
        terminal.put_json(bodies.capture_body(result, installation.new_request_id()))
    elif terminal.terminal_width() is not None:
        terminal.put_table(text.capture_table(result, capture, threshold))
    else:
        terminal.put_lines(text.capture_lines(result, capture, threshold))
