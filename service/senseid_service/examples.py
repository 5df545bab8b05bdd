"""Examples of results in the OpenAPI document: what `senseid` answers to the photos of `make demo`."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from senseid_service import endpoints

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid import shapes

REQUEST_ID: Final = "7500ea51087e0d85d0868d1e698e0bfc"

_COMPARE: Final[shapes.CompareBody] = {
    "code": 1000, "verification_score": 0.988209466919505, "request_id": REQUEST_ID,
}  # fmt: skip

_OMNI: Final[shapes.OmniBody] = {
    "code": 1000,
    "scores": [[0.988209466919505]],
    "face_rects": {
        "first_image_face_rects": [[368, 88, 606, 426]],
        "second_image_face_rects": [[203, 240, 467, 626]],
    },
    "request_id": REQUEST_ID,
}

_QUALITY: Final[shapes.QualityBody] = {
    "code": 1000,
    "faces": [
        {
            "rect": {"left": 368, "top": 88, "right": 606, "bottom": 426},
            "pose": {"yaw": -1.97, "pitch": 3.82, "roll": -0.7},
            "occlusion": {"left_eye": 0.9997, "right_eye": 0.9998, "nose": 0.9993, "mouth": 0.9998, "total": 0.9996},
            "distance2center": 0.658,
            "size": 0.0258,
            "brightness": 0.0948,
            "sharpness": 0.5791,
            "mouth_open": 0.5492,
            "integrity": 1.0,
        }
    ],
    "request_id": REQUEST_ID,
}

_LIVENESS: Final[shapes.LivenessBody] = {
    "code": 1000,
    "passed": True,
    "liveness_score": 0.9915567261887193,
    "liveness_status": "ok",
    "request_id": REQUEST_ID,
}

_VERIFY_VIDEO: Final[shapes.VerifyBody] = {
    "code": 1000,
    "passed": True,
    "liveness_score": 0.9915567261887193,
    "liveness_status": "ok",
    "verification_score": 0.9312,
    "request_id": REQUEST_ID,
}

_VERIFY_CAPTURE: Final[shapes.CaptureBody] = {"code": 1000, "verification_score": 0.9312, "request_id": REQUEST_ID}

RESULTS: Final[Mapping[str, Mapping[str, object]]] = {
    endpoints.COMPARE.path: _COMPARE,
    endpoints.OMNI.path: _OMNI,
    endpoints.VERIFY_CAPTURE.path: _VERIFY_CAPTURE,
    endpoints.VERIFY_VIDEO.path: _VERIFY_VIDEO,
    endpoints.QUALITY.path: _QUALITY,
    endpoints.LIVENESS.path: _LIVENESS,
}
"""One result for each endpoint, by its path."""

MEDIA: Final = "7EWZ/NNZaCkhOV3wkALLWN6X2J8seC4gWa5P"
"""Encrypted media, shortened: `hello world`, as the wire format has it with the key and the IV of the manual."""
