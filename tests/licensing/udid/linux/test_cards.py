from __future__ import annotations

from typing import Any

import pytest

from senseid_licensing.udid.reading import Kind, component_hash
from tests.licensing.udid.linux.conftest import first, read, reading


def test_the_card_on_the_board_counts_before_one_nearer_on_the_bus(server: Any) -> None:
    nic = reading(server, Kind.NIC)
    wanted = [component_hash(Kind.NIC, address) for address in ("4c:d9:8f:00:00:01", "a0:36:9f:00:00:02")]
    assert (list(nic.hashes), nic.unique) == (wanted, True)


def test_bus_order_is_natural(bare: Any) -> None:
    bare.nic("b", "pci0000:00/virtio10", "a0:36:9f:00:00:10").nic("a", "pci0000:00/virtio9", "a0:36:9f:00:00:09")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:09")


def test_an_address_of_the_hypervisors_is_not_unique(bare: Any) -> None:
    bare.nic("eth0", "pci0000:00/virtio2", "02:FC:00:00:00:01")
    nic = reading(bare, Kind.NIC)
    assert (nic.unique, bool(nic.hashes)) == (False, True)
    assert "others may have it too" in nic.note
    assert not read(bare).unique
    bare.nic("eth1", "pci0000:00/virtio3", "a0:36:9f:00:00:02")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:02")


def test_bonded_and_wireless_cards_keep_their_own_address(bare: Any) -> None:
    device = "pci0000:00/0000:00:03.0"
    bare.nic("eth0", device, "aa:aa:aa:00:00:01", assigned="3")
    assert reading(bare, Kind.NIC).note == "no card tells its permanent address"
    bare.write(f"/sys/devices/{device}/net/eth0/bonding_slave/perm_hwaddr", "a0:36:9f:00:00:07\n")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:07")
    bare.write(f"/sys/devices/{device}/net/eth0/phy80211/macaddress", "a0:36:9f:00:00:08\n")
    assert first(bare, Kind.NIC) == component_hash(Kind.NIC, "a0:36:9f:00:00:08")


@pytest.mark.parametrize("address", ["00:00:00:00:00:00", "ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:01", "80:00:00:48", ""])
def test_addresses_that_are_none(bare: Any, address: str) -> None:
    bare.nic("ib0", "pci0000:00/0000:00:04.0", address)
    assert reading(bare, Kind.NIC).hashes == ()
