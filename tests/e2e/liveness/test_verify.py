"""`senseid verify`, and liveness data that are made, kept and read again."""

from __future__ import annotations

import os
import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from senseid_engine.video import decode_video
from tests.e2e.liveness.conftest import body_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.e2e.conftest import Senseid


def test_verify_a_living_person(senseid: Senseid, live: Path, portrait: Path, checked: dict[str, Any]) -> None:
    body = senseid.json("verify", live, portrait, "--return-status", status=0)
    assert list(body) == [
        "code",
        "passed",
        "liveness_score",
        "liveness_status",
        "verification_score",
        "request_id",
    ]
    assert body["passed"] is True
    assert body["liveness_score"] == checked["liveness_score"]
    assert body["verification_score"] > 0.9
    lines = senseid("verify", live, portrait)
    assert re.fullmatch(rb"match\t0\.\d{4}\tlive\t0\.\d{4}\tok\n", lines.stdout)


def test_verify_a_stranger(senseid: Senseid, live: Path, photos: dict[str, Path]) -> None:
    done = senseid("verify", live, photos["obama.jpg"], "--json")
    body = body_of(done)
    assert (done.returncode, body["passed"]) == (1, True)
    assert body["verification_score"] < 0.7
    assert senseid("verify", live, photos["obama.jpg"], "--threshold", "0").returncode == 0


def test_of_an_attack_nothing_is_compared(senseid: Senseid, still: Path, photos: dict[str, Path]) -> None:
    body = senseid.json("verify", still, photos["obama.jpg"], "--threshold", "0", status=1)
    assert list(body) == ["code", "passed", "liveness_score", "request_id"]
    assert body["passed"] is False
    done = senseid("verify", still, photos["obama.jpg"])
    assert re.fullmatch(rb"no match\t-\tnot live\t0\.\d{4}\thack\n", done.stdout)


def test_that_a_clip_shows_two_people_is_said(
    senseid: Senseid, live: Path, portrait: Path, encode_clip: Callable[..., bytes], tmp_path: Path
) -> None:
    clips = [
        decode_video(clip.read_bytes(), name=clip.name).frames() for clip in (live, live.parent / "grid-bbaf2n.mpg")
    ]
    pictures = [frame.pixels for clip in clips for frame in list(clip)[:15]]
    changing = tmp_path / "changing.mp4"
    changing.write_bytes(encode_clip(pictures, range(0, 3000, 100)))
    done = senseid("verify", changing, portrait)
    assert re.fullmatch(rb"no match\t-\tnot live\t0\.\d{4}\thack\n", done.stdout)
    assert done.stderr.endswith(b"changing.mp4 shows different people one after another, which counts as an attack\n")
    assert b"different people" not in senseid("verify", live, portrait).stderr


def test_a_photo_without_a_face_is_refused_whatever_the_video(senseid: Senseid, still: Path, tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (320, 240), "grey").save(blank)
    done = senseid("verify", still, blank, "--json")
    assert (done.returncode, body_of(done)["code"]) == (3, 4000)


def test_liveness_data_there_and_back(
    keyed: Senseid, live: Path, portrait: Path, packed: Path, photos: dict[str, Path]
) -> None:
    body = keyed.json("verify", packed, portrait, status=0)
    assert list(body) == ["code", "verification_score", "request_id"]
    of_video = keyed.json("verify", live, portrait)["verification_score"]
    assert body["verification_score"] == pytest.approx(of_video, abs=0.02)
    done = keyed("verify", packed, photos["obama.jpg"])
    assert done.returncode == 1
    assert re.fullmatch(rb"no match\t0\.\d{4}\tcaptured\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n", done.stdout)


def test_liveness_data_go_to_a_file(keyed: Senseid, still: Path, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for out in ("-", "pipe"):
        assert keyed("liveness", "pack", still, "-o", out, "--force", cwd=tmp_path).returncode == 2
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_of_an_upside_down_face_no_data_are_made(
    keyed: Senseid, live: Path, encode_clip: Callable[..., bytes], tmp_path: Path
) -> None:
    clip = live.parent / "ZubairCracksCode-real.mov"
    frames = list(decode_video(clip.read_bytes(), name=clip.name).frames())
    hanging = tmp_path / "hanging.mp4"
    hanging.write_bytes(encode_clip([frame.pixels[::-1, ::-1] for frame in frames], range(0, 100 * len(frames), 100)))
    done = keyed("liveness", "pack", hanging, "-o", tmp_path / "person.liveness")
    assert done.returncode == 3
    assert b"the face is sideways or upside down" in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["hanging.mp4"]


def test_of_an_attack_no_data_are_made(keyed: Senseid, still: Path, tmp_path: Path) -> None:
    path = tmp_path / "attack.liveness"
    body = keyed.json("liveness", "pack", still, "-o", path, status=1)
    assert (body["passed"], body["path"]) == (False, None)
    assert list(tmp_path.iterdir()) == []


def test_data_are_not_overwritten(keyed: Senseid, live: Path, packed: Path) -> None:
    before = packed.read_bytes()
    assert keyed("liveness", "pack", live, "-o", packed).returncode == 2
    assert packed.read_bytes() == before


def test_changed_data(keyed: Senseid, packed: Path, portrait: Path, tmp_path: Path) -> None:
    data = packed.read_bytes()
    changes = {
        "flipped": data[: len(data) // 2] + bytes([data[len(data) // 2] ^ 1]) + data[len(data) // 2 + 1 :],
        "cut": data[:-1],
        "longer": data + b"\0",
        "header alone": data[:21],
    }
    for name, changed in changes.items():
        path = tmp_path / name
        path.write_bytes(changed)
        done = keyed("verify", path, portrait, "--json")
        assert (done.returncode, body_of(done)["code"]) == (3, 2007), name
        assert body_of(done)["message"].startswith(f"corrupted liveness data error: {path}: ")
        assert done.stderr.startswith(f"senseid: {path}: ".encode())


def test_data_of_another_key(keyed: Senseid, packed: Path, portrait: Path, tmp_path: Path) -> None:
    other = tmp_path / "home"
    shutil.copytree(keyed.home, other)
    shutil.rmtree(other / "keys")
    stranger = type(keyed)(other)
    for prepare in (lambda: None, lambda: stranger("key", "generate")):
        prepare()
        done = stranger("verify", packed, portrait, "--json")
        assert (done.returncode, body_of(done)["code"]) == (3, 2007)
        assert b"needs the key" in done.stderr
