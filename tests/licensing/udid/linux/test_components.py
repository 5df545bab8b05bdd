from __future__ import annotations

from typing import Any

import pytest

from senseid_licensing.udid.reading import Kind, component_hash
from tests.licensing.udid.linux.conftest import MACHINE_ID, first, read, reading


def test_a_machine_without_anything_says_so(bare: Any) -> None:
    machine = read(bare)
    assert not machine.unique
    assert all(not found.hashes and found.note for found in machine.readings)


def test_an_arm_board(bare: Any) -> None:
    bare.write(
        "/proc/cpuinfo",
        "processor\t: 0\nCPU implementer\t: 0x41\nCPU architecture: 8\n\nSerial\t\t: 10000000abcdef01\n",
    )
    bare.write("/sys/firmware/devicetree/base/model", "Raspberry Pi 4 Model B Rev 1.4\0")
    assert set(read(bare).components) == {"board", "system"}
    assert first(bare, Kind.SYSTEM) == component_hash(Kind.SYSTEM, "10000000ABCDEF01")
    assert first(bare, Kind.BOARD) == component_hash(Kind.BOARD, "Raspberry Pi 4 Model B Rev 1.4")
    bare.write("/sys/firmware/devicetree/base/serial-number", "10000000abcdef01\0")
    assert reading(bare, Kind.SYSTEM).source.endswith("serial-number")
    assert first(bare, Kind.SYSTEM) == component_hash(Kind.SYSTEM, "10000000abcdef01")


def test_a_serial_that_everybody_may_read_counts(server: Any) -> None:
    server.write("/sys/class/dmi/id/product_uuid", "4C4C4544-0051-3510-8052-B4C04F4A3032", 0o444)
    system = reading(server, Kind.SYSTEM)
    assert (system.hashes, system.unique) == (
        (component_hash(Kind.SYSTEM, "4c4c4544-0051-3510-8052-b4c04f4a3032"),),
        True,
    )


@pytest.mark.parametrize(
    "uuid", ["03000200-0400-0500-0006-000700080009", "FFFFFFFF-FFFF-FFFF-FFFF-FFFFFFFFFFFF", "Default string"]
)
def test_a_default_serial_does_not_count(server: Any, uuid: str) -> None:
    server.write("/sys/class/dmi/id/product_uuid", uuid, 0o444)
    system = reading(server, Kind.SYSTEM)
    assert (system.hashes, system.note) == ((), "the firmware gives no serial number")


def test_a_board_of_defaults_does_not_count(bare: Any) -> None:
    bare.write("/sys/class/dmi/id/board_name", "To be filled by O.E.M.\n").write("/sys/class/dmi/id/sys_vendor", "\n")
    assert reading(bare, Kind.BOARD).hashes == ()


@pytest.mark.parametrize("value", ["", "uninitialized\n", "0" * 32, "8f7a", MACHINE_ID.upper()])
def test_a_machine_id_that_is_not_set(server: Any, value: str) -> None:
    server.write("/etc/machine-id", value)
    assert reading(server, Kind.MACHINE_ID).note == "not there, or not set"


def test_a_server_shows_all_that_everybody_may_read(server: Any) -> None:
    machine = read(server)
    assert [found.kind for found in machine.readings] == list(Kind)
    assert {found.kind for found in machine.readings if found.hashes} == {*Kind} - {Kind.SYSTEM}
    assert set(machine.components) == {"machine_id", "disk", "nic"}
    assert machine.unique
    system = reading(server, Kind.SYSTEM)
    assert system.hashes == ()
    assert "readable by root only" in system.note
    assert machine.surroundings.container is machine.surroundings.hypervisor is None
    assert machine.surroundings.clones == ()


def test_no_raw_serial_leaves_the_probe(server: Any) -> None:
    shown = repr(read(server)).lower()
    for secret in ("s4evnx", "4c:d9", "a0:36", MACHINE_ID, "4c4c4544"):
        assert secret not in shown
