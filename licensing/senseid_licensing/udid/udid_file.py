"""`UDID.txt`, which an operator sends to the vendor. Hashes only; nothing in it names the hardware.

The first line is the printable UDID, then one `kind hash` per line. The UDID is computed from the others, so that a
file that was damaged in transit is noticed before a licence is issued for it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from senseid_licensing.errors import ArgumentError
from senseid_licensing.udid.fingerprint import check_udid, printable_udid

if TYPE_CHECKING:
    from senseid_licensing.udid.fingerprint import Fingerprint

_COMPONENT = re.compile(r"([a-z_]{2,24}) ([0-9a-f]{32})", re.ASCII)


def format_udid_file(machine: Fingerprint) -> bytes:
    """The bytes of `UDID.txt`. Raises `UdidError` for a machine without components."""
    components = sorted(machine.components.items())
    return "".join(f"{line}\n" for line in (machine.udid, *(f"{kind} {value}" for kind, value in components))).encode()


def looks_like_udid(data: bytes) -> bool:
    """Whether the first line is a printable UDID."""
    first = next((line for line in data[:256].decode("utf-8-sig", "replace").splitlines() if line.strip()), "")
    try:
        check_udid(first)
    except ArgumentError:
        return False
    return True


def parse_udid_file(data: bytes) -> dict[str, str]:
    """The components in a `UDID.txt`, also after a mail program changed its line ends.

    Raises `ArgumentError` if it is damaged.
    """
    lines = data.decode("utf-8-sig", "replace").split("\n")
    first, *rest = [line.strip() for line in lines if line.strip()] or [""]
    udid = check_udid(first)
    found = [_COMPONENT.fullmatch(line) for line in rest]
    components = {match[1]: match[2] for match in found if match}
    if len(components) != len(rest) or printable_udid(components) != udid:
        raise ArgumentError(
            "the UDID and its components do not belong together: the file was changed",
            remedy="run `senseid udid` on the machine again",
        )
    return components
