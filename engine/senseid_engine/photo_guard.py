"""Checks of hostile photos that Pillow does not make: seconds or gigabytes out of a small file.

Each limit stands against a file that was built and measured; docs/adr/0003-photo-decoder.md has the table.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final, Literal

from senseid_engine.errors import ImageTypeError

MAX_SCANS: Final = 64
"""The most scans of a JPEG. Encoders write about ten; each costs the decoder one pass over the whole picture."""

MAX_PIECES: Final = 100_000
"""The most strips or tiles of a TIFF page: 5000 x 5000 px in tiles of 16 x 16 fit."""

MAX_TILE_SIDE: Final = 5008
"""The longest side of a TIFF tile, in pixels: the longest photo in a single tile, whose side is a multiple of 16."""

# Markers that carry a length. 00 is an escaped FF, FF a filler; 01 and the restarts D0..D7 stand alone; a second
# start of image (D8) is for the decoder to refuse.
_MARKER: Final = re.compile(rb"\xff[^\x00\x01\xd0-\xd8\xff]")
_END_OF_IMAGE: Final = 0xD9
_END: Final = bytes([0xFF, _END_OF_IMAGE])
_START_OF_SCAN: Final = 0xDA
_SCAN: Final = bytes([0xFF, _START_OF_SCAN])
# All that start a frame: C4, C8 and CC, which stand among them, are something else.
_START_OF_FRAME: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_APP1: Final = 0xE1
# Comments and application segments, but JFIF (E0), ICC (E2) and Adobe (EE), which say what the colours mean.
_METADATA: Final = frozenset({0xE1, *range(0xE3, 0xEE), 0xEF, 0xFE})
_EXIF: Final = b"Exif\0\0"

_COEFFICIENTS: Final = (1 << 64) - 1
# Bits that no decoder needs where all pixels are there: its own for what is missing are zeros, these begin with a one.
_OTHER_BITS: Final = bytes(range(0x80, 0xC0))
_RESTART: Final = re.compile(rb"\xff[\xd0-\xd7]")

_TILE_SIDES: Final = frozenset({322, 323})
_PIECE_OFFSETS: Final = frozenset({273, 324})
_INTEGER_BYTES: Final = {1: 1, 3: 2, 4: 4}  # BYTE, SHORT, LONG; anything else fills its field


@dataclass(frozen=True, slots=True)
class SlimJpeg:
    """A JPEG without what does not change its pixels.

    Attributes:
        data: The file, its metadata (but JFIF, Adobe and ICC) and whatever follows the end of the image left out. Where
            the file lacks its end marker, and may lack nothing else, the marker is added.
        exif: The first Exif block, with its ``Exif`` header; empty where there is none.
        probe: Where the end marker was added: the same with other bits behind the pixels. It decodes to the same pixels
            only if none of them is missing, because otherwise the decoder makes up the rest from what follows. Empty
            where nothing was added.
    """

    data: bytes
    exif: bytes
    probe: bytes


def slim_jpeg(data: bytes, *, name: str) -> SlimJpeg:
    """Leave out metadata and trailing data, count the scans, and add an end marker that is missing.

    Pillow joins Exif blocks at quadratic cost, refuses a good photo for some broken ones, goes through any number of
    scans, and does not tell a photo without an end marker from one that is cut off.

    Raises:
        ImageTypeError: More than `MAX_SCANS` scans.
    """
    kept = [data[:2]]
    exif = b""
    scans = pixels = 0
    ended = False
    missing: dict[int, int] = {}
    position = 2
    while marker := _MARKER.search(data, position):
        here, code = marker.start(), data[marker.start() + 1]
        if code == _END_OF_IMAGE:
            data, ended = data[: here + 2], True
            break
        length = int.from_bytes(data[here + 2 : here + 4], "big")
        position = here + 2 + max(length, 2)
        segment = data[here + 4 : position]
        if code == _START_OF_SCAN:
            pixels = pixels or here
            scans += 1
            if scans > MAX_SCANS:
                raise ImageTypeError(name, f"has more than {MAX_SCANS} scans: save it again as a plain JPEG")
            _note_scan(missing, segment)
        elif code == _APP1 and not exif and data.startswith(_EXIF, here + 4):
            exif = segment
        elif not pixels and code not in _METADATA:
            kept.append(data[here:position])
            if code in _START_OF_FRAME:
                missing = dict.fromkeys(segment[6::3], _COEFFICIENTS)
    if not pixels:
        return SlimJpeg(b"".join(kept), exif, b"")
    # Half of the end marker may be there.
    kept.append(data[pixels:] if ended else data[pixels:].rstrip(b"\xff"))
    slim = b"".join(kept)
    if ended or any(missing.values()):
        return SlimJpeg(slim, exif, b"")
    # A decoder that waits for a restart skips what is before it: the bits stand behind the next one, too.
    restarts = _RESTART.findall(slim, slim.rindex(_SCAN))
    restart = bytes([0xFF, 0xD0 + (restarts[-1][1] + 1) % 8 if restarts else 0xD0])
    return SlimJpeg(slim + _END, exif, slim + _OTHER_BITS + restart + _OTHER_BITS + _END)


def _note_scan(missing: dict[int, int], header: bytes) -> None:
    """Take from the coefficients that are missing of each component, a bit each, those that a scan makes exact."""
    count = header[0] if header else 0
    first, last, bits = header[1 + 2 * count :][:3].ljust(3, b"\xff")
    if bits & 0x0F == 0:  # none of the low bits is left for a later scan
        for component in header[1 : 1 + 2 * count : 2]:
            missing[component] = missing.get(component, 0) & ~((2 << last) - (1 << first))


def check_tiff(data: bytes, *, name: str) -> None:
    """Look through the first directory for absurd tiles and strips, before anything is allocated for them.

    Every entry counts, so that a repeated tag cannot show one value to this check and another to the decoder.

    Raises:
        ImageTypeError: More than `MAX_PIECES` strips or tiles, or a tile over `MAX_TILE_SIDE`.
        struct.error: The directory is not inside the file.
    """
    order = "<" if data.startswith(b"I") else ">"
    if data[2:4] in {b"+\0", b"\0+"}:  # BigTIFF
        (offset,) = struct.unpack_from(f"{order}Q", data, 8)
        head, entry = struct.Struct(f"{order}Q"), struct.Struct(f"{order}HHQ8s")
    else:
        (offset,) = struct.unpack_from(f"{order}I", data, 4)
        head, entry = struct.Struct(f"{order}H"), struct.Struct(f"{order}HHI4s")
    if offset > len(data):
        raise struct.error("the directory is behind the end of the file")
    (entries,) = head.unpack_from(data, offset)
    begin = offset + head.size
    directory = data[begin : begin + entries * entry.size]
    whole = len(directory) - len(directory) % entry.size
    byte_order: Literal["little", "big"] = "little" if order == "<" else "big"
    for tag, kind, count, value in entry.iter_unpack(directory[:whole]):
        side = int.from_bytes(value[: _INTEGER_BYTES.get(kind)], byte_order)
        if (tag in _PIECE_OFFSETS and count > MAX_PIECES) or (tag in _TILE_SIDES and side > MAX_TILE_SIDE):
            raise ImageTypeError(name, "has absurd strips or tiles: save it again as a plain TIFF")
