"""The limit of open files is raised as far as the connections need it."""

from __future__ import annotations

import resource

import pytest

from senseid_service.open_files import make_room

NEEDED = 2000 + 1100
UNLIMITED = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "allowed", "put"),
    [
        (1024, 524288, NEEDED, (NEEDED, 524288)),
        (1024, UNLIMITED, NEEDED, (NEEDED, UNLIMITED)),
        (1024, 2048, 2048, (2048, 2048)),
        (1024, 1024, 1024, None),
        (NEEDED, NEEDED, NEEDED, None),
        (UNLIMITED, UNLIMITED, NEEDED, None),
    ],
)
def test_as_far_as_needed_and_allowed(soft: int, hard: int, allowed: int, put: tuple[int, int] | None) -> None:
    done: list[tuple[int, int]] = []
    assert make_room(2000, lambda _: (soft, hard), lambda _, limits: done.append(limits)) == (allowed, NEEDED)
    assert done == ([] if put is None else [put])


def test_a_system_that_refuses_is_no_failure() -> None:
    def refuse(_: int, limits: tuple[int, int]) -> None:
        raise ValueError(limits)

    assert make_room(2000, lambda _: (256, UNLIMITED), refuse) == (256, NEEDED)
