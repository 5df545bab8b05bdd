"""Hosts on this machine: network namespaces, joined by wires that a test makes slow, lossy, or cuts."""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

_TUNSETIFF = 0x400454CA
_TUN_WITHOUT_HEADER = 0x1001  # IFF_TUN | IFF_NO_PI
_TUN = Path("/dev/net/tun")


def ip(*words: str) -> None:
    """The command of that name, with its complaint if it fails."""
    done = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"ip {' '.join(words)}: {done.stderr}"


def address(wire: int, *, far: bool = False) -> str:
    """An end of a wire, in the network for tests of devices (RFC 2544): the API's, or the worker's at the far end."""
    return f"198.18.{wire}.{2 if far else 1}"


class Network:
    """The host `api` and hosts `worker0`..., each of them on a wire of its own to `api`, which this machine reaches.

    Attributes:
        api: the API's address for this machine.
    """

    def __init__(self, workers: int) -> None:
        """Join as many workers, by perfect wires. Needs root; what was made is undone by `close`."""
        # A network of its own on this machine for each process, of the 16,384 in the other half of RFC 2544's.
        third, fourth = divmod(os.getpid() % 16384, 64)
        self._here, self.api = (f"198.19.{third}.{4 * fourth + end}" for end in (1, 2))
        self._prefix = f"senseid{os.getpid()}"
        self._made = contextlib.ExitStack()
        try:
            self._wires = self._join(workers)
        except BaseException:
            self.close()
            raise

    def _join(self, workers: int) -> subprocess.Popen[bytes]:
        for host in ("api", *(f"worker{number}" for number in range(workers))):
            ip("netns", "add", self.name(host))
            self._made.callback(ip, "netns", "del", self.name(host))
            ip("-n", self.name(host), "link", "set", "lo", "up")
        here, there = f"sid{os.getpid()}", "clients"
        ip("link", "add", here, "type", "veth", "peer", "name", there, "netns", self.name("api"))
        self._made.callback(ip, "link", "del", here)
        ip("addr", "add", f"{self._here}/30", "dev", here)
        ip("-n", self.name("api"), "addr", "add", f"{self.api}/30", "dev", there)
        ip("link", "set", here, "up")
        ip("-n", self.name("api"), "link", "set", there, "up")
        with contextlib.ExitStack() as ends:
            found = []
            for wire in range(workers):
                for host, far in (("api", False), (f"worker{wire}", True)):
                    end = os.open(_TUN, os.O_RDWR)
                    ends.callback(os.close, end)
                    found.append(end)
                    device = f"sid{os.getpid()}w{wire}"
                    fcntl.ioctl(end, _TUNSETIFF, struct.pack("16sH22x", device.encode(), _TUN_WITHOUT_HEADER))
                    ip("link", "set", device, "netns", self.name(host))
                    local, peer = address(wire, far=far), address(wire, far=not far)
                    ip("-n", self.name(host), "addr", "add", local, "peer", peer, "dev", device)
                    ip("-n", self.name(host), "link", "set", device, "up")
            script = Path(__file__).with_name("wires.py")
            process = subprocess.Popen(
                [sys.executable, "-I", script, *map(str, found)], pass_fds=found, stdin=subprocess.PIPE, bufsize=0
            )
        self._made.callback(self._end_of_wires, process)
        return process

    @staticmethod
    def _end_of_wires(process: subprocess.Popen[bytes]) -> None:
        with process:
            process.kill()

    def name(self, host: str) -> str:
        """The namespace of a host."""
        return f"{self._prefix}-{host}"

    def command(self, host: str, *words: str) -> list[str]:
        """A command that runs on a host."""
        return ["ip", "netns", "exec", self.name(host), *words]

    def wire(self, worker: int, *, delay: float = 0, loss: float = 0, rate: float = 0) -> None:
        """Set a worker's wire: seconds each way, the share of lost packets (1: cut), bytes a second (0: no limit)."""
        assert self._wires.stdin is not None
        self._wires.stdin.write(f"{worker} {delay} {loss} {rate}\n".encode())

    def close(self) -> None:
        """Undo all of it."""
        self._made.close()


@contextlib.contextmanager
def undone_on_sigterm() -> Iterator[None]:
    """Makes of a SIGTERM what Ctrl-C is, after which pytest undoes what its fixtures did: hosts outlive a process."""
    before = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


@contextlib.contextmanager
def network(workers: int) -> Iterator[Network]:
    """Hosts for a test, which is skipped where they cannot be made."""
    if os.geteuid() != 0 or shutil.which("ip") is None or not _TUN.exists():
        pytest.skip(f"hosts need root, `ip` of iproute2 and {_TUN}")
    with undone_on_sigterm(), contextlib.closing(Network(workers)) as made:
        yield made
