"""The keys that media are decrypted with: usable, strong, and readable by their owner only."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem
from senseid_crypto.errors import CryptoError
from senseid_crypto.key import weaknesses

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from senseid.keys import KeySources, KnownKey

_CHECK = "keys"


def check_keys(sources: KeySources, *, needed: bool) -> list[Finding]:
    """Report problems of each known key. No finding contains a key.

    Args:
        sources: the sources of keys.
        needed: whether this installation decrypts; the role `api` does not.
    """
    found: list[Finding] = []
    known: list[KnownKey] = []
    try:
        known.extend(sources.known())
    except CryptoError as error:
        found.append(problem(_CHECK, error.message, error.remedy))
    for one in known:
        found += _of(one)
    if not known and not needed:
        return [ok(_CHECK, "none, and the role api needs none")]
    if not known and not found:
        found.append(
            note(
                _CHECK,
                "none: encrypted media cannot be read, and the service would not start",
                "`senseid key generate`, or set PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV",
            )
        )
    return found or [ok(_CHECK, ", ".join(f"{one.key.id} ({one.place})" for one in known))]


def _of(one: KnownKey) -> Iterator[Finding]:
    name = f"{one.key.id} ({one.place})"
    for weakness in weaknesses(one.key):
        yield note(_CHECK, f"{name} {weakness}", "make another with `senseid key generate`, if your clients can change")
    if one.path is not None and _others_read(one.path):
        yield problem(_CHECK, f"{name} can be read by others", f"run `chmod 600 {one.path}`")


def _others_read(path: Path) -> bool:
    # The group may read it: a service's file is often also its administrators'. POSIX modes only.
    try:
        return os.name == "posix" and bool(path.stat().st_mode & stat.S_IROTH)
    except OSError:
        return False
