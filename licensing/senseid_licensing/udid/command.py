"""Calls of system tools, where there is no file to read: macOS and Windows."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence

Run = Callable[[Sequence[str]], str]
"""A function that runs a command and returns its output; an empty text if it is missing or fails."""

_SECONDS = 20.0


def run_command(words: Sequence[str]) -> str:
    """The `Run` of a real system: no shell, no input, a limit on time."""
    try:
        done = subprocess.run(  # noqa: S603  the words are constants of the probes
            list(words), stdin=subprocess.DEVNULL, capture_output=True, timeout=_SECONDS, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.decode("utf-8", "replace")
