"""Shared by all pictures that senseid draws: colours, the font, shortened names."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from PIL import ImageDraw

WHITE = (255, 255, 255)
INK = (30, 34, 40)
FAINT = (110, 118, 130)
GOOD = (20, 128, 62)
OTHER = (38, 98, 190)
BAD = (190, 40, 32)

Colour = tuple[int, int, int]


def font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    """The one font, at a size in pixels."""
    return ImageFont.load_default(size)


def shorten(draw: ImageDraw.ImageDraw, head: str, name: str, tail: str, width: int, size: int) -> str:
    """Cut the beginning of a name that is too long: the end tells files apart."""
    face = font(size)
    if draw.textlength(f"{head}{name}{tail}", face) <= width:
        return f"{head}{name}{tail}"
    while name and draw.textlength(f"{head}...{name}{tail}", face) > width:
        name = name[1:]
    return f"{head}...{name}{tail}"
