"""What can be known here about systems that nobody tried: types for macOS and Windows, wheels for ARM."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = (
    "senseid_cli",
    "senseid",
    "senseid_client",
    "senseid_engine",
    "senseid_crypto",
    "senseid_licensing",
    "senseid_models",
)
"""All but the service, which is for Linux."""


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_every_call_exists_there(platform: str, tmp_path: Path) -> None:
    """mypy knows which functions and constants each system has, and what `sys.platform` keeps apart."""
    packages = [word for package in PACKAGES for word in ("-p", package)]
    # What is written for another system is unreachable on this one, and meant to be.
    how = ("--platform", platform, "--follow-imports=silent", "--no-warn-unreachable", "--cache-dir", str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "mypy", *how, *packages], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
