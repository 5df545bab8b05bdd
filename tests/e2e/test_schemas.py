"""What every command prints with --json, real and as an error, is what `senseid schema` says."""

from __future__ import annotations

import base64
import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator

from senseid.command_shapes import RESULTS, schema_of_command
from tests import packs

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

ANSWERS: tuple[tuple[str, str, int], ...] = (
    ("compare", "{obama} {obama2}", 0),
    ("compare", "{obama} {biden} --details", 1),
    ("compare", "{two} {obama} --details", 1),
    ("omni", "{two} {obama2}", 0),
    ("quality", "{obama}", 0),
    ("quality", "{obama} --details", 0),
    ("quality", "{two} --policy enrol", 1),
    ("quality", "{folder}", 3),
    ("liveness check", "{still} --return-status --return-image", 1),
    ("liveness check", "{still} --explain {out}/timeline.png", 1),
    ("liveness check", "{two}", 0),
    ("verify", "{still} {obama}", 1),
    ("key generate", "", 0),
    ("key list", "", 0),
    ("liveness pack", "{still} -o {out}/a.liveness", 1),
    ("batch", "{pairs}", 3),
    ("batch", "{pairs} --task omni", 3),
    ("batch", "{folder} --task quality", 3),
    ("batch", "{clips} --task liveness", 3),
    ("batch", "{clips} --task verify", 3),
    ("encrypt", "{obama} --out {out}", 0),
    ("encrypt", "{obama} {biden} --out {out}", 2),
    ("decrypt", "{out}/obama.jpg.senseid --out {out}/again.jpg", 0),
    ("encrypt", "{folder} --update --out {out}/nightly", 0),
    ("key rotate", "{out}", 0),
    ("batch", "{pairs} --cache {out}/cache", 3),
    ("cache list", "{out}/cache", 0),
    ("cache purge", "{out}/cache --all", 0),
    ("compare", "--reference {obama} --reference {obama2} {obama3} --details --decision-log {out}/decisions.log", 0),
    ("audit verify", "{out}/decisions.log", 0),
    ("audit purge", "{out}/decisions.log --older-than 0", 0),
    ("udid", "-o {out}/UDID.txt", 0),
    ("doctor", "", 0),  # or 1: this machine may lack something
    ("license check", "", 0),
    ("license show", "", 0),
    ("license quickstart", "", 0),
    ("license install", "{licence}", 0),
    ("license install", "{licence} {obama}", 4),
    ("license renew", "{licence}", 2),
    ("license reset-clock", "", 0),
    ("license keygen", "{out}/vendor.key --no-passphrase", 0),
    (
        "license issue",
        "--licensee Acme --any-machine --days 9 --key {out}/vendor.key --product senseid_face -o {out}",
        0,
    ),
    ("license inspect", "{licence}", 0),
    ("license inspect", "{out}/vendor.pub", 0),
    ("license inspect", "{out}/UDID.txt", 0),
    ("models list", "", 0),
    ("models verify", "", 0),
    ("models import", "{pack} --as embedding", 0),
    ("models remove", "tiny", 0),
)
"""Commands that give a result, in the order in which they need each other: words and exit status."""

ELSEWHERE = {"models calibrate", "drift"}
"""Tested in tests/cli/models/test_calibrate.py and tests/e2e/test_drift.py, where what they need is made up."""


@pytest.fixture(scope="module")
def own(senseid: Senseid, tmp_path_factory: pytest.TempPathFactory) -> Senseid:
    """A machine of its own, whose licences and keys these tests change."""
    own = type(senseid)(tmp_path_factory.mktemp("schemas"))
    assert own("license", "quickstart").returncode == 0
    return own


@pytest.fixture(scope="module")
def files(
    own: Senseid,
    photos: dict[str, Path],
    groups: tuple[Path, Path],
    still_clip: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    base = tmp_path_factory.mktemp("files")
    folder, out = base / "photos", base / "out"
    for path in (folder, out):
        path.mkdir()
    shutil.copy(photos["biden.jpg"], folder)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (base / "still.mp4").write_bytes(still_clip)
    (base / "pairs.csv").write_text(f"first,second,note\n{photos['obama.jpg']},{photos['obama2.jpg']},a\ngone.jpg,x,\n")
    (base / "clips.csv").write_text(f"video,photo\nstill.mp4,{photos['obama.jpg']}\ngone.mp4,gone.jpg\n")
    return {
        **{name.removesuffix(".jpg"): path for name, path in photos.items()},
        "two": groups[0],
        "still": base / "still.mp4",
        "folder": folder,
        "pairs": base / "pairs.csv",
        "clips": base / "clips.csv",
        "out": out,
        "licence": own.home / "license" / "senseid_face" / "senseid_face.lic",
        "pack": packs.write_pack(base),
    }


def check(command: str, stdout: bytes) -> list[dict[str, Any]]:
    """The lines that a command printed, which fit its schema."""
    lines = [json.loads(line) for line in stdout.splitlines()]
    validator = Draft202012Validator(schema_of_command(command), format_checker=Draft202012Validator.FORMAT_CHECKER)
    for line in lines:
        validator.validate(line)
    return lines


@pytest.mark.slow
def test_every_command(own: Senseid, files: dict[str, Path]) -> None:
    for command, words, status in ANSWERS:
        done = own(*command.split(), *words.format(**files).split(), "--json")
        assert done.returncode == status or command == "doctor", (command, words, done.stderr)
        lines = check(command, done.stdout)
        assert lines, command
        assert status > 1 or any(line["code"] == 1000 for line in lines), command
    assert {command for command, _, _ in ANSWERS} | ELSEWHERE == set(RESULTS)


@pytest.mark.slow
@pytest.mark.data
def test_a_living_person(own: Senseid, files: dict[str, Path], test_data: Path, tmp_path: Path) -> None:
    clip = test_data / "liveness-videos" / "live" / "grid-lrwp9a.mpg"
    done = own("liveness", clip, "--return-status", "--return-image", "--return-face-image", "--json")
    (body,) = check("liveness check", done.stdout)
    photo, data = tmp_path / "photo.jpg", tmp_path / "a.liveness"
    photo.write_bytes(base64.b64decode(body["base64_image"]))
    assert own("key", "generate", "other").returncode == 0
    check("liveness pack", own("liveness", "pack", clip, "-o", data, "--key", "other", "--json").stdout)
    for words in ((clip, photo, "--return-image"), (data, photo)):
        (body,) = check("verify", own("verify", *words, "--json").stdout)
        assert body["verification_score"] > 0.7


@pytest.mark.parametrize("command", RESULTS)
def test_every_error(own: Senseid, command: str) -> None:
    done = own(*command.split(), "--nonsense", "--json")
    assert done.returncode == 2
    (line,) = check(command, done.stdout)
    assert line["code"] == 1200


def test_the_command_prints_them(own: Senseid) -> None:
    assert own("schema").stdout.decode().split("\n")[:-1] == [*RESULTS, "serve"]
    assert json.loads(own("schema", "license", "check").stdout) == schema_of_command("license check")
    assert own("schema", "liveness").stdout == own("schema", "liveness", "check").stdout
    assert json.loads(own("schema", "serve").stdout)["openapi"].startswith("3.1")
    done = own("schema", "license")
    assert (done.returncode, done.stdout) == (2, b"")
