"""Photos and videos that can be decoded, by trying them."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from senseid_cli.doctor.finding import Finding, note, ok, problem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from senseid_engine.image import Image

_PHOTOS = ("JPEG", "PNG", "BMP", "GIF", "TIFF")
_PHONE_PHOTOS = ("WEBP", "AVIF")  # HEIC is an extra, which the check of packages tells of
# Containers of the manual, and of browsers; FFmpeg's names. Codecs are those that cameras, phones and browsers
# write into them.
_CONTAINERS = ("mp4", "mov", "avi", "flv", "asf", "rm", "matroska")
_CODECS = ("h264", "hevc", "mpeg4", "mjpeg", "vp8", "vp9", "av1", "flv", "wmv2", "wmv3", "rv40")


def check_photos(decode: Callable[[bytes], Image]) -> Finding:
    """Make a small photo of every format and decode it as a command would.

    Args:
        decode: the engine's decoder.
    """
    from PIL import Image as Pillow

    from senseid_engine.errors import EngineError

    broken = []
    for kind in (*_PHOTOS, *_PHONE_PHOTOS):
        buffer = io.BytesIO()
        try:
            Pillow.new("RGB", (32, 32), (90, 120, 150)).save(buffer, kind)
            decode(buffer.getvalue())
        except (EngineError, OSError, KeyError):  # Pillow was built without the library for this format
            broken.append(kind)
    if broken:
        finding = problem if set(broken) & set(_PHOTOS) else note
        return finding("photos", f"{', '.join(broken)} cannot be decoded", "install pillow again from a wheel")
    return ok("photos", f"{', '.join((*_PHOTOS, *_PHONE_PHOTOS))} are decoded")


def check_videos() -> Finding:
    """Check that FFmpeg's libraries, which the package `av` contains, read the usual containers and codecs."""
    try:
        import av
        import av.codec
    except ImportError:
        return note("videos", "no decoder: liveness and verify do not work", "install senseid again with pip")
    return check_decoders(av.formats_available, av.codecs_available)


def check_decoders(containers: Iterable[str], codecs: Iterable[str]) -> Finding:
    """Check the formats and codecs of a build of FFmpeg.

    Args:
        containers: names of formats; those of one reader may be joined by commas.
        codecs: names of codecs.
    """
    read = {name for group in containers for name in group.split(",")}
    missing = [name for name in _CONTAINERS if name not in read]
    missing += [name for name in _CODECS if name not in set(codecs)]
    if missing:
        return note("videos", f"{', '.join(missing)} cannot be read", "install av again from a wheel")
    return ok("videos", f"{', '.join((*_CONTAINERS, *_CODECS))} are read")
