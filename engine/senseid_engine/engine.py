"""The facade: photos in, templates and calibrated scores out."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from itertools import chain, islice
from typing import TYPE_CHECKING, TypeVar

from senseid_engine.cpu import share
from senseid_engine.curve import ScoreCurve
from senseid_engine.device import Device
from senseid_engine.encoder import Encoder
from senseid_engine.errors import AmbiguousFaceError, AttackError, CalibrationError, ModelError, OcclusionError
from senseid_engine.liveness.stills import PHOTO_THRESHOLD, StillsClassifier
from senseid_engine.photo_options import AS_IT_IS, PhotoOptions
from senseid_engine.quality.occlusion import OcclusionEstimator
from senseid_engine.recognition import Recognition
from senseid_engine.references import References
from senseid_engine.results import Comparison, FoundFaces, OmniComparison
from senseid_engine.template import Template, similarities
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from concurrent.futures import Future

    from senseid_engine.faces import Face
    from senseid_engine.finder import UprightPhoto
    from senseid_engine.image import Image
    from senseid_engine.session import Session
    from senseid_licensing.verified import VerifiedLicences
    from senseid_models.entries import Asset
    from senseid_models.registry import Registry

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Engine:
    """The models that turn photos into scores. Loaded once; may be shared between threads.

    Attributes:
        encoder: finds and embeds faces.
        occlusion: finds the covered parts of a face.
        stills: opens the classifier that tells a face from a picture of one, at its first use.
        curve: from similarity to score.
        licences: checked before each use.
        photos_at_once: how many photos of one comparison are encoded at the same time.
    """

    encoder: Encoder
    occlusion: OcclusionEstimator
    stills: Callable[[], StillsClassifier]
    curve: ScoreCurve
    licences: VerifiedLicences
    photos_at_once: int

    @classmethod
    def open(
        cls,
        registry: Registry,
        licences: VerifiedLicences,
        *,
        threads: int,
        device: Device = Device.CPU,
        recognition: Recognition | None = None,
        embedding: Future[Session] | None = None,
    ) -> Engine:
        """Load the models of a registry.

        Two photos are encoded in parallel if there are two threads or more.

        Args:
            registry: the registered models.
            licences: the verified licences of this run; checked before any model file is opened.
            threads: CPUs to use, at least 1.
            device: where the networks run.
            recognition: the recognition to compare with, if not that of the registry. Scores mean something only with a
                curve that was made for it; similarities need none.
            embedding: the recognition's model, if it is being opened already, with the threads of `cpu.share`. It is
                not waited for: its errors are raised as the first face is embedded.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a file is missing or is not the one of the manifest.
            ModelError: a model or data file cannot be used.
            DeviceError: the processor cannot be used, or gives other values than the CPU.
        """
        licences.require(Product.FACE)
        recognition = recognition or Recognition.load(registry)
        photos_at_once, threads_each = share(threads)
        return cls(
            encoder=Encoder.open(
                registry, recognition.model, licences, threads=threads_each, device=device, embedding=embedding
            ),
            occlusion=OcclusionEstimator.open(registry, licences, threads=threads_each, device=device),
            stills=cache(lambda: StillsClassifier.open(registry, licences, threads=threads_each, device=device)),
            curve=read_curve(registry.asset(recognition.curve)),
            licences=licences,
            photos_at_once=photos_at_once,
        )

    def compare(
        self, first: Image, second: Image, options: PhotoOptions = AS_IT_IS, *, further: Iterable[Image] = ()
    ) -> Comparison:
        """Compare the largest face of each photo.

        Args:
            first: a decoded photo.
            second: a decoded photo.
            options: how all are processed.
            further: more photos of the person of the first, `MOST_REFERENCES` with that; one score is given for all of
                them. They are taken as they are needed, two at a time. Their order does not matter.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: a photo has no face, or none that is upright.
            AmbiguousFaceError: a photo has two faces of like size, which `options` forbid.
            OcclusionError: a face is covered, which `options` forbid.
            AttackError: a face looks like a picture of one, which `options` forbid.
            DifferentPeopleError: the first and the further photos do not show one person.
        """
        self.licences.require(Product.FACE, Capability.COMPARE)
        *known, (found, face) = self._each(
            lambda image: self._found_and_template(image, options), chain([first], further, [second])
        )
        of_first, references = self._references(known)
        return Comparison(references.score([face], self.curve), of_first[0], found, of_first[1:])

    def omni(self, first: Image, second: Image, options: PhotoOptions = AS_IT_IS) -> OmniComparison:
        """Compare every face of one photo with every face of the other.

        Args:
            first: a decoded photo.
            second: a decoded photo.
            options: how both are processed.

        Raises:
            LicensingError: the licence does not allow it.
            NoFaceError: a photo has no face, or none that is upright.
            OcclusionError: a face is covered, which `options` forbid.
            AttackError: a face looks like a picture of one, which `options` forbid.
        """
        self.licences.require(Product.FACE, Capability.OMNI)
        a, b = self._each(lambda image: self.encode_all(image, options), [first, second])
        z = similarities(a[1], b[1])
        scores = tuple(tuple(self.curve.score(float(value)) for value in row) for row in z)
        return OmniComparison(scores, a[0].found, b[0].found)

    def encode_largest(self, image: Image, options: PhotoOptions = AS_IT_IS) -> tuple[UprightPhoto, Template]:
        """The faces of a photo, with what is covered of the largest one, and its template.

        Args:
            image: a decoded photo.
            options: how it is processed.

        Raises:
            LicensingError: the licence does not allow to check whether a face is covered, or a picture of one.
            NoFaceError: the photo has no face, or none that is upright.
            AmbiguousFaceError: the photo has two faces of like size, which `options` forbid.
            OcclusionError: the face is covered, which `options` forbid.
            AttackError: the face looks like a picture of one, which `options` forbid.
        """
        photo = self.encoder.finder.find(image, auto_rotate=options.auto_rotate)
        if options.single_face and photo.found.ambiguous:
            raise AmbiguousFaceError(
                image.name, f"shows {len(photo.faces)} faces, two of them of like size: cut out the one that is meant"
            )
        covered = self._covered(photo.image, photo.faces[0], options)
        self._check_liveness(photo.image, photo.faces[0], options)
        photo = replace(photo, found=replace(photo.found, covered=covered))
        return photo, self.template(photo.image, photo.faces[0])

    def encode_all(self, image: Image, options: PhotoOptions = AS_IT_IS) -> tuple[UprightPhoto, list[Template]]:
        """The faces of a photo, and their templates.

        Args:
            image: a decoded photo.
            options: how it is processed.

        Raises:
            LicensingError: the licence does not allow to check whether a face is covered, or a picture of one.
            NoFaceError: the photo has no face, or none that is upright.
            OcclusionError: a face is covered, which `options` forbid.
            AttackError: a face looks like a picture of one, which `options` forbid.
        """
        photo = self.encoder.finder.find(image, auto_rotate=options.auto_rotate)
        for face in photo.faces:
            if options.check_quality:
                self._covered(photo.image, face, options)
            self._check_liveness(photo.image, face, options)
        return photo, [self.template(photo.image, face) for face in photo.faces]

    def encode_references(
        self, photos: Iterable[Image], options: PhotoOptions = AS_IT_IS
    ) -> tuple[tuple[FoundFaces, ...], References]:
        """The faces of photos of one person, and what the largest of each are together.

        Args:
            photos: decoded photos, at least one, at most `MOST_REFERENCES`; taken as they are needed, two at a time.
            options: how they are processed.

        Raises:
            LicensingError, NoFaceError, AmbiguousFaceError, OcclusionError: as for `encode_largest`.
            DifferentPeopleError: the photos do not show one person.
        """
        return self._references(self._each(lambda image: self._found_and_template(image, options), photos))

    def template(self, image: Image, face: Face) -> Template:
        """The template of one face of an upright photo."""
        return Template(self.encoder.embedder.embed(image.pixels, face))

    def _covered(self, image: Image, face: Face, options: PhotoOptions) -> tuple[str, ...]:
        if options.check_quality:
            self.licences.require(Product.KESTREL, Capability.QUALITY)
        covered = self.occlusion.estimate(image.pixels, face).covered
        if covered and options.check_quality:
            raise OcclusionError(image.name, covered)
        return covered

    def _check_liveness(self, image: Image, face: Face, options: PhotoOptions) -> None:
        if not options.check_liveness:
            return
        self.licences.require(Product.LIVENESS, Capability.LIVENESS)
        score = self.stills().score(image.pixels, face)
        if score < PHOTO_THRESHOLD:
            raise AttackError(
                image.name,
                f"looks like a photo of paper or of a screen (liveness {score:.2f}, at least {PHOTO_THRESHOLD} is "
                "needed): take the photo of the person",
            )

    def _found_and_template(self, image: Image, options: PhotoOptions) -> tuple[FoundFaces, Template]:
        photo, template = self.encode_largest(image, options)
        return photo.found, template

    def _references(self, photos: Sequence[tuple[FoundFaces, Template]]) -> tuple[tuple[FoundFaces, ...], References]:
        found, templates = zip(*photos, strict=True)
        return found, References.of(templates, [photo.name for photo in found], self.curve)

    def _each(self, encode: Callable[[Image], T], images: Iterable[Image]) -> list[T]:
        """Encode, `photos_at_once` at a time; of several refused photos the error is that of the first."""
        left, done = iter(images), []
        with ThreadPoolExecutor(1) as pool:
            while some := list(islice(left, self.photos_at_once)):
                others = [pool.submit(encode, image) for image in some[1:]]
                done += [encode(some[0]), *(other.result() for other in others)]
        return done


def read_curve(asset: Asset) -> ScoreCurve:
    """Read a score curve of the registry.

    Raises:
        ModelError: it is not one.
    """
    try:
        return ScoreCurve.parse(asset.read().decode())
    except (CalibrationError, UnicodeDecodeError) as error:
        raise ModelError(asset.name, f"not a score curve ({error})") from error
