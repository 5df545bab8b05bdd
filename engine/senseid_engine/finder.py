"""From a photo to its faces: the models that find them, and the photo turned upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.detect import Detector
from senseid_engine.errors import NoFaceError
from senseid_engine.faces import Face, find_faces
from senseid_engine.landmarks import Landmarker
from senseid_engine.results import FoundFaces
from senseid_engine.session import open_sessions
from senseid_engine.upright import turn_upright
from senseid_licensing.product import Product
from senseid_models.errors import ModelKindMissingError

if TYPE_CHECKING:
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import ModelEntry, Registry

KINDS = ("detector-pnet", "detector-rnet", "detector-onet", "landmarks")


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
class FaceFinder:
    """The models that find faces. Loaded once; may be shared between threads.

    Attributes:
        detector: finds faces.
        landmarker: finds their landmarks.
    """

    detector: Detector
    landmarker: Landmarker

    @classmethod
    def open(cls, registry: Registry, licences: VerifiedLicences, *, threads: int) -> FaceFinder:
        """Load the models.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before any model file is opened.
            threads: threads that each model may use, at least 1.

        Raises:
            LicensingError: no verified licence for the models' product.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses a model.
        """
        licences.require(Product.KESTREL)

        import cv2

        cv2.setNumThreads(threads)
        models = [model_of_kind(registry, kind) for kind in KINDS]
        proposal, refine, output, landmarks = open_sessions(models, licences, threads=threads)
        return cls(Detector(proposal, refine, output), Landmarker(landmarks))

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


def model_of_kind(registry: Registry, kind: str) -> ModelEntry:
    """The first model of that kind.

    Raises:
        ModelKindMissingError: the registry has none.
    """
    for entry in registry.entries:
        if entry.kind == kind:
            return entry
    raise ModelKindMissingError(kind)
