"""Encryption by real processes: media that are encrypted, terminals, signals, and what others could see of a secret."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import wire

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.e2e.conftest import Senseid
from tests.e2e.encryption.conftest import ENVIRONMENT, IV, KEY, SECRET, seal


@pytest.mark.parametrize("form", ["container", "wire"])
def test_encrypted_photos_are_compared_like_plain_ones(
    senseid: Senseid, pair: dict[str, tuple[Path, Path]], form: str
) -> None:
    plain = senseid.json("compare", *pair["plain"], status=0)
    done = senseid("compare", *pair[form], "--json", env=ENVIRONMENT)
    assert (done.returncode, done.stderr) == (0, b"")
    assert json.loads(done.stdout)["verification_score"] == plain["verification_score"]


def same_but_for_ids(one: bytes, other: bytes) -> bool:
    def stripped(data: bytes) -> list[object]:
        bodies = [json.loads(line) for line in data.splitlines()]
        for body in bodies:
            body.pop("request_id", None)
        return bodies

    return stripped(one) == stripped(other) != []


@pytest.mark.slow
@pytest.mark.parametrize("form", ["container", "wire"])
def test_every_command_takes_encrypted_media(
    senseid: Senseid, photos: dict[str, Path], still_clip: bytes, tmp_path: Path, form: str
) -> None:
    """Quality, liveness, verify and batch answer as they do for plain media under the same names."""
    answers: dict[str, list[subprocess.CompletedProcess[bytes]]] = {}
    for kind in ("plain", form):
        folder = tmp_path / kind
        folder.mkdir()
        for name, data in (("photo", photos["obama.jpg"].read_bytes()), ("video", still_clip)):
            sealed = data if kind == "plain" else seal(data) if kind == "container" else wire.encrypt_bytes(data, KEY)
            (folder / name).write_bytes(sealed)
        (folder / "pairs.csv").write_text("first,second\nphoto,photo\n")
        answers[kind] = [
            senseid(*words, cwd=folder, env=ENVIRONMENT)
            for words in (
                ("quality", "photo", "--json"),
                ("liveness", "video", "--json"),
                ("verify", "video", "photo", "--json"),
                ("batch", "pairs.csv", "--json"),
            )
        ]
    for plain, encrypted in zip(answers["plain"], answers[form], strict=True):
        assert encrypted.returncode == plain.returncode in {0, 1}, encrypted.stderr
        assert same_but_for_ids(encrypted.stdout, plain.stdout)


def test_a_mixed_pair_through_a_pipe(senseid: Senseid, pair: dict[str, tuple[Path, Path]]) -> None:
    words = ("omni", "-", pair["wire"][1])
    body = senseid.json(*words, stdin=pair["container"][0].read_bytes(), env=ENVIRONMENT, status=0)
    assert body["scores"] == senseid.json("omni", *pair["plain"], status=0)["scores"]


@pytest.mark.parametrize("form", ["container", "wire"])
@pytest.mark.parametrize(
    "key", [{}, {"PARAM_DECRYPT_KEY": SECRET[::-1], "PARAM_DECRYPT_IV": IV}], ids=["none", "other"]
)
def test_media_that_cannot_be_decrypted(
    senseid: Senseid, pair: dict[str, tuple[Path, Path]], form: str, key: dict[str, str]
) -> None:
    done = senseid("compare", pair["plain"][0], pair[form][0], "--json", env={**dict.fromkeys(ENVIRONMENT, ""), **key})
    assert done.returncode == 6
    body = json.loads(done.stdout)
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith(f"senseid: {pair[form][0]}: ")
    assert (body["code"], body["message"]) == (1200, f"invalid argument: {line.removeprefix('senseid: ')}")


def test_the_licence_comes_before_the_key(pair: dict[str, tuple[Path, Path]], senseid: Senseid, tmp_path: Path) -> None:
    assert type(senseid)(tmp_path)("compare", *pair["wire"]).returncode == 4
