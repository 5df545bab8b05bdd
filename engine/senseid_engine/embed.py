"""Face embeddings: a face and its mirror image through one network, as one unit vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from senseid_engine.align import Alignment
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face
    from senseid_engine.session import Session


class Embedder:
    """One embedding model with its alignment."""

    __slots__ = ("_alignment", "_session")

    def __init__(self, session: Session, alignment: Alignment) -> None:
        self._session = session
        self._alignment = alignment

    def embed(self, pixels: Pixels, face: Face) -> Floats:
        """Embed one face of a photo.

        The face and its mirror image run as one batch of two, never with other faces: the result does not depend
        on who else is in the photo.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.

        Returns:
            float32 (dimensions,), unit length: the mean of both unit embeddings.
        """
        chip = self._alignment.chip(pixels, face)
        pair = self._session.run(np.stack([chip, chip[:, ::-1]]))[0]
        return unit(unit(pair).mean(axis=0))


def unit(vectors: Floats) -> Floats:
    """Scale along the last axis to unit length; float32."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
