"""The process that holds the models and forks a handler whenever the HTTP process asks for one.

A fork takes milliseconds, loading takes seconds, and read-only memory (weights, libraries) is shared. That is safe
because this process runs a single thread: sessions with one thread have no pool to lose.
"""

from __future__ import annotations

import contextlib
import gc
import logging
import os
import select
import signal
import socket
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any, Final

from senseid.models import ModelKind
from senseid.stids import in_words
from senseid_licensing.errors import LicensingError
from senseid_service import ipc
from senseid_service.handler import Answerer, Request
from senseid_service.log import LogHandler
from senseid_service.memory import give_back
from senseid_service.reload import keys_of_table

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from senseid.models import Models
    from senseid_crypto.key import Key
    from senseid_service.log import Log

_IDLE_SECONDS: Final = 1.0
"""Idle time after which a handler returns its working memory."""


@dataclass(frozen=True, slots=True)
class Setup:
    """Parameters of the model process.

    Attributes:
        models: the models, not opened yet.
        keys: the keys to decrypt media with.
        log: the log of this process.
        job_seconds: how long a handler may work on one request.
        plain_media: whether photos and videos may come as they are.
        phone_formats: whether photos may be WebP, AVIF and HEIC.
    """

    models: Models
    keys: Sequence[Key] = field(repr=False)
    log: Log
    job_seconds: float
    plain_media: bool
    phone_formats: bool


def fork_handlers(setup: Setup, control: socket.socket, lifeline: socket.socket) -> int:
    """Load the models, then fork handlers until the supervisor is gone.

    Args:
        setup: what to load and hand down.
        control: each message of it carries the socket of a new handler. The HTTP process learns of this process by it.
        lifeline: at its end when the supervisor is gone; brings other keys.

    Returns:
        The exit status.

    Raises:
        ModelsError: a model file is missing or is not the one of the manifest.
        ModelError: a model cannot be used.
    """
    # The HTTP process stops its handlers by closing their sockets: a signal to the whole group must not stop them.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    logging.getLogger().handlers[:] = [LogHandler(setup.log)]
    # It only logs where a form is broken, with bytes of it.
    logging.getLogger("python_multipart").setLevel(logging.ERROR)
    for kind in ModelKind:
        try:
            setup.models.open(kind)
        except LicensingError as error:
            setup.log.event("licence_refused", "warning", reason=f"{in_words(error.stid)}: {error}")
    # A garbage collection in a child would write to every page that it visits.
    gc.collect()
    gc.freeze()
    setup.log.event("models_loaded", pid=os.getpid())
    control.sendall(ipc.MODEL_PROCESS.pack(os.getpid()))
    keys, wards = tuple(setup.keys), _Wards()
    while True:
        ready, _, _ = select.select([control, lifeline], [], [])
        if lifeline in ready:
            try:
                message, _ = ipc.receive(lifeline)
            except ipc.LostError:
                return 0
            keys = keys_of_table(message)
            wards.tell(message)
            continue
        data, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if not data:
            return 0
        for descriptor in descriptors:
            with socket.socket(fileno=descriptor) as link:
                parent = os.getpid()
                # A new handler begins with the licences of today, also where their successors are damaged.
                setup.models.licences()
                news = wards.add()
                if os.fork() == 0:
                    control.close()
                    lifeline.close()
                    wards.close()
                    _work(setup, keys, link, news, parent)
                news.close()


class _Wards:
    """The model process's ends of the sockets by which its handlers hear of other keys."""

    def __init__(self) -> None:
        self._sockets: list[socket.socket] = []

    def add(self) -> socket.socket:
        """Open one more; returns the handler's end. Those of handlers that have ended are closed."""
        for sock in select.select(self._sockets, [], [], 0)[0]:  # nobody writes to them: they are at their end
            self._sockets.remove(sock)
            sock.close()
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._sockets.append(ours)
        return theirs

    def tell(self, message: Mapping[str, Any]) -> None:
        """Send a message to every handler that lives."""
        for sock in self._sockets:
            with contextlib.suppress(ipc.LostError):
                ipc.send(sock, message)

    def close(self) -> None:
        """Close them all, in a handler."""
        for sock in self._sockets:
            sock.close()


def _work(setup: Setup, keys: tuple[Key, ...], link: socket.socket, news: socket.socket, parent: int) -> None:
    """Be a handler; ends the process."""
    status = 1
    try:
        answerer = Answerer(setup.models, keys, plain_media=setup.plain_media, phone_formats=setup.phone_formats)
        serve(link, news, answerer, setup.job_seconds, parent)
        status = 0
    finally:
        os._exit(status)


def serve(link: socket.socket, news: socket.socket, answerer: Answerer, job_seconds: float, parent: int) -> None:
    """Answer one request after the other until the HTTP process closes the link. It is told the `parent` first.

    Other keys, which come by `news`, count from the next request on.

    A request that takes too long ends the process: SIGALRM does that even inside a decoder that never returns.
    """
    try:
        ipc.send(link, {"pid": os.getpid(), "model_process": parent})
        watched = [link, news]
        while True:
            heard = select.select(watched, [], [], _IDLE_SECONDS)[0]
            if not heard:
                # A busy handler would only allocate it again. Frames of a video wait in cycles for the collector.
                gc.collect()
                give_back()
                heard = select.select(watched, [], [])[0]
            if news in heard:
                try:
                    answerer.use(keys_of_table(ipc.receive(news)[0]))
                except ipc.LostError:  # the model process has ended: another handler is about to take this one's place
                    watched.remove(news)
                continue
            head, body = ipc.receive(link)
            signal.setitimer(signal.ITIMER_REAL, job_seconds)
            answer = answerer.answer(Request(**head, body=body))
            signal.setitimer(signal.ITIMER_REAL, 0)
            facts = {"status": answer.http_status, "code": answer.code, "reason": answer.reason}
            more = {"seconds": answer.seconds, "figures": asdict(answer.figures), "steps": answer.steps}
            ipc.send(link, {**facts, **more}, answer.body)
            del head, body, answer
    except ipc.LostError:
        return
