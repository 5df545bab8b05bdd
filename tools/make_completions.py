"""Writes the completion scripts of the four shells into `completions/`; `--check` compares instead."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from typer._completion_shared import get_completion_script

FOLDER = Path(__file__).resolve().parents[1] / "completions"
FILES = {"bash": "senseid.bash", "zsh": "_senseid", "fish": "senseid.fish", "pwsh": "senseid.ps1"}


def scripts() -> dict[Path, str]:
    """The script of each shell by the file it belongs in."""
    return {
        FOLDER / file: get_completion_script(prog_name="senseid", complete_var="_SENSEID_COMPLETE", shell=shell) + "\n"
        for shell, file in FILES.items()
    }


def main() -> None:
    """Write or compare; exits with 1 where a file differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    check = parser.parse_args().check
    differing = []
    for path, text in scripts().items():
        if check and (not path.is_file() or path.read_text(encoding="utf-8") != text):
            differing.append(path.name)
        elif not check:
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
    if differing:
        sys.exit(f"completions/ is out of date ({', '.join(differing)}): run tools/make_completions.py")


if __name__ == "__main__":
    main()
