"""Photos and videos that are not encrypted: only where a setting allows it, and never over an open network."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from senseid.errors import SettingError
from senseid_engine.photo_options import MOST_REFERENCES
from senseid_service.endpoints import LIVENESS, QUALITY, VERIFY_VIDEO
from senseid_service.settings import Settings, gather, parse
from tests.service.conftest import COMPARE, OMNI, running, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    import httpx

    from tests.service.conftest import Service


def settings(**variables: str) -> Settings:
    return parse(gather({}, {"SENSEID_PLAIN_MEDIA": "true", **variables}, None), physical_cores=4, cpus=4)


@pytest.fixture(scope="module")
def plain(home: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with running(home, tmp_path_factory.mktemp("plain"), "--plain-media") as found:
        yield found


def refused(response: httpx.Response, code: int) -> None:
    assert (response.status_code, response.json()["code"]) == (400, code)


def test_it_is_off_by_default() -> None:
    assert parse(gather({}, {}, None), physical_cores=4, cpus=4).plain_media is False
    assert settings().plain_media is True


def test_beyond_this_machine_it_needs_tls() -> None:
    beyond = {"SENSEID_HOST": "0.0.0.0", "SENSEID_API_KEY": "key"}
    with pytest.raises(SettingError, match=r"whoever is on the way to 0\.0\.0\.0 would see the photos") as caught:
        settings(**beyond)
    assert "SENSEID_TLS_CERT" in caught.value.remedy
    assert settings(**beyond, SENSEID_TLS_CERT=__file__, SENSEID_TLS_KEY=__file__).plain_media is True


@pytest.mark.parametrize("role", ["api", "worker"])
def test_between_an_api_and_its_workers_photos_stay_encrypted(role: str) -> None:
    with pytest.raises(SettingError, match=f"the role is {role}"):
        settings(SENSEID_ROLE=role, WORKER_IP="127.0.0.1")


def test_a_file_that_was_not_named_does_not_allow_it(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("SENSEID_PLAIN_MEDIA=true\n")
    file.chmod(0o600)
    values = gather({}, {}, file, named=False)
    assert not parse(values, physical_cores=4, cpus=4).plain_media
    assert any("SENSEID_PLAIN_MEDIA" in note for note in values.notes)


def test_photos_as_they_are(plain: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    files = {"first_image": ("a.jpg", small_photos["obama"]), "second_image": ("b.jpg", small_photos["obama2"])}
    body = plain.client.post(COMPARE, files=files).json()
    expected = plain.post(COMPARE, pair).json()
    assert body["verification_score"] == expected["verification_score"]
    assert plain.client.post(OMNI, files=files).json()["scores"] == [[body["verification_score"]]]
    one = {"image": ("a.jpg", small_photos["obama"])}
    assert len(plain.client.post(QUALITY.path, files=one).json()["faces"]) == 1


def test_further_photos(plain: Service, small_photos: dict[str, bytes], photos: dict[str, str]) -> None:
    names = ("obama", "obama2", "obama3")
    fields = ("first_image", "second_image", "further_image_1")
    files = {field: ("a.jpg", small_photos[name]) for field, name in zip(fields, names, strict=True)}
    body = plain.client.post(COMPARE, files=files).json()
    form = {"first_encrypted_image": photos["obama"], "second_encrypted_image": photos["obama2"]}
    form["further_encrypted_images"] = photos["obama3"]
    assert body["verification_score"] == plain.post(COMPARE, form).json()["verification_score"]
    refused(plain.client.post(COMPARE, files=files, data={"further_encrypted_images": photos["obama3"]}), 1200)


def test_one_plain_one_encrypted(plain: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    response = plain.client.post(
        COMPARE,
        data={"second_encrypted_image": pair["second_encrypted_image"]},
        files={"first_image": ("a.jpg", small_photos["obama"])},
    )
    assert response.status_code == 200


def test_a_video_as_it_is(plain: Service, small_photos: dict[str, bytes], still_clip: bytes) -> None:
    response = plain.client.post(LIVENESS.path, files={"video": ("a.mp4", still_clip)}, data={"return_status": "true"})
    assert response.json()["liveness_status"] == "hack"
    files = {"video": ("a.mp4", still_clip), "image": ("a.jpg", small_photos["obama"])}
    assert plain.client.post(VERIFY_VIDEO.path, files=files).json()["passed"] is False


def test_limits_are_those_of_encrypted_media(plain: Service, small_photos: dict[str, bytes], still_clip: bytes) -> None:
    long = small_photos["obama"] + bytes(5 * 1024 * 1024)
    refused(plain.client.post(QUALITY.path, files={"image": ("a.jpg", long)}), 2004)
    refused(plain.client.post(LIVENESS.path, files={"video": ("a", still_clip + bytes(16 * 1024 * 1024))}), 2004)
    refused(plain.client.post(QUALITY.path, files={"image": ("a.jpg", b"not a photo")}), 2005)
    refused(plain.client.post(QUALITY.path, files={"image": ("a.jpg", b"")}), 1200)
    refused(plain.client.post(QUALITY.path, params={"image": "x"}), 1200)


def test_the_same_photo_in_both_ways(plain: Service, small_photos: dict[str, bytes], photos: dict[str, str]) -> None:
    files = {"image": ("a.jpg", small_photos["obama"])}
    refused(plain.client.post(QUALITY.path, files=files, data={"encrypted_image": photos["obama"]}), 1200)


def test_nothing_of_it_is_logged(plain: Service, small_photos: dict[str, bytes]) -> None:
    plain.client.post(QUALITY.path, files={"image": ("name-of-a-file.jpg", small_photos["obama"])})
    log = plain.log.read_bytes()
    assert b"name-of-a-file" not in log
    assert small_photos["obama"][:64] not in log


def test_a_service_without_the_setting(service: Service, small_photos: dict[str, bytes]) -> None:
    response = service.client.post(QUALITY.path, files={"image": ("a.jpg", small_photos["obama"])})
    refused(response, 1200)
    request_id = response.json()["request_id"]
    (event,) = until(lambda: [each for each in service.events("request") if each["request_id"] == request_id])
    assert event["reason"] == "image is not encrypted: send encrypted_image, or start the service with --plain-media"


def test_the_document_tells_of_it(plain: Service, service: Service) -> None:
    def fields(found: Service) -> set[str]:
        post = found.client.get("/openapi.json").json()["paths"][COMPARE]["post"]
        return set(post["requestBody"]["content"]["multipart/form-data"]["schema"]["properties"])

    further = {f"further_image_{i}" for i in range(1, MOST_REFERENCES)}
    assert fields(plain) - fields(service) == {"first_image", "second_image"} | further
