"""Under whatever limit of memory: the answer, or one line and 70."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid


@pytest.mark.parametrize("mebibytes", [300, 400, 600, 800, 1000, *range(1060, 1300, 40)])
def test_too_little_memory_gives_no_verdict(senseid: Senseid, photos: dict[str, Path], mebibytes: int) -> None:
    words = senseid.command("compare", photos["obama.jpg"], photos["obama2.jpg"])
    done = subprocess.run(
        ["sh", "-c", f'ulimit -v {mebibytes << 10} && exec "$@"', "sh", *words],
        capture_output=True,
        env=senseid.environment(),
        check=False,
    )
    if done.returncode == 0:
        assert done.stdout.startswith(b"match\t")
        return
    assert (done.returncode, done.stdout) == (70, b"")
    assert b"not enough memory" in done.stderr
    ours = [line for line in done.stderr.splitlines() if line.startswith(b"senseid: ")]
    assert len(ours) == 1
