"""Wrong usages: each gets one line that names what was given, what was expected and what to type instead."""

from __future__ import annotations

import json
import os
import quopri
import re
import shutil
import socket
import subprocess
import sys
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import pytest

from senseid_licensing.udid.fingerprint import printable_udid
from tests.e2e.conftest import Senseid
from tests.service.conftest import free_port

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PDF = b"%PDF-1.4\n%\xe2\xe3\n1 0 obj\n<<>>\nendobj\n"
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic\x00\x00\x01\x00meta"
OTHER_CLOCK = """
import datetime, sys, types
from senseid import installation
class Clock(datetime.datetime):
    @classmethod
    def now(cls, tz=None):
        return datetime.datetime({year}, 1, 1, tzinfo=tz)
installation.datetime = types.SimpleNamespace(datetime=Clock, UTC=datetime.UTC)
from senseid_cli.app import run
sys.exit(run(sys.argv[1:]))
"""


@dataclass(frozen=True)
class Wrong:
    """What is typed in the folder `here`, the exit status, and words that the one line holds."""

    words: tuple[str, ...]
    status: int
    says: tuple[str, ...]

    @classmethod
    def of(cls, line: str, status: int, *says: str) -> Wrong:
        return cls(tuple("" if word == "''" else word for word in line.split()), status, says)


WRONG = [
    Wrong.of("compare a.jpg", 2, "B: the second photo is missing after a.jpg", "`senseid compare A B`"),
    Wrong.of("compare '' b.jpg", 2, "A:", "empty", "check the variable"),
    Wrong.of("compare photos b.jpg", 3, "photos", "folder", "`senseid batch photos`"),
    Wrong.of("compare clip.mp4 b.jpg", 3, "clip.mp4", "video", "`senseid verify clip.mp4 b.jpg`"),
    Wrong.of("compare b.jpg clip.mp4", 3, "clip.mp4", "video", "`senseid verify clip.mp4 b.jpg`"),
    Wrong.of("compare scan.pdf b.jpg", 3, "scan.pdf", "PDF", "JPEG", "PNG"),
    Wrong.of("compare scan.jpg b.jpg", 3, "scan.jpg", "PDF", "JPEG", "PNG"),
    Wrong.of("compare a.heic b.jpg", 3, "a.heic", "HEIC"),
    Wrong.of("compare heic.jpg b.jpg", 3, "heic.jpg", "HEIC"),
    Wrong.of("compare upside-down.jpg b.jpg", 3, "upside-down.jpg", "no upright face", "--auto-rotate"),
    *(
        Wrong.of(
            f"compare a.jpg b.jpg --threshold {text}", 2, f"'{text}'", "from 0 to 1", "10,000", f"`--threshold {meant}`"
        )
        for text, meant in (("70%", "0.7"), ("1.2", "0.7"), ("0,65", "0.65"), ("nan", "0.7"), ("high", "0.7"))
    ),
    Wrong.of("compare https://host/a.jpg b.jpg", 3, "https://host/a.jpg", "address", "only files", "save it"),
    Wrong.of("compare s3://bucket/a.jpg b.jpg", 3, "s3://bucket/a.jpg", "address", "only files"),
    Wrong.of("compare file://HERE/a.jpg b.jpg", 3, "file://HERE/a.jpg", "address", "type HERE/a.jpg"),
    Wrong.of("compare ~/a.jpg b.jpg", 3, "~/a.jpg", "without quotes", "type HERE/a.jpg"),
    Wrong.of("compare -mine.jpg b.jpg", 2, "no option -m", "write ./-mine.jpg"),
    Wrong.of("comprae a b", 2, "'comprae'", "did you mean `senseid compare`"),
    Wrong.of("liveness pack a.jpg --out a.live", 3, "a.jpg", "photo", "video of 2 s", "`senseid liveness PHOTO`"),
    Wrong.of("liveness short.mp4", 3, "short.mp4", "1.00 s", "2 s", "record more"),
    Wrong.of("verify a.jpg clip.mp4", 3, "clip.mp4", "video", "`senseid verify clip.mp4 a.jpg`"),
    Wrong.of("verify clip.mp4 short.mp4", 3, "short.mp4", "video", "a photo is needed", "`senseid verify VIDEO PHOTO`"),
    Wrong.of("verify short.mp4 clip.mp4", 3, "clip.mp4", "video", "a photo is needed", "`senseid verify VIDEO PHOTO`"),
    Wrong.of("verify a.jpg b.jpg", 3, "a.jpg", "photo", "the video comes first", "`senseid verify VIDEO PHOTO`"),
    Wrong.of("decrypt a.jpg", 6, "a.jpg", "not encrypted"),
    Wrong.of(
        "decrypt other-key.senseid", 6, "other-key.senseid", "needs the key", "OTHER", "known here (MINE)", "--key-file"
    ),
    Wrong.of("decrypt cut.senseid", 6, "cut.senseid", "cut off", "get the file again"),
    Wrong.of("encrypt a.jpg --out a.jpg", 2, "a.jpg", "one of the inputs", "--out"),
    Wrong.of("encrypt photos", 2, "photos", "1 of 2 files", "--update does what is new or changed"),
    Wrong.of("batch a.jpg", 2, "a.jpg", "photo", "list", "first,second", "`senseid batch photos`"),
    Wrong.of(
        "batch pairs.csv --task compair", 2, "'compair'", "compare, omni, quality, liveness, verify", "`--task compare`"
    ),
    Wrong.of("serve --port 99999", 2, "--port", "'99999'", "65535"),
    Wrong.of("serve start --port 99999", 2, "--port", "'99999'", "65535"),
    Wrong.of("serve --role api", 2, "WORKER_IP", "--workers"),
    Wrong.of("license install a.jpg", 4, "a.jpg", "not a licence"),
    Wrong.of("license renew a.lic b.lic c.lic", 2, "FILE", "one licence", "3 are given", "`senseid license install`"),
    Wrong.of("license install mailed.lic", 4, "mailed.lic", "quoted-printable", "attachment"),
    Wrong.of("license install other-machine.lic", 4, "other-machine.lic", "another machine", "differ", "UDID.txt"),
    Wrong.of("quality nothing", 2, "nothing", "no photo", "1 skipped", "notes.txt", ".jpg"),
    Wrong.of("compare a.jpg b.jpg c.jpg", 2, "c.jpg", "`senseid compare A [B]`"),
    Wrong.of("compare a.jpg b.jpg --treshold 0.7", 2, "--treshold", "--threshold"),
    Wrong.of("license quickstart --days soon", 2, "--days", "'soon'", "from 1 to 3650"),
    Wrong.of("liveness pack clip.mp4", 2, "--out FILE is missing", "liveness data"),
    Wrong.of("help compare fast", 2, "`senseid compare`", "'fast'"),
]


@dataclass(frozen=True)
class World:
    """A folder with everything that is named in `WRONG`, and the command line there."""

    here: Path
    senseid: Senseid
    names: dict[str, str]

    def __call__(self, *words: str, home: Path | None = None) -> subprocess.CompletedProcess[bytes]:
        called = self.senseid if home is None else replace(self.senseid, home=home)
        return called(*words, cwd=self.here, env={"HOME": str(self.here)})

    def said(self, text: str) -> str:
        for name, value in self.names.items():
            text = text.replace(name, value)
        return text


def line_of(done: subprocess.CompletedProcess[bytes]) -> str:
    (line,) = done.stderr.decode().splitlines()
    assert line.startswith("senseid: ")
    return line


@pytest.fixture(scope="module")
def world(
    photos: dict[str, Path],
    encode_clip: Callable[..., bytes],
    still_clip: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> World:
    from PIL import Image

    here = tmp_path_factory.mktemp("usage")
    senseid = Senseid(tmp_path_factory.mktemp("home"))
    for command in (("license", "quickstart"), ("key", "generate")):
        assert senseid(*command).returncode == 0
    shutil.copy(photos["obama.jpg"], here / "a.jpg")
    shutil.copy(photos["obama2.jpg"], here / "b.jpg")
    shutil.copy(photos["obama2.jpg"], here / "-mine.jpg")
    with Image.open(here / "a.jpg") as photo:
        photo.rotate(180).save(here / "upside-down.jpg")
        small = photo.convert("RGB").resize((320, 240))
    import numpy as np

    (here / "short.mp4").write_bytes(encode_clip([np.asarray(small)] * 25, range(0, 1000, 40)))
    (here / "clip.mp4").write_bytes(still_clip)
    for name, data in (("scan.pdf", PDF), ("scan.jpg", PDF), ("a.heic", HEIC), ("heic.jpg", HEIC)):
        (here / name).write_bytes(data)
    (here / "photos").mkdir()
    for name in ("a.jpg", "b.jpg"):
        shutil.copy(here / name, here / "photos" / name)
    assert senseid("encrypt", here / "photos" / "a.jpg").returncode == 0
    (here / "nothing").mkdir()
    (here / "nothing" / "notes.txt").write_text("no photo")
    (here / "pairs.csv").write_text("first,second\na.jpg,b.jpg\n")
    # Encrypted: by another key, and cut off.
    other = Senseid(tmp_path_factory.mktemp("other"))
    made = other("key", "generate").stdout.split()
    assert other("encrypt", here / "a.jpg", "--out", here / "other-key.senseid").returncode == 0
    mine = senseid("key", "list").stdout.split()
    assert senseid("encrypt", here / "a.jpg", "--out", here / "whole").returncode == 0
    (here / "cut.senseid").write_bytes((here / "whole").read_bytes()[:2000])
    # Licences: as a mail program sends one, and of another machine.
    installed = senseid.home / "license" / "senseid_face" / "senseid_face.lic"
    (here / "mailed.lic").write_bytes(quopri.encodestring(installed.read_bytes()))
    (here / "marked.lic").write_bytes(b"\xef\xbb\xbf" + installed.read_bytes())
    components = {"cpu": "0" * 32, "disk": "1" * 32, "nic": "2" * 32}
    lines = [printable_udid(components), *(f"{kind} {value}" for kind, value in components.items())]
    (here / "UDID.txt").write_text("\n".join(lines))
    sold = ("--licensee", "other", "--udid", here / "UDID.txt", "--days", "9", "--product", "senseid_face")
    done = senseid("license", "issue", *sold, "--out", here / "other-machine.lic")
    assert done.returncode == 0, done.stderr
    return World(here, senseid, {"HERE": str(here), "OTHER": made[2].decode(), "MINE": mine[0].decode()})


@pytest.mark.parametrize("wrong", WRONG, ids=lambda wrong: " ".join(wrong.words))
def test_a_wrong_usage_says_what_to_type_instead(world: World, wrong: Wrong) -> None:
    has_json = wrong.words[0] not in {"serve", "help"}
    done = world(*map(world.said, wrong.words), *(["--json"] if has_json else []))
    assert done.returncode == wrong.status, done.stderr
    line = line_of(done)
    for fact in map(world.said, wrong.says):
        assert fact in line
    if has_json:
        body = json.loads(done.stdout)
        assert list(body) == ["code", "message", "request_id"]
        assert body["message"].partition(": ")[2] == line.removeprefix("senseid: ")
    assert not (world.here / "cut").exists()


def test_the_larger_of_two_people_is_named(world: World, groups: tuple[Path, Path]) -> None:
    done = world("compare", str(groups[0]), "b.jpg")
    assert done.stdout.split()[0] in {b"match", b"no"}
    (line,) = done.stderr.decode().splitlines()
    assert "of 2 faces the largest was compared" in line
    assert "--single-face" in line


def test_a_photo_says_what_it_cannot_prove(world: World) -> None:
    done = world("liveness", "a.jpg")
    assert done.returncode in {0, 1}
    assert b"a photo proves less than a video" in done.stderr


@pytest.mark.parametrize("words", ["version", "-V", "--version"])
def test_the_version(world: World, words: str) -> None:
    assert re.fullmatch(rb"senseid \d+\.\d+\.\d+\n", world(words).stdout)


@pytest.mark.parametrize("words", ["", "compare", "license issue", "liveness pack", "serve start"])
def test_help_may_come_first(world: World, words: str) -> None:
    asked, usual = world("help", *words.split()), world(*words.split(), "--help")
    assert (asked.returncode, asked.stdout) == (0, usual.stdout)


def test_without_a_key(world: World, tmp_path: Path) -> None:
    done = world("encrypt", "a.jpg", home=tmp_path)
    assert done.returncode == 2
    assert "`senseid key generate`" in line_of(done)


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("semicolons", b"first;second\na.jpg;b.jpg\n"),
        ("capitals", b"First;Second\na.jpg;b.jpg\n"),
        ("tabs", b"first\tsecond\na.jpg\tb.jpg\n"),
        ("utf16", "first,second\na.jpg,b.jpg\n".encode("utf-16")),
        ("headless", b"a.jpg,b.jpg\na.jpg,a.jpg\n"),
        ("one-row", b"a.jpg,b.jpg\n"),
    ],
)
def test_lists_of_other_programs_are_read(world: World, name: str, data: bytes) -> None:
    path = world.here / f"{name}.csv"
    path.write_bytes(data)
    done = world("batch", path.name, "--json")
    assert done.returncode == 0
    first = json.loads(done.stdout.splitlines()[0])
    assert (first["first"], first["second"], first["match"]) == ("a.jpg", "b.jpg", True)


def test_a_batch_that_is_done_and_one_that_runs(world: World) -> None:
    assert world("batch", "pairs.csv", "--out", "done.csv").returncode == 0
    done = world("batch", "pairs.csv", "--out", "done.csv")
    assert done.returncode == 2
    line = line_of(done)
    assert "done.csv is there" in line
    assert "--force" in line
    (world.here / "many.csv").write_text("first,second\n" + "a.jpg,b.jpg\n" * 2000)
    with world.senseid.start_slow_batch("many.csv", "--out", "many.out.csv", cwd=world.here) as running:
        try:
            while not (partial := list(world.here.glob("*many.out.csv*"))) and running.poll() is None:
                pass
            assert partial
            busy = world("batch", "many.csv", "--out", "many.out.csv")
        finally:
            running.terminate()
    assert busy.returncode == 2
    assert "another run is writing many.out.csv" in line_of(busy)
    if sys.platform == "linux":
        assert "(process " in line_of(busy)


def test_a_port_that_is_taken_names_its_process(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = world("serve", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 2
    line = line_of(done)
    assert f"by process {os.getpid()}" in line
    assert "--port" in line


def test_a_service_without_an_iv_says_so(world: World) -> None:
    # It names what is missing before the licences are asked for, of which there are none here.
    key = {"PARAM_DECRYPT_KEY": "kf8Zq2Lw0xTn5Rb7Yc3Vm9Gd1Hs6Pj4A", "SENSEID_HOME": str(world.here / "no-home")}
    done = world.senseid("serve", "--port", str(free_port()), cwd=world.here, env=key)
    assert "set PARAM_DECRYPT_IV" in done.stderr.decode()


def test_options_of_serve_stand_after_its_commands(world: World) -> None:
    port = str(free_port())
    settings = ("--port", port, "--handlers", "1")
    started = world("serve", "start", *settings)
    try:
        assert started.returncode == 0, started.stderr
        assert f":{port}".encode() in started.stdout
        # The running service's own port, whatever the settings would be now.
        asked = world("serve", "status")
        assert asked.returncode == 0
        assert f":{port}".encode() in asked.stdout
        assert world("serve", "logs", "--lines", "1", "--port", port).stdout.count(b"\n") == 1
    finally:
        assert world("serve", "stop").returncode == 0
    asked = world("serve", "--role", "api", "status")
    assert (asked.returncode, asked.stdout, asked.stderr) == (1, b"the API is not running\n", b"")


def test_a_missing_product(world: World, tmp_path: Path) -> None:
    home = tmp_path / "home"
    shutil.copytree(world.senseid.home, home)
    shutil.rmtree(home / "license" / "senseid_liveness")
    assert world("license", "check", home=home).returncode == 0
    required = world("license", "check", "--require", home=home)
    assert required.returncode == 4
    (line,) = required.stderr.decode().splitlines()
    assert "senseid_liveness" in line
    assert "`senseid license install FILE`" in line
    assert world("license", "check", home=tmp_path / "nothing").returncode == 4


def test_several_licences_are_installed(world: World) -> None:
    files = sorted(str(path) for path in world.senseid.home.glob("license/*/*.lic"))
    done = world("license", "install", *files)
    assert (done.returncode, done.stderr) == (0, b"")
    assert done.stdout.count(b"\n") == len(files) == 3


def test_a_byte_order_mark_changes_nothing(world: World) -> None:
    assert world("license", "install", "marked.lic").returncode == 0


@pytest.mark.parametrize("year", [1970, 2099])
def test_a_clock_that_cannot_be_right(world: World, year: int) -> None:
    done = subprocess.run(
        [sys.executable, "-c", OTHER_CLOCK.format(year=year), "compare", "a.jpg", "b.jpg"],
        capture_output=True,
        env=world.senseid.environment(),
        cwd=world.here,
        check=False,
    )
    assert done.returncode == 4
    line = line_of(done)
    assert f"{year}-01-01" in line
    assert "set the clock right" in line


def test_a_licence_goes_into_the_file_that_is_named(world: World) -> None:
    terms = ("--licensee", "Acme", "--any-machine", "--days", "9", "--product", "senseid_face")
    assert world("license", "issue", *terms, "--out", "x.lic").returncode == 0
    assert (world.here / "x.lic").is_file()


def test_a_key_is_named_in_one_way(world: World, tmp_path: Path) -> None:
    for words in (("--key", "mine"), ("yours",)):
        made = world("key", "generate", *words, home=tmp_path)
        assert made.returncode == 0
        assert words[-1].encode() in made.stdout
        assert (
            world("encrypt", "a.jpg", "--key", words[-1], "--out", f"{words[-1]}.senseid", home=tmp_path).returncode
            == 0
        )
    both = world("key", "generate", "one", "--key", "two", home=tmp_path)
    assert both.returncode == 2
    assert "leave one out" in line_of(both)
