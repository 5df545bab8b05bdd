"""The packages that this installation and its extras require: installed, and in a suitable version."""

from __future__ import annotations

import shlex
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, version
from typing import TYPE_CHECKING

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from senseid_cli.doctor.finding import Finding, note, ok, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def read_requirements() -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Read the requirements of the installed distribution, and the names of its extras."""
    told = metadata("senseid-face")
    return tuple(told.get_all("Requires-Dist") or ()), tuple(told.get_all("Provides-Extra") or ())


def installed(name: str) -> str | None:
    """The version of a package; None if it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True, slots=True)
class Unmet:
    """A requirement that is not met.

    Attributes:
        wanted: the requirement in pip's syntax, such as `numpy>=2.0`.
        found: the version that is installed, or None.
    """

    wanted: str
    found: str | None

    def __str__(self) -> str:
        """Describe it for a message."""
        return (
            f"{self.wanted} is missing" if self.found is None else f"{self.wanted} is wanted, and {self.found} is here"
        )


def unmet(requirements: Sequence[str], extra: str, lookup: Callable[[str], str | None]) -> list[Unmet]:
    """The requirements of an extra (`""`: of the package itself) that are not met."""
    missing = []
    for text in requirements:
        requirement = Requirement(text)
        if not _applies(requirement, extra):
            continue
        found = lookup(canonicalize_name(requirement.name))
        if found is None or not requirement.specifier.contains(found, prereleases=True):
            extras = f"[{','.join(sorted(requirement.extras))}]" if requirement.extras else ""
            missing.append(Unmet(f"{requirement.name}{extras}{requirement.specifier}", found))
    return missing


def _applies(requirement: Requirement, extra: str) -> bool:
    """Whether an extra requires it and the package itself does not; for `""`, whether the package itself does."""
    marker = requirement.marker
    if marker is None or marker.evaluate({"extra": ""}):
        return not extra
    return bool(extra) and marker.evaluate({"extra": extra})


def check_packages(
    requirements: Sequence[str], extras: Sequence[str], lookup: Callable[[str], str | None] = installed
) -> list[Finding]:
    """Report one finding for what is always required, and one for each extra.

    Args:
        requirements: requirements as in the package's metadata.
        extras: the names of its extras.
        lookup: name of a package -> its installed version, or None.
    """
    found = []
    if missing := unmet(requirements, "", lookup):
        found.append(problem("packages", "; ".join(map(str, missing)), _install(missing)))
    else:
        found.append(ok("packages", "all that senseid always needs are installed"))
    for extra in extras:
        if missing := unmet(requirements, extra, lookup):
            remedy = f"if you want it: {_install(missing)}"
            found.append(note(f"extra {extra}", "; ".join(map(str, missing)), remedy))
        else:
            found.append(ok(f"extra {extra}", "installed"))
    return found


def _install(missing: Sequence[Unmet]) -> str:
    # Not `senseid[extra]`: on an index that name may be another project's.
    return f"{sys.executable} -m pip install {' '.join(shlex.quote(one.wanted) for one in missing)}"
