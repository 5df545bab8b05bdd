"""Pieces of work in bundles, given to a Dask that does them at once; the real one is in `tests/e2e`."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from senseid.batch_errors import ClusterError
from senseid.remote_error import RemoteError
from senseid_cli.batch.cluster import BUNDLES_A_THREAD, BYTES_A_BUNDLE, MOST_SLOTS, PHOTOS_A_BUNDLE, Cluster
from senseid_cli.batch.work import Medium
from senseid_licensing.errors import LicenceMissingError
from tests.cli.batch.conftest import Length

if TYPE_CHECKING:
    from collections.abc import Sequence

pytest.importorskip("distributed")

from distributed import CancelledError
from distributed.comm import CommClosedError


class Film(Length):
    medium: ClassVar[Medium] = Medium.VIDEO


class Unlicensed(Length):
    def run(self, models: Any, data: bytes) -> Any:
        return RemoteError.of(LicenceMissingError("there is none", remedy="get one"), "tcp://198.18.0.2:1")


@dataclass
class Task:
    """What Dask promises.

    Attributes:
        results: of its pieces; an error is raised in their place.
        status: at its end; None: it has none.
    """

    results: list[Any] | Exception
    status: str | None


@dataclass
class Dask:
    """A client whose workers answer with the length of each piece.

    Attributes:
        tasks: the pieces of each.
        error: of each task, instead of an answer.
        end: the status of tasks that have an error; None: it is raised as a task is handed over.
        status: of the client; tasks never end unless it is running.
    """

    tasks: dict[str, list[Any]] = field(default_factory=dict)
    error: Exception | None = None
    end: str | None = "error"
    status: str = "running"

    @property
    def loop(self) -> SimpleNamespace:
        return SimpleNamespace(asyncio_loop=LOOP)

    def submit(self, _: Any, plugin: str, pieces: list[Any], *, key: str) -> Task:
        assert key not in self.tasks, "Dask gives work of one name once"
        self.tasks[key] = pieces
        if self.error is not None:
            if self.end is None:
                raise self.error
            return Task(self.error, self.end)
        return Task([work.run(None, data) for work, data in pieces], "finished")

    async def gather(self, task: Task, *, asynchronous: bool) -> list[Any]:
        assert asynchronous
        if self.status != "running":
            await asyncio.Event().wait()
        if isinstance(task.results, Exception):
            raise task.results
        return task.results


LOOP = asyncio.new_event_loop()
threading.Thread(target=LOOP.run_forever, daemon=True).start()


@pytest.fixture
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No bundle leaves before it is full."""
    monkeypatch.setattr("senseid_cli.batch.cluster.SECONDS_TO_FILL", 60)


def run_all(cluster: Cluster, works: list[Length], sizes: Sequence[int] = range(1000)) -> list[Any]:
    """Work on files of such sizes, in bytes, as many at a time as the cluster takes."""
    with ThreadPoolExecutor(cluster.slots) as pool:
        given = enumerate(zip(works, sizes, strict=False))
        asked = [pool.submit(cluster.run, work, bytes(size), str(i)) for i, (work, size) in given]
        return [future.result() for future in asked]


@pytest.mark.parametrize(("threads", "slots"), [(1, 1), (1, 3), (2, 16), (2, None)])
def test_each_piece_has_its_own_result_in_whatever_bundle(threads: int, slots: int | None) -> None:
    dask = Dask()
    assert run_all(Cluster(dask, "plugin", threads, slots), [Length()] * 301) == list(range(301))
    sizes = [len(pieces) for pieces in dask.tasks.values()]
    assert sum(sizes) == 301
    assert max(sizes) <= min(slots or PHOTOS_A_BUNDLE, PHOTOS_A_BUNDLE)
    assert all(key.startswith("plugin-") for key in dask.tasks)


def test_as_many_photos_as_fit_are_one_task(patient: None) -> None:
    dask = Dask()
    cluster = Cluster(dask, "plugin", 1, BUNDLES_A_THREAD * PHOTOS_A_BUNDLE)
    assert run_all(cluster, [Length()] * PHOTOS_A_BUNDLE) == list(range(PHOTOS_A_BUNDLE))
    assert len(dask.tasks) == 1


def test_photos_that_are_large_travel_in_small_company(patient: None) -> None:
    dask = Dask()
    half = BYTES_A_BUNDLE // 2
    assert run_all(Cluster(dask, "plugin", 1), [Length()] * 6, [half] * 6) == [half] * 6
    assert [len(pieces) for pieces in dask.tasks.values()] == [2, 2, 2]


@pytest.mark.parametrize("threads", [1, 8, 40, 1000])
def test_there_is_work_for_every_thread_of_the_workers(threads: int) -> None:
    cluster = Cluster(Dask(), "plugin", threads)
    assert cluster.slots <= max(MOST_SLOTS, BUNDLES_A_THREAD * threads)
    assert cluster.slots // cluster.most >= BUNDLES_A_THREAD * threads


def test_few_photos_under_way_are_shared_by_the_threads_of_the_workers() -> None:
    assert Cluster(Dask(), "plugin", 8, 16).most == 1
    assert Cluster(Dask(), "plugin", 8, 64).most == 4


def test_videos_travel_alone() -> None:
    dask = Dask()
    assert run_all(Cluster(dask, "plugin", 1, 8), [Film(), Length()] * 20) == list(range(40))
    assert all(len(pieces) == 1 for pieces in dask.tasks.values() if any(type(work) is Film for work, _ in pieces))


def test_what_a_worker_lacks_is_raised_for_its_piece_alone() -> None:
    cluster = Cluster(Dask(), "plugin", 1, 4)
    with ThreadPoolExecutor(2) as pool:
        refused, done = pool.submit(cluster.run, Unlicensed(), b"", "0"), pool.submit(cluster.run, Length(), b"1", "1")
        with pytest.raises(LicenceMissingError, match=r"worker tcp://198\.18\.0\.2:1: there is none"):
            refused.result()
        assert done.result() == 1


@pytest.mark.parametrize(
    ("error", "end"),
    [
        (CancelledError("x"), "cancelled"),
        (CommClosedError("while what is done is fetched"), "finished"),
        (RuntimeError("what a closed client raises, by whatever name"), None),
        (AttributeError("'NoneType' object has no attribute 'gather'"), "finished"),
    ],
)
def test_a_lost_scheduler_is_told_to_every_thread_that_waits(error: Exception, end: str | None) -> None:
    cluster = Cluster(Dask(error=error, end=end), "plugin", 1)
    with ThreadPoolExecutor(PHOTOS_A_BUNDLE) as pool:
        asked = [pool.submit(cluster.run, Length(), b"", str(i)) for i in range(PHOTOS_A_BUNDLE)]
        for future in asked:
            with pytest.raises(ClusterError, match="the scheduler ended the work"):
                future.result()


def test_what_is_promised_while_the_scheduler_is_lost_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("senseid_cli.batch.cluster.SECONDS_TO_LOOK", 0.01)
    with pytest.raises(ClusterError, match="the scheduler ended the work"):
        Cluster(Dask(status="connecting"), "plugin", 1).run(Length(), b"", "0")


def test_a_client_that_another_thread_has_closed_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    closed = asyncio.new_event_loop()
    closed.close()
    monkeypatch.setattr("tests.cli.batch.test_cluster.LOOP", closed)
    with pytest.raises(ClusterError, match="the scheduler ended the work"):
        Cluster(Dask(), "plugin", 1).run(Length(), b"", "0")


def test_an_error_of_the_work_itself_stays_what_it_is() -> None:
    with pytest.raises(ZeroDivisionError):
        Cluster(Dask(error=ZeroDivisionError("x")), "plugin", 1).run(Length(), b"", "0")
