"""A video of a still photo, one of a living person, and what is known of it."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    import subprocess
    from pathlib import Path

    from tests.e2e.conftest import Senseid

LIVE = "grid-lrwp9a.mpg"


@pytest.fixture(scope="session")
def still(still_clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An attack."""
    path = tmp_path_factory.mktemp("clips") / "still.mp4"
    path.write_bytes(still_clip)
    return path


@pytest.fixture(scope="session")
def live(test_data: Path) -> Path:
    """A living person."""
    return test_data / "liveness-videos" / "live" / LIVE


@pytest.fixture(scope="session")
def checked(senseid: Senseid, live: Path) -> dict[str, Any]:
    """All that a check of a living person says."""
    return senseid.json("liveness", live, "--return-status", "--return-image", "--return-face-image", status=0)


@pytest.fixture(scope="session")
def portrait(checked: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A photo of the living person: the selected frame."""
    path = tmp_path_factory.mktemp("portrait") / "portrait.jpg"
    path.write_bytes(base64.b64decode(checked["base64_image"]))
    return path


@pytest.fixture(scope="session")
def keyed(senseid: Senseid) -> Senseid:
    """The same command line, with a key."""
    assert senseid("key", "generate").returncode == 0
    return senseid


@pytest.fixture(scope="session")
def packed(keyed: Senseid, live: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("packed") / "person.liveness"
    done = keyed("liveness", "pack", live, "-o", path)
    assert (done.returncode, done.stdout[:5]) == (0, b"live\t"), done.stderr
    return path


def body_of(done: subprocess.CompletedProcess[bytes]) -> dict[str, Any]:
    (line,) = done.stdout.splitlines()
    found: dict[str, Any] = json.loads(line)
    return found
