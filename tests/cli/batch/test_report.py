"""The report: what it counts, and that no name in it can do anything."""

from __future__ import annotations

import base64
import hashlib
import html
import io
import re
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from senseid_cli.batch.summary import MOST_GROUPS, MOST_REFUSED, SHOWN, Summary, det_points, summarise
from senseid_cli.output.html.batch import page
from senseid_cli.output.html.document import THUMBNAIL, Faces, small_face
from senseid_engine.results import Rect


class Seen(HTMLParser):
    """The tags of a page and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "onerror", "onload"}]


def record(score: float | None, **fields: Any) -> dict[str, Any]:
    if score is None:
        return {"first": "a", "second": "b", "code": 4000, "message": "detection failed", **fields}
    return {"first": "a", "second": "b", "code": 1000, "verification_score": score, **fields}


def test_without_labels_it_shows_what_is_next_to_the_threshold() -> None:
    scores = [i / 100 for i in range(101)]
    summary = summarise([*map(record, scores), record(None), record(None)], 0.7)
    assert (summary.records, summary.refusals) == (103, {(4000, "detection failed"): 2})
    assert (summary.results, summary.scored, summary.yes) == (101, 101, 31)
    assert [sum(counts) for counts in summary.bins] == [101, 0, 0]
    shown = [example.score for example in summary.near.ranked()]
    assert shown[0] == 0.7
    assert len(shown) == SHOWN
    assert max(abs(score - 0.7) for score in shown) < 0.065
    assert not summary.labelled


def test_with_labels_it_shows_the_worst_of_both_kinds() -> None:
    rng = np.random.default_rng(0)
    rows = [record(float(rng.uniform(0.5, 1)), same=word) for word in ("1", "true", "TRUE", True, 1) * 10]
    rows += [record(float(rng.uniform(0.2, 0.8)), same=word) for word in ("0", "false", False, 0) * 10]
    rows += [record(0.1, same=""), record(0.1, same="perhaps")]
    summary = summarise(rows, 0.7)
    assert (len(summary.genuine), len(summary.impostor)) == (50, 40)
    assert [example.score for example in summary.missed.ranked()] == sorted(summary.genuine)[:SHOWN]
    assert [example.score for example in summary.taken.ranked()] == sorted(summary.impostor)[::-1][:SHOWN]
    for threshold, fmr, fnmr in det_points(summary.genuine, summary.impostor):
        assert fmr == pytest.approx(np.mean(np.array(summary.impostor) >= threshold))
        assert fnmr == pytest.approx(np.mean(np.array(summary.genuine) < threshold))


def test_equal_scores_come_in_the_order_of_the_rows() -> None:
    summary = summarise([record(0.7, row=i) for i in range(100)], 0.7)
    assert [example.record["row"] for example in summary.near.ranked()] == list(range(SHOWN))


def test_no_name_gets_out_of_the_text() -> None:
    evil = "<script>alert(1)</script>\"'&\n.jpg"
    rows = [record(0.9, first=evil, same="1"), record(0.8, second=evil, same="0"), record(None, first=evil)]
    text = page(f"Batch of {evil}", summarise(rows, 0.7), lambda example: [b"jpeg", b""], Faces(plain=False))
    assert "<script>alert" not in text
    assert text.count("&lt;script&gt;alert(1)") == 5
    # It loads nothing, names nothing outside itself, and runs nothing but its one script, told by its digest.
    seen = Seen()
    seen.feed(text)
    assert seen.tags.count("script") == 1
    assert not {"iframe", "link", "object"} & set(seen.tags)
    assert all(value.startswith("data:") for value in seen.links)
    (script,) = re.findall("<script>(.*?)</script>", text, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    (policy,) = re.findall('Content-Security-Policy" content="([^"]*)"', text)
    assert html.unescape(policy).split("; ") == [
        "default-src 'none'",
        "img-src data:",
        "style-src 'unsafe-inline'",
        f"script-src 'sha256-{digest}'",
    ]


def test_thumbnails_are_small_and_show_the_face_with_its_box() -> None:
    black = np.zeros((300, 600, 3), np.uint8)
    with Image.open(io.BytesIO(small_face(black, []))) as photo:
        assert photo.size == (THUMBNAIL, THUMBNAIL // 2)
    with Image.open(io.BytesIO(small_face(black, [Rect(200, 100, 300, 200)], (0, 255, 0)))) as photo:
        assert photo.size == (THUMBNAIL, THUMBNAIL)
        green = np.asarray(photo)[..., 1] > 150
    columns = np.nonzero(green.sum(axis=0) > THUMBNAIL // 3)[0]
    # A margin of 40 of 180 pixels on each side of the face.
    assert columns.min() == pytest.approx(THUMBNAIL * 40 / 180, abs=2)
    assert columns.max() == pytest.approx(THUMBNAIL * 140 / 180, abs=2)


def shown(summary: Summary) -> str:
    text = page("x", summary, lambda example: [], Faces(plain=False))
    return text[text.index("<h1>") :]


def test_a_run_without_any_score_says_so_in_place_of_an_empty_chart() -> None:
    text = shown(summarise([record(None)], 0.7))
    assert "Refused: 1 detection failed (4000)." in text
    assert "no chart of scores" in text
    assert "<svg" not in text
    assert "<dt>rows</dt><dd>0</dd>" in shown(summarise([], 0.7))


def test_it_begins_with_how_many_and_why_and_the_worst_groups() -> None:
    rows = [record(0.9, same=1, Group="good") for _ in range(20)]
    rows += [record(0.5, same=1, Group="bad") for _ in range(5)] + [record(0.1, same=0, Group="bad") for _ in range(15)]
    rows += [record(None, Group="bad"), record(None, problem="first: none"), record(None, Group="rare")]
    summary = summarise(rows, 0.7)
    assert [(group.name, group.records, group.refused) for group in summary.worst_groups()] == [
        ("rare", 1, 1),
        ("bad", 21, 1),
        ("good", 20, 0),
    ]
    bad = summary.groups["bad"]
    assert (bad.genuine, bad.missed, bad.impostor, bad.taken) == (5, 5, 15, 0)
    text = shown(summary)
    assert text.index("<dt>refused</dt><dd>3") < text.index("Refused: 3 detection failed") < text.index("<svg")
    # One row of a group is not enough to call it the worst in a sentence.
    assert "refused or wrong: bad (29 % of 21)." in text
    assert text.index("<h2>Groups") < text.index("<h2>Refused rows</h2>") < text.index("first: none")


def test_only_so_many_refused_rows_are_listed_and_that_is_said() -> None:
    summary = summarise([record(None)] * (MOST_REFUSED + 7), 0.7)
    assert len(summary.refused) == MOST_REFUSED
    assert "7 more are in the results" in shown(summary)


def test_only_so_many_groups_are_told_apart() -> None:
    summary = summarise([record(0.9, group=f"g{i}") for i in range(MOST_GROUPS + 5)] + [record(0.9, group="g0")], 0.7)
    assert len(summary.groups) == MOST_GROUPS
    assert summary.groups["g0"].records == 2
    assert f"The first {MOST_GROUPS} groups" in shown(summary)


def test_the_scores_of_liveness_have_no_threshold_of_comparison() -> None:
    rows = [{"video": f"{i}.mp4", "code": 1000, "passed": i > 2, "liveness_score": i / 5} for i in range(5)]
    summary = summarise(rows, 0.7)
    assert (summary.liveness, summary.yes, summary.scored) == (True, 2, 5)
    assert summary.near.ranked()[0].score == 0.4
    text = shown(summary)
    assert "<dt>living</dt><dd>2" in text
    assert "threshold" not in text


def test_who_is_not_living_is_counted_and_has_no_score() -> None:
    rows = [
        {"video": "a.mp4", "photo": "a.jpg", "code": 1000, "passed": False, "liveness_score": 0.1, "match": False},
        {"code": 1000, "passed": True, "liveness_score": 0.9, "verification_score": 0.8, "match": True},
    ]
    summary = summarise(rows, 0.7)
    assert (summary.not_living, summary.scored, summary.yes, summary.liveness) == (1, 1, 1, False)
    assert "<dt>not living</dt><dd>1" in shown(summary)


def test_photos_without_scores_have_their_measures() -> None:
    faces = [{"rect": {"left": 1}, "pose": {"yaw": 3.0}, "sharpness": 0.5}, {"sharpness": 0.9}]
    summary = summarise([{"photo": "a", "code": 1000, "faces": faces}, {"photo": "b", "code": 1000, "faces": []}], 0.7)
    assert {name: spread.total for name, spread in summary.measures.items()} == {"yaw": 3.0, "sharpness": 0.5}
    assert "<h2>Quality of the largest faces</h2>" in shown(summary)
