"""`python -m models.recipes.recognition.space DATA`: learn the last layer of `sface` from the photos of LFW.

The features of strangers differ in many directions, those of one person mostly in the directions along which people
differ little: so these count less. And faces that are unlike those of LFW, which the network tells apart worse, come
out alike among themselves; a step towards LFW's mean face makes what all faces share count more, and what sets such a
group apart less. With the feature of unit length f, and mean m and covariance C of those of LFW, the eigenvalues of C
divided by their mean:

    embedding = C^POWER (f + STEP m)

DATA is the folder with `lfw-pairs.tar`. What is learned is 128 means and their covariance over 4,000 people: nobody's
face. `python -m models.recipes.build sface` puts it into the model's file.
"""

from __future__ import annotations

import argparse
import itertools
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from models.recipes.opencv_zoo import SPACE
from models.recipes.recognition.encode import face_of, open_engine
from models.recipes.recognition.people import LFW, read_photos
from senseid_engine.embed import unit
from senseid_engine.image import decode_image

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from senseid_engine.arrays import Floats

POWER = 0.2
"""Of 0.1, 0.2 and 0.3 the one with the lowest FNMR at FMR 1e-5 on people of LFW who were not learned from."""
STEP = 0.3
"""The largest, in tenths, that keeps LFW's false non-match rates within what issue 14 asks for."""


def learn(features: Floats) -> NDArray[np.float32]:
    """The layer: float32 (129, 128), the matrix that a feature of unit length is multiplied by, and what is added.

    Args:
        features: float32 (photos, 128), unit length.
    """
    values, vectors = np.linalg.eigh(np.cov(features.T.astype(np.float64)))
    matrix = (vectors * (values / values.mean()) ** POWER) @ vectors.T
    shift = STEP * features.mean(axis=0, dtype=np.float64) @ matrix
    return np.vstack([matrix, shift]).astype(np.float32)


def apply(features: Floats) -> Floats:
    """The embeddings of features of any length, as the layer of the model makes them; float32 (n, 128) each."""
    space = np.load(SPACE)
    return np.asarray(unit(features) @ space[:-1] + space[-1], np.float32)


def undo(embeddings: Floats) -> Floats:
    """The features of unit length that the model made its embeddings of, not of unit length: float32 (n, 128) each."""
    space = np.load(SPACE).astype(np.float64)
    return np.linalg.solve(space[:-1].T, (embeddings - space[-1]).T).T.astype(np.float32)


def main() -> None:
    """Run the recipe."""
    parser = argparse.ArgumentParser(prog="python -m models.recipes.recognition.space", description=__doc__)
    parser.add_argument("data", type=Path, metavar="DATA")
    words = parser.parse_args()
    engine, features = open_engine(), []
    embedder = engine.encoder.embedder
    for photo, content in itertools.takewhile(lambda one: one[0].set == LFW, read_photos(words.data)):
        image = decode_image(content, name=photo.name)
        face = face_of(engine, image, photo)
        if face is not None:
            features.append(undo(embedder.session.run(embedder.alignment.chip(image.pixels, face)[None])[0])[0])
    np.save(SPACE, learn(np.stack(features)))


if __name__ == "__main__":
    main()
