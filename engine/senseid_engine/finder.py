"""Face finding: the models that find faces, and the photo turned upright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_engine.detect import Detector
from senseid_engine.device import Device
from senseid_engine.errors import NoFaceError
from senseid_engine.faces import Face, find_faces, find_small_faces
from senseid_engine.landmarks import Landmarker
from senseid_engine.results import FoundFaces
from senseid_engine.session import open_sessions
from senseid_engine.upright import is_upright, turn_upright
from senseid_licensing.product import Product
from senseid_models.errors import ModelKindMissingError

if TYPE_CHECKING:
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import ModelEntry
    from senseid_models.registry import Registry


_NO_FACE = "no face is found: use a photo that shows the whole face, upright and in focus"
_NOT_UPRIGHT = "no upright face is found, but a sideways or upside-down one: turn the photo, or use --auto-rotate"


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
    def open(
        cls, registry: Registry, licences: VerifiedLicences, *, threads: int, device: Device = Device.CPU
    ) -> FaceFinder:
        """Load the models.

        Args:
            registry: the registered models.
            licences: the verified licences of this run; checked before any model file is opened.
            threads: threads that each model may use, at least 1.
            device: where the networks run.

        Raises:
            LicensingError: no verified licence for the models' product.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: onnxruntime refuses a model.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
        """
        licences.require(Product.KESTREL)

        import cv2

        cv2.setNumThreads(threads)
        models = [model_of_kind(registry, kind) for kind in ("detector", "landmarks")]
        detector, landmarks = open_sessions(models, licences, threads=threads, device=device)
        return cls(Detector(detector), Landmarker(landmarks))

    def find(self, image: Image, *, auto_rotate: bool = False) -> UprightPhoto:
        """Find the faces of a photo.

        Args:
            image: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            NoFaceError: the photo has no face, or none that is upright.
        """

        def look(photo: Image) -> list[Face]:
            return find_faces(photo.pixels, self.detector, self.landmarker)

        turns = 0
        if auto_rotate:
            image, turns, faces = turn_upright(image, look)
        else:
            faces = look(image)
            if not faces and turn_upright(image, look)[2]:
                raise NoFaceError(image.name, _NOT_UPRIGHT)
        # Last, for it takes long, and may find somebody small behind a large face that lies.
        faces = faces or find_small_faces(image.pixels, self.detector, self.landmarker)
        if not faces:
            raise NoFaceError(image.name, _NO_FACE)
        if not auto_rotate and not is_upright(image.pixels, faces[0], self.detector, self.landmarker):
            raise NoFaceError(image.name, _NOT_UPRIGHT)
        found = FoundFaces(image.name, image.width, image.height, turns, tuple(face.rect for face in faces))
        return UprightPhoto(image, tuple(faces), found)


def model_of_kind(registry: Registry, kind: str) -> ModelEntry:
    """The first model of that kind.

    Raises:
        ModelKindMissingError: the registry has none.
    """
    return models_of_kind(registry, kind)[0]


def models_of_kind(registry: Registry, kind: str) -> list[ModelEntry]:
    """All models of that kind, in the order of the registry, at least one.

    Raises:
        ModelKindMissingError: the registry has none.
    """
    entries = [entry for entry in registry.entries if entry.kind == kind]
    if not entries:
        raise ModelKindMissingError(kind)
    return entries
