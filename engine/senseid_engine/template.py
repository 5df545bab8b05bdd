"""A face as it is compared: its embeddings and how it relates to strangers."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles, Floats
    from senseid_engine.cohort import Cohort
    from senseid_engine.recognition import Part


@dataclass(frozen=True, slots=True)
class Template:
    """One face, ready to be compared. It is personal data: keep it no longer than asked for.

    Attributes:
        embeddings: for each embedding model float32 (dimensions,), unit length.
        mean: mean of the fused embedding's similarities to its nearest strangers; 0 without a cohort.
        deviation: standard deviation of the same; 1 without a cohort.
    """

    embeddings: tuple[Floats, ...]
    mean: float
    deviation: float

    @classmethod
    def of(cls, embeddings: tuple[Floats, ...], parts: Sequence[Part], cohort: Cohort | None) -> Template:
        """The template of a face with these embeddings, one for each part."""
        mean, deviation = (0.0, 1.0) if cohort is None else cohort.statistics(fuse(embeddings, parts))
        return cls(embeddings, mean, deviation)

    def fused(self, parts: Sequence[Part]) -> Floats:
        """The fused embedding."""
        return fuse(self.embeddings, parts)

    def __repr__(self) -> str:
        return f"Template(<{len(self.embeddings)} embeddings>)"


def fuse(embeddings: Sequence[Floats], parts: Sequence[Part]) -> Floats:
    """The embeddings of one face as one, float32 (sum of dimensions,), unit length.

    Each is scaled by the square root of its weight: the weights sum to 1, so the cosine similarity of two fused
    embeddings is the weighted mean of the models' cosine similarities.
    """
    return np.concatenate(
        [math.sqrt(part.weight) * embedding for part, embedding in zip(parts, embeddings, strict=True)]
    ).astype(np.float32)


def normalised_similarities(first: Sequence[Template], second: Sequence[Template], parts: Sequence[Part]) -> Doubles:
    """How alike faces are, in units that mean the same for every pair of faces.

    With s the fused cosine similarity of faces x and y and s_m that of model m it is
    `((s - mean_x) / deviation_x + (s - mean_y) / deviation_y) / 2 + sum of affinity_m * s_m`. It is symmetric to the
    bit and does not depend on which other faces are in the sequences.

    Args:
        first: templates.
        second: templates.
        parts: the models, in the order of the templates' embeddings.

    Returns:
        float64 (first, second); higher is more alike.
    """
    fused = np.zeros((len(first), len(second)))
    plain = np.zeros((len(first), len(second)))
    for i, part in enumerate(parts):
        similarity = np.einsum("id,jd->ij", _embeddings(first, i), _embeddings(second, i), optimize=False)
        fused += part.weight * similarity
        plain += part.affinity * similarity
    left = (fused - _column(first, "mean")[:, None]) / _column(first, "deviation")[:, None]
    right = (fused - _column(second, "mean")[None, :]) / _column(second, "deviation")[None, :]
    normalised: Doubles = (left + right) / 2 + plain
    return normalised


def _embeddings(templates: Sequence[Template], part: int) -> Doubles:
    return np.stack([template.embeddings[part] for template in templates]).astype(np.float64)


def _column(templates: Sequence[Template], name: str) -> Doubles:
    return np.array([getattr(template, name) for template in templates], np.float64)
