"""Pictures that make clips, and the frames that come of them."""

from __future__ import annotations

import numpy as np
import pytest

from senseid_engine.errors import VideoError
from senseid_engine.video import Frame, decode_video

WIDTH, HEIGHT = 176, 144
QUICK = {"cpu-used": "8", "deadline": "realtime"}  # of libvpx


def scene(shift: int = 0, width: int = WIDTH, height: int = HEIGHT) -> np.ndarray:
    """A smooth picture in which every corner differs; it drifts with `shift`."""
    y, x = np.mgrid[0:height, 0:width]
    red, green = 255 * x / (width - 1), 255 * y / (height - 1)
    return np.stack([red, green, (255 - red + shift) % 256 / 2], axis=2).astype(np.uint8)


def frames(data: bytes, **options: float) -> list[Frame]:
    return list(decode_video(data, name="clip").frames(**options))


def refusal(data: bytes) -> str:
    with pytest.raises(VideoError) as caught:
        frames(data)
    return str(caught.value)
