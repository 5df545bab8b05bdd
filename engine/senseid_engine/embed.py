"""Face embeddings: views of a face and of its mirror image through one network, as one unit vector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.align import Alignment
    from senseid_engine.arrays import Floats, Pixels
    from senseid_engine.faces import Face
    from senseid_engine.session import Session


class Embedder:
    """One embedding model and how it wants to see a face."""

    __slots__ = ("_distinct", "_mirrored", "_plain", "_session", "_square_root")

    def __init__(
        self,
        session: Session,
        plain: Sequence[Alignment],
        mirrored: Sequence[Alignment],
        *,
        square_root: bool = False,
    ) -> None:
        """Put a model and its alignments together.

        Args:
            session: the model.
            plain: the ways to cut the face out.
            mirrored: those to cut it out for a mirror image; views that differ in more than the side tell more.
            square_root: compare the square roots of its values, the Hellinger kernel: Perronnin et al., "Improving the
                Fisher Kernel for Large-Scale Image Classification", 2010. None of them may be negative.
        """
        self._session = session
        self._plain = tuple(plain)
        self._mirrored = tuple(mirrored)
        # Most models are shown the same cut and its mirror image: it is cut out once.
        self._distinct = {id(alignment): alignment for alignment in (*plain, *mirrored)}
        self._square_root = square_root

    def embed(self, pixels: Pixels, face: Face) -> Floats:
        """Embed one face of a photo.

        The views run as one batch, never with other faces: the result does not depend on who else is in the
        photo.

        Args:
            pixels: uint8 (height, width, 3), RGB.
            face: a face of that photo.

        Returns:
            float32 (dimensions,), unit length: the mean of the views' unit embeddings.
        """
        import cv2

        chips = {key: alignment.chip(pixels, face) for key, alignment in self._distinct.items()}
        views = [chips[id(alignment)] for alignment in self._plain]
        # A mirrored view of the array, [:, ::-1], takes fifteen times as long to copy.
        views += [np.asarray(cv2.flip(chips[id(alignment)], 1), np.uint8) for alignment in self._mirrored]
        embedded = self._session.run(np.stack(views))[0]
        if self._square_root:
            embedded = np.sqrt(embedded)
        return unit(unit(embedded).mean(axis=0))


def unit(vectors: Floats) -> Floats:
    """Scale along the last axis to unit length; float32."""
    scaled: Floats = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return scaled
