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


def dry_run(tmp_path: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Let pip find what the lock file of the image pins, with its hashes, and install nothing."""
    pip = (sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps")
    where = ("--target", str(tmp_path), "--only-binary=:all:", "--require-hashes", "-r", "deploy/requirements.lock")
    return subprocess.run([*pip, *where, *words], cwd=ROOT, capture_output=True, text=True, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("platform", ["manylinux_2_28_aarch64", "macosx_14_0_arm64", "win_amd64"])
def test_every_pinned_package_has_a_wheel_there(platform: str, tmp_path: Path) -> None:
    here = dry_run(tmp_path)
    if here.returncode:
        pytest.skip(f"not even the wheels of this machine are found: {here.stderr.strip().splitlines()[-1]}")
    older = ("--platform", platform.replace("manylinux_2_28", "manylinux2014"))
    done = dry_run(tmp_path, "--platform", platform, *older, "--python-version", "3.11")
    assert done.returncode == 0, done.stderr
