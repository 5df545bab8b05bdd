"""Fixtures and helpers of these tests."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

from tests.service.conftest import (
    command,
    environment,
)

if TYPE_CHECKING:
    from pathlib import Path


def serve(home: Path, folder: Path, *words: str, env: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    """`senseid serve ...` that is expected to end by itself."""
    done = subprocess.run(
        command("serve", *words),
        capture_output=True,
        text=True,
        env=environment(home, env),
        cwd=folder,
        timeout=120,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
