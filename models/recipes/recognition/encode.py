"""Embeddings of the labelled photos, through the whole pipeline, and of faces that are covered by drawing."""

from __future__ import annotations

import itertools
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from models.recipes.licences import licences_of_this_run
from models.recipes.recognition.covered import COVERINGS, cover
from models.recipes.recognition.people import LFW, LabelledPhoto, read_photos
from senseid_engine.cpu import available_cpus
from senseid_engine.engine import Engine
from senseid_engine.errors import EngineError
from senseid_engine.image import decode_image
from senseid_models.registry import Registry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from senseid_engine.faces import Face
    from senseid_engine.image import Image

AT_ONCE = 256


@dataclass(frozen=True, slots=True)
class Encoded:
    """The outcome of encoding the photos. The embeddings are personal data.

    Attributes:
        photos: those with a face, as published; of a face that was covered by drawing, `covering` says with what.
        covering: (photos,), `mask`, `sunglasses` or empty.
        embeddings: float32 (photos, dimensions), unit length.
        without_face: names of the others.
    """

    photos: tuple[LabelledPhoto, ...]
    covering: np.ndarray[Any, np.dtype[np.str_]]
    embeddings: np.ndarray[Any, np.dtype[np.float32]]
    without_face: tuple[str, ...]

    def save(self, path: Path) -> None:
        """Write it to a file of its own."""
        columns = {
            field.name: np.array([getattr(photo, field.name) for photo in self.photos])
            for field in fields(LabelledPhoto)
        }
        without_face = np.array(self.without_face, str)
        np.savez(path, covering=self.covering, embeddings=self.embeddings, without_face=without_face, **columns)

    @classmethod
    def load(cls, path: Path) -> Encoded:
        """Read it back."""
        with np.load(path, allow_pickle=False) as archive:
            columns = [archive[field.name].tolist() for field in fields(LabelledPhoto)]
            photos = tuple(LabelledPhoto(*row) for row in zip(*columns, strict=True))
            return cls(photos, archive["covering"], archive["embeddings"], tuple(archive["without_face"].tolist()))


def open_engine() -> Engine:
    """The engine that is shipped, under a licence made for this run; one thread for each photo."""
    return Engine.open(Registry.builtin(), licences_of_this_run(), threads=1)


def load_or_encode(path: Path | None, data: Path, engine: Engine) -> Encoded:
    """The embeddings in a file, or of the photos; then they are kept in that file, if there is one to be."""
    if path is not None and path.exists():
        return Encoded.load(path)
    encoded = encode(data, engine)
    if path is not None:
        encoded.save(path)
    return encoded


def encode(data: Path, engine: Engine) -> Encoded:
    """Find and embed the face of every photo: that nearest the centre on LFW, the largest one elsewhere.

    The first photo of every second person of LFW is encoded with drawn coverings, too.

    Args:
        data: the folder with the archives of the labelled sets.
        engine: finds and embeds.
    """
    rows: list[tuple[LabelledPhoto, str, np.ndarray]] = []
    without_face: list[str] = []

    def one(labelled: tuple[LabelledPhoto, bytes]) -> list[tuple[LabelledPhoto, str, np.ndarray | None]]:
        photo, content = labelled
        image = decode_image(content, name=photo.name)
        face = face_of(engine, image, photo)
        if face is None:
            return [(photo, "", None)]
        found: list[tuple[LabelledPhoto, str, np.ndarray | None]]
        found = [(photo, "", engine.encoder.embedder.embed(image.pixels, face))]
        number = zlib.crc32(photo.name.encode())
        if photo.set == LFW and photo.name.endswith("_0001.jpg") and number % 2:
            for covering in COVERINGS:
                changed = cover(image, face, covering, np.random.default_rng(number))
                again = face_of(engine, changed, photo)
                if again is not None:
                    found.append((photo, covering, engine.encoder.embedder.embed(changed.pixels, again)))
        return found

    for part in _parts(read_photos(data)):
        with ThreadPoolExecutor(available_cpus()) as pool:
            for found in pool.map(one, part):
                rows += [(photo, covering, embedding) for photo, covering, embedding in found if embedding is not None]
                without_face += [photo.name for photo, _, embedding in found if embedding is None]
        print(f"{len(rows)} faces", flush=True)
    photos, covering, embeddings = zip(*rows, strict=True)
    return Encoded(photos, np.array(covering), np.stack(embeddings), tuple(without_face))


def face_of(engine: Engine, image: Image, photo: LabelledPhoto) -> Face | None:
    """The face that a photo is labelled for: nearest the centre on LFW, the largest one elsewhere; None without any."""
    try:
        faces = engine.encoder.finder.find(image).faces
    except EngineError:
        return None
    if photo.set != LFW:
        return faces[0]
    centre = np.array([image.width, image.height]) / 2
    return min(faces, key=lambda face: float(np.linalg.norm((face.box[:2] + face.box[2:]) / 2 - centre)))


def _parts(photos: Iterator[tuple[LabelledPhoto, bytes]]) -> Iterator[list[tuple[LabelledPhoto, bytes]]]:
    while part := list(itertools.islice(photos, AT_ONCE)):
        yield part
