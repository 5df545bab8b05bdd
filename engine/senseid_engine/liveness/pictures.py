"""The selected frame and its face as files."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Final, Literal

import numpy as np
from PIL import Image as Pillow

if TYPE_CHECKING:
    from senseid_engine.arrays import Pixels
    from senseid_engine.liveness.results import SelectedFrame

JPEG_QUALITY: Final = 95
"""Of 100: a comparison with the decoded frame gives the same score, within a thousandth."""

MARGIN: Final = 0.15
"""How much of the face's width and height is added to the crop on each side: enough that a face is found in it again,
and little enough that the crop of a face near the camera is not the whole frame."""


def encode_frame(frame: SelectedFrame, kind: Literal["JPEG", "PNG"]) -> bytes:
    """The whole frame."""
    return encode(frame.image.pixels, kind)


def encode_face(frame: SelectedFrame, kind: Literal["JPEG", "PNG"]) -> bytes:
    """The face with `MARGIN` around it, as far as the frame goes."""
    rect, image = frame.face.rect, frame.image
    across, down = round(MARGIN * (rect.right - rect.left)), round(MARGIN * (rect.bottom - rect.top))
    top, bottom = max(rect.top - down, 0), min(rect.bottom + down, image.height)
    left, right = max(rect.left - across, 0), min(rect.right + across, image.width)
    return encode(np.ascontiguousarray(image.pixels[top:bottom, left:right]), kind)


def encode(pixels: Pixels, kind: Literal["JPEG", "PNG"]) -> bytes:
    """A picture's file.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        kind: PNG is without loss; JPEG keeps the full resolution of the colours.
    """
    file = io.BytesIO()
    if kind == "JPEG":
        Pillow.fromarray(pixels).save(file, kind, quality=JPEG_QUALITY, subsampling=0)
    else:
        Pillow.fromarray(pixels).save(file, kind)
    return file.getvalue()
