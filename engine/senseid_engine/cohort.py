"""How much a face resembles strangers, so that every pair of faces is judged by the same measure.

A face that resembles many strangers is asked for a higher similarity than one that resembles few. AS-norm of speaker
verification (Matejka et al., "Analysis of Score Normalization in Multilingual Speaker Recognition", Interspeech 2017)
looks up the mean and the deviation of a face's similarities to its nearest strangers in a cohort of embeddings. Here
both are predicted by a quadratic regression that learned them from such a cohort: no embedding of anybody is kept.
"""

from __future__ import annotations

import io
import math
import zipfile
from dataclasses import dataclass, fields
from functools import cache
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.errors import ModelError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from senseid_engine.arrays import Doubles, Floats


@dataclass(frozen=True, slots=True)
class Cohort:
    """What was learned from a cohort of strangers.

    With d = embedding - centre and p = basis @ d, the features are p, p squared, the squared length of d, and the
    products of different ones among the first `crossed` values of p.

    Attributes:
        centre: float32 (dimensions,), mean of the embeddings that it was learned from.
        basis: float32 (components, dimensions), their principal directions, the strongest first.
        crossed: int64 (), how many of these enter the products.
        coefficients: float64 (features, 2), for the mean and for the logarithm of the deviation.
        intercept: float64 (2,).
        bounds: float64 (2, 2), lowest and highest value, one row for each of the two: what is predicted for a face
            unlike all of those learned from stays within.
    """

    centre: Floats
    basis: Floats
    crossed: Doubles
    coefficients: Doubles
    intercept: Doubles
    bounds: Doubles

    @classmethod
    def parse(cls, data: bytes) -> Cohort:
        """Read the registry's `.npz` file: one array an attribute.

        Raises:
            ModelError: it is not such a file.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as archive:
                return cls(**{field.name: archive[field.name] for field in fields(cls)})
        except (OSError, EOFError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
            raise ModelError("cohort", f"not a cohort file ({type(error).__name__})") from error

    def dump(self) -> bytes:
        """The `.npz` file; the same bytes for the same cohort."""
        buffer = io.BytesIO()
        np.savez(buffer, **{field.name: getattr(self, field.name) for field in fields(self)})
        return buffer.getvalue()

    def statistics(self, embedding: Floats) -> tuple[float, float]:
        """Mean and standard deviation of a face's cosine similarities to its nearest strangers.

        Args:
            embedding: float32 (dimensions,), the fused embedding, unit length.
        """
        values = quadratic_features((embedding - self.centre)[None], self.basis, int(self.crossed))[0]
        mean, log_deviation = np.clip(values @ self.coefficients + self.intercept, self.bounds[:, 0], self.bounds[:, 1])
        return float(mean), math.exp(log_deviation)


def quadratic_features(centred: Floats, basis: Floats, crossed: int) -> Doubles:
    """The features that `Cohort` describes, float64 (n, features), of centred embeddings, float32 (n, dimensions)."""
    p = (centred @ basis.T).astype(np.float64)
    length = (centred.astype(np.float64) ** 2).sum(axis=1, keepdims=True)
    rows, columns = _pairs(crossed)
    return np.hstack([p, p**2, length, p[:, rows] * p[:, columns]])


@cache
def _pairs(count: int) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Every pair of `count` things; made once, as making it takes longer than using it."""
    return np.triu_indices(count, 1)
