"""What the tests of encryption share."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from senseid_crypto.key import Key, parse_key

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

REFERENCE = Path(__file__).with_name("Reference.java")


@pytest.fixture(scope="session")
def key() -> Key:
    """The key that the manual prints, and its IV."""
    return parse_key("dcbbad6765e14139a07d34b92292a672", "df25d188a061")


@pytest.fixture(scope="session")
def other() -> Key:
    """Another key."""
    return parse_key("n0ther-KEY_of-32-characters.XyZ!", "other+iv-12.")


@pytest.fixture(scope="session")
def java() -> Callable[[Sequence[str]], list[str]]:
    """Asks the implementation in Java; skips where there is no Java."""
    runtime = shutil.which("java")
    if runtime is None or shutil.which("javac") is None:
        pytest.skip("there is no Java here: the second implementation cannot be run")

    def ask(requests: Sequence[str]) -> list[str]:
        done = subprocess.run(
            [runtime, str(REFERENCE)],
            input="\n".join(requests) + "\n",
            capture_output=True,
            text=True,
            check=True,
            timeout=120,
        )
        return done.stdout.splitlines()

    return ask
