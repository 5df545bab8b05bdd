"""A client of the HTTP service: encrypts photos and videos, posts them, and gives typed results.

::

    from pathlib import Path
    from senseid_cli.client import Client
    from senseid_crypto.key import parse_key

    client = Client("https://faces.example:3000", parse_key(secret, iv))
    if client.compare(Path("a.jpg"), Path("b.jpg")).verification_score >= 0.7: ...

It needs the standard library and `cryptography` only, keeps no connection and no state, and may be used by several
threads at once. Names of fields are those of the service's bodies.
"""

from __future__ import annotations

import http.client
import json
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from senseid_crypto.wire import encrypt_bytes

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from senseid_crypto.key import Key

Media = bytes | Path
"""The bytes of a photo or video, or its file."""

Box = tuple[int, int, int, int]
"""`(left, top, right, bottom)` in whole pixels of the upright photo; right and bottom are exclusive."""

_OK = 1000
_BUSY = 503
_LONGEST_ANSWER = 64 << 20


class ClientError(Exception):
    """Base of what a call can raise, but for an `OSError` where a file cannot be read.

    ::

        ClientError
        |- ServiceError      the service refused, and says why
        |  `- BusyError      it has too much to do: try again later
        |- UnreachableError  no connection, no answer in time, or an untrusted certificate
        `- AnswerError       what answered is not the service, or of another version
    """


class ServiceError(ClientError):
    """The service refused.

    Attributes:
        code: the response code, such as 4000.
        message: its message, such as `detection failed`.
        request_id: 32 hex digits, to look for in the service's log.
        http_status: of the answer.
    """

    def __init__(self, code: int, message: str, request_id: str, http_status: int) -> None:
        super().__init__(f"{message} (code {code}, HTTP {http_status}, request {request_id})")
        self.code = code
        self.message = message
        self.request_id = request_id
        self.http_status = http_status


class BusyError(ServiceError):
    """The service is at its limit and did not look at the request.

    Attributes:
        retry_after: seconds to wait before the next try, as the service says; None if it does not.
    """

    def __init__(self, refused: ServiceError, retry_after: float | None) -> None:
        super().__init__(refused.code, refused.message, refused.request_id, refused.http_status)
        self.retry_after = retry_after


class UnreachableError(ClientError):
    """There was no answer."""


class AnswerError(ClientError):
    """The answer is not one of the service."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Whether two faces are one person's.

    Attributes:
        verification_score: in [0, 1]; a stranger reaches 0.7 once in 10,000 times.
        request_id: 32 hex digits.
    """

    verification_score: float
    request_id: str


@dataclass(frozen=True, slots=True)
class OmniComparison:
    """Every face of one photo against every face of another.

    Attributes:
        scores: `scores[i][j]` is that of face i of the first and face j of the second photo.
        first_image_face_rects: one box a face.
        second_image_face_rects: one box a face.
        request_id: 32 hex digits.
    """

    scores: tuple[tuple[float, ...], ...]
    first_image_face_rects: tuple[Box, ...]
    second_image_face_rects: tuple[Box, ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class Pose:
    """Angles in degrees."""

    yaw: float
    pitch: float
    roll: float


@dataclass(frozen=True, slots=True)
class Occlusion:
    """The share of each part that is not covered, in [0, 1]."""

    left_eye: float
    right_eye: float
    nose: float
    mouth: float
    total: float


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """The quality of one face. Each measure is in [0, 1], the brightness in [-1, 1]; higher is better.

    Attributes:
        rect: its box.
        pose: where it looks.
        occlusion: what covers it.
        distance2center: how near it is to the centre of the photo.
        size: its share of the photo.
        brightness: 0 is right, below it too dark.
        sharpness: how sharp it is.
        mouth_open: how closed the mouth is.
        integrity: how much of it is inside the photo.
    """

    rect: Box
    pose: Pose
    occlusion: Occlusion
    distance2center: float
    size: float
    brightness: float
    sharpness: float
    mouth_open: float
    integrity: float


@dataclass(frozen=True, slots=True)
class Quality:
    """The quality of every face of a photo.

    Attributes:
        faces: one a face, at least one.
        request_id: 32 hex digits.
    """

    faces: tuple[FaceQuality, ...]
    request_id: str


@dataclass(frozen=True, slots=True)
class Liveness:
    """Whether a video shows a live person.

    Attributes:
        passed: the verdict.
        liveness_score: in [0, 1]; for reference.
        liveness_status: `ok`, `hack` or `short_time`; None unless it was asked for.
        verification_score: that of the live face and the photo; None unless there was a photo and the check passed.
        image_timestamp: where the selected frame is, in seconds; None unless an image was asked for and it passed.
        image: the selected frame, the bytes of an image file; None likewise.
        face_image: the face cut out of it; None unless it was asked for and the check passed.
        request_id: 32 hex digits.
    """

    passed: bool
    liveness_score: float
    liveness_status: str | None
    verification_score: float | None
    image_timestamp: float | None
    image: bytes | None = field(repr=False)
    face_image: bytes | None = field(repr=False)
    request_id: str


@dataclass(frozen=True, slots=True)
class Client:
    """One service, the key to encrypt for it, and how patient to be.

    Attributes:
        url: `http://...` or `https://...`, perhaps with a path that the endpoints stand below.
        key: with the IV of the wire format; the service's PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV.
        timeout: seconds to wait for a connection, and for each part of an answer.
        api_key: what the service expects in X-API-Key, if anything.
        tls: whom to trust, and a certificate of one's own; the system's choice if None.
    """

    url: str
    key: Key
    timeout: float = 120
    api_key: str | None = field(default=None, repr=False)
    tls: ssl.SSLContext | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
            raise ValueError(f"{self.url!r} is not the address of a service: write http://host:port")
        if parts.username is not None:
            raise ValueError("a user or password in the address is not sent: give api_key")

    def compare(
        self, first: Media, second: Media, *, auto_rotate: bool = False, check_quality: bool = False
    ) -> Comparison:
        """Compare the largest face of each of two photos.

        Args:
            first: a photo.
            second: a photo.
            auto_rotate: turn a sideways photo by looking for its faces.
            check_quality: refuse a face with a covered eye, nose or mouth (code 4004).

        Raises:
            ClientError: see its tree.
        """
        answer = self._post(
            "/identity/image_verification/stateless",
            {
                "first_encrypted_image": self._sealed(first),
                "second_encrypted_image": self._sealed(second),
                "auto_rotate": auto_rotate,
                "check_quality": check_quality,
            },
        )
        return Comparison(answer.number("verification_score"), answer.request_id)

    def omni(self, first: Media, second: Media, *, auto_rotate: bool = False) -> OmniComparison:
        """Compare every face of a photo with every face of another.

        Raises:
            ClientError: see its tree.
        """
        answer = self._post(
            "/identity/multiface_image_omni_verification/stateless",
            {
                "first_encrypted_image": self._sealed(first),
                "second_encrypted_image": self._sealed(second),
                "auto_rotate": auto_rotate,
            },
        )
        rects = answer.inner("face_rects")
        return OmniComparison(
            answer.each("scores", lambda row: row.each("", lambda score: score.number(""))),
            rects.each("first_image_face_rects", _box_of_list),
            rects.each("second_image_face_rects", _box_of_list),
            answer.request_id,
        )

    def quality(self, photo: Media) -> Quality:
        """Measure the quality of every face of a photo.

        Raises:
            ClientError: see its tree.
        """
        answer = self._post("/quality/face/stateless", {"encrypted_image": self._sealed(photo)})
        return Quality(answer.each("faces", _face_quality), answer.request_id)

    def liveness(
        self,
        video: Media,
        *,
        return_status: bool = True,
        return_image: bool = False,
        return_face_image: bool = False,
    ) -> Liveness:
        """Check whether a video shows a live person.

        Raises:
            ClientError: see its tree.
        """
        return _liveness(
            self._post(
                "/liveness/silent_detection/stateless",
                {
                    "encrypted_video": self._sealed(video),
                    "return_status": return_status,
                    "return_image": return_image,
                    "return_face_image": return_face_image,
                },
            )
        )

    def verify(
        self,
        video: Media,
        photo: Media,
        *,
        auto_rotate: bool = False,
        check_quality: bool = False,
        return_status: bool = True,
        return_image: bool = False,
        return_face_image: bool = False,
    ) -> Liveness:
        """Check whether a video shows a live person, and whether it is the one of a photo.

        Raises:
            ClientError: see its tree.
        """
        return _liveness(
            self._post(
                "/identity/silent_image_verification/stateless",
                {
                    "encrypted_video": self._sealed(video),
                    "encrypted_image": self._sealed(photo),
                    "auto_rotate": auto_rotate,
                    "check_quality": check_quality,
                    "return_status": return_status,
                    "return_image": return_image,
                    "return_face_image": return_face_image,
                },
            )
        )

    def verify_liveness_data(
        self, liveness_file: Media, photo: Media, *, auto_rotate: bool = False, check_quality: bool = False
    ) -> Comparison:
        """Compare the face of liveness data, which are encrypted already, with a photo.

        Raises:
            ClientError: see its tree.
        """
        answer = self._post(
            "/identity/liveness_image_verification/stateless",
            {
                "encrypted_image": self._sealed(photo),
                "auto_rotate": auto_rotate,
                "check_quality": check_quality,
            },
            {"liveness_file": _read(liveness_file)},
        )
        return Comparison(answer.number("verification_score"), answer.request_id)

    def health(self) -> None:
        """Return if the service says that it works.

        Raises:
            ClientError: see its tree.
        """
        self._answer("GET", "/healthcheck", b"", {})

    def _sealed(self, media: Media) -> bytes:
        return encrypt_bytes(_read(media), self.key)

    def _post(self, path: str, values: Mapping[str, bytes | bool], files: Mapping[str, bytes] | None = None) -> _Fields:
        # A multipart form takes Base64 as it is; in an urlencoded one each + / = would have to be escaped.
        boundary = f"senseid-{os.urandom(16).hex()}"
        body = bytearray()
        for name, value in values.items():
            text = value if isinstance(value, bytes) else (b"true" if value else b"false")
            body += b'--%b\r\nContent-Disposition: form-data; name="%b"\r\n\r\n%b\r\n' % (
                boundary.encode(), name.encode(), text,
            )  # fmt: skip
        for name, data in (files or {}).items():
            body += (
                b'--%b\r\nContent-Disposition: form-data; name="%b"; filename="%b"\r\n'
                b"Content-Type: application/octet-stream\r\n\r\n%b\r\n"
            ) % (boundary.encode(), name.encode(), name.encode(), data)
        body += b"--%b--\r\n" % boundary.encode()
        headers = {"Content-Type": f"multipart/form-data; boundary={boundary}"}
        return self._answer("POST", path, bytes(body), headers)

    def _answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> _Fields:
        parts = urlsplit(self.url)
        host = parts.hostname or ""
        if self.api_key is not None:
            headers = {**headers, "X-API-Key": self.api_key}
        connection: http.client.HTTPConnection
        if parts.scheme == "https":
            context = self.tls if self.tls is not None else ssl.create_default_context()
            connection = http.client.HTTPSConnection(host, parts.port, timeout=self.timeout, context=context)
        else:
            connection = http.client.HTTPConnection(host, parts.port, timeout=self.timeout)
        try:
            # It may refuse a long body early and read no more of it; its answer says why.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, parts.path.rstrip("/") + path, body or None, headers)
            with connection.getresponse() as response:
                data, status = response.read(_LONGEST_ANSWER), response.status
                retry_after = response.getheader("Retry-After")
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"no answer from {self.url} ({type(error).__name__}: {error})") from error
        finally:
            connection.close()
        return _check(data, status, retry_after)


def _check(data: bytes, status: int, retry_after: str | None) -> _Fields:
    """The fields of a result; raises what the service refused with."""
    try:
        parsed = json.loads(data)
    except ValueError:
        raise AnswerError(f"HTTP {status}, and no JSON: is this the service?") from None
    body = _Fields(parsed, "the body")
    code = body.integer("code")
    if status == http.client.OK and code == _OK:
        return body
    refused = ServiceError(code, body.text("message"), body.request_id, status)
    if status == _BUSY:
        raise BusyError(refused, float(retry_after) if retry_after and retry_after.isdecimal() else None)
    raise refused


def _read(media: Media) -> bytes:
    return media.read_bytes() if isinstance(media, Path) else media


def _liveness(answer: _Fields) -> Liveness:
    return Liveness(
        passed=answer.flag("passed"),
        liveness_score=answer.number("liveness_score"),
        liveness_status=answer.text("liveness_status") if "liveness_status" in answer else None,
        verification_score=answer.number("verification_score") if "verification_score" in answer else None,
        image_timestamp=answer.number("image_timestamp") if "image_timestamp" in answer else None,
        image=answer.base64("base64_image") if "base64_image" in answer else None,
        face_image=answer.base64("base64_face_image") if "base64_face_image" in answer else None,
        request_id=answer.request_id,
    )


def _face_quality(face: _Fields) -> FaceQuality:
    rect, pose, occlusion = face.inner("rect"), face.inner("pose"), face.inner("occlusion")
    return FaceQuality(
        rect=(rect.integer("left"), rect.integer("top"), rect.integer("right"), rect.integer("bottom")),
        pose=Pose(pose.number("yaw"), pose.number("pitch"), pose.number("roll")),
        occlusion=Occlusion(
            occlusion.number("left_eye"),
            occlusion.number("right_eye"),
            occlusion.number("nose"),
            occlusion.number("mouth"),
            occlusion.number("total"),
        ),
        distance2center=face.number("distance2center"),
        size=face.number("size"),
        brightness=face.number("brightness"),
        sharpness=face.number("sharpness"),
        mouth_open=face.number("mouth_open"),
        integrity=face.number("integrity"),
    )


def _box_of_list(row: _Fields) -> Box:
    sides = row.each("", lambda side: side.integer(""))
    if len(sides) != 4:
        raise row.refused("a box")
    return (sides[0], sides[1], sides[2], sides[3])


class _Fields:
    """Part of an answer. Each reader takes the name of a field, or `""` for the part itself, and checks its type."""

    def __init__(self, value: object, where: str) -> None:
        self._value = value
        self._where = where

    def __contains__(self, name: str) -> bool:
        return isinstance(self._value, dict) and name in self._value

    @property
    def request_id(self) -> str:
        return self.text("request_id")

    def inner(self, name: str) -> _Fields:
        return _Fields(self._get(name), f"{name} of {self._where}")

    def each(self, name: str, read: Callable[[_Fields], Any]) -> tuple[Any, ...]:
        found = self._get(name)
        if not isinstance(found, list):
            raise self.refused(f"a list in {name}")
        return tuple(read(_Fields(item, f"{name} of {self._where}")) for item in found)

    def number(self, name: str) -> float:
        found = self._get(name)
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise self.refused(f"a number in {name}")
        return float(found)

    def integer(self, name: str) -> int:
        found = self._get(name)
        if isinstance(found, bool) or not isinstance(found, int):
            raise self.refused(f"a whole number in {name}")
        return found

    def flag(self, name: str) -> bool:
        found = self._get(name)
        if not isinstance(found, bool):
            raise self.refused(f"true or false in {name}")
        return found

    def text(self, name: str) -> str:
        found = self._get(name)
        if not isinstance(found, str):
            raise self.refused(f"a text in {name}")
        return found

    def base64(self, name: str) -> bytes:
        import binascii

        try:
            return binascii.a2b_base64(self.text(name), strict_mode=True)
        except (binascii.Error, ValueError):
            raise self.refused(f"Base64 in {name}") from None

    def refused(self, wanted: str) -> AnswerError:
        return AnswerError(f"{self._where} has not {wanted}: is this the service, and of this version?")

    def _get(self, name: str) -> object:
        if not name:
            return self._value
        if not isinstance(self._value, dict) or name not in self._value:
            raise self.refused(f"the field {name}")
        return self._value[name]
