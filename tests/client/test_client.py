"""The Python client against a small server that keeps what it was sent and answers what it is told."""

from __future__ import annotations

import base64
import http.server
import json
import pickle
import re
import socket
import threading
from typing import TYPE_CHECKING, Any

import pytest

from senseid_client import (
    AnswerError,
    BusyError,
    Client,
    Comparison,
    FaceQuality,
    Liveness,
    OmniComparison,
    Pose,
    ServiceError,
    UnreachableError,
)
from senseid_crypto.key import parse_key
from senseid_crypto.wire import decrypt_bytes

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

KEY = parse_key("kN3vQ0zR8sWc5TyA2bXe7LhJ1mPf9DgU", "uV4iB6oC0qZa")
ID = "0123456789abcdef0123456789abcdef"
PART = re.compile(rb'name="([^"]+)"[^\r]*\r\n(?:Content-Type: [^\r]*\r\n)?\r\n(.*)\r\n', re.DOTALL)


class Server(http.server.ThreadingHTTPServer):
    """Answers with `body`, `status` and `headers`, and keeps the last request."""

    body: Any = None
    status = 200
    headers: dict[str, str] = {}  # noqa: RUF012  set on the object by each test
    path = ""
    sent: dict[str, str] = {}  # noqa: RUF012
    fields: dict[str, bytes] = {}  # noqa: RUF012

    def reply(self, body: object, status: int = 200, **headers: str) -> None:
        self.body, self.status, self.headers = body, status, headers

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_POST(self) -> None:
        data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.path, self.server.sent = self.path, dict(self.headers.items())
        boundary = self.headers.get("Content-Type", "").partition("boundary=")[2].encode()
        parts = data.split(b"--" + boundary)[1:-1] if boundary else []
        found = [PART.search(part) for part in parts]
        self.server.fields = {match[1].decode(): match[2] for match in found if match}
        body = self.server.body
        answer = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(self.server.status)
        for name, value in self.server.headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(answer)

    do_GET = do_POST  # noqa: N815  the name that http.server looks for

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def client(server: Server) -> Client:
    return Client(server.url, KEY, timeout=5)


def opened(server: Server, name: str) -> bytes:
    return decrypt_bytes(server.fields[name], [KEY])


def test_compare(server: Server, client: Client, tmp_path: Path) -> None:
    server.reply({"code": 1000, "verification_score": 0.91, "request_id": ID, "details": {"new": "field"}})
    (tmp_path / "b.jpg").write_bytes(b"photo b")
    client.compare(str(tmp_path / "b.jpg"), b"other")
    assert opened(server, "first_encrypted_image") == b"photo b"
    found = client.compare(b"photo \r\n--a", tmp_path / "b.jpg", auto_rotate=True)
    assert found == Comparison(0.91, ID)
    assert server.path == "/identity/image_verification/stateless"
    assert opened(server, "first_encrypted_image") == b"photo \r\n--a"
    assert opened(server, "second_encrypted_image") == b"photo b"
    assert (server.fields["auto_rotate"], server.fields["check_quality"]) == (b"true", b"false")
    assert "X-API-Key" not in server.sent


def test_several_photos_of_one_person(server: Server, client: Client, tmp_path: Path) -> None:
    server.reply({"code": 1000, "verification_score": 0.91, "request_id": ID, "passed": True, "liveness_score": 0.9})
    (tmp_path / "c.jpg").write_bytes(b"photo c")
    for name, ask in (
        ("first_encrypted_image", lambda photos: client.compare(photos, b"other")),
        ("encrypted_image", lambda photos: client.verify(b"video", photos, return_status=False)),
        ("encrypted_image", lambda photos: client.verify_liveness_data(b"data", photos)),
    ):
        ask([b"photo a", b"photo b", tmp_path / "c.jpg"])
        assert opened(server, name) == b"photo a"
        further = server.fields["further_encrypted_images"].split(b",")
        assert [decrypt_bytes(text, [KEY]) for text in further] == [b"photo b", b"photo c"]
        ask((b"photo a",))
        assert "further_encrypted_images" not in server.fields
        with pytest.raises(ValueError, match="the list of photos is empty"):
            ask([])


def test_omni(server: Server, client: Client) -> None:
    rects = {"first_image_face_rects": [[1, 2, 3, 4], [5, 6, 7, 8]], "second_image_face_rects": [[9, 8, 10, 11]]}
    server.reply({"code": 1000, "scores": [[1, 0.5], [0.25, 0]], "face_rects": rects, "request_id": ID})
    assert client.omni(b"a", b"b") == OmniComparison(
        ((1.0, 0.5), (0.25, 0.0)), ((1, 2, 3, 4), (5, 6, 7, 8)), ((9, 8, 10, 11),), ID
    )
    assert server.path == "/identity/multiface_image_omni_verification/stateless"
    assert "check_quality" not in server.fields


def test_quality(server: Server, client: Client) -> None:
    face = {
        "rect": {"left": 1, "top": 2, "right": 3, "bottom": 4},
        "pose": {"yaw": -3.5, "pitch": 2, "roll": 0.1},
        "occlusion": {"left_eye": 1, "right_eye": 1, "nose": 0.9, "mouth": 0.8, "total": 0.9},
        "distance2center": 0.5, "size": 0.1, "brightness": -0.2, "sharpness": 0.7, "mouth_open": 0.9, "integrity": 1,
    }  # fmt: skip
    server.reply({"code": 1000, "faces": [face], "request_id": ID})
    (found,) = client.quality(b"a").faces
    assert isinstance(found, FaceQuality)
    assert (found.rect, found.pose, found.brightness) == ((1, 2, 3, 4), Pose(-3.5, 2, 0.1), -0.2)
    assert server.path == "/quality/face/stateless"


def test_liveness(server: Server, client: Client) -> None:
    server.reply({"code": 1000, "passed": False, "liveness_score": 0.1, "liveness_status": "hack", "request_id": ID})
    assert client.liveness(b"v") == Liveness(False, 0.1, "hack", None, None, None, None, ID)
    assert server.path == "/liveness/silent_detection/stateless"
    assert opened(server, "encrypted_video") == b"v"
    assert server.fields["return_status"] == b"true"


def test_verify(server: Server, client: Client) -> None:
    image = base64.b64encode(b"\xff\xd8 frame").decode()
    body = {"code": 1000, "passed": True, "liveness_score": 0.9, "verification_score": 0.8, "image_timestamp": 1.25}
    server.reply({**body, "base64_image": image, "base64_face_image": image, "request_id": ID})
    found = client.verify(b"v", b"p", return_image=True, return_face_image=True, return_status=False)
    assert (found.verification_score, found.image_timestamp) == (0.8, 1.25)
    assert found.image == found.face_image == b"\xff\xd8 frame"
    assert found.liveness_status is None
    assert "frame" not in repr(found)
    assert server.path == "/identity/silent_image_verification/stateless"


def test_liveness_data_are_sent_as_they_are(server: Server, client: Client) -> None:
    server.reply({"code": 1000, "verification_score": 0, "request_id": ID})
    assert client.verify_liveness_data(bytes(range(256)), b"p").verification_score == 0
    assert server.fields["liveness_file"] == bytes(range(256))
    assert server.path == "/identity/liveness_image_verification/stateless"


def test_health_below_a_path_and_with_a_key(server: Server) -> None:
    client = Client(f"{server.url}/faces/", KEY, api_key="letmein")
    server.reply({"code": 1000, "status": "ok"})
    client.health()
    assert server.path == "/faces/healthcheck"
    assert server.sent["X-API-Key"] == "letmein"
    assert "letmein" not in repr(client)
    assert "kN3v" not in repr(client)


def test_a_refusal(server: Server, client: Client) -> None:
    server.reply({"code": 4000, "message": "detection failed", "request_id": ID}, 400)
    with pytest.raises(ServiceError, match=f"detection failed .code 4000, HTTP 400, request {ID}") as raised:
        client.compare(b"a", b"b")
    assert (raised.value.code, raised.value.message, raised.value.request_id) == (4000, "detection failed", ID)
    assert not isinstance(raised.value, BusyError)


def test_errors_cross_a_process_pool() -> None:
    refused = ServiceError(503, "busy", ID, 503)
    for error in (refused, BusyError(refused, 2.0), BusyError(refused, None)):
        again = pickle.loads(pickle.dumps(error))
        assert type(again) is type(error)
        assert (str(again), vars(again)) == (str(error), vars(error))


@pytest.mark.parametrize(
    ("header", "seconds"), [({"Retry_After": "2"}, 2.0), ({}, None), ({"Retry_After": "soon"}, None)]
)
@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_service(
    server: Server, client: Client, status: int, header: dict[str, str], seconds: float | None
) -> None:
    server.reply({"code": status, "message": "busy", "request_id": ID}, status, **header)
    with pytest.raises(BusyError) as raised:
        client.quality(b"a")
    assert raised.value.retry_after == seconds


@pytest.mark.parametrize(
    "body",
    [
        b"<html>",
        b"[" * 200_000,
        b'{"code": 1000, "verification_score": NaN, "request_id": "a"}',
        b'{"code": 1000, "verification_score": 1e999, "request_id": "a"}',
        {"code": 1000, "verification_score": 10**400, "request_id": ID},
        [],
        {"code": "1000"},
        {"code": True},
        {"code": 1000, "request_id": ID},
        {"code": 1000, "verification_score": "0.9", "request_id": ID},
        {"code": 1000, "verification_score": True, "request_id": ID},
        {"code": 1000, "verification_score": 0.9, "request_id": 5},
    ],
)
def test_what_is_not_the_service(server: Server, client: Client, body: object) -> None:
    server.reply(body)
    with pytest.raises(AnswerError):
        client.compare(b"a", b"b")


@pytest.mark.parametrize(
    "broken",
    [
        {"scores": 1},
        {"scores": [[1]], "face_rects": {"first_image_face_rects": [[1, 2, 3]]}},
        {"scores": [[1]], "face_rects": {"first_image_face_rects": [[1, 2, 3, 4.5]]}},
    ],
)
def test_a_broken_matrix(server: Server, client: Client, broken: dict[str, object]) -> None:
    server.reply({"code": 1000, "face_rects": {}, "request_id": ID, **broken})
    with pytest.raises(AnswerError):
        client.omni(b"a", b"b")


@pytest.mark.parametrize("wrong", [{"passed": 1}, {"base64_image": "no base64!"}])
def test_a_broken_verdict(server: Server, client: Client, wrong: dict[str, object]) -> None:
    server.reply({"code": 1000, "passed": True, "liveness_score": 0.1, "request_id": ID, **wrong})
    with pytest.raises(AnswerError):
        client.liveness(b"v")


def test_nobody_there() -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(UnreachableError, match="no answer from"):
        Client(f"http://127.0.0.1:{port}", KEY).health()


def test_half_an_answer(server: Server, client: Client) -> None:
    for body in ({"code": 1000, "verification_score": 0.9, "request_id": ID}, b'{"code": 1000, '):
        server.reply(body, Content_Length="500")
        with pytest.raises(UnreachableError, match="IncompleteRead"):
            client.compare(b"a", b"b")


def test_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        client = Client(f"http://127.0.0.1:{silent.getsockname()[1]}", KEY, timeout=0.1)
        with pytest.raises(UnreachableError):
            client.health()


def test_https_wants_a_certificate_that_it_can_check(server: Server) -> None:
    with pytest.raises(UnreachableError):
        Client(server.url.replace("http:", "https:"), KEY, timeout=5).health()


def test_a_refusal_before_the_body_was_read() -> None:
    """A service that answers 413 and reads no more: the answer counts, not the broken pipe."""
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def refuse() -> None:
            connection, _ = listening.accept()
            with connection:
                connection.recv(1000)
                body = json.dumps({"code": 413, "message": "body too large", "request_id": ID}).encode()
                connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body))
                connection.shutdown(socket.SHUT_WR)
                # Reading on keeps the system from resetting the connection and with it the answer.
                while connection.recv(1 << 16):
                    pass

        thread = threading.Thread(target=refuse)
        thread.start()
        client = Client(f"http://127.0.0.1:{listening.getsockname()[1]}", KEY, timeout=5)
        with pytest.raises(ServiceError) as raised:
            client.quality(bytes(1 << 22))
        thread.join()
    assert raised.value.http_status == 413


@pytest.mark.parametrize(
    "url",
    [
        "faces.example:3000", "ftp://host", "http://", "http://h/?q", "http://u:p@h",
        "http://h:port", "http://h:99999", "http://a..b", "http://h/\xe4",
    ],
)  # fmt: skip
def test_addresses(url: str) -> None:
    with pytest.raises(ValueError, match="address"):
        Client(url, KEY)


@pytest.mark.parametrize("key", ["letmein\n", "letmein\u20ac"])
def test_an_api_key_that_cannot_be_sent_is_not_shown(key: str) -> None:
    with pytest.raises(ValueError, match="api_key") as raised:
        Client("http://127.0.0.1:1", KEY, api_key=key)
    assert "let" not in str(raised.value)


def test_a_file_that_is_not_there(client: Client, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        client.quality(tmp_path / "none.jpg")
