"""Recognition of encrypted data by their content, never by a name."""

from __future__ import annotations

import re
from typing import Final

from senseid_crypto.container import MAGIC
from senseid_crypto.format import Format
from senseid_crypto.wire import BLANKS, SHORTEST

# No photo and no video consists of these characters alone: each has a zero byte or a byte above 127 near its start.
_WIRE: Final = re.compile(rb"[ \t\r\n]*[A-Za-z0-9+/]+={0,2}[ \t\r\n]*")


_START: Final = 4096
"""Bytes within which a wire text has begun, leading blanks included."""


def looks_encrypted(data: bytes) -> bool:
    """Whether data are in one of the formats, or start as if they were and are then damaged or have line breaks.

    Args:
        data: all of it.
    """
    start = data[:_START].lstrip(BLANKS)[:SHORTEST]
    return format_of(start) is not None or format_of(data) is not None


def format_of(data: bytes) -> Format | None:
    """The format that data are in, or None for anything that is not encrypted.

    Args:
        data: all of it or, to decide how much to read, its start. All characters decide whether
            it is wire text: other text is rarely Base64 throughout.
    """
    if data.startswith(MAGIC):
        return Format.CONTAINER
    if len(data) >= SHORTEST and _WIRE.fullmatch(data):
        return Format.WIRE
    return None
