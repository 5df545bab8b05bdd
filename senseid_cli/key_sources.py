"""The keys of this installation, with notes to the user about their source."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

from senseid import installation
from senseid_cli.output import terminal
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from pathlib import Path

    from senseid.keys import KeySources


def key_sources(key_file: Path | None = None, name: str | None = None) -> KeySources:
    """The sources of media keys, with notes on standard error about a `.env` file that was not named."""
    return installation.key_sources(key_file, name, say=terminal.note_once)


def note_readable(path: Path) -> None:
    """Note on standard error that others may read or change the file of a key, where that is so."""
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        name = printable(str(path))
        terminal.note(f"{name} holds a key and can be read by others: run `chmod 600 {name}`")
