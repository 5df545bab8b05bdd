"""The data directory: its existence, its use, and who else can change it."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_licensing.errors import UnreadableError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from senseid_licensing.store import LicenceStore

_CHECK = "data directory"


def check_home(store: LicenceStore) -> list[Finding]:
    """Check that the data directory can be used, and that others cannot write trusted files or read secret ones."""
    home = store.data_dir
    try:
        there = home.exists()
    except OSError as error:
        return [problem(_CHECK, f"{home}: cannot be read: {error.strerror or error}", "point SENSEID_HOME at a folder")]
    if not there:
        return [note(_CHECK, f"{home}: not there yet", "`senseid license install` or `license quickstart` makes it")]
    if not home.is_dir():
        return [problem(_CHECK, f"{home}: is no folder", "point SENSEID_HOME at a folder")]
    if not os.access(home, os.R_OK | os.X_OK):
        return [problem(_CHECK, f"{home}: cannot be read", "run as the user that owns it, or change its permissions")]
    found = list(_exposed(store))
    if not os.access(home, os.W_OK):
        found.append(
            note(_CHECK, f"{home}: cannot be written, so a clock that is set back will not be noticed")
        )  # a read-only mount is a valid way to run a container
    return found or [ok(_CHECK, f"{home}: can be read and written by its owner alone")]


def _exposed(store: LicenceStore) -> Iterator[Finding]:
    """Trusted files that others may change, and secret ones that they may read; POSIX modes only."""
    if os.name != "posix":
        return
    trusted = [store.data_dir, store.roots_dir.parent, store.roots_dir, store.root_key_path.parent]
    with suppress(UnreadableError):  # the check of the licences tells of it
        trusted += store.root_files()
    for path in trusted:
        mode = _mode(path)
        # Anyone who can write here can add a licence of their own. A sticky folder does not help: adding is enough.
        if mode & stat.S_IWOTH:
            yield problem(_CHECK, f"{path}: anybody may write it", f"run `chmod o-w {path}`")
    key = store.root_key_path
    if _mode(key) & (stat.S_IRGRP | stat.S_IROTH):
        yield problem(_CHECK, f"{key}: others may read the root key", f"run `chmod 600 {key}`")


def _mode(path: Path) -> int:
    try:
        return path.stat().st_mode
    except OSError:
        return 0
