"""All photos against all: which records, in which order, wherever the run begins."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from senseid.batch_errors import ManifestError
from senseid_cli.batch.pairs import Photos, list_media, pair_records
from senseid_cli.batch.work import Medium, Refusal
from senseid_engine.batch.scorer import Scorer
from senseid_engine.template import Template
from senseid_models.registry import Registry

REFUSED = Refusal(4000, "detection failed", "no face is found")
Outcomes = tuple[Photos, list[Template | Refusal]]


@pytest.fixture(scope="module")
def scorer() -> Scorer:
    return Scorer.open(Registry.builtin())


def photos(prefix: str, count: int, refused: set[int], seed: int = 0) -> Outcomes:
    """Photos of a few people; some of them refused."""
    rng = np.random.default_rng(seed)
    people = np.random.default_rng(9).normal(size=(4, 128))
    outcomes: list[Template | Refusal] = []
    for i in range(count):
        vector = people[i % 4] + 0.6 * rng.normal(size=128)
        unit = (vector / np.linalg.norm(vector)).astype(np.float32)
        outcomes.append(REFUSED if i in refused else Template(unit))
    return Photos(Path(), tuple(f"{prefix}{i:02}" for i in range(count))), outcomes


def records(first: Outcomes, second: Outcomes | None, scorer: Scorer, threshold: float) -> list[dict[str, Any]]:
    return [record for unit in pair_records(first, second, scorer, threshold, 0) for record in unit]


def score(one: Template | Refusal, other: Template | Refusal, scorer: Scorer) -> float:
    assert isinstance(one, Template)
    assert isinstance(other, Template)
    return scorer.scores([one], [other])[0][0]


@pytest.mark.parametrize("threshold", [0.0, 0.4, 0.7, 1.0])
def test_one_folder(scorer: Scorer, threshold: float) -> None:
    first = photos("a", 23, {3, 22})
    want: list[dict[str, Any]] = []
    for i, (name, one) in enumerate(zip(first[0].names, first[1], strict=True)):
        if isinstance(one, Refusal):
            want.append({"first": name, "code": 4000, "message": REFUSED.message, "problem": REFUSED.problem})
            continue
        for other_name, other in list(zip(first[0].names, first[1], strict=True))[i + 1 :]:
            if not isinstance(other, Refusal) and (s := score(one, other, scorer)) >= threshold:
                want.append({"first": name, "second": other_name, "code": 1000, "verification_score": s})
    assert records(first, None, scorer, threshold) == want


def test_two_folders(scorer: Scorer) -> None:
    first, second = photos("a", 9, {2}), photos("b", 11, {0, 5}, seed=1)
    found = records(first, second, scorer, 0.0)
    assert len([r for r in found if r["code"] == 1000]) == 8 * 9
    assert [r.get("first") or r["second"] for r in found if r["code"] == 4000] == ["a02", "b00", "b05"]
    for record in found[:10]:
        one, other = (side[1][int(record[key][1:])] for side, key in ((first, "first"), (second, "second")))
        assert record["verification_score"] == score(one, other, scorer)


@pytest.mark.parametrize("second", [None, photos("b", 7, {1}, seed=1), photos("b", 2, {0, 1})])
def test_it_goes_on_anywhere(scorer: Scorer, second: Outcomes | None) -> None:
    first = photos("a", 12, {0, 4, 5, 11})
    whole = list(pair_records(first, second, scorer, 0.3, 0))
    assert len(whole) == 12 + (second is not None)
    for start in range(len(whole) + 1):
        assert list(pair_records(first, second, scorer, 0.3, start)) == whole[start:]


def test_the_photos_of_a_folder(tmp_path: Path) -> None:
    for name in (
        "b.JPG",
        "a/c d.png",
        ".hidden.jpg",
        ".thumbs/x.jpg",
        "notes.txt",
        "v.mp4",
        "w.mpg",
        "e.png.senseid",
        "f.jpg.b64",
    ):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "folder.jpg").mkdir()
    listed = list_media(tmp_path)
    assert listed.names == ("a/c d.png", "b.JPG", "e.png.senseid", "f.jpg.b64")
    assert list_media(tmp_path, Medium.VIDEO).names == ("v.mp4", "w.mpg")
    digest = listed.digest()
    (tmp_path / "b.JPG").write_bytes(b"changed")
    assert listed.digest() != digest
    with pytest.raises(ManifestError, match="holds no video"):
        list_media(tmp_path / "a", Medium.VIDEO)
    with pytest.raises(ManifestError, match="cannot be read: not a directory"):
        list_media(tmp_path / "b.JPG")
