"""The keys of this installation, with notes to the user about their source."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid import installation
from senseid_cli.output import terminal

if TYPE_CHECKING:
    from pathlib import Path

    from senseid.keys import KeySources


def key_sources(key_file: Path | None = None, name: str | None = None) -> KeySources:
    """The sources of media keys, with notes on standard error about a `.env` file that was not named."""
    return installation.key_sources(key_file, name, say=terminal.note_once)
