"""Locks what the container image installs: the newest releases that `pyproject.toml` admits, each file by its SHA-256.

To be run with the Python of the image's base. What is locked is what the tests ran with, as long as `.venv` is fresh.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PYTHON = (3, 11)
"""Of the base of deploy/Dockerfile."""
LOCKS = {
    # What senseid needs to serve.
    "deploy/requirements.lock": ["--extra", "serve"],
    # What its wheel is built with.
    "deploy/build.lock": ["--only-build-deps", "--build-deps-for", "wheel"],
}
_QUIET = ["--no-header", "--no-emit-index-url", "--no-emit-trusted-host", "--no-emit-find-links"]


def main() -> None:
    """Write the files; exit with 2 under another Python."""
    if sys.version_info[:2] != PYTHON:
        print(f"the image has Python {PYTHON[0]}.{PYTHON[1]}: make PYTHON=python3.11", file=sys.stderr)
        sys.exit(2)
    for name, options in LOCKS.items():
        command = [sys.executable, "-m", "piptools", "compile", "--quiet", "--upgrade", "--generate-hashes"]
        subprocess.run(
            [*command, *_QUIET, "--allow-unsafe", "--strip-extras", *options, "--output-file", name, "pyproject.toml"],
            cwd=ROOT,
            check=True,
        )


if __name__ == "__main__":
    main()
