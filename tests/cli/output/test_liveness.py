"""Bodies, lines, tables and the picture of a liveness check and of what is compared after it."""

from __future__ import annotations

import base64
import io
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
from PIL import Image as Pillow
from rich.console import Console

from senseid import bodies
from senseid_cli.output import liveness, terminal
from senseid_cli.output.drawing.liveness import DOT, WIDTH, draw_liveness, plot_box
from senseid_engine.faces import Face
from senseid_engine.image import Image
from senseid_engine.landmarks import Landmarks
from senseid_engine.liveness.capture import Capture, CaptureDevice, CapturedFrame
from senseid_engine.liveness.results import (
    OUT_OF_REACH,
    CaptureVerification,
    Evidence,
    FrameScore,
    LivenessResult,
    SelectedFrame,
    Status,
    VideoVerification,
)
from senseid_engine.results import FoundFaces, Rect

ID = "0123456789abcdef0123456789abcdef"
RECT = Rect(60, 20, 120, 100)


def frame_of(timestamp: float) -> SelectedFrame:
    y, x = np.mgrid[0:120, 0:160]
    pixels = np.stack([x, y, x], axis=2).astype(np.uint8)
    landmarks = Landmarks.of(np.zeros((468, 3), np.float32), 1.0)
    face = Face(RECT, np.array([60, 20, 120, 100], np.float32), 4800.0, 0.99, landmarks, landmarks.five)
    return SelectedFrame(timestamp, 0.75, Image(pixels=pixels, format="video", orientation=1, name="a.mp4"), face)


LIVE = LivenessResult(
    name="a\n.mp4",
    passed=True,
    score=0.9312345,
    status=Status.OK,
    selected=(frame_of(1.28), frame_of(2.5)),
    frames=(FrameScore(0.0, 0.9), FrameScore(0.6, 0.95), FrameScore(1.2, 0.4)),
    evidence=(
        Evidence("stills", 0.9, 1.25),
        Evidence("non_rigid", 0.01, 2.5),
        Evidence("recurrence_distance", 0.9, -0.5),
    ),
    threshold=0.5,
    stills_needed=0.3,
    face_seconds=3.04,
    looked_at=31,
    other_faces=2,
    width=160,
    height=120,
)
HACK = replace(
    LIVE,
    passed=False,
    score=0.0123,
    status=Status.HACK,
    evidence=(
        Evidence("stills", 0.9, 4.6),
        Evidence("non_rigid", 0.004, -8.0),
        Evidence("recurrence_distance", 0.9, -1.0),
    ),
    stills_needed=None,
)
SHORT = replace(LIVE, passed=False, status=Status.SHORT_TIME)
PHOTO = FoundFaces("b.jpg", 640, 480, 0, (Rect(1, 2, 33, 44),))
VERIFIED = VideoVerification(LIVE, 0.87654, PHOTO, 2)
NOT_LIVE = VideoVerification(HACK, None, PHOTO, 0)
EVERYTHING = {"return_image": True, "return_face_image": True, "return_status": True}


def drawn(table: object, width: int = 80) -> str:
    console = Console(file=io.StringIO(), width=width, highlight=False, no_color=True, legacy_windows=False)
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def picture(encoded: str) -> Pillow.Image:
    opened = Pillow.open(io.BytesIO(base64.b64decode(encoded, validate=True)))
    assert opened.format == "JPEG"
    return opened


def test_the_body() -> None:
    body = bodies.liveness_body(LIVE, ID)
    assert list(body.items()) == [
        ("code", 1000),
        ("passed", True),
        ("liveness_score", 0.9312345),
        ("request_id", ID),
    ]


def test_every_field() -> None:
    body = bodies.liveness_body(LIVE, ID, **EVERYTHING)
    assert list(body) == [
        "code",
        "passed",
        "liveness_score",
        "liveness_status",
        "image_timestamp",
        "base64_image",
        "base64_face_image",
        "request_id",
    ]
    assert (body["liveness_status"], body["image_timestamp"]) == ("ok", 1.28)
    assert picture(body["base64_image"]).size == (160, 120)
    face = picture(body["base64_face_image"])
    assert face.size == (60 + 2 * 9, 80 + 2 * 12)  # the face and a margin of 0.15, not the frame


@pytest.mark.parametrize(
    ("wanted", "fields"),
    [
        ({"return_status": True}, {"liveness_status"}),
        ({"return_image": True}, {"image_timestamp", "base64_image"}),
        ({"return_face_image": True}, {"base64_face_image"}),
    ],
)
def test_each_field_only_where_it_is_asked_for(wanted: dict[str, bool], fields: set[str]) -> None:
    plain = set(bodies.liveness_body(LIVE, ID))
    assert set(bodies.liveness_body(LIVE, ID, **wanted)) - plain == fields


@pytest.mark.parametrize(("result", "status"), [(HACK, "hack"), (SHORT, "short_time")])
def test_no_picture_of_what_did_not_pass(result: LivenessResult, status: str) -> None:
    body = bodies.liveness_body(result, ID, **EVERYTHING)
    assert list(body) == ["code", "passed", "liveness_score", "liveness_status", "request_id"]
    assert (body["passed"], body["liveness_status"]) == (False, status)


def test_verify_body() -> None:
    body = bodies.verify_body(VERIFIED, ID, **EVERYTHING)
    assert list(body)[:5] == ["code", "passed", "liveness_score", "liveness_status", "verification_score"]
    assert body["verification_score"] == 0.87654
    assert "base64_image" in body
    assert list(bodies.verify_body(VERIFIED, ID)) == [
        "code",
        "passed",
        "liveness_score",
        "verification_score",
        "request_id",
    ]


def test_no_verification_score_of_what_did_not_pass() -> None:
    body = bodies.verify_body(NOT_LIVE, ID, **EVERYTHING)
    assert list(body) == ["code", "passed", "liveness_score", "liveness_status", "request_id"]


def test_capture_body() -> None:
    assert bodies.capture_body(CaptureVerification(0.5, PHOTO, 3), ID) == {
        "code": 1000,
        "verification_score": 0.5,
        "request_id": ID,
    }


def test_lines() -> None:
    assert liveness.lines(LIVE, explain=False) == ["live\t0.9312\tok"]
    assert liveness.lines(HACK, explain=False) == ["not live\t0.0123\thack"]
    assert liveness.lines(LIVE, explain=True) == [
        "live\t0.9312\tok",
        "face\tseen for 3.0 s, in 31 frames looked at, 2 other faces",
        "selected\t1.28 s, quality 0.750, face at 60,20,120,100",
        "evidence\tnon_rigid\t0.01\t+2.50",
        "evidence\tstills\t0.9\t+1.25",
        "evidence\trecurrence_distance\t0.9\t-0.50",
        f"out of reach\t{OUT_OF_REACH}",
    ]


@pytest.mark.parametrize(("others", "end"), [(0, "at"), (1, "at, 1 other face"), (2, "at, 2 other faces")])
def test_other_faces_are_counted(others: int, end: str) -> None:
    face = liveness.lines(replace(LIVE, other_faces=others), explain=True)[1]
    assert face == f"face\tseen for 3.0 s, in 31 frames looked {end}"


@pytest.mark.parametrize(
    ("result", "names"),
    [(LIVE, ["non_rigid", "stills", "recurrence_distance"]), (HACK, ["non_rigid", "recurrence_distance", "stills"])],
)
def test_what_decided_is_named_first_and_what_spoke_against_it_last(result: LivenessResult, names: list[str]) -> None:
    assert [piece.name for piece in result.ranked_evidence] == names
    assert [piece["name"] for piece in liveness.details(result)["evidence"]] == names
    weak = replace(
        result, evidence=(Evidence("recurrence_distance", 0.8, -2.0), Evidence("stills", 0.9, 4.6)), score=0.2
    )
    assert weak.ranked_evidence[0].name == "recurrence_distance"


def test_details_are_plain_data() -> None:
    details = liveness.details(LIVE)
    assert details["face_rect"] == [60, 20, 120, 100]
    assert details["evidence"][0] == {"name": "non_rigid", "value": 0.01, "weight": 2.5}
    assert details["frames"][2] == {"timestamp": 1.2, "bona_fide": 0.4}
    terminal.put_json(details)


def test_verify_lines() -> None:
    assert liveness.verify_lines(VERIFIED, 0.7) == ["match\t0.8765\tlive\t0.9312\tok"]
    assert liveness.verify_lines(VERIFIED, 0.9) == ["no match\t0.8765\tlive\t0.9312\tok"]
    assert liveness.verify_lines(NOT_LIVE, 0.0) == ["no match\t-\tnot live\t0.0123\thack"]


@pytest.fixture
def capture() -> Capture:
    frame = frame_of(1.0)
    return Capture(
        id=bytes(16),
        checked_at=datetime(2026, 11, 24, 14, 5, 6, tzinfo=UTC),
        score=0.9,
        models=bytes(32),
        video=bytes(32),
        face_seconds=3.0,
        width=160,
        height=120,
        device=CaptureDevice("senseid 0.1.0", "Linux\x1b[31m", "x86_64"),
        frames=(CapturedFrame(1.0, 0.75, RECT, frame.image),),
    )


def test_capture_lines(capture: Capture) -> None:
    result = CaptureVerification(0.7, PHOTO, 1)
    assert liveness.capture_lines(result, capture, 0.7) == ["match\t0.7000\tcaptured\t2026-11-24T14:05:06Z"]


def test_tables(capture: Capture) -> None:
    text = drawn(liveness.table(LIVE, explain=True))
    assert "ok: a living person" in text
    assert text.index("non_rigid") < text.index("stills") < text.index("recurrence_distance")
    assert "hack: an attack" in drawn(liveness.table(HACK, explain=False))
    assert "1 in 10,000 strangers" in drawn(liveness.verify_table(VERIFIED, 0.7))
    assert "nothing is compared" in drawn(liveness.verify_table(NOT_LIVE, 0.7))
    text = drawn(liveness.capture_table(CaptureVerification(0.7, PHOTO, 1), capture, 0.7))
    assert "2026-11-24 14:05 UTC" in text
    assert "\x1b" not in text


@pytest.mark.parametrize("width", [1, 20])
def test_a_narrow_terminal_breaks_nothing(width: int) -> None:
    tables: list[Any] = [
        liveness.table(LIVE, explain=True),
        liveness.verify_table(VERIFIED, 0.7),
        liveness.verify_table(NOT_LIVE, 0.7),
    ]
    for table in tables:
        assert all(len(line) <= width for line in drawn(table, width).splitlines())


@pytest.mark.parametrize(
    "result", [LIVE, HACK, SHORT, replace(LIVE, evidence=()), replace(LIVE, frames=LIVE.frames[:1])]
)
def test_the_picture(result: LivenessResult) -> None:
    png = draw_liveness(result)
    opened = Pillow.open(io.BytesIO(png))
    assert opened.format == "PNG"
    assert opened.width == WIDTH
    assert draw_liveness(result) == png


def test_the_picture_shows_the_frame_and_the_verdict() -> None:
    live, hack = (np.asarray(Pillow.open(io.BytesIO(draw_liveness(result)))) for result in (LIVE, HACK))
    assert live.shape == hack.shape
    assert not np.array_equal(live[:60], hack[:60])  # the title
    _, top, _, bottom = plot_box(LIVE)
    assert coloured(live[top - DOT : bottom], (20, 128, 62))
    assert not coloured(hack[top - DOT : bottom], (20, 128, 62))  # no dot is green where no frame could have passed
    blue = np.all(live == (38, 98, 190), axis=2)
    assert blue[top:bottom].any(axis=1).mean() > 0.9  # the line at the selected frame, but for what crosses it


def test_the_decision_line_is_where_the_stills_had_to_be() -> None:
    for needed in (0.25, 0.75):
        drawn = np.asarray(Pillow.open(io.BytesIO(draw_liveness(replace(LIVE, stills_needed=needed)))))
        _, top, _, bottom = plot_box(LIVE)
        dark = np.all(drawn[top:bottom] == (30, 34, 40), axis=2).sum(axis=1)
        assert dark.argmax() == pytest.approx((bottom - top) * (1 - needed), abs=2)


def coloured(pixels: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool(np.all(pixels == colour, axis=2).any())
