"""From a photo to its faces and their embeddings: the models, and the steps between them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.align import Alignment, CropAlignment, TemplateAlignment
from senseid_engine.detect import Detector
from senseid_engine.embed import Embedder
from senseid_engine.errors import ModelError, NoFaceError
from senseid_engine.faces import Face, find_faces
from senseid_engine.landmarks import Landmarker
from senseid_engine.results import FoundFaces
from senseid_engine.session import Session
from senseid_engine.upright import turn_upright
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.arrays import Floats
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import MeshTemplate, ModelEntry, Registry


@dataclass(frozen=True, slots=True)
class UprightPhoto:
    """A photo with its faces.

    Attributes:
        image: the photo, upright.
        faces: its faces, largest first, then left to right; at least one.
        found: the same for a result.
    """

    image: Image
    faces: tuple[Face, ...]
    found: FoundFaces


@dataclass(frozen=True, slots=True)
class Encoder:
    """The models that find and embed faces. Loaded once; may be shared between threads.

    Attributes:
        detector: finds faces.
        landmarker: finds their landmarks.
        embedders: the embedding models.
    """

    detector: Detector
    landmarker: Landmarker
    embedders: tuple[Embedder, ...]

    @classmethod
    def open(
        cls, registry: Registry, embedding_models: Sequence[str], licences: VerifiedLicences, *, threads: int
    ) -> Encoder:
        """Load the models.

        Args:
            registry: which models there are.
            embedding_models: ids of the embedding models.
            licences: the verified licences of this run; they are asked before any model file is opened.
            threads: threads that each model may use, at least 1.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses a model.
        """
        for product in (Product.KESTREL, Product.FACE):
            licences.require(product)

        import cv2

        cv2.setNumThreads(threads)

        def session(model: ModelEntry) -> Session:
            return Session.open(model, licences, threads=threads)

        finding = [
            _of_kind(registry, kind) for kind in ("detector-pnet", "detector-rnet", "detector-onet", "landmarks")
        ]
        embedding = [registry.get(model_id) for model_id in embedding_models]
        # Reading, hashing and optimising releases the interpreter: two models load in the time of one.
        with ThreadPoolExecutor(2) as pool:
            proposal, refine, output, landmarks, *embedders = pool.map(session, (*finding, *embedding))
        return cls(
            detector=Detector(proposal, refine, output),
            landmarker=Landmarker(landmarks),
            embedders=tuple(_embedder(opened, model) for opened, model in zip(embedders, embedding, strict=True)),
        )

    def find(self, image: Image, *, auto_rotate: bool = False) -> UprightPhoto:
        """Find the faces of a photo.

        Args:
            image: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            NoFaceError: the photo has no face.
        """

        def look(photo: Image) -> list[Face]:
            return find_faces(photo.pixels, self.detector, self.landmarker)

        turns = 0
        if auto_rotate:
            image, turns, faces = turn_upright(image, look)
        else:
            faces = look(image)
        if not faces:
            raise NoFaceError(
                image.name, "no face is found: use a photo that shows the whole face, upright and in focus"
            )
        found = FoundFaces(image.name, image.width, image.height, turns, tuple(face.rect for face in faces))
        return UprightPhoto(image, tuple(faces), found)

    def embed(self, image: Image, face: Face) -> tuple[Floats, ...]:
        """The embeddings of one face of a photo, one a model: float32 (dimensions,), unit length."""
        return tuple(embedder.embed(image.pixels, face) for embedder in self.embedders)


def _of_kind(registry: Registry, kind: str) -> ModelEntry:
    for entry in registry.entries:
        if entry.kind == kind:
            return entry
    raise ModelError("models", f"the registry has no model of kind {kind}")


def _embedder(session: Session, model: ModelEntry) -> Embedder:
    side, contract = model.input.size[0], model.embedding
    if contract is None or not isinstance(side, int):
        raise ModelError(f"model {model.id}", "the manifest does not describe it as an embedding model")
    template, crop = contract.template, model.input.crop
    plain: Alignment | None
    mirrored: Alignment | None
    by_crop = None if crop is None else CropAlignment(crop, side)
    if template is None:
        plain, mirrored = by_crop, by_crop
    else:
        mirrored = _by_template(template, template.mirror_targets(side), side)
        plain = by_crop or _by_template(template, template.targets(side), side)
    if plain is None or mirrored is None:
        raise ModelError(f"model {model.id}", "the manifest does not say how to align a face for it")
    return Embedder(session, plain, mirrored, square_root=contract.square_root)


def _by_template(template: MeshTemplate, targets: Sequence[tuple[float, float]], side: int) -> Alignment:
    return TemplateAlignment(template.mesh_points, np.array(targets, np.float32), side)
