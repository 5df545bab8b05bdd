"""Checks of hostile HEIC and AVIF photos that their decoders do not make: both are boxes of ISO 14496-12 and 23008-12.

Their header says one size and the picture inside may have another, which libavif decodes whole before it scales it: a
file of 2 KB took 4 s and 300 MB. A picture may also be put together from any number of others, the same one included.
docs/adr/0003-photo-decoder.md has what was measured.
"""

from __future__ import annotations

import struct
from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from senseid_engine.errors import ImageSizeError, ImageTypeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MAX_WORK: Final = 100_000_000
"""The most pixels that a photo may cost to decode: four times the largest photo, with padded tiles and transparency."""

# Far more than any photo has: of boxes, places, properties, parts and units. A file of 5 MB could hold millions, each a
# step in Python.
_MOST: Final = 20_000
_MOST_BYTES: Final = 1 << 24
_SEQUENCE_HEADER: Final = 1
_OUTER: Final = frozenset({b"meta", b"iprp"})
_OTHERS: Final = _OUTER | {b"moov", b"idat"}


def check_heif(data: bytes, *, longest: int, name: str) -> None:
    """Refuse a HEIC or AVIF photo whose pictures are larger than it says, or more than it needs.

    Args:
        data: the whole file.
        longest: the longest side of a picture, in pixels.
        name: of the photo in messages.

    Raises:
        ImageSizeError: a picture inside is too large, or said to be.
        ImageTypeError: it is an AVIF sequence, or put together from absurdly many pictures.
        ValueError, struct.error: its boxes are broken.
    """
    boxes = _found(data)
    items = _Items(idat=boxes[b"idat"].position if b"idat" in boxes else 0)
    for kind, read in _READ.items():
        if kind in boxes:
            read(boxes[kind], items)
    if b"moov" in boxes and items.av1:
        raise ImageTypeError(name, "is an animated AVIF, which is not read: save one of its pictures")
    for item in items.av1:
        for width, height in _av1_sizes(items.content(data, item)):
            if max(width, height) > longest:
                raise ImageSizeError(
                    name, f"holds a picture of {width} x {height} px, each side may have {longest} px: save it smaller"
                )
            items.pixels[item] = max(items.pixels[item], width * height)
    costs: dict[int, int] = {}
    for item in set(items.pixels) | set(items.parts):
        if items.pixels[item] > MAX_WORK:
            raise ImageSizeError(name, f"has far more pixels than {longest} x {longest}: save it smaller")
        if _cost(item, items, costs, ()) > MAX_WORK:
            raise ImageTypeError(name, "is put together from absurdly many pictures: save it as a plain JPEG")


@dataclass(slots=True)
class _Items:
    """The pictures of a file, by their ids.

    Attributes:
        sizes: the pixels that each property tells, 0 if it tells of something else.
        pixels: of each item, by the largest size that it is said to have.
        parts: the ids of those that a picture is put together from, as often as they are needed.
        av1: those that are AV1.
        places: where the bytes of each are: offset and length, the latter 0 for all that follow.
        in_idat: those whose offsets are in the box of small data.
        idat: where that box begins.
        read: how many bytes of pictures were looked at.
        listed: how many things were listed.
    """

    sizes: list[int] = field(default_factory=list)
    pixels: defaultdict[int, int] = field(default_factory=lambda: defaultdict(int))
    parts: defaultdict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    av1: set[int] = field(default_factory=set)
    places: defaultdict[int, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    in_idat: set[int] = field(default_factory=set)
    idat: int = 0
    read: int = 0
    listed: int = 0

    def content(self, data: bytes, item: int) -> bytes:
        """The bytes of a picture, in whose places any of the file's may stand again and again."""
        start = self.idat if item in self.in_idat else 0
        pieces = []
        for at, length in self.places[item]:
            pieces.append(data[start + at : start + at + length if length else None])
            self.read += len(pieces[-1])
            if self.read > _MOST_BYTES:
                raise ValueError("the pictures have more bytes than the file")
        return b"".join(pieces)

    def count(self, number: int) -> None:
        """Raise `ValueError` if the file lists absurdly much."""
        self.listed += number
        if self.listed > _MOST:
            raise ValueError("the file lists absurdly much")


class _Cursor:
    """Reads big-endian numbers one after another, and nothing beyond an end."""

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self.data, self.position, self.end = data, position, end

    def number(self, size: int) -> int:
        if self.position + size > self.end:
            raise ValueError("a box is cut off")
        self.position += size
        return int.from_bytes(self.data[self.position - size : self.position], "big")

    def version(self) -> tuple[int, int]:
        return self.number(1), self.number(3)


def _boxes(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, _Cursor]]:
    """The boxes between two positions: their types and contents."""
    count = 0
    while position + 8 <= end:
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        stop = end if size == 0 else position + size
        count += 1
        if (size and size < head) or stop > end or count > _MOST:
            raise ValueError("a box has an impossible size")
        yield kind, _Cursor(data, position + head, stop)
        position = stop


def _found(data: bytes) -> dict[bytes, _Cursor]:
    """The contents of the boxes that tell of pictures, and of tracks, as of a video."""
    found: dict[bytes, _Cursor] = {}
    pending = [_Cursor(data, 0, len(data))]
    while pending:
        outer = pending.pop()
        for kind, box in _boxes(data, outer.position, outer.end):
            if kind not in _READ and kind not in _OTHERS:
                continue
            # Which of two the decoder believes is not known.
            if kind in found:
                raise ValueError("a box is there twice")
            found[kind] = box
            if kind == b"meta":
                box.version()
            if kind in _OUTER:
                pending.append(box)
    return found


def _read_properties(box: _Cursor, items: _Items) -> None:
    items.sizes = [_size(kind, inner) for kind, inner in _boxes(box.data, box.position, box.end)]


def _size(kind: bytes, box: _Cursor) -> int:
    """The pixels of a property that tells a size; 0 for any other."""
    if kind != b"ispe":
        return 0
    box.version()
    return box.number(4) * box.number(4)


def _read_claims(box: _Cursor, items: _Items) -> None:
    version, flags = box.version()
    for _ in range(box.number(4)):
        item, count = box.number(4 if version else 2), box.number(1)
        items.count(1 + count)
        for _ in range(count):
            index = box.number(2) & 0x7FFF if flags & 1 else box.number(1) & 0x7F
            if 0 < index <= len(items.sizes):
                items.pixels[item] = max(items.pixels[item], items.sizes[index - 1])


def _read_references(box: _Cursor, items: _Items) -> None:
    version, _ = box.version()
    size = 4 if version else 2
    for kind, inner in _boxes(box.data, box.position, box.end):
        item = inner.number(size)
        count = inner.number(2)
        items.count(count)
        parts = [inner.number(size) for _ in range(count)]
        if kind == b"dimg":
            items.parts[item] += parts


def _read_places(box: _Cursor, items: _Items) -> None:
    version, _ = box.version()
    sizes = box.number(2)
    offset_size, length_size, base_size, index_size = (sizes >> shift & 15 for shift in (12, 8, 4, 0))
    for _ in range(box.number(4 if version == 2 else 2)):
        item = box.number(4 if version == 2 else 2)
        if version:
            method = box.number(2) & 15
            if method > 1:
                raise ValueError("a picture is inside another")
            if method:
                items.in_idat.add(item)
        box.number(2)
        base, count = box.number(base_size), box.number(2)
        items.count(1 + count)
        for _ in range(count):
            if version:
                box.number(index_size)
            items.places[item].append((base + box.number(offset_size), box.number(length_size)))


def _read_kinds(box: _Cursor, items: _Items) -> None:
    version, _ = box.version()
    box.number(4 if version else 2)
    for _, entry in _boxes(box.data, box.position, box.end):
        of_entry, _ = entry.version()
        if of_entry >= 2:
            item = entry.number(4 if of_entry == 3 else 2)
            entry.number(2)
            if entry.number(4) == int.from_bytes(b"av01", "big"):
                items.av1.add(item)


# The sizes come before the claims to them.
_READ: Final[dict[bytes, Callable[[_Cursor, _Items], None]]] = {
    b"ipco": _read_properties,
    b"ipma": _read_claims,
    b"iref": _read_references,
    b"iloc": _read_places,
    b"iinf": _read_kinds,
}


def _cost(item: int, items: _Items, costs: dict[int, int], above: tuple[int, ...]) -> int:
    """The pixels that are decoded for a picture, those it is put together from included."""
    if item not in costs:
        if item in above or len(above) > 8:
            raise ValueError("a picture is put together from itself")
        parts = sum(_cost(part, items, costs, (*above, item)) for part in items.parts[item])
        costs[item] = items.pixels[item] + parts
    return costs[item]


def _av1_sizes(content: bytes) -> Iterator[tuple[int, int]]:
    """Width and height of every sequence header of an AV1 picture: AV1 specification, 5.3 and 5.5.

    Raises:
        ValueError: it is cut off, or tells of a clock, as no photo does.
    """
    position = units = 0
    while position < len(content):
        units += 1
        if units > _MOST:
            raise ValueError("an AV1 picture has absurdly many units")
        head = content[position]
        position += 2 if head & 4 else 1
        size, shift = 0, 0
        if head & 2:
            while True:
                byte = content[position] if position < len(content) and shift < 56 else -1
                if byte < 0:
                    raise ValueError("an AV1 unit is cut off")
                position += 1
                size |= (byte & 0x7F) << shift
                shift += 7
                if not byte & 0x80:
                    break
        else:
            size = len(content) - position
        if head >> 3 & 15 == _SEQUENCE_HEADER:
            yield _sequence_size(content[position : position + size])
        position += size


def _sequence_size(header: bytes) -> tuple[int, int]:
    value, left = int.from_bytes(header, "big"), 8 * len(header)

    def bits(count: int) -> int:
        nonlocal left
        left -= count
        if left < 0:
            raise ValueError("an AV1 sequence header is cut off")
        return value >> left & (1 << count) - 1

    bits(4)
    if bits(1):
        bits(5)
    else:
        if bits(1):
            raise ValueError("an AV1 picture has a clock")
        delay = bits(1)
        for _ in range(bits(5) + 1):
            bits(12)
            if bits(5) > 7:
                bits(1)
            if delay and bits(1):
                bits(4)
    width_bits, height_bits = bits(4) + 1, bits(4) + 1
    return bits(width_bits) + 1, bits(height_bits) + 1
