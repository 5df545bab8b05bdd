"""Containers that were made once, by code that shares nothing with the package. They hold for ever.

Each `.vec` file is a header (`expect:` ok or an error, `comment:`, `plain-sha256:`), an empty line, and the bytes of a
container. The key is the one that the manual prints. `make.py` beside them says how they were made.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_crypto.errors import CryptoError
from tests.crypto.helpers import unseal

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_crypto.key import Key

VECTORS = sorted(Path(__file__).with_name("vectors").glob("*.vec"))


def parsed(path: Path) -> tuple[dict[str, str], bytes]:
    header, data = path.read_bytes().split(b"\n\n", 1)
    return dict(line.split(": ", 1) for line in header.decode().splitlines()), data


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("path", VECTORS, ids=lambda path: path.stem)
def test_vector(path: Path, key: Key, threads: int) -> None:
    header, data = parsed(path)
    try:
        plain, found = unseal(data, key, threads=threads), "ok"
    except CryptoError as error:
        plain, found = b"", type(error).__name__
    assert found == header["expect"], header["comment"]
    assert found != "ok" or hashlib.sha256(plain).hexdigest() == header["plain-sha256"]


@pytest.mark.slow
def test_java_judges_them_alike(java: Callable[[Sequence[str]], list[str]], key: Key) -> None:
    vectors = [parsed(path) for path in VECTORS]
    answers = java([f"open {key.secret.decode()} {data.hex()}" for _, data in vectors])
    for (header, _), answer in zip(vectors, answers, strict=True):
        digest = "-" if answer == "refused" else hashlib.sha256(bytes.fromhex(answer)).hexdigest()
        assert digest == header["plain-sha256"], header["comment"]


def test_the_vectors_are_there() -> None:
    assert len(VECTORS) >= 25
