"""Working ahead of the consumer of an iterator."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from senseid_engine.prefetch import ahead

if TYPE_CHECKING:
    from collections.abc import Iterator


def test_all_items_in_order() -> None:
    assert list(ahead(iter(range(50)))) == list(range(50))
    assert list(ahead(iter([None, 0, ""]))) == [None, 0, ""]
    assert list(ahead(iter(()))) == []


def test_an_error_comes_where_the_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise ValueError("third")

    items = ahead(broken())
    assert [next(items), next(items)] == [1, 2]
    with pytest.raises(ValueError, match="third"):
        next(items)


def test_one_item_is_made_ahead_and_no_more() -> None:
    made: list[int] = []
    second = threading.Event()

    def source() -> Iterator[int]:
        for i in range(100):
            made.append(i)
            if i == 1:
                second.set()
            yield i

    items = ahead(source())
    assert next(items) == 0
    assert second.wait(5)
    assert made == [0, 1]
    items.close()
    assert made == [0, 1]


def test_the_thread_ends_with_the_items() -> None:
    before = threading.active_count()
    items = ahead(iter(range(10**9)))
    next(items)
    assert threading.active_count() == before + 1
    items.close()
    assert threading.active_count() == before
    assert list(ahead(iter(range(3)))) == [0, 1, 2]
    assert threading.active_count() == before
