"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING, Any

import pytest

from senseid_cli import app as cli
from senseid_cli.crypt import streams
from senseid_cli.output.streams import tolerant
from senseid_crypto import wire
from senseid_crypto.sealed import seal_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import BIG, GOLDEN, PUBLISHED, Here, put_into


def test_the_golden_vector_through_pipes(bare: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", PUBLISHED.secret.decode())
    monkeypatch.setenv("PARAM_DECRYPT_IV", "df25d188a061")
    for words, given, made in (
        (["encrypt", "--format", "wire", "-"], b"hello world", GOLDEN),
        (["decrypt", "-"], GOLDEN, b"hello world"),
        (["decrypt", "-"], GOLDEN + b"\n", b"hello world"),
    ):
        stdin(given)
        sink = put_into(monkeypatch)
        assert cli.run(words) == 0
        assert sink.getvalue() == made


@pytest.mark.parametrize("form", ["container", "wire"])
def test_from_a_pipe_into_a_file_and_back(here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    stdin(BIG[:50_000])
    out, _ = here("encrypt", "-", "--out", "sealed", "--format", form)
    assert out == [f"encrypted\t-\tsealed\t{here.key.id}"]
    stdin(here.path("sealed").read_bytes()[:65_000])
    here("decrypt", "-", "--out", "plain", status=0 if form == "container" else 6)
    sink = put_into(monkeypatch)
    assert cli.run(["decrypt", "sealed", "--out", "-"]) == 0
    assert sink.getvalue() == BIG[:50_000]


def test_from_the_middle_of_a_redirected_file(here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> None:
    """`(read line; senseid decrypt -) < file`"""
    file = here.path("file", b"a line\n" + seal_bytes(BIG, here.key, entropy=os.urandom)).open("rb")
    file.readline()
    stdin(file)
    sink = put_into(monkeypatch)
    assert cli.run(["decrypt", "-"]) == 0
    assert sink.getvalue() == BIG


@pytest.mark.parametrize("form", ["container", "wire"])
def test_what_is_damaged_goes_down_no_pipe(
    here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    """Not even the part before the damage."""
    data = os.urandom(3_000_000)
    sealed = (
        seal_bytes(data, here.key, entropy=os.urandom) if form == "container" else wire.encrypt_bytes(data, here.key)
    )
    path = here.path("sealed", sealed[:-8])
    for words in (["decrypt", str(path), "-o", "-"], ["decrypt", "-"]):
        stdin(path.open("rb"))
        sink = put_into(monkeypatch)
        assert cli.run(words) == 6
        assert sink.getvalue() == b""


def test_wire_text_that_is_changed_while_it_is_decrypted(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Standard output gets what was authenticated, whatever is in the file by then."""
    text = wire.encrypt_bytes(BIG, here.key)
    path = here.path("photo.b64", text)

    class Changing(io.FileIO):
        def readinto(self, buffer: Any, /) -> int | None:
            count = super().readinto(buffer)
            if not count:
                path.write_bytes(text.swapcase())
            return count

    monkeypatch.setattr(streams, "opened", lambda _: Changing(path))
    sink = put_into(monkeypatch)
    assert cli.run(["decrypt", "photo.b64", "-o", "-"]) == 0
    assert sink.getvalue() == BIG
    assert path.read_bytes() != text


def test_streams_that_make_no_sense(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here.path("a", b"hello")
    for words, problem in (
        (["encrypt", "-", "a"], "'-' stands alone"),
        (["encrypt", "a", "-o", "-", "--json"], "--json and the result"),
        (["encrypt", "a", "-o", "-", "--delete-source"], "--delete-source needs files"),
        (["encrypt", "-", "-o", "b", "--delete-source"], "--delete-source needs files"),
        (["encrypt", "a", "--key", "x", "--key-file", "y"], "cannot both be given"),
    ):
        _, err = here(*words, status=2)
        assert problem in err
    monkeypatch.setattr(sys, "stdin", None)
    assert "holds no file" in here("encrypt", "-", "-o", "b", status=3)[1]
    monkeypatch.setattr(sys, "stdout", None)
    assert cli.run(["encrypt", "a", "-o", "-"]) == 70


def test_an_input_without_an_end_stops_with_the_reader(
    here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`senseid encrypt - < /dev/zero | head -c 1`"""
    reader, writer = os.pipe()
    os.close(reader)
    stdin(here.path("/dev/zero").open("rb"))
    with os.fdopen(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", tolerant(stream))
        assert cli.run(["encrypt", "-"]) == 0


def test_a_pipe_that_cannot_be_kept(here: Here, stdin: Stdin, monkeypatch: pytest.MonkeyPatch) -> None:
    """It goes to a temporary file, as ciphertext, until its end has been checked."""

    class Full(io.BytesIO):
        def write(self, _: object) -> int:
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(streams.tempfile, "SpooledTemporaryFile", lambda **_: Full())
    stdin(seal_bytes(b"hello", here.key, entropy=os.urandom))
    _, err = here("decrypt", "-", status=70)
    assert err.startswith("senseid: the input cannot be kept until it is checked: no space left on device: ")
    assert "TMPDIR" in err
