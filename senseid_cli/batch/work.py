"""What is done with one photo or video, wherever: in a thread here, or on another machine."""

from __future__ import annotations

import io
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any, ClassVar, Protocol, TypeVar

from senseid_cli import exits, render, wiring
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

if TYPE_CHECKING:
    from senseid_engine.engine import Engine
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.results import LivenessResult
    from senseid_engine.photo_options import PhotoOptions
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.template import Template
    from senseid_licensing.verified import VerifiedLicences

T = TypeVar("T")

Need = tuple[Product, Capability]

OF_ONE_FILE = frozenset({exits.ExitStatus.USAGE, exits.ExitStatus.INPUT, exits.ExitStatus.DECRYPTION})
"""What these errors say is wrong with one photo or video; that there is no key for it is one of them."""


class Medium(StrEnum):
    """What work is done on."""

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


class Want(StrEnum):
    """Models that work may need."""

    ENGINE = "engine"
    QUALITY = "quality"
    LIVENESS = "liveness"


class Tools:
    """The models that the work of a run needs, loaded once."""

    def __init__(self, licences: VerifiedLicences, wants: frozenset[Want], *, threads: int) -> None:
        """Load the models; they share one that finds faces.

        Args:
            licences: the verified licences of the machine that does the work.
            wants: which models.
            threads: CPUs that each may use for one piece of work.

        Raises:
            LicensingError: no verified licence for the models' products.
            ModelsError: a model file is missing or is not the one of the manifest.
            ModelError: a model cannot be used.
        """
        self.licences = licences
        self._engine = wiring.open_engine(licences, threads=threads) if Want.ENGINE in wants else None
        finder = self._engine.encoder.finder if self._engine else None
        self._quality = wiring.open_quality(licences, finder, threads=threads) if Want.QUALITY in wants else None
        self._liveness = (
            wiring.open_liveness(licences, finder, self._quality, threads=threads) if Want.LIVENESS in wants else None
        )

    @property
    def engine(self) -> Engine:
        """Finds, embeds and compares faces."""
        return _there(self._engine)

    @property
    def quality(self) -> QualityChecker:
        """Measures the quality of faces."""
        return _there(self._quality)

    @property
    def liveness(self) -> LivenessDetector:
        """Tells living people from attacks."""
        return _there(self._liveness)


def _there(tool: T | None) -> T:
    if tool is None:
        raise LookupError("work needs models that it did not name")
    return tool


class Work(Protocol):
    """One kind of work on the bytes of one photo or video. It travels between processes: keep it small."""

    medium: ClassVar[Medium]

    @property
    def identity(self) -> str:
        """Equal for work that gives equal results; part of the name under which these are kept."""

    @property
    def needs(self) -> tuple[Need, ...]:
        """What the licences of the machine that does it must allow."""

    @property
    def wants(self) -> frozenset[Want]:
        """The models that it is done with."""

    def run(self, tools: Tools, data: bytes) -> Any:
        """Do it.

        Raises:
            EngineError: the photo or video is refused.
        """


@dataclass(frozen=True, slots=True)
class Encoded:
    """The faces of a photo, ready to be compared. They are personal data.

    Attributes:
        templates: one a face, the largest first.
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
        """See `Work`."""
        options = self.options
        return f"encode {self.only_largest} {options.auto_rotate} {options.check_quality} {options.single_face}"

    @property
    def needs(self) -> tuple[Need, ...]:
        """See `Work`."""
        encode = (Product.FACE, self.capability)
        return (encode, (Product.KESTREL, Capability.QUALITY)) if self.options.check_quality else (encode,)

    @property
    def wants(self) -> frozenset[Want]:
        """See `Work`."""
        return frozenset({Want.ENGINE})

    def run(self, tools: Tools, data: bytes) -> Encoded:
        """See `Work`."""
        from senseid_engine.image import decode_image

        image = decode_image(data, name="photo")
        if self.only_largest:
            photo, template = tools.engine.encode_largest(image, self.options)
            return Encoded((template,), (photo.found.rects[0].as_list(),))
        photo, templates = tools.engine.encode_all(image, self.options)
        return Encoded(tuple(templates), tuple(rect.as_list() for rect in photo.found.rects))


@dataclass(frozen=True, slots=True)
class MeasureQuality:
    """The quality of every face of a photo.

    Attributes:
        auto_rotate: turn a sideways or upside-down photo by looking for its faces.
    """

    medium: ClassVar[Medium] = Medium.PHOTO
    needs: ClassVar[tuple[Need, ...]] = ((Product.KESTREL, Capability.QUALITY),)
    wants: ClassVar[frozenset[Want]] = frozenset({Want.QUALITY})
    auto_rotate: bool

    @property
    def identity(self) -> str:
        """See `Work`."""
        return f"quality {self.auto_rotate}"

    def run(self, tools: Tools, data: bytes) -> dict[str, Any]:
        """See `Work`."""
        from senseid_engine.image import decode_image

        report = tools.quality.check(decode_image(data, name="photo"), auto_rotate=self.auto_rotate)
        return {"faces": render.quality_body(report, "")["faces"]}


@dataclass(frozen=True, slots=True)
class CheckLiveness:
    """Whether the person in a video is living."""

    medium: ClassVar[Medium] = Medium.VIDEO
    identity: ClassVar[str] = "liveness"
    needs: ClassVar[tuple[Need, ...]] = ((Product.LIVENESS, Capability.LIVENESS),)
    wants: ClassVar[frozenset[Want]] = frozenset({Want.LIVENESS})

    def run(self, tools: Tools, data: bytes) -> dict[str, Any]:
        """See `Work`."""
        from senseid_engine.video import decode_video

        return live_facts(tools.liveness.detect(decode_video(data, name="video")))


@dataclass(frozen=True, slots=True)
class Live:
    """The person of a video, ready to be compared. It is personal data.

    Attributes:
        facts: what the check says of them.
        templates: one a selected frame; none if they are not living.
    """

    facts: dict[str, Any]
    templates: tuple[Template, ...]


@dataclass(frozen=True, slots=True)
class EncodeLive:
    """From a video to what is compared with photos."""

    medium: ClassVar[Medium] = Medium.VIDEO
    identity: ClassVar[str] = "live"
    needs: ClassVar[tuple[Need, ...]] = ((Product.FACE, Capability.VERIFY), (Product.LIVENESS, Capability.VERIFY))
    wants: ClassVar[frozenset[Want]] = frozenset({Want.ENGINE, Want.LIVENESS})

    def run(self, tools: Tools, data: bytes) -> Live:
        """See `Work`."""
        from senseid_engine.liveness.verify import LiveVerifier
        from senseid_engine.video import decode_video

        verifier = LiveVerifier(tools.engine, tools.liveness)
        result, templates = verifier.encode_live(decode_video(data, name="video"))
        return Live(live_facts(result), tuple(templates))


def live_facts(result: LivenessResult) -> dict[str, Any]:
    """What the HTTP API says of a liveness check, without pictures."""
    body = render.liveness_body(result, "", return_status=True)
    facts = {name: body[name] for name in ("passed", "liveness_score", "liveness_status")}
    return {**facts, "image_timestamp": result.best.timestamp} if result.passed else facts


def perform(work: Work, tools: Tools, data: bytes) -> Any:
    """Do work on one photo or video; a bad one is an answer, not an error.

    Returns:
        What the work gives, or a `Refusal`.

    Raises:
        LicensingError: the licences of this machine do not allow it.
        ModelError: a model cannot be used.
    """
    for product, capability in work.needs:
        for needed in (capability, Capability.BATCH):
            tools.licences.require(product, needed)
    try:
        return work.run(tools, data)
    except Exception as error:
        return refusal_of(error)


def refusal_of(error: Exception) -> Refusal:
    """The refusal that an error of one photo or video is.

    Raises:
        Exception: the error itself, where it would be the same for every other photo.
    """
    outcome = exits.outcome_of(error)
    if outcome.status in OF_ONE_FILE:
        # What an EngineError calls its problem names no file; the row does.
        return Refusal(outcome.code, outcome.message, str(getattr(error, "problem", error)))
    if exits.is_expected(error) or exits.is_of_memory(error):
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
    """What `dump` wrote.

    Raises:
        ValueError: it is nothing of the kind.
        KeyError: likewise.
    """
    import numpy as np

    from senseid_engine.template import Template

    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        embeddings, rects = archive["embeddings"], archive["rects"]
    return Encoded(tuple(Template(embedding) for embedding in embeddings), tuple(rects.tolist()))
