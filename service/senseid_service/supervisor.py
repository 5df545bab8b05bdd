"""The first process: binds the ports, starts the HTTP and the model process, and restarts them when they die."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final, NoReturn

from senseid.errors import SettingError
from senseid.outcomes import is_expected, outcome_of
from senseid_engine.errors import reason_of
from senseid_service.settings import Role

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_service.log import Log
    from senseid_service.settings import Settings

_SIGNALS: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD}
_BACKLOG: Final = 1024
_SHORT_LIFE: Final = 2.0
_PAUSE: Final = 1.0
_GRACE: Final = 5.0


@dataclass(frozen=True, slots=True)
class Bound:
    """The bound sockets of the service.

    Attributes:
        api: that of the API; None in a worker.
        worker: that of the worker; None in an API.
        metrics: that of the metrics, or None.
    """

    api: socket.socket | None
    worker: socket.socket | None
    metrics: socket.socket | None

    @property
    def all(self) -> tuple[socket.socket, ...]:
        """All bound sockets."""
        return tuple(sock for sock in (self.api, self.worker, self.metrics) if sock is not None)

    def close(self) -> None:
        """Close this process's copies."""
        for sock in self.all:
            sock.close()


def bind_all(settings: Settings) -> Bound:
    """Bind every port that the settings ask for.

    Raises:
        SettingError: one is taken or unavailable.
    """
    api = worker = None
    main = _bind(settings.host, settings.port)
    if settings.role is Role.WORKER:
        worker = main
    else:
        api = main
    if settings.role is Role.ALL and settings.worker_port:
        worker = _bind("127.0.0.1", settings.worker_port)
    return Bound(api, worker, _bind(*settings.metrics) if settings.metrics is not None else None)


def _bind(host: str, port: int) -> socket.socket:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
    except OSError as error:
        raise SettingError(f"{host} is no address of this machine ({error.strerror})", remedy="correct it") from error
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # From here on clients queue, also while an HTTP process is being replaced.
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise SettingError(
            f"port {port} of {host} cannot be used: {reason_of(error)}",
            remedy="stop what uses it (`senseid serve stop`, or see `ss -ltnp`), or choose another port",
        ) from error
    return sock


@dataclass(slots=True)
class _Child:
    """A process that is kept running.

    Attributes:
        name: its name in the log.
        main: its main function; returns its exit status.
        pid: the current process id, 0 between two.
        born: when it started.
        due: when to start it.
        starts: how often it was started.
    """

    name: str
    main: Callable[[], int] = field(repr=False)
    pid: int = 0
    born: float = 0.0
    due: float = 0.0
    starts: int = 0


class Supervisor:
    """Keeps the processes of one service running."""

    def __init__(
        self,
        bound: Bound,
        http: Callable[[socket.socket | None, socket.socket], int],
        models: Callable[[socket.socket, socket.socket], int] | None,
        *,
        stop_seconds: float,
        log: Log,
    ) -> None:
        """Start nothing.

        Args:
            bound: the bound sockets.
            http: main function of the HTTP process; takes the socket to the model process and the lifeline.
            models: main function of the model process; takes its end of that socket and the lifeline. None in an API.
            stop_seconds: how long running requests may go on after a stop was asked for.
            log: the log of this process.
        """
        self._bound = bound
        self._stop_seconds = stop_seconds
        self._log = log
        self._life, self._lifeline = socket.socketpair()
        self._control = socket.socketpair() if models is not None else None
        self._children = []
        if models is not None:
            self._children.append(_Child("models", lambda: self._as_models(models)))
        self._http = _Child("http", lambda: self._as_http(http))
        self._children.append(self._http)

    def run(self) -> int:
        """Serve until SIGTERM or SIGINT.

        Returns:
            The exit status: that of a child that cannot start at all, else 0.
        """
        old = signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
        try:
            return self._run()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, old)

    def _run(self) -> int:
        while True:
            now = time.monotonic()
            for child in self._children:
                if not child.pid and child.due <= now:
                    self._start(child)
            pause = min((child.due for child in self._children if not child.pid), default=now + 60) - now
            found = signal.sigtimedwait(_SIGNALS, max(0.0, pause))
            if found is not None and found.si_signo in {signal.SIGTERM, signal.SIGINT}:
                return self._stop()
            status = self._reap()
            if status:
                self._stop()
                return status

    def _start(self, child: _Child) -> None:
        child.starts += 1
        child.born = time.monotonic()
        child.pid = os.fork()
        if not child.pid:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            self._life.close()
            self._become(child)

    def _become(self, child: _Child) -> NoReturn:
        status = 1
        try:
            status = child.main()
        except Exception as error:  # no traceback reaches a log: it may contain anything
            reason = str(error) if is_expected(error) else type(error).__name__
            self._log.event("failed", "error", process=child.name, reason=reason)
            status = int(outcome_of(error).status)
        finally:
            os._exit(status)

    def _as_http(self, http: Callable[[socket.socket | None, socket.socket], int]) -> int:
        control = None
        if self._control is not None:
            control, other = self._control
            other.close()
        return http(control, self._lifeline)

    def _as_models(self, models: Callable[[socket.socket, socket.socket], int]) -> int:
        self._bound.close()
        assert self._control is not None  # noqa: S101  there is one where there is a model process
        other, control = self._control
        other.close()
        return models(control, self._lifeline)

    def _reap(self) -> int:
        """Reap children that ended; return the exit status of one that cannot start at all, else 0."""
        while (ended := _any_ended()) is not None:
            pid, status = ended
            for child in self._children:
                if child.pid == pid:
                    self._log.event("process_ended", "error", process=child.name, status=status)
                    now = time.monotonic()
                    child.pid = 0
                    if status > 1 and child.starts == 1:
                        return status  # it has reported why, and a restart would fail likewise
                    child.due = now + (_PAUSE if now - child.born < _SHORT_LIFE else 0.0)
        return 0

    def _stop(self) -> int:
        self._bound.close()
        if self._http.pid:
            _signal(self._http.pid, signal.SIGTERM)
            self._await(self._http, time.monotonic() + self._stop_seconds + _GRACE)
        # Its end makes the model process exit; the handlers ended with the HTTP process.
        self._life.close()
        for child in self._children:
            self._await(child, time.monotonic() + _GRACE)
        return 0

    def _await(self, child: _Child, until: float) -> None:
        """Wait for a child, and kill it at its time limit or when the user asks again."""
        while child.pid:
            while (ended := _any_ended()) is not None:
                for one in self._children:
                    if one.pid == ended[0]:
                        one.pid = 0
            if not child.pid:
                return
            left = until - time.monotonic()
            found = signal.sigtimedwait(_SIGNALS, max(0.0, min(left, 1.0)))
            if left <= 0 or (found is not None and found.si_signo == signal.SIGINT):
                _signal(child.pid, signal.SIGKILL)
                until = float("inf")


def _any_ended() -> tuple[int, int] | None:
    """Process id and exit status of a child that ended, if one did.

    It may be nobody's: the first process of a container inherits the handlers of a dead model process.
    """
    try:
        pid, status = os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return None
    return (pid, os.waitstatus_to_exitcode(status)) if pid else None


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)
