"""The shapes of the bodies of the HTTP API, which the command line prints as well.

mypy holds `bodies` to them, and `json_schema` makes of them what `senseid schema` and the OpenAPI document show. A body
is a result, with the code 1000, or an error; both carry the id of their request.
"""

from __future__ import annotations

from typing import Annotated, Literal, NotRequired, TypedDict

RequestId = Annotated[str, {"pattern": "^[0-9a-f]{32}$"}, "names the request in the log"]
Share = Annotated[float, {"minimum": 0, "maximum": 1}]
Signed = Annotated[float, {"minimum": -1, "maximum": 1}]
Angle = Annotated[float, {"minimum": -180, "maximum": 180}]
Count = Annotated[int, {"minimum": 0}]
Seconds = Annotated[float, {"minimum": 0}]
Picture = Annotated[str, {"contentEncoding": "base64", "contentMediaType": "image/jpeg"}]
Rect = Annotated[
    list[int],
    {"minItems": 4, "maxItems": 4, "description": "left, top, right, bottom in pixels of the upright photo"},
]
Rects = Annotated[list[Rect], {"minItems": 1}]
Scores = Annotated[list[Annotated[list[Share], {"minItems": 1}]], {"minItems": 1}]
Cannot = Annotated[
    dict[str, str], "paths whose requests are refused now, each with the name and number of the licence's error"
]
LivenessStatus = Annotated[str, {"enum": ["ok", "hack", "short_time"]}]


class Result(TypedDict):
    """The fields of every result."""

    code: Annotated[Literal[1000], "1000, whatever the verdict"]
    request_id: RequestId


class ErrorBody(TypedDict):
    """An error."""

    code: Annotated[int, {"not": {"const": 1000}}, "the response code, never 1000"]
    message: Annotated[str, "the fixed words of that code, and after a colon what they are about"]
    request_id: RequestId


class SeveralFaces(TypedDict):
    """The largest of several faces, at `face_rect`, was compared, and another may be meant."""

    image: Annotated[str, "the photo"]
    warning: Literal["several_faces"]
    faces: Annotated[Count, "how many faces it shows"]
    face_rect: Rect


class FaceCovered(TypedDict):
    """Parts of the face are covered, so that the score is less sure."""

    image: Annotated[str, "the photo"]
    warning: Literal["face_covered"]
    features: Annotated[list[str], "what is covered"]


class Warned(TypedDict):
    """A result that may be in doubt."""

    warnings: NotRequired[Annotated[list[SeveralFaces | FaceCovered], "only if the face of a photo is in doubt"]]


class CompareBody(Result, Warned):
    """A comparison of two faces."""

    verification_score: Annotated[Share, "a stranger reaches the score s with a probability of 10^-((s - 0.3) / 0.1)"]


class ComparedFace(TypedDict):
    """The face of a photo that was compared."""

    face: Annotated[Count, "its number, from 1 on; the largest is the first"]
    faces: Annotated[Count, "how many faces the photo shows"]
    face_rect: Rect
    width: Annotated[Count, "of the upright photo, in pixels"]
    height: Annotated[Count, "of the upright photo, in pixels"]
    quarter_turns: Annotated[int, "how often the photo was turned by 90 degrees to be upright"]


class Level(TypedDict):
    """A threshold and what it means."""

    threshold: Share
    false_match_rate: Annotated[Share, "the share of strangers who reach it"]
    reached: Annotated[bool, "whether the score does"]


class FurtherDetails(TypedDict):
    """The fields that several photos of one person add."""

    further_images: NotRequired[Annotated[list[ComparedFace], "the photos after the first, in their order"]]


class CompareDetails(FurtherDetails):
    """The fields that `--details` adds to a comparison."""

    match: Annotated[bool, "whether the score reaches the threshold"]
    threshold: Share
    false_match_rate: Annotated[Share, "the share of strangers who reach the threshold"]
    first_image: ComparedFace
    second_image: ComparedFace
    thresholds: list[Level]


class OmniRects(TypedDict):
    """The faces of both photos, largest first, then from left to right."""

    first_image_face_rects: Rects
    second_image_face_rects: Rects


class OmniBody(Result):
    """A comparison of every face of one photo with every face of another."""

    scores: Annotated[Scores, "one row per face of the first photo, one column per face of the second"]
    face_rects: OmniRects


class QualityRect(TypedDict):
    """A face, in pixels of the upright photo."""

    left: Count
    top: Count
    right: Count
    bottom: Count


class Pose(TypedDict):
    """The head's pose, in degrees."""

    yaw: Angle
    pitch: Angle
    roll: Angle


class Occlusion(TypedDict):
    """How much of each part is visible: 1 is all of it."""

    left_eye: Share
    right_eye: Share
    nose: Share
    mouth: Share
    total: Annotated[Share, "of the whole face"]


class FaceQualityBody(TypedDict):
    """The quality of one face."""

    rect: QualityRect
    pose: Pose
    occlusion: Occlusion
    distance2center: Annotated[Share, "1 less the distance from the centre of the photo by its short side"]
    size: Annotated[Share, "share of the photo that eyes, nose and mouth take"]
    brightness: Annotated[Signed, "0 is middle grey"]
    sharpness: Annotated[Share, "1 is sharp"]
    mouth_open: Annotated[Share, "1 is a closed mouth"]
    integrity: Annotated[Share, "share of eyes, nose and mouth that is inside the photo"]


class QualityBody(Result):
    """The quality of every face of a photo."""

    faces: Annotated[list[FaceQualityBody], {"minItems": 1}, "largest first"]


class LivenessHead(TypedDict):
    """The verdict of a liveness check."""

    code: Literal[1000]
    passed: Annotated[bool, "whether the person is living"]
    liveness_score: Share
    liveness_status: NotRequired[Annotated[LivenessStatus, "only with `return_status`"]]


class LivePictures(TypedDict):
    """Pictures of a check that passed, each only if it was asked for."""

    image_timestamp: NotRequired[
        Annotated[Seconds, "seconds since the first frame, of the selected one; with `return_image`"]
    ]
    base64_image: NotRequired[Annotated[Picture, "the selected frame; with `return_image`"]]
    base64_face_image: NotRequired[Annotated[Picture, "its face; with `return_face_image`"]]


class LivenessBody(LivenessHead, LivePictures):
    """A liveness check."""

    request_id: RequestId


class PhotoOnly(TypedDict):
    """A photo was checked, which proves less than a video."""

    image: Annotated[str, "the photo"]
    warning: Literal["photo_only"]


class PhotoLivenessBody(LivenessHead):
    """A liveness check of a photo."""

    warnings: list[PhotoOnly | SeveralFaces | FaceCovered]
    request_id: RequestId


class Verified(TypedDict):
    """The score of a person who is living."""

    verification_score: NotRequired[Annotated[Share, "absent if the person is not living"]]


class VerifyBody(LivenessHead, Verified, Warned, LivePictures):
    """A liveness check, and the comparison of the living person with a photo."""

    request_id: RequestId


class CaptureBody(Result, Warned):
    """A comparison of the person of liveness data with a photo."""

    verification_score: Share


class Health(TypedDict):
    """The service answers."""

    code: Literal[1000]
    status: Literal["ok"]
    cannot: NotRequired[Cannot]


class WorkerHealth(TypedDict):
    """The worker answers."""

    request_id: RequestId
    status: Literal["ok"]
    cannot: NotRequired[Cannot]


class Unhealthy(ErrorBody):
    """The service does not answer."""

    status: Annotated[str, "why"]
    cannot: NotRequired[Cannot]


class Failure(TypedDict):
    """A requirement that a photo does not meet."""

    face: Annotated[int | None, "its number, from 1 on; null for the photo"]
    measure: str
    value: float
    limit: str
    advice: str


class FrameScore(TypedDict):
    """The score of one frame."""

    timestamp: Annotated[Seconds, "since the first frame"]
    bona_fide: Annotated[Share, "how much it looks like a living person"]


class Evidence(TypedDict):
    """One piece of evidence."""

    name: str
    value: float
    weight: Annotated[float, "what it adds for (above 0) or against a living person"]
