"""The client: one method per endpoint."""

from __future__ import annotations

import http.client
import json
import os
import ssl
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from senseid_client.errors import AnswerError, BusyError, ServiceError, UnreachableError
from senseid_client.fields import Fields
from senseid_client.results import Comparison, FaceQuality, Liveness, Occlusion, OmniComparison, Pose, Quality
from senseid_crypto.wire import encrypt_bytes

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from senseid_client.results import Box
    from senseid_crypto.key import Key

Media = bytes | str | Path
"""The bytes of a photo or video, or the path of its file."""


_OK = 1000
_BUSY = {429, 503}
_LONGEST_ANSWER = 64 << 20


@dataclass(frozen=True, slots=True)
class Client:
    """A client of one service, with the key to encrypt for it and a timeout.

    Attributes:
        url: `http://...` or `https://...`, with an optional path prefix of the endpoints.
        key: with the IV of the wire format; the service's PARAM_DECRYPT_KEY and PARAM_DECRYPT_IV.
        timeout: seconds to wait for a connection, and for each part of an answer.
        api_key: what the service expects in X-API-Key, if anything.
        tls: trusted certificates, and a client certificate; the system's defaults if None.
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
        try:
            parts.port, parts.path.encode("ascii"), parts.hostname.encode("idna")
        except ValueError as error:
            raise ValueError(f"{self.url!r} is not the address of a service: {error}") from None
        # The standard library would show the key in its error.
        if self.api_key is not None and not (self.api_key.isascii() and self.api_key.isprintable()):
            raise ValueError("api_key holds a character that no API key has: is a line break at its end?")

    def compare(
        self, first: Media | Sequence[Media], second: Media, *, auto_rotate: bool = False, check_quality: bool = False
    ) -> Comparison:
        """Compare the largest face of each of two photos.

        Args:
            first: a photo; or a list of up to 10 of one person, for one score.
            second: a photo.
            auto_rotate: turn a sideways photo by looking for its faces.
            check_quality: refuse a face with a covered eye, nose or mouth (code 4004).

        Raises:
            ClientError: the call failed.
        """
        answer = self._post(
            "/identity/image_verification/stateless",
            {
                **self._photos("first_encrypted_image", first),
                "second_encrypted_image": self._sealed(second),
                "auto_rotate": auto_rotate,
                "check_quality": check_quality,
            },
        )
        return Comparison(answer.number("verification_score"), answer.request_id)

    def omni(self, first: Media, second: Media, *, auto_rotate: bool = False) -> OmniComparison:
        """Compare every face of a photo with every face of another.

        Raises:
            ClientError: the call failed.
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
            ClientError: the call failed.
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
            ClientError: the call failed.
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
        photo: Media | Sequence[Media],
        *,
        auto_rotate: bool = False,
        check_quality: bool = False,
        return_status: bool = True,
        return_image: bool = False,
        return_face_image: bool = False,
    ) -> Liveness:
        """Check whether a video shows a live person, and whether it is the one of a photo, or of a list of photos.

        Raises:
            ClientError: the call failed.
        """
        return _liveness(
            self._post(
                "/identity/silent_image_verification/stateless",
                {
                    "encrypted_video": self._sealed(video),
                    **self._photos("encrypted_image", photo),
                    "auto_rotate": auto_rotate,
                    "check_quality": check_quality,
                    "return_status": return_status,
                    "return_image": return_image,
                    "return_face_image": return_face_image,
                },
            )
        )

    def verify_liveness_data(
        self,
        liveness_file: Media,
        photo: Media | Sequence[Media],
        *,
        auto_rotate: bool = False,
        check_quality: bool = False,
    ) -> Comparison:
        """Compare the face of liveness data, which are encrypted already, with a photo, or a list of photos of one.

        Raises:
            ClientError: the call failed.
        """
        answer = self._post(
            "/identity/liveness_image_verification/stateless",
            {
                **self._photos("encrypted_image", photo),
                "auto_rotate": auto_rotate,
                "check_quality": check_quality,
            },
            {"liveness_file": _read(liveness_file)},
        )
        return Comparison(answer.number("verification_score"), answer.request_id)

    def health(self) -> None:
        """Return if the service reports that it works.

        Raises:
            ClientError: the call failed.
        """
        self._answer("GET", "/healthcheck", b"", {})

    def _photos(self, name: str, photos: Media | Sequence[Media]) -> dict[str, bytes]:
        if not photos and not isinstance(photos, Media):
            raise ValueError("the list of photos is empty: give up to 10 photos of one person")
        first, *further = [photos] if isinstance(photos, Media) else photos
        fields = {name: self._sealed(first)}
        return {**fields, "further_encrypted_images": b",".join(map(self._sealed, further))} if further else fields

    def _sealed(self, media: Media) -> bytes:
        return encrypt_bytes(_read(media), self.key)

    def _post(self, path: str, values: Mapping[str, bytes | bool], files: Mapping[str, bytes] | None = None) -> Fields:
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

    def _answer(self, method: str, path: str, body: bytes, headers: dict[str, str]) -> Fields:
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
            # It may refuse a long body early and stop reading; its answer says why.
            with suppress(BrokenPipeError, ConnectionResetError):
                connection.request(method, parts.path.rstrip("/") + path, body or None, headers)
            with connection.getresponse() as response:
                data, status = response.read(_LONGEST_ANSWER), response.status
                retry_after = response.getheader("Retry-After")
                if response.length and len(data) < _LONGEST_ANSWER:
                    raise http.client.IncompleteRead(data, response.length)
        except (OSError, http.client.HTTPException) as error:
            raise UnreachableError(f"no answer from {self.url} ({type(error).__name__}: {error})") from error
        finally:
            connection.close()
        return _check(data, status, retry_after)


def _check(data: bytes, status: int, retry_after: str | None) -> Fields:
    """Return the fields of a result, or raise the error of the service."""
    try:
        parsed = json.loads(data)
    except (ValueError, RecursionError):
        raise AnswerError(f"HTTP {status}, and no JSON: is this the service?") from None
    body = Fields(parsed, "the body")
    code = body.integer("code")
    if status == http.client.OK and code == _OK:
        return body
    refused = ServiceError(code, body.text("message"), body.request_id, status)
    if status in _BUSY:
        raise BusyError(refused, float(retry_after) if retry_after and retry_after.isdecimal() else None)
    raise refused


def _read(media: Media) -> bytes:
    return Path(media).read_bytes() if isinstance(media, str | Path) else media


def _liveness(answer: Fields) -> Liveness:
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


def _face_quality(face: Fields) -> FaceQuality:
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


def _box_of_list(row: Fields) -> Box:
    sides = row.each("", lambda side: side.integer(""))
    if len(sides) != 4:
        raise row.refused("a box")
    return (sides[0], sides[1], sides[2], sides[3])
