"""The endpoints as data: paths, parameters, the licence they need, what they may answer. Imports nothing heavy."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Final

from senseid import shapes
from senseid_engine.photo_options import MOST_REFERENCES
from senseid_licensing.capability import Capability
from senseid_licensing.product import Product
from senseid_service import page_shapes

if TYPE_CHECKING:
    from senseid_licensing.verified import VerifiedLicences

HEALTH_PATH: Final = "/healthcheck"
"""The manual's health check: whether everything can be answered."""

READY_PATH: Final = "/readyz"
"""Readiness, for load balancers: whether anything can be answered."""

LIVE_PATH: Final = "/livez"
"""Liveness, for process managers: whether the process runs."""

HEALTH_PATHS: Final = frozenset({HEALTH_PATH, READY_PATH, LIVE_PATH})


class Kind(Enum):
    """The type of a parameter."""

    PHOTO = "an encrypted photo, Base64"
    VIDEO = "an encrypted video, Base64"
    LIVENESS_DATA = "a file of liveness data, as it is"
    PHOTOS = "encrypted photos, Base64 each, with commas between them"
    SWITCH = "true or false"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One form field.

    Attributes:
        name: the name of the field.
        kind: its type.
        meaning: one line for the OpenAPI document.
    """

    name: str
    kind: Kind
    meaning: str

    @property
    def required(self) -> bool:
        """Whether a request without it is refused; an absent switch is off, and further photos are an addition."""
        return self.kind not in {Kind.SWITCH, Kind.PHOTOS}

    @property
    def plain(self) -> tuple[str, ...]:
        """The fields that carry the same as plain files; none if it is no photo or video."""
        if self.kind is Kind.PHOTOS:
            return plain_names(self.name)
        return (plain_name(self.name),) if self.kind in {Kind.PHOTO, Kind.VIDEO} else ()


def plain_name(name: str) -> str:
    """The field of a plain photo or video, such as `first_image`, by that of an encrypted one."""
    return name.replace("encrypted_", "")


def plain_names(name: str) -> tuple[str, ...]:
    """The fields of plain further photos, `further_image_1` and so on, by that of encrypted ones."""
    return tuple(f"{plain_name(name).removesuffix('s')}_{i}" for i in range(1, MOST_REFERENCES))


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path of the API.

    Attributes:
        path: the path of the URL.
        summary: one line for the OpenAPI document.
        products: the products whose licences must allow it.
        capability: the capability that those licences must allow, besides serving.
        parameters: the form fields.
        codes: the response codes of refused requests.
        result: the shape of a result, a `TypedDict`.
        details: the shape of what the page is told beside it, likewise.
    """

    path: str
    summary: str
    products: tuple[Product, ...]
    capability: Capability
    parameters: tuple[Parameter, ...]
    codes: tuple[int, ...]
    result: type
    details: type

    def require(self, licences: VerifiedLicences) -> None:
        """Return if the licences allow it.

        Raises:
            LicensingError: they do not.
        """
        for product in self.products:
            self.require_of(product, licences)

    def require_of(self, product: Product, licences: VerifiedLicences) -> None:
        """Return if the licence of one product allows it.

        Raises:
            LicensingError: it does not.
        """
        for capability in (Capability.SERVE, self.capability):
            licences.require(product, capability)


_FIRST = Parameter("first_encrypted_image", Kind.PHOTO, "the first photo")
_SECOND = Parameter("second_encrypted_image", Kind.PHOTO, "the second photo")
_FURTHER_OF_FIRST = Parameter(
    "further_encrypted_images", Kind.PHOTOS, "further photos of the person of the first photo, for one score"
)
_FURTHER = Parameter("further_encrypted_images", Kind.PHOTOS, "further photos of the photo's person, for one score")
_AUTO_ROTATE = Parameter("auto_rotate", Kind.SWITCH, "turn a sideways or upside-down photo upright")

_CHECK_QUALITY = Parameter("check_quality", Kind.SWITCH, "refuse a face with a covered eye, nose or mouth")
_IMAGE = Parameter("encrypted_image", Kind.PHOTO, "the photo")
_VIDEO = Parameter("encrypted_video", Kind.VIDEO, "the video")
_LIVENESS_FILE = Parameter("liveness_file", Kind.LIVENESS_DATA, "what an earlier liveness check left behind")
_RETURN_IMAGE = Parameter("return_image", Kind.SWITCH, "return the selected frame and its time, if the check passed")
_RETURN_FACE = Parameter("return_face_image", Kind.SWITCH, "return the face of that frame, if the check passed")
_RETURN_STATUS = Parameter("return_status", Kind.SWITCH, "return why the check passed or not")

_PHOTO_CODES: Final = (1200, 2003, 2004, 2005, 4000)
_VIDEO_CODES: Final = (2008, 4007)

COMPARE: Final = Endpoint(
    path="/identity/image_verification/stateless",
    summary="Compare the largest face of one photo with that of another",
    products=(Product.FACE,),
    capability=Capability.COMPARE,
    parameters=(_FIRST, _SECOND, _FURTHER_OF_FIRST, _AUTO_ROTATE, _CHECK_QUALITY),
    codes=(*_PHOTO_CODES, 4004),
    result=shapes.CompareBody,
    details=page_shapes.CompareDetails,
)

OMNI: Final = Endpoint(
    path="/identity/multiface_image_omni_verification/stateless",
    summary="Compare every face of one photo with every face of another",
    products=(Product.FACE,),
    capability=Capability.OMNI,
    parameters=(_FIRST, _SECOND, _AUTO_ROTATE),
    codes=_PHOTO_CODES,
    result=shapes.OmniBody,
    details=page_shapes.OmniDetails,
)

VERIFY_CAPTURE: Final = Endpoint(
    path="/identity/liveness_image_verification/stateless",
    summary="Compare the person of liveness data with a photo",
    products=(Product.FACE, Product.LIVENESS),
    capability=Capability.VERIFY,
    parameters=(_LIVENESS_FILE, _IMAGE, _FURTHER, _AUTO_ROTATE, _CHECK_QUALITY),
    codes=(*_PHOTO_CODES, 2007, 4004),
    result=shapes.CaptureBody,
    details=page_shapes.CaptureDetails,
)

VERIFY_VIDEO: Final = Endpoint(
    path="/identity/silent_image_verification/stateless",
    summary="Check that the person in a video is living, and compare that person with a photo",
    products=(Product.FACE, Product.LIVENESS),
    capability=Capability.VERIFY,
    parameters=(_VIDEO, _IMAGE, _FURTHER, _AUTO_ROTATE, _CHECK_QUALITY, _RETURN_IMAGE, _RETURN_FACE, _RETURN_STATUS),
    codes=(*_PHOTO_CODES, *_VIDEO_CODES, 4004),
    result=shapes.VerifyBody,
    details=page_shapes.VerifyDetails,
)

QUALITY: Final = Endpoint(
    path="/quality/face/stateless",
    summary="Measure the quality of every face of a photo",
    products=(Product.KESTREL,),
    capability=Capability.QUALITY,
    parameters=(_IMAGE,),
    codes=_PHOTO_CODES,
    result=shapes.QualityBody,
    details=page_shapes.QualityDetails,
)

LIVENESS: Final = Endpoint(
    path="/liveness/silent_detection/stateless",
    summary="Check that the person in a video is living",
    products=(Product.LIVENESS,),
    capability=Capability.LIVENESS,
    parameters=(_VIDEO, _RETURN_IMAGE, _RETURN_FACE, _RETURN_STATUS),
    codes=(1200, 2003, 2004, *_VIDEO_CODES),
    result=shapes.LivenessBody,
    details=page_shapes.LivenessDetails,
)

ENDPOINTS: Final = {
    endpoint.path: endpoint for endpoint in (COMPARE, OMNI, VERIFY_CAPTURE, VERIFY_VIDEO, QUALITY, LIVENESS)
}
"""Every endpoint by its path."""
