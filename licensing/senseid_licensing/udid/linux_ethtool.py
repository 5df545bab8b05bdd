"""A card's permanent address from the kernel, which no mount and no `ip link set address` changes."""

from __future__ import annotations

import sys
from array import array

_SIOCETHTOOL = 0x8946
_ETHTOOL_GPERMADDR = 0x20
_LONGEST = 32
_ETHERNET = 6


def ask_card(name: str) -> str:
    """The permanent address, `aa:bb:cc:dd:ee:ff`; empty if there is no such card or its driver has none.

    Needs no privilege (ethtool(8) -P).
    """
    if sys.platform != "linux":
        return ""
    import fcntl
    import socket
    import struct

    # struct ethtool_perm_addr: command, size, data. struct ifreq: name, pointer.
    answer = array("B", struct.pack("=II", _ETHTOOL_GPERMADDR, _LONGEST) + bytes(_LONGEST))
    request = struct.pack("16sP16x", name.encode()[:15], answer.buffer_info()[0])
    try:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asking:
            fcntl.ioctl(asking, _SIOCETHTOOL, request)
    except OSError:
        return ""
    _, size = struct.unpack_from("=II", answer)
    octets = bytes(answer[8 : 8 + size])
    return octets.hex(":") if size == _ETHERNET and any(octets) else ""
