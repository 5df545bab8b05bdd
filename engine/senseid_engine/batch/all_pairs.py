"""All pairs of many faces that reach a similarity, block by block: memory does not grow with the number of pairs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.template import similarities

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_engine.arrays import Doubles, Floats
    from senseid_engine.template import Template

EPSILON = float(np.finfo(np.float32).eps)
ROWS = 512
COLUMNS = 2048
"""A block's similarities, with intermediate results, stay within about 20 MB."""


@dataclass(frozen=True, slots=True)
class RowHits:
    """The pairs of one face of the first pack that reach the similarity.

    Attributes:
        row: its number in the first pack.
        columns: int64 (hits,), their numbers in the second pack, rising.
        similarities: float64 (hits,), bit-identical to those of `template.similarities`.
    """

    row: int
    columns: np.ndarray[tuple[int], np.dtype[np.int64]]
    similarities: Doubles


def pairs_over(
    first: Sequence[Template], second: Sequence[Template], least: float, *, triangle: bool = False, start: int = 0
) -> Iterator[RowHits]:
    """The pairs whose similarity is at least `least`, row by row.

    The matrix products only discard pairs that are clearly below; the rest is computed again, in double precision and
    in the order of `template.similarities`, so that a pair has the same similarity wherever it is compared.

    Args:
        first: templates, at least one.
        second: templates, at least one; the same as `first` for all against all of one set.
        least: the lowest similarity that counts; minus infinity for all pairs.
        triangle: only pairs with a column after the row's number: each pair once, and no face with itself.
        start: the first row.
    """
    embeddings = _matrix(first)
    others = embeddings if second is first else _matrix(second)
    for top in range(start, len(first), ROWS):
        rows = embeddings[top : top + ROWS]
        found: list[list[np.ndarray[tuple[int], np.dtype[np.int64]]]] = [[] for _ in range(len(rows))]
        for left in range(0, len(second), COLUMNS):
            right = min(left + COLUMNS, len(second))
            if triangle and right <= top + 1:
                continue
            near, error = approximate(rows, others[left:right])
            over = near >= np.float32(least - error)
            for i in map(int, np.flatnonzero(over.any(axis=1))):
                columns = left + np.flatnonzero(over[i])
                found[i].append(columns[columns > top + i] if triangle else columns)
        for i, columns_of_row in enumerate(found):
            yield _exact(first, second, least, top + i, columns_of_row)


def approximate(first: Floats, second: Floats) -> tuple[Floats, float]:
    """The similarities of all pairs by a matrix product in single precision.

    The error of a product of two unit vectors of n numbers is at most n x epsilon, of one that is rounded at the end
    one epsilon more: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1.

    Args:
        first: float32 (first, dimensions), embeddings.
        second: float32 (second, dimensions), likewise.

    Returns:
        float32 (first, second), and by how much any of them may differ from `template.similarities`.
    """
    return first @ second.T, 2 * EPSILON * (first.shape[1] + 1)


def _matrix(templates: Sequence[Template]) -> Floats:
    return np.stack([template.embedding for template in templates])


def _exact(
    first: Sequence[Template],
    second: Sequence[Template],
    least: float,
    row: int,
    candidates: list[np.ndarray[tuple[int], np.dtype[np.int64]]],
) -> RowHits:
    columns = np.concatenate(candidates) if candidates else np.empty(0, np.int64)
    values = np.empty(0)
    if len(columns):
        # A part at a time: the embeddings are copied to double precision.
        others = [columns[i : i + COLUMNS] for i in range(0, len(columns), COLUMNS)]
        values = np.concatenate([similarities([first[row]], [second[j] for j in some])[0] for some in others])
    hits = values >= least
    return RowHits(row, columns[hits], values[hits])
