"""Permanent hardware addresses of built-in network cards. The first on the board counts; others may match for it."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING

from senseid_licensing.udid.natural import natural
from senseid_licensing.udid.placeholders import is_placeholder
from senseid_licensing.udid.reading import Kind, Reading, missing, present

if TYPE_CHECKING:
    from senseid_licensing.udid.tree import Tree

AskCard = Callable[[str], str]
"""A function that returns the permanent address of the named card from the kernel; an empty text if unknown."""

_SOURCE = "/sys/class/net"
_ADDRESS = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}", re.ASCII)
_LOCALLY_ADMINISTERED = 0x02
_GROUP = 0x01


def read_nic(tree: Tree, ask_card: AskCard) -> Reading:
    """The addresses of all built-in cards: those numbered by the firmware first, then by their place on the bus.

    So a card that is added comes last and changes nothing. USB adapters, virtual interfaces and addresses that software
    set do not count.
    """
    cards = [name for name in tree.names(_SOURCE) if _is_built_in(tree.device(f"{_SOURCE}/{name}/device"))]
    addresses = {name: address for name in cards if (address := _permanent_address(tree, name, ask_card))}
    if not addresses:
        why = "no card tells its permanent address" if cards else "no built-in network card is visible"
        return missing(Kind.NIC, _SOURCE, why)

    def rank(name: str) -> tuple[bool, bool, list[tuple[int, int, str]]]:
        onboard = tree.text(f"{_SOURCE}/{name}/device/acpi_index") or tree.text(f"{_SOURCE}/{name}/device/index")
        place = natural(f"{onboard} {tree.device(f'{_SOURCE}/{name}/device')}")
        return _is_local(addresses[name]), not onboard, place

    order = sorted(addresses, key=rank)
    local = _is_local(addresses[order[0]])
    note = "given by software (the hypervisor), so others may have it too" if local else ""
    values = [addresses[name] for name in order]
    return present(Kind.NIC, values, f"{_SOURCE}/{order[0]}", unique=not local, note=note)


def _is_built_in(device: str) -> bool:
    return bool(device) and "/virtual/" not in device and "/usb" not in device


def _permanent_address(tree: Tree, name: str, ask_card: AskCard) -> str:
    folder = f"{_SOURCE}/{name}"
    # The hardest to fake first: root can mount another file over one of sysfs.
    # A wireless card may randomise its address and a bonded one has its bond's; both keep the true one elsewhere.
    address = (
        ask_card(name) or tree.text(f"{folder}/phy80211/macaddress") or tree.text(f"{folder}/bonding_slave/perm_hwaddr")
    )
    if not address and tree.text(f"{folder}/addr_assign_type") == "0":
        address = tree.text(f"{folder}/address")
    address = address.lower()
    if not _ADDRESS.fullmatch(address) or is_placeholder(address) or int(address[:2], 16) & _GROUP:
        return ""
    return address


def _is_local(address: str) -> bool:
    return bool(int(address[:2], 16) & _LOCALLY_ADMINISTERED)
