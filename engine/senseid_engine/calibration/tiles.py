"""Parts of the matrix of similarities, so that it need never be held whole."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy.typing as npt

T = TypeVar("T")

# float32 or float64, (first, second); higher is more alike.
Similarities = Callable[[Sequence[T], Sequence[T]], npt.NDArray[Any]]

TILE_ROWS = 256


@dataclass(frozen=True, slots=True)
class Tile:
    """A rectangle of the matrix of similarities.

    Attributes:
        row: number of its first row.
        column: number of its first column.
        z: float (rows, columns). Values at or below the matrix's diagonal are ignored.
    """

    row: int
    column: int
    z: npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tiled:
    """A matrix of similarities in tiles, to be iterated once.

    Attributes:
        rows: sum of the rows of all tiles, for progress.
        tiles: cover each pair row < column exactly once.
    """

    rows: int
    tiles: Iterable[Tile]


def tile_templates(templates: Sequence[T], similarities: Similarities[T], *, rows: int = TILE_ROWS) -> Tiled:
    """Compare every template with every later one.

    Args:
        templates: one per photo.
        similarities: similarities of two sequences of templates.
        rows: rows of a tile; `rows * len(templates)` similarities are held at a time.
    """
    size = len(templates)
    tiles = (
        Tile(start, start, similarities(templates[start : start + rows], templates[start:]))
        for start in range(0, size, rows)
    )
    return Tiled(size, tiles)
