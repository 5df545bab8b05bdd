"""Checks after an upgrade: is everything of the old installation in the new one?"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from senseid.errors import SettingError
from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_cli.doctor.settings import KNOWN
from senseid_licensing.errors import LicensingError
from senseid_licensing.instant import format_instant
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.product import Product
from senseid_licensing.store import LicenceStore
from senseid_service.settings import OLDER_NAMES, VARIABLES, read_env_file

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime
    from pathlib import Path

_FILES = "carried over"
_SETTINGS = "carried settings"
# The name of today by each that an old file may have instead.
_CURRENT = {older: name for name, others in OLDER_NAMES.items() for older in others}
_SECRET = frozenset(variable.name for variable in VARIABLES if variable.secret)
# Log, process id and socket of an old service are not carried over; the clock's mark is created again, later.
_PASSING = ("service", "state")
_MOST_LISTED = 5


def check_files(old: Path, new: Path) -> list[Finding]:
    """Check that each file of an old data directory is in the new one, and that no licence is older than before.

    Args:
        old: the data directory of the previous version.
        new: that of this installation; the same one if the upgrade was in place.
    """
    if not os.path.isdir(old):
        return [problem(_FILES, f"{old}: there is no such folder", "name the data directory of the version before")]
    if os.path.exists(new) and old.samefile(new):
        return [ok(_FILES, "the data directory is the same")]
    there = [old, *old.rglob("*")]
    closed = [path for path in there if os.path.isdir(path) and not os.access(path, os.R_OK | os.X_OK)]
    if closed:
        return [problem(_FILES, f"{min(closed)}: cannot be read, so nobody knows what is in it", "run as its owner")]
    files = sorted(path.relative_to(old) for path in there if path.is_file())
    wanted = [path for path in files if path.parts[0] not in _PASSING]
    missing = [str(path) for path in wanted if not (new / path).is_file()]
    found = []
    if missing:
        more = f" and {len(missing) - _MOST_LISTED} more" if len(missing) > _MOST_LISTED else ""
        listed = ", ".join(missing[:_MOST_LISTED])
        found.append(problem(_FILES, f"not here: {listed}{more}", f"run `cp -an {old}/. {new}/`"))
    found += _older_licences(LicenceStore(old), LicenceStore(new))
    return found or [ok(_FILES, f"all {len(wanted)} files of {old}")]


def check_carried_settings(old: Path, environment: Mapping[str, str], env_file: Path | None) -> list[Finding]:
    """Check that each setting of an old `.env` file still holds. Secret values are compared and never shown.

    Args:
        old: the `.env` file of the previous version.
        environment: that of this process; it overrides `env_file`.
        env_file: the `.env` file of this installation, or None.
    """
    try:
        before = read_env_file(old)
    except SettingError as error:
        return [problem(_SETTINGS, error.message, "name the .env file of the version before")]
    try:
        now = {**({} if env_file is None else read_env_file(env_file)), **environment}
    except SettingError as error:
        return [problem(_SETTINGS, error.message, error.remedy)]
    found = []
    for name, value in before.items():
        current = _CURRENT.get(name, name)
        here = next((now[one] for one in (current, *OLDER_NAMES.get(current, ())) if now.get(one)), None)
        if name not in KNOWN:
            found.append(note(_SETTINGS, f"{name} of {old} is no setting of this version", "leave it out"))
        elif not here:
            found.append(problem(_SETTINGS, f"{name} is set in {old} and not here", "copy its line"))
        elif here != value:
            told = "another value" if name in _SECRET else f"{here}, and was {value}"
            found.append(note(_SETTINGS, f"{name} is {told}", "copy its line, if that is not meant"))
    return found or [ok(_SETTINGS, f"all {len(before)} of {old}")]


def _older_licences(old: LicenceStore, new: LicenceStore) -> list[Finding]:
    found = []
    for product in Product:
        before, now = _end(old, product), _end(new, product)
        if before is not None and now is not None and now < before:
            message = f"the licence of {product} ends at {format_instant(now)}, the old one at {format_instant(before)}"
            found.append(problem(_FILES, message, f"run `senseid license install {old.path(product)}`"))
    return found


def _end(store: LicenceStore, product: Product) -> datetime | None:
    """The end of an installed licence, unverified; None if there is no readable one."""
    try:
        return parse_licence_file(store.load(product)).leaf.licence.not_after
    except LicensingError:
        return None
