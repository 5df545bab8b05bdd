"""What commands print: bodies of the HTTP API, lines for a pipe, tables for a terminal.

Results go to standard output, everything else to standard error. A line for a pipe is made of fields with a tab between
them, the verdict first, so that `grep ^match` and `cut -f2` do what one expects. All of it is ASCII but for file names.
"""

from __future__ import annotations

import functools
import json
import sys
from decimal import ROUND_FLOOR, Decimal
from typing import TYPE_CHECKING, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.console import RenderableType

    from senseid_cli.exits import Outcome
    from senseid_engine.liveness.results import CaptureVerification, LivenessResult, VideoVerification
    from senseid_engine.quality.results import FaceQuality, QualityReport
    from senseid_engine.results import Comparison, FoundFaces, OmniComparison
    from senseid_licensing.verified import VerifiedLicence

OK_CODE = 1000
"""The response code of every result, whatever its verdict."""

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The thresholds that the manual's table lists."""


def false_match_rate(threshold: float) -> float:
    """The share of strangers' pairs that reach a threshold, by the contract's 10^-((s - 0.3) / 0.1); at most 1."""
    # Six digits: binary fractions would make 1.0000000000000009e-4 of 0.7.
    return min(1.0, float(f"{10 ** ((0.3 - threshold) * 10):.6g}"))


def odds(threshold: float) -> str:
    """The same for people, such as `1 in 10,000`."""
    return f"1 in {float(f'{1 / false_match_rate(threshold):.3g}'):,.0f}"


def score_text(score: float) -> str:
    """A score with four decimals, rounded down: what is below 0.7 never reads 0.7000."""
    return str(Decimal(repr(score)).quantize(Decimal("0.0001"), ROUND_FLOOR))


def verdict(score: float, threshold: float) -> str:
    """`match` or `no match`."""
    return "match" if score >= threshold else "no match"


def printable(name: str) -> str:
    """A file name on one line: line breaks, tabs and control codes escaped, so that it cannot forge output."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in name)


# Bodies.


def error_body(outcome: Outcome, request_id: str) -> dict[str, Any]:
    """The body of an error: the fixed message of its code, never an exception's text."""
    return {"code": outcome.code, "message": outcome.message, "request_id": request_id}


def compare_body(result: Comparison, request_id: str) -> dict[str, Any]:
    """The body of a 1:1 comparison."""
    warnings = _warnings(first_image=result.first, second_image=result.second)
    return {"code": OK_CODE, "verification_score": result.score, **warnings, "request_id": request_id}


def compare_details(result: Comparison, threshold: float) -> dict[str, Any]:
    """What `--details` adds: the verdict, its error rate, and which faces were compared."""
    return {
        "match": result.score >= threshold,
        "threshold": threshold,
        "false_match_rate": false_match_rate(threshold),
        "first_image": _face_details(result.first),
        "second_image": _face_details(result.second),
        "thresholds": [
            {"threshold": level, "false_match_rate": false_match_rate(level), "reached": result.score >= level}
            for level in THRESHOLDS
        ],
    }


def omni_body(result: OmniComparison, request_id: str) -> dict[str, Any]:
    """The body of a comparison of all faces with all."""
    return {
        "code": OK_CODE,
        "scores": [list(row) for row in result.scores],
        "face_rects": {
            "first_image_face_rects": [rect.as_list() for rect in result.first.rects],
            "second_image_face_rects": [rect.as_list() for rect in result.second.rects],
        },
        "request_id": request_id,
    }


def quality_body(report: QualityReport, request_id: str) -> dict[str, Any]:
    """The body of a quality check: every face, largest first."""
    return {"code": OK_CODE, "faces": [_quality(face) for face in report.faces], "request_id": request_id}


def _quality(face: FaceQuality) -> dict[str, Any]:
    rect, pose, seen = face.rect, face.pose, face.occlusion
    return {
        "rect": {"left": rect.left, "top": rect.top, "right": rect.right, "bottom": rect.bottom},
        "pose": {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll},
        "occlusion": {
            "left_eye": seen.left_eye,
            "right_eye": seen.right_eye,
            "nose": seen.nose,
            "mouth": seen.mouth,
            "total": face.visible,
        },
        "distance2center": face.distance_to_centre,
        "size": face.size,
        "brightness": face.brightness,
        "sharpness": face.sharpness,
        "mouth_open": face.mouth_open,
        "integrity": face.integrity,
    }


def liveness_body(
    result: LivenessResult,
    request_id: str,
    *,
    return_image: bool = False,
    return_face_image: bool = False,
    return_status: bool = False,
) -> dict[str, Any]:
    """The body of a liveness check. Pictures and the time of the frame go with a check that passed only."""
    head = _liveness_head(result, return_status=return_status)
    pictures = _live_pictures(result, return_image=return_image, return_face_image=return_face_image)
    return {**head, **pictures, "request_id": request_id}


def verify_body(
    result: VideoVerification,
    request_id: str,
    *,
    return_image: bool = False,
    return_face_image: bool = False,
    return_status: bool = False,
) -> dict[str, Any]:
    """The body of a comparison of a video with a photo. There is a verification score only if the person is living."""
    head = _liveness_head(result.liveness, return_status=return_status)
    score = {} if result.score is None else {"verification_score": result.score}
    pictures = _live_pictures(result.liveness, return_image=return_image, return_face_image=return_face_image)
    return {**head, **score, **_warnings(image=result.photo), **pictures, "request_id": request_id}


def capture_body(result: CaptureVerification, request_id: str) -> dict[str, Any]:
    """The body of a comparison of liveness data with a photo."""
    warnings = _warnings(image=result.photo)
    return {"code": OK_CODE, "verification_score": result.score, **warnings, "request_id": request_id}


def _warnings(**photos: FoundFaces) -> dict[str, Any]:
    """`warnings`, where there is a doubt about the face of a photo; the photos by their names in the API."""
    warnings: list[dict[str, Any]] = []
    for name, found in photos.items():
        if found.ambiguous:
            rect = found.rects[0].as_list()
            warnings.append({"image": name, "warning": "several_faces", "faces": len(found.rects), "face_rect": rect})
        if found.covered:
            warnings.append({"image": name, "warning": "face_covered", "features": list(found.covered)})
    return {"warnings": warnings} if warnings else {}


def _liveness_head(result: LivenessResult, *, return_status: bool) -> dict[str, Any]:
    head = {"code": OK_CODE, "passed": result.passed, "liveness_score": result.score}
    return {**head, "liveness_status": str(result.status)} if return_status else head


def _live_pictures(result: LivenessResult, *, return_image: bool, return_face_image: bool) -> dict[str, Any]:
    import base64

    if not result.passed:
        return {}
    from senseid_engine.liveness.pictures import encode_face, encode_frame

    pictures: dict[str, Any] = {}
    if return_image:
        pictures["image_timestamp"] = result.best.timestamp
        pictures["base64_image"] = base64.b64encode(encode_frame(result.best, "JPEG")).decode()
    if return_face_image:
        pictures["base64_face_image"] = base64.b64encode(encode_face(result.best, "JPEG")).decode()
    return pictures


def _face_details(found: FoundFaces) -> dict[str, Any]:
    return {
        "face": 1,
        "faces": len(found.rects),
        "face_rect": found.rects[0].as_list(),
        "width": found.width,
        "height": found.height,
        "quarter_turns": found.quarter_turns,
    }


# Lines for a pipe.


def compare_lines(result: Comparison, threshold: float, *, details: bool) -> list[str]:
    """`match<TAB>0.9312`, and with details one line a photo and one a threshold."""
    lines = ["\t".join([verdict(result.score, threshold), score_text(result.score)])]
    if details:
        lines.append(f"threshold\t{threshold}\t{odds(threshold)}")
        for label, found in (("first", result.first), ("second", result.second)):
            box = ",".join(map(str, found.rects[0].as_list()))
            turned = f"turned {90 * found.quarter_turns}"
            lines.append("\t".join([label, printable(found.name), f"face 1 of {len(found.rects)}", box, turned]))
        lines.extend(
            f"{'reached' if result.score >= level else 'not reached'}\t{level}\t{odds(level)}" for level in THRESHOLDS
        )
    return lines


def omni_lines(result: OmniComparison, threshold: float) -> list[str]:
    """One line a pair: `match<TAB>0.9312<TAB>A1<TAB>B2`."""
    return [
        "\t".join([verdict(score, threshold), score_text(score), f"A{i}", f"B{j}"])
        for i, row in enumerate(result.scores, 1)
        for j, score in enumerate(row, 1)
    ]


# Tables for a terminal.


def compare_table(result: Comparison, threshold: float, *, details: bool) -> RenderableType:
    """The verdict, the threshold and what it means, and with details the faces and the table of thresholds."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    facts.add_row(Text(verdict(result.score, threshold), _style(result.score, threshold)), score_text(result.score))
    facts.add_row("threshold", f"{threshold} (reached by {odds(threshold)} strangers)")
    for label, found in (("first", result.first), ("second", result.second)):
        if details or len(found.rects) > 1 or found.quarter_turns or found.covered:
            facts.add_row(label, Text(_face_text(found, details=details)))
    if not details:
        return facts
    levels = Table("threshold", "strangers", "reached", box=None, padding=(0, 2, 0, 0))
    for level in THRESHOLDS:
        levels.add_row(f"{level}", odds(level), "yes" if result.score >= level else "no")
    return Group(facts, "", levels)


def omni_table(result: OmniComparison, threshold: float) -> RenderableType:
    """The matrix: a row a face of the first photo, a column a face of the second, matches in bold."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    matrix = Table(box=None, padding=(0, 2, 0, 0))
    matrix.add_column("")
    for j in range(1, len(result.second.rects) + 1):
        matrix.add_column(f"B{j}", justify="right", no_wrap=True)
    for i, row in enumerate(result.scores, 1):
        matrix.add_row(f"A{i}", *(Text(score_text(score), _style(score, threshold)) for score in row))
    best = max(max(row) for row in result.scores)
    facts = Table.grid(padding=(0, 2))
    for label, found in (("A", result.first), ("B", result.second)):
        facts.add_row(label, Text(f"{printable(found.name)}: {_count(found)}{_turned(found)}"))
    facts.add_row("best", Text(f"{score_text(best)} ({verdict(best, threshold)}, threshold {threshold})"))
    return Group(matrix, "", facts)


def omni_table_width(result: OmniComparison) -> int:
    """Columns that the matrix needs on a terminal."""
    return len(f"A{len(result.first.rects)}  ") + len("0.0000  ") * len(result.second.rects)


def _style(score: float, threshold: float) -> str:
    return "bold green" if score >= threshold else ""


def _face_text(found: FoundFaces, *, details: bool) -> str:
    text = f"{printable(found.name)}: "
    text += f"the largest of {_count(found)}" if len(found.rects) > 1 else _count(found)
    if details:
        text += f" at {', '.join(map(str, found.rects[0].as_list()))} of {found.width} x {found.height}"
    return text + _turned(found) + (f", covered: {' and '.join(found.covered)}" if found.covered else "")


def _count(found: FoundFaces) -> str:
    return "1 face" if len(found.rects) == 1 else f"{len(found.rects)} faces"


def _turned(found: FoundFaces) -> str:
    turns = {1: "turned left by 90 degrees", 2: "turned upside down", 3: "turned right by 90 degrees"}
    return f", {turns[found.quarter_turns]}" if found.quarter_turns else ""


# The streams.


def put_lines(lines: Iterable[str]) -> None:
    """Print lines of a result."""
    for line in lines:
        typer.echo(line)


def put_json(body: Mapping[str, object]) -> None:
    """Print one object on one line."""
    typer.echo(json_text(body))


def json_text(body: Mapping[str, object]) -> str:
    """A body as the command line prints it and the service sends it. ASCII only, so that no locale can break it."""
    return json.dumps(body, allow_nan=False, separators=(",", ":"))


def put_table(table: RenderableType) -> None:
    """Print a table on a terminal."""
    from rich.console import Console

    # Unless it is told both sides, rich takes 80 columns for granted on a dumb terminal.
    Console(highlight=False, width=terminal_width(), height=25).print(table)


def note(text: str) -> None:
    """Tell the user something beside the result."""
    typer.echo(f"note: {text}", err=True)


def note_doubts(*photos: FoundFaces) -> None:
    """Say which face was compared where another may be meant, and what of it is covered. Tables tell it themselves."""
    for found in photos:
        name = printable(found.name)
        if found.ambiguous:
            box = ",".join(map(str, found.rects[0].as_list()))
            note(f"{name}: of {len(found.rects)} faces the largest was compared, at {box}; --single-face refuses this")
        if found.covered:
            features = " and ".join(found.covered)
            note(f"{name}: covered: {features}; the score is less sure than that of a bare face")


@functools.cache
def note_once(text: str) -> None:
    """Tell it the first time that a command comes to it, of however many files."""
    note(text)


def put_problem(line: str, remedy: str) -> None:
    """Tell the user what is wrong and, if there is something, what to do about it."""
    typer.echo(f"senseid: {printable(line)}", err=True)
    if remedy:
        typer.echo(f"hint: {printable(remedy)}", err=True)


def terminal_width() -> int | None:
    """Columns of the terminal that standard output is; None if it is none."""
    if sys.stdout is None or not sys.stdout.isatty():
        return None
    import shutil

    return shutil.get_terminal_size().columns


def note_grace(licence: VerifiedLicence) -> None:
    """Say that a licence has expired and works for a few days more."""
    if licence.in_grace:
        until = licence.grace_until.strftime("%Y-%m-%d %H:%M UTC")
        note(f"the licence for {licence.product} has expired and stops working at {until}: renew it")
