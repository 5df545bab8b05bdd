"""A face as it is compared: its embeddings and how each relates to strangers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles, Floats
    from senseid_engine.recognition import Part


@dataclass(frozen=True, slots=True)
class Template:
    """One face, ready to be compared. It is personal data: keep it no longer than asked for.

    Attributes:
        embeddings: for each embedding model float32 (dimensions,), unit length.
        means: for each, the mean similarity to the nearest strangers of the cohort.
        deviations: for each, the standard deviation of the same.
    """

    embeddings: tuple[Floats, ...]
    means: tuple[float, ...]
    deviations: tuple[float, ...]

    def __repr__(self) -> str:
        return f"Template(<{len(self.embeddings)} embeddings>)"


def normalised_similarities(first: Sequence[Template], second: Sequence[Template], parts: Sequence[Part]) -> Doubles:
    """How alike faces are, in units that mean the same for every pair of faces.

    For each model the cosine similarity s of faces x and y gives
    `((s - mean_x) / deviation_x + (s - mean_y) / deviation_y) / 2`; these are summed with the models' weights, and so
    are the plain similarities with their affinities. The result is symmetric to the bit and does not depend on which
    other faces are in the sequences.

    Args:
        first: templates.
        second: templates.
        parts: the models, in the order of the templates' embeddings.

    Returns:
        float64 (first, second); higher is more alike.
    """
    total = np.zeros((len(first), len(second)))
    for i, part in enumerate(parts):
        similarity = np.einsum("id,jd->ij", _embeddings(first, i), _embeddings(second, i), optimize=False)
        left = (similarity - _means(first, i)[:, None]) / _deviations(first, i)[:, None]
        right = (similarity - _means(second, i)[None, :]) / _deviations(second, i)[None, :]
        total += part.weight * (left + right) / 2 + part.affinity * similarity
    return total


def _embeddings(templates: Sequence[Template], part: int) -> Doubles:
    return np.stack([template.embeddings[part] for template in templates]).astype(np.float64)


def _means(templates: Sequence[Template], part: int) -> Doubles:
    return np.array([template.means[part] for template in templates])


def _deviations(templates: Sequence[Template], part: int) -> Doubles:
    return np.array([template.deviations[part] for template in templates])
