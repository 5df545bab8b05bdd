"""The facade: photos in, templates and calibrated scores out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias, TypeVar

from senseid_engine.cohort import Cohort
from senseid_engine.curve import ScoreCurve
from senseid_engine.encoder import Encoder
from senseid_engine.errors import CalibrationError, ModelError
from senseid_engine.recognition import Recognition
from senseid_engine.results import Comparison, OmniComparison
from senseid_engine.template import Template, normalised_similarities
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_engine.arrays import Doubles
    from senseid_engine.faces import Face
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.image import Image
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.registry import Asset, Registry

T = TypeVar("T")

Inspection: TypeAlias = "Callable[[Image, Face], None]"
"""Looks at one face of an upright photo and raises an EngineError where the photo is refused."""


def pass_all(image: Image, face: Face) -> None:
    """The inspection that refuses nothing."""


@dataclass(frozen=True, slots=True)
class Engine:
    """Everything that turns photos into scores. Loaded once; may be shared between threads.

    Attributes:
        encoder: finds and embeds faces.
        recognition: how embeddings become one number.
        cohort: how much a face resembles strangers; none where the recognition asks for none.
        curve: from normalised similarity to score.
        licences: asked before each use.
        photos_at_once: how many photos of one comparison are encoded at the same time.
    """

    encoder: Encoder
    recognition: Recognition
    cohort: Cohort | None
    curve: ScoreCurve
    licences: VerifiedLicences
    photos_at_once: int

    @classmethod
    def open(
        cls, registry: Registry, licences: VerifiedLicences, *, threads: int, recognition: Recognition | None = None
    ) -> Engine:
        """Load the models of a registry.

        Two photos are encoded side by side where there are two threads or more: small networks use a second core
        better for a second photo than for a second half of the same layer.

        Args:
            registry: which models there are.
            licences: the verified licences of this run; they are asked before any model file is opened.
            threads: CPUs to use, at least 1.
            recognition: how to compare, where it is not what the registry says. Scores mean something only with a
                curve that was made for it; similarities need none.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: a model or data file cannot be used.
        """
        licences.require(Product.FACE)
        recognition = recognition or Recognition.load(registry)
        photos_at_once = min(2, threads)
        models = [part.model for part in recognition.parts]
        return cls(
            encoder=Encoder.open(registry, models, licences, threads=max(1, threads // photos_at_once)),
            recognition=recognition,
            cohort=None if recognition.cohort is None else Cohort.parse(registry.asset(recognition.cohort).read()),
            curve=read_curve(registry.asset(recognition.curve)),
            licences=licences,
            photos_at_once=photos_at_once,
        )

    def compare(
        self, first: Image, second: Image, *, auto_rotate: bool = False, inspect: Inspection = pass_all
    ) -> Comparison:
        """Compare the largest face of each photo.

        Args:
            first: a decoded photo.
            second: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.
            inspect: sees each face that is compared before it is embedded, and may refuse its photo.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: a photo has no face.
            EngineError: whatever `inspect` raises.
        """
        self.licences.require(Product.FACE, Capability.COMPARE)

        def encode(image: Image) -> tuple[UprightPhoto, list[Template]]:
            return self.encode(image, auto_rotate=auto_rotate, only_largest=True, inspect=inspect)

        a, b = self._both(encode, first, second)
        z = float(self.similarities(a[1], b[1])[0, 0])
        return Comparison(self.curve.score(z), a[0].found, b[0].found)

    def omni(
        self, first: Image, second: Image, *, auto_rotate: bool = False, inspect: Inspection = pass_all
    ) -> OmniComparison:
        """Compare every face of one photo with every face of the other.

        Args:
            first: a decoded photo.
            second: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.
            inspect: sees each face before any is embedded, and may refuse its photo.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: a photo has no face.
            EngineError: whatever `inspect` raises.
        """
        self.licences.require(Product.FACE, Capability.OMNI)

        def encode(image: Image) -> tuple[UprightPhoto, list[Template]]:
            return self.encode(image, auto_rotate=auto_rotate, only_largest=False, inspect=inspect)

        a, b = self._both(encode, first, second)
        z = self.similarities(a[1], b[1])
        scores = tuple(tuple(self.curve.score(float(value)) for value in row) for row in z)
        return OmniComparison(scores, a[0].found, b[0].found)

    def encode(
        self, image: Image, *, auto_rotate: bool, only_largest: bool, inspect: Inspection
    ) -> tuple[UprightPhoto, list[Template]]:
        """The faces of a photo and their templates.

        Args:
            image: a decoded photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.
            only_largest: give one template, that of the largest face.
            inspect: sees each of these faces before any is embedded, and may refuse the photo.

        Raises:
            NoFaceError: the photo has no face.
            EngineError: whatever `inspect` raises.
        """
        photo = self.encoder.finder.find(image, auto_rotate=auto_rotate)
        faces = photo.faces[:1] if only_largest else photo.faces
        for face in faces:
            inspect(photo.image, face)
        return photo, [self.template(photo.image, face) for face in faces]

    def encode_largest(self, image: Image, *, auto_rotate: bool = False) -> Template:
        """The template of the photo's largest face.

        Raises:
            NoFaceError: the photo has no face.
        """
        return self.encode(image, auto_rotate=auto_rotate, only_largest=True, inspect=pass_all)[1][0]

    def similarities(self, first: Sequence[Template], second: Sequence[Template]) -> Doubles:
        """How alike faces are before calibration: float64 (first, second), see `normalised_similarities`."""
        return normalised_similarities(first, second, self.recognition.parts)

    def template(self, image: Image, face: Face) -> Template:
        """The template of one face of an upright photo."""
        return Template.of(self.encoder.embed(image, face), self.recognition.parts, self.cohort)

    def _both(self, encode: Callable[[Image], T], first: Image, second: Image) -> tuple[T, T]:
        if self.photos_at_once == 1:
            return encode(first), encode(second)
        with ThreadPoolExecutor(1) as pool:
            other = pool.submit(encode, second)
            return encode(first), other.result()


def read_curve(asset: Asset) -> ScoreCurve:
    """Read a score curve of the registry.

    Raises:
        ModelError: it is not one.
    """
    try:
        return ScoreCurve.parse(asset.read().decode())
    except (CalibrationError, UnicodeDecodeError) as error:
        raise ModelError(asset.name, f"not a score curve ({error})") from error
