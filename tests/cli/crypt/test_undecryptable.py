"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

from senseid_crypto import wire
from senseid_crypto.sealed import seal_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import BIG, PUBLISHED, Here


def test_what_cannot_be_decrypted(here: Here) -> None:
    container, text = seal_bytes(BIG, here.key, entropy=os.urandom), wire.encrypt_bytes(BIG, here.key)
    broken = {
        "wrong key": seal_bytes(b"hello", PUBLISHED, entropy=os.urandom),
        "wrong wire key": wire.encrypt_bytes(b"hello", PUBLISHED),
        "flipped": container[:-20] + bytes([container[-20] ^ 1]) + container[-19:],
        "flipped header": container[:60] + bytes([container[60] ^ 1]) + container[61:],
        "flipped wire": text[:100] + (b"A" if text[100:101] != b"A" else b"B") + text[101:],
        "cut at a chunk": container[: 85 + 65_552],
        "cut in the header": container[:50],
        "cut wire": text[:-4],
        "trailing": container + b"\0",
        "trailing wire": text + b"AAAA",
        "empty": b"",
        "plain": b"\xff\xd8\xff" + BIG,
        "later version": container[:12] + b"\x02" + container[13:],
    }
    for name, data in broken.items():
        here.path(f"{name}.senseid", data)
        before = here.names()
        for out in ([], ["--delete-source"], ["-o", "out"]):
            _, err = here("decrypt", f"{name}.senseid", *out, status=6)
            assert err.startswith(f"senseid: {name}.senseid: ")
            assert here.names() == before
        (line, *_), _ = here("decrypt", f"{name}.senseid", "--json", status=6)
        assert json.loads(line)["code"] == 1200
    here.path("old", b"old")
    here("decrypt", "trailing.senseid", "-o", "old", "--force", status=6)
    assert here.path("old").read_bytes() == b"old"
