"""Answering one request: form, keys, engine, body. Runs in a handler; no error propagates."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, cast

from senseid import bodies
from senseid.decisions import Figures, figures_of_body
from senseid.outcomes import INTERNAL, is_expected, outcome_of
from senseid.stids import in_words
from senseid_engine.errors import DifferentPeopleError, EngineError
from senseid_engine.photo_options import PhotoOptions
from senseid_service import endpoints
from senseid_service.details import details_of, details_of_error
from senseid_service.endpoints import ENDPOINTS
from senseid_service.forms import parse_form
from senseid_service.inputs import Inputs
from senseid_service.steps import Step, Steps

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from senseid.models import Models
    from senseid.outcomes import Outcome
    from senseid_crypto.key import Key
    from senseid_engine.engine import Engine
    from senseid_engine.liveness.detector import LivenessDetector
    from senseid_engine.liveness.verify import LiveVerifier
    from senseid_engine.quality.checker import QualityChecker
    from senseid_service.details import Result

    Body = Mapping[str, object]


_ABOUT_ONE_PHOTO = frozenset({2005, 4000, 4004})
"""Codes whose message goes on with the parameter of the photo that is meant: a request may hold several."""


@dataclass(frozen=True, slots=True)
class Request:
    """A request for a handler.

    Attributes:
        request_id: 32 hex digits.
        path: one of `ENDPOINTS`.
        content_type: the header.
        body: the form.
        details: whether the page asked for more than the API tells.
        trace: the `traceparent` of its span, for who works on it; empty where nothing is traced.
    """

    request_id: str
    path: str
    content_type: str
    body: bytes | bytearray = field(repr=False)
    details: bool = False
    trace: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to the client, and the facts about it for the log.

    Attributes:
        http_status: the status of the response.
        code: the code of the body.
        body: JSON.
        reason: why it was refused, with nothing of the request's content; empty for a result.
        seconds: how long the handler worked.
        figures: the numbers of a result.
        steps: what it was worked on with, where it is traced.
    """

    http_status: int
    code: int
    body: bytes = field(repr=False)
    reason: str = ""
    seconds: float = 0.0
    figures: Figures = field(default_factory=Figures)
    steps: tuple[Step, ...] = ()


class Answerer:
    """Answers requests with the models and keys of this process."""

    def __init__(
        self, models: Models, keys: Sequence[Key], *, plain_media: bool = False, phone_formats: bool = False
    ) -> None:
        """Read nothing yet.

        Args:
            models: the models, opened at their first use.
            keys: the keys to decrypt media with.
            plain_media: whether photos and videos may come as they are.
            phone_formats: whether photos may be WebP, AVIF and HEIC.
        """
        self._models = models
        self._keys = keys
        self._plain_media = plain_media
        self._phone_formats = phone_formats

    def use(self, keys: Sequence[Key]) -> None:
        """Decrypt with these keys from the next request on."""
        self._keys = keys

    def answer(self, request: Request) -> Answer:
        """Answer one request. Raises nothing."""
        begin = time.perf_counter()
        http_status, code, reason, figures = 200, bodies.OK_CODE, "", Figures()
        steps = Steps() if request.trace else None
        try:
            body: Body
            body, result = self._result(request, steps)
            if request.details:
                body = {**body, "details": details_of(result)}
            text, figures = bodies.json_text(body), figures_of_body(body)
        except Exception as error:  # the client gets an answer to any error
            outcome = outcome_of(error) if is_expected(error) else INTERNAL
            http_status, code, reason = outcome.http_status, outcome.code, reason_for_log(error)
            body = bodies.error_body(outcome, request.request_id, _about(error, outcome))
            if request.details:
                body = {**body, "details": details_of_error(error, ENDPOINTS[request.path])}
            text = bodies.json_text(body)
        taken = tuple(steps.taken) if steps is not None else ()
        return Answer(http_status, code, text.encode(), reason, time.perf_counter() - begin, figures, taken)

    def _result(self, request: Request, steps: Steps | None) -> tuple[Body, Result]:
        endpoint = ENDPOINTS[request.path]
        endpoint.require(self._models.licences())
        form = parse_form(request.content_type, bytes(request.body))
        inputs = Inputs(form, self._keys, plain_media=self._plain_media, phone_formats=self._phone_formats, steps=steps)
        models = self._models if steps is None else cast("Models", _TracedModels(self._models, steps))
        return _RUNS[endpoint.path](models, inputs, request.request_id)


class _TracedModels:
    """The models, with their steps taken."""

    def __init__(self, models: Models, steps: Steps) -> None:
        self._models = models
        self._steps = steps

    @property
    def engine(self) -> Engine:
        return self._steps.engine(self._models.engine)

    @property
    def quality(self) -> QualityChecker:
        return self._steps.quality(self._models.quality)

    @property
    def liveness(self) -> LivenessDetector:
        return self._steps.liveness(self._models.liveness)

    @property
    def verifier(self) -> LiveVerifier:
        return self._steps.verifier(self._models.verifier)


def _about(error: Exception, outcome: Outcome) -> str:
    """The parameter that the message goes on with; empty where it stands alone."""
    of_one = isinstance(error, DifferentPeopleError) or outcome.code in _ABOUT_ONE_PHOTO
    return error.name if of_one and isinstance(error, EngineError) else ""


def reason_for_log(error: Exception) -> str:
    """Why a request failed, for the log. The text of an unknown error may hold anything: only its place is logged."""
    if is_expected(error):
        stid = getattr(error, "stid", None)
        return f"{in_words(stid)}: {error}" if stid is not None else str(error)
    place = ""
    trace = error.__traceback__
    while trace is not None:
        place = f" at {trace.tb_frame.f_code.co_qualname}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__}{place}"


def _compare(models: Models, inputs: Inputs, request_id: str) -> tuple[Body, Result]:
    options = _options(inputs)
    first, second = inputs.photo("first_encrypted_image"), inputs.photo("second_encrypted_image")
    further = inputs.photos("further_encrypted_images")
    result = models.engine.compare(first, second, options, further=further)
    return bodies.compare_body(result, request_id), result


def _omni(models: Models, inputs: Inputs, request_id: str) -> tuple[Body, Result]:
    options = PhotoOptions(auto_rotate=inputs.switch("auto_rotate"))
    first, second = inputs.photo("first_encrypted_image"), inputs.photo("second_encrypted_image")
    result = models.engine.omni(first, second, options)
    return bodies.omni_body(result, request_id), result


def _quality(models: Models, inputs: Inputs, request_id: str) -> tuple[Body, Result]:
    result = models.quality.check(inputs.photo("encrypted_image"))
    return bodies.quality_body(result, request_id), result


def _liveness(models: Models, inputs: Inputs, request_id: str) -> tuple[Body, Result]:
    wanted = _pictures(inputs)
    result = models.liveness.detect(inputs.video("encrypted_video"))
    return bodies.liveness_body(result, request_id, **wanted), result


def _verify_video(models: Models, inputs: Inputs, request_id: str) -> tuple[Body, Result]:
    options, wanted = _options(inputs), _pictures(inputs)
    video, photo = inputs.video("encrypted_video"), inputs.photo("encrypted_image")
    further = inputs.photos("further_encrypted_images")
    result = models.verifier.verify_video(video, photo, options, further=further)
    return bodies.verify_body(result, request_id, **wanted), result


def _verify_capture(models: Models, inputs: Inputs, request_id: str) -> tuple[Body, Result]:
    options = _options(inputs)
    capture, photo = inputs.capture("liveness_file"), inputs.photo("encrypted_image")
    further = inputs.photos("further_encrypted_images")
    result = models.verifier.verify_capture(capture, photo, options, name="liveness_file", further=further)
    return bodies.capture_body(result, request_id), result


def _options(inputs: Inputs) -> PhotoOptions:
    return PhotoOptions(auto_rotate=inputs.switch("auto_rotate"), check_quality=inputs.switch("check_quality"))


def _pictures(inputs: Inputs) -> dict[str, bool]:
    return {name: inputs.switch(name) for name in ("return_image", "return_face_image", "return_status")}


_RUNS: Mapping[str, Callable[[Models, Inputs, str], tuple[Body, Result]]] = {
    endpoints.COMPARE.path: _compare,
    endpoints.OMNI.path: _omni,
    endpoints.VERIFY_CAPTURE.path: _verify_capture,
    endpoints.VERIFY_VIDEO.path: _verify_video,
    endpoints.QUALITY.path: _quality,
    endpoints.LIVENESS.path: _liveness,
}
