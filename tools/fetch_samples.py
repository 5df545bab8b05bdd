"""Fetches the sample photos of `make demo` and of the end-to-end tests into `.demo/photos`.

They are the test photos of the source package face_recognition 1.3.0 (MIT). pip fetches it from whatever registry it is
set up for, and checks its SHA-256 before anything in it runs. Photos that are there already are checked and stay.

    python tools/fetch_samples.py [FOLDER]
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

PACKAGE = "face_recognition==1.3.0"
PACKAGE_SHA256 = "5e5efdd1686aa566af0d3cc1313b131e4b197657a8ffd03669e6d3fad92705ec"
INSIDE = "face_recognition-1.3.0/tests/test_images"
PHOTOS = {
    "biden.jpg": "3c17508bb91554c637a2eabddfae790e5bb1caba93130814fc2ac50be9760c4c",
    "obama.jpg": "0930e3aa8cae5920329c0c8cbc6a2ab70f47b0e67b432875beaa95cbf7e741f6",
    "obama2.jpg": "a7efcc907375274796f39646510704aa86672d59f6d5469d69af3c85590976a6",
    "obama3.jpg": "76ac6bf97c36dc2da0ad16a537d6a5ac1b10f48d49aac29a0cca9a17cdbc3ca3",
}
DEFAULT_FOLDER = Path(__file__).resolve().parents[1] / ".demo" / "photos"
_TIMEOUT_S = 300


class FetchError(Exception):
    """The photos are unavailable; the text says why."""


def fetch_samples(folder: Path) -> dict[str, Path]:
    """The sample photos by name, fetched if they are not there.

    Raises:
        FetchError: pip fails, or delivers something other than the pinned file.
    """
    paths = {name: folder / name for name in PHOTOS}
    if not all(_is_pinned(paths[name], sha256) for name, sha256 in PHOTOS.items()):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            _unpack(_download(Path(scratch)), Path(scratch))
            for name, sha256 in PHOTOS.items():
                fetched = Path(scratch) / name
                if not _is_pinned(fetched, sha256):
                    raise FetchError(f"{PACKAGE}: {name} is not the pinned photo")
                fetched.replace(paths[name])
    return paths


def _download(folder: Path) -> Path:
    pins = folder / "pins.txt"
    pins.write_text(f"{PACKAGE} --hash=sha256:{PACKAGE_SHA256}\n", encoding="ascii")
    command = [sys.executable, "-P", "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--no-binary", "face_recognition", "--require-hashes", "-r", str(pins), "--dest", str(folder)]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, check=False, timeout=_TIMEOUT_S, env={**os.environ, "LC_ALL": "C"}
        )
    except subprocess.TimeoutExpired:
        raise FetchError(f"{PACKAGE}: pip took more than {_TIMEOUT_S} s") from None
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no message"]
        raise FetchError(f"{PACKAGE}: pip failed: {lines[-1]}")
    archives = list(folder.glob("face_recognition-*.tar.gz"))
    if len(archives) != 1 or not _is_pinned(archives[0], PACKAGE_SHA256):
        raise FetchError(f"{PACKAGE}: pip did not deliver the pinned archive")
    return archives[0]


def _unpack(archive: Path, folder: Path) -> None:
    with tarfile.open(archive) as tar:
        for name in PHOTOS:
            photo = tar.extractfile(f"{INSIDE}/{name}")
            if photo is not None:
                (folder / name).write_bytes(photo.read())


def _is_pinned(path: Path, sha256: str) -> bool:
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256


def main() -> int:
    """Fetch the photos and print where they are."""
    parser = argparse.ArgumentParser(description="Fetch the sample photos.")
    parser.add_argument("folder", nargs="?", type=Path, default=DEFAULT_FOLDER)
    folder = parser.parse_args().folder
    try:
        paths = fetch_samples(folder)
    except FetchError as error:
        sys.stderr.write(f"fetch_samples: {error}\nhint: check pip's configuration and the network\n")
        return 1
    for path in paths.values():
        sys.stdout.write(f"{path}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
