"""Runs the tests that take seconds with the oldest release of every package that `pyproject.toml` admits.

A lower bound is a promise: pip leaves an older release that satisfies it where it is, and nothing else tries that.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import tomllib
from itertools import chain
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parents[1]


def floors() -> dict[str, str]:
    """The packages that are needed, with those of all extras but cuda, and the lowest version of each.

    That one's package lies over onnxruntime's, and has nothing to run on here.
    """
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    found = {}
    extras = [needs for name, needs in project["optional-dependencies"].items() if name != "cuda"]
    for text in chain(project["dependencies"], *extras):
        requirement = Requirement(text)
        lowest = [bound.version for bound in requirement.specifier if bound.operator == ">="]
        if len(lowest) != 1:
            sys.exit(f"pyproject.toml: {text} has no lower bound")
        found[requirement.name] = lowest[0]
    return found


def main() -> None:
    """Run the tests and exit with their status."""
    with tempfile.TemporaryDirectory() as name:
        subprocess.run([sys.executable, "-P", "-m", "venv", name], check=True)
        python = Path(name) / "bin" / "python"
        pip = [python, "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "--upgrade", "pip>=25.1"], check=True)
        exact = [f"{package}=={version}" for package, version in floors().items()]
        subprocess.run([*pip, "install", *exact, "--group", "test", "--group", "recipes"], cwd=ROOT, check=True)
        subprocess.run([*pip, "install", "--no-deps", "--editable", ROOT], check=True)
        tests = [python, "-m", "pytest", "-n", "auto", "-m", "not slow", "-p", "no:cacheprovider"]
        sys.exit(subprocess.run(tests, cwd=ROOT, check=False).returncode)


if __name__ == "__main__":
    main()
