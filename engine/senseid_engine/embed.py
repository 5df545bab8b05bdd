"""Face embeddings: a face, and its mirror image if the model requires it, as one unit vector."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.align import Alignment
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face
    from senseid_engine.session import Session


@dataclass(frozen=True, slots=True)
class Embedder:
    """An embedding model and its input.

    Attributes:
        opened: returns the model, once it is open.
        alignment: how the face is cropped.
        mirrored: whether the embedding is the mean of those of the face and of its mirror image.
    """

    opened: Callable[[], Session]
    alignment: Alignment
    mirrored: bool

    @property
    def session(self) -> Session:
        """The model."""
        return self.opened()

    def embed(self, pixels: Pixels, face: Face) -> Floats:
        """Embed one face of a photo.

        It never runs together with other faces: the result does not depend on who else is in the photo.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.

        Returns:
            float32 (dimensions,), unit length.
        """
        chips = self.alignment.chip(pixels, face)[None]
        if self.mirrored:
            chips = np.concatenate([chips, chips[:, :, ::-1]])
        return unit(unit(self.session.run(chips)[0]).mean(axis=0))


def unit(vectors: Floats) -> Floats:
    """Scale along the last axis to unit length; float32."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
