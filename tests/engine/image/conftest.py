"""Fixtures and helpers of these tests."""

from __future__ import annotations

import io
import json
import struct
import subprocess
import sys
import zlib
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from senseid_engine.errors import (
    EngineError,
)
from senseid_engine.image import MAX_SIDE, MIN_SIDE, Image, decode_image

if TYPE_CHECKING:
    from pathlib import Path

GIB = 1024**3


WIDTH, HEIGHT = 48, 40


def scene(width: int = WIDTH, height: int = HEIGHT) -> Pillow.Image:
    """A smooth colour picture in which every corner differs, so that any turn or flip shows."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    return Pillow.fromarray(np.stack([red, green, 255 - red / 2], axis=2).astype(np.uint8))


def encode(picture: Pillow.Image, kind: str, **options: object) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **options)
    return file.getvalue()


def decode(data: bytes) -> Image:
    return decode_image(data, name="photo")


def distance(image: Image, picture: Pillow.Image) -> float:
    """The mean absolute difference of the samples, 0..255."""
    expected = np.asarray(picture.convert("RGB"), dtype=np.int16)
    assert image.pixels.shape == expected.shape
    return float(np.abs(image.pixels.astype(np.int16) - expected).mean())


def png(width: int, height: int, colour_type: int, bits: int, rows: bytes, *, before: bytes = b"") -> bytes:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, bits, colour_type, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + before + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def zeros(rows: int, length: int) -> bytes:
    packer = zlib.compressobj(9)
    return b"".join([packer.compress(bytes(length)) for _ in range(rows)] + [packer.flush()])


MEASURE = """
import json, re, sys, time
from pathlib import Path  # noqa: TC003  Typer reads the annotations
from senseid_engine.errors import EngineError
from senseid_engine.image import decode_image, read_photo

def peak():  # of this process alone: ru_maxrss starts with the parent's
    return int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024

before, records = peak(), []
for path in map(Path, sys.argv[1:]):
    start = time.perf_counter()
    try:
        image = decode_image(read_photo(path), name=path.name)
        outcome, orientation = "Image", image.orientation
    except EngineError as error:
        outcome, orientation = type(error).__name__, 0
    records.append([str(path), outcome, orientation, time.perf_counter() - start])
print(json.dumps({"before": before, "peak": peak(), "records": records}))
"""


def measure(*paths: Path) -> tuple[dict[str, tuple[str, int, float]], int, int]:
    """Decode in a process of its own, where any warning is an error.

    Returns:
        Path -> class name of the outcome, orientation, seconds; the peak of memory before and after, in bytes.
    """
    command = [sys.executable, "-W", "error", "-c", MEASURE, *map(str, paths)]
    done = subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    answer = json.loads(done.stdout)
    records = {path: (outcome, orientation, seconds) for path, outcome, orientation, seconds in answer["records"]}
    return records, answer["before"], answer["peak"]


def gif(screen: tuple[int, int], frame: tuple[int, int], disposal: int = 0) -> bytes:
    control = b"!\xf9\x04" + bytes([disposal << 2]) + b"\0\0\0\0"
    picture = b"," + struct.pack("<HHHH", 0, 0, *frame) + b"\0" + b"\x02\x02\x4c\x01\0"
    return b"GIF89a" + struct.pack("<HH", *screen) + b"\0\0\0" + control + picture + b";"


ENCODINGS: dict[str, tuple[str, str, dict[str, object]]] = {
    "baseline": ("RGB", "JPEG", {}),
    "progressive": ("RGB", "JPEG", {"progressive": True}),
    "png": ("RGB", "PNG", {}),
    "gif": ("P", "GIF", {}),
    "bmp": ("RGB", "BMP", {}),
    "raw tiff": ("RGB", "TIFF", {}),
    "lzw tiff": ("RGB", "TIFF", {"compression": "tiff_lzw"}),
    "deflate tiff": ("RGB", "TIFF", {"compression": "tiff_deflate"}),
}


def outcome(data: bytes) -> None:
    """Decode, and hold what must hold whatever the bytes are. Any error but the engine's goes through."""
    try:
        image = decode(data)
    except EngineError as error:
        message = str(error)
    else:
        message = "photo"
        assert MIN_SIDE <= min(image.pixels.shape[:2]) <= max(image.pixels.shape[:2]) <= MAX_SIDE
    assert message.startswith("photo")
    assert message.isprintable()
