"""Reading a Linux system's /proc, /sys and /etc below a given root.

Only world-readable files count. A file that only root may read would give root another UDID than a service account,
so its mode decides, not whether this process can open it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.files import is_there, open_regular

if TYPE_CHECKING:
    from pathlib import Path

_OTHERS_MAY_READ = 0o004
# The first processor of /proc/cpuinfo takes 1 to 3 KiB; machines with hundreds of them have a megabyte.
_LIMIT = 16 * 1024
_MOUNTS_LIMIT = 1024 * 1024


class Tree:
    """A file system as a normal user sees it."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._mounts: dict[str, str] | None = None

    def path(self, name: str) -> Path:
        """The path below the root of a file like `/etc/machine-id`."""
        return self._root / name.lstrip("/")

    def octets(self, name: str, limit: int = _LIMIT) -> bytes:
        """The beginning of a world-readable file; empty if there is none."""
        path = self.path(name)
        try:
            if not path.stat().st_mode & _OTHERS_MAY_READ or (name.startswith("/sys/") and self.is_covered(name)):
                return b""
            with open_regular(path) as file:
                return file.read(limit)
        except OSError:
            return b""

    def text(self, name: str, limit: int = _LIMIT) -> str:
        """The same as text, without blanks and zero bytes around it."""
        return self.octets(name, limit).decode("utf-8", "replace").strip(" \t\r\n\0")

    def root_mount(self) -> list[str]:
        """The fields of /proc/self/mountinfo for the root file system; empty if there are none."""
        mounts = self._listed("/proc/self/mountinfo")
        # id parent major:minor root mountpoint options ... - type source options; what was mounted last is on top.
        return next((fields for fields in reversed(mounts) if fields[4:5] == ["/"] and "-" in fields[6:-2]), [])

    def _listed(self, name: str) -> list[list[str]]:
        try:
            with open_regular(self.path(name)) as file:
                text = file.read(_MOUNTS_LIMIT).decode("utf-8", "replace")
        except OSError:
            return []
        return [line.split() for line in text.splitlines()]

    def is_covered(self, name: str) -> bool:
        """Whether something is mounted over a file, so that its content may be faked.

        Below /sys, the file's own device says so, whatever /proc shows; elsewhere, the list of mounts. Raises `OSError`
        for a file below /sys that is not there.
        """
        if not name.startswith("/sys/"):
            return self._mounted_at(name) is not None
        apart = self.path(name).stat().st_dev != self.path("/sys").stat().st_dev
        return apart or self._mounted_at("/sys") not in (None, "sysfs")

    def _mounted_at(self, place: str) -> str | None:
        """The type of the file system that was mounted last at a path; None if none is listed."""
        if self._mounts is None:
            lines = self._listed("/proc/self/mountinfo")
            self._mounts = {fields[4]: fields[fields.index("-") + 1] for fields in lines if "-" in fields[6:-2]}
        return self._mounts.get(place)

    def hidden(self, name: str) -> bool:
        """Whether a file exists that only root may read."""
        try:
            return not self.path(name).stat().st_mode & _OTHERS_MAY_READ
        except OSError:
            return False

    def is_there(self, name: str) -> bool:
        """Whether a file or folder exists."""
        return is_there(self.path(name))

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; empty if it does not exist."""
        try:
            return sorted(entry.name for entry in self.path(folder).iterdir())
        except OSError:
            return []

    def device(self, name: str) -> str:
        """The target of a link of sysfs, as a path from the root: `/sys/devices/pci0000:00/...`; empty if nowhere."""
        path = self.path(name)
        if not is_there(path):
            return ""
        resolved, root = path.resolve(), self._root.resolve()
        return "/" + str(resolved.relative_to(root)) if resolved.is_relative_to(root) else ""
