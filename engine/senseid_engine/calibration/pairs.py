"""Gathers the similarities of all pairs, or of listed ones, from tiles of the matrix."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from senseid_engine.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from senseid_engine.calibration.tiles import Tile

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class PairScores:
    """Similarities of pairs of photos.

    Attributes:
        z: float32 (n,), normalised similarities; -inf where a photo could not be compared.
        first: int32 (n,), the person of one photo.
        second: int32 (n,), the person of the other.
    """

    z: Floats
    first: Ints
    second: Ints

    def __len__(self) -> int:
        return len(self.z)

    def only(self, wanted: Bools) -> PairScores:
        """The pairs for which `wanted`, bool (n,), is true."""
        return PairScores(self.z[wanted], self.first[wanted], self.second[wanted])

    def with_failures(self, people: Ints) -> PairScores:
        """These pairs and one of similarity -inf for each of `people`, whose photo could not be compared."""
        failed = np.full(len(people), -np.inf, np.float32)
        return PairScores(
            np.concatenate([self.z, failed]),
            np.concatenate([self.first, people]),
            np.concatenate([self.second, people]),
        )


@dataclass(frozen=True, slots=True)
class ListedPairs:
    """Chosen pairs of photos.

    Attributes:
        first: int32 (n,), number of one photo.
        second: int32 (n,), number of the other, a different photo.
    """

    first: Ints
    second: Ints


@dataclass(frozen=True, slots=True)
class Gathered:
    """The result of one pass over the matrix.

    Attributes:
        genuine: all pairs of photos of the same person.
        impostor: all pairs of photos of different people.
        listed: float32 (n,), similarities of the listed pairs, in their order.
    """

    genuine: PairScores
    impostor: PairScores
    listed: Floats


def gather(people: Ints, tiles: Iterable[Tile], listed: ListedPairs) -> Gathered:
    """Keep the similarity of every pair in one pass over the tiles.

    12 bytes per pair are held, and one tile at a time.

    Args:
        people: int32 (photos,), the person of each photo.
        tiles: parts of the matrix that cover each pair of photos row < column exactly once.
        listed: pairs of the same photos whose similarities are wanted as well.

    Raises:
        CalibrationError: a similarity is not a finite number.
        ValueError: the tiles do not cover each pair once.
    """
    of_person = np.bincount(people).astype(np.int64)
    same = int((of_person * (of_person - 1) // 2).sum())
    genuine = _Store(same)
    impostor = _Store(len(people) * (len(people) - 1) // 2 - same)
    picked = np.full(len(listed.first), np.nan, np.float32)
    low, high = np.minimum(listed.first, listed.second), np.maximum(listed.first, listed.second)
    for tile in tiles:
        z = np.asarray(tile.z, np.float32)
        rows = np.arange(tile.row, tile.row + z.shape[0])
        columns = np.arange(tile.column, tile.column + z.shape[1])
        upper = rows[:, None] < columns[None, :]
        if not np.isfinite(z[upper]).all():
            raise CalibrationError("similarities", "one of them is not a finite number: do the models fit together?")
        a, b = np.broadcast_arrays(people[rows][:, None], people[columns][None, :])
        alike = a == b
        for store, mask in ((genuine, upper & alike), (impostor, upper & ~alike)):
            store.add(PairScores(z[mask], a[mask], b[mask]))
        here = (low >= rows[0]) & (low <= rows[-1]) & (high >= columns[0]) & (high <= columns[-1])
        picked[here] = z[low[here] - tile.row, high[here] - tile.column]
    if np.isnan(picked).any():
        raise ValueError("the tiles leave out a listed pair")
    return Gathered(genuine.done(), impostor.done(), picked)


class _Store:
    """Arrays of a known length, filled part by part, so that nothing is held twice."""

    def __init__(self, size: int) -> None:
        self._pairs = PairScores(np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, np.int32))
        self._filled = 0

    def add(self, part: PairScores) -> None:
        end = self._filled + len(part)
        if end > len(self._pairs):
            raise ValueError("the tiles cover a pair twice")
        self._pairs.z[self._filled : end] = part.z
        self._pairs.first[self._filled : end] = part.first
        self._pairs.second[self._filled : end] = part.second
        self._filled = end

    def done(self) -> PairScores:
        if self._filled < len(self._pairs):
            raise ValueError("the tiles leave out a pair")
        return self._pairs
