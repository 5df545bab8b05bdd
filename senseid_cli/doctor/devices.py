"""The processors that networks can run on: which there are, whether they compute the same, and which is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid.devices import try_devices, used
from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_engine.device import PROVIDERS, Device, check_installed
from senseid_engine.errors import DeviceError, EngineError
from senseid_models.errors import ModelsError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Registry
    from senseid_service.settings import Settings

_CHECK = "device"


def chosen_device(environment: Mapping[str, str], settings: Settings | None) -> Device:
    """The processor that commands use: that of the environment, else that of the service's settings."""
    told = environment.get("SENSEID_DEVICE", "").strip().lower()
    if told in set(Device):
        return Device(told)
    return Device.AUTO if settings is None else settings.device


def check_devices(device: Device, registry: Registry, licences: VerifiedLicences) -> list[Finding]:
    """Try every installed processor with every model that the licences open, and say where they run.

    Args:
        device: the one that is asked for.
        registry: the models.
        licences: the verified licences of this run.
    """
    try:
        check_installed(device)
        tried = try_devices(registry, licences)
    except DeviceError as error:
        return [problem(_CHECK, f"SENSEID_DEVICE is {device}: {error.problem}", "install it, or unset SENSEID_DEVICE")]
    except (EngineError, ModelsError):
        return []  # a model cannot be used: the check of the models says so
    where = used(device, tried)
    there = ", ".join([Device.CPU, *(each.device for each in tried)])
    found = [ok(_CHECK, f"{device}: every model runs on {PROVIDERS[where].name}; installed: {there}")]
    for each in tried:
        name = f"{_CHECK} {each.device}"
        if each.reason:
            tell = problem if each.device is device else note
            found.append(tell(name, f"{each.package}: {each.reason}", "see docs/hardware.md"))
        else:
            same = f"{each.models} models give there what they give on the CPU, but for {each.difference:.0e}"
            found.append(ok(name, f"{each.package}: {same}"))
    return found
