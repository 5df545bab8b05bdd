"""Shared by all pictures that senseid draws: colours, the font, shortened names, boxes around faces."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import ImageFont

if TYPE_CHECKING:
    from PIL import ImageDraw

    from senseid_engine.results import Rect

WHITE = (255, 255, 255)
INK = (30, 34, 40)
FAINT = (110, 118, 130)
GOOD = (20, 128, 62)
OTHER = (38, 98, 190)
BAD = (190, 40, 32)
LINE = (225, 228, 232)

Colour = tuple[int, int, int]
Box = tuple[int, int, int, int]


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


def place_box(rect: Rect, scale: float, left: int, top: int) -> Box:
    """A rectangle of a photo, whose far sides are exclusive, in the pixels of a picture, where they are inclusive.

    Args:
        rect: in pixels of the photo.
        scale: from its pixels to those of the picture.
        left: of the photo in the picture.
        top: likewise.
    """
    return (
        left + round(rect.left * scale),
        top + round(rect.top * scale),
        left + max(round(rect.right * scale) - 1, round(rect.left * scale)),
        top + max(round(rect.bottom * scale) - 1, round(rect.top * scale)),
    )


def draw_box(draw: ImageDraw.ImageDraw, box: Box, colour: Colour) -> None:
    """Draw a box between two white lines, which is seen before any background."""
    draw.rectangle([box[0] - 2, box[1] - 2, box[2] + 2, box[3] + 2], outline=WHITE, width=5)
    draw.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=colour, width=3)


def draw_tag(draw: ImageDraw.ImageDraw, text: str, box: Box, top: int, colour: Colour) -> None:
    """Draw a filled label above a box, about as wide as the box allows, or inside it where it would lie above `top`."""
    size = max(11, min(20, 3 * (box[2] - box[0]) // (2 * len(text))))
    width, height = round(draw.textlength(text, font(size))) + 8, size + 4
    y = box[1] - height if box[1] - height >= top else box[1]
    draw.rectangle([box[0] - 2, y, box[0] - 2 + width, y + height], fill=colour)
    draw.text((box[0] - 2 + width // 2, y + height // 2), text, WHITE, font(size), anchor="mm")


def wrap(draw: ImageDraw.ImageDraw, text: str, width: int, size: int, *, hang: str = "  ") -> list[str]:
    """Split a text into lines that fit; all but the first begin with `hang`."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and draw.textlength(longer, font(size)) > width:
            lines.append(line)
            longer = f"{hang}{word}"
        line = longer
    return [*lines, line]
