"""All checks in their order."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from senseid_cli.doctor.abilities import Ability, abilities
from senseid_cli.doctor.codecs import check_photos, check_videos
from senseid_cli.doctor.cpu import check_cores, check_flags, read_flags
from senseid_cli.doctor.disk import check_disk
from senseid_cli.doctor.finding import Finding, Status, problem
from senseid_cli.doctor.home import check_home
from senseid_cli.doctor.libraries import check_libraries
from senseid_cli.doctor.licences import check_clock, check_licences
from senseid_cli.doctor.memory import check_memory, read_limit
from senseid_cli.doctor.models import check_models
from senseid_cli.doctor.packages import check_packages, installed, read_requirements, unmet
from senseid_licensing.product import Product
from senseid_models.errors import ManifestError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from senseid_licensing.context import Context
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicences


@dataclass(frozen=True, slots=True)
class Checkup:
    """What all checks found.

    Attributes:
        version: the version of this installation.
        findings: in the order of the checks.
        abilities: which commands work.
    """

    version: str
    findings: tuple[Finding, ...]
    abilities: tuple[Ability, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing has to be done."""
        return all(finding.status is not Status.PROBLEM for finding in self.findings)


def check_up(store: LicenceStore, context: Context, *, root: Path = Path("/")) -> Checkup:
    """Looks at everything.

    Args:
        store: the licences of this installation.
        context: what they are checked against.
        root: where `/proc` and `/sys` are; tests pass another.
    """
    licences = store.verify_all(context)
    requirements, extras = read_requirements()
    machine = _check_machine(store.data_dir, root)
    home = [*check_home(store), *check_licences(licences), check_clock(licences, context.now)]
    models, broken = _check_models(licences)
    packages = [*check_packages(requirements, extras), check_libraries(sys.executable)]
    return Checkup(
        version=context.version,
        findings=(*machine, *home, *models, *packages, *_check_codecs(packages)),
        abilities=abilities(
            licences,
            broken=broken,
            absent_extras=[extra for extra in extras if unmet(requirements, extra, installed)],
        ),
    )


def _check_machine(home: Path, root: Path) -> list[Finding]:
    import psutil

    from senseid_engine.cpu import available_cpus

    memory = psutil.virtual_memory()
    return [
        check_flags(read_flags(root), platform.machine()),
        check_cores(available_cpus(root), os.cpu_count() or 1, psutil.cpu_count(logical=False)),
        check_memory(memory.available, memory.total, read_limit(root)),
        check_disk("disk", home),
        check_disk("temporary files", Path(tempfile.gettempdir())),
    ]


def _check_models(licences: VerifiedLicences) -> tuple[list[Finding], frozenset[str]]:
    try:
        return check_models(Registry.builtin(), licences)
    except ManifestError as error:
        return [problem("models", error.message, error.remedy)], frozenset(Product)


def _check_codecs(packages: list[Finding]) -> list[Finding]:
    """Photos and videos, unless a library that does not load would end this process too."""
    if any(finding.check in ("packages", "libraries") and finding.status is Status.PROBLEM for finding in packages):
        return []
    from senseid_engine.image import decode_image

    return [check_photos(lambda data: decode_image(data, name="sample")), check_videos()]
