"""Templates: faces in the form in which they are compared."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Doubles, Floats


@dataclass(frozen=True, slots=True)
class Template:
    """One face, ready to be compared. It is personal data: keep it no longer than requested.

    Attributes:
        embedding: float32 (dimensions,), unit length.
    """

    embedding: Floats

    def __repr__(self) -> str:
        return f"Template(<{len(self.embedding)} numbers>)"


def similarities(first: Sequence[Template], second: Sequence[Template]) -> Doubles:
    """Compute similarities before calibration: the cosine similarities of the embeddings.

    Symmetric to the bit, and independent of which other faces are in the sequences.

    Args:
        first: templates.
        second: templates.

    Returns:
        float64 (first, second), in [-1, 1]; higher is more alike.
    """
    left, right = (np.stack([t.embedding for t in some]).astype(np.float64) for some in (first, second))
    values: Doubles = np.einsum("id,jd->ij", left, right, optimize=False)
    return values
