"""Serial numbers that manufacturers and hypervisors leave at a default: many machines share them."""

from __future__ import annotations

import re

_DEFAULTS = frozenset(
    {
        "to be filled by o.e.m.",
        "default string",
        "not specified",
        "not applicable",
        "not available",
        "system serial number",
        "system product name",
        "system manufacturer",
        "none",
        "n/a",
        "unknown",
        "invalid",
        "uninitialized",
        "o.e.m.",
        "0123456789",
        "123456789",
        "1234567890",
        # A UUID that a firmware vendor shipped on whole series of boards.
        "03000200-0400-0500-0006-000700080009",
        "12345678-1234-5678-90ab-cddeefaabbcc",
    }
)
# QEMU numbers its disks like this unless it is given a serial.
_QEMU_DISK = re.compile(r"qm0000[0-9]|drive-.*|virtio-?(disk)?[0-9]*", re.ASCII)


def is_placeholder(value: str) -> bool:
    """Whether a serial, UUID or name is empty, one digit repeated, or a known default."""
    plain = value.strip().lower()
    digits = set(plain) - set("-:. ")
    return len(digits) <= 1 or plain in _DEFAULTS or _QEMU_DISK.fullmatch(plain) is not None
