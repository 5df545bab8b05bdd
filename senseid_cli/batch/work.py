"""The work on one photo or video, in a thread here or on another machine."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from senseid import bodies, outcomes
from senseid.models import ModelKind
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from senseid.models import Models
    from senseid_engine.liveness.results import LivenessResult, PhotoLiveness
    from senseid_engine.photo_options import PhotoOptions
    from senseid_engine.template import Template


Need = tuple[Product, Capability]

OF_ONE_FILE = frozenset({outcomes.ExitStatus.USAGE, outcomes.ExitStatus.INPUT, outcomes.ExitStatus.DECRYPTION})
"""Statuses of errors that concern one photo or video; a missing key is one of them."""


class Medium(StrEnum):
    """The kind of file that work is done on."""

    PHOTO = "photo"
    VIDEO = "video"


@dataclass(frozen=True, slots=True)
class Refusal:
    """A photo, a video or a row that gives no result.

    Attributes:
        code: the response code of the HTTP API.
        message: the fixed message of that code.
        problem: what is wrong and what to do, in one line.
    """

    code: int
    message: str
    problem: str


class Work(Protocol):
    """One kind of work on the bytes of one photo or video. It travels between processes: keep it small."""

    medium: ClassVar[Medium]

    @property
    def identity(self) -> str:
        """Equal for work that gives equal results; part of the name under which these are kept."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """Products and capabilities that the licences of the working machine must allow."""

    @property
    def model_kinds(self) -> frozenset[ModelKind]:
        """The models that it is done with."""

    def run(self, models: Models, data: bytes) -> Any:
        """Do it.

        Raises:
            EngineError: the photo or video is refused.
        """


@dataclass(frozen=True, slots=True)
class Encoded:
    """The faces of a photo, ready to be compared. They are personal data.

    Attributes:
        templates: one per face, the largest first.
        rects: `[left, top, right, bottom]` of each face that has a template.
    """

    templates: tuple[Template, ...]
    rects: tuple[list[int], ...]


@dataclass(frozen=True, slots=True)
class Encode:
    """From a photo to templates.

    Attributes:
        only_largest: of its largest face only.
        options: how the photo is looked at.
        capability: what it is for.
    """

    medium: ClassVar[Medium] = Medium.PHOTO
    only_largest: bool
    options: PhotoOptions
    capability: Capability

    @property
    def identity(self) -> str:
        """The work and its options."""
        options = self.options
        identity = f"encode {self.only_largest} {options.auto_rotate} {options.check_quality} {options.single_face}"
        # Added later: a cache of a run without it still counts.
        return f"{identity} live" if options.check_liveness else identity

    @property
    def needs(self) -> tuple[Need, ...]:
        """The comparison, and what the options ask for."""
        needs: list[Need] = [(Product.FACE, self.capability)]
        if self.options.check_quality:
            needs.append((Product.KESTREL, Capability.QUALITY))
        if self.options.check_liveness:
            needs.append((Product.LIVENESS, Capability.LIVENESS))
        return tuple(needs)

    @property
    def model_kinds(self) -> frozenset[ModelKind]:
        """The engine, which does all that the options ask for."""
        return frozenset({ModelKind.ENGINE})

    def run(self, models: Models, data: bytes) -> Encoded:
        """Encode the faces of a photo."""
        from senseid_engine.image import decode_image

        image = decode_image(data, name="photo")
        if self.only_largest:
            photo, template = models.engine.encode_largest(image, self.options)
            return Encoded((template,), (photo.found.rects[0].as_list(),))
        photo, templates = models.engine.encode_all(image, self.options)
        return Encoded(tuple(templates), tuple(rect.as_list() for rect in photo.found.rects))


@dataclass(frozen=True, slots=True)
class MeasureQuality:
    """The quality of every face of a photo.

    Attributes:
        auto_rotate: turn a sideways or upside-down photo by looking for its faces.
    """

    medium: ClassVar[Medium] = Medium.PHOTO
    needs: ClassVar[tuple[Need, ...]] = ((Product.KESTREL, Capability.QUALITY),)
    model_kinds: ClassVar[frozenset[ModelKind]] = frozenset({ModelKind.QUALITY})
    auto_rotate: bool

    @property
    def identity(self) -> str:
        """The work and its options."""
        return f"quality {self.auto_rotate}"

    def run(self, models: Models, data: bytes) -> dict[str, Any]:
        """Measure the faces of a photo."""
        from senseid_engine.image import decode_image

        report = models.quality.check(decode_image(data, name="photo"), auto_rotate=self.auto_rotate)
        return {"faces": bodies.quality_body(report, "")["faces"]}


@dataclass(frozen=True, slots=True)
class CheckLiveness:
    """Whether the person in a video, or a photo, is living."""

    medium: ClassVar[Medium] = Medium.VIDEO
    identity: ClassVar[str] = "liveness"
    needs: ClassVar[tuple[Need, ...]] = ((Product.LIVENESS, Capability.LIVENESS),)
    model_kinds: ClassVar[frozenset[ModelKind]] = frozenset({ModelKind.LIVENESS})

    def run(self, models: Models, data: bytes) -> dict[str, Any]:
        """Check whether a video, or a photo, shows a living person."""
        from senseid_engine.image import decode_image, is_photo
        from senseid_engine.video import decode_video

        if is_photo(data):
            return live_facts(models.liveness.detect_photo(decode_image(data, name="photo")))
        return live_video_facts(models.liveness.detect(decode_video(data, name="video")))


@dataclass(frozen=True, slots=True)
class Live:
    """The person of a video, ready to be compared. It is personal data.

    Attributes:
        facts: what the check says of them.
        templates: one per selected frame; none if they are not living.
    """

    facts: dict[str, Any]
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class EncodeLive:
    """From a video to what is compared with photos."""

    medium: ClassVar[Medium] = Medium.VIDEO
    identity: ClassVar[str] = "live"
    needs: ClassVar[tuple[Need, ...]] = ((Product.FACE, Capability.VERIFY), (Product.LIVENESS, Capability.VERIFY))
    model_kinds: ClassVar[frozenset[ModelKind]] = frozenset({ModelKind.ENGINE, ModelKind.LIVENESS})

    def run(self, models: Models, data: bytes) -> Live:
        """Check a video, and encode the face of its best frame."""
        from senseid_cli.media import decode_video

        video = decode_video(data, "video", if_photo="give one in this column; `--task compare` compares two photos")
        result, templates = models.verifier.encode_live(video)
        return Live(live_video_facts(result), tuple(templates))


def live_facts(result: LivenessResult | PhotoLiveness) -> dict[str, Any]:
    """Return what every answer of the HTTP API to a liveness check has."""
    facts = dict(bodies.liveness_head(result, return_status=True))
    del facts["code"]
    return facts


def live_video_facts(result: LivenessResult) -> dict[str, Any]:
    """Return the same of a video, with the time of the selected frame."""
    facts = live_facts(result)
    return {**facts, "image_timestamp": result.best.timestamp} if result.passed else facts


def perform(work: Work, models: Models, data: bytes) -> Any:
    """Do work on one photo or video; a bad one is an answer, not an error.

    Returns:
        What the work gives, or a `Refusal`.

    Raises:
        LicensingError: the licences of this machine do not allow it.
        ModelError: a model cannot be used.
    """
    for product, capability in work.needs:
        for needed in (capability, Capability.BATCH):
            models.licences().require(product, needed)
    try:
        return work.run(models, data)
    except Exception as error:
        return refusal_of(error)


def refusal_of(error: Exception) -> Refusal:
    """The refusal that an error of one photo or video is.

    Raises:
        Exception: the error itself, where it would be the same for every other photo.
    """
    outcome = outcomes.outcome_of(error)
    if outcome.status in OF_ONE_FILE:
        # What an EngineError calls its problem names no file; the row does.
        return Refusal(outcome.code, outcome.message, str(getattr(error, "problem", error)))
    if outcomes.is_expected(error) or outcomes.is_of_memory(error):
        raise error
    # A photo that shows a mistake of ours must not end the run of a million others; the exit status tells of it.
    return Refusal(outcome.code, outcome.message, f"internal error ({type(error).__name__})")


def dump(encoded: Encoded) -> bytes:
    """Templates as bytes: their embeddings and rectangles."""
    import numpy as np

    embeddings = np.stack([template.embedding for template in encoded.templates])
    buffer = io.BytesIO()
    np.savez(buffer, allow_pickle=False, embeddings=embeddings, rects=np.array(encoded.rects, np.int64))
    return buffer.getvalue()


def load(data: bytes) -> Encoded:
    """Read the bytes that `dump` wrote.

    Raises:
        ValueError: it is nothing of the kind.
        KeyError: likewise.
    """
    import numpy as np

    from senseid_engine.template import Template

    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        embeddings, rects = archive["embeddings"], archive["rects"]
    return Encoded(tuple(Template(embedding) for embedding in embeddings), tuple(rects.tolist()))
