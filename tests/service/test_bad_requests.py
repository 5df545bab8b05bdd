"""What is refused, with every code and status of the contract, over HTTP."""

from __future__ import annotations

import base64
import io
import json
import socket
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from senseid_crypto.key import parse_key
from tests.service.conftest import (
    COMPARE,
    FIVE_MEBIBYTES,
    OMNI,
    blank,
    check_error,
    encrypted,
    invalid,
    padded,
    raw,
    running,
)

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.conftest import Service


# 1200.


@pytest.mark.parametrize("missing", ["first_encrypted_image", "second_encrypted_image"])
@pytest.mark.parametrize("path", [COMPARE, OMNI])
def test_a_missing_or_empty_parameter(service: Service, pair: dict[str, str], path: str, missing: str) -> None:
    invalid(service.post(path, {name: value for name, value in pair.items() if name != missing}))
    invalid(service.post(path, {**pair, missing: ""}))


def test_a_repeated_parameter(service: Service, pair: dict[str, str]) -> None:
    invalid(service.post(COMPARE, {**pair, "first_encrypted_image": [pair["first_encrypted_image"]] * 2}))  # type: ignore[dict-item]
    parts = [(name, (None, value)) for name, value in pair.items()]
    invalid(service.client.post(COMPARE, files=[*parts, parts[0]]))


def test_a_parameter_in_the_query_string(service: Service, pair: dict[str, str]) -> None:
    invalid(service.post(COMPARE + "?auto_rotate=true", pair))
    assert service.post(COMPARE + "?trace=1", pair).status_code == 200


@pytest.mark.parametrize("value", ["True", "FALSE", "1", "0", "yes", "", " true", "null"])
def test_a_boolean_is_true_or_false(service: Service, pair: dict[str, str], value: str) -> None:
    invalid(service.post(COMPARE, {**pair, "auto_rotate": value}))


@pytest.mark.parametrize(
    "value",
    [
        "xxx", "not base64!", "/etc/passwd", "@/etc/passwd", "file:///etc/passwd", "http://127.0.0.1:1/a.jpg",
        "AAAA", "A" * 400, "=", "%00", "é",
    ],
)  # fmt: skip
def test_what_is_no_ciphertext(service: Service, pair: dict[str, str], value: str) -> None:
    invalid(service.post(COMPARE, {**pair, "first_encrypted_image": value}))


def test_a_photo_that_is_not_encrypted(service: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    plain = base64.b64encode(small_photos["obama"]).decode()
    invalid(service.post(COMPARE, {**pair, "first_encrypted_image": plain}))


def test_a_photo_under_another_key(service: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    other = parse_key("another-key-that-is-not-the-same", "and-12-for-i")
    invalid(service.post(COMPARE, {**pair, "second_encrypted_image": encrypted(small_photos["obama"], other)}))


@pytest.mark.parametrize("position", [0, 100, -3])
def test_a_flipped_bit(service: Service, pair: dict[str, str], position: int) -> None:
    data = bytearray(base64.b64decode(pair["first_encrypted_image"]))
    data[position] ^= 1
    invalid(service.post(COMPARE, {**pair, "first_encrypted_image": base64.b64encode(data).decode()}))


@pytest.mark.parametrize("kind", ["application/json", "text/plain", "multipart/form-data", "multipart/mixed", ""])
def test_another_type_of_body(service: Service, kind: str) -> None:
    invalid(service.client.post(COMPARE, content=b'{"a": 1}', headers={"content-type": kind}))


def test_a_multipart_form_that_is_cut_off(service: Service, pair: dict[str, str]) -> None:
    request = service.client.build_request("POST", COMPARE, files={name: (None, v) for name, v in pair.items()})
    body = request.read()
    headers = {"content-type": request.headers["content-type"]}
    for cut in (body[:-4], body[: len(body) // 2], body[:10], b"--"):
        invalid(service.client.post(COMPARE, content=cut, headers=headers))


# 2003, 2004, 2005, 4000.


def test_the_sides_of_a_photo(service: Service, pair: dict[str, str]) -> None:
    for width, height in ((31, 64), (64, 31), (5001, 40), (40, 5001)):
        form = {**pair, "first_encrypted_image": encrypted(blank(width, height))}
        check_error(service.post(COMPARE, form), 400, 2003, "invalid image size")
    for width, height in ((32, 32), (5000, 32)):
        form = {**pair, "first_encrypted_image": encrypted(blank(width, height))}
        check_error(service.post(COMPARE, form), 400, 4000, "detection failed: first_encrypted_image")


def test_the_length_of_a_photo(service: Service, small_photos: dict[str, bytes], pair: dict[str, str]) -> None:
    exact = {**pair, "first_encrypted_image": encrypted(padded(small_photos["obama"], FIVE_MEBIBYTES))}
    assert service.post(COMPARE, exact).status_code == 200
    assert service.client.post(COMPARE, files={n: (None, v) for n, v in exact.items()}).status_code == 200
    more = {**pair, "first_encrypted_image": encrypted(padded(small_photos["obama"], FIVE_MEBIBYTES + 1))}
    check_error(service.post(COMPARE, more), 400, 2004, "invalid content length")


@pytest.mark.parametrize("data", [b"", b"no photo", b"\xff\xd8\xff broken", b"%PDF-1.7"])
def test_what_is_no_photo(service: Service, pair: dict[str, str], data: bytes) -> None:
    form = {**pair, "second_encrypted_image": encrypted(data)}
    check_error(service.post(COMPARE, form), 400, 2005, "invalid image type or corrupted: second_encrypted_image")


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_a_photo_in_no_format_of_the_manual(
    service: Service, small_photos: dict[str, bytes], pair: dict[str, str], kind: str
) -> None:
    file = io.BytesIO()
    Image.open(io.BytesIO(small_photos["obama"])).save(file, kind)
    form = {**pair, "first_encrypted_image": encrypted(file.getvalue())}
    check_error(service.post(COMPARE, form), 400, 2005, "invalid image type or corrupted: first_encrypted_image")


def test_a_setting_allows_the_formats_of_phones(
    home: Path, tmp_path: Path, small_photos: dict[str, bytes], pair: dict[str, str]
) -> None:
    with running(home, tmp_path, env={"SENSEID_PHONE_FORMATS": "true"}) as wide:
        for kind in ("WEBP", "AVIF"):
            file = io.BytesIO()
            Image.open(io.BytesIO(small_photos["obama"])).save(file, kind)
            response = wide.post(COMPARE, {**pair, "first_encrypted_image": encrypted(file.getvalue())})
            assert response.json()["verification_score"] > 0.9


@pytest.mark.parametrize("path", [COMPARE, OMNI])
def test_no_face(service: Service, pair: dict[str, str], path: str) -> None:
    form = {**pair, "second_encrypted_image": encrypted(blank(320, 240))}
    check_error(service.post(path, form), 400, 4000, "detection failed: second_encrypted_image")


# 404, 405, 411, 413.


@pytest.mark.parametrize("path", ["/", "/identity", COMPARE + "/", COMPARE + "x", "/../etc/passwd", "/%2e%2e/a", "//"])
def test_an_unknown_path(service: Service, path: str) -> None:
    for method in ("GET", "POST"):
        check_error(service.client.request(method, path), 404, 404, "not found")


def test_another_method(service: Service) -> None:
    for method in ("GET", "PUT", "DELETE"):
        response = service.client.request(method, COMPARE)
        check_error(response, 405, 405, "method not allowed")
        assert response.headers["allow"] == "POST"


def test_no_length(service: Service) -> None:
    answer = raw(service, f"POST {COMPARE} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
    assert answer.startswith(b"HTTP/1.1 411 ")
    assert b'{"code":411,"message":"length required","request_id":"' in answer
    chunked = f"POST {COMPARE} HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n3\r\na=b\r\n0\r\n\r\n"
    assert raw(service, chunked.encode()).startswith(b"HTTP/1.1 411 ")


def test_a_body_that_is_too_large(service: Service) -> None:
    length = 48 * 1024 * 1024 + 1
    check_error(service.client.post(COMPARE, content=bytes(length)), 413, 413, "payload too large")
    # The answer comes before the body does.
    head = f"POST {COMPARE} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {length}\r\n\r\n"
    assert raw(service, head.encode()).startswith(b"HTTP/1.1 413 ")


def test_a_client_that_asks_before_it_sends(service: Service) -> None:
    head = f"POST {COMPARE} HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), 30) as sock:
        sock.sendall(head.encode())
        assert sock.recv(1000).startswith(b"HTTP/1.1 100 ")
        sock.sendall(b"a=b")
        assert sock.recv(1000).startswith(b"HTTP/1.1 400 ")


def test_what_is_not_http(service: Service) -> None:
    answer = raw(service, b"\x16\x03\x01 hello\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    assert (body["code"], body["message"]) == (1200, "invalid argument")
