"""The work on other machines, by a Dask cluster that is there already.

Photos travel as bytes, decrypted here, and templates come back: no machine needs to see the same disk, and no key
leaves this one. Each machine opens its models under licences of its own. Dask gives the work of a worker that dies to
another; a piece of work has one name and one answer, however often it was begun.

Photos go in bundles: to hand out a task takes Dask 5 ms of a processor, an eighth of what a photo takes, and what
takes up its result waits for the interpreter beside the work.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import threading
from concurrent.futures import Future, wait
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from senseid import installation
from senseid.batch_errors import ClusterError
from senseid.version import __version__
from senseid_cli.batch.work import Medium

if TYPE_CHECKING:
    from senseid.models import ModelKind
    from senseid_cli.batch.work import Work
    from senseid_engine.device import Device

SECONDS_TO_CONNECT = 10
PHOTOS_A_BUNDLE = 16
BYTES_A_BUNDLE = 1_000_000
"""A bundle that holds so many is full: photos that are large take longer, and gain nothing from company."""
BUNDLES_A_THREAD = 2
"""So many for each thread of the workers are under way: one is worked on while the next is sent."""
MOST_SLOTS = 1024
"""Each is a thread here. Where there are more threads of workers to feed, the bundles are smaller."""
SECONDS_TO_FILL = 0.01
SECONDS_TO_LOOK = 1
"""So often what waits for a result looks whether the scheduler is still there."""
SECONDS_TO_LEAVE = 3
"""So long is waited for the scheduler when the run has ended: one that hangs would keep it for ever."""


@dataclass(slots=True)
class _Bundle:
    """Pieces of work that one task does.

    Attributes:
        pieces: what is done with which bytes.
        size: of these bytes together.
        names: equal for equal pieces, and no others.
        full: set when nothing is to be added.
        results: of the pieces, in their order.
    """

    pieces: list[tuple[Work, bytes]] = field(default_factory=list)
    size: int = 0
    names: list[str] = field(default_factory=list)
    full: threading.Event = field(default_factory=threading.Event)
    results: Future[list[Any]] = field(default_factory=Future)


class Cluster:
    """The executor whose work is done by the workers of a scheduler.

    Attributes:
        slots: pieces of work under way at the same time.
        most: photos that one task works on, one after another.
    """

    def __init__(self, client: Any, plugin: str, threads: int, slots: int | None = None) -> None:
        """Called by `connect`.

        Args:
            client: of Dask.
            plugin: the name of the `Machine` on the workers.
            threads: of all workers.
            slots: pieces of work under way at the same time; as many as keep these threads busy by default.
        """
        self._client = client
        self._plugin = plugin
        bundles = BUNDLES_A_THREAD * threads
        self.slots = slots or max(bundles, min(PHOTOS_A_BUNDLE * bundles, MOST_SLOTS))
        self.most = max(1, min(PHOTOS_A_BUNDLE, self.slots // bundles))
        self._open: _Bundle | None = None
        self._lock = threading.Lock()

    @classmethod
    def connect(cls, address: str, model_kinds: frozenset[ModelKind], slots: int | None, device: Device) -> Cluster:
        """Use the cluster of a scheduler.

        Args:
            address: such as `tcp://10.0.0.1:8786`.
            model_kinds: the models that the work needs.
            slots: pieces of work under way at the same time; as the workers have threads by default.
            device: where their networks run.

        Raises:
            ClusterError: Dask is not installed, the scheduler does not answer, or it has no worker.
        """
        try:
            import dask
            from distributed import Client

            from senseid_cli.batch.machine import Machine
        except ImportError:
            raise ClusterError("--scheduler needs Dask", remedy="install the extra `dask` of senseid") from None
        connection = _check_address(address)
        # What goes wrong is told once, by an error of ours. Dask would log it beside that, with tracebacks, and also
        # what comes of breaking off a run.
        for name in ("distributed", "distributed.client"):
            logging.getLogger(name).setLevel(logging.CRITICAL)
        # A video of 16 MB is no mistake, as Dask would warn.
        dask.config.set({"distributed.admin.large-graph-warning-threshold": "64MB"})
        try:
            _check_answer(address, connection)
            client: Any = Client(address, timeout=SECONDS_TO_CONNECT, set_as_default=False)  # type: ignore[no-untyped-call]
        except (OSError, ValueError) as error:  # a TimeoutError is an OSError
            raise ClusterError(
                f"no Dask scheduler answers at {address}",
                remedy="start one with `dask scheduler`, or check the address",
            ) from error
        try:
            client.wait_for_workers(1, timeout=SECONDS_TO_CONNECT)
            run = f"senseid-{installation.new_request_id()}"
            machine = Machine(run, __version__, installation.models_digest(), model_kinds, device)
            client.register_plugin(machine, name=machine.name)
            threads = sum(client.nthreads().values())
        except TimeoutError as error:
            client.close()
            raise ClusterError(
                f"the scheduler at {address} has no worker", remedy=f"start some with `dask worker {address}`"
            ) from error
        return cls(client, machine.name, threads, slots)

    def run(self, work: Work, data: bytes, digest: str) -> Any:
        """Run work on the cluster.

        Raises:
            ClusterError: several workers died over this photo or those beside it, or the scheduler is gone.
        """
        from senseid.remote_error import RemoteError

        # A video takes a worker seconds, and has nothing to gain.
        most = self.most if work.medium == Medium.PHOTO else 1
        with self._lock:
            bundle = self._open if most > 1 and self._open is not None else _Bundle()
            place = len(bundle.pieces)
            bundle.pieces.append((work, data))
            bundle.size += len(data)
            bundle.names.append(f"{work.identity} {digest}")
            if place + 1 == most or bundle.size >= BYTES_A_BUNDLE:
                bundle.full.set()
            if most > 1:
                self._open = None if bundle.full.is_set() else bundle
        if place == 0:
            self._send(bundle)
        result = bundle.results.result()[place]
        if isinstance(result, RemoteError):
            raise result.revive()
        return result

    def _send(self, bundle: _Bundle) -> None:
        """Have a bundle worked on when it is full, or in a moment."""
        if not bundle.full.wait(SECONDS_TO_FILL):
            with self._lock:
                if self._open is bundle:
                    self._open = None
        try:
            bundle.results.set_result(self._work(bundle))
        except BaseException as error:  # as each thread that waits shall see it
            bundle.results.set_exception(error)

    def _work(self, bundle: _Bundle) -> list[Any]:
        from distributed import KilledWorker

        from senseid_cli.batch.machine import work_here

        key = f"{self._plugin}-{hashlib.sha256(' '.join(bundle.names).encode()).hexdigest()}"
        task = None
        try:
            task = self._client.submit(work_here, self._plugin, bundle.pieces, key=key)
            return self._result_of(task)
        except KilledWorker as error:
            raise ClusterError(
                "several workers died over one photo", remedy="see their logs; --resume goes on with the run"
            ) from error
        except (Exception, asyncio.CancelledError) as error:
            if task is not None and task.status == "error":
                raise  # by the work itself
            # As the scheduler goes, Dask raises whatever its client was about to do: cancelled, closed, a lost
            # connection, an attribute of None.
            raise ClusterError(
                "the scheduler ended the work, or was lost",
                remedy="see its log, start it again where it is gone; --resume goes on with the run",
            ) from error

    def _result_of(self, task: Any) -> list[Any]:
        """Wait for the result of a task.

        Dask's own `result` waits for ever where the client loses its scheduler, or is closed by the thread that ends
        the run, while it is called.

        Raises:
            ConnectionError: the scheduler is lost, or the run has ended.
            Exception: what the task or Dask raised.
        """
        gathering = self._client.gather(task, asynchronous=True)
        try:
            gathered = asyncio.run_coroutine_threadsafe(gathering, self._client.loop.asyncio_loop)
        except RuntimeError:  # the loop is closed
            gathering.close()
            raise
        while not wait([gathered], SECONDS_TO_LOOK).done:
            if self._client.status != "running":
                raise ConnectionError("the client has no scheduler any more")
        results: list[Any] = gathered.result()
        return results

    def close(self) -> None:
        """Leave the cluster as it was; work under way is cancelled."""
        with suppress(Exception):  # the scheduler may be what ended the run, and Dask's client be half closed
            leave = self._client.scheduler.unregister_worker_plugin
            self._client.sync(leave, name=self._plugin, callback_timeout=SECONDS_TO_LEAVE)
        with suppress(TimeoutError):
            self._client.close(timeout=SECONDS_TO_LEAVE)


def _check_answer(address: str, connection: dict[str, Any]) -> None:
    """Shake hands. Dask's client would wait for ever for what answers in another language, such as its own dashboard.

    Raises:
        OSError, ValueError, TimeoutError: no scheduler or worker is there.
    """
    from distributed.comm.core import connect

    async def shake_hands() -> None:
        comm: Any = await connect(address, timeout=SECONDS_TO_CONNECT, **connection)  # type: ignore[no-untyped-call]
        await comm.close()

    asyncio.run(asyncio.wait_for(shake_hands(), SECONDS_TO_CONNECT))


def _check_address(address: str) -> dict[str, Any]:
    """Refuse what Dask cannot use. Its client would leave a thread behind, and a traceback 20 seconds later.

    Returns:
        How Dask connects to it, with its certificates where it has some.

    Raises:
        ClusterError: it is no address, or Dask's settings for TLS do not fit it.
    """
    from urllib.parse import urlsplit

    from distributed.security import Security

    remedy = "give it as tcp://HOST:8786, or tls://HOST:8786"
    try:
        parts = urlsplit(address if "://" in address else f"tcp://{address}")
        usable = parts.scheme in {"tcp", "tls"} and bool(parts.hostname) and parts.port is not None
    except ValueError:
        usable = False
    if "@" in address:  # which is not repeated: a password may stand before it
        raise ClusterError("the address of a Dask scheduler has no user and no password", remedy=remedy)
    if not usable:
        raise ClusterError(f"{address!r} is no address of a Dask scheduler", remedy=remedy)
    remedy = "see Dask's settings distributed.comm.tls and distributed.comm.require-encryption"
    try:
        security = Security()  # type: ignore[no-untyped-call]
        connection: dict[str, Any] = security.get_connection_args("client")  # type: ignore[no-untyped-call]
    except (OSError, ValueError, TypeError) as error:
        raise ClusterError("Dask's files for TLS cannot be used", remedy=remedy) from error
    if parts.scheme == "tls" and connection.get("ssl_context") is None:
        raise ClusterError(f"{address} needs TLS, and Dask has no certificates", remedy=remedy)
    if parts.scheme == "tcp" and security.require_encryption:
        raise ClusterError(f"{address} is not encrypted, and Dask's settings ask for it", remedy=remedy)
    return connection
