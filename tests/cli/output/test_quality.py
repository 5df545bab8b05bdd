"""What `senseid quality` prints and writes, from measures made up."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid import bodies
from senseid_cli.output import quality
from senseid_cli.output.html import quality as report_files
from senseid_cli.output.html.document import THUMBNAIL, Faces
from senseid_cli.output.quality import Judged
from senseid_engine.errors import NoFaceError
from senseid_engine.image import Image
from senseid_engine.landmarks import Landmarks
from senseid_engine.quality.occlusion import Occlusion
from senseid_engine.quality.policy import MEASURES, Policy
from senseid_engine.quality.results import FaceQuality, QualityReport
from senseid_engine.results import FoundFaces
from tests.made_up import GOOD_FACE

if TYPE_CHECKING:
    from pathlib import Path

MASKED = replace(GOOD_FACE, occlusion=Occlusion(0.9, 0.9, 0.03, 0.02), sharpness=0.1)
NAME = '<img src=x onerror=alert(1)> "a" & b.jpg'


def report(*faces: FaceQuality, name: str = "a.jpg") -> QualityReport:
    rng = np.random.default_rng(0)
    pixels = np.ascontiguousarray(rng.integers(0, 255, (160, 200, 3), np.uint8))
    points = np.column_stack([rng.uniform(50, 110, 468), rng.uniform(30, 120, 468), np.zeros(468)])
    return QualityReport(
        found=FoundFaces(name, 200, 160, 0, tuple(face.rect for face in faces)),
        faces=faces,
        image=Image(pixels, "PNG", 1, name),
        landmarks=tuple(Landmarks.of(points.astype(np.float32), 1.0) for _ in faces),
    )


@pytest.fixture
def policy() -> Policy:
    return Policy.built_in("enrol")


def test_the_body_has_the_fields_of_the_manual() -> None:
    body = bodies.quality_body(report(GOOD_FACE, MASKED), "0" * 32)
    assert list(body) == ["code", "faces", "request_id"]
    assert body["code"] == 1000
    first, second = body["faces"]
    assert list(first) == [
        "rect",
        "pose",
        "occlusion",
        "distance2center",
        "size",
        "brightness",
        "sharpness",
        "mouth_open",
        "integrity",
    ]
    assert first["rect"] == {"left": 40, "top": 20, "right": 120, "bottom": 130}
    assert first["pose"] == {"yaw": 2.0, "pitch": -3.0, "roll": 1.0}
    assert second["occlusion"] == {"left_eye": 0.9, "right_eye": 0.9, "nose": 0.03, "mouth": 0.02, "total": 0.97}
    json.dumps(body, allow_nan=False)


def test_lines_without_a_policy_are_a_measure_each() -> None:
    lines = [line.split("\t") for line in quality.photo_lines(Judged.of("a.jpg", report(GOOD_FACE, MASKED), None))]
    assert len(lines) == 2 * (1 + len(MEASURES))
    assert lines[0] == ["face 1", "rect", "40,20,120,130"]
    assert ["face 2", "mouth", "0.020"] in lines
    assert ["face 1", "pitch", "-3.0"] in lines
    assert ["face 1", "eye_distance", "80.0"] in lines


def test_lines_with_a_policy_are_the_verdict_and_the_reasons(policy: Policy) -> None:
    assert list(quality.photo_lines(Judged.of("a.jpg", report(GOOD_FACE), policy))) == ["pass\tenrol"]
    judged = Judged.of("a.jpg", report(MASKED, GOOD_FACE), policy)
    verdict, *failures = quality.photo_lines(judged)
    assert verdict == "fail\tenrol"
    assert [failure.split("\t")[:3] for failure in failures] == [
        ["photo", "faces", "2"],
        ["face 1", "nose", "0.030"],
        ["face 1", "mouth", "0.020"],
        ["face 1", "sharpness", "0.100"],
    ]
    assert "remove the mask" in failures[1]


def test_details_say_what_the_api_leaves_out(policy: Policy) -> None:
    details = quality.details(Judged.of("a.jpg", report(MASKED), policy))
    assert details["faces"] == [{"eyes_open": 0.9, "eye_distance": 80.0, "overall": 0.8}]
    assert details["policy"]["pass"] is False
    assert details["policy"]["failures"][0]["measure"] == "nose"
    assert "policy" not in quality.details(Judged.of("a.jpg", report(GOOD_FACE), None))
    json.dumps(details, allow_nan=False)


def test_verdicts(policy: Policy) -> None:
    error = NoFaceError("a.jpg", "no face is found")
    assert Judged.of("a", report(GOOD_FACE), None).verdict == "measured"
    assert Judged.of("a", report(GOOD_FACE), policy).verdict == "pass"
    assert Judged.of("a", report(MASKED), policy).verdict == "fail"
    assert Judged.refused("a", error, None).verdict == "refused"
    assert Judged.refused("a", error, policy).verdict == "fail"
    assert Judged.refused("a", error, policy).reasons == ["no face is found"]


def test_the_csv_has_a_row_a_face_and_survives_names(policy: Policy) -> None:
    photos = [
        Judged.of('b,"\n.jpg', report(GOOD_FACE, MASKED), policy),
        Judged.of("=HYPERLINK(1).jpg", report(GOOD_FACE), policy),
        Judged.refused("c.jpg", NoFaceError("c.jpg", "no face is found"), policy),
        Judged.refused("c;=1\t.jpg", NoFaceError("c.jpg", "@SUM(A1)"), policy),
    ]
    header, *rows = csv.reader(io.StringIO(report_files.csv_text(photos)))
    assert header == report_files.csv_header()
    assert {len(row) for row in rows} == {len(header)}
    table = [dict(zip(header, row, strict=True)) for row in rows]
    assert [row["photo"] for row in table] == [
        'b,"\\n.jpg',
        'b,"\\n.jpg',
        "./=HYPERLINK(1).jpg",
        "c.jpg",
        "c;'=1\\t.jpg",
    ]
    assert [row["face"] for row in table] == ["1", "2", "1", "", ""]
    assert [row["verdict"] for row in table] == ["fail", "fail", "pass", "fail", "fail"]
    assert float(table[1]["mouth"]) == pytest.approx(0.02)
    assert [row["reasons"] for row in table[3:]] == ["no face is found", "'@SUM(A1)"]


def test_the_page_escapes_names_and_needs_nothing_else(policy: Policy) -> None:
    made = report(MASKED, name=NAME)
    judged = Judged.of(NAME, made, policy)
    page = report_files.page(NAME, [(judged, report_files.thumbnail(made, judged))], Faces(plain=False))
    assert "<img src=x" not in page
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "remove the mask" in page
    assert page.count("data:image/jpeg;base64,") == 1
    assert "http:" not in page
    assert "https:" not in page
    assert "default-src 'none'" in page


def test_the_page_begins_with_what_passes_and_why_the_others_do_not(policy: Policy) -> None:
    no_face = NoFaceError("b/x.jpg", "no face is found")
    photos = [
        Judged.of("a/1.jpg", report(GOOD_FACE), policy),
        Judged.of("b/1.jpg", report(MASKED), policy),
        Judged.refused("b/x.jpg", no_face, policy),
        Judged.refused("b/y.jpg", no_face, policy),
    ]
    page = report_files.page("Quality", [(judged, b"") for judged in photos], Faces(plain=False))
    seen = page[page.index("<h1>") :]
    for first, then in (
        ("<dt>photos</dt><dd>4", "<dt>pass</dt><dd>1"),
        ("<dt>pass</dt><dd>1", "<dt>fail</dt><dd>1"),
        ("<dt>fail</dt><dd>1", "<dt>refused</dt><dd>2"),
        ("<dt>refused</dt><dd>2", "Refused most often: no face is found (2)."),
        ("Refused most often", "Photos fail most often by: mouth (1), nose (1), sharpness (1)."),
        ("Photos fail most often", "b (100 % of 3)"),
        ("b (100 % of 3)", "passes from 0.02 on"),  # the limit of the policy, in the chart
        ("passes from 0.02 on", "<h2>Folders, the worst first</h2>"),
        ("<h2>Folders", "<h2>Photos</h2>"),
    ):
        assert 0 <= seen.find(first) < seen.find(then), (first, then)
    assert "a (" not in seen[: seen.index("<svg")]


def test_a_page_of_nothing_but_refusals_has_no_empty_chart(policy: Policy) -> None:
    refused = Judged.refused("x.jpg", NoFaceError("x.jpg", "no face is found"), policy)
    page = report_files.page("Quality", [(refused, b"")], Faces(plain=False))
    assert "<svg" not in page
    assert "there are no charts" in page


def test_a_thumbnail_is_small_and_has_the_box(policy: Policy) -> None:
    from PIL import Image as Pillow

    from senseid_cli.output.drawing.palette import BAD, GOOD

    for face, colour in ((GOOD_FACE, GOOD), (MASKED, BAD)):
        made = report(face)
        grey = replace(made, image=Image(np.full((160, 200, 3), 128, np.uint8), "PNG", 1, "a.jpg"))
        with Pillow.open(io.BytesIO(report_files.thumbnail(grey, Judged.of("a", made, policy)))) as picture:
            assert max(picture.size) <= THUMBNAIL
            pixels = np.asarray(picture.convert("RGB"), np.int16)
        assert (np.abs(pixels - colour).max(axis=2) < 60).sum() > 100


def test_the_picture_shows_photo_and_reasons(policy: Policy, tmp_path: Path) -> None:
    from PIL import Image as Pillow

    from senseid_cli.output.drawing.palette import BAD, GOOD
    from senseid_cli.output.drawing.quality import draw_quality

    def colours(*faces: FaceQuality) -> set[tuple[int, int, int]]:
        made = report(*faces)
        png = draw_quality(made, Judged.of("a.jpg", made, policy))
        assert png == draw_quality(made, Judged.of("a.jpg", made, policy))
        with Pillow.open(io.BytesIO(png)) as picture:
            beside = np.asarray(picture.convert("RGB"))[:, -400:]
        return {(int(r), int(g), int(b)) for r, g, b in beside.reshape(-1, 3)}

    assert GOOD in colours(GOOD_FACE)
    assert BAD not in colours(GOOD_FACE)
    assert BAD in colours(MASKED)
    assert BAD in colours(*[GOOD_FACE] * 6)
