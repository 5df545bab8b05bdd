"""Working ahead: the next item of an iterator is made while the last one is used."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Final, TypeVar, cast

if TYPE_CHECKING:
    from collections.abc import Iterator

T = TypeVar("T")

_END: Final = object()


def ahead(items: Iterator[T]) -> Iterator[T]:
    """The same items in the same order, each made by a thread of its own while the one before is used.

    What the iterator raises is raised where the item would have come. The thread ends with the items, or when the
    generator is closed, once the item that it is at is made.

    Args:
        items: to take from; nobody else may.
    """
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as pool:
        coming = pool.submit(next, items, _END)
        while (item := coming.result()) is not _END:
            coming = pool.submit(next, items, _END)
            yield cast("T", item)
