"""Results of a run, read again as they were before they were written."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from senseid.batch_errors import ResultsError
from senseid.tables.manifest import Format
from senseid.tables.writers import open_writer
from senseid_cli.batch.results import decided_by, read_results
from senseid_cli.batch.rows import TYPES

if TYPE_CHECKING:
    from pathlib import Path

FACE = {"rect": {"left": 1, "top": 2, "right": 3, "bottom": 4}, "sharpness": 0.25}
RECTS = {"first_image_face_rects": [[1, 2, 3, 4]], "second_image_face_rects": []}
RECORDS: list[dict[str, Any]] = [
    {"row": 1, "first": "a b.jpg", "same": "1", "code": 1000, "verification_score": 0.1 + 0.2, "match": True},
    {"row": 2, "first": 'ä,".jpg', "code": 4000, "message": "detection failed", "problem": "first: no face"},
    {"row": 3, "code": 1000, "best_score": 1.0, "match": False, "scores": [[0.5, 1.0]], "face_rects": RECTS},
    {"row": 4, "code": 1000, "faces": [FACE]},
    {"row": 5, "code": 1000, "passed": False, "liveness_score": 0.0},
]
COLUMNS = tuple(dict.fromkeys(name for record in RECORDS for name in record))


@pytest.mark.parametrize("form", Format)
def test_what_a_run_writes_is_read_again(form: Format, tmp_path: Path) -> None:
    path = tmp_path / f"results.{form.value}"
    with path.open("wb") as file:
        writer = open_writer(form, file, COLUMNS, TYPES)
        for record in RECORDS:
            writer.put(record)
        writer.close()
    assert list(read_results(path)) == RECORDS


@pytest.mark.parametrize("form", Format)
def test_two_photos_of_a_hundred_faces(form: Format, tmp_path: Path) -> None:
    path = tmp_path / f"results.{form.value}"
    record = {"row": 1, "code": 1000, "best_score": 0.25, "match": False, "scores": [[0.1 + 0.2] * 100] * 100}
    with path.open("wb") as file:
        writer = open_writer(form, file, tuple(record), TYPES)
        writer.put(record)
        writer.close()
    assert list(read_results(path)) == [record]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "holds no results"),
        ("row,code\n", "holds no results"),
        ("first,second\na,b\n", "no results of senseid batch: row 1 has no code"),
        ("row,code,verification_score\n1,1000,high\n", "row 1 of .*verification_score is 'high'"),
        ("row,code,verification_score\n1,1000,nan\n", "verification_score is no number"),
        ("row,code,verification_score\n1,1000,1.5\n", "verification_score is 1.5"),
        ("row,code,match\n1,1000,perhaps\n", "match is 'perhaps'"),
        ("row,code,faces\n1,1000,[{]\n", "faces is not JSON"),
        ("row,code,faces\n1,1000,[{}]\n", "faces is not what is found on a photo"),
        ("row,code\n1,1000\n2\n", "row 2 of .*1 fields instead of 2"),
        ("PK\x03\x04", "a spreadsheet or an archive"),
        ('{"code":1000}\n{"code":"x"}\n', "row 2 of .*code is 'x'"),
        ('{"code":1000,"first":7}\n', "first is not a path"),
        ('{"code":1000,"face_rects":{"first_image_face_rects":[[1]],"second_image_face_rects":[]}}\n', "face_rects"),
        ('{"code":1000}\n[1]\n', "row 2 of .*not an object"),
        ('{"code":1000}\n{\n', "row 2 of .*not an object"),
        ('{"code":1000,"match":1}\n', "match is 1"),
    ],
)
def test_anything_else_is_refused_with_its_row(text: str, problem: str, tmp_path: Path) -> None:
    from senseid.errors import BatchError

    path = tmp_path / "results"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(BatchError, match=problem):
        list(read_results(path))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ResultsError, match="cannot be read: no such file"):
        list(read_results(tmp_path / "none.csv"))


@pytest.mark.parametrize(
    ("record", "agrees"),
    [
        ({"verification_score": 0.7, "match": True}, True),
        ({"verification_score": 0.69, "match": True}, False),
        ({"best_score": 0.9, "match": False}, False),
        ({"verification_score": 0.1}, True),
        ({"match": False}, True),
        (json.loads('{"code": 4000}'), True),
    ],
)
def test_the_verdict_of_a_record_tells_a_wrong_threshold(record: dict[str, Any], agrees: bool) -> None:
    assert decided_by(0.7, record) is agrees
