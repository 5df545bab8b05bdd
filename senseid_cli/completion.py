"""Names for the completion of a shell: what is found on this machine, and nothing that takes long to find."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from senseid_cli import help_text

if TYPE_CHECKING:
    from collections.abc import Iterable


def commands(context: typer.Context, incomplete: str) -> list[str]:
    """Commands, for `senseid help`: of a group, behind its name."""
    group: Any = context.find_root()
    for word in context.params["words"] or ():
        command = group.command.resolve_command(group, [word])[1] if hasattr(group.command, "commands") else None
        if command is None:
            return []
        group = typer.Context(command, parent=group, resilient_parsing=True)
    return beginning(incomplete, (name for _, name, _ in help_text.children(group.command, group)))


def keys(incomplete: str) -> list[str]:
    """Names of the keys of encrypted media."""
    from senseid import installation

    with suppress(Exception):  # a shell has no place for a message
        return beginning(incomplete, installation.key_sources().folder.names())
    return []


def policies(incomplete: str) -> list[str]:
    """Policies of photo quality: those that are built in, and TOML files."""
    from senseid_engine.quality.policy import BUILT_IN

    return beginning(incomplete, [*BUILT_IN, *_files(incomplete, ".toml")])


def licence_files(incomplete: str) -> list[str]:
    """Licence files and folders on the way to them."""
    return _files(incomplete, ".lic")


def issued(incomplete: str) -> list[str]:
    """Ids of the licences that this installation's own root key has signed."""
    import json

    from senseid import installation
    from senseid_licensing.issue_log import issue_log_path
    from senseid_licensing.store import LicenceStore

    with suppress(Exception):  # a shell has no place for a message
        log = issue_log_path(LicenceStore(installation.data_dir()).root_key_path)
        return beginning(incomplete, [json.loads(line)["licence"]["id"] for line in log.open(encoding="utf-8")])
    return []


def beginning(start: str, names: Iterable[str]) -> list[str]:
    """Those of the names that begin so, in their order."""
    return [name for name in names if name.startswith(start)]


def _files(start: str, suffix: str) -> list[str]:
    """Files of a suffix, and folders with a slash at their ends, whose paths begin so."""
    folder = Path(start).parent if not start.endswith("/") else Path(start)
    try:
        found = sorted(path for path in folder.iterdir() if path.suffix == suffix or path.is_dir())
    except OSError:
        return []
    prefix = start[: start.rfind("/") + 1]
    names = (f"{prefix}{path.name}{'/' if path.is_dir() else ''}" for path in found if not path.name.startswith("."))
    return beginning(start, names)
