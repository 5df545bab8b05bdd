"""Names for the completion of a shell: what is found on this machine, and nothing that takes long to find."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


def commands(incomplete: str) -> list[str]:
    """Commands, for `senseid help`."""
    from senseid_cli.app import COMMANDS

    return _beginning(incomplete, COMMANDS)


def keys(incomplete: str) -> list[str]:
    """Names of the keys of encrypted media."""
    from senseid import installation

    with suppress(Exception):  # a shell has no place for a message
        return _beginning(incomplete, installation.key_sources(None, None, say=_nothing).folder.names())
    return []


def policies(incomplete: str) -> list[str]:
    """Policies of photo quality: those that are built in, and TOML files."""
    from senseid_engine.quality.policy import BUILT_IN

    return _beginning(incomplete, [*BUILT_IN, *_files(incomplete, ".toml")])


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
        return _beginning(incomplete, [json.loads(line)["licence"]["id"] for line in log.open(encoding="utf-8")])
    return []


def _beginning(start: str, names: Iterable[str]) -> list[str]:
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
    return _beginning(start, names)


def _nothing(_: str) -> None:
    pass
