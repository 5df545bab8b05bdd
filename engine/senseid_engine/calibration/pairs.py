"""Gathers the similarities of all pairs, or of listed ones, from the matrix, which need never be held whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import numpy.typing as npt

from senseid_engine.errors import CalibrationError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

T = TypeVar("T")

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int32]
Bools = npt.NDArray[np.bool_]

ROWS = 256


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

    def within(self, chosen: Bools) -> Floats:
        """The similarities of the pairs both of whose people are chosen: bool (people,), by number of the person."""
        return self.z[chosen[self.first] & chosen[self.second]]

    def with_failures(self, people: Ints) -> PairScores:
        """These pairs and one of similarity -inf for each of `people`, whose photo could not be compared."""
        failed = np.full(len(people), -np.inf, np.float32)
        return PairScores.joined([self, PairScores(failed, people, people)])

    @classmethod
    def joined(cls, parts: Sequence[PairScores]) -> PairScores:
        """The pairs of all parts, at least one, in their order."""
        columns = zip(*((part.z, part.first, part.second) for part in parts), strict=True)
        return cls(*(np.concatenate(column) for column in columns))


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


def bands(
    templates: Sequence[T], similarities: Callable[[Sequence[T], Sequence[T]], npt.NDArray[Any]], *, rows: int = ROWS
) -> Iterator[npt.NDArray[Any]]:
    """Compare every template with every later one: the matrix of similarities in bands from the diagonal on.

    Args:
        templates: one per photo.
        similarities: of two sequences of templates, float (first, second); higher is more alike.
        rows: rows of a band; `rows * len(templates)` similarities are held at a time.

    Yields:
        float (rows, columns), from the band's first row on as the first column.
    """
    for start in range(0, len(templates), rows):
        yield similarities(templates[start : start + rows], templates[start:])


def gather(people: Ints, matrix: Iterable[npt.NDArray[Any]], listed: ListedPairs) -> Gathered:
    """Keep the similarity of every pair in one pass over the matrix.

    12 bytes per pair are held, and one band at a time.

    Args:
        people: int32 (photos,), the person of each photo.
        matrix: the bands of the matrix, as `bands` makes them. Values at or below its diagonal are ignored.
        listed: pairs of the same photos whose similarities are wanted as well.

    Raises:
        CalibrationError: a similarity is not a finite number.
        ValueError: the bands leave out photos.
    """
    of_person = np.bincount(people).astype(np.int64)
    same = int((of_person * (of_person - 1) // 2).sum())
    genuine = _Store(same)
    impostor = _Store(len(people) * (len(people) - 1) // 2 - same)
    picked = np.empty(len(listed.first), np.float32)
    low, high = np.minimum(listed.first, listed.second), np.maximum(listed.first, listed.second)
    start = 0
    for band in matrix:
        z = np.asarray(band, np.float32)
        upper = np.arange(len(z))[:, None] < np.arange(len(people) - start)[None, :]
        if not np.isfinite(z[upper]).all():
            raise CalibrationError("similarities", "one of them is not a finite number: do the models fit together?")
        a, b = np.broadcast_arrays(people[start : start + len(z), None], people[None, start:])
        alike = a == b
        for store, mask in ((genuine, upper & alike), (impostor, upper & ~alike)):
            store.add(z[mask], a[mask], b[mask])
        here = (low >= start) & (low < start + len(z))
        picked[here] = z[low[here] - start, high[here] - start]
        start += len(z)
    if start != len(people):
        raise ValueError("the bands leave out photos")
    return Gathered(genuine.pairs, impostor.pairs, picked)


class _Store:
    """Arrays of a known length, filled part by part, so that nothing is held twice."""

    def __init__(self, size: int) -> None:
        self.pairs = PairScores(np.empty(size, np.float32), np.empty(size, np.int32), np.empty(size, np.int32))
        self._filled = 0

    def add(self, z: Floats, first: Ints, second: Ints) -> None:
        part = slice(self._filled, self._filled + len(z))
        self.pairs.z[part], self.pairs.first[part], self.pairs.second[part] = z, first, second
        self._filled = part.stop
