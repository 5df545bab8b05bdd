"""Parts of the matrix of similarities, so that it need never be held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations_with_replacement
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
import numpy.typing as npt

from senseid_engine.errors import CalibrationError

T = TypeVar("T")
C = TypeVar("C")

# float32 or float64, (first, second); higher is more alike.
Similarities = Callable[[Sequence[T], Sequence[T]], npt.NDArray[Any]]

TILE_ROWS = 256
LEAST_GROUPS = 3


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the matrix of similarities.

    Attributes:
        row: number of its first row.
        column: number of its first column.
        z: float (rows, columns). Values at or below the matrix's diagonal are not looked at.
    """

    row: int
    column: int
    z: npt.NDArray[Any]


class SimilarityMatrix(Protocol):
    """A whole matrix that gives itself by rows: an array, a memory-mapped file, a function behind a class."""

    def __len__(self) -> int:
        """How many rows, and columns, it has."""

    def __getitem__(self, rows: slice, /) -> npt.NDArray[Any]:
        """The rows of a slice, float (rows, all columns)."""


@dataclass(frozen=True, slots=True)
class Tiled:
    """A matrix of similarities in tiles, to be walked over once.

    Attributes:
        order: int64 (photos,), which photo each row, and column, of the matrix belongs to.
        rows: sum of the rows of all tiles, for those who show progress.
        tiles: cover each pair row < column exactly once.
    """

    order: npt.NDArray[np.int64]
    rows: int
    tiles: Iterable[Tile]


def tile_matrix(matrix: SimilarityMatrix, *, rows: int = TILE_ROWS) -> Tiled:
    """A matrix that is there already, `rows` at a time."""
    size = len(matrix)
    tiles = (Tile(start, 0, matrix[start : start + rows]) for start in range(0, size, rows))
    return Tiled(np.arange(size), size, tiles)


def tile_templates(templates: Sequence[T], similarities: Similarities[T], *, rows: int = TILE_ROWS) -> Tiled:
    """Compares every template with every later one.

    Args:
        templates: one a photo.
        similarities: normalised similarities of two sequences of templates.
        rows: rows of a tile; `rows * len(templates)` similarities are held at a time.
    """
    size = len(templates)
    tiles = (
        Tile(start, start, similarities(templates[start : start + rows], templates[start:]))
        for start in range(0, size, rows)
    )
    return Tiled(np.arange(size), size, tiles)


@dataclass(frozen=True, slots=True)
class OwnCohort(Generic[T, C]):
    """How a pair is normalised by a cohort that does not know its people.

    Attributes:
        groups: number of random groups that the people are put into, at least 3. A pair from the groups (a, b) meets
            the cohort made of the people of all other groups.
        cohort_of: makes a cohort of people, given by their numbers, int64 (n,), ascending.
        renormalise: the same templates, normalised by another cohort.
    """

    groups: int
    cohort_of: Callable[[npt.NDArray[np.int64]], C]
    renormalise: Callable[[C, Sequence[T]], Sequence[T]]


def tile_with_own_cohort(
    templates: Sequence[T],
    people: npt.NDArray[np.int32],
    own: OwnCohort[T, C],
    similarities: Similarities[T],
    rng: np.random.Generator,
    *,
    rows: int = TILE_ROWS,
) -> Tiled:
    """Compares every template with every later one, each pair normalised by a cohort without its own people.

    Args:
        templates: one a photo.
        people: int32 (photos,), the person of each.
        own: groups and cohorts.
        similarities: normalised similarities of two sequences of templates.
        rng: where the groups come from.
        rows: rows of a tile.

    Raises:
        CalibrationError: fewer than three groups, which would leave nobody for a cohort, or fewer people than groups.
    """
    present, person = np.unique(people, return_inverse=True)
    if own.groups < LEAST_GROUPS:
        raise CalibrationError("own cohort", f"needs at least {LEAST_GROUPS} groups of people, not {own.groups}")
    if len(present) < own.groups:
        raise CalibrationError("own cohort", f"{len(present)} people cannot make {own.groups} groups")
    group = np.empty(len(present), np.int64)
    group[rng.permutation(len(present))] = np.arange(len(present)) % own.groups
    order = np.argsort(group[person], kind="stable")
    starts = np.searchsorted(group[person][order], np.arange(own.groups + 1))
    parts = [[templates[photo] for photo in order[starts[g] : starts[g + 1]]] for g in range(own.groups)]

    def tiles() -> Iterator[Tile]:
        for a, b in combinations_with_replacement(range(own.groups), 2):
            cohort = own.cohort_of(present[(group != a) & (group != b)].astype(np.int64))
            first = own.renormalise(cohort, parts[a])
            second = first if a == b else own.renormalise(cohort, parts[b])
            for start in range(0, len(first), rows):
                z = similarities(first[start : start + rows], second)
                yield Tile(int(starts[a]) + start, int(starts[b]), z)

    return Tiled(order, sum(len(part) * (own.groups - index) for index, part in enumerate(parts)), tiles())
