"""Settings and keys that are read again while the service runs: after SIGHUP, or when one of their files changed.

The first process reads them, and tells the others what holds from now on, so that all of them agree. What cannot be
used changes nothing: what held before holds on, and the log says so.
"""

from __future__ import annotations

import dataclasses
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from senseid.errors import SettingError
from senseid.outcomes import is_expected
from senseid_crypto.key import Key, parse_key
from senseid_service.licence_watch import facts
from senseid_service.settings import changed, check_certificate

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

    from senseid.decision_log import DecisionLog
    from senseid_service.log import Log
    from senseid_service.settings import Settings

LOOK_SECONDS: Final = 2.0
"""Interval at which files are looked at. A change counts once a file has rested for as long."""

_APPLIED: Final = ("api_keys", "worker_key", "threshold")
"""The settings that count without a restart."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The settings and keys that a service runs with.

    Attributes:
        settings: the checked settings.
        keys: the keys to decrypt media with; none in an API.
        decision_log: the decision log, or None.
        files: the files and folders that both came from.
    """

    settings: Settings
    keys: tuple[Key, ...] = field(repr=False)
    decision_log: DecisionLog | None
    files: tuple[Path, ...]


class Reloader:
    """The current state of the service, and the way to renew it."""

    def __init__(self, loaded: Loaded, load: Callable[[], Loaded], log: Log) -> None:
        """Take over what was loaded.

        Args:
            loaded: what the service starts with.
            load: loads it again.
            log: told what came of it.
        """
        self.loaded = loaded
        self._load = load
        self._log = log
        self._tried = self._last = self._look()

    def is_due(self) -> bool:
        """Whether a file has changed since the last attempt, and rests since the last call."""
        seen = self._look()
        rests, self._last = seen == self._last, seen
        return rests and seen != self._tried

    def reload(self) -> bool:
        """Load everything again; return whether it holds from now on. If not, what held before holds on."""
        self._tried = self._last = self._look()
        try:
            loaded = self._read_again()
        except Exception as error:  # an unknown error must not end the service; its text may hold a secret
            reason = str(error) if is_expected(error) else type(error).__name__
            self._log.event("reload_failed", "error", reason=reason, consequence="what held before holds on")
            return False
        old = self.loaded.settings
        settings = dataclasses.replace(old, **{name: getattr(loaded.settings, name) for name in _APPLIED})
        later = changed(settings, loaded.settings)
        self.loaded = dataclasses.replace(loaded, settings=settings, decision_log=self.loaded.decision_log)
        self._tried = self._last = self._look()
        self._log.event(
            "reloaded",
            "warning" if later else "info",
            keys=[key.id for key in loaded.keys],
            api_keys=len(settings.api_keys),
            threshold=settings.threshold,
            **({"needs_restart": later} if later else {}),
        )
        return True

    def _read_again(self) -> Loaded:
        for path in self.loaded.files:
            # Waiting for the writer of a pipe has no end.
            if os.path.exists(path) and not (os.path.isfile(path) or os.path.isdir(path)):
                raise SettingError(f"{path} is not a file that can be read again", remedy="restart the service")
        loaded = self._load()
        check_certificate(loaded.settings)
        return loaded

    def _look(self) -> tuple[object, ...]:
        return tuple(map(facts, self.loaded.files))


def http_message(settings: Settings) -> dict[str, Any]:
    """The settings that the HTTP process applies at once."""
    return {name: getattr(settings, name) for name in _APPLIED}


def keys_as_table(keys: tuple[Key, ...]) -> dict[str, Any]:
    """The keys as a message to the service's own processes; `keys_of_table` reads it back."""
    return {"keys": [[key.secret.decode("ascii"), None if key.iv is None else key.iv.decode("ascii")] for key in keys]}


def keys_of_table(table: Mapping[str, Any]) -> tuple[Key, ...]:
    """The keys of such a message."""
    return tuple(parse_key(secret, iv) for secret, iv in table["keys"])
