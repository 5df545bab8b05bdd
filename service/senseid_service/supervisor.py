"""The first process: binds the ports, starts the HTTP and the model process, and restarts them when they die."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, NoReturn, Protocol

from senseid.errors import SettingError
from senseid.outcomes import is_expected, outcome_of
from senseid_engine.errors import reason_of
from senseid_service import ipc
from senseid_service.reload import LOOK_SECONDS
from senseid_service.settings import Role

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from senseid_service.log import Log
    from senseid_service.settings import Settings

_SIGNALS: Final = {signal.SIGTERM, signal.SIGINT, signal.SIGCHLD, signal.SIGHUP}
_STOPS: Final = {signal.SIGTERM, signal.SIGINT}
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
    except (OSError, UnicodeError) as error:
        # Python refuses an empty or an endless part of a name, as in `127.0.0..1`, before it asks the system.
        reason = error.strerror if isinstance(error, OSError) else "not a name"
        raise SettingError(f"{host} is no address of this machine ({reason})", remedy="correct it") from error
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(address)
        # From here on clients queue, also while an HTTP process is being replaced.
        sock.listen(_BACKLOG)
    except OSError as error:
        sock.close()
        raise SettingError(
            f"port {port} of {host} cannot be used: {reason_of(error)}{_listener(port)}",
            remedy="stop what uses it (see `ss -ltnp`; `senseid serve stop` ends what `senseid serve start` began), or"
            " choose another: --port for the API, SENSEID_WORKER_PORT for the worker",
        ) from error
    return sock


def _listener(port: int) -> str:
    """The process that listens on a port, where the system tells."""
    import psutil

    with contextlib.suppress(OSError, psutil.Error):
        for each in psutil.net_connections("tcp"):
            if each.status == psutil.CONN_LISTEN and each.laddr[1:2] == (port,) and each.pid is not None:
                if each.pid == os.getpid():
                    return " by another port of this service"
                return f" by process {each.pid} ({psutil.Process(each.pid).name()})"
    return ""


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
        line: this process's end of its lifeline, which also carries what holds from now on; None between two.
    """

    name: str
    main: Callable[[socket.socket], int] = field(repr=False)
    pid: int = 0
    born: float = 0.0
    due: float = 0.0
    starts: int = 0
    line: socket.socket | None = None


class Renew(Protocol):
    """Looks whether something else holds from now on."""

    def __call__(self, *, asked: bool) -> dict[str, dict[str, Any]]:
        """Return messages to processes, by the name of the process; `asked` after a SIGHUP."""


class Supervisor:
    """Keeps the processes of one service running."""

    def __init__(
        self,
        bound: Bound,
        http: Callable[[socket.socket | None, socket.socket], int],
        models: Callable[[socket.socket, socket.socket], int] | None,
        *,
        renew: Renew,
        stop_seconds: float,
        log: Log,
    ) -> None:
        """Start nothing.

        Args:
            bound: the bound sockets.
            http: main function of the HTTP process; takes the socket to the model process and the lifeline.
            models: main function of the model process; takes its end of that socket and the lifeline. None in an API.
            renew: called every few seconds.
            stop_seconds: how long running requests may go on after a stop was asked for.
            log: the log of this process.
        """
        self._bound = bound
        self._stop_seconds = stop_seconds
        self._next_look = 0.0
        self._log = log
        self._renew = renew
        self._on_terminal = os.isatty(0)
        self._control = socket.socketpair() if models is not None else None
        self._children = []
        if models is not None:
            self._children.append(_Child("models", lambda line: self._as_models(models, line)))
        self._http = _Child("http", lambda line: self._as_http(http, line))
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
            pause = min((child.due - now for child in self._children if not child.pid), default=LOOK_SECONDS)
            found = signal.sigtimedwait(_SIGNALS, max(0.0, min(pause, LOOK_SECONDS)))
            # A terminal that is closed sends SIGHUP to what runs in it: then there is nobody to serve for.
            stops = _STOPS | {signal.SIGHUP} if self._on_terminal else _STOPS
            if found is not None and found.si_signo in stops:
                return self._stop()
            hangup = found is not None and found.si_signo == signal.SIGHUP
            if hangup or time.monotonic() >= self._next_look:
                self._next_look = time.monotonic() + LOOK_SECONDS
                self._tell(self._renew(asked=hangup))
            status = self._reap()
            if status:
                self._stop()
                return status

    def _start(self, child: _Child) -> None:
        child.starts += 1
        child.born = time.monotonic()
        child.line, theirs = socket.socketpair()
        child.pid = os.fork()
        if not child.pid:
            # It hears of a SIGHUP from this process alone.
            signal.signal(signal.SIGHUP, signal.SIG_IGN)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _SIGNALS)
            for each in self._children:
                if each.line is not None:
                    each.line.close()
            self._become(child, theirs)
        theirs.close()
        child.line.setblocking(False)

    def _tell(self, messages: Mapping[str, dict[str, Any]]) -> None:
        for child in self._children:
            message = messages.get(child.name)
            if message is None or child.line is None:
                continue
            try:
                ipc.send(child.line, message)
            except ipc.LostError:  # it has ended, and the next one begins with what holds now
                self._log.event("not_told", "warning", process=child.name)

    def _become(self, child: _Child, line: socket.socket) -> NoReturn:
        status = 1
        try:
            status = child.main(line)
        except Exception as error:  # no traceback reaches a log: it may contain anything
            reason = str(error) if is_expected(error) else type(error).__name__
            self._log.event("failed", "error", process=child.name, reason=reason)
            status = int(outcome_of(error).status)
        finally:
            os._exit(status)

    def _as_http(self, http: Callable[[socket.socket | None, socket.socket], int], line: socket.socket) -> int:
        control = None
        if self._control is not None:
            control, other = self._control
            other.close()
        return http(control, line)

    def _as_models(self, models: Callable[[socket.socket, socket.socket], int], line: socket.socket) -> int:
        self._bound.close()
        assert self._control is not None  # noqa: S101  there is one where there is a model process
        other, control = self._control
        other.close()
        return models(control, line)

    def _reap(self) -> int:
        """Reap children that ended; return the exit status of one that cannot start at all, else 0."""
        while (ended := _any_ended()) is not None:
            pid, status = ended
            for child in self._children:
                if child.pid == pid:
                    self._log.event("process_ended", "error", process=child.name, status=status)
                    now = time.monotonic()
                    child.pid = 0
                    _hang_up(child)
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
        for child in self._children:
            _hang_up(child)
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


def _hang_up(child: _Child) -> None:
    if child.line is not None:
        child.line.close()
        child.line = None


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
