"""The manual's own curl lines against the real service, and the corrected ones where they cannot work.

The lines are the manual's but for address and media. `-d name=<Base64>` leaves `+` as it is, which a form reads as a
space: the service repairs that. What no service can repair is a word of more than 128 KiB, which the system refuses to
hand to any program, and `-F` beside `-d`, which curl refuses.
"""

from __future__ import annotations

import errno
import json
import shutil
import subprocess
from typing import TYPE_CHECKING, Any

import pytest

from tests.service.conftest import COMPARE, OMNI, encrypted

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.clients.conftest import Media
    from tests.service.conftest import Service

pytestmark = [pytest.mark.slow, pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")]

QUALITY = "/quality/face/stateless"
LIVENESS = "/liveness/silent_detection/stateless"
VERIFY = "/identity/silent_image_verification/stateless"
VERIFY_DATA = "/identity/liveness_image_verification/stateless"


def curl(*words: str) -> tuple[int, dict[str, Any]]:
    """The status and the body of what curl was answered."""
    command = ["curl", "--silent", "--show-error", "--noproxy", "*", "--write-out", "\n%{http_code}", *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    body, _, status = done.stdout.rpartition("\n")
    found = json.loads(body)
    assert isinstance(found, dict)
    return int(status), found


def sealed(path: Path) -> str:
    return encrypted(path.read_bytes())


def in_file(media: Path, folder: Path) -> Path:
    """The Base64 of an encrypted file, in a file."""
    file = folder / f"{media.name}.txt"
    file.write_text(sealed(media))
    return file


def test_compare_as_the_manual_has_it(site: Service, media: Media) -> None:
    first, second = sealed(media.one), sealed(media.same)
    assert "+" in first + second
    status, body = curl(
        "-X", "POST", site.url + COMPARE,
        "-d", f"first_encrypted_image={first}",
        "-d", f"second_encrypted_image={second}",
        "-d", "auto_rotate=true",
    )  # fmt: skip
    assert (status, body["code"]) == (200, 1000)
    assert body["verification_score"] > 0.7


def test_omni_as_the_manual_has_it(site: Service, media: Media) -> None:
    status, body = curl(
        "-X", "POST", site.url + OMNI,
        "-d", f"first_encrypted_image={sealed(media.one)}",
        "-d", f"second_encrypted_image={sealed(media.other)}",
        "-d", "auto_rotate=true",
    )  # fmt: skip
    assert status == 200
    assert body["scores"][0][0] < 0.7


def test_quality_as_the_manual_has_it(site: Service, media: Media) -> None:
    status, body = curl("-X", "POST", site.url + QUALITY, "-d", f"encrypted_image={sealed(media.one)}")
    assert status == 200
    assert set(body["faces"][0]) >= {"rect", "pose", "occlusion", "sharpness"}


def test_health_as_the_manual_has_it(site: Service) -> None:
    api, worker = site.addresses[:2]
    status, body = curl(f"{api}/healthcheck")
    assert (status, body) == (200, {"code": 1000, "status": "ok"})
    status, body = curl(f"{worker}/healthcheck")
    assert (status, body["status"], len(body["request_id"])) == (200, "ok", 32)


def test_a_larger_photo_does_not_fit_the_command_line(site: Service, media: Media, tmp_path: Path) -> None:
    text = sealed(media.large)
    assert len(text) > 128 * 1024
    with pytest.raises(OSError, match="Argument list too long") as raised:
        curl("-X", "POST", site.url + QUALITY, "-d", f"encrypted_image={text}")
    assert raised.value.errno == errno.E2BIG
    status, body = curl(site.url + QUALITY, "--data-urlencode", f"encrypted_image@{in_file(media.large, tmp_path)}")
    assert (status, body["code"]) == (200, 1000)


def test_a_larger_photo_of_which_plus_is_not_encoded(site: Service, media: Media, tmp_path: Path) -> None:
    """`-d @file` does fit, and sends `+` as it is."""
    form = tmp_path / "form"
    form.write_text(f"first_encrypted_image={sealed(media.large)}&second_encrypted_image={sealed(media.same)}")
    status, body = curl(site.url + COMPARE, "-d", f"@{form}")
    assert status == 200
    assert body["verification_score"] > 0.7


def test_liveness(site: Service, media: Media, tmp_path: Path) -> None:
    video = in_file(media.still, tmp_path)
    status, body = curl(
        "-X", "POST", site.url + LIVENESS,
        "--data-urlencode", f"encrypted_video@{video}",
        "-d", "return_status=true",
        "-d", "return_image=true",
        "-d", "return_face_image=true",
    )  # fmt: skip
    assert (status, body["code"]) == (200, 1000)
    assert (body["passed"], body["liveness_status"]) == (False, "hack")
    assert "base64_image" not in body


def test_verify(site: Service, media: Media, tmp_path: Path) -> None:
    status, body = curl(
        "-X", "POST", site.url + VERIFY,
        "--data-urlencode", f"encrypted_video@{in_file(media.still, tmp_path)}",
        "--data-urlencode", f"encrypted_image@{in_file(media.one, tmp_path)}",
        "-d", "auto_rotate=true",
    )  # fmt: skip
    assert (status, body["passed"]) == (200, False)
    assert "verification_score" not in body


def test_liveness_data_as_the_manual_has_it_is_refused_by_curl_itself(site: Service, media: Media) -> None:
    command = [
        "curl", "-X", "POST", site.url + VERIFY_DATA,
        "-F", f"liveness_file=@{media.liveness_data}",
        "-d", f"encrypted_image={sealed(media.one)}",
        "-d", "auto_rotate=true",
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    assert "only select one HTTP request" in done.stderr


def test_liveness_data_corrected(site: Service, media: Media, tmp_path: Path) -> None:
    status, body = curl(
        site.url + VERIFY_DATA,
        "-F", f"liveness_file=@{media.liveness_data}",
        "-F", f"encrypted_image=<{in_file(media.same, tmp_path)}",
        "-F", "auto_rotate=true",
    )  # fmt: skip
    assert (status, body["code"]) == (200, 1000)
    assert body["verification_score"] > 0.7
