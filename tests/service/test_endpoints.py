"""What each endpoint answers, over HTTP, with media encrypted as clients do it."""

from __future__ import annotations

import base64
import io
import json
import os
import re
import subprocess
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from senseid_crypto import sealed
from tests.service.conftest import (
    COMPARE,
    KEY,
    OMNI,
    blank,
    check_error,
    command,
    encrypted,
    environment,
    jpeg,
    raw,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.conftest import Service


# Results.


def test_compare(service: Service, pair: dict[str, str]) -> None:
    response = service.post(COMPARE, pair)
    assert response.status_code == 200
    body = response.json()
    assert list(body) == ["code", "verification_score", "request_id"]
    assert body["code"] == 1000
    assert body["verification_score"] >= 0.7
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])


def test_further_photos_of_the_first_ones_person(
    service: Service, photos: dict[str, str], small_photos: dict[str, bytes], tmp_path: Path
) -> None:
    def score(first: str, *further: str) -> float:
        form = {"first_encrypted_image": photos[first], "second_encrypted_image": photos["obama3"]}
        if further:
            form["further_encrypted_images"] = ",".join(photos[name] for name in further)
        response = service.post(COMPARE, form)
        assert response.status_code == 200
        assert list(response.json()) == ["code", "verification_score", "request_id"]
        return float(response.json()["verification_score"])

    for name in ("obama", "obama2", "obama3"):
        (tmp_path / name).write_bytes(small_photos[name])
    done = subprocess.run(
        command("compare", "--json", "--reference", "obama", "--reference", "obama2", "obama3"),
        cwd=tmp_path,
        env=environment(service.home),
        capture_output=True,
        check=True,
    )
    assert score("obama", "obama2") == score("obama2", "obama") == json.loads(done.stdout)["verification_score"]
    assert score("obama", *["obama2"] * 9) != score("obama")


@pytest.mark.parametrize(
    ("further", "code", "message"),
    [
        (["biden"], 1200, "invalid argument: further_encrypted_images 1"),
        (["obama2", "biden"], 1200, "invalid argument: further_encrypted_images 2"),
        (["obama2"] * 10, 1200, "invalid argument"),
        (["obama2", ""], 1200, "invalid argument"),
        ([""], 1200, "invalid argument"),
        (["no ciphertext"], 1200, "invalid argument"),
        (["obama2", "grey"], 4000, "detection failed: further_encrypted_images 2"),
        (["small"], 2003, "invalid image size"),
    ],
    ids=str,
)
def test_further_photos_that_are_refused(
    service: Service, photos: dict[str, str], pair: dict[str, str], further: list[str], code: int, message: str
) -> None:
    known = {**photos, "grey": encrypted(blank(320, 240)), "small": encrypted(blank(31, 31))}
    form = {**pair, "further_encrypted_images": ",".join(known.get(name, name) for name in further)}
    check_error(service.post(COMPARE, form), 400, code, message)
    until(lambda: service.events("request")[-1].get("reason", "").startswith("further_encrypted_images"))


def test_further_photos_are_not_looked_at_where_every_face_is_compared(service: Service, pair: dict[str, str]) -> None:
    assert service.post(OMNI, {**pair, "further_encrypted_images": "anything"}).status_code == 200


def test_a_stranger_is_an_answer_too(service: Service, photos: dict[str, str]) -> None:
    form = {"first_encrypted_image": photos["obama"], "second_encrypted_image": photos["biden"]}
    response = service.post(COMPARE, form)
    assert response.status_code == 200
    assert response.json()["verification_score"] < 0.7


def test_omni(service: Service, small_photos: dict[str, bytes], photos: dict[str, str]) -> None:
    two = Image.new("RGB", (640, 320))
    for left, name in ((0, "obama"), (320, "biden")):
        two.paste(Image.open(io.BytesIO(small_photos[name])), (left, 0))
    form = {"first_encrypted_image": encrypted(jpeg(two)), "second_encrypted_image": photos["obama2"]}
    response = service.post(OMNI, form)
    assert response.status_code == 200, response.text
    body = response.json()
    assert list(body) == ["code", "scores", "face_rects", "request_id"]
    assert [len(row) for row in body["scores"]] == [1, 1]
    rects = body["face_rects"]
    assert list(rects) == ["first_image_face_rects", "second_image_face_rects"]
    assert [len(rects[name]) for name in rects] == [2, 1]
    assert all(isinstance(side, int) for rect in rects["first_image_face_rects"] for side in rect)


def test_the_body_is_that_of_the_command_line(
    service: Service, home: Path, small_photos: dict[str, bytes], pair: dict[str, str], tmp_path: Path
) -> None:
    paths = []
    for name in ("obama", "obama2"):
        (tmp_path / name).write_bytes(small_photos[name])
        paths.append(str(tmp_path / name))
    done = subprocess.run(command("compare", "--json", *paths), capture_output=True, env=environment(home), check=True)
    printed, served = json.loads(done.stdout), service.post(COMPARE, pair).json()
    for body in (printed, served):
        del body["request_id"]
    assert printed == served


def test_multipart(service: Service, pair: dict[str, str]) -> None:
    parts = {name: (None, value) for name, value in pair.items()}
    response = service.client.post(COMPARE, files={**parts, "auto_rotate": (None, "true")})
    assert response.status_code == 200
    assert response.json()["code"] == 1000


def test_multipart_with_file_names(service: Service, pair: dict[str, str]) -> None:
    response = service.client.post(COMPARE, files={name: ("a.b64", value) for name, value in pair.items()})
    assert response.status_code == 200


def test_containers_are_taken_too(service: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    container = sealed.seal_bytes(small_photos["obama2"], KEY, entropy=os.urandom)
    form = {**pair, "second_encrypted_image": base64.b64encode(container).decode()}
    assert service.post(COMPARE, form).json()["verification_score"] >= 0.7


def test_auto_rotate(service: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    turned = Image.open(io.BytesIO(small_photos["obama"])).transpose(Image.Transpose.ROTATE_90)
    form = {**pair, "first_encrypted_image": encrypted(jpeg(turned))}
    assert service.post(COMPARE, {**form, "auto_rotate": "true"}).json()["verification_score"] >= 0.7
    check_error(
        service.post(COMPARE, {**form, "auto_rotate": "false"}), 400, 4000, "detection failed: first_encrypted_image"
    )


def test_base64_that_was_not_url_encoded(service: Service, pair: dict[str, str]) -> None:
    """What `curl -d first_encrypted_image=...` sends: each plus sign arrives as a space."""
    assert any("+" in value for value in pair.values())
    raw = "&".join(f"{name}={value}" for name, value in pair.items())
    headers = {"content-type": "application/x-www-form-urlencoded"}
    response = service.client.post(COMPARE, content=raw.encode(), headers=headers)
    assert response.status_code == 200, response.text


def test_base64_in_lines(service: Service, pair: dict[str, str]) -> None:
    lines = {name: base64.encodebytes(base64.b64decode(value)).decode() for name, value in pair.items()}
    assert service.post(COMPARE, lines).status_code == 200


# Health and the rest.


def test_health(service: Service) -> None:
    api, worker = (httpx.get(url + "/healthcheck", trust_env=False) for url in service.addresses[:2])
    assert (api.status_code, api.text) == (200, '{"code":1000,"status":"ok"}')
    body = worker.json()
    assert worker.status_code == 200
    assert list(body) == ["request_id", "status"]
    assert body["status"] == "ok"
    assert re.fullmatch("[0-9a-f]{32}", body["request_id"])


def test_the_workers_port_answers_the_api_too(service: Service, pair: dict[str, str]) -> None:
    request_id = "0123456789abcdef" * 2
    url = service.addresses[1] + COMPARE
    response = httpx.post(url, data=pair, headers={"x-request-id": request_id}, timeout=60, trust_env=False)
    assert response.json()["request_id"] == request_id
    for forged in ("x" * 32, "0" * 31, "0" * 33):
        answer = httpx.post(url, data={}, headers={"x-request-id": forged}, trust_env=False)
        assert answer.json()["request_id"] != forged


def test_a_client_cannot_choose_the_id(service: Service) -> None:
    given = "0" * 32
    assert service.post(COMPARE, {}, headers={"x-request-id": given}).json()["request_id"] != given


def test_metrics(service: Service, pair: dict[str, str]) -> None:
    service.post(COMPARE, pair)
    service.post(COMPARE, {**pair, "second_encrypted_image": "none"})
    text = httpx.get(service.addresses[2] + "/metrics", trust_env=False).text
    assert f'senseid_requests_total{{code="1000",path="{COMPARE}",status="200"}}' in text
    assert "senseid_handlers_ready 2.0" in text or "senseid_handlers_ready 1.0" in text
    assert 'senseid_licence_expiry_timestamp_seconds{product="senseid_face"}' in text
    # The numbers of results come from the handlers.
    found = {
        (sample.name, *sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    path = ("path", COMPARE)
    matches = found["senseid_decisions_total", ("decision", "match"), path]
    assert matches >= 1
    assert found["senseid_verification_score_bucket", ("le", "0.7"), path] <= (
        found["senseid_verification_score_count", path] - matches
    )
    assert found["senseid_refusals_total", ("code", "1200"), path] >= 1
    assert found["senseid_match_threshold",] == 0.7
    assert found["process_resident_memory_bytes",] > 10_000_000
    assert "senseid_build_info{" in text
    # Nowhere else.
    for url in service.addresses[:2]:
        assert httpx.get(url + "/metrics", trust_env=False).status_code == 404


def test_no_page_by_default_and_no_cors(service: Service) -> None:
    response = service.client.get("/healthcheck", headers={"origin": "https://elsewhere.example"})
    assert not [name for name in response.headers if name.startswith("access-control")]
    preflight = service.client.options(
        COMPARE, headers={"origin": "https://elsewhere.example", "access-control-request-method": "POST"}
    )
    assert preflight.status_code == 403


def test_openapi_names_every_endpoint_and_parameter(service: Service) -> None:
    document: dict[str, Any] = service.client.get("/openapi.json").json()
    assert document["openapi"].startswith("3.1")
    form = document["paths"][COMPARE]["post"]["requestBody"]["content"]
    assert set(form) == {"multipart/form-data", "application/x-www-form-urlencoded"}
    schema = form["multipart/form-data"]["schema"]
    assert {"first_encrypted_image", "second_encrypted_image", "auto_rotate"} <= set(schema["properties"])


def test_the_log_tells_no_content(service: Service, pair: dict[str, str], small_photos: dict[str, bytes]) -> None:
    secret = "name-of-a-person"
    service.post(f"/{secret}?q={secret}", {})
    service.post(COMPARE, {**pair, secret: secret, "auto_rotate": secret}, headers={"user-agent": secret})
    service.client.post(COMPARE, files={secret: (secret, secret)}, headers={"x-api-key": secret})
    last = service.client.request(
        "POST", COMPARE, content=b"--x", headers={"content-type": f"multipart/form-data; boundary={secret}"}
    )
    until(lambda: service.events("request")[-1]["request_id"] == last.json()["request_id"])
    text = service.log.read_text()
    assert secret not in text
    assert pair["first_encrypted_image"][:40] not in text
    assert "127.0.0.1" not in "".join(line for line in text.splitlines() if '"request"' in line)
    events = service.events("request")
    assert {"time", "level", "event", "request_id", "method", "path", "status", "code", "ms"} <= set(events[-1])
    # What a library says about a broken form shows bytes of it, and is no JSON.
    assert [line for line in text.splitlines() if not line.startswith("{")] == []


def test_two_requests_with_one_connection_and_pipelining(service: Service) -> None:
    one = f"POST {COMPARE} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\na=b"
    last = one.replace("Host: localhost", "Host: localhost\r\nConnection: close")
    answer = raw(service, (one + one + last).encode())
    assert answer.count(b"HTTP/1.1 400 ") == 3


def test_a_photo_at_the_limit_of_everything(service: Service, photos: dict[str, str]) -> None:
    """16 MiB of a video in Base64, every special character escaped, pass the form parsers: refused only as a photo."""
    big = encrypted(bytes(16 * 1024 * 1024))
    for send in (_urlencoded, _multipart):
        response = send(service, {"first_encrypted_image": big, "second_encrypted_image": photos["obama"]})
        check_error(response, 400, 2004, "invalid content length")


def _urlencoded(service: Service, form: dict[str, str]) -> httpx.Response:
    return service.post(COMPARE, form)


def _multipart(service: Service, form: dict[str, str]) -> httpx.Response:
    return service.client.post(COMPARE, files={name: (None, value) for name, value in form.items()})
