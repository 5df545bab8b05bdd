"""`senseid batch` as a process: the scores of `compare`, for every task and kind of input."""

from __future__ import annotations

import json
import re
import time
from typing import TYPE_CHECKING

import pytest

from tests.e2e.batch.conftest import partial_lines, records

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


def test_every_row_gives_a_record_with_the_score_of_compare(
    senseid: Senseid, manifest: Path, many: Path, whole: bytes
) -> None:
    found = records(whole)
    assert [record["row"] for record in found] == [str(number) for number in range(1, 61)]
    assert found[7]["note"] == 'no. 7, "x"'
    good = [record for record in found if record["code"] == "1000"]
    for record in (good[0], good[-1]):
        body = senseid.json("compare", many / record["first"], many / record["second"])
        assert record["verification_score"] == repr(body["verification_score"])
        assert record["match"] == str(body["verification_score"] >= 0.7).lower()
    bad = [record for record in found if record["code"] != "1000"]
    assert {record["code"] for record in bad} == {"1200", "2005"}
    assert all(record["verification_score"] == "" and record["problem"] and record["message"] for record in bad)


def test_a_stream_gives_the_same(senseid: Senseid, many: Path, manifest: Path, whole: bytes) -> None:
    done = senseid("batch", "-", "--json", stdin=manifest.read_bytes(), cwd=many)
    assert done.returncode == 3
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [str(line.get("verification_score", "")) for line in lines] == [
        record["verification_score"] for record in records(whole)
    ]


def test_several_photos_of_one_person(senseid: Senseid, photos: dict[str, Path]) -> None:
    folder = photos["obama.jpg"].parent
    rows = "first,first_2,second\n" + "".join(
        f"{row}\n"
        for row in (
            "obama.jpg,obama2.jpg,obama3.jpg",
            "obama2.jpg,obama.jpg,obama3.jpg",
            "obama.jpg,,obama3.jpg",
            "obama.jpg,biden.jpg,obama3.jpg",
        )
    )
    done = senseid("batch", "-", stdin=rows.encode(), cwd=folder)
    assert done.returncode == 3
    both, turned, alone, refused = records(done.stdout)
    known = [word for name in ("obama.jpg", "obama2.jpg") for word in ("--reference", folder / name)]
    score = senseid.json("compare", *known, folder / "obama3.jpg")["verification_score"]
    assert both["verification_score"] == turned["verification_score"] == repr(score)
    pair = senseid.json("compare", folder / "obama.jpg", folder / "obama3.jpg")
    assert alone["verification_score"] == repr(pair["verification_score"])
    assert (refused["code"], refused["message"]) == ("1200", "invalid argument")
    assert refused["problem"].startswith("first_2: shows another person than first (score 0.")


@pytest.mark.slow
def test_with_a_cache_nothing_is_encoded_twice(senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path) -> None:
    key = {"PARAM_DECRYPT_KEY": "kf8Zq2Lw0xTn5Rb7Yc3Vm9Gd1Hs6Pj4A"}
    out, cache = tmp_path / "out.csv", tmp_path / "cache"
    process = senseid.start_slow_batch(manifest, "--workers", "1", "-o", out, "--cache", cache, env=key)
    while partial_lines(out) < 6 and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    kept = len(list(cache.rglob("*.template")))
    assert kept > 0
    done = senseid("batch", manifest, "-o", out, "--cache", cache, "--resume", env=key)
    assert out.read_bytes() == whole
    worked, taken = map(int, re.findall(rb"(\d+) files? worked on, (\d+) taken from the cache", done.stderr)[0])
    assert taken > 0
    again = senseid("batch", manifest, "--cache", cache, env=key)
    assert again.stdout == whole
    # The broken photo is looked at again; no template is made again.
    assert re.search(rb" 1 file worked on, %d taken" % len(list(cache.rglob("*.template"))), again.stderr)
    assert worked + kept >= len(list(cache.rglob("*.template")))


@pytest.mark.slow
def test_all_photos_against_all(senseid: Senseid, many: Path, tmp_path: Path) -> None:
    one = senseid("batch", many, "--threshold", "0")
    found = records(one.stdout)
    names = sorted(path.name for path in many.glob("*.jpg"))
    good = [name for name in names if name != "broken.jpg"]
    pairs = [(r["first"], r["second"]) for r in found if r["code"] == "1000"]
    assert pairs == [(a, b) for i, a in enumerate(good) for b in good[i + 1 :]]
    assert [(r["first"], r["code"]) for r in found if r["code"] != "1000"] == [("broken.jpg", "2005")]
    # The same pairs as a manifest: the same scores, to the last digit.
    rows = "first,second\n" + "".join(f'"{a}","{b}"\n' for a, b in pairs)
    listed = records(senseid("batch", "-", stdin=rows.encode(), cwd=many).stdout)
    scores = {(r["first"], r["second"]): r["verification_score"] for r in listed}
    assert all(r["verification_score"] == scores[r["first"], r["second"]] for r in found if r["code"] == "1000")
    other = tmp_path / "other"
    other.mkdir()
    (other / "x.jpg").write_bytes((many / good[0]).read_bytes())
    over = records(senseid("batch", many, other, "--threshold", "0.7").stdout)
    both = {frozenset(pair): float(score) for pair, score in scores.items()}
    assert [r["first"] for r in over if r["code"] == "1000"] == [
        name for name in good if name == good[0] or both[frozenset((name, good[0]))] >= 0.7
    ]


def test_every_face_with_every_face(senseid: Senseid, groups: tuple[Path, Path]) -> None:
    first, second = groups
    rows = json.dumps({"first": str(first), "second": str(second), "id": 7}) + "\n"
    done = senseid("batch", "-", "--task", "omni", "--json", stdin=rows.encode())
    assert done.returncode == 0
    (record,) = map(json.loads, done.stdout.splitlines())
    body = senseid.json("omni", first, second)
    assert (record["id"], record["code"]) == (7, 1000)
    assert record["scores"] == body["scores"]
    assert record["face_rects"] == body["face_rects"]
    assert record["best_score"] == max(map(max, body["scores"]))


def test_the_quality_of_a_folder(senseid: Senseid, many: Path, tmp_path: Path) -> None:
    for name in ("obama, 90.jpg", "broken.jpg"):
        (tmp_path / name).write_bytes((many / name).read_bytes())
    done = senseid("batch", tmp_path, "--task", "quality", "--json")
    assert done.returncode == 3
    refused, measured = map(json.loads, done.stdout.splitlines())
    assert (refused["photo"], refused["code"]) == ("broken.jpg", 2005)
    assert (measured["photo"], measured["code"]) == ("obama, 90.jpg", 1000)
    assert measured["faces"] == senseid.json("quality", tmp_path / "obama, 90.jpg")["faces"]


@pytest.mark.slow
def test_videos_and_their_people(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    still = tmp_path / "still.mp4"
    write_video(still, photos["obama.jpg"], seconds=2.4)
    (tmp_path / "none.mp4").write_bytes(b"no video")
    rows = "".join(f"{name},{photos['obama2.jpg']}\n" for name in ("still.mp4", "none.mp4", "still.mp4"))
    manifest = tmp_path / "rows.csv"
    manifest.write_text(f"video,photo\n{rows}")
    done = senseid("batch", manifest, "--task", "liveness", "--json")
    assert done.returncode == 3
    assert b"2 files worked on" in done.stderr
    first, bad, again = map(json.loads, done.stdout.splitlines())
    body = senseid.json("liveness", still, "--return-status")
    for record in (first, again):
        assert [record[k] for k in ("passed", "liveness_score", "liveness_status")] == [
            body[k] for k in ("passed", "liveness_score", "liveness_status")
        ]
    assert bad["code"] == 2008
    done = senseid("batch", manifest, "--task", "verify")
    found = records(done.stdout)
    assert [record["code"] for record in found] == ["1000", "2008", "1000"]
    assert found[0]["passed"] == str(body["passed"]).lower()
    assert (found[0]["verification_score"] == "") is not body["passed"]


def write_video(path: Path, photo: Path, *, seconds: float) -> None:
    """A photo held before the camera."""
    av = pytest.importorskip("av")
    from PIL import Image

    with Image.open(photo) as opened:
        frame = av.VideoFrame.from_image(opened.convert("RGB").resize((320, 240)))
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuv420p"
        for i in range(round(seconds * 10)):
            frame.pts = i
            container.mux(stream.encode(frame.reformat(format="yuv420p")))
        container.mux(stream.encode(None))
