"""The shapes of what the page alone is told: its own answers, and the `details` that those of the API have for it."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NotRequired, TypedDict

from senseid.shapes import Count, Evidence, Failure, FrameScore, Picture, Rect, Seconds, Share

HEADER: Final = "x-senseid-details"
"""The header by which a request asks for `details`: `true`."""

Point = Annotated[list[float], {"minItems": 2, "maxItems": 2, "description": "x, y in pixels of the upright photo"}]
Limit = Annotated[list[float | None], {"minItems": 2, "maxItems": 2, "description": "least and most; null is none"}]


class PhotoDetails(TypedDict):
    """The faces of a photo, the largest first."""

    width: Annotated[Count, "of the upright photo, in pixels"]
    height: Annotated[Count, "of the upright photo, in pixels"]
    quarter_turns: Annotated[int, "how often the photo was turned by 90 degrees to be upright"]
    face_rects: list[Rect]


class CompareDetails(TypedDict):
    """The faces of the photos that were compared."""

    first_image: PhotoDetails
    further_images: list[PhotoDetails]
    second_image: PhotoDetails


class OmniDetails(TypedDict):
    """The faces of both photos."""

    first_image: PhotoDetails
    second_image: PhotoDetails


class Region(TypedDict):
    """An eye, the nose or the mouth."""

    name: str
    visible: Share
    covered: bool
    outline: list[Point]


class FaceDetails(TypedDict):
    """The measures of a face, and where it is."""

    measures: dict[str, float]
    landmarks: Annotated[list[Point], "of the eyes, the nose and the mouth"]
    regions: list[Region]


_Pass = TypedDict("_Pass", {"pass": bool})


class PolicyDetails(_Pass):
    """Whether the photo is good enough, and what for."""

    name: str
    faces: Annotated[Literal["only", "largest", "every"], "which faces have to be good enough"]
    limits: dict[str, Limit]
    failures: list[Failure]


class QualityDetails(TypedDict):
    """Where the faces are, and what each policy says."""

    image: PhotoDetails
    faces: list[FaceDetails]
    policies: list[PolicyDetails]


class SelectedFrame(TypedDict):
    """A frame that shows the face well."""

    timestamp: Annotated[Seconds, "since the first frame"]
    quality: Share
    face_rect: Rect
    base64_image: Picture


class LivenessDetails(TypedDict):
    """The evidence that decided about a video."""

    width: Count
    height: Count
    threshold: Share
    stills_needed: float | None
    face_seconds: Seconds
    frames_looked_at: Count
    other_faces: Count
    frames: list[FrameScore]
    evidence: Annotated[list[Evidence], "the decisive piece first"]
    selected: list[SelectedFrame]
    out_of_reach: Annotated[str, "attacks that the check does not see"]


class VerifyDetails(LivenessDetails):
    """The evidence that decided about a video, and the faces of the photo."""

    image: PhotoDetails


class CaptureDetails(TypedDict):
    """The faces of the photo."""

    image: PhotoDetails


class RefusalDetails(TypedDict):
    """Why a request is refused; nothing where that may be told to nobody."""

    parameter: NotRequired[Annotated[str, "the parameter to blame"]]
    number: NotRequired[Annotated[Count, "which of its photos, from 1 on"]]
    reason: NotRequired[str]


class PageFacts(TypedDict):
    """The page's facts before it is opened by its link."""

    run: NotRequired[Annotated[str, "which run of the service this is; only where a link opens the page"]]
    threshold: Share
    samples: Annotated[Count, "how many photos and videos are offered"]


class PageKeys(TypedDict):
    """The keys that were made for this run, which the link fetches once."""

    key: str
    iv: str
    api_key: str
    run: str


class PageSample(TypedDict):
    """A photo or a video that is offered; its place in the list is its number."""

    name: str
    kind: Annotated[str, {"enum": ["photo", "video"]}]


class PageSamples(TypedDict):
    """The samples that are offered."""

    samples: list[PageSample]
