"""Strangers that a face's similarities are normalised against.

A face that resembles many strangers is asked for a higher similarity than one that resembles few. The method is
AS-norm of speaker verification: Matejka et al., "Analysis of Score Normalization in Multilingual Speaker
Recognition", Interspeech 2017.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.errors import ModelError

if TYPE_CHECKING:
    from senseid_engine.arrays import Floats


@dataclass(frozen=True, slots=True)
class Cohort:
    """Embeddings that stand for strangers; none is a person's.

    Attributes:
        vectors: for each embedding model float32 (n, dimensions), unit length.
        nearest: how many of the most similar strangers the statistics are taken over.
    """

    vectors: tuple[Floats, ...]
    nearest: int

    @classmethod
    def parse(cls, data: bytes, *, nearest: int) -> Cohort:
        """Read the registry's `.npz`: `part_0`, `part_1`, ... of float16 (n, dimensions).

        Raises:
            ModelError: it is not such a file.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                parts = [archive[f"part_{i}"].astype(np.float32) for i in range(len(archive.files))]
        except (OSError, ValueError, KeyError) as error:
            raise ModelError("cohort", f"not a cohort file ({type(error).__name__})") from error
        return cls(tuple(part / np.linalg.norm(part, axis=1, keepdims=True) for part in parts), nearest)

    def statistics(self, part: int, embedding: Floats) -> tuple[float, float]:
        """Mean and standard deviation of a face's cosine similarities to its nearest strangers.

        Args:
            part: which embedding model.
            embedding: float32 (dimensions,), unit length.
        """
        similarities = self.vectors[part] @ embedding
        # Sorted, so that the sum is the same whatever order the partition leaves.
        top = np.sort(np.partition(similarities, -self.nearest)[-self.nearest :]).astype(np.float64)
        return float(top.mean()), float(top.std())
