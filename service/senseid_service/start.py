"""Assembly of the service: from settings to processes."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from senseid import installation
from senseid.errors import SettingError
from senseid_service.licence_watch import LicenceWatch
from senseid_service.log import Log
from senseid_service.settings import check_certificate
from senseid_service.supervisor import Supervisor, bind_all

if TYPE_CHECKING:
    import socket
    from collections.abc import Sequence

    from senseid_crypto.key import Key
    from senseid_service.settings import Settings

_MOST_THREADS = 2
"""Two photos are processed in parallel, each by networks with one thread: only those survive a fork."""

_STDERR = 2

_PACKAGES = ("starlette", "uvicorn", "python_multipart", "prometheus_client", "httpx")


def run(settings: Settings, keys: Sequence[Key], *, cpus: int) -> int:
    """Serve until a signal to stop.

    Args:
        settings: the checked settings.
        keys: the keys to decrypt media with; none in an API.
        cpus: CPUs that this process may use.

    Returns:
        The exit status.

    Raises:
        LicensingError: no licence allows serving.
        SettingError: a port, the certificate or its key cannot be used.
    """
    check_certificate(settings)
    log = Log(lambda line: os.write(_STDERR, line), _now)
    watch = licence_watch() if settings.role.has_models else None
    if watch is not None:
        watch.require_any()
    bound = bind_all(settings)

    def http(control: socket.socket | None, lifeline: socket.socket) -> int:
        from senseid_service import http_process

        return http_process.run(settings, bound, watch, control, lifeline, log, time.monotonic)

    def models(control: socket.socket, lifeline: socket.socket) -> int:
        # Read when the libraries load: a fork would lose a thread pool.
        os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
        from senseid.models import Models
        from senseid_service.model_process import Setup, fork_handlers

        assert watch is not None  # noqa: S101  a role with models has licences
        threads = max(1, min(_MOST_THREADS, cpus // settings.handlers))
        opened = Models(watch.current, threads=threads, forks=True)
        return fork_handlers(Setup(opened, keys, log, settings.limits.job_seconds), control, lifeline)

    return Supervisor(
        bound,
        http,
        models if settings.role.has_models else None,
        stop_seconds=settings.limits.stop_seconds,
        log=log,
    ).run()


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
