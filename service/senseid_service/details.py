"""Details for the page beside the body of the API: boxes, landmarks, covered regions, frames, and reasons.

Only a service that serves the page tells it, and only who asks for it by `page_shapes.HEADER`; the API itself stays
as documented.
"""

from __future__ import annotations

import base64
import io
import re
from typing import TYPE_CHECKING, Final, assert_never

from senseid import bodies
from senseid.outcomes import is_expected
from senseid_engine.liveness.results import (
    OUT_OF_REACH,
    CaptureVerification,
    LivenessResult,
    SelectedFrame,
    VideoVerification,
)
from senseid_engine.quality.results import QualityReport
from senseid_engine.results import Comparison, FoundFaces, OmniComparison

if TYPE_CHECKING:
    from collections.abc import Iterable

    from senseid_engine.landmarks import Landmarks
    from senseid_engine.quality.policy import Policy
    from senseid_engine.quality.results import FaceQuality
    from senseid_service import page_shapes
    from senseid_service.endpoints import Endpoint

    Details = (
        page_shapes.CompareDetails
        | page_shapes.OmniDetails
        | page_shapes.QualityDetails
        | page_shapes.LivenessDetails
        | page_shapes.VerifyDetails
        | page_shapes.CaptureDetails
    )

Result = Comparison | OmniComparison | QualityReport | LivenessResult | VideoVerification | CaptureVerification
"""The engine's results, one type per endpoint."""

_FRAME_SIDE: Final = 480
"""The longer side of a frame that is shown, pixels."""


def details_of(result: Result) -> Details:
    """The details of a result, for JSON."""
    match result:
        case Comparison():
            further = [_photo(found) for found in result.further]
            return {
                "first_image": _photo(result.first),
                "further_images": further,
                "second_image": _photo(result.second),
            }
        case OmniComparison():
            return {"first_image": _photo(result.first), "second_image": _photo(result.second)}
        case QualityReport():
            return _quality(result)
        case LivenessResult():
            return _liveness(result)
        case VideoVerification():
            return {**_liveness(result.liveness), "image": _photo(result.photo)}
        case CaptureVerification():
            return {"image": _photo(result.photo)}
        case _:
            assert_never(result)


def details_of_error(error: Exception, endpoint: Endpoint) -> page_shapes.RefusalDetails:
    """Why a request is refused: the parameter to blame, if one is, and a sentence; nothing of an unknown error.

    Of a parameter that takes several photos the number of the one to blame, from 1, is told as well.
    """
    if not is_expected(error):
        return {}
    text = str(error)
    for parameter in endpoint.parameters:
        found = re.match(rf"{parameter.name}(?: (\d+)\b)?:? *(.*)", text)
        if found is not None:
            told: page_shapes.RefusalDetails = {"parameter": parameter.name, "reason": found[2]}
            if found[1]:
                told["number"] = int(found[1])
            return told
    return {"reason": text}


def _photo(found: FoundFaces) -> page_shapes.PhotoDetails:
    return {
        "width": found.width,
        "height": found.height,
        "quarter_turns": found.quarter_turns,
        "face_rects": [rect.as_list() for rect in found.rects],
    }


def _quality(report: QualityReport) -> page_shapes.QualityDetails:
    from senseid_engine.quality.policy import BUILT_IN, Policy

    return {
        "image": _photo(report.found),
        "faces": [_face(*face) for face in zip(report.faces, report.landmarks, strict=True)],
        "policies": [_verdict(Policy.built_in(name), report.faces) for name in BUILT_IN],
    }


def _face(face: FaceQuality, landmarks: Landmarks) -> page_shapes.FaceDetails:
    from senseid_engine.quality.features import FIVE_FEATURES, hull
    from senseid_engine.quality.occlusion import LEAST_VISIBLE, REGIONS
    from senseid_engine.quality.policy import MEASURES

    return {
        "measures": {measure.name: measure.value(face) for measure in MEASURES},
        "landmarks": _points(landmarks.points[list(FIVE_FEATURES), :2]),
        "regions": [
            {
                "name": name,
                "visible": getattr(face.occlusion, name),
                "covered": getattr(face.occlusion, name) < LEAST_VISIBLE,
                "outline": _points(hull(landmarks, points)),
            }
            for name, points in REGIONS.items()
        ],
    }


def _points(points: Iterable[Iterable[float]]) -> list[list[float]]:
    return [[round(float(value), 1) for value in point] for point in points]


def _verdict(policy: Policy, faces: tuple[FaceQuality, ...]) -> page_shapes.PolicyDetails:
    failures = policy.judge(faces)
    return {
        "name": policy.name,
        "pass": not failures,
        "faces": policy.faces,
        "limits": {
            # Not every limit is finite, and JSON has no infinity.
            limit.measure.name: [
                limit.least if limit.least > limit.measure.lowest else None,
                limit.most if limit.most < limit.measure.highest else None,
            ]
            for limit in policy.limits
        },
        "failures": bodies.policy_failures(failures),
    }


def _liveness(result: LivenessResult) -> page_shapes.LivenessDetails:
    return {
        "width": result.width,
        "height": result.height,
        "threshold": result.threshold,
        "stills_needed": result.stills_needed,
        "face_seconds": result.face_seconds,
        "frames_looked_at": result.looked_at,
        "other_faces": result.other_faces,
        "frames": bodies.frame_scores(result),
        "evidence": bodies.liveness_evidence(result),
        "selected": [
            {
                "timestamp": frame.timestamp,
                "quality": frame.quality,
                "face_rect": frame.face.rect.as_list(),
                "base64_image": _small(frame),
            }
            for frame in result.selected
        ],
        "out_of_reach": OUT_OF_REACH,
    }


def _small(frame: SelectedFrame) -> str:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(frame.image.pixels)
    picture.thumbnail((_FRAME_SIDE, _FRAME_SIDE))
    file = io.BytesIO()
    picture.save(file, "JPEG", quality=85)
    return base64.b64encode(file.getvalue()).decode()
