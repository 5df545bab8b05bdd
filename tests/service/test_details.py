"""The details of a refusal: which parameter is to blame, and why."""

from __future__ import annotations

import pytest

from senseid.errors import RequestError
from senseid_engine.errors import ModelError, NoFaceError
from senseid_service.details import details_of_error
from senseid_service.endpoints import COMPARE


@pytest.mark.parametrize(
    ("error", "details"),
    [
        (
            NoFaceError("second_encrypted_image", "no face is found"),
            {"parameter": "second_encrypted_image", "reason": "no face is found"},
        ),
        (
            NoFaceError("further_encrypted_images 2", "no face: of 3"),
            {"parameter": "further_encrypted_images", "number": 2, "reason": "no face: of 3"},
        ),
        (RequestError("auto_rotate is neither"), {"parameter": "auto_rotate", "reason": "is neither"}),
        (ModelError("senseid_face", "is not there"), {"reason": "senseid_face: is not there"}),
        (ValueError("first_encrypted_image: secret"), {}),
    ],
)
def test_what_is_told(error: Exception, details: dict[str, object]) -> None:
    assert details_of_error(error, COMPARE) == details
