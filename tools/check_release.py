"""Builds a release twice, compares the bytes, and uses the wheel in new environments: `check_release.py [--out DIR]`.

What an editable install hides shows up here: a file that the wheel does not hold, a dependency that is not declared, a
Python that it does not run on. With `--out` sdist, wheel and SBOM (CycloneDX) are left in that folder, and their
SHA-256 in `SHA256SUMS`; `--sign KEY` signs that by a key of OpenSSH. docs/air-gapped.md says how it is verified.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from pathlib import Path

from fetch_samples import fetch_samples

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = {
    "senseid",
    "senseid_cli",
    "senseid_client",
    "senseid_crypto",
    "senseid_engine",
    "senseid_licensing",
    "senseid_models",
    "senseid_service",
}
PYTHONS = ("3.11", "3.12", "3.13")
# Limits for the disk space and time that an operator needs.
MOST_WHEEL_MB = 60
MOST_INSTALLED_MB = 700
MOST_HELP_MODULES = 400
SUMS = "SHA256SUMS"
NAMESPACE = "senseid-release"
"""The namespace of the signature: it counts for nothing else that is signed by the key."""


def run(*command: str | Path, cwd: Path, expect: int = 0, **environment: str) -> str:
    """Run a command away from the sources; its standard output."""
    done = subprocess.run(
        command, cwd=cwd, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != expect:
        sys.exit(f"{' '.join(map(str, command))}: exit {done.returncode}, not {expect}\n{done.stdout}{done.stderr}")
    return done.stdout


def build(folder: Path) -> tuple[Path, Path]:
    """An sdist, and the wheel made from that sdist."""
    run(sys.executable, "-P", "-m", "build", "--outdir", folder, ROOT, cwd=folder)
    (sdist,), (wheel,) = folder.glob("*.tar.gz"), folder.glob("*.whl")
    return sdist, wheel


def check_contents(wheel: Path) -> None:
    """The packages and nothing else; small enough."""
    with zipfile.ZipFile(wheel) as archive:
        held = {name.split("/")[0] for name in archive.namelist()}
    extra = {name for name in held - PACKAGES if not name.endswith((".dist-info", ".data"))}
    if extra or not held >= PACKAGES:
        sys.exit(f"{wheel.name} holds {sorted(held)}")
    size = wheel.stat().st_size / 1e6
    if size > MOST_WHEEL_MB:
        sys.exit(f"{wheel.name} has {size:.1f} MB, more than {MOST_WHEEL_MB}")
    print(f"{wheel.name}: {size:.1f} MB, the same bytes from two builds")


def find_python(version: str) -> Path | None:
    """An interpreter of that version: this one, one on the PATH, or one of pyenv's."""
    if version == "{}.{}".format(*sys.version_info):
        return Path(sys.executable)
    candidates = [Path(found) for found in [shutil.which(f"python{version}")] if found]
    candidates += sorted(Path("~/.pyenv/versions").expanduser().glob(f"{version}.*/bin/python"))
    for candidate in candidates:
        # A shim of pyenv's is there for versions that it does not run.
        asked = subprocess.run([candidate, "-c", "import venv, ensurepip"], capture_output=True, check=False)
        if asked.returncode == 0:
            return candidate
    return None


def install(python: Path, wheel: Path, home: Path) -> Path:
    """The interpreter of a new environment that holds the wheel, installed as docs/air-gapped.md says."""
    run(python, "-m", "venv", home / "venv", cwd=home)
    inside = home / "venv" / "bin" / "python"
    pip = (inside, "-m", "pip", "--quiet", "--disable-pip-version-check")
    run(*pip, "download", "--dest", home / "wheelhouse", wheel, cwd=home)
    run(*pip, "install", "--no-index", "--find-links", home / "wheelhouse", "senseid-face", cwd=home)
    return inside


def use(python: Path, photos: dict[str, Path], home: Path) -> str:
    """Try licences, models, and two comparisons; return a summary."""
    senseid, where = python.with_name("senseid"), {"SENSEID_HOME": str(home)}
    started = time.perf_counter()
    version = run(senseid, "--version", cwd=home, **where).strip()
    took = time.perf_counter() - started
    run(senseid, "license", "quickstart", cwd=home, **where)
    run(senseid, "models", "verify", cwd=home, **where)
    same = run(senseid, "compare", photos["obama.jpg"], photos["obama2.jpg"], cwd=home, **where)
    other = run(senseid, "compare", photos["obama.jpg"], photos["biden.jpg"], cwd=home, expect=1, **where)
    code = "import sys; from senseid_cli import app; app.run(['--help']); print(len(sys.modules), file=sys.stderr)"
    done = subprocess.run([python, "-c", code], cwd=home, capture_output=True, text=True, check=True)
    modules = int(done.stderr)
    if modules > MOST_HELP_MODULES:
        sys.exit(f"--help imports {modules} modules, more than {MOST_HELP_MODULES}")
    scores = ", ".join(re.findall(r"\d\.\d+", same + other))
    return f"{version}: {took:.2f} s to start, {modules} modules for --help, scores {scores}"


def installed_megabytes(environment: Path) -> float:
    """Disk space of the environment's packages, without pip."""
    (packages,) = (environment / "lib").glob("python*/site-packages")
    files = (path for path in packages.rglob("*") if path.is_file() and path.relative_to(packages).parts[0] != "pip")
    return sum(path.stat().st_size for path in files) / 1e6


def write_sbom(python: Path, folder: Path) -> Path:
    """Write the packages installed with senseid as CycloneDX; the same bytes for the same packages.

    What every new environment holds is removed from it first: it is of that Python, and senseid needs none of it.
    """
    run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", "pip", cwd=folder)
    path = folder / "senseid.cdx.json"
    tool = Path(sys.executable).with_name("cyclonedx-py")
    run(tool, "environment", "--output-reproducible", "--of", "JSON", "-o", path, python, cwd=folder)
    names = {component["name"] for component in json.loads(path.read_text("utf-8"))["components"]}
    for name in ("senseid-face", "onnxruntime", "numpy", "cryptography", "pillow"):
        if name not in names:
            sys.exit(f"the SBOM does not name {name}")
    print(f"SBOM: {len(names)} packages")
    return path


def write_sums(artefacts: list[Path], folder: Path) -> Path:
    """Copy the artefacts into a folder, and write their SHA-256 beside them as `sha256sum -c` takes them.

    A signature of other sums that lies there is removed: none is signed unless it was asked for.
    """
    folder.mkdir(parents=True, exist_ok=True)
    lines = []
    for artefact in sorted(artefacts, key=lambda path: path.name):
        shutil.copy2(artefact, folder)
        lines.append(f"{hashlib.sha256(artefact.read_bytes()).hexdigest()}  {artefact.name}\n")
    sums = folder / SUMS
    _signature_of(sums).unlink(missing_ok=True)
    sums.write_text("".join(lines), "utf-8")
    return sums


def _signature_of(sums: Path) -> Path:
    return sums.with_name(f"{sums.name}.sig")


def sign(sums: Path, key: Path) -> Path:
    """Sign the list of sums by a private key of OpenSSH, which asks for its passphrase or its agent."""
    run("ssh-keygen", "-q", "-Y", "sign", "-n", NAMESPACE, "-f", key.resolve(), sums, cwd=sums.parent)
    return _signature_of(sums)


def main() -> None:
    """Check a release; exits with a message if it is not right."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, help="leave sdist, wheel, SBOM and their sums there")
    parser.add_argument("--sign", type=Path, metavar="KEY", help="sign the sums by this private key of OpenSSH")
    arguments = parser.parse_args()
    out, key = arguments.out, arguments.sign
    if key is not None and out is None:
        parser.error("--sign needs --out")
    if key is not None and not (key.is_file() and shutil.which("ssh-keygen")):  # rather than after half an hour
        parser.error(f"--sign needs the file {key}, and ssh-keygen of OpenSSH")
    photos = fetch_samples(ROOT / ".demo" / "photos")
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary).resolve()
        builds = []
        for name in ("first", "second"):
            (work / name).mkdir()
            builds.append(build(work / name))
        for one, other in zip(*builds, strict=True):
            if one.read_bytes() != other.read_bytes():
                sys.exit(f"{one.name} differs between two builds of the same sources")
        sdist, wheel = builds[0]
        check_contents(wheel)
        artefacts = [sdist, wheel]
        for version in PYTHONS:
            python = find_python(version)
            if python is None:
                print(f"Python {version}: SKIPPED, there is none on this machine")
                continue
            home = work / version
            home.mkdir()
            inside = install(python, wheel, home)
            print(f"Python {version}: {use(inside, photos, home)}")
            if len(artefacts) == 2:
                size = installed_megabytes(home / "venv")
                print(f"installed: {size:.0f} MB")
                if size > MOST_INSTALLED_MB:
                    sys.exit(f"an installation takes {size:.0f} MB, more than {MOST_INSTALLED_MB}")
                artefacts.append(write_sbom(inside, work))
            shutil.rmtree(home)
        if out is not None:
            sums = write_sums(artefacts, out.resolve())
            if key is not None:
                print(f"signed: {sign(sums, key)}")


if __name__ == "__main__":
    main()
