"""`senseid batch` as a process: the scores of `compare`, and runs that are killed and go on."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import random
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import pytest

from tests.counts import count
from tests.e2e.conftest import heed_sigint

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid

KILLS = count(4, 40)


@pytest.fixture(scope="session")
def many(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 small photos of different content, and a broken one."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("many photos")
    for name, path in photos.items():
        with Image.open(path) as photo:
            small = photo.convert("RGB")
            small.thumbnail((200, 200))
        for quality in range(88, 96):
            small.save(folder / f"{Path(name).stem}, {quality}.jpg", quality=quality)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    return folder


@pytest.fixture(scope="session")
def manifest(many: Path) -> Path:
    """60 pairs, among them every kind of trouble."""
    rng = random.Random(0)
    names = sorted(path.name for path in many.iterdir())
    path = many / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "note", "second"])
        writer.writerows([rng.choice(names), f'no. {i}, "x"', rng.choice(names)] for i in range(58))
        writer.writerow(["gone.jpg", "", names[0]])
        file.write("too short\n")
    return path


def records(output: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(output.decode(), newline=""), strict=True))


@pytest.fixture(scope="session")
def whole(senseid: Senseid, manifest: Path) -> bytes:
    """What an uninterrupted run writes."""
    out = manifest.with_name("whole.csv")
    done = senseid("batch", manifest, "--out", out, "--report", out.with_suffix(".html"))
    assert done.returncode == 3, done.stderr
    assert out.with_suffix(".html").read_text().count("<img ") == 24
    assert [path.name for path in out.parent.glob(".*")] == []
    return out.read_bytes()


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


def partial_lines(out: Path) -> int:
    partial = out.with_name(f".{out.name}.senseid-partial")
    return partial.read_bytes().count(b"\n") if partial.exists() else 0


@pytest.mark.slow
@pytest.mark.parametrize("lines", [0, 1, 8, 20])
def test_killed_and_resumed_it_writes_the_same(
    senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path, lines: int
) -> None:
    out = tmp_path / "out.csv"
    process = senseid.start_slow_batch(manifest, "--workers", "1", "-o", out)
    deadline = time.monotonic() + 120
    while partial_lines(out) < lines and time.monotonic() < deadline and process.poll() is None:
        time.sleep(0.005)
    process.kill()
    process.wait()
    assert not out.exists()
    if partial_lines(out):
        refused = senseid("batch", manifest, "-o", out)
        assert refused.returncode == 2
        assert b"--resume goes on with it" in refused.stderr
        other = senseid("batch", manifest, "-o", out, "--resume", "--threshold", "0.5")
        assert other.returncode == 2
        assert b"other settings" in other.stderr
    resume = ["--resume"] if partial_lines(out) else []
    assert senseid("batch", manifest, "-o", out, *resume).returncode == 3
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


@pytest.mark.slow
def test_killed_at_random_moments_again_and_again(
    senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path
) -> None:
    """Whatever was killed when, while whatever was written: the output is there in the end, and not before."""
    source, kills, finished = random.Random(11), 0, 0
    out = tmp_path / "out.csv"
    while kills < KILLS:
        how = ["--resume"] if partial_lines(out) else []
        with senseid.start_slow_batch(manifest, "--workers", "2", "-o", out, *how, stderr=subprocess.DEVNULL) as run:
            try:
                status = run.wait(source.uniform(0.2, 4.0))
            except subprocess.TimeoutExpired:
                victims = [psutil.Process(run.pid), *psutil.Process(run.pid).children()]
                with contextlib.suppress(psutil.NoSuchProcess):
                    source.choice(victims).kill()
                status, kills = run.wait(60), kills + 1
                psutil.wait_procs(victims, 60)
        assert status in {3, 70, -signal.SIGKILL}
        if status == 3:
            finished += 1
            assert out.read_bytes() == whole
            out.unlink()
        assert not out.exists()
        assert len(list(tmp_path.iterdir())) <= 1  # the journal
    assert senseid("batch", manifest, "-o", out, *(["--resume"] if partial_lines(out) else [])).returncode == 3
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]
    print(f"{kills} kills, the output whole {finished + 1} times")


@pytest.mark.slow
def test_a_second_run_onto_one_output_is_no_interruption(
    senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    first = senseid.start_slow_batch(manifest, "--workers", "1", "-o", out, stderr=subprocess.DEVNULL)
    while partial_lines(out) < 2 and first.poll() is None:
        time.sleep(0.01)
    for how in ([], ["--resume"], ["--force"]):
        second = senseid("batch", manifest, "-o", out, *how)
        assert second.returncode == 2
        (line,) = second.stderr.decode().splitlines()
        assert line.startswith(f"senseid: another run is writing {out}")
        assert line.endswith(": wait for it, end it, or choose another --out")
    assert first.wait(120) == 3
    assert out.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.csv"]


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
    worked, taken = map(int, re.findall(rb"(\d+) files worked on, (\d+) taken from the cache", done.stderr)[0])
    assert taken > 0
    again = senseid("batch", manifest, "--cache", cache, env=key)
    assert again.stdout == whole
    # The broken photo is looked at again; no template is made again.
    assert re.search(rb" 1 files worked on, %d taken" % len(list(cache.rglob("*.template"))), again.stderr)
    assert worked + kept >= len(list(cache.rglob("*.template")))


@pytest.mark.slow
def test_control_c_leaves_a_run_that_can_go_on(senseid: Senseid, manifest: Path, whole: bytes, tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    process = senseid.start_slow_batch(
        manifest, "--workers", "1", "-o", out, stderr=subprocess.PIPE, preexec_fn=heed_sigint
    )
    while partial_lines(out) < 4 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == 130
    assert b"Traceback" not in stderr
    assert b"--resume goes on" in stderr
    assert not out.exists()
    assert senseid("batch", manifest, "-o", out, "--resume").returncode == 3
    assert out.read_bytes() == whole


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


@pytest.mark.parametrize("capability", ["batch", "compare"])
def test_the_licence_must_allow_batches_and_the_task(
    senseid: Senseid, manifest: Path, tmp_path: Path, capability: str
) -> None:
    narrow = type(senseid)(tmp_path / "home")
    shutil.copytree(senseid.home, narrow.home)
    issue = ("license", "issue", "--product", "senseid_face", "--licensee", "Acme", "--any-machine", "--days", "1")
    issued = narrow.json(*issue, "--capability", capability, "--out", tmp_path, status=0)
    assert narrow("license", "install", issued["path"]).returncode == 0
    done = narrow("batch", manifest, "--out", tmp_path / "out.csv")
    assert done.returncode == 4
    missing = "compare" if capability == "batch" else "batch"
    assert f"does not allow {missing}" in done.stderr.decode()
    assert not (tmp_path / "out.csv").exists()
    assert list(tmp_path.glob(".*")) == []


@pytest.mark.parametrize(
    "data",
    [
        b"obama.jpg,obama2.jpg\n",
        b"first;second\r\nobama.jpg;obama2.jpg\r\n",
        b"sep=;\r\nFirst;Second\r\nobama.jpg;obama2.jpg\r\n",
        "first\tsecond\r\nobama.jpg\tobama2.jpg\r\n".encode("utf-16"),
    ],
)
def test_what_spreadsheets_and_scripts_write(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path, data: bytes
) -> None:
    for name in ("obama.jpg", "obama2.jpg"):
        shutil.copy(photos[name], tmp_path / name)
    (tmp_path / "pairs.csv").write_bytes(data)
    done = senseid("batch", tmp_path / "pairs.csv")
    assert done.returncode == 0, done.stderr
    (record,) = records(done.stdout)
    assert (record["first"], record["second"], record["match"]) == ("obama.jpg", "obama2.jpg", "true")
    said = b"has no header: its columns are taken as first, second" in done.stderr
    assert said is data.startswith(b"obama")


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"left,right\n", "has no column 'first', what it has is 'left', 'right'"),
        (b"left,right\na.jpg,b.jpg\n", "has no column 'first', what it has is 'left', 'right'"),
        (b"first,second,first_11\na.jpg,b.jpg,c.jpg\n", "'first_11', whose photos would be left out"),
        (b"first,second,first2\na.jpg,b.jpg,c.jpg\n", "'first2', whose photos would be left out"),
        (b"first,second,second_2\na.jpg,b.jpg,c.jpg\n", "'second_2', whose photos would be left out"),
        (b"a.jpg,b.jpg,1\n", "has no column 'first', what it has is 'a.jpg', 'b.jpg', '1'"),
        (b"first,second\n", "holds no rows"),
        (b"\n", "is empty"),
        (b"{}\n", "holds no rows"),
    ],
)
def test_a_batch_that_has_nothing_to_do(senseid: Senseid, data: bytes, said: str) -> None:
    done = senseid("batch", "-", stdin=data)
    assert (done.returncode, done.stdout) == (2, b"")
    assert said in done.stderr.decode()


def test_a_folder_of_one_photo(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    shutil.copy(photos["obama.jpg"], tmp_path)
    done = senseid("batch", tmp_path)
    assert (done.returncode, done.stdout) == (2, b"")
    assert b"holds one photo, so there is nothing to compare it with" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["gone.csv"], "gone.csv cannot be read"),
        (["README.md"], "has no column 'first'"),
        (["tests", "--task", "omni"], "needs a manifest"),
        (["README.md", "tests"], "it takes two folders"),
        (["README.md", "-o", "nowhere/x.csv"], "is in a folder that does not exist"),
        (["README.md", "-o", "x.txt"], "give a format"),
        (["README.md", "--resume"], "needs --out"),
        (["README.md", "-o", "x.csv", "--resume"], "was interrupted"),
        (["README.md", "-o", "x.csv", "--resume", "--force"], "exclude each other"),
        (["README.md", "--format", "parquet"], "needs a file"),
        (["README.md", "--format", "csv", "--json"], "writes NDJSON"),
        (["docs", "-o", "x.csv"], "holds no photo"),
        (["README.md", "--report", "x.html"], "it needs --out"),
        (["README.md", "-o", "README.md", "--format", "csv", "--force"], "is one of the inputs"),
        ([""], "an empty word names no file"),
    ],
)
def test_what_cannot_work_is_said_before_it_begins(senseid: Senseid, words: list[str], said: str) -> None:
    done = senseid("batch", *words, cwd=Path(__file__).resolve().parents[2])
    assert done.returncode == 2
    assert said in done.stderr.decode()


def test_what_must_not_be_overwritten(senseid: Senseid, tmp_path: Path) -> None:
    (tmp_path / "pairs.csv").write_bytes(b"first,second\na.jpg,b.jpg\n")
    (tmp_path / "link.csv").hardlink_to(tmp_path / "pairs.csv")
    os.mkfifo(tmp_path / "pipe.csv")
    for out, said in (("link.csv", b"is one of the inputs"), ("pipe.csv", b"is no regular file")):
        done = senseid("batch", "pairs.csv", "-o", out, "--force", cwd=tmp_path)
        assert done.returncode == 2
        assert said in done.stderr


def test_a_folder_that_was_deleted(senseid: Senseid, tmp_path: Path) -> None:
    (tmp_path / "gone").mkdir()
    words = senseid.command("batch", "pairs.csv")
    script = 'cd "$1" && rmdir "$1" && shift && exec "$@"'
    done = subprocess.run(
        ["sh", "-c", script, "sh", tmp_path / "gone", *words],
        env=senseid.environment(),
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2,
        b"senseid: the current folder was deleted: change to one that exists",
    )
