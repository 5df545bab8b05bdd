"""What runs where: the processors of this installation, and the models of it on each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.device import PROVIDERS, Device, fastest, installed, installed_version
from senseid_engine.errors import DeviceError

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry


@dataclass(frozen=True, slots=True)
class Tried:
    """An installed processor other than the CPU, with every model that the licences open tried on it.

    Attributes:
        device: the processor.
        package: the package that brings it, and its version.
        models: how many run there.
        difference: the largest of their differences from the CPU, as a share of the largest value.
        reason: why it cannot be used; empty if it can.
    """

    device: Device
    package: str
    models: int
    difference: float
    reason: str


def try_devices(registry: Registry, licences: VerifiedLicences) -> list[Tried]:
    """Try every installed processor but the CPU. Nothing is loaded where none is installed.

    Raises:
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: onnxruntime refuses a model.
        LibraryError: onnxruntime does not load.
    """
    return [_try(device, registry, licences) for device in installed()]


def used(device: Device, tried: list[Tried]) -> Device:
    """Where models run that are opened on a device, once those that are installed were tried."""
    if device is not Device.AUTO:
        return device
    return fastest({each.device for each in tried if not each.reason})


def _try(device: Device, registry: Registry, licences: VerifiedLicences) -> Tried:
    from senseid_engine.session import Session
    from senseid_licensing.product import Product

    package = f"{PROVIDERS[device].package} {installed_version(device)}"
    models, difference = 0, 0.0
    for entry in registry.entries:
        if Product(entry.product) not in licences.licences:
            continue
        try:
            session = Session.open(entry, licences, threads=1, device=device)
        except DeviceError as error:
            return Tried(device, package, models, difference, error.problem)
        models, difference = models + 1, max(difference, session.difference)
    return Tried(device, package, models, difference, "")
