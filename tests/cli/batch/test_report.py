"""The report: what it counts, and that no name in it can do anything."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from PIL import Image

from senseid_cli.batch.summary import SHOWN, det_points, summarise
from senseid_cli.output.html.batch import page, small
from senseid_cli.output.html.document import THUMBNAIL, Faces


class Seen(HTMLParser):
    """The tags of a page and what they load."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.links += [value or "" for name, value in attrs if name in {"src", "href", "onerror", "onload"}]


def record(score: float | None, **fields: Any) -> dict[str, Any]:
    if score is None:
        return {"first": "a", "second": "b", "code": 4000, "message": "detection failed", **fields}
    return {"first": "a", "second": "b", "code": 1000, "verification_score": score, **fields}


def test_without_labels_it_shows_what_is_next_to_the_threshold() -> None:
    scores = [i / 100 for i in range(101)]
    summary = summarise([*map(record, scores), record(None), record(None)], 0.7)
    assert (summary.records, summary.codes) == (103, {1000: 101, 4000: 2})
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
    assert "<script" not in text
    assert text.count("&lt;script&gt;alert(1)") == 4
    assert "default-src 'none'" in text
    # It runs nothing and names nothing outside itself.
    seen = Seen()
    seen.feed(text)
    assert not {"script", "iframe", "link", "object"} & seen.tags
    assert all(value.startswith("data:") for value in seen.links)
    assert "1 of 1 pairs of different people match" in text


def test_thumbnails_are_small() -> None:
    with Image.open(io.BytesIO(small(np.zeros((300, 600, 3), np.uint8)))) as photo:
        assert photo.size == (THUMBNAIL, THUMBNAIL // 2)


def test_a_run_without_any_score_has_a_report_too() -> None:
    assert "refused, code 4000" in page("x", summarise([record(None)], 0.7), lambda example: [], Faces(plain=False))
    assert "0 records" in page("x", summarise([], 0.7), lambda example: [], Faces(plain=False))
