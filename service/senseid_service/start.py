"""Assembly of the service: from settings to processes."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from senseid import installation
from senseid.errors import SettingError
from senseid_engine.device import check_installed as check_device
from senseid_engine.errors import reason_of
from senseid_service.licence_watch import LicenceWatch
from senseid_service.log import Log
from senseid_service.open_files import make_room
from senseid_service.reload import Reloader, http_message, keys_as_table
from senseid_service.settings import check_certificate, host_and_port
from senseid_service.supervisor import Supervisor, bind_all
from senseid_service.tracing import check_tracing

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from senseid_service.app import Page
    from senseid_service.page_access import PageAccess
    from senseid_service.reload import Loaded
    from senseid_service.settings import Settings
    from senseid_service.supervisor import Bound

_MOST_THREADS = 2
"""Two photos are processed in parallel, each by networks with one thread: only those survive a fork."""

_STDERR = 2

_FEW_FILES = "raise the hard limit of open files (`ulimit -Hn`, systemd's LimitNOFILE), or lower SENSEID_CONNECTIONS"

_PACKAGES = ("starlette", "uvicorn", "python_multipart", "prometheus_client", "httpx")


def run(
    loaded: Loaded,
    load: Callable[[], Loaded],
    *,
    cpus: int,
    token: str | None = None,
    show: Callable[[str], None] | None = None,
    browse: Callable[[str], None] | None = None,
) -> int:
    """Serve until a signal to stop.

    Args:
        loaded: the checked settings, and the keys to decrypt media with.
        load: loads them again, after a SIGHUP or when a file has changed.
        cpus: CPUs that this process may use.
        token: what opens the page once, if the caller shows the link itself.
        show: shows the user a link that opens the page: the first, and another whenever one was used.
        browse: opens the first link in a browser.

    Returns:
        The exit status.

    Raises:
        LicensingError: no licence allows serving.
        SettingError: a port, the certificate or its key cannot be used.
        DeviceError: the device of the settings is not installed.
    """
    settings = loaded.settings
    check_certificate(settings)
    check_tracing(os.environ)
    if settings.role.has_models:
        check_device(settings.device)
    log = Log(lambda line: os.write(_STDERR, line), installation.now)
    reloader = Reloader(loaded, load, log)
    watch = licence_watch() if settings.role.has_models else None
    if watch is not None:
        watch.require_any()
    page = _page(settings)
    bound = bind_all(settings)
    allowed, needed = make_room(settings.limits.connections * len(bound.all))
    if allowed < needed:
        log.event("few_open_files", "warning", allowed=allowed, needed=needed, reason=_FEW_FILES)
    if loaded.decision_log is not None:
        # Also the proof that it can be written: no decision is given that is not in it.
        models_digest = installation.models_digest()[:12] if settings.role.has_models else ""
        loaded.decision_log.append([{"event": "started", "role": settings.role.value, "models": models_digest}])
    of_page = () if page is None or page.access is None else (page.access.key,)
    if page is not None and page.access is not None:
        page = replace(page, used=_link_shower(page.access, _url_of(settings, bound), token, show, browse))

    def http(control: socket.socket | None, lifeline: socket.socket) -> int:
        from senseid_service import http_process

        return http_process.run(reloader.loaded, bound, watch, control, lifeline, log, time.monotonic, page)

    def models(control: socket.socket, lifeline: socket.socket) -> int:
        # Read when the libraries load: a fork would lose a thread pool.
        os.environ.update(OPENBLAS_NUM_THREADS="1", OMP_NUM_THREADS="1")
        from senseid.models import Models
        from senseid_service.model_process import Setup, fork_handlers

        assert watch is not None  # noqa: S101  a role with models has licences
        threads = max(1, min(_MOST_THREADS, cpus // settings.handlers))
        opened = Models(watch.current, threads=threads, device=settings.device, forks=True)
        keys = (*reloader.loaded.keys, *of_page)
        setup = Setup(opened, keys, log, settings.limits.job_seconds, settings.plain_media, settings.phone_formats)
        return fork_handlers(setup, control, lifeline)

    licences = LicenceNews(watch, log) if watch is not None else None

    def renew(*, asked: bool) -> dict[str, dict[str, Any]]:
        if licences is not None:
            licences.tell(asked=asked)
        if not (asked or reloader.is_due()) or not reloader.reload():
            return {}
        now = reloader.loaded
        return {"http": http_message(now.settings), "models": keys_as_table((*now.keys, *of_page))}

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


def _page(settings: Settings) -> Page | None:
    """The page, if it is on; nobody is told when its link was used."""
    if not settings.ui:
        return None
    from senseid_service.app import Page
    from senseid_service.page import read_page
    from senseid_service.page_access import PageAccess
    from senseid_service.samples import find_samples

    try:
        samples = find_samples(settings.samples) if settings.samples is not None else ()
    except OSError as error:
        raise SettingError(
            f"SENSEID_SAMPLES names {settings.samples}, which cannot be read: {reason_of(error)}",
            remedy="check its permissions",
        ) from error
    return Page(read_page(), samples, PageAccess.new(os.urandom) if settings.has_link else None, lambda: None)


def _link_shower(
    access: PageAccess,
    url: str,
    token: str | None,
    show: Callable[[str], None] | None,
    browse: Callable[[str], None] | None,
) -> Callable[[], None]:
    """Show the first link; return what shows the next one."""
    from senseid_service.page_access import link, new_token

    first = token or new_token()
    access.admit(first)
    if show is not None:
        show(link(url, first))
    if browse is not None:
        browse(link(url, first))

    def show_next() -> None:
        if show is not None:
            token = new_token()
            access.admit(token)
            show(link(url, token))

    return show_next


def _url_of(settings: Settings, bound: Bound) -> str:
    """The URL of the API for a browser of this machine, without a path."""
    assert bound.api is not None  # noqa: S101  who has a page has an API
    address = host_and_port(settings.host, bound.api.getsockname()[1])
    return f"{'https' if settings.tls_cert else 'http'}://{address}"


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
    return LicenceWatch(store, context, clock=installation.now, monotonic=time.monotonic)
