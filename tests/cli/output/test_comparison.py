"""Bodies, lines and tables."""

from __future__ import annotations

import io
import json
import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from senseid import bodies
from senseid.outcomes import USAGE
from senseid_cli.output import comparison, terminal
from senseid_engine.results import Comparison, FoundFaces, OmniComparison, Rect

ID = "0123456789abcdef0123456789abcdef"
A = FoundFaces("a b.jpg", 640, 480, 0, (Rect(10, 20, 110, 140), Rect(300, 30, 360, 95)))
B = FoundFaces("ü\n\x1b[31m.png", 480, 640, 3, (Rect(1, 2, 33, 44),))
PAIR = Comparison(0.9312345678901234, A, B)
MATRIX = OmniComparison(((0.9312345678901234,), (0.1,)), A, B)


def drawn(table: object, width: int = 80, *, colour: bool = False) -> str:
    console = Console(
        file=io.StringIO(),
        width=width,
        force_terminal=colour,
        highlight=False,
        no_color=not colour,
        legacy_windows=False,
    )
    console.print(table)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.mark.parametrize(
    ("threshold", "rate", "odds"),
    [
        (0.4, 1e-1, "1 in 10"),
        (0.5, 1e-2, "1 in 100"),
        (0.6, 1e-3, "1 in 1,000"),
        (0.7, 1e-4, "1 in 10,000"),
        (0.8, 1e-5, "1 in 100,000"),
        (0.9, 1e-6, "1 in 1,000,000"),
        (0.3, 1.0, "1 in 1"),
        (0.0, 1.0, "1 in 1"),
        (1.0, 1e-7, "1 in 10,000,000"),
        (0.65, 3.16228e-4, "1 in 3,160"),
    ],
)
def test_what_a_threshold_means(threshold: float, rate: float, odds: str) -> None:
    assert bodies.false_match_rate(threshold) == rate
    assert comparison.odds(threshold) == odds


@pytest.mark.parametrize(
    ("score", "text"),
    [(0.7, "0.7000"), (math.nextafter(0.7, 0), "0.6999"), (0.0, "0.0000"), (1.0, "1.0000"), (1e-9, "0.0000")],
)
def test_a_score_is_rounded_down(score: float, text: str) -> None:
    assert comparison.score_text(score) == text


@given(st.floats(0, 1), st.integers(0, 10_000))
def test_a_score_reads_as_reaching_a_threshold_exactly_if_it_does(score: float, tenthousandths: int) -> None:
    threshold = tenthousandths / 10_000
    assert (float(comparison.score_text(score)) >= threshold) == (score >= threshold)


def test_zero_is_a_threshold() -> None:
    assert comparison.verdict(0.0, 0.0) == "match"


def test_compare_body() -> None:
    body = bodies.compare_body(PAIR, ID)
    assert json.dumps(body, separators=(",", ":")) == (
        f'{{"code":1000,"verification_score":0.9312345678901234,"request_id":"{ID}"}}'
    )


def test_compare_details() -> None:
    details = bodies.compare_details(PAIR, 0.95)
    assert details["match"] is False
    assert details["threshold"] == 0.95
    assert details["false_match_rate"] == 3.16228e-7
    assert details["first_image"] == {
        "face": 1,
        "faces": 2,
        "face_rect": [10, 20, 110, 140],
        "width": 640,
        "height": 480,
        "quarter_turns": 0,
    }
    assert details["second_image"]["quarter_turns"] == 3
    assert [level["threshold"] for level in details["thresholds"]] == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    assert [level["false_match_rate"] for level in details["thresholds"]] == [1e-1, 1e-2, 1e-3, 1e-4, 1e-5, 1e-6]
    assert all(level["reached"] for level in details["thresholds"])


def test_several_references() -> None:
    twins = FoundFaces("c.jpg", 640, 480, 0, (Rect(0, 0, 40, 40), Rect(50, 0, 90, 40)), covered=("mouth",))
    result = Comparison(0.8, A, B, (twins,))
    lines = comparison.compare_lines(result, 0.7, details=True)
    assert [line.split("\t")[:2] for line in lines[2:5]] == [
        ["reference", "a b.jpg"],
        ["reference", "c.jpg"],
        ["photo", "ü\\n\\x1b[31m.png"],
    ]
    assert comparison.compare_lines(result, 0.7, details=False) == ["match\t0.8000"]
    text = drawn(comparison.compare_table(result, 0.7, details=False))
    assert re.search("references +2 photos of one person", text)
    assert re.search("reference +c.jpg: the largest of 2 faces, covered: mouth", text)
    assert "references" not in drawn(comparison.compare_table(PAIR, 0.7, details=True))
    assert bodies.compare_body(result, ID)["warnings"] == [
        {"image": "further_image_1", "warning": "several_faces", "faces": 2, "face_rect": [0, 0, 40, 40]},
        {"image": "further_image_1", "warning": "face_covered", "features": ["mouth"]},
    ]
    details = bodies.compare_details(result, 0.7)
    assert [name for name in details if "image" in name] == [
        "first_image",
        "further_images",
        "second_image",
    ]
    assert details["further_images"][0]["faces"] == 2


def test_omni_body() -> None:
    assert bodies.omni_body(MATRIX, ID) == {
        "code": 1000,
        "scores": [[0.9312345678901234], [0.1]],
        "face_rects": {
            "first_image_face_rects": [[10, 20, 110, 140], [300, 30, 360, 95]],
            "second_image_face_rects": [[1, 2, 33, 44]],
        },
        "request_id": ID,
    }


def test_error_body() -> None:
    assert bodies.error_body(USAGE, ID) == {"code": 1200, "message": "invalid argument", "request_id": ID}


def test_json_is_one_ascii_line(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.put_json({"name": "ü\n\udcff", "x": 1})
    assert capsys.readouterr().out == '{"name":"\\u00fc\\n\\udcff","x":1}\n'
    with pytest.raises(ValueError, match="JSON"):
        terminal.put_json({"score": math.nan})


def test_compare_lines() -> None:
    assert comparison.compare_lines(PAIR, 0.7, details=False) == ["match\t0.9312"]
    assert comparison.compare_lines(PAIR, 0.95, details=False) == ["no match\t0.9312"]
    lines = comparison.compare_lines(PAIR, 0.7, details=True)
    assert lines[:4] == [
        "match\t0.9312",
        "threshold\t0.7\t1 in 10,000",
        "first\ta b.jpg\tface 1 of 2\t10,20,110,140\tturned 0",
        "second\tü\\n\\x1b[31m.png\tface 1 of 1\t1,2,33,44\tturned 270",
    ]
    assert lines[4:] == [
        f"reached\t{level}\t{comparison.odds(level)}" for level in (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    ]  # 0.9312 reaches them all
    assert comparison.compare_lines(Comparison(0.45, A, B), 0.7, details=True)[5] == "not reached\t0.5\t1 in 100"


def test_omni_lines() -> None:
    assert comparison.omni_lines(MATRIX, 0.7) == ["match\t0.9312\tA1\tB1", "no match\t0.1000\tA2\tB1"]


def test_compare_table() -> None:
    text = drawn(comparison.compare_table(PAIR, 0.7, details=False))
    assert text.splitlines()[0].split() == ["match", "0.9312"]
    assert "1 in 10,000 strangers" in text
    assert "the largest of 2 faces" in text  # worth a word even without --details
    assert "turned right by 90 degrees" in text
    assert "\x1b" not in text
    alone = FoundFaces("c.jpg", 64, 64, 0, (Rect(0, 0, 9, 9),))
    assert "c.jpg" not in drawn(comparison.compare_table(Comparison(0.2, alone, alone), 0.7, details=False))


def test_compare_table_with_details() -> None:
    text = drawn(comparison.compare_table(Comparison(0.45, A, B), 0.7, details=True))
    assert "10, 20, 110, 140 of 640 x 480" in text
    rows = [line.split() for line in text.splitlines()]
    assert ["0.4", "1", "in", "10", "yes"] in rows
    assert ["0.5", "1", "in", "100", "no"] in rows


def test_omni_table() -> None:
    lines = [line.rstrip() for line in drawn(comparison.omni_table(MATRIX, 0.7)).splitlines()]
    assert lines[0].split() == ["B1"]
    assert lines[1].split() == ["A1", "0.9312"]
    assert lines[2].split() == ["A2", "0.1000"]
    assert lines[-1].split() == ["best", "0.9312", "(match,", "threshold", "0.7)"]


def test_the_width_of_the_omni_table_is_enough() -> None:
    many = FoundFaces("m", 640, 480, 0, tuple(Rect(i, 0, i + 9, 9) for i in range(12)))
    result = OmniComparison(tuple(tuple(0.5 for _ in range(12)) for _ in range(12)), many, many)
    width = comparison.omni_table_width(result)
    row = drawn(comparison.omni_table(result, 0.7), width).splitlines()[1]
    assert row.split() == ["A1", *["0.5000"] * 12]


@pytest.mark.parametrize("width", [1, 20, 40])
def test_a_narrow_terminal_breaks_nothing(width: int) -> None:
    for table in (comparison.compare_table(PAIR, 0.7, details=True), comparison.omni_table(MATRIX, 0.7)):
        assert all(len(line) <= width for line in drawn(table, width).splitlines())


def test_file_names_are_no_markup() -> None:
    odd = FoundFaces("[bold]x[/nope].jpg", 64, 64, 0, (Rect(0, 0, 9, 9),))
    assert "[bold]x[/nope].jpg" in drawn(comparison.omni_table(OmniComparison(((0.5,),), odd, odd), 0.7))


def test_a_terminal_sees_a_match_in_colour() -> None:
    assert "\x1b[1;32m" in drawn(comparison.omni_table(MATRIX, 0.7), colour=True)


def test_no_terminal_no_width(capsys: pytest.CaptureFixture[str]) -> None:
    del capsys
    assert terminal.terminal_width() is None
