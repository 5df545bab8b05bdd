"""Other programs for faces, to measure beside: each in a process of its own, idle while senseid works."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.bench.report import UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Peer:
    """A program in its own process; seconds of each round in `wall`."""

    def __init__(self, command: list[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self.version: str = self._answer()["version"]
        self.wall: list[float] = []

    def step(self) -> None:
        """Its work, once."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        self.wall.append(self._answer()["seconds"])

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise UnavailableError("the process with the other program ended")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def open_peer(name: str, python: str | None, photos: list[bytes]) -> Iterator[Peer | str]:
    """The program `name` of `peer_process.PEERS` on JPEG photos, or the reason why it is left out."""
    interpreter = python or sys.executable
    if subprocess.run([interpreter, "-c", f"import {name}"], capture_output=True, check=False).returncode:
        yield f"{interpreter} has no {name}: name one that has it with --peer-python"
        return
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.jpg" for number in range(len(photos))]
        for path, data in zip(paths, photos, strict=True):
            path.write_bytes(data)
        peer = Peer([interpreter, str(Path(__file__).with_name("peer_process.py")), name, *map(str, paths)])
        try:
            yield peer
        finally:
            peer.close()
