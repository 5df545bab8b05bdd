"""Work without models: what matters here is who is asked, how often, and in which order the answers come."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar

import pytest

from senseid_cli.batch.work import Medium, refusal_of
from senseid_cli.batch.work_queue import NoCache, WorkQueue

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterator, Mapping
    from pathlib import Path


@dataclass(frozen=True)
class Length:
    """How long a file is."""

    medium: ClassVar[Medium] = Medium.PHOTO
    identity: str = "length"
    needs: tuple[Any, ...] = ()
    model_kinds: frozenset[Any] = frozenset()

    def run(self, models: Any, data: bytes) -> int:
        if isinstance(models, Exception):
            raise models
        return len(data)


@dataclass(frozen=True)
class Sum:
    """How long two files are together, or three."""

    name: ClassVar[str] = "sum"
    columns: ClassVar[tuple[str, ...]] = ("sum",)
    optional: ClassVar[frozenset[str]] = frozenset({"first_2"})

    @property
    def works(self) -> Mapping[str, Length]:
        return {"first": Length(), "first_2": Length(), "second": Length()}

    def conclude(self, outcomes: Mapping[str, int]) -> dict[str, Any]:
        return {"sum": sum(outcomes.values())}


@dataclass
class Counting:
    """Does work in this process and writes down what; may be held up."""

    slots: int = 2
    seen: list[bytes] = field(default_factory=list)
    error: Exception | None = None
    held: dict[bytes, threading.Event] = field(default_factory=dict)

    def run(self, work: Length, data: bytes, digest: str) -> Any:
        self.seen.append(data)
        if data in self.held:
            self.held[data].wait(10)
        try:
            return work.run(self.error, data)
        except Exception as error:
            return refusal_of(error)

    def close(self) -> None:
        for event in self.held.values():
            event.set()


@pytest.fixture
def executor() -> Counting:
    return Counting()


@pytest.fixture
def queue(executor: Counting) -> Iterator[WorkQueue]:
    def read(path: Path, medium: Medium) -> bytes:
        from senseid_cli import media

        return media.read_bytes(str(path), most=1000, what=medium)

    queue = WorkQueue(executor, read, NoCache())
    yield queue
    queue.close()
