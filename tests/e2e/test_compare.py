"""`senseid compare` on real photos."""

from __future__ import annotations

import json
import math
import os
import re
from typing import TYPE_CHECKING

import pytest
from PIL import Image

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


@pytest.fixture(scope="module")
def same(photos: dict[str, Path]) -> tuple[Path, Path]:
    return photos["obama.jpg"], photos["obama2.jpg"]


@pytest.fixture(scope="module")
def score(senseid: Senseid, same: tuple[Path, Path]) -> float:
    return float(senseid.json("compare", *same, status=0)["verification_score"])


@pytest.fixture
def upright(same: tuple[Path, Path], tmp_path: Path) -> Path:
    """The first photo, smaller and without loss."""
    path = tmp_path / "upright.png"
    Image.open(same[0]).resize((455, 568)).save(path)
    return path


def test_one_person(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    done = senseid("compare", *same)
    assert done.returncode == 0
    assert re.fullmatch(rb"match\t0\.\d{4}\n", done.stdout)
    assert done.stderr == b""
    assert float(done.stdout.split()[1]) == math.floor(score * 10_000) / 10_000
    assert score >= 0.9


@pytest.mark.parametrize("kind", ["webp", "avif", "heic"])
def test_a_photo_as_phones_and_browsers_make_it(
    senseid: Senseid, same: tuple[Path, Path], tmp_path: Path, kind: str
) -> None:
    photo = tmp_path / f"photo.{kind}"
    with Image.open(same[0]) as picture:
        if kind == "heic":
            pytest.importorskip("pillow_heif").from_pillow(picture).save(photo)
        else:
            picture.save(photo)
    assert senseid.json("compare", photo, same[1], status=0)["verification_score"] >= 0.9


def test_strangers(senseid: Senseid, photos: dict[str, Path]) -> None:
    done = senseid("compare", photos["obama.jpg"], photos["biden.jpg"])
    assert done.returncode == 1
    assert re.fullmatch(rb"no match\t0\.\d{4}\n", done.stdout)
    assert done.stderr == b""
    assert float(done.stdout.split()[2]) < 0.6


def test_the_body(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    done = senseid("compare", *same, "--json")
    pattern = r'\{"code":1000,"verification_score":(0\.\d+),"request_id":"([0-9a-f]{32})"\}\n'
    found = re.fullmatch(pattern, done.stdout.decode())
    assert found
    assert float(found[1]) == score  # a new process, to the last bit
    assert senseid.json("compare", *same)["request_id"] != found[2]


def test_it_is_symmetric_to_the_bit(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    assert senseid.json("compare", same[1], same[0])["verification_score"] == score


@pytest.mark.skipif(not hasattr(os, "sched_setaffinity"), reason="this system pins no CPUs")
def test_one_cpu_gives_the_same_bits(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    one = min(os.sched_getaffinity(0))
    body = senseid.json("compare", *same, preexec_fn=lambda: os.sched_setaffinity(0, {one}))
    assert body["verification_score"] == score


@pytest.mark.parametrize("place", [0, 1])
def test_a_photo_from_stdin(senseid: Senseid, same: tuple[Path, Path], score: float, place: int) -> None:
    words = [str(path) for path in same]
    words[place] = "-"
    assert senseid.json("compare", *words, stdin=same[place].read_bytes())["verification_score"] == score


def test_the_threshold_is_inclusive(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    assert senseid("compare", *same, "--threshold", repr(score)).returncode == 0
    above = senseid("compare", *same, "--threshold", repr(math.nextafter(score, 2)))
    assert above.returncode == 1
    assert above.stdout.startswith(b"no match\t")


def test_zero_is_a_threshold(senseid: Senseid, photos: dict[str, Path]) -> None:
    done = senseid("compare", photos["obama.jpg"], photos["biden.jpg"], "--threshold", "0.0")
    assert done.returncode == 0
    assert done.stdout.startswith(b"match\t")


def test_details(senseid: Senseid, same: tuple[Path, Path], groups: tuple[Path, Path], score: float) -> None:
    body = senseid.json("compare", *same, "--details", "--threshold", "0.6")
    assert list(body) == ["code", "verification_score", "request_id", "details"]
    assert body["verification_score"] == score
    details = body["details"]
    assert (details["match"], details["threshold"], details["false_match_rate"]) == (True, 0.6, 1e-3)
    assert [level["threshold"] for level in details["thresholds"]] == [0.4, 0.5, 0.6, 0.7, 0.8, 0.9]
    first = details["first_image"]
    assert (first["width"], first["height"], first["faces"], first["quarter_turns"]) == (910, 1137, 1, 0)
    left, top, right, bottom = first["face_rect"]
    assert 0 <= left < right <= 910
    assert 0 <= top < bottom <= 1137
    of_a_group = senseid.json("compare", groups[1], same[0], "--details")
    assert of_a_group["details"]["first_image"]["faces"] == 2
    assert of_a_group["details"]["match"] is True  # the largest face is his


def test_details_as_lines(senseid: Senseid, same: tuple[Path, Path]) -> None:
    done = senseid("compare", *same, "--details")
    lines = [line.split("\t") for line in done.stdout.decode().splitlines()]
    assert [line[0] for line in lines[:4]] == ["match", "threshold", "first", "second"]
    assert lines[2][1:3] == [str(same[0]), "face 1 of 1"]


@pytest.mark.parametrize("turns", [1, 2, 3])
def test_a_turned_photo_matches(senseid: Senseid, upright: Path, same: tuple[Path, Path], turns: int) -> None:
    turned = upright.with_name("turned.png")
    Image.open(upright).rotate(90 * turns, expand=True).save(turned)
    straight = senseid.json("compare", upright, same[1])
    body = senseid.json("compare", turned, same[1], "--auto-rotate", "--details", status=0)
    # Turned back by whole quarters nothing is lost: the pixels, and so the bits of the score, are the same.
    assert body["verification_score"] == straight["verification_score"]
    assert body["details"]["first_image"]["quarter_turns"] == 4 - turns
    assert body["details"]["second_image"]["quarter_turns"] == 0


def test_auto_rotate_leaves_upright_photos_alone(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    assert senseid.json("compare", *same, "--auto-rotate")["verification_score"] == score


def test_exif_orientation_is_applied(senseid: Senseid, upright: Path, same: tuple[Path, Path]) -> None:
    turned = upright.with_name("exif.png")
    photo = Image.open(upright).transpose(Image.Transpose.ROTATE_90)
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise
    photo.save(turned, exif=exif)
    straight = senseid.json("compare", upright, same[1])
    assert senseid.json("compare", turned, same[1])["verification_score"] == straight["verification_score"]


def of(*photos: Path) -> list[str | Path]:
    """Options that give these photos of one person."""
    return [word for photo in photos for word in ("--reference", photo)]


def test_several_photos_of_one_person(senseid: Senseid, photos: dict[str, Path], same: tuple[Path, Path]) -> None:
    one, two, three = (photos[f"obama{i}.jpg"] for i in ("", "2", "3"))
    body = senseid.json("compare", *of(one, two), three, "--details", status=0)
    for order in (of(two, one), of(one, two, one, two)):
        again = senseid.json("compare", *order, three)["verification_score"]
        assert again == pytest.approx(body["verification_score"], abs=1e-6)
    assert senseid.json("compare", three, *of(two, one))["verification_score"] == body["verification_score"]
    assert [name for name in body["details"] if "image" in name] == ["first_image", "further_images", "second_image"]
    done = senseid("compare", *of(one, two), photos["biden.jpg"], "--details")
    assert done.returncode == 1
    assert [line.split(b"\t")[0] for line in done.stdout.splitlines()[:5]] == [
        b"no match",
        b"threshold",
        b"reference",
        b"reference",
        b"photo",
    ]


def test_one_reference_is_a_pair(senseid: Senseid, same: tuple[Path, Path], score: float) -> None:
    assert senseid.json("compare", *of(same[0]), same[1])["verification_score"] == score
    done = senseid("compare", *of(same[0]), "-", stdin=same[1].read_bytes())
    assert done.stdout == senseid("compare", *same).stdout


def test_a_photo_of_somebody_else_is_refused(senseid: Senseid, photos: dict[str, Path]) -> None:
    one, two, three, other = (photos[name] for name in ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg"))
    for known in ((one, other, two), (other, one, two), (two, one, other)):
        done = senseid("compare", *of(*known), three, "--json")
        assert done.returncode == 3
        assert json.loads(done.stdout)["code"] == 1200
        assert done.stderr.decode().startswith(f"senseid: {other}: shows another person than the 2 others (score 0.")
    pair = senseid("compare", *of(one, other), three)
    assert pair.returncode == 3
    assert pair.stderr.decode().startswith(f"senseid: {other}: shows another person than {one} (score 0.")


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (["compare", "a", "b", "--reference", "c"], b"beside --reference one photo is compared"),
        (["compare", *["--reference=a"] * 11, "b"], b"11 photos of one person are too many: at most 10"),
        (["compare", "--reference", "-", "-"], b"cannot both be '-'"),
        (["verify", "a"], b"give one photo"),
        (["verify", "a", "b", "--reference", "c"], b"give one photo"),
        (["verify", "a", *["--reference=b"] * 11], b"11 photos of one person are too many: at most 10"),
    ],
    ids=str,
)
def test_wrong_uses_of_references(senseid: Senseid, words: list[str], line: bytes) -> None:
    done = senseid(*words)
    assert done.returncode == 2
    assert line in done.stderr


def test_no_face_is_no_verdict(senseid: Senseid, same: tuple[Path, Path], tmp_path: Path) -> None:
    blank = tmp_path / "blank.png"
    Image.new("RGB", (320, 240), "grey").save(blank)
    for words in ((blank, same[0]), (same[0], blank), (blank, blank)):
        done = senseid("compare", *words, "--threshold", "0", "--json")
        assert done.returncode == 3
        body = json.loads(done.stdout)
        assert (body["code"], body["message"], list(body)) == (
            4000,
            f"detection failed: {done.stderr.decode().strip().removeprefix('senseid: ')}",
            ["code", "message", "request_id"],
        )
        assert done.stderr.startswith(f"senseid: {blank}: no face is found".encode())
        assert done.stderr.count(b"\n") == 1


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("narrow.png", 2003),
        ("long.jpg", 2004),
        ("text.jpg", 2005),
        ("empty.jpg", 2005),
        ("none.jpg", 1200),
        (".", 1200),
    ],
)
def test_photos_that_are_refused(
    senseid: Senseid, same: tuple[Path, Path], tmp_path: Path, name: str, code: int
) -> None:
    Image.new("RGB", (31, 64)).save(tmp_path / "narrow.png")
    (tmp_path / "long.jpg").write_bytes(same[0].read_bytes() + bytes(5 * 1024 * 1024))
    (tmp_path / "text.jpg").write_text("no photo")
    (tmp_path / "empty.jpg").touch()
    done = senseid("compare", same[0], tmp_path / name, "--json")
    assert done.returncode == 3
    assert json.loads(done.stdout)["code"] == code
    assert done.stderr.startswith(f"senseid: {tmp_path / name}".removesuffix("/.").encode())
    assert senseid("compare", same[0], tmp_path / name).stdout == b""


def test_a_path_of_other_characters_in_a_plain_locale(
    senseid: Senseid, same: tuple[Path, Path], score: float, tmp_path: Path
) -> None:
    odd = tmp_path / "日本 'ü', \"x\".jpg"
    odd.write_bytes(same[0].read_bytes())
    assert senseid.json("compare", odd, same[1], env={"LC_ALL": "C"})["verification_score"] == score
