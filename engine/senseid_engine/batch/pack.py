"""Templates side by side, as matrices: what all pairs of many faces are worked out from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles, Floats
    from senseid_engine.recognition import Part
    from senseid_engine.template import Template

EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True)
class Pack:
    """n templates. They are personal data: keep them no longer than asked for.

    Attributes:
        templates: the templates; each keeps its own arrays.
        fused: float32 (n, sum of dimensions), the fused embeddings.
        affine: float32 (n, dimensions of the models with an affinity), so scaled that the product of two rows is the
            sum of the affinities times the models' similarities.
        inverse: float64 (n,), half of 1 / deviation.
        offset: float64 (n,), mean / deviation / 2.
    """

    templates: tuple[Template, ...]
    fused: Floats
    affine: Floats
    inverse: Doubles
    offset: Doubles

    @classmethod
    def of(cls, templates: Sequence[Template], parts: Sequence[Part]) -> Pack:
        """Lay templates side by side.

        Args:
            templates: at least one.
            parts: the models, in the order of the templates' embeddings. No affinity may be negative.
        """
        scaled = [
            np.sqrt(np.float32(part.affinity)) * np.stack([template.embeddings[i] for template in templates])
            for i, part in enumerate(parts)
            if part.affinity
        ]
        deviation = np.array([template.deviation for template in templates], np.float64)
        mean = np.array([template.mean for template in templates], np.float64)
        return cls(
            templates=tuple(templates),
            fused=np.stack([template.fused(parts) for template in templates]),
            affine=np.hstack(scaled) if scaled else np.zeros((len(templates), 0), np.float32),
            inverse=0.5 / deviation,
            offset=0.5 * mean / deviation,
        )

    def __len__(self) -> int:
        return len(self.templates)

    def __repr__(self) -> str:
        return f"Pack(<{len(self)} templates>)"

    def rows(self, start: int, stop: int) -> Pack:
        """Some of the templates; the matrices are views."""
        part = slice(start, stop)
        return Pack(self.templates[part], self.fused[part], self.affine[part], self.inverse[part], self.offset[part])


def approximate(first: Pack, second: Pack) -> tuple[Floats, float]:
    """The normalised similarities of all pairs by matrix products in single precision.

    Returns:
        float32 (first, second), and by how much any of them may differ from `normalised_similarities`.
    """
    similarity = first.fused @ second.fused.T
    left, right = first.inverse.astype(np.float32), second.inverse.astype(np.float32)
    scale = left[:, None] + right[None, :]
    scale *= similarity
    scale -= first.offset.astype(np.float32)[:, None]
    scale -= second.offset.astype(np.float32)[None, :]
    if first.affine.shape[1]:
        scale += first.affine @ second.affine.T
    return scale, _bound(first, second)


def _bound(first: Pack, second: Pack) -> float:
    """By how much single precision may be wrong.

    The error of a product of two vectors of n numbers is at most n x epsilon x their lengths: Higham, "Accuracy and
    Stability of Numerical Algorithms", 2002, section 3.1. The rest is rounded ten times at most.
    """
    inverse = float(first.inverse.max() + second.inverse.max())
    offset = float(abs(first.offset).max() + abs(second.offset).max())
    longest = float(np.sqrt((first.affine**2).sum(axis=1).max() * (second.affine**2).sum(axis=1).max()))
    product = first.fused.shape[1] * inverse + first.affine.shape[1] * longest
    return float(EPSILON * (2 * product + 10 * (inverse + offset + longest)))
