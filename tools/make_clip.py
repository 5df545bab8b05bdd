"""Makes a clip that is an attack: a photo of a face that is filmed and does not move. For the README and the tests.

python tools/make_clip.py PHOTO CLIP.mp4 [--seconds S]
"""

from __future__ import annotations

import argparse
import io
import sys
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    import numpy.typing as npt

    Pixels = npt.NDArray[np.uint8]

MILLISECONDS = Fraction(1, 1000)
SIZE = (640, 480)


def encode_clip(
    pictures: Iterable[Pixels],
    times: Sequence[int],
    *,
    container: str = "mp4",
    codec: str = "mpeg4",
    time_base: Fraction = MILLISECONDS,
    bit_rate: int = 4_000_000,
    pixel_format: str = "yuv420p",
    options: dict[str, str] | None = None,
) -> bytes:
    """Encode pictures as a video.

    Args:
        pictures: uint8 (height, width, 3), RGB, all of one shape with even sides.
        times: when each is shown, in units of `time_base`, rising.
        container: name of FFmpeg's muxer.
        codec: name of FFmpeg's encoder.
        time_base: seconds in a unit of `times`.
        bit_rate: bits a second to aim at.
        pixel_format: how the codec stores pixels.
        options: of the encoder.
    """
    import av

    file = io.BytesIO()
    with av.open(file, "w", format=container) as output:
        stream = None
        for picture, time in zip(pictures, times, strict=True):
            if stream is None:
                gap = (times[1] - times[0]) * time_base if len(times) > 1 else time_base
                stream = output.add_stream(codec, rate=Fraction(1) / gap, options=options or {})
                stream.height, stream.width = picture.shape[:2]
                stream.pix_fmt = pixel_format
                stream.bit_rate = bit_rate
                stream.codec_context.time_base = time_base
            frame = av.VideoFrame.from_ndarray(np.ascontiguousarray(picture), format="rgb24")
            frame.pts, frame.time_base = time, time_base
            output.mux(stream.encode(frame))
        if stream is not None:
            output.mux(stream.encode())
    return file.getvalue()


def still_clip(photo: Path, *, seconds: float = 3.0, a_second: int = 25) -> bytes:
    """A photo, shown for that long: MP4, 640 x 480."""
    from PIL import Image, ImageOps

    with Image.open(photo) as opened:
        fitted = np.asarray(ImageOps.pad(opened.convert("RGB"), SIZE, color="white"), np.uint8)
    count = round(seconds * a_second)
    return encode_clip([fitted] * count, range(count), time_base=Fraction(1, a_second))


def main() -> int:
    """Make the clip."""
    parser = argparse.ArgumentParser(description="Make a clip of a photo that does not move.")
    parser.add_argument("photo", type=Path)
    parser.add_argument("clip", type=Path)
    parser.add_argument("--seconds", type=float, default=3.0)
    words = parser.parse_args()
    words.clip.write_bytes(still_clip(words.photo, seconds=words.seconds))
    return 0


if __name__ == "__main__":
    sys.exit(main())
