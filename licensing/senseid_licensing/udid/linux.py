"""The Linux probe: the kernel where it can be asked, /proc, /sys and /etc, no subprocess, no privilege."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from senseid_licensing.udid.fingerprint import Fingerprint
from senseid_licensing.udid.linux_disk import read_disk
from senseid_licensing.udid.linux_nic import read_nic
from senseid_licensing.udid.linux_surroundings import read_surroundings
from senseid_licensing.udid.placeholders import is_placeholder
from senseid_licensing.udid.reading import Kind, Reading, missing, present
from senseid_licensing.udid.tree import Tree

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_licensing.udid.fingerprint import Surroundings
    from senseid_licensing.udid.linux_nic import AskCard

_DMI = "/sys/class/dmi/id"
_DEVICE_TREE = "/sys/firmware/devicetree/base"
# The model of the processor, and nothing that an update or the load changes (microcode, MHz, flags).
_CPU_FACTS = ("vendor_id", "cpu family", "model", "model name", "stepping")
_CPU_FACTS_ARM = ("CPU implementer", "CPU architecture", "CPU variant", "CPU part", "CPU revision")
_MACHINE_ID = re.compile(r"[0-9a-f]{32}", re.ASCII)


def _no_answer(_: str) -> str:
    """Return nothing: a recorded tree has no kernel to ask."""
    return ""


class LinuxProbe:
    """Reads the machine below a root directory: `/`, or a recorded tree."""

    def __init__(self, root: Path, ask_card: AskCard = _no_answer) -> None:
        """Read nothing yet.

        Args:
            root: the parent of /proc, /sys and /etc.
            ask_card: returns a network card's permanent address, or an empty text.
        """
        self._tree = Tree(root)
        self._ask_card = ask_card

    def read(self) -> Fingerprint:
        """Read all components."""
        tree = self._tree
        cpu = _first_processor(tree.text("/proc/cpuinfo"))
        surroundings = read_surroundings(tree, cpu)
        readings = (
            _read_cpu(cpu),
            _read_board(tree),
            _read_system(tree, cpu),
            _read_machine_id(tree, surroundings),
            read_disk(tree),
            read_nic(tree, self._ask_card),
        )
        return Fingerprint(readings, surroundings)


def _first_processor(text: str) -> dict[str, str]:
    facts: dict[str, str] = {}
    for line in text.split("\n\n", 1)[0].splitlines():
        name, _, value = line.partition(":")
        facts[name.strip()] = value.strip()
    # Raspberry Pis put the board's serial after the last processor.
    if serial := re.search(r"^Serial\s*:\s*(\S+)", text, re.MULTILINE):
        facts["Serial"] = serial[1]
    return facts


def _read_cpu(cpu: dict[str, str]) -> Reading:
    facts = [f"{name}={cpu[name]}" for name in (*_CPU_FACTS, *_CPU_FACTS_ARM) if cpu.get(name)]
    if not facts:
        return missing(Kind.CPU, "/proc/cpuinfo", "not readable, or names no processor")
    return present(Kind.CPU, [";".join(facts)], "/proc/cpuinfo", unique=False, note="a model, shared by many machines")


def _read_board(tree: Tree) -> Reading:
    names = ("sys_vendor", "product_name", "board_vendor", "board_name")
    values = [tree.text(f"{_DMI}/{name}") for name in names]
    if any(value and not is_placeholder(value) for value in values):
        return present(Kind.BOARD, [";".join(values)], _DMI, unique=False, note="a model, shared by many machines")
    if model := tree.text(f"{_DEVICE_TREE}/model"):
        return present(Kind.BOARD, [model], f"{_DEVICE_TREE}/model", unique=False, note="a model")
    return missing(Kind.BOARD, _DMI, "the firmware names no board")


def _read_system(tree: Tree, cpu: dict[str, str]) -> Reading:
    candidates = (
        (f"{_DMI}/product_uuid", tree.text(f"{_DMI}/product_uuid")),
        (f"{_DEVICE_TREE}/serial-number", tree.text(f"{_DEVICE_TREE}/serial-number")),
        ("/sys/hypervisor/uuid", tree.text("/sys/hypervisor/uuid")),
        ("/proc/cpuinfo Serial", cpu.get("Serial", "")),
    )
    for source, value in candidates:
        if value and not is_placeholder(value):
            return present(Kind.SYSTEM, [value], source, unique=True)
    if tree.hidden(f"{_DMI}/product_uuid"):
        why = "readable by root only: it would give root another UDID than a normal user"
    else:
        why = "the firmware gives no serial number"
    return missing(Kind.SYSTEM, f"{_DMI}/product_uuid", why)


def _read_machine_id(tree: Tree, surroundings: Surroundings) -> Reading:
    source = "/etc/machine-id"
    if surroundings.container is not None:
        return missing(Kind.MACHINE_ID, source, "belongs to the container's image, not to the machine")
    if tree.is_covered(source):
        return missing(Kind.MACHINE_ID, source, "something is mounted over it")
    value = tree.text(source)
    if not _MACHINE_ID.fullmatch(value) or is_placeholder(value):
        return missing(Kind.MACHINE_ID, source, "not there, or not set")
    cloned = bool(surroundings.clones)
    return present(Kind.MACHINE_ID, [value], source, unique=not cloned, note="may be a copy" if cloned else "")
