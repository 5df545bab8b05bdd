"""Quality, liveness and verification over HTTP: bodies, conditions, codes."""

from __future__ import annotations

import base64
import io
import os
from typing import TYPE_CHECKING, Any

import numpy as np
import psutil
import pytest
from PIL import Image, ImageDraw

from senseid_crypto.key import parse_key
from senseid_crypto.sealed import seal_bytes
from senseid_engine.liveness.capture import MAGIC
from tests.service.clients.conftest import liveness_data
from tests.service.conftest import COMPARE, blank, check_error, encrypted, invalid, jpeg

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.service.conftest import Service

VERIFY_CAPTURE = "/identity/liveness_image_verification/stateless"
VERIFY_VIDEO = "/identity/silent_image_verification/stateless"
QUALITY = "/quality/face/stateless"
LIVENESS = "/liveness/silent_detection/stateless"

FACE_FIELDS = [
    "rect", "pose", "occlusion", "distance2center", "size", "brightness", "sharpness", "mouth_open", "integrity",
]  # fmt: skip
ALL_SWITCHES = {"return_status": "true", "return_image": "true", "return_face_image": "true"}
MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="session")
def still(still_clip: bytes) -> str:
    """A photo that is filmed, encrypted."""
    return encrypted(still_clip)


@pytest.fixture(scope="session")
def living(test_data: Path) -> bytes:
    """A video of a living person."""
    return (test_data / "liveness-videos" / "live" / "Krzysiek354-real.mp4").read_bytes()


@pytest.fixture(scope="session")
def rect(service: Service, photos: dict[str, str]) -> dict[str, int]:
    """Where the face is."""
    found: dict[str, int] = service.post(QUALITY, {"encrypted_image": photos["obama"]}).json()["faces"][0]["rect"]
    return found


@pytest.fixture(scope="session")
def covered(small_photos: dict[str, bytes], rect: dict[str, int]) -> bytes:
    """A face whose mouth and nose are behind a cloth."""
    photo = Image.open(io.BytesIO(small_photos["obama"])).convert("RGB")
    top = rect["top"] + 0.45 * (rect["bottom"] - rect["top"])
    ImageDraw.Draw(photo).rectangle((rect["left"], top, rect["right"], rect["bottom"]), fill=(120, 150, 190))
    return jpeg(photo)


@pytest.fixture(scope="session")
def capture(small_photos: dict[str, bytes], rect: dict[str, int]) -> bytes:
    """Liveness data whose frame is little more than the face."""
    margin = (rect["right"] - rect["left"]) // 4
    box = (rect["left"] - margin, rect["top"] - margin, rect["right"] + margin, rect["bottom"] + margin)
    return liveness_data(jpeg(Image.open(io.BytesIO(small_photos["obama"])).crop(box)))


def test_the_models_are_kept_in_one_thread(service: Service) -> None:
    """What is forked must hold no lock of another thread."""
    (model_process,) = [event["pid"] for event in service.events("models_loaded")]
    assert psutil.Process(model_process).num_threads() == 1


# Quality.


def test_quality(service: Service, photos: dict[str, str]) -> None:
    response = service.post(QUALITY, {"encrypted_image": photos["obama"]})
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["code", "faces", "request_id"]
    (face,) = body["faces"]
    assert list(face) == FACE_FIELDS
    assert list(face["rect"]) == ["left", "top", "right", "bottom"]
    assert list(face["pose"]) == ["yaw", "pitch", "roll"]
    assert list(face["occlusion"]) == ["left_eye", "right_eye", "nose", "mouth", "total"]


def test_refused_photos(service: Service, small_photos: dict[str, bytes]) -> None:
    refusals = {
        2003: ("invalid image size", blank(31, 64)),
        2004: ("invalid content length", small_photos["obama"] + bytes(5 * MEBIBYTE)),
        2005: ("invalid image type or corrupted: encrypted_image", b"no photo"),
        4000: ("detection failed: encrypted_image", blank(320, 240)),
    }
    for code, (message, data) in refusals.items():
        check_error(service.post(QUALITY, {"encrypted_image": encrypted(data)}), 400, code, message)
    invalid(service.post(QUALITY, {}))


def test_check_quality(service: Service, covered: bytes, photos: dict[str, str]) -> None:
    form = {"first_encrypted_image": photos["obama2"], "second_encrypted_image": encrypted(covered)}
    unchecked = service.post(COMPARE, form)
    assert unchecked.status_code == 200
    assert service.post(COMPARE, {**form, "check_quality": "false"}).status_code == 200
    check_error(
        service.post(COMPARE, {**form, "check_quality": "true"}), 400, 4004, "face occlusion: second_encrypted_image"
    )
    clear = {**form, "second_encrypted_image": photos["obama"], "check_quality": "true"}
    assert service.post(COMPARE, clear).status_code == 200


# Liveness.


def test_an_attack(service: Service, still: str) -> None:
    plain = service.post(LIVENESS, {"encrypted_video": still}).json()
    assert list(plain) == ["code", "passed", "liveness_score", "request_id"]
    assert (plain["code"], plain["passed"]) == (1000, False)
    told = service.post(LIVENESS, {"encrypted_video": still, **ALL_SWITCHES}).json()
    # Pictures go with a check that passed only.
    assert list(told) == ["code", "passed", "liveness_score", "liveness_status", "request_id"]
    assert told["liveness_status"] == "hack"
    assert told["liveness_score"] == plain["liveness_score"]


def test_a_living_person(service: Service, living: bytes) -> None:
    body = service.post(LIVENESS, {"encrypted_video": encrypted(living), **ALL_SWITCHES}).json()
    if not body["passed"]:
        pytest.skip(f"the detector takes this video for an attack: {body['liveness_status']}")
    assert list(body) == [
        "code", "passed", "liveness_score", "liveness_status", "image_timestamp", "base64_image", "base64_face_image",
        "request_id",
    ]  # fmt: skip
    assert body["liveness_status"] == "ok"
    for name in ("base64_image", "base64_face_image"):
        with Image.open(io.BytesIO(base64.b64decode(body[name]))) as picture:
            assert picture.format == "JPEG"
    plain = service.post(LIVENESS, {"encrypted_video": encrypted(living)}).json()
    assert list(plain) == ["code", "passed", "liveness_score", "request_id"]


def test_refused_videos(service: Service, encode_clip: Callable[..., bytes], photos: dict[str, str]) -> None:
    def clip(seconds: int, width: int = 64, height: int = 64) -> bytes:
        picture = np.full((height, width, 3), 90, np.uint8)
        return encode_clip([picture] * (10 * seconds + 1), range(0, 1000 * seconds + 1, 100))

    refusals: dict[tuple[int, str], list[bytes]] = {
        (2008, "invalid video error"): [b"", b"no video", clip(1), blank(320, 240)],
        (2003, "invalid image size"): [clip(3, 6, 6)],
        (2004, "invalid content length"): [clip(3) + bytes(16 * MEBIBYTE)],
        (4007, "liveness silent check failed"): [clip(3)],
    }
    for (code, message), clips in refusals.items():
        for data in clips:
            check_error(service.post(LIVENESS, {"encrypted_video": encrypted(data)}), 400, code, message)
        form = {"encrypted_video": encrypted(clips[-1]), "encrypted_image": photos["obama"]}
        check_error(service.post(VERIFY_VIDEO, form), 400, code, message)
    invalid(service.post(LIVENESS, {}))
    invalid(service.post(LIVENESS, {"encrypted_video": "xxx"}))
    for name in ALL_SWITCHES:
        invalid(service.post(LIVENESS, {"encrypted_video": encrypted(clip(3)), name: "yes"}))


def test_a_video_at_the_limit_in_both_kinds_of_form(service: Service, still_clip: bytes) -> None:
    """16 MiB exactly: whatever follows the end of an MP4 file is ignored."""
    form = {"encrypted_video": encrypted(still_clip + bytes(16 * MEBIBYTE - len(still_clip)))}
    assert service.post(LIVENESS, form).json()["code"] == 1000
    parts: Any = {name: (None, value) for name, value in form.items()}
    assert service.client.post(LIVENESS, files=parts).json()["code"] == 1000


# Verification.


def test_an_attack_is_not_compared(service: Service, still: str, photos: dict[str, str]) -> None:
    form = {"encrypted_video": still, "encrypted_image": photos["obama"], **ALL_SWITCHES}
    body = service.post(VERIFY_VIDEO, form).json()
    assert list(body) == ["code", "passed", "liveness_score", "liveness_status", "request_id"]
    assert body["passed"] is False


def test_a_living_person_is_compared(service: Service, living: bytes, photos: dict[str, str]) -> None:
    form = {"encrypted_video": encrypted(living), "encrypted_image": photos["obama"]}
    body = service.post(VERIFY_VIDEO, form).json()
    if not body["passed"]:
        pytest.skip("the detector takes this video for an attack")
    assert list(body) == ["code", "passed", "liveness_score", "verification_score", "request_id"]
    assert body["verification_score"] < 0.7


def test_photos_that_a_video_is_not_compared_with(service: Service, still: str, covered: bytes) -> None:
    form = {"encrypted_video": still, "check_quality": "true"}
    refusals = {
        2003: ("invalid image size", blank(31, 64)),
        2004: ("invalid content length", blank(64, 64) + bytes(5 * MEBIBYTE)),
        2005: ("invalid image type or corrupted: encrypted_image", b"no photo"),
        4000: ("detection failed: encrypted_image", blank(320, 240)),
        4004: ("face occlusion: encrypted_image", covered),
    }
    for code, (message, data) in refusals.items():
        check_error(service.post(VERIFY_VIDEO, {**form, "encrypted_image": encrypted(data)}), 400, code, message)
    invalid(service.post(VERIFY_VIDEO, form))
    invalid(service.post(VERIFY_VIDEO, {"encrypted_image": encrypted(covered)}))


# Liveness data.


def capture_form(service: Service, data: bytes, photo: str, **switches: str) -> Any:
    files: Any = {"liveness_file": ("mobile.protobuf", data), "encrypted_image": (None, photo)}
    return service.client.post(VERIFY_CAPTURE, files={**files, **{n: (None, v) for n, v in switches.items()}})


def test_liveness_data(service: Service, capture: bytes, photos: dict[str, str]) -> None:
    body = capture_form(service, capture, photos["obama2"], auto_rotate="true").json()
    assert list(body) == ["code", "verification_score", "request_id"]
    assert body["verification_score"] >= 0.7
    assert capture_form(service, capture, photos["biden"]).json()["verification_score"] < 0.7


def test_further_photos_of_the_person(service: Service, capture: bytes, still: str, photos: dict[str, str]) -> None:
    def score(photo: str, *further: str) -> float:
        more = {"further_encrypted_images": ",".join(further)} if further else {}
        return float(capture_form(service, capture, photo, **more).json()["verification_score"])

    two, three = photos["obama2"], photos["obama3"]
    assert score(two, three) == score(three, two) > 0.7
    assert score(two, three) not in {score(two), score(three)}
    refused = "invalid argument: further_encrypted_images 1"
    check_error(capture_form(service, capture, two, further_encrypted_images=photos["biden"]), 400, 1200, refused)
    form = {"encrypted_video": still, "encrypted_image": two, "further_encrypted_images": photos["biden"]}
    check_error(service.post(VERIFY_VIDEO, form), 400, 1200, refused)
    assert service.post(VERIFY_VIDEO, {**form, "further_encrypted_images": three}).json()["passed"] is False


def test_refused_liveness_data(service: Service, capture: bytes, photos: dict[str, str], covered: bytes) -> None:
    good = capture
    flipped = bytearray(good)
    flipped[200] ^= 1
    other = seal_bytes(b"", parse_key("another-key-that-is-not-the-same", None), entropy=os.urandom)
    for data in (b"no data", good[:-1], good + b"x", bytes(flipped), MAGIC, MAGIC + other, base64.b64encode(good)):
        response = capture_form(service, data, photos["obama"])
        check_error(response, 400, 2007, "corrupted liveness data error")
    invalid(capture_form(service, b"", photos["obama"]))
    invalid(service.post(VERIFY_CAPTURE, {"encrypted_image": photos["obama"]}))
    for code, photo in ((1200, "xxx"), (4000, encrypted(blank(320, 240))), (2005, encrypted(b"no photo"))):
        assert capture_form(service, good, photo).json()["code"] == code
    masked = capture_form(service, good, encrypted(covered), check_quality="true")
    check_error(masked, 400, 4004, "face occlusion: encrypted_image")
    for code, data in ((2003, blank(31, 64)), (2004, blank(64, 64) + bytes(5 * MEBIBYTE))):
        assert capture_form(service, good, encrypted(data)).json()["code"] == code
