"""The facade: photos in, faces, templates and calibrated scores out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from senseid_engine.align import Alignment, CropAlignment, TemplateAlignment
from senseid_engine.cohort import Cohort
from senseid_engine.curve import ScoreCurve
from senseid_engine.detect import Detector
from senseid_engine.embed import Embedder
from senseid_engine.errors import ModelError, NoFaceError
from senseid_engine.faces import Face, find_faces
from senseid_engine.landmarks import Landmarker
from senseid_engine.recognition import Part, Recognition
from senseid_engine.results import Comparison, FoundFaces, OmniComparison
from senseid_engine.session import Session
from senseid_engine.template import Template, normalised_similarities
from senseid_engine.upright import turn_upright
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Doubles
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import ModelEntry, Registry

T = TypeVar("T")


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
class Engine:
    """Everything that turns photos into scores. Loaded once; may be shared between threads.

    Attributes:
        detector: finds faces.
        landmarker: finds their landmarks.
        embedders: the models whose embeddings are fused.
        parts: the share of each.
        cohort: strangers that similarities are normalised against.
        curve: from normalised similarity to score.
        licences: asked before each use.
        photos_at_once: how many photos of one comparison are encoded at the same time.
    """

    detector: Detector
    landmarker: Landmarker
    embedders: tuple[Embedder, ...]
    parts: tuple[Part, ...]
    cohort: Cohort
    curve: ScoreCurve
    licences: VerifiedLicences
    photos_at_once: int

    @classmethod
    def open(cls, registry: Registry, licences: VerifiedLicences, *, threads: int) -> Engine:
        """Load the models of a registry.

        Two photos are encoded side by side where there are two threads or more: small networks use a second core
        better for a second photo than for a second half of the same layer.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before any model file is opened.
            threads: CPUs to use, at least 1.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: a model or data file cannot be used.
        """
        licences.require(Product.KESTREL)
        licences.require(Product.FACE)
        photos_at_once = min(2, threads)
        threads_a_photo = max(1, threads // photos_at_once)

        import cv2

        cv2.setNumThreads(threads_a_photo)

        def session(model: ModelEntry) -> Session:
            return Session.open(model, licences, threads=threads_a_photo)

        recognition = Recognition.parse(registry.asset("recognition").read())
        wanted = [_of_kind(registry, kind) for kind in ("detector-pnet", "detector-rnet", "detector-onet", "landmarks")]
        embedding_models = [registry.get(part.model) for part in recognition.parts]
        with ThreadPoolExecutor(threads) as pool:
            cohort = pool.submit(_read_cohort, registry, recognition)
            proposal, refine, output, landmarks, *embedding = pool.map(session, (*wanted, *embedding_models))
            embedders = tuple(
                Embedder(opened, _alignment(model)) for opened, model in zip(embedding, embedding_models, strict=True)
            )
            return cls(
                detector=Detector(proposal, refine, output),
                landmarker=Landmarker(landmarks),
                embedders=embedders,
                parts=recognition.parts,
                cohort=cohort.result(),
                curve=ScoreCurve.parse(registry.asset(recognition.curve).read().decode()),
                licences=licences,
                photos_at_once=photos_at_once,
            )

    def compare(self, first: Image, second: Image, *, auto_rotate: bool = False) -> Comparison:
        """Compare the largest face of each photo.

        Args:
            first: a decoded photo.
            second: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: a photo has no face.
        """
        self.licences.require(Product.FACE, Capability.COMPARE)
        a, b = self._both(lambda image: self._encode_largest(image, auto_rotate=auto_rotate), first, second)
        z = float(self.similarities([a[1]], [b[1]])[0, 0])
        return Comparison(self.curve.score(z), a[0].found, b[0].found)

    def omni(self, first: Image, second: Image, *, auto_rotate: bool = False) -> OmniComparison:
        """Compare every face of one photo with every face of the other.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: a photo has no face.
        """
        self.licences.require(Product.FACE, Capability.OMNI)
        a, b = self._both(lambda image: self._encode_all(image, auto_rotate=auto_rotate), first, second)
        z = self.similarities(a[1], b[1])
        scores = tuple(tuple(self.curve.score(float(value)) for value in row) for row in z)
        return OmniComparison(scores, a[0].found, b[0].found)

    def encode_largest(self, image: Image, *, auto_rotate: bool = False) -> Template:
        """The template of the photo's largest face.

        Raises:
            NoFaceError: the photo has no face.
        """
        return self._encode_largest(image, auto_rotate=auto_rotate)[1]

    def similarities(self, first: Sequence[Template], second: Sequence[Template]) -> Doubles:
        """How alike faces are before calibration: float64 (first, second), see `normalised_similarities`."""
        return normalised_similarities(first, second, self.parts)

    def find(self, image: Image, *, auto_rotate: bool = False) -> UprightPhoto:
        """Find the faces of a photo.

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

    def _encode_largest(self, image: Image, *, auto_rotate: bool) -> tuple[UprightPhoto, Template]:
        photo = self.find(image, auto_rotate=auto_rotate)
        return photo, self._template(photo.image, photo.faces[0])

    def _encode_all(self, image: Image, *, auto_rotate: bool) -> tuple[UprightPhoto, list[Template]]:
        photo = self.find(image, auto_rotate=auto_rotate)
        return photo, [self._template(photo.image, face) for face in photo.faces]

    def _template(self, image: Image, face: Face) -> Template:
        embeddings = tuple(embedder.embed(image.pixels, face) for embedder in self.embedders)
        statistics = [self.cohort.statistics(i, embedding) for i, embedding in enumerate(embeddings)]
        means, deviations = zip(*statistics, strict=True)
        return Template(embeddings, means, deviations)

    def _both(self, encode: Callable[[Image], T], first: Image, second: Image) -> tuple[T, T]:
        if self.photos_at_once == 1:
            return encode(first), encode(second)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(encode, second)
            return encode(first), other.result()


def _of_kind(registry: Registry, kind: str) -> ModelEntry:
    for entry in registry.entries:
        if entry.kind == kind:
            return entry
    raise ModelError("models", f"the registry has no model of kind {kind}")


def _alignment(model: ModelEntry) -> Alignment:
    side, crop = model.input.size[0], model.input.crop
    template = model.embedding.template if model.embedding else None
    if isinstance(side, int):
        if template is not None:
            return TemplateAlignment(template.mesh_points, np.array(template.targets(side), np.float32), side)
        if crop is not None:
            return CropAlignment(crop, side)
    raise ModelError(f"model {model.id}", "the manifest does not say how to align a face for it")


def _read_cohort(registry: Registry, recognition: Recognition) -> Cohort:
    return Cohort.parse(registry.asset(recognition.cohort).read(), nearest=recognition.nearest)
