"""Every photo is read and encoded once, however many rows name it and under however many names."""

from __future__ import annotations

import hashlib
import threading
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from senseid_cli.batch.work import refusal_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_cli.batch.executors import Executor
    from senseid_cli.batch.work import Medium, Work


class ResultCache(Protocol):
    """Results that outlive the run."""

    def get(self, work: Work, digest: str) -> Any | None:
        """Return the result of the work for a photo of this SHA-256; None if it is not kept."""

    def put(self, work: Work, digest: str, result: Any) -> None:
        """Keep what it gave."""


class NoCache:
    """The default: nothing outlives the run."""

    def get(self, work: Work, digest: str) -> None:
        """Nothing is kept."""

    def put(self, work: Work, digest: str, result: Any) -> None:
        """Keep nothing."""


@dataclass(slots=True)
class Counts:
    """Counters of a run.

    Attributes:
        worked: pieces of work done.
        kept: results taken from earlier runs.
    """

    worked: int = 0
    kept: int = 0


class WorkQueue:
    """Takes paths, gives results.

    A result is known by the SHA-256 of the bytes, decrypted, and by the work. Within a run a path is read once: what
    is in the file then counts.
    """

    def __init__(self, executor: Executor, read: Callable[[Path, Medium], bytes], cache: ResultCache) -> None:
        """Open the queue; `close` closes it.

        Args:
            executor: does the work.
            read: gives the bytes of a photo or video, decrypted.
            cache: results of earlier runs.
        """
        self.counts = Counts()
        self._executor = executor
        self._read = read
        self._cache = cache
        self._pool = ThreadPoolExecutor(executor.slots, thread_name_prefix="senseid-batch")
        self._by_path: dict[tuple[str, str], Future[Any]] = {}
        self._by_content: dict[tuple[str, str], Future[Any]] = {}
        self._lock = threading.Lock()

    def ask(self, path: Path, work: Work) -> Future[Any]:
        """The result of work on a file, or its `Refusal`, some time. To be called from one thread."""
        key = (str(path), work.identity)
        asked = self._by_path.get(key)
        if asked is None:
            asked = self._by_path[key] = self._pool.submit(self._do, path, work)
        return asked

    def close(self) -> None:
        """Give up what has not begun, and wait for the rest."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._executor.close()  # ends what is under way elsewhere, so that there is less to wait for
        self._pool.shutdown()

    def _do(self, path: Path, work: Work) -> Any:
        try:
            data = self._read(path, work.medium)
        except Exception as error:
            return refusal_of(error)
        digest = hashlib.sha256(data).hexdigest()
        mine: Future[Any] = Future()
        with self._lock:
            known = self._by_content.setdefault((digest, work.identity), mine)
        if known is not mine:
            return known.result()  # its owner is a thread that is at work
        try:
            result = self._once(work, data, digest)
        except BaseException as error:
            mine.set_exception(error)
            raise
        mine.set_result(result)
        return result

    def _once(self, work: Work, data: bytes, digest: str) -> Any:
        kept = self._cache.get(work, digest)
        if kept is not None:
            with self._lock:
                self.counts.kept += 1
            return kept
        result = self._executor.run(work, data, digest)
        with self._lock:
            self.counts.worked += 1
        self._cache.put(work, digest, result)
        return result
