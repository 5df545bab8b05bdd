"""The endpoints as data: paths, parameters, the licence they need, what they may answer. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

from senseid_licensing.capability import Capability
from senseid_licensing.product import Product

HEALTH_PATH: Final = "/healthcheck"


class Kind(Enum):
    """What a parameter holds."""

    PHOTO = "an encrypted photo, Base64"
    VIDEO = "an encrypted video, Base64"
    LIVENESS_DATA = "a file of liveness data, as it is"
    SWITCH = "true or false"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One form field.

    Attributes:
        name: of the field.
        kind: what it holds.
        meaning: one line for the OpenAPI document.
    """

    name: str
    kind: Kind
    meaning: str

    @property
    def required(self) -> bool:
        """Whether a request without it is refused; a switch is off where it is absent."""
        return self.kind is not Kind.SWITCH


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API.

    Attributes:
        path: of the URL.
        summary: one line for the OpenAPI document.
        product: whose licence must allow it.
        capability: what that licence must allow, besides serving.
        parameters: the form fields.
        codes: the response codes of refused requests.
        result: the fields of a result beside `code` and `request_id`, as JSON schema.
        optional: those of them that are there only in some results.
    """

    path: str
    summary: str
    product: Product
    capability: Capability
    parameters: tuple[Parameter, ...]
    codes: tuple[int, ...]
    result: dict[str, object]
    optional: frozenset[str] = frozenset()


_FIRST = Parameter("first_encrypted_image", Kind.PHOTO, "the first photo")
_SECOND = Parameter("second_encrypted_image", Kind.PHOTO, "the second photo")
_AUTO_ROTATE = Parameter("auto_rotate", Kind.SWITCH, "turn a sideways or upside-down photo upright")

_SCORE: Final[dict[str, object]] = {"type": "number", "minimum": 0, "maximum": 1}
_RECT: Final[dict[str, object]] = {
    "type": "array", "items": {"type": "integer"}, "minItems": 4, "maxItems": 4,
    "description": "left, top, right, bottom in pixels of the upright photo",
}  # fmt: skip
_RECTS: Final[dict[str, object]] = {"type": "array", "items": _RECT, "minItems": 1}

_PHOTO_CODES: Final = (1200, 2003, 2004, 2005, 4000)

COMPARE: Final = Endpoint(
    path="/identity/image_verification/stateless",
    summary="Compare the largest face of one photo with that of another",
    product=Product.FACE,
    capability=Capability.COMPARE,
    parameters=(_FIRST, _SECOND, _AUTO_ROTATE),
    codes=_PHOTO_CODES,
    result={"verification_score": _SCORE},
)

OMNI: Final = Endpoint(
    path="/identity/multiface_image_omni_verification/stateless",
    summary="Compare every face of one photo with every face of another",
    product=Product.FACE,
    capability=Capability.OMNI,
    parameters=(_FIRST, _SECOND, _AUTO_ROTATE),
    codes=_PHOTO_CODES,
    result={
        "scores": {"type": "array", "items": {"type": "array", "items": _SCORE, "minItems": 1}, "minItems": 1},
        "face_rects": {
            "type": "object",
            "properties": {"first_image_face_rects": _RECTS, "second_image_face_rects": _RECTS},
            "required": ["first_image_face_rects", "second_image_face_rects"],
        },
    },
)

ENDPOINTS: Final = {endpoint.path: endpoint for endpoint in (COMPARE, OMNI)}
"""Every endpoint by its path."""
