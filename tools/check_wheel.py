"""Builds the wheel, installs it in a new virtual environment, and compares photos with it there.

What an editable install hides shows up here: a file that the wheel does not hold, a dependency that is not declared.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import venv
import zipfile
from pathlib import Path

from fetch_samples import fetch_samples

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {"senseid_cli", "senseid_engine", "senseid_licensing", "senseid_models"}


def run(*command: str | Path, home: Path, expect: int = 0) -> str:
    """Run a command away from the sources; its standard output."""
    environment = {**os.environ, "SENSEID_HOME": str(home)}
    done = subprocess.run(command, cwd=home, env=environment, capture_output=True, text=True, check=False)
    if done.returncode != expect:
        sys.exit(f"{command}: exit {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return done.stdout


def main() -> None:
    """Check the wheel; exits with a message if it is not right."""
    photos = fetch_samples(ROOT / ".demo" / "photos")
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder).resolve()
        run(sys.executable, "-m", "build", "--wheel", "--outdir", home, ROOT, home=home)
        (wheel,) = home.glob("*.whl")
        with zipfile.ZipFile(wheel) as archive:
            held = {name.split("/")[0] for name in archive.namelist()}
        extra = {name for name in held - PACKAGES if not name.endswith(".dist-info")}
        if extra or not held >= PACKAGES:
            sys.exit(f"{wheel.name} holds {sorted(held)}")
        venv.create(home / "venv", with_pip=True)
        python = home / "venv" / "bin" / "python"
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", wheel, home=home)
        senseid = home / "venv" / "bin" / "senseid"
        print(run(senseid, "--version", home=home).strip(), f"({wheel.stat().st_size / 1e6:.1f} MB)")
        run(senseid, "license", "quickstart", home=home)
        run(senseid, "models", "verify", home=home)
        print(run(senseid, "compare", photos["obama.jpg"], photos["obama2.jpg"], home=home).strip())
        print(run(senseid, "compare", photos["obama.jpg"], photos["biden.jpg"], home=home, expect=1).strip())


if __name__ == "__main__":
    main()
