"""`senseid liveness`: is the person in a video or a photo living? And `pack`, which keeps the answer for later."""

from __future__ import annotations

from pathlib import Path  # noqa: TC003  Typer reads the annotations
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import bodies, installation
from senseid.decisions import Figures
from senseid.models import Models
from senseid.outcomes import ExitStatus
from senseid_cli import media, paths
from senseid_cli.crypt import options
from senseid_cli.decisions import note_decision
from senseid_cli.groups import GroupWithDefault
from senseid_cli.key_sources import key_sources
from senseid_cli.options import (
    AsJson,
    AutoRotate,
    DecisionLogFile,
    DeviceName,
    Force,
    LogNames,
    ReturnFaceImage,
    ReturnImage,
    ReturnStatus,
    refuse_given,
)
from senseid_cli.output import liveness as text
from senseid_cli.output import terminal
from senseid_cli.output.progress import progress
from senseid_engine.device import Device
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from senseid_engine.liveness.results import LivenessResult, PhotoLiveness

app = typer.Typer(
    cls=GroupWithDefault,
    help="Check that the person in a video is living.",
    no_args_is_help=True,
)

OneVideo = Annotated[
    str, typer.Argument(metavar="VIDEO", help="A video of two seconds or more; `-` is standard input.")
]


@app.command("check")
def check(
    video: Annotated[
        str,
        typer.Argument(
            metavar="VIDEO",
            help="A video of two seconds or more, or a photo, which proves less; `-` is standard input.",
        ),
    ],
    as_json: AsJson = False,
    return_status: ReturnStatus = False,
    return_image: ReturnImage = False,
    return_face_image: ReturnFaceImage = False,
    save_image: Annotated[
        Path | None,
        typer.Option("--save-image", metavar="OUT.png", help="Save the selected frame, if the check passes."),
    ] = None,
    save_face: Annotated[
        Path | None,
        typer.Option(
            "--save-face", metavar="OUT.png", help="Save the face of the selected frame, if the check passes."
        ),
    ] = None,
    explain: Annotated[
        Path | None,
        typer.Option(
            "--explain",
            metavar="OUT.png",
            help="Explain the result: draw the score of each frame, and say which evidence decided.",
        ),
    ] = None,
    auto_rotate: AutoRotate = False,
    force: Force = False,
    device: DeviceName = Device.AUTO,
    decision_log: DecisionLogFile = None,
    log_names: LogNames = False,
) -> None:
    """Check that the person in a video is living. The command's name may be left out.

    Of several faces the largest is checked. A photo is checked by its texture alone, which tells most photos of paper
    and of screens: a video proves more. Prints the verdict, the score and the status: ok, hack (an attack with a
    picture or a screen), short_time (the face is seen for less than two seconds, or in fewer than six frames a second).
    Exit status: 0 living, 1 not, 3 the video is refused, 4 licence.

    Examples:
        senseid liveness clip.mp4
        senseid liveness clip.mp4 --explain evidence.png --save-face face.png
    """
    from senseid_engine.video import Video

    media.check_sources({"VIDEO": video})
    outputs = {"--save-image": save_image, "--save-face": save_face, "--explain": explain}
    for option, path in outputs.items():
        if path is not None:
            paths.check_output(path, sources=(video,), force=force, option=option)
    paths.check_apart(outputs)
    licences = installation.verify_licences()
    terminal.note_grace(licences.require(Product.LIVENESS, Capability.LIVENESS))
    names = (video,) if log_names else ()
    opened = media.read_video_or_photo(video)
    if not isinstance(opened, Video):
        refuse_given(
            {**outputs, "--return-image": return_image, "--return-face-image": return_face_image},
            f"it is about the frames of a video; {video} is a photo",
        )
        photo = Models(lambda: licences, device=device).liveness.detect_photo(opened, auto_rotate=auto_rotate)
        note_decision(decision_log, "liveness", Figures(liveness_score=photo.score, passed=photo.passed), names=names)
        _put_photo(photo, as_json=as_json, return_status=return_status)
        raise typer.Exit(ExitStatus.YES if photo.passed else ExitStatus.NO)
    refuse_given({"--auto-rotate": auto_rotate}, f"it is for photos; {video} is a video, turned as its header says")
    with progress("looking at frames", opened.expected_frames) as advance:
        result = Models(lambda: licences, device=device).liveness.detect(opened, watch=advance)
    note_decision(decision_log, "liveness", Figures(liveness_score=result.score, passed=result.passed), names=names)
    _save(result, save_image, save_face)
    if explain is not None:
        from senseid_cli.output.drawing.liveness import draw_liveness

        paths.write_output(explain, draw_liveness(result), private=True)
    if as_json:
        body = bodies.liveness_body(
            result,
            installation.new_request_id(),
            return_image=return_image,
            return_face_image=return_face_image,
            return_status=return_status,
        )
        terminal.put_json({**body, "details": text.details(result)} if explain is not None else body)
    elif terminal.terminal_width() is not None:
        terminal.put_table(text.table(result, explain=explain is not None))
    else:
        terminal.put_lines(text.lines(result, explain=explain is not None))
    raise typer.Exit(ExitStatus.YES if result.passed else ExitStatus.NO)


@app.command("pack")
def pack(
    video: OneVideo,
    out: Annotated[
        Path, typer.Option("--out", "-o", metavar="FILE", help="Write the result there: the liveness data.")
    ],
    key: options.KeyName = None,
    key_file: options.KeyFile = None,
    device: DeviceName = Device.AUTO,
    force: Force = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON: one object about what was made.")] = False,
) -> None:
    """Check a video, and if the person is living write liveness data: for `senseid verify`, here or elsewhere.

    The data hold the selected frames and facts about the check, and are sealed with the same keys as `senseid encrypt`:
    who has the key can make and open them. Exit status: 0 written, 1 the check did not pass, 3 the video is refused, 4
    licence.

    Examples:
        senseid liveness pack clip.mp4 --out clip.live
        senseid liveness pack clip.mp4 --out clip.live --key archive
    """
    media.check_sources({"VIDEO": video})
    options.check_keys(key_file, key)
    if str(out) == media.STDIN:
        raise typer.BadParameter("liveness data go to a file: name one", param_hint="--out")
    paths.check_output(out, sources=(video,), force=force, suffix=out.suffix.lower(), option="--out")
    licences = installation.verify_licences()
    terminal.note_grace(licences.require(Product.LIVENESS, Capability.LIVENESS))
    known = key_sources(key_file, key).to_encrypt()
    options.note_weakness(known)
    opened = media.read_video(video, if_photo="`senseid liveness PHOTO` checks a photo, which proves less")
    with progress("looking at frames", opened.expected_frames) as advance:
        detector = Models(lambda: licences, device=device).liveness
        result = detector.detect(opened, watch=advance)
    if result.passed:
        from senseid.captures import make_capture
        from senseid_engine.liveness.verify import check_upright

        check_upright(result, detector.finder)
        paths.write_output(out, make_capture(opened, result, known.key))
    if as_json:
        body = bodies.liveness_body(result, installation.new_request_id(), return_status=True)
        terminal.put_json({**body, "path": str(out) if result.passed else None, "key": known.key.id})
    else:
        terminal.put_lines(text.lines(result, explain=False))
    if not result.passed:
        terminal.note(f"{out} is not written: the check did not pass")
    raise typer.Exit(ExitStatus.YES if result.passed else ExitStatus.NO)


def _put_photo(result: PhotoLiveness, *, as_json: bool, return_status: bool) -> None:
    terminal.note("a photo proves less than a video: paper and screens are told by their texture alone")
    if as_json or terminal.terminal_width() is None:
        terminal.note_doubts(result.found)
    if as_json:
        terminal.put_json(
            bodies.photo_liveness_body(result, installation.new_request_id(), return_status=return_status)
        )
    elif terminal.terminal_width() is not None:
        terminal.put_table(text.photo_table(result))
    else:
        terminal.put_lines([text.live_line(result)])


def _save(result: LivenessResult, image: Path | None, face: Path | None) -> None:
    if image is None and face is None:
        return
    if not result.passed:
        terminal.note("no picture is saved: the check did not pass")
        return
    from senseid_engine.liveness.pictures import encode_face, encode_frame

    if image is not None:
        paths.write_output(image, encode_frame(result.best, "PNG"), private=True)
    if face is not None:
        paths.write_output(face, encode_face(result.best, "PNG"), private=True)
