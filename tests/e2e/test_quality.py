"""`senseid quality` on real photos."""

from __future__ import annotations

import csv
import json
import os
import re
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid


@pytest.fixture(scope="module")
def masked(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A man behind a blue cloth, from the middle of the nose down."""
    path = tmp_path_factory.mktemp("masked") / "masked.png"
    with Image.open(photos["obama.jpg"]) as photo:
        rgb = photo.convert("RGB")
    draw = ImageDraw.Draw(rgb)
    draw.polygon([(385, 270), (490, 245), (600, 270), (590, 360), (495, 425), (400, 360)], fill=(120, 160, 200))
    rgb.save(path)
    return path


@pytest.fixture(scope="module")
def album(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a good photo, one whose name is hostile, one without a face, and one that is none."""
    folder = tmp_path_factory.mktemp("album")
    (folder / "good.jpg").write_bytes(photos["biden.jpg"].read_bytes())
    (folder / "in").mkdir()
    (folder / "in" / '<b>"&,.jpg').write_bytes(photos["obama3.jpg"].read_bytes())
    (folder / "in" / ".hidden.jpg").write_bytes(b"")
    Image.new("RGB", (200, 200), "grey").save(folder / "empty.png")
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (folder / "notes.txt").write_text("not a photo")
    return folder


def test_the_body(senseid: Senseid, photos: dict[str, Path]) -> None:
    body = senseid.json("quality", photos["biden.jpg"], status=0)
    assert list(body) == ["code", "faces", "request_id"]
    assert body["code"] == 1000
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])
    (face,) = body["faces"]
    assert set(face["rect"]) == {"left", "top", "right", "bottom"}
    assert set(face["pose"]) == {"yaw", "pitch", "roll"}
    assert set(face["occlusion"]) == {"left_eye", "right_eye", "nose", "mouth", "total"}
    assert all(0.5 < share <= 1 for share in face["occlusion"].values())
    for name in ("distance2center", "size", "sharpness", "mouth_open", "integrity"):
        assert 0 <= face[name] <= 1
    assert -1 <= face["brightness"] <= 1
    assert face["integrity"] == 1
    assert abs(face["pose"]["yaw"]) < 30


def test_it_is_repeatable_to_the_bit(senseid: Senseid, photos: dict[str, Path]) -> None:
    one, other = (senseid.json("quality", photos["obama2.jpg"])["faces"] for _ in range(2))
    assert one == other


def test_every_face_in_the_order_of_omni(senseid: Senseid, groups: tuple[Path, Path]) -> None:
    body = senseid.json("quality", groups[0])
    rects = [list(face["rect"].values()) for face in body["faces"]]
    found = senseid.json("omni", groups[0], groups[1])["face_rects"]["first_image_face_rects"]
    assert rects == found


def test_a_photo_on_its_side(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    with Image.open(photos["biden.jpg"]) as photo:
        photo.convert("RGB").rotate(90, expand=True).save(tmp_path / "side.png")
        upright = tmp_path / "upright.png"
        photo.convert("RGB").save(upright)
    (turned,) = senseid.json("quality", "--auto-rotate", tmp_path / "side.png", status=0)["faces"]
    (face,) = senseid.json("quality", upright)["faces"]
    assert turned == face


def test_a_good_photo_passes(senseid: Senseid, photos: dict[str, Path]) -> None:
    done = senseid("quality", photos["biden.jpg"], "--policy", "verify")
    assert (done.returncode, done.stdout) == (0, b"pass\tverify\n")


def test_a_mask_is_named_with_what_to_do(senseid: Senseid, masked: Path) -> None:
    done = senseid("quality", masked, "--policy", "enrol")
    assert done.returncode == 1
    verdict, *failures = done.stdout.decode().splitlines()
    assert verdict == "fail\tenrol"
    by_measure = {failure.split("\t")[1]: failure for failure in failures}
    assert {"nose", "mouth"} <= set(by_measure)
    assert not {"left_eye", "right_eye"} & set(by_measure)
    assert by_measure["mouth"].endswith("remove the mask, or what else covers the mouth")


def test_a_policy_that_cannot_be_read_is_said_in_one_line(senseid: Senseid, photos: dict[str, Path]) -> None:
    """Opened, it fails as a damaged disk does; and no policy is read from standard input."""
    for name, problem in {"/proc/self/mem": "cannot be read (input/output error)", "/dev/null": "name a file"}.items():
        done = senseid("quality", photos["obama.jpg"], "--policy", name)
        assert done.returncode == 3
        (line,) = done.stderr.decode().splitlines()
        assert line.startswith(f"senseid: {name}: ")
        assert line.endswith(problem)


def test_a_policy_of_ones_own(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    policy = tmp_path / "mine.toml"
    policy.write_text("format = 1\nsize = { least = 0.5 }\n", encoding="utf-8-sig")  # as some editors save it
    body = senseid.json("quality", photos["biden.jpg"], "--policy", policy, status=1)
    assert list(body) == ["code", "faces", "request_id", "details"]
    (failure,) = body["details"]["policy"]["failures"]
    assert (failure["measure"], failure["limit"], failure["advice"]) == ("size", "at least 0.5", "move closer")
    policy.write_text("format = 1\nsizes = { least = 0.5 }\n")
    done = senseid("quality", photos["biden.jpg"], "--policy", policy)
    assert done.returncode == 3
    assert b"'sizes' is no measure" in done.stderr
    done = senseid("quality", photos["biden.jpg"], "--policy", tmp_path / "none.toml")
    assert done.returncode == 3
    assert b"no such file" in done.stderr


@pytest.mark.parametrize("command", ["compare", "omni"])
def test_check_quality_refuses_a_mask_and_names_what_is_covered(
    command: str, senseid: Senseid, photos: dict[str, Path], masked: Path
) -> None:
    body = senseid.json(command, photos["obama2.jpg"], masked, "--check-quality", status=3)
    assert body["code"] == 4004
    assert body["message"].startswith(f"face occlusion: {masked}: ")
    done = senseid(command, photos["obama2.jpg"], masked, "--check-quality")
    assert b"masked.png" in done.stderr
    assert b"nose" in done.stderr
    assert b"mouth" in done.stderr
    assert senseid(command, photos["obama2.jpg"], photos["obama.jpg"], "--check-quality").returncode == 0


def test_the_picture(senseid: Senseid, masked: Path, tmp_path: Path) -> None:
    picture = tmp_path / "out.png"
    assert senseid("quality", masked, "--draw", picture, "--policy", "enrol").returncode == 1
    with Image.open(picture) as drawn:
        pixels = np.asarray(drawn.convert("RGB"))
    assert (pixels == (190, 40, 32)).all(axis=2).sum() > 500  # red reasons
    again = senseid("quality", masked, "--draw", picture)
    assert again.returncode == 2
    assert b"--force" in again.stderr


def test_a_folder(senseid: Senseid, album: Path, tmp_path: Path) -> None:
    table, page = tmp_path / "out.csv", tmp_path / "out.html"
    done = senseid("quality", album, "--csv", table, "--html", page)
    assert done.returncode == 3  # two files are refused
    lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    verdicts = {name: verdict for verdict, name, *_ in lines}
    assert verdicts == {
        "broken.jpg": "refused",
        "empty.png": "refused",
        "good.jpg": "measured",
        'in/<b>"&,.jpg': "measured",
    }
    with table.open(newline="") as file:
        rows = {row["photo"]: row for row in csv.DictReader(file)}
    assert set(rows) == set(verdicts)
    assert float(rows["good.jpg"]["sharpness"]) > 0
    assert "no face" in rows["empty.png"]["reasons"]
    text = page.read_text()
    assert "in/&lt;b&gt;&quot;&amp;,.jpg" in text
    assert "<b>" not in text
    assert text.count("data:image/jpeg;base64,") == 2


def test_a_folder_under_a_policy_and_as_json(senseid: Senseid, album: Path) -> None:
    done = senseid("quality", album, "--policy", "verify", "--json")
    assert done.returncode == 1
    bodies = [json.loads(line) for line in done.stdout.splitlines()]
    found = {body["details"]["photo"]: (body["code"], body["details"]["policy"]["pass"]) for body in bodies}
    assert found["good.jpg"] == (1000, True)
    assert found["empty.png"] == (4000, False)
    assert found["broken.jpg"] == (2005, False)


def test_what_cannot_be_done(senseid: Senseid, album: Path, photos: dict[str, Path], tmp_path: Path) -> None:
    (tmp_path / "none").mkdir()
    os.mkfifo(tmp_path / "pipe.toml")
    for words, text in (
        ((tmp_path / "none",), b"holds no photo"),
        ((album, "--draw", tmp_path / "x.png"), b"is a folder"),
        (("",), b"an empty word names no file"),
        ((photos["biden.jpg"], "--policy", ""), b"an empty word names no file"),
        ((photos["biden.jpg"], "--csv", tmp_path / "x.txt"), b"does not end in .csv"),
        ((photos["biden.jpg"], "--html", tmp_path / "no" / "x.html"), b"folder that does not exist"),
    ):
        done = senseid("quality", *words)
        assert done.returncode == 2
        assert text in done.stderr
    for policy in (tmp_path / "pipe.toml", Path("/dev/zero"), photos["biden.jpg"]):
        assert senseid("quality", photos["biden.jpg"], "--policy", policy).returncode == 3
    body = senseid.json("quality", album / "empty.png", status=3)
    assert body["code"] == 4000
    assert body["message"].startswith(f"detection failed: {album / 'empty.png'}: ")


def test_standard_input(senseid: Senseid, photos: dict[str, Path]) -> None:
    data = photos["biden.jpg"].read_bytes()
    assert senseid.json("quality", "-", stdin=data)["faces"] == senseid.json("quality", photos["biden.jpg"])["faces"]


def test_without_the_capability(senseid: Senseid, photos: dict[str, Path], tmp_path: Path) -> None:
    done = senseid("quality", photos["biden.jpg"], env={"SENSEID_HOME": str(tmp_path)})
    assert done.returncode == 4
    assert done.stdout == b""


def test_a_page_on_encrypted_photos_shows_them_only_when_asked(
    senseid: Senseid, photos: dict[str, Path], tmp_path: Path
) -> None:
    """It is not encrypted; nobody but its owner may read it in any case."""
    folder, key = tmp_path / "photos", {"PARAM_DECRYPT_KEY": "kf8Zq2Lw0xTn5Rb7Yc3Vm9Gd1Hs6Pj4A"}
    folder.mkdir()
    shutil.copy(photos["obama.jpg"], folder / "plain.jpg")
    senseid("encrypt", photos["biden.jpg"], "-o", folder / "sealed.jpg.senseid", env=key)
    (folder / "pairs.csv").write_text("first,second\nplain.jpg,sealed.jpg.senseid\n")
    runs = {
        tmp_path / "quality.html": ("quality", folder, "--html"),
        tmp_path / "batch.html": ("batch", folder / "pairs.csv", "-o", tmp_path / "out.csv", "--report"),
    }
    for page, words in runs.items():
        done = senseid(*words, page, env=key)
        assert done.returncode == 0, done.stderr
        assert f"{page}: 1 pictures of encrypted photos are left out; --plain-faces shows them" in done.stderr.decode()
        text = page.read_text()
        assert text.count("<img ") == 1
        assert "holds 1 pictures of people, unencrypted. 1 pictures of encrypted photos are left out." in text
        assert page.stat().st_mode & 0o777 == 0o600
        done = senseid(*words, page, "--plain-faces", "--force", env=key)
        assert (done.returncode, b"left out" in done.stderr) == (0, False)
        text = page.read_text()
        assert text.count("<img ") == 2
        assert "holds 2 pictures of people, unencrypted, 1 of them of encrypted photos." in text
        assert page.stat().st_mode & 0o777 == 0o600
    assert senseid("quality", folder, "--plain-faces", env=key).returncode == 2
    assert senseid("batch", folder / "pairs.csv", "--plain-faces", env=key).returncode == 2


def test_every_picture_is_private(senseid: Senseid, photos: dict[str, Path], still_clip: bytes, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(still_clip)
    photo = photos["obama.jpg"]
    for number, words in enumerate(
        (
            ("quality", photo, "--draw"),
            ("omni", photo, photo, "--draw"),
            ("liveness", clip, "--explain"),
        )
    ):
        out = tmp_path / f"{number}.png"
        assert senseid(*words, out).returncode in {0, 1}
        assert out.stat().st_mode & 0o777 == 0o600
