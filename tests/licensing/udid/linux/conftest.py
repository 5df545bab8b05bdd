"""Fixtures and helpers of these tests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senseid_licensing.udid.linux import LinuxProbe

if TYPE_CHECKING:
    from senseid_licensing.udid.fingerprint import Fingerprint
    from senseid_licensing.udid.reading import Kind, Reading

MACHINE_ID = "8f7ac1c9c1d34f0fb4c6f6b1a9d2e3f4"


def read(machine: Any) -> Fingerprint:
    return LinuxProbe(machine.root).read()


def reading(machine: Any, kind: Kind) -> Reading:
    return next(found for found in read(machine).readings if found.kind is kind)


def first(machine: Any, kind: Kind) -> str:
    return reading(machine, kind).hashes[0]
