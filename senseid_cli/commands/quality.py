"""`senseid quality`: is this photo good enough, and if not, why?"""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from senseid import bodies, installation
from senseid.models import Models
from senseid.outcomes import ExitStatus, outcome_of, sentence
from senseid_cli import completion, media, paths
from senseid_cli.options import AsJson, AutoRotate, DeviceName, Force, PlainFaces
from senseid_cli.output import terminal
from senseid_cli.output.html.document import Faces
from senseid_cli.output.quality import (
    Judged,
    folder_line,
    folder_table,
    photo_lines,
    photo_table,
    photo_table_width,
)
from senseid_cli.output.quality import details as judged_details
from senseid_engine.device import Device
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid.shapes import ErrorBody, QualityBody
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.quality.policy import Policy
    from senseid_engine.quality.results import QualityReport

_POLICY_BYTES = 1 << 16

_SHOWN = 3
"""Maximum number of skipped files that a message names."""


def quality(
    photo: Annotated[
        str, typer.Argument(metavar="PHOTO", help="A photo, a folder of photos, or `-` for standard input.")
    ],
    as_json: AsJson = False,
    policy_name: Annotated[
        str | None,
        typer.Option(
            "--policy",
            metavar="enrol|verify|FILE.toml",
            help="Say whether the photo is good enough, and what to do.",
            autocompletion=completion.policies,
        ),
    ] = None,
    auto_rotate: AutoRotate = False,
    details: Annotated[
        bool,
        typer.Option(
            "--details",
            help="Add details: to --json what the HTTP API leaves out (open eyes, eye distance, overall), with --policy"
            " on a terminal every measure.",
        ),
    ] = False,
    draw: Annotated[
        Path | None,
        typer.Option(
            "--draw", metavar="OUT.png", help="Draw a picture: landmarks, regions, pose and reasons on the photo."
        ),
    ] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", metavar="OUT.csv", help="Write every measure of every face as CSV.")
    ] = None,
    html: Annotated[
        Path | None,
        typer.Option("--html", metavar="OUT.html", help="Write a page: what passes, reasons, charts, every photo."),
    ] = None,
    plain_faces: PlainFaces = False,
    device: DeviceName = Device.AUTO,
    force: Force = False,
) -> None:
    """Measure the quality of every face of a photo, or of all photos of a folder.

    Exit status: 0 measured, or good enough; 1 the policy is not met; 3 a photo is refused; 4 licence.

    Examples:
        senseid quality alice.jpg --policy enrol
        senseid quality photos --csv measures.csv --html page.html
    """
    paths.check_word(photo, name="PHOTO")
    if policy_name is not None:
        paths.check_word(policy_name, name="--policy")
    folder = _folder(photo)
    if folder is not None and draw is not None:
        raise typer.BadParameter(f"{photo} is a folder, and one photo is drawn at a time", param_hint="--draw")
    _check_outputs(photo, draw, csv, html, force=force, plain_faces=plain_faces)
    policy = None if policy_name is None else _read_policy(policy_name)
    licences = installation.verify_licences()
    terminal.note_grace(licences.require(Product.KESTREL, Capability.QUALITY))
    thumbnails: list[bytes] = []
    faces = Faces(plain_faces)
    if folder is None:
        image, encrypted = media.open_photo(photo)
        report = Models(lambda: licences, device=device).quality.check(image, auto_rotate=auto_rotate)
        photos = [Judged.of(media.name_of(photo), report, policy)]
        if draw is not None:
            from senseid_cli.output.drawing.quality import draw_quality

            paths.write_output(draw, draw_quality(report, photos[0]), private=True)
        if html is not None:
            thumbnails.append(faces.show(partial(_thumbnail, report, photos[0]), encrypted=encrypted))
        _put_photo(photos[0], report, as_json=as_json, details=details)
    else:
        photos = []
        # Not while the bar is shown: what stands in the place of the stream then need not say that it is a terminal.
        on_terminal = terminal.terminal_width() is not None
        checker = Models(lambda: licences, device=device).quality
        for judged, measured, encrypted in _walk(checker, folder, policy, auto_rotate=auto_rotate):
            photos.append(judged)
            thumbnails.append(
                faces.show(partial(_thumbnail, measured, judged), encrypted=encrypted)
                if html is not None and measured is not None
                else b""
            )
            if as_json:
                _put_json(judged, measured, details=True)
            elif not on_terminal:
                terminal.put_lines([folder_line(judged)])
        if on_terminal and not as_json:
            terminal.put_table(folder_table(photos))
    if csv is not None:
        from senseid_cli.output.html.quality import csv_text

        paths.write_output(csv, csv_text(photos).encode(errors="backslashreplace"))
    if html is not None:
        _write_page(html, media.name_of(photo), list(zip(photos, thumbnails, strict=True)), faces)
    raise typer.Exit(_status(photos, policy))


def _folder(photo: str) -> Path | None:
    return Path(photo) if photo != media.STDIN and os.path.isdir(photo) else None


def _check_outputs(
    photo: str, draw: Path | None, csv: Path | None, html: Path | None, *, force: bool, plain_faces: bool
) -> None:
    if plain_faces and html is None:
        raise typer.BadParameter("it needs --html", param_hint="--plain-faces")
    for path, suffix, option in ((draw, ".png", "--draw"), (csv, ".csv", "--csv"), (html, ".html", "--html")):
        if path is not None:
            paths.check_output(path, sources=(photo,), force=force, suffix=suffix, option=option)


def _write_page(path: Path, name: str, photos: list[tuple[Judged, bytes]], faces: Faces) -> None:
    from senseid_cli.output.html.quality import page

    text = page(f"Quality of {name}", photos, faces)
    paths.write_output(path, text.encode(errors="backslashreplace"), private=True)
    terminal.note_hidden(faces.hidden, path)


def _read_policy(name: str) -> Policy:
    from senseid_engine.errors import MediaError, MediaNotFoundError, PolicyError
    from senseid_engine.media import open_media, reading
    from senseid_engine.quality.policy import BUILT_IN, Policy

    if name in BUILT_IN:
        return Policy.built_in(name)
    try:
        with open_media(Path(name), "policy", piped=False) as file, reading(name, "policy"):
            data = file.read(_POLICY_BYTES + 1)
    except MediaNotFoundError:
        raise PolicyError(name, f"no such file: name one, or {' or '.join(BUILT_IN)}") from None
    except MediaError as error:
        raise PolicyError(name, error.problem) from None
    if len(data) > _POLICY_BYTES:
        raise PolicyError(name, f"is not a policy: it is over {_POLICY_BYTES:,} bytes")
    try:
        return Policy.parse(data.decode("utf-8-sig"), name=name)
    except UnicodeDecodeError:
        raise PolicyError(name, "is not a TOML file: it is not UTF-8") from None


def _walk(
    checker: QualityChecker, folder: Path, policy: Policy | None, *, auto_rotate: bool
) -> Iterator[tuple[Judged, QualityReport | None, bool]]:
    """Every photo of a folder, and whether it is encrypted. One that is refused stops none of the others."""
    from senseid_cli.output.progress import progress
    from senseid_crypto.errors import CryptoError
    from senseid_engine.errors import DetectionError, MediaError

    photos = _photos_in(folder)
    if not photos:
        raise typer.BadParameter(_no_photo(folder), param_hint="PHOTO")
    with progress("measuring photos", len(photos)) as advance:
        for path in photos:
            name = path.relative_to(folder).as_posix()
            try:
                image, encrypted = media.open_photo(str(path))
                report = checker.check(image, auto_rotate=auto_rotate)
            except (MediaError, DetectionError, CryptoError) as error:
                yield Judged.refused(name, error, policy), None, False
            else:
                yield Judged.of(name, report, policy), report, encrypted
            advance(1)


def _photos_in(folder: Path) -> list[Path]:
    """The photos of a folder and its subfolders, by name; encrypted ones keep their suffix before the last one."""
    from senseid_engine.media import PHOTO_SUFFIXES, reading

    with reading(str(folder), "file"):
        files = paths.files_below(folder)
    return sorted(path for path in files if any(suffix.lower() in PHOTO_SUFFIXES for suffix in path.suffixes[-2:]))


def _no_photo(folder: Path) -> str:
    """Why a folder has nothing to measure."""
    from senseid_engine.media import PHOTO_SUFFIXES

    files = (path for path in folder.rglob("*") if os.path.isfile(path))
    skipped = sorted(path.relative_to(folder).as_posix() for path in files)
    if not skipped:
        return f"{folder} holds no photo: there is no file in it that can be read"
    shown = ", ".join(skipped[:_SHOWN]) + (", ..." if len(skipped) > _SHOWN else "")
    return (
        f"{folder} holds no photo: {len(skipped)} skipped ({shown}), since the name of a photo ends in"
        f" {' '.join(sorted(PHOTO_SUFFIXES))} and begins without a dot"
    )


def _thumbnail(report: QualityReport, judged: Judged) -> bytes:
    from senseid_cli.output.html.quality import thumbnail

    return thumbnail(report, judged)


def _put_photo(judged: Judged, report: QualityReport, *, as_json: bool, details: bool) -> None:
    if as_json:
        _put_json(judged, report, details=details or judged.policy is not None)
    elif (terminal.terminal_width() or 0) >= photo_table_width(judged):
        terminal.put_table(photo_table(judged, details=details))
    else:
        # A pipe, or a terminal too narrow for all faces.
        terminal.put_lines(photo_lines(judged))


def _put_json(judged: Judged, report: QualityReport | None, *, details: bool) -> None:
    request_id = installation.new_request_id()
    body: QualityBody | ErrorBody
    if report is not None:
        body = bodies.quality_body(report, request_id)
    else:
        assert judged.refusal is not None  # noqa: S101  it was measured, or refused
        body = bodies.error_body(outcome_of(judged.refusal), request_id, sentence(judged.refusal))
    terminal.put_json({**body, "details": judged_details(judged)} if details else body)


def _status(photos: list[Judged], policy: Policy | None) -> ExitStatus:
    if all(judged.passes for judged in photos):
        return ExitStatus.YES
    return ExitStatus.INPUT if policy is None else ExitStatus.NO
