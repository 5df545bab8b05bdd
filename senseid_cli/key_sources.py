"""The keys of this installation, and what the user is told of where they come from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid import installation
from senseid_cli.output import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from senseid.keys import KeySources


def key_sources(key_file: Path | None = None, name: str | None = None) -> KeySources:
    """Where the keys of media are looked for: see `installation.key_sources`."""
    return installation.key_sources(key_file, name, say=terminal.note_once)
