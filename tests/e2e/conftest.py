"""The real command line, as a process, with a real licence, on real photos."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.e2e.screen import all_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

ROOT = Path(__file__).resolve().parents[2]
# The command line of the process's arguments, where each record of a batch takes a moment more.
SLOW = """
import time
from senseid.tables.journal import Journal
add = Journal.add
Journal.add = lambda self, records: (time.sleep(0.05), add(self, records))
from senseid_cli.__main__ import main
main()
"""


@dataclass(frozen=True)
class Senseid:
    """Runs `senseid` with one data directory."""

    home: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        return {**os.environ, "SENSEID_HOME": str(self.home), **(extra or {})}

    def command(self, *words: str | Path) -> list[str]:
        return [sys.executable, "-m", "senseid_cli", *map(str, words)]

    def __call__(
        self, *words: str | Path, stdin: bytes = b"", env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[bytes]:
        done = subprocess.run(
            self.command(*words), input=stdin, capture_output=True, env=self.environment(env), check=False, **options
        )
        assert b"Traceback" not in done.stderr, done.stderr.decode(errors="replace")
        return done

    def start_slow_batch(
        self, *words: str | Path, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[bytes]:
        """A batch that is still going on, however fast the machine is, when some of its records are written."""
        command = [sys.executable, "-c", SLOW, "batch", *map(str, words)]
        return subprocess.Popen(command, env=self.environment(env), **options)

    def json(self, *words: str | Path, status: int | None = None, **options: Any) -> dict[str, Any]:
        """The one object that it prints."""
        done = self(*words, "--json", **options)
        sys.stderr.write(done.stderr.decode(errors="replace"))  # shown where the test fails
        assert status is None or done.returncode == status, done.stderr
        (line,) = done.stdout.splitlines()
        found = json.loads(line)
        assert isinstance(found, dict)
        return found

    def on_terminal(self, *words: str | Path, env: Mapping[str, str]) -> tuple[int, str]:
        """Runs it on a terminal of its own, and gives back the exit status and what the terminal saw."""
        leader, follower = pty.openpty()
        with subprocess.Popen(
            self.command(*words), stdin=follower, stdout=follower, stderr=follower, env=self.environment(env)
        ) as process:
            os.close(follower)
            seen = all_of(leader)
        return process.returncode, seen.decode().replace("\r\n", "\n")


def heed_sigint() -> None:
    """For a new process: a shell's background jobs ignore it, and hand that down."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


def wait_until(holds: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Waits for something that a running process does."""
    deadline = time.monotonic() + 60
    while not holds():
        assert process.poll() is None, "it ended too early"
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.fixture(scope="session")
def senseid(tmp_path_factory: pytest.TempPathFactory) -> Senseid:
    """The command line of a machine that has licences of its own."""
    senseid = Senseid(tmp_path_factory.mktemp("home"))
    done = senseid("license", "quickstart")
    assert done.returncode == 0, done.stderr
    return senseid


@pytest.fixture(scope="session")
def photos(sample_photos: dict[str, Path]) -> dict[str, Path]:
    """The sample photos by name."""
    return sample_photos


@pytest.fixture(scope="session")
def groups(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """Two group photos of the same two men: in the first one of them is larger, in the second the other."""
    from PIL import Image

    folder = tmp_path_factory.mktemp("groups")

    def group(name: str, parts: list[tuple[str, int]]) -> Path:
        opened = [Image.open(photos[part]).convert("RGB") for part, _ in parts]
        scaled = [
            photo.resize((photo.width * height // photo.height, height))
            for photo, (_, height) in zip(opened, parts, strict=True)
        ]
        canvas = Image.new("RGB", (sum(photo.width for photo in scaled), max(photo.height for photo in scaled)), "grey")
        left = 0
        for photo in scaled:
            canvas.paste(photo, (left, 0))
            left += photo.width
        canvas.save(folder / name)
        return folder / name

    first = group("first.png", [("obama.jpg", 400), ("biden.jpg", 800)])
    second = group("second.png", [("biden.jpg", 400), ("obama2.jpg", 800)])
    return first, second
