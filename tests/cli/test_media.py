"""Reading photos for the command line, and writing pictures."""

from __future__ import annotations

import io
import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import numpy as np
import pytest
import typer
from PIL import Image as Pillow

from senseid.errors import OutputError
from senseid.media import read_file
from senseid_cli import media, paths
from senseid_crypto import wire
from senseid_crypto.errors import DecryptionError, MissingKeyError
from senseid_crypto.key import generate_key, parse_key
from senseid_crypto.sealed import seal_bytes
from senseid_engine import image
from senseid_engine.errors import (
    ContentLengthError,
    ImageTypeError,
    MediaNotFoundError,
    MediaUnreadableError,
    VideoError,
)
from senseid_engine.image import MAX_BYTES
from senseid_engine.liveness import capture

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path


@pytest.fixture
def png() -> bytes:
    data = io.BytesIO()
    Pillow.fromarray(np.arange(48 * 40 * 3, dtype=np.uint8).reshape(40, 48, 3)).save(data, "PNG")
    return data.getvalue()


class Stdin:
    """Standard input that counts what is read from it."""

    def __init__(self, data: bytes, *, terminal: bool = False) -> None:
        self.buffer = io.BytesIO(data)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal


def test_a_file(tmp_path: Path, png: bytes) -> None:
    path = tmp_path / "日本 ü, 'x'.png"
    path.write_bytes(png)
    photo = media.read_photo(str(path))
    assert (photo.width, photo.height, photo.name) == (48, 40, str(path))


def test_stdin(monkeypatch: pytest.MonkeyPatch, png: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(png))
    photo = media.read_photo("-")
    assert (photo.width, photo.name) == (48, "stdin")


def test_stdin_is_read_no_further_than_needed(monkeypatch: pytest.MonkeyPatch) -> None:
    stdin = Stdin(bytes(MAX_BYTES + 1000))
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(ContentLengthError, match="stdin: is over"):
        media.read_photo("-")
    assert stdin.buffer.tell() == MAX_BYTES + 1


def test_empty_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", Stdin(b""))
    with pytest.raises(ImageTypeError, match="stdin: is empty"):
        media.read_photo("-")


@pytest.mark.parametrize("stdin", [None, Stdin(b"", terminal=True)], ids=["closed", "terminal"])
def test_stdin_without_a_photo(monkeypatch: pytest.MonkeyPatch, stdin: Stdin | None) -> None:
    monkeypatch.setattr(sys, "stdin", stdin)
    with pytest.raises(MediaUnreadableError, match="pipe one in"):
        media.read_photo("-")


def test_stdin_that_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.RawIOBase):
        def readable(self) -> bool:
            return True

        def readinto(self, _: object) -> int:
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BufferedReader(Failing())))
    with pytest.raises(MediaUnreadableError, match="input/output error"):
        media.read_photo("-")


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MediaNotFoundError):
        media.read_photo(str(tmp_path / "none.jpg"))


def test_only_one_photo_comes_from_stdin() -> None:
    media.check_sources({"A": "-", "B": "a.jpg"})
    media.check_sources({"A": "a.jpg", "B": "-"})
    media.check_sources({"A": "a.jpg", "B": "a.jpg"})
    media.check_sources({"VIDEO": "-"})
    with pytest.raises(typer.BadParameter, match="A and B cannot both"):
        media.check_sources({"A": "-", "B": "-"})


def test_a_picture_is_written(tmp_path: Path) -> None:
    out = tmp_path / "out.PNG"
    paths.check_output(out, sources=("a.jpg", "-"), force=False)
    paths.write_output(out, b"data")
    assert out.read_bytes() == b"data"
    assert [path.name for path in tmp_path.iterdir()] == ["out.PNG"]
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(out.stat().st_mode) == 0o666 & ~mask


def test_a_file_is_overwritten_with_force_only(tmp_path: Path) -> None:
    out = tmp_path / "out.png"
    out.write_bytes(b"old")
    with pytest.raises(typer.BadParameter, match="--force"):
        paths.check_output(out, sources=(), force=False)
    paths.check_output(out, sources=(), force=True)
    paths.write_output(out, b"new")
    assert out.read_bytes() == b"new"


def test_a_photo_is_never_overwritten(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    photo.write_bytes(b"photo")
    link = tmp_path / "link.png"
    link.symlink_to(photo)
    for out in (photo, link):
        with pytest.raises(typer.BadParameter, match="one of the inputs"):
            paths.check_output(out, sources=("missing.jpg", str(photo)), force=True)


@pytest.mark.parametrize(
    ("out", "problem"),
    [
        ("out.jpg", "does not end in .png"),
        ("none/out.png", "folder that does not exist"),
        ("folder.png", "is a folder"),
    ],
)
def test_what_is_refused(tmp_path: Path, out: str, problem: str) -> None:
    (tmp_path / "folder.png").mkdir()
    with pytest.raises(typer.BadParameter, match=problem):
        paths.check_output(tmp_path / out, sources=(), force=True)


def test_a_name_that_the_system_refuses(tmp_path: Path) -> None:
    with pytest.raises(typer.BadParameter, match="file name too long"):
        paths.check_output(tmp_path / f"{'x' * 300}.png", sources=(), force=True)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="cannot be written"):
        paths.write_output(tmp_path / "none" / "out.png", b"data")
    (tmp_path / "out.png").mkdir()  # a rename onto a folder fails after the data was written
    with pytest.raises(OutputError, match="is a directory"):
        paths.write_output(tmp_path / "out.png", b"data")
    assert [path.name for path in tmp_path.iterdir()] == ["out.png"]


def test_an_interrupt_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fchmod", interrupted)
    with pytest.raises(KeyboardInterrupt):
        paths.write_output(tmp_path / "out.png", b"data")
    assert list(tmp_path.iterdir()) == []


def test_a_video(tmp_path: Path, encode_clip: Callable[..., bytes]) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(encode_clip([np.zeros((32, 48, 3), np.uint8)] * 10, range(0, 2500, 250)))
    video = media.read_video(str(path))
    assert video.name == str(path)
    assert video.expected_frames == 25
    path.write_bytes(b"no video")
    with pytest.raises(VideoError, match="is not a video"):
        media.read_video(str(path))
    path.write_bytes(bytes(16 * 1024 * 1024 + 1))
    with pytest.raises(ContentLengthError, match="16 MB"):
        media.read_video(str(path))


def test_two_results_do_not_go_into_one_file(tmp_path: Path) -> None:
    paths.check_apart({"--one": tmp_path / "a.png", "--two": tmp_path / "b.png", "--three": None, "--four": None})
    with pytest.raises(typer.BadParameter, match="also that of --one"):
        paths.check_apart({"--one": tmp_path / "a.png", "--two": tmp_path / "a.png"})
    (tmp_path / "folder").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "folder")
    for other in (tmp_path / "link" / ".." / "folder" / "a.png", tmp_path / "link" / "a.png"):
        with pytest.raises(typer.BadParameter, match="also that of --one"):
            paths.check_apart({"--one": tmp_path / "folder" / "a.png", "--two": other})


# Encrypted media. What can be wrong with them: tests/crypto and tests/cli/crypt.

KEY = parse_key("KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5")


@pytest.fixture
def encrypt(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], bytes]:
    """Encrypts in the format of the parameter, under a key that the environment holds."""
    monkeypatch.setenv("PARAM_DECRYPT_KEY", KEY.secret.decode())
    monkeypatch.setenv("PARAM_DECRYPT_IV", KEY.fixed_iv.decode())
    if request.param == "wire":
        return lambda data: wire.encrypt_bytes(data, KEY)
    return lambda data: seal_bytes(data, KEY, entropy=os.urandom)


both_formats = pytest.mark.parametrize("encrypt", ["container", "wire"], indirect=True)


@both_formats
def test_an_encrypted_photo(
    encrypt: Callable[[bytes], bytes], tmp_path: Path, png: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "photo.jpg"  # the content decides, never the name
    path.write_bytes(encrypt(png))
    assert (media.read_photo(str(path)).pixels == image.decode_image(png, name="x").pixels).all()
    monkeypatch.setattr(sys, "stdin", Stdin(encrypt(png) + b"\n" * (encrypt(b"")[:1] != b"\x89")))
    assert media.read_photo("-").width == 48


@both_formats
def test_the_limit_counts_what_is_decrypted(encrypt: Callable[[bytes], bytes], tmp_path: Path) -> None:
    path = tmp_path / "video"
    for length in (0, 1, 70_000, 16 << 20):
        data = os.urandom(length)
        path.write_bytes(encrypt(data))
        assert media.read_bytes(str(path), most=length, what="video") == data
    for length in (1, 70_001, (16 << 20) + 1, 40 << 20):
        path.write_bytes(encrypt(bytes(length)))
        with pytest.raises(ContentLengthError, match=rf"{path}: is over"):
            media.read_bytes(str(path), most=min(length - 1, 16 << 20), what="video")


def test_the_limit_of_a_plain_file(tmp_path: Path) -> None:
    path = tmp_path / "file"
    for data in (bytes(100_000), b"A" * 100_000):
        path.write_bytes(data)
        if data[0] == 0:
            assert media.read_bytes(str(path), most=100_000, what="photo") == data
        with pytest.raises((ContentLengthError, MissingKeyError)):
            read_file(path, most=99_999, what="photo", keys=list)


@both_formats
def test_the_wrong_key(encrypt: Callable[[bytes], bytes], tmp_path: Path, png: bytes) -> None:
    path = tmp_path / "photo"
    path.write_bytes(encrypt(png))
    with pytest.raises(DecryptionError, match=rf"^{path}: "):
        read_file(path, most=100_000, what="photo", keys=lambda: [generate_key(os.urandom)])
    assert read_file(path, most=100_000, what="photo", keys=lambda: [KEY])[0] == png


def test_base64_without_a_key_is_named(tmp_path: Path) -> None:
    path = tmp_path / "photo.b64"
    path.write_bytes(wire.encrypt_bytes(b"hello world", KEY))
    with pytest.raises(MissingKeyError, match="looks encrypted"):
        read_file(path, most=100, what="photo", keys=list)


@pytest.mark.parametrize("at", [30, 3000, 6000])
def test_base64_that_is_damaged_or_wrapped_is_named(tmp_path: Path, at: int) -> None:
    """And is not called a photo of an unknown type: what begins as Base64 is none."""
    text = wire.encrypt_bytes(os.urandom(6000), KEY)
    path = tmp_path / "photo.jpg"
    for changed in (text[:at] + b"!" + text[at + 1 :], b"\n" + text[:at] + b"\n" + text[at:], text[:at] + b"="):
        path.write_bytes(changed)
        with pytest.raises(DecryptionError, match=rf"^{path}: "):
            read_file(path, most=100_000, what="photo", keys=lambda: [KEY])


def test_plain_media_need_no_key_and_no_library(tmp_path: Path, png: bytes) -> None:
    (tmp_path / "photo").write_bytes(png)
    script = (
        "import sys\n"
        "from senseid_cli import media\n"
        "media.read_bytes(sys.argv[1], most=100_000, what='photo')\n"
        "print(*{'cryptography', 'dotenv', 'keyring'} & {name.partition('.')[0] for name in sys.modules})\n"
    )
    environment = {**os.environ, "PARAM_DECRYPT_KEY": "broken"}
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "photo")],
        capture_output=True,
        text=True,
        env=environment,
        check=True,
    )
    assert done.stdout.strip() == ""


@both_formats
def test_decrypting_opens_no_file_to_write(encrypt: Callable[[bytes], bytes], tmp_path: Path, png: bytes) -> None:
    """Python reports every opening, renaming and temporary file to an audit hook."""
    path = tmp_path / "photo"
    path.write_bytes(encrypt(png))
    script = (
        "import os, sys\n"
        "from senseid_cli import media\n"
        "seen = []\n"
        "def hook(event, words):\n"
        "    if event == 'open' and (not isinstance(words[1], str) or set(words[1]) & set('wax+')):\n"
        "        if words[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT):\n"
        "            seen.append((event, words[0]))\n"
        "    if event.startswith(('tempfile', 'shutil', 'subprocess', 'os.rename', 'os.link', 'mmap')):\n"
        "        seen.append((event, words))\n"
        "sys.addaudithook(hook)\n"
        "assert media.read_photo(sys.argv[1]).width == 48\n"
        "open(os.devnull, 'wb').close()\n"
        "print(seen)\n"
    )
    done = subprocess.run([sys.executable, "-B", "-c", script, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[('open', '/dev/null')]"  # the hook does see, and nothing else was there to see


@pytest.mark.parametrize("name", ["pipe.png", "/dev/null.png", "/dev/fd/1.png"])
def test_a_pipe_or_a_device_is_not_replaced_by_a_file(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe.png")
    assert paths.is_device(tmp_path / name)
    (tmp_path / "file.png").touch()
    assert not paths.is_device(tmp_path / "file.png")
    assert not paths.is_device(tmp_path / "none.png")
    with pytest.raises(typer.BadParameter, match="no regular file"):
        paths.check_output(tmp_path / "pipe.png", sources=(), force=True)


def test_an_empty_word_is_not_the_current_folder() -> None:
    with pytest.raises(typer.BadParameter, match="check the variable"):
        paths.check_word("", name="PHOTO")
    paths.check_word(".", name="PHOTO")


def test_liveness_data_in_the_place_of_a_video(tmp_path: Path) -> None:
    path = tmp_path / "clip.live"
    path.write_bytes(capture.MAGIC + bytes(100))
    for read in (media.read_video, media.read_video_or_photo):
        with pytest.raises(VideoError, match="holds liveness data, and a video is needed: `senseid verify` takes it"):
            read(str(path))
