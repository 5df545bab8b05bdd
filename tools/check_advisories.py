"""Looks for published advisories about what senseid runs with: what the container image locks, and this environment.

Where no source of advisories can be reached that is said, and is no failure: pip-audit calls it "no known
vulnerabilities" where a mirror of the package index knows no advisories, and ends with a traceback where there is no
network.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[1]
SUBJECTS = {
    "the lock of the image": ["--disable-pip", "--require-hashes", "--requirement", "deploy/requirements.lock"],
    "this environment": ["--local", "--skip-editable"],
}
SOURCES = ("pypi", "osv")
"""Sources of advisories; one of them is enough."""


class Audit(NamedTuple):
    """The result of an audit.

    Attributes:
        looked_up: packages that the source knew.
        passed_over: the names of the other packages.
        found: one line per advisory.
        problem: why there is no more, in one line; empty if nothing went wrong.
    """

    looked_up: int
    passed_over: tuple[str, ...]
    found: tuple[str, ...]
    problem: str = ""


def read(output: str, errors: str) -> Audit:
    """Parse pip-audit's JSON on standard output, and its standard error."""
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = ([line for line in errors.splitlines() if line.strip()] or ["it said nothing"])[-1]
        return Audit(0, (), (), f"pip-audit failed ({last.split('(')[0].strip()})")
    known = [package for package in packages if "vulns" in package]
    found = tuple(
        f"{package['name']} {package['version']}: {each['id']}, mended in {', '.join(each['fix_versions']) or 'none'}"
        for package in known
        for each in package["vulns"]
    )
    passed_over = tuple(package["name"] for package in packages if "vulns" not in package)
    return Audit(len(known), passed_over, found, "" if known else "the package index here has no advisories")


def audit(options: list[str], source: str) -> Audit:
    """Ask one source about some packages."""
    command = [Path(sys.executable).with_name("pip-audit"), "--format", "json", "--progress-spinner", "off"]
    done = subprocess.run(
        [*command, "--vulnerability-service", source, *options], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return read(done.stdout, done.stderr)


def main() -> None:
    """Print the advisories; exit with 1 if there is one."""
    bad = False
    for what, options in SUBJECTS.items():
        problems = []
        for source in SOURCES:
            result = audit(options, source)
            if not result.problem:
                break
            problems.append(f"{source}: {result.problem}")
        else:
            print(f"advisories about {what}: NOT CHECKED, no source can be reached here ({'; '.join(problems)})")
            continue
        print(f"advisories about {what}: {result.looked_up} packages looked up, {len(result.found)} advisories")
        if result.passed_over:
            print(f"  not known to {source}: {', '.join(result.passed_over)}")
        for line in result.found:
            print(f"  {line}")
        bad = bad or bool(result.found)
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
