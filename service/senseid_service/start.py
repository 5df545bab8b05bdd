"""Assembly of the service: from settings to processes."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from senseid import installation
from senseid.errors import SettingError
from senseid_service.licence_watch import LicenceWatch
from senseid_service.log import Log
from senseid_service.reload import Reloader, http_message, keys_as_table
from senseid_service.settings import check_certificate
from senseid_service.supervisor import Supervisor, bind_all

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from senseid_service.reload import Loaded

_MOST_THREADS = 2
"""Two photos are processed in parallel, each by networks with one thread: only those survive a fork."""

_STDERR = 2

_PACKAGES = ("starlette", "uvicorn", "python_multipart", "prometheus_client", "httpx")


def run(loaded: Loaded, load: Callable[[], Loaded], *, cpus: int) -> int:
    """Serve until a signal to stop.

    Args:
        loaded: the checked settings, and the keys to decrypt media with.
        load: loads them again, after a SIGHUP or when a file has changed.
        cpus: CPUs that this process may use.

    Returns:
        The exit status.

    Raises:
        LicensingError: no licence allows serving.
        SettingError: a port, the certificate or its key cannot be used.
    """
    settings = loaded.settings
    check_certificate(settings)
    log = Log(lambda line: os.write(_STDERR, line), _now)
    reloader = Reloader(loaded, load, log)
    watch = licence_watch() if settings.role.has_models else None
    if watch is not None:
        watch.require_any()
    bound = bind_all(settings)
    if loaded.decision_log is not None:
        # Also the proof that it can be written: no decision is given that is not in it.
        models_digest = installation.models_digest()[:12] if settings.role.has_models else ""
        loaded.decision_log.append([{"event": "started", "role": settings.role.value, "models": models_digest}])

    def http(control: socket.socket | None, lifeline: socket.socket) -> int:
        from senseid_service import http_process

        return http_process.run(reloader.loaded, bound, watch, control, lifeline, log, time.monotonic)

    def models(control: socket.socket, lifeline: socket.socket) -> int:
        # Read when the libraries load: a fork would lose a thread pool.
        os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
        from senseid.models import Models
        from senseid_service.model_process import Setup, fork_handlers

        assert watch is not None  # noqa: S101  a role with models has licences
        threads = max(1, min(_MOST_THREADS, cpus // settings.handlers))
        opened = Models(watch.current, threads=threads, forks=True)
        setup = Setup(opened, reloader.loaded.keys, log, settings.limits.job_seconds, settings.plain_media)
        return fork_handlers(setup, control, lifeline)

    licences = LicenceNews(watch, log) if watch is not None else None

    def renew(*, asked: bool) -> dict[str, dict[str, Any]]:
        if licences is not None:
            licences.tell(asked=asked)
        if not (asked or reloader.is_due()) or not reloader.reload():
            return {}
        now = reloader.loaded
        return {"http": http_message(now.settings), "models": keys_as_table(now.keys)}

    return Supervisor(
        bound,
        http,
        models if settings.role.has_models else None,
        renew=renew,
        stop_seconds=settings.limits.stop_seconds,
        log=log,
    ).run()


class LicenceNews:
    """Tells the log once of licences that others take the place of, or that are refused in their place."""

    def __init__(self, watch: LicenceWatch, log: Log) -> None:
        self._watch = watch
        self._log = log
        self._told = watch.in_force()

    def tell(self, *, asked: bool) -> None:
        """Look again, and log what holds now if that is news or if it was asked for."""
        found = self._watch.in_force()
        if asked or found != self._told:
            self._told = found
            level = "warning" if any("refused" in text for text in found.values()) else "info"
            self._log.event("licences", level, in_force=found)


def check_installed() -> None:
    """Return if the packages of the extra `serve` are installed.

    Raises:
        SettingError: one is not.
    """
    from importlib.util import find_spec

    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise SettingError(
            f"the service needs packages that are not installed: {', '.join(missing)}",
            remedy="install the extra `serve` of senseid: `senseid doctor` says how",
        )


def licence_watch() -> LicenceWatch:
    """The licences of this installation, verified repeatedly."""
    store, context = installation.open_store()
    return LicenceWatch(store, context, clock=_now, monotonic=time.monotonic)


def _now() -> datetime:
    return datetime.now(UTC)
