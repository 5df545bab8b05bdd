"""The decisions of commands in the decision log, if one was asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senseid import installation
from senseid_cli import media
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from pathlib import Path

    from senseid.decisions import Figures


def note_decision(
    log: Path | None, command: str, figures: Figures, *, threshold: float | None = None, names: tuple[str, ...] = ()
) -> None:
    """Append what a command decided, before it prints it: what cannot be logged is not decided.

    Args:
        log: the decision log; None does nothing.
        command: the command.
        figures: the numbers of its result.
        threshold: the score from which on it is a match; None where nothing was compared.
        names: the names of its inputs, where they are to be logged.

    Raises:
        OutputError: it cannot be written.
        CryptoError: the key that seals it cannot be used.
    """
    if log is None:
        return
    facts: dict[str, Any] = {"event": "decision", "source": command, **figures.facts(threshold)}
    if names:
        # A name that is no text cannot stand in JSON.
        facts["inputs"] = [printable(media.name_of(name)) for name in names]
    installation.decision_log(log).append([facts])
