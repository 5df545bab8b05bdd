"""`senseid omni` on real photos."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from tests.e2e.conftest import heed_sigint, wait_until

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid


@pytest.fixture(scope="module")
def body(senseid: Senseid, groups: tuple[Path, Path]) -> dict[str, Any]:
    return senseid.json("omni", *groups, status=0)


def test_the_body(body: dict[str, Any]) -> None:
    assert list(body) == ["code", "scores", "face_rects", "request_id"]
    assert body["code"] == 1000
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
    assert list(body["face_rects"]) == ["first_image_face_rects", "second_image_face_rects"]
    assert [len(row) for row in body["scores"]] == [2, 2]


def test_who_is_who(body: dict[str, Any]) -> None:
    # Largest first: in the first photo one man is larger, in the second the other.
    (a1b1, a1b2), (a2b1, a2b2) = body["scores"]
    assert min(a1b2, a2b1) >= 0.7
    assert max(a1b1, a2b2) < 0.6


def test_faces_are_ordered_by_size_and_lie_inside(body: dict[str, Any], groups: tuple[Path, Path]) -> None:
    for rects, path in zip(body["face_rects"].values(), groups, strict=True):
        with Image.open(path) as photo:
            width, height = photo.size
        areas = [(right - left) * (bottom - top) for left, top, right, bottom in rects]
        assert areas == sorted(areas, reverse=True)
        assert all(0 <= left < right <= width and 0 <= top < bottom <= height for left, top, right, bottom in rects)


def test_compare_is_the_entry_of_the_largest_faces(
    senseid: Senseid, groups: tuple[Path, Path], body: dict[str, Any]
) -> None:
    assert senseid.json("compare", *groups)["verification_score"] == body["scores"][0][0]


def test_it_is_symmetric_and_repeatable_to_the_bit(
    senseid: Senseid, groups: tuple[Path, Path], body: dict[str, Any]
) -> None:
    again = senseid.json("omni", *groups)
    assert (again["scores"], again["face_rects"]) == (body["scores"], body["face_rects"])
    swapped = senseid.json("omni", groups[1], groups[0])["scores"]
    assert [list(column) for column in zip(*swapped, strict=True)] == body["scores"]


def test_lines(senseid: Senseid, groups: tuple[Path, Path], body: dict[str, Any]) -> None:
    done = senseid("omni", *groups)
    assert done.returncode == 0
    rows = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [row[2:] for row in rows] == [["A1", "B1"], ["A1", "B2"], ["A2", "B1"], ["A2", "B2"]]
    assert [row[0] for row in rows] == ["no match", "match", "match", "no match"]
    assert max(float(row[1]) for row in rows) == int(max(map(max, body["scores"])) * 10_000) / 10_000


def test_any_pair_decides(senseid: Senseid, groups: tuple[Path, Path], body: dict[str, Any]) -> None:
    best = max(map(max, body["scores"]))
    assert senseid("omni", *groups, "--threshold", repr(best)).returncode == 0
    assert senseid("omni", *groups, "--threshold", "1").returncode == 1


def test_a_photo_without_a_face(senseid: Senseid, groups: tuple[Path, Path], tmp_path: Path) -> None:
    Image.new("RGB", (320, 240), "grey").save(tmp_path / "blank.png")
    done = senseid("omni", groups[0], tmp_path / "blank.png", "--json", "--draw", tmp_path / "out.png")
    assert done.returncode == 3
    assert json.loads(done.stdout)["code"] == 4000
    assert [path.name for path in tmp_path.iterdir()] == ["blank.png"]


def test_a_picture(senseid: Senseid, groups: tuple[Path, Path], body: dict[str, Any], tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    drawn = senseid.json("omni", *groups, "--draw", out, status=0)
    assert drawn["scores"] == body["scores"]
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]
    with Image.open(out) as picture:
        assert picture.format == "PNG"
        assert picture.width > 640
    old = out.read_bytes()
    refused = senseid("omni", *groups, "--draw", out)
    assert refused.returncode == 2
    assert b"--force overwrites it" in refused.stderr
    out.write_bytes(b"old")
    assert senseid("omni", *groups, "--draw", out, "--force").returncode == 0
    assert out.read_bytes() == old


def test_a_picture_of_turned_photos(senseid: Senseid, groups: tuple[Path, Path], tmp_path: Path) -> None:
    turned = tmp_path / "turned.png"
    Image.open(groups[0]).rotate(180).save(turned)
    words = ("omni", turned, groups[1], "--auto-rotate", "--draw")
    body = senseid.json(*words, tmp_path / "one.png", status=0)
    straight = senseid.json("omni", *groups, "--draw", tmp_path / "two.png", status=0)
    assert body["scores"] == straight["scores"]
    assert body["face_rects"] == straight["face_rects"]


def test_a_photo_is_not_drawn_over(senseid: Senseid, groups: tuple[Path, Path]) -> None:
    before = groups[0].read_bytes()
    done = senseid("omni", *groups, "--draw", groups[0], "--force")
    assert done.returncode == 2
    assert b"is one of the inputs" in done.stderr
    assert groups[0].read_bytes() == before


def has_models(process: subprocess.Popen[bytes]) -> bool:
    """Before that its own modules are imported, and the signal ends it as it ends any program."""
    # It waits for a process of its own, which does the work.
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return any(b"onnxruntime" in Path(f"/proc/{child}/maps").read_bytes() for child in children)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_ctrl_c_leaves_no_file(senseid: Senseid, groups: tuple[Path, Path], tmp_path: Path) -> None:
    command = senseid.command("omni", *groups, "--draw", tmp_path / "out.png")
    for delay in (0.0, 0.4):
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=senseid.environment(),
            preexec_fn=heed_sigint,
        ) as process:
            try:
                wait_until(lambda: has_models(process), process)
                process.wait(delay)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGINT)
            _, errors = process.communicate(timeout=60)
        assert process.returncode in {0, 130}
        # A signal in the callback of a weak reference of the importer is shown by Python itself: nobody can catch it.
        assert b"Traceback" not in errors or b"Exception ignored in: <function _get_module_lock" in errors
        names = [path.name for path in tmp_path.iterdir()]
        assert names == ([] if process.returncode else ["out.png"])
