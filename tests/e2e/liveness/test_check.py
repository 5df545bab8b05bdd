"""`senseid liveness` on videos and photos."""

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

from senseid_engine.video import decode_video
from tests.e2e.liveness.conftest import body_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Senseid


def test_a_still_photo_is_an_attack(senseid: Senseid, still: Path) -> None:
    done = senseid("liveness", still)
    assert done.returncode == 1
    assert re.fullmatch(rb"not live\t0\.\d{4}\thack\n", done.stdout)
    assert done.stderr == b""


def test_a_photo_alone(senseid: Senseid, photos: dict[str, Path], live: Path, test_data: Path, tmp_path: Path) -> None:
    done = senseid("liveness", photos["obama.jpg"])
    assert done.returncode == 0
    assert re.fullmatch(rb"live\t0\.\d{4}\tok\n", done.stdout)
    assert b"proves less than a video" in done.stderr
    screen = first_frame(test_data / "liveness-videos" / "spoof" / "lestari15-fake.mp4", tmp_path / "screen.png")
    body = senseid.json("liveness", screen, "--return-status", status=1)
    assert (body["code"], body["passed"], body["liveness_status"]) == (1000, False, "hack")
    assert body["warnings"] == [{"image": "image", "warning": "photo_only"}]
    for words in (
        ("--explain", tmp_path / "why.png", screen),
        ("--save-face", tmp_path / "face.png", screen),
        ("--json", "--return-image", screen),
        ("--auto-rotate", live),
    ):
        assert senseid("liveness", *words).returncode == 2


def test_photos_of_screens_are_refused_where_that_is_asked_for(
    senseid: Senseid, photos: dict[str, Path], test_data: Path, tmp_path: Path
) -> None:
    screen = first_frame(test_data / "liveness-videos" / "spoof" / "lestari15-fake.mp4", tmp_path / "screen.png")
    assert senseid("compare", "--check-liveness", photos["obama.jpg"], photos["obama2.jpg"]).returncode == 0
    done = senseid("compare", "--check-liveness", photos["obama.jpg"], screen)
    assert (done.returncode, done.stdout) == (3, b"")
    assert b"screen.png: looks like a photo of paper or of a screen" in done.stderr
    pairs = tmp_path / "pairs.csv"
    pairs.write_text(f"first,second\n{photos['obama.jpg']},{photos['obama2.jpg']}\n{screen},{photos['obama.jpg']}\n")
    done = senseid("batch", "--json", "--check-liveness", pairs)
    good, bad = map(json.loads, done.stdout.splitlines())
    assert (done.returncode, good["match"], bad["code"]) == (3, True, 4007)
    videos = tmp_path / "videos.csv"
    videos.write_text(f"video\n{photos['obama.jpg']}\n{screen}\n")
    done = senseid("batch", "--json", "--task", "liveness", videos)
    assert [json.loads(line)["liveness_status"] for line in done.stdout.splitlines()] == ["ok", "hack"]


def first_frame(clip: Path, out: Path) -> Path:
    """The first frame of a clip, as a photo."""
    frame = next(decode_video(clip.read_bytes(), name=clip.name).frames())
    Image.fromarray(np.asarray(frame.pixels)).save(out)
    return out


def test_the_body_of_an_attack(senseid: Senseid, still: Path, tmp_path: Path) -> None:
    words = ("--return-status", "--return-image", "--return-face-image", "--save-image", tmp_path / "a.png")
    done = senseid("liveness", still, *words, "--json")
    body = body_of(done)
    assert list(body) == ["code", "passed", "liveness_score", "liveness_status", "request_id"]
    assert (body["code"], body["passed"], body["liveness_status"]) == (1000, False, "hack")
    assert not (tmp_path / "a.png").exists()
    assert b"no picture is saved" in done.stderr


def test_a_living_person(checked: dict[str, Any]) -> None:
    assert list(checked) == [
        "code",
        "passed",
        "liveness_score",
        "liveness_status",
        "image_timestamp",
        "base64_image",
        "base64_face_image",
        "request_id",
    ]
    assert (checked["passed"], checked["liveness_status"]) == (True, "ok")
    assert 0.5 <= checked["liveness_score"] <= 1
    assert 0 <= checked["image_timestamp"] <= 3
    frame = Image.open(io.BytesIO(base64.b64decode(checked["base64_image"])))
    face = Image.open(io.BytesIO(base64.b64decode(checked["base64_face_image"])))
    assert (frame.format, frame.size, face.format) == ("JPEG", (360, 288), "JPEG")
    assert 50 < face.height < 288


def test_files_of_a_living_person(senseid: Senseid, live: Path, checked: dict[str, Any], tmp_path: Path) -> None:
    outputs = [tmp_path / name for name in ("frame.png", "face.png", "why.png")]
    options = ("--save-image", outputs[0], "--save-face", outputs[1], "--explain", outputs[2])
    done = senseid("liveness", live, *options)
    assert done.returncode == 0
    first, *lines = done.stdout.decode().splitlines()
    assert first.split("\t")[::2] == ["live", "ok"]
    assert {line.split("\t")[0] for line in lines} == {"face", "selected", "evidence", "out of reach"}
    weights = [abs(float(line.split("\t")[3])) for line in lines if line.startswith("evidence")]
    assert weights == sorted(weights, reverse=True)
    assert weights
    assert f"{checked['image_timestamp']:.2f} s" in lines[1]  # a new process, the same frame
    assert {path.stat().st_mode & 0o777 for path in outputs} == {0o600}  # they show a face
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in outputs)
    saved, returned = (
        np.asarray(Image.open(io.BytesIO(data)), float)
        for data in (outputs[0].read_bytes(), base64.b64decode(checked["base64_image"]))
    )
    assert np.abs(saved - returned).mean() < 2
    assert senseid("compare", outputs[0], outputs[1]).returncode == 0
    before = outputs[2].read_bytes()
    again = senseid("liveness", live, "--explain", outputs[2])
    assert again.returncode == 2
    assert b"--force overwrites it" in again.stderr
    assert senseid("liveness", live, "--explain", outputs[2], "--force").returncode == 0
    assert outputs[2].read_bytes() == before  # to the last bit


def test_a_terminal_gets_a_table_and_a_progress_bar(senseid: Senseid, still: Path, photos: dict[str, Path]) -> None:
    env = {"TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    status, seen = senseid.on_terminal("liveness", still, env=env)
    assert status == 1
    assert "looking at frames" in seen
    assert "hack: an attack with a picture" in seen
    status, seen = senseid.on_terminal("verify", still, photos["obama.jpg"], env=env)
    assert (status, "nothing is compared" in seen) == (1, True)


@pytest.mark.parametrize(
    "words",
    [
        ("--save-image", "a.png", "--explain", "a.png"),
        ("--save-face", "a.jpg"),
        ("--save-face", "no/such/folder/a.png"),
        ("--threshold", "0.5"),
    ],
)
def test_wrong_command_lines(senseid: Senseid, still: Path, tmp_path: Path, words: tuple[str, ...]) -> None:
    done = senseid("liveness", still, *words, cwd=tmp_path)
    assert done.returncode == 2
    assert done.stdout == b""
    assert list(tmp_path.iterdir()) == []


def test_a_video_from_stdin_and_encrypted(keyed: Senseid, live: Path, checked: dict[str, Any], tmp_path: Path) -> None:
    assert keyed.json("liveness", "-", stdin=live.read_bytes())["liveness_score"] == checked["liveness_score"]
    encrypted = tmp_path / "clip.senseid"
    assert keyed("encrypt", live, "-o", encrypted).returncode == 0
    assert b"\x00\x00\x01\xba" not in encrypted.read_bytes()[:100]
    assert keyed.json("liveness", encrypted)["liveness_score"] == checked["liveness_score"]


@pytest.mark.parametrize(
    ("name", "code", "problem"),
    [
        ("text.mp4", 2008, "is not a video"),
        ("empty.mp4", 2008, "is empty"),
        ("short.mp4", 2008, "is 1.96 s long"),
        ("narrow.mp4", 2003, "is 6 x 64 px"),
        ("long.mp4", 2004, "16 MB"),
        ("blank.mp4", 4007, "no frame shows a face"),
        ("none.mp4", 1200, "no such file"),
    ],
)
@pytest.mark.parametrize("command", ["liveness", "verify"])
def test_videos_that_are_refused(
    senseid: Senseid,
    photos: dict[str, Path],
    encode_clip: Callable[..., bytes],
    tmp_path: Path,
    command: str,
    name: str,
    code: int,
    problem: str,
) -> None:
    grey = np.full((48, 64, 3), 128, np.uint8)
    made: dict[str, Callable[[], bytes]] = {
        "text.mp4": lambda: b"no video",
        "empty.mp4": lambda: b"",
        "short.mp4": lambda: encode_clip([grey] * 49, range(0, 1960, 40)),
        "narrow.mp4": lambda: encode_clip([np.zeros((64, 6, 3), np.uint8)] * 30, range(0, 3000, 100)),
        "long.mp4": lambda: encode_clip([grey] * 50, range(0, 2000, 40)) + bytes(16 * 1024 * 1024),
        "blank.mp4": lambda: encode_clip([grey] * 50, range(0, 2000, 40)),
    }
    if name in made:
        (tmp_path / name).write_bytes(made[name]())
    words = [tmp_path / name] if command == "liveness" else [tmp_path / name, photos["obama.jpg"]]
    done = senseid(command, *words, "--json")
    assert (done.returncode, body_of(done)["code"]) == (3, code), done.stderr
    assert done.stderr.startswith(f"senseid: {tmp_path / name}: ".encode())
    assert problem in done.stderr.decode()


def test_a_face_that_is_seen_for_a_moment(
    senseid: Senseid, photos: dict[str, Path], encode_clip: Callable[..., bytes], tmp_path: Path
) -> None:
    shown = np.asarray(Image.open(photos["obama.jpg"]).convert("RGB").resize((228, 284)))
    path = tmp_path / "moment.mp4"
    path.write_bytes(encode_clip([shown] * 25 + [np.full_like(shown, 128)] * 50, range(0, 3000, 40)))
    body = senseid.json("liveness", path, "--return-status", status=1)
    assert (body["passed"], body["liveness_status"]) == (False, "short_time")


OPENED = """
import sys
opened = []
sys.addaudithook(lambda event, args: opened.append(str(args[0])) if event == "open" else None)
from senseid_cli.app import run
status = run(sys.argv[1:])
print("opened", *(path for path in opened if path.endswith(".onnx")), sep="\\n", file=sys.stderr)
sys.exit(status)
"""


@pytest.mark.parametrize("command", ["liveness", "verify"])
def test_without_a_licence_no_model_is_opened(
    senseid: Senseid, still: Path, photos: dict[str, Path], tmp_path: Path, command: str
) -> None:
    shutil.copytree(senseid.home, tmp_path / "home")
    unlicensed = type(senseid)(tmp_path / "home")
    (unlicensed.home / "license" / "senseid_liveness" / "senseid_liveness.lic").unlink()
    words = [still] if command == "liveness" else [still, photos["obama.jpg"]]
    done = subprocess.run(
        [sys.executable, "-c", OPENED, command, *map(str, words)],
        capture_output=True,
        text=True,
        env=unlicensed.environment(),
        check=False,
    )
    assert done.returncode == 4
    assert done.stderr.endswith("opened\n")
    assert "there is no licence for senseid_liveness" in done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["live", "spoof"])
def test_every_clip_that_we_have(senseid: Senseid, test_data: Path, kind: str) -> None:
    for path in sorted((test_data / "liveness-videos" / kind).iterdir()):
        body = senseid.json("liveness", path, "--return-status")
        assert body["liveness_status"] == {"live": "ok", "spoof": "hack"}[kind], path.name
