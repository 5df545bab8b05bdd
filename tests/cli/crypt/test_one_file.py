"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from senseid_crypto import wire
from senseid_crypto.sealed import open_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import BIG, Here


@pytest.mark.parametrize("data", [b"", b"hello world", BIG], ids=len)
@pytest.mark.parametrize(("form", "suffix"), [("container", ".senseid"), ("wire", ".b64")])
def test_there_and_back(here: Here, data: bytes, form: str, suffix: str) -> None:
    photo = here.path("photo.jpg", data)
    photo.chmod(0o640)
    os.utime(photo, ns=(10**18, 1_500_000_000_123_456_789))
    out, _ = here("encrypt", "photo.jpg", "--format", form)
    assert out == [f"encrypted\tphoto.jpg\tphoto.jpg{suffix}\t{here.key.id}"]
    sealed = here.path(f"photo.jpg{suffix}")
    opened = open_bytes(sealed.read_bytes(), [here.key]) if form == "container" else None
    assert (opened if opened is not None else wire.decrypt_bytes(sealed.read_bytes(), [here.key])) == data
    photo.unlink()
    out, err = here("decrypt", f"photo.jpg{suffix}")
    assert (out, err) == ([f"decrypted\tphoto.jpg{suffix}\tphoto.jpg\t{form}"], "")
    assert photo.read_bytes() == data
    for path in (photo, sealed):
        assert stat.S_IMODE(path.stat().st_mode) == 0o640
        assert path.stat().st_mtime_ns == 1_500_000_000_123_456_789
    assert here.names() == ["photo.jpg", f"photo.jpg{suffix}"]


def test_a_chosen_name(here: Here) -> None:
    here.path("a", b"hello")
    here("encrypt", "a", "--out", "b")
    here("decrypt", "b", "-o", "c")
    assert here.path("c").read_bytes() == b"hello"


def test_json(here: Here) -> None:
    here.path("a", b"hello")
    (line,), _ = here("encrypt", "a", "--json")
    body = json.loads(line)
    assert len(body.pop("request_id")) == 32
    assert body == {"code": 1000, "done": "encrypted", "source": "a", "target": "a.senseid", "key": here.key.id}


def test_odd_names(here: Here) -> None:
    for name in ("日本 ü, 'x'.jpg", "a\nb", "-dash", "[x].jpg", "*"):
        here.path(name, name.encode())
        here("encrypt", "--delete-source", "--", name)
        here("decrypt", "--", f"{name}.senseid")
        assert here.path(name).read_bytes() == name.encode()
