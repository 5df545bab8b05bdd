"""The settings of the service: valid values, and names that this version knows."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

from senseid.errors import SettingError
from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_service.settings import OLDER_NAMES, VARIABLES, check_certificate, gather, parse, read_env_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from senseid_service.settings import Settings

_CHECK = "settings"
# Read by senseid, but not settings of the service.
_OTHERS = ("SENSEID_HOME", "SENSEID_KEY_PASSPHRASE")
_NAMES = (*(variable.name for variable in VARIABLES), *_OTHERS)
KNOWN = frozenset((*_NAMES, *(name for names in OLDER_NAMES.values() for name in names)))
"""Every name that this version reads."""


def check_settings(
    environment: Mapping[str, str], env_file: Path | None, *, cores: int, cpus: int, named: bool = True
) -> tuple[Settings | None, list[Finding]]:
    """Check that the service would start with the settings of the environment and of a `.env` file.

    Args:
        environment: of this process.
        env_file: a `.env` file, or None.
        cores: physical cores of this machine.
        cpus: CPUs that this process may use.
        named: whether the user named the file.

    Returns:
        The settings, or None if they are invalid; and the findings.
    """
    try:
        values = gather({}, environment, env_file, named=named)
        settings = parse(values, physical_cores=cores, cpus=cpus)
        check_certificate(settings)
        written = {} if env_file is None else read_env_file(env_file)
    except SettingError as error:
        return None, [problem(_CHECK, error.message, error.remedy)]
    found = [note(_CHECK, text) for text in values.notes]
    found += [_unknown(name) for name in written if name not in KNOWN]
    # Other programs use the environment too: only likely typing errors are reported.
    found += [
        _unknown(name) for name in environment if name.startswith("SENSEID_") and name not in KNOWN and _near(name)
    ]
    where = f" ({env_file})" if env_file is not None else ""
    message = f"role {settings.role}, {len(values.texts)} set{where}; `senseid serve --show-config` lists them"
    return settings, [ok(_CHECK, message), *found]


def _near(name: str) -> list[str]:
    return difflib.get_close_matches(name, _NAMES, 1, 0.8)


def _unknown(name: str) -> Finding:
    near = _near(name)
    return note(_CHECK, f"{name} is no setting of this version", f"did you mean {near[0]}?" if near else "take it out")
