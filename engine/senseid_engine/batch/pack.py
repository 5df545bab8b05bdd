"""Templates as a matrix, from which all pairs of many faces are computed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats
    from senseid_engine.template import Template

EPSILON = float(np.finfo(np.float32).eps)


@dataclass(frozen=True, slots=True)
class Pack:
    """n templates. They are personal data: keep them no longer than requested.

    Attributes:
        templates: the templates; each keeps its own array.
        embeddings: float32 (n, dimensions), the same as a matrix.
    """

    templates: tuple[Template, ...]
    embeddings: Floats

    @classmethod
    def of(cls, templates: Sequence[Template]) -> Pack:
        """Lay templates, at least one, side by side."""
        return cls(tuple(templates), np.stack([template.embedding for template in templates]))

    def __len__(self) -> int:
        return len(self.templates)

    def __repr__(self) -> str:
        return f"Pack(<{len(self)} templates>)"

    def rows(self, start: int, stop: int) -> Pack:
        """Some of the templates; the matrix is a view."""
        return Pack(self.templates[start:stop], self.embeddings[start:stop])


def approximate(first: Pack, second: Pack) -> tuple[Floats, float]:
    """The similarities of all pairs by a matrix product in single precision.

    The error of a product of two unit vectors of n numbers is at most n x epsilon, of one that is rounded at the end
    one epsilon more: Higham, "Accuracy and Stability of Numerical Algorithms", 2002, section 3.1.

    Returns:
        float32 (first, second), and by how much any of them may differ from `template.similarities`.
    """
    return first.embeddings @ second.embeddings.T, 2 * EPSILON * (first.embeddings.shape[1] + 1)
