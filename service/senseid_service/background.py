"""A service in the background: start, status, stop and log."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections import deque
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from senseid.errors import OutputError, SettingError
from senseid.file_lock import lock
from senseid_engine.errors import reason_of
from senseid_service.endpoints import READY_PATH
from senseid_service.settings import host_and_port

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from senseid_service.settings import Settings

_START_SECONDS: Final = 60.0
_LOG_BYTES: Final = 16 * 1024 * 1024
_SECRET: Final = 0o600
_NAMES: Final = {"all": "the service", "api": "the API", "worker": "the worker"}


class Background:
    """The service of one role of this data directory."""

    def __init__(self, folder: Path, settings: Settings) -> None:
        """Touch nothing yet.

        Args:
            folder: the folder of its log and its process id.
            settings: the settings that it is, or will be, started with.
        """
        self._folder = folder
        self._settings = settings
        self._state = folder / f"{settings.role}.json"
        self.log = folder / f"{settings.role}.log"

    @property
    def name(self) -> str:
        """The name in messages."""
        return _NAMES[self._settings.role]

    @property
    def url(self) -> str:
        """The URL of the service on this machine."""
        settings = self._settings
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.host, settings.host)  # noqa: S104  every network
        return f"{'https' if settings.tls_cert else 'http'}://{host_and_port(host, settings.port)}"

    def start(self, command: list[str], options: Mapping[str, str]) -> None:
        """Start it and wait until it answers.

        Args:
            command: the command that runs the service in the foreground.
            options: settings that override everything else.

        Raises:
            SettingError: it runs already, is being started, or exits again.
            OutputError: its log or its process id cannot be written.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._lock():
                self._start(command, options)
        except OSError as error:
            raise OutputError(
                f"{self._folder} cannot be written: {reason_of(error)}",
                remedy="it holds the log and the process id: check its permissions and the space on its disk",
            ) from error

    @contextmanager
    def _lock(self) -> Iterator[None]:
        """Lock against concurrent starts: each would take the other's process for its own."""
        with self._state.with_suffix(".lock").open("ab") as file:
            if not lock(file.fileno(), wait=False):
                raise SettingError("it is being started", remedy="see `senseid serve status`")
            yield

    def _start(self, command: list[str], options: Mapping[str, str]) -> None:
        if self._pid() is not None:
            raise SettingError("it runs already", remedy="see `senseid serve status`")
        if self.log.exists() and self.log.stat().st_size > _LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))
        descriptor = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, _SECRET)
        with os.fdopen(descriptor, "ab") as log:
            begin = log.tell()
            process = subprocess.Popen(  # noqa: S603  ourselves
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={**os.environ, **options},
                start_new_session=True,
            )
        try:
            self._remember(process.pid)
        except OSError:
            # Nobody would find it again.
            process.terminate()
            process.wait()
            self._state.unlink(missing_ok=True)
            raise
        until = time.monotonic() + _START_SECONDS
        # Another service may answer at that address, while this one ends because the port is taken.
        while not (self._serves(begin) and self._healthy(self.url)):
            if process.poll() is not None:
                self._state.unlink(missing_ok=True)
                raise SettingError(f"it ended again: {self._last_word(begin)}", remedy="see `senseid serve logs`")
            if time.monotonic() > until:
                raise SettingError(
                    f"it does not answer after {_START_SECONDS:.0f} seconds", remedy="see `senseid serve logs`"
                )
            time.sleep(0.1)

    def reload(self) -> bool:
        """Let it read its licences, keys and threshold again; return whether it runs."""
        return self._signal(signal.SIGHUP)

    def _signal(self, number: signal.Signals) -> bool:
        """Send it a signal; return whether it runs."""
        pid = self._pid()
        if pid is None:
            return False
        try:
            os.kill(pid, number)
        except ProcessLookupError:
            return False
        except PermissionError:
            raise SettingError(
                f"process {pid} belongs to another user", remedy="do it as the user who started it"
            ) from None
        return True

    def stop(self) -> bool:
        """Stop it and wait for its end; return whether there was one."""
        if not self._signal(signal.SIGTERM):
            return False
        while self._pid() is not None:
            time.sleep(0.05)
        self._state.unlink(missing_ok=True)
        return True

    def status(self) -> tuple[str, bool]:
        """Describe it in one line, and return whether it answers."""
        pid = self._pid()
        if pid is None:
            if self._healthy(self.url):
                return f"{self.name} was not started by `senseid serve start`, but {self.url} answers", False
            return f"{self.name} is not running", False
        url = self._running_url()
        if self._healthy(url):
            return f"{self.name} runs as process {pid} and answers at {url}", True
        return f"{self.name} runs as process {pid} and does not answer at {url}", False

    def log_lines(self, lines: int, *, follow: bool) -> Iterator[str]:
        """Iterate over the last lines of the log, and with `follow` over all new ones.

        Raises:
            SettingError: there is no log.
        """
        try:
            file = self.log.open(encoding="utf-8", errors="backslashreplace")
        except OSError:
            raise SettingError("there is no log", remedy="start it with `senseid serve start`") from None
        with file:
            yield from (line.rstrip("\n") for line in deque(file, lines))
            while follow:
                line = file.readline()
                if line:
                    yield line.rstrip("\n")
                else:
                    time.sleep(0.2)

    def _remember(self, pid: int) -> None:
        import psutil

        facts = {
            "pid": pid,
            "born": psutil.Process(pid).create_time(),
            "url": self.url,
            "folder": os.path.realpath(self._folder),
        }
        self._state.write_text(json.dumps(facts), encoding="utf-8")

    def _pid(self) -> int | None:
        """Its process id; None if it does not run. Its start time rules out a later process with that id."""
        import psutil

        with suppress(OSError, ValueError, KeyError, TypeError, psutil.Error):
            facts = json.loads(self._state.read_text(encoding="utf-8"))
            here = os.path.realpath(self._folder)
            # A copied data directory names the service of the first one. Older versions did not write the folder.
            if facts.get("folder", here) != here:
                return None
            process = psutil.Process(facts["pid"])
            if process.create_time() == facts["born"] and process.status() != psutil.STATUS_ZOMBIE:
                return process.pid
        return None

    def _running_url(self) -> str:
        """The URL that it was started with, whatever the settings say now."""
        with suppress(OSError, ValueError, KeyError):
            return str(json.loads(self._state.read_text(encoding="utf-8"))["url"])
        return self.url

    def _healthy(self, url: str) -> bool:
        import ssl
        import urllib.request

        # Only its answer matters, not its identity: its certificate need not name this address.
        context = ssl._create_unverified_context() if url.startswith("https") else None  # noqa: S323, SLF001
        with (
            suppress(OSError),
            urllib.request.urlopen(  # noqa: S310  http or https
                url + READY_PATH, timeout=2, context=context
            ) as response,
        ):
            return bool(response.status == 200)
        return False

    def _serves(self, begin: int) -> bool:
        """Whether it has logged that it serves, after this offset of its log."""
        with self.log.open("rb") as file:
            file.seek(begin)
            return b'"event":"serving"' in file.read()

    def _last_word(self, begin: int) -> str:
        with self.log.open("rb") as file:
            file.seek(begin)
            lines = file.read().decode(errors="replace").strip().splitlines()
        said = [line.removeprefix("senseid: ") for line in lines if line.startswith("senseid: ")]
        return (said or lines or ["it said nothing"])[-1]
