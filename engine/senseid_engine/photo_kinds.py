"""Names of formats beyond the five of the manual, by content: a refusal says what a file is, not what it is not."""

from __future__ import annotations

import re
from typing import Final

_SIGNATURES: Final[tuple[tuple[re.Pattern[bytes], str], ...]] = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"....ftypavi[fs]", "an AVIF photo"),
        (rb"....ftyp(hei[cmsx]|hev[cmsx]|mif[12]|msf1)", "a HEIC photo"),
        (rb"....ftyp", "a video (MP4 or MOV)"),
        (rb"RIFF....WEBP", "a WebP photo"),
        (rb"RIFF....AVI ", "a video (AVI)"),
        (rb"\x1a\x45\xdf\xa3", "a video (WebM or MKV)"),
        (rb"\x00\x00\x01[\xb3\xba]", "a video (MPEG)"),
        (rb"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a video (WMV)"),
        (rb"FLV\x01", "a video (FLV)"),
        (rb"\xff\x0a|\x00\x00\x00\x0cJXL \r\n\x87\n", "a JPEG XL photo"),
        (rb"\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  \r\n\x87\n", "a JPEG 2000 photo"),
        (rb"II\xbc\x01", "a JPEG XR photo"),
        (rb"8BPS", "a Photoshop document"),
        (rb"%PDF-", "a PDF document"),
    )
)
# The brands of an ISO file: the main one, a version, and those that it can be read as besides.
_AVIF_BESIDES: Final = re.compile(rb"....ftyp(?:mif1|msf1).{4}(?:.{4}){0,16}?avi[fs]", re.DOTALL)

_SEGMENT: Final = re.compile(rb"\xff+([^\x00\xff])")
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
_NO_FRAME: Final = frozenset({0xC4, 0xC8, 0xCC})
_JPEG_LS: Final = 0xF7
_FRAMES: Final = {
    **dict.fromkeys((0xC3, 0xC7, 0xCB, 0xCF), "a lossless JPEG"),
    **dict.fromkeys((0xC5, 0xC6, 0xCD, 0xCE), "a hierarchical JPEG"),
    _JPEG_LS: "a JPEG-LS photo",
}
_START_OF_SCAN: Final = 0xDA


def unread_kind(data: bytes) -> str | None:
    """The type of a file that does not decode, with its article, such as ``a HEIC photo``; None if unknown.

    Args:
        data: The whole file, decrypted.
    """
    if data.startswith(b"\xff\xd8\xff"):
        return _kind_of_jpeg(data)
    if _AVIF_BESIDES.match(data):
        return "an AVIF photo"
    return next((kind for signature, kind in _SIGNATURES if signature.match(data)), None)


def is_video(data: bytes) -> bool:
    """Whether a file that does not decode as a photo is a video, as far as its first bytes tell."""
    return (unread_kind(data) or "").startswith("a video")


def _kind_of_jpeg(data: bytes) -> str | None:
    """The type of a JPEG by its frame header, which precedes the first scan."""
    position = 2
    while marker := _SEGMENT.match(data, position):
        code = marker[1][0]
        position = marker.end()
        if code in _ALONE:
            continue
        if code in _FRAMES:
            return _FRAMES[code]
        if 0xC0 <= code <= 0xCF and code not in _NO_FRAME:
            bits = data[position + 2 : position + 3]
            return f"a {bits[0]}-bit JPEG" if bits and bits[0] != 8 else None
        if code == _START_OF_SCAN:
            return None
        position += max(2, int.from_bytes(data[position : position + 2], "big"))
    return None
