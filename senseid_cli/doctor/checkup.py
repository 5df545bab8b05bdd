"""All checks in their order."""

from __future__ import annotations

import os
import platform
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from senseid.abilities import Ability, abilities
from senseid_cli.doctor.codecs import check_photos, check_videos
from senseid_cli.doctor.cpu import check_cores, check_flags, read_flags
from senseid_cli.doctor.devices import check_devices, chosen_device
from senseid_cli.doctor.disk import check_disk
from senseid_cli.doctor.finding import Finding, Status, problem
from senseid_cli.doctor.home import check_home
from senseid_cli.doctor.keys import check_keys
from senseid_cli.doctor.libraries import check_libraries
from senseid_cli.doctor.licences import check_clock, check_licences
from senseid_cli.doctor.memory import check_memory, read_limit
from senseid_cli.doctor.models import check_models
from senseid_cli.doctor.packages import check_packages, installed, read_requirements, unmet
from senseid_cli.doctor.settings import check_settings
from senseid_cli.doctor.upgrade import check_carried_settings, check_files
from senseid_cli.doctor.workers import check_worker
from senseid_licensing.product import Product
from senseid_models.additions import FOLDER, with_additions
from senseid_models.errors import ManifestError
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid.keys import KeySources
    from senseid_engine.device import Device
    from senseid_licensing.context import Context
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicences


@dataclass(frozen=True, slots=True)
class Checkup:
    """The results of all checks.

    Attributes:
        version: the version of this installation.
        findings: in the order of the checks.
        abilities: the commands that work, and what the others lack.
    """

    version: str
    findings: tuple[Finding, ...]
    abilities: tuple[Ability, ...]

    @property
    def ready(self) -> bool:
        """Whether nothing has to be done."""
        return all(finding.status is not Status.PROBLEM for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Installation:
    """The installation to check, apart from the machine.

    Attributes:
        store: its licences.
        context: the context to verify them in.
        keys: the sources of media keys.
        environment: of this process.
        env_file: the `.env` file of the service, or None.
        cores: physical cores of this machine.
        cpus: CPUs that this process may use.
        env_named: whether the user named the `.env` file.
        root: the parent of `/proc` and `/sys`; tests pass another.
    """

    store: LicenceStore
    context: Context
    keys: KeySources
    environment: Mapping[str, str]
    env_file: Path | None
    cores: int
    cpus: int
    env_named: bool = True
    root: Path = Path("/")


def check_up(here: Installation, *, old_home: Path | None = None, old_env: Path | None = None) -> Checkup:
    """Run all checks.

    Args:
        here: this installation.
        old_home: the data directory of the previous version, after an upgrade.
        old_env: its `.env` file.
    """
    store, context = here.store, here.context
    licences = store.verify_all(context)
    requirements, extras = read_requirements()
    machine = _check_machine(here)
    settings, told = check_settings(
        here.environment, here.env_file, cores=here.cores, cpus=here.cpus, named=here.env_named
    )
    needed = settings is None or settings.role.has_models
    home = [*check_home(store), *check_licences(licences, store, needed=needed), check_clock(licences, context.now)]
    home += [*check_keys(here.keys, needed=needed), *told]
    if settings is not None and not needed:
        home += [check_worker(worker, settings.worker_ca) for worker in settings.workers]
    if old_home is not None:
        home += check_files(old_home, store.data_dir)
    if old_env is not None:
        home += check_carried_settings(old_env, here.environment, here.env_file)
    registry: Registry | None = None
    try:
        registry = with_additions(Registry.builtin(), here.store.data_dir / FOLDER)
        models, broken = check_models(registry, licences)
    except ManifestError as error:
        models, broken = [problem("models", error.message, error.remedy)], frozenset(Product)
    packages = [*check_packages(requirements, extras), check_libraries(sys.executable)]
    running = _check_running(packages, registry, licences, chosen_device(here.environment, settings))
    return Checkup(
        version=context.version,
        findings=(*machine, *home, *models, *packages, *running),
        abilities=abilities(
            licences,
            broken=broken,
            absent_extras=[extra for extra in extras if unmet(requirements, extra, installed)],
        ),
    )


def _check_machine(here: Installation) -> list[Finding]:
    import psutil

    memory = psutil.virtual_memory()
    return [
        check_flags(read_flags(here.root), platform.machine()),
        check_cores(here.cpus, os.cpu_count() or 1, here.cores),
        check_memory(memory.available, memory.total, read_limit(here.root)),
        check_disk("disk", here.store.data_dir),
        check_disk("temporary files", Path(tempfile.gettempdir())),
    ]


def _check_running(
    packages: list[Finding], registry: Registry | None, licences: VerifiedLicences, device: Device
) -> list[Finding]:
    """Check photos, videos and, with models, devices, unless a broken library would end this process too."""
    if any(finding.check in ("packages", "libraries") and finding.status is Status.PROBLEM for finding in packages):
        return []
    from senseid_engine.image import decode_image

    codecs = [check_photos(lambda data: decode_image(data, name="sample")), check_videos()]
    return codecs if registry is None else [*codecs, *check_devices(device, registry, licences)]
