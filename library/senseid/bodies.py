"""Bodies of results, as the HTTP API returns them and `--json` prints them."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from senseid import shapes
    from senseid.outcomes import Outcome
    from senseid_engine.liveness.results import (
        CaptureVerification,
        LivenessResult,
        PhotoLiveness,
        VideoVerification,
    )
    from senseid_engine.quality.policy import Failure
    from senseid_engine.quality.results import FaceQuality, QualityReport
    from senseid_engine.results import Comparison, FoundFaces, OmniComparison

OK_CODE: Final = 1000
"""The response code of every result, whatever its verdict."""


DEFAULT_THRESHOLD = 0.7
"""The lowest score that counts as the same person: a stranger reaches it once in 10,000 comparisons."""

THRESHOLDS = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""The thresholds that the manual's table lists."""


def false_match_rate(threshold: float) -> float:
    """The share of strangers' pairs that reach a threshold, by the contract's 10^-((s - 0.3) / 0.1); at most 1."""
    # Six digits: binary fractions would turn 0.7 into 1.0000000000000009e-4.
    return min(1.0, float(f"{10 ** ((0.3 - threshold) * 10):.6g}"))


def error_body(outcome: Outcome, request_id: str, about: str = "") -> shapes.ErrorBody:
    """The body of an error.

    Args:
        outcome: gives the code, and the fixed words that its message begins with.
        request_id: 32 hex digits.
        about: what the message goes on with, after a colon: the sentence that a terminal shows, or the parameter that
            the error is about. It goes to whoever gave the input: over HTTP never an exception's text.
    """
    # A sentence about a licence has the error's name, which is the end of this message, itself.
    message = f"{outcome.message.partition(':')[0]}: {about}" if about else outcome.message
    return {"code": outcome.code, "message": message, "request_id": request_id}


def compare_body(result: Comparison, request_id: str) -> shapes.CompareBody:
    """The body of a 1:1 comparison."""
    warnings = _warnings(first_image=result.first, **_further(result.further), second_image=result.second)
    return {"code": OK_CODE, "verification_score": result.score, **warnings, "request_id": request_id}


def compare_details(result: Comparison, threshold: float) -> shapes.CompareDetails:
    """The additions of `--details`: the verdict, its error rate, and the faces that were compared."""
    return {
        "match": result.score >= threshold,
        "threshold": threshold,
        "false_match_rate": false_match_rate(threshold),
        "first_image": _face_details(result.first),
        **_further_details(result.further),
        "second_image": _face_details(result.second),
        "thresholds": [
            {"threshold": level, "false_match_rate": false_match_rate(level), "reached": result.score >= level}
            for level in THRESHOLDS
        ],
    }


def _further_details(photos: Sequence[FoundFaces]) -> shapes.FurtherDetails:
    return {"further_images": [_face_details(found) for found in photos]} if photos else {}


def omni_body(result: OmniComparison, request_id: str) -> shapes.OmniBody:
    """The body of a comparison of all faces of one photo with all of another."""
    return {
        "code": OK_CODE,
        "scores": [list(row) for row in result.scores],
        "face_rects": {
            "first_image_face_rects": [rect.as_list() for rect in result.first.rects],
            "second_image_face_rects": [rect.as_list() for rect in result.second.rects],
        },
        "request_id": request_id,
    }


def quality_body(report: QualityReport, request_id: str) -> shapes.QualityBody:
    """The body of a quality check: every face, largest first."""
    return {"code": OK_CODE, "faces": [_quality(face) for face in report.faces], "request_id": request_id}


def _quality(face: FaceQuality) -> shapes.FaceQualityBody:
    rect, pose, seen = face.rect, face.pose, face.occlusion
    return {
        "rect": {"left": rect.left, "top": rect.top, "right": rect.right, "bottom": rect.bottom},
        "pose": {"yaw": pose.yaw, "pitch": pose.pitch, "roll": pose.roll},
        "occlusion": {
            "left_eye": seen.left_eye,
            "right_eye": seen.right_eye,
            "nose": seen.nose,
            "mouth": seen.mouth,
            "total": face.visible,
        },
        "distance2center": face.distance_to_centre,
        "size": face.size,
        "brightness": face.brightness,
        "sharpness": face.sharpness,
        "mouth_open": face.mouth_open,
        "integrity": face.integrity,
    }


def liveness_body(
    result: LivenessResult,
    request_id: str,
    *,
    return_image: bool = False,
    return_face_image: bool = False,
    return_status: bool = False,
) -> shapes.LivenessBody:
    """The body of a liveness check. Only a check that passed has pictures and the time of the frame."""
    head = liveness_head(result, return_status=return_status)
    pictures = _live_pictures(result, return_image=return_image, return_face_image=return_face_image)
    return {**head, **pictures, "request_id": request_id}


def photo_liveness_body(
    result: PhotoLiveness, request_id: str, *, return_status: bool = False
) -> shapes.PhotoLivenessBody:
    """The body of a liveness check of a photo, with the warning that it is one."""
    head = liveness_head(result, return_status=return_status)
    doubts = _warnings(image=result.found).get("warnings", [])
    warnings: list[shapes.PhotoOnly | shapes.SeveralFaces | shapes.FaceCovered]
    warnings = [{"image": "image", "warning": "photo_only"}, *doubts]
    return {**head, "warnings": warnings, "request_id": request_id}


def verify_body(
    result: VideoVerification,
    request_id: str,
    *,
    return_image: bool = False,
    return_face_image: bool = False,
    return_status: bool = False,
) -> shapes.VerifyBody:
    """The body of a comparison of a video with a photo. There is a verification score only if the person is living."""
    head = liveness_head(result.liveness, return_status=return_status)
    score: shapes.Verified = {} if result.score is None else {"verification_score": result.score}
    pictures = _live_pictures(result.liveness, return_image=return_image, return_face_image=return_face_image)
    warnings = _warnings(image=result.photo, **_further(result.further))
    return {**head, **score, **warnings, **pictures, "request_id": request_id}


def capture_body(result: CaptureVerification, request_id: str) -> shapes.CaptureBody:
    """The body of a comparison of liveness data with a photo."""
    warnings = _warnings(image=result.photo, **_further(result.further))
    return {"code": OK_CODE, "verification_score": result.score, **warnings, "request_id": request_id}


def _further(photos: Sequence[FoundFaces]) -> dict[str, FoundFaces]:
    """Further photos of a person by their names, in the order in which they were given."""
    return {f"further_image_{i}": found for i, found in enumerate(photos, 1)}


def _warnings(**photos: FoundFaces) -> shapes.Warned:
    """`warnings`, if the face of a photo is in doubt; photos have their names from the API."""
    warnings: list[shapes.SeveralFaces | shapes.FaceCovered] = []
    for name, found in photos.items():
        if found.ambiguous:
            rect = found.rects[0].as_list()
            warnings.append({"image": name, "warning": "several_faces", "faces": len(found.rects), "face_rect": rect})
        if found.covered:
            warnings.append({"image": name, "warning": "face_covered", "features": list(found.covered)})
    return {"warnings": warnings} if warnings else {}


def liveness_head(result: LivenessResult | PhotoLiveness, *, return_status: bool) -> shapes.LivenessHead:
    """Return the first fields of every body of a liveness check."""
    head: shapes.LivenessHead = {"code": OK_CODE, "passed": result.passed, "liveness_score": result.score}
    return {**head, "liveness_status": str(result.status)} if return_status else head


def _live_pictures(result: LivenessResult, *, return_image: bool, return_face_image: bool) -> shapes.LivePictures:
    import base64

    if not result.passed:
        return {}
    from senseid_engine.liveness.pictures import encode_face, encode_frame

    pictures: shapes.LivePictures = {}
    if return_image:
        pictures["image_timestamp"] = result.best.timestamp
        pictures["base64_image"] = base64.b64encode(encode_frame(result.best, "JPEG")).decode()
    if return_face_image:
        pictures["base64_face_image"] = base64.b64encode(encode_face(result.best, "JPEG")).decode()
    return pictures


def _face_details(found: FoundFaces) -> shapes.ComparedFace:
    return {
        "face": 1,
        "faces": len(found.rects),
        "face_rect": found.rects[0].as_list(),
        "width": found.width,
        "height": found.height,
        "quarter_turns": found.quarter_turns,
    }


def json_text(body: Mapping[str, object]) -> str:
    """A body or a record as one line of JSON, without its end. ASCII only, so that no locale can break it."""
    return json.dumps(body, allow_nan=False, separators=(",", ":"))


def policy_failures(failures: Iterable[Failure]) -> list[shapes.Failure]:
    """Return the failures of a photo under a policy."""
    return [
        {
            "face": failure.face or None,
            "measure": failure.measure,
            "value": failure.value,
            "limit": failure.limit,
            "advice": failure.advice,
        }
        for failure in failures
    ]


def frame_scores(result: LivenessResult) -> list[shapes.FrameScore]:
    """The score of each frame of a video, in their order."""
    return [{"timestamp": frame.timestamp, "bona_fide": frame.bona_fide} for frame in result.frames]


def liveness_evidence(result: LivenessResult) -> list[shapes.Evidence]:
    """The evidence about a video, the decisive piece first."""
    return [{"name": piece.name, "value": piece.value, "weight": piece.weight} for piece in result.ranked_evidence]
