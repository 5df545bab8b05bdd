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
    """One embedding model and how it wants to see a face."""

    __slots__ = ("_mirrored", "_plain", "_session", "_square_root")

    def __init__(self, session: Session, plain: Alignment, mirrored: Alignment, *, square_root: bool = False) -> None:
        """Put a model and its alignments together.

        Args:
            session: the model.
            plain: cuts the face out.
            mirrored: cuts it out for the mirror image; two views that differ in more than the side tell more.
            square_root: compare the square roots of its values, the Hellinger kernel: Perronnin et al., "Improving the
                Fisher Kernel for Large-Scale Image Classification", 2010. None of them may be negative.
        """
        self._session = session
        self._plain = plain
        self._mirrored = mirrored
        self._square_root = square_root

    def embed(self, pixels: Pixels, face: Face) -> Floats:
        """Embed one face of a photo.

        Both views run as one batch of two, never with other faces: the result does not depend on who else is in the
        photo.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.

        Returns:
            float32 (dimensions,), unit length: the mean of both views' unit embeddings.
        """
        plain, mirrored = self._plain.chip(pixels, face), self._mirrored.chip(pixels, face)[:, ::-1]
        pair = self._session.run(np.stack([plain, mirrored]))[0]
        if self._square_root:
            pair = np.sqrt(pair)
        return unit(unit(pair).mean(axis=0))


def unit(vectors: Floats) -> Floats:
    """Scale along the last axis to unit length; float32."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
