"""The picture of `senseid omni --draw`: both photos with numbered faces, and below them the matrix of scores."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import ImageDraw

from senseid_cli.output.comparison import score_text
from senseid_cli.output.drawing.palette import FAINT, GOOD, INK, OTHER, WHITE, Colour, font, shorten
from senseid_engine.errors import printable
from senseid_engine.image import rotate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.image import Image
    from senseid_engine.results import FoundFaces, OmniComparison, Rect

# Pixels. For any photos and any number of faces, the picture stays within about 2000 x 2300.
MARGIN = 24
TITLE = 34
PANEL = (960, 800)
MATRIX_HEIGHT = 1200
LARGEST_CELL = 80
# Beside and above the faces at the head of the matrix, for their numbers.
LABEL = (40, 22)
# Cells smaller than these hold two decimals, no number, no picture and no label.
CELL_FOR_FOUR_DECIMALS = 60
CELL_FOR_TWO_DECIMALS = 30
CELL_FOR_HEAD = 14


@dataclass(frozen=True, slots=True)
class _Side:
    """One photo, ready to be drawn.

    Attributes:
        letter: `A` or `B`.
        photo: the upright photo.
        scale: from its pixels to those of the picture.
        found: its faces.
        matched: for each face, whether it matches any of the other photo.
    """

    letter: str
    photo: Pillow.Image
    scale: float
    found: FoundFaces
    matched: tuple[bool, ...]

    @property
    def size(self) -> tuple[int, int]:
        return max(1, round(self.photo.width * self.scale)), max(1, round(self.photo.height * self.scale))


def draw_omni(first: Image, second: Image, result: OmniComparison, threshold: float) -> bytes:
    """Draw a comparison of all faces of two photos.

    Args:
        first: the photo as it was given to the engine.
        second: likewise.
        result: the engine's result for them.
        threshold: the lowest score of a match.

    Returns:
        A PNG. Equal inputs give equal bytes.
    """
    matches = [[score >= threshold for score in row] for row in result.scores]
    sides = (
        _side("A", first, result.first, [any(row) for row in matches]),
        _side("B", second, result.second, [any(column) for column in zip(*matches, strict=True)]),
    )
    width = max(640, sum(side.size[0] for side in sides) + 3 * MARGIN)
    rows, columns = len(matches), len(matches[0])
    # One row and one column more, for the faces themselves.
    room = (width - 2 * MARGIN - LABEL[0], MATRIX_HEIGHT - LABEL[1])
    cell = max(1, min(LARGEST_CELL, room[0] // (columns + 1), room[1] // (rows + 1)))
    panels = max(side.size[1] for side in sides)
    matrix_top = MARGIN + TITLE + panels + MARGIN + TITLE
    width = max(width, LABEL[0] + (columns + 1) * cell + 2 * MARGIN)
    canvas = Pillow.new("RGB", (width, matrix_top + LABEL[1] + (rows + 1) * cell + MARGIN), WHITE)
    left = MARGIN
    for side in sides:
        _draw_photo(canvas, side, left, MARGIN)
        left += side.size[0] + MARGIN
    _draw_legend(canvas, (MARGIN, matrix_top - TITLE), threshold)
    _draw_matrix(canvas, sides, result.scores, matches, cell, (MARGIN, matrix_top))
    png = io.BytesIO()
    canvas.save(png, "PNG")
    return png.getvalue()


def _side(letter: str, image: Image, found: FoundFaces, matched: Sequence[bool]) -> _Side:
    photo = Pillow.fromarray(rotate(image, found.quarter_turns).pixels)
    scale = min(PANEL[0] / photo.width, PANEL[1] / photo.height)
    # A small photo is enlarged, but not until it blurs.
    return _Side(letter, photo, min(scale, max(1.0, 480 / max(photo.size))), found, tuple(matched))


def _draw_photo(canvas: Pillow.Image, side: _Side, left: int, top: int) -> None:
    draw = ImageDraw.Draw(canvas)
    count = "1 face" if len(side.found.rects) == 1 else f"{len(side.found.rects)} faces"
    title = shorten(draw, f"{side.letter}   ", printable(side.found.name), f"   {count}", side.size[0], 18)
    draw.text((left, top), title, INK, font(18))
    top += TITLE
    canvas.paste(side.photo.resize(side.size, Pillow.Resampling.LANCZOS), (left, top))
    boxes = [_box(rect, side.scale, left, top) for rect in side.found.rects]
    for box, matched in zip(boxes, side.matched, strict=True):
        draw.rectangle([box[0] - 1, box[1] - 1, box[2] + 1, box[3] + 1], outline=WHITE, width=4)
        draw.rectangle(box, outline=GOOD if matched else OTHER, width=2)
    # The labels come last, so that no rectangle crosses them.
    for number, (box, matched) in enumerate(zip(boxes, side.matched, strict=True), 1):
        size = max(11, min(22, (box[2] - box[0]) // 3))
        _draw_tag(draw, f"{side.letter}{number}", size, box, top, GOOD if matched else OTHER)


def _box(rect: Rect, scale: float, left: int, top: int) -> tuple[int, int, int, int]:
    # The far sides are exclusive in the photo and inclusive for the pen.
    return (
        left + round(rect.left * scale),
        top + round(rect.top * scale),
        left + max(round(rect.right * scale) - 1, round(rect.left * scale)),
        top + max(round(rect.bottom * scale) - 1, round(rect.top * scale)),
    )


def _draw_tag(
    draw: ImageDraw.ImageDraw, text: str, size: int, box: tuple[int, int, int, int], top: int, colour: Colour
) -> None:
    """A filled label above the rectangle, or inside it where the photo ends."""
    width, height = round(draw.textlength(text, font(size))) + 6, size + 4
    y = box[1] - height if box[1] - height >= top else box[1]
    draw.rectangle([box[0], y, box[0] + width, y + height], fill=colour)
    draw.text((box[0] + width // 2, y + height // 2), text, WHITE, font(size), anchor="mm")


def _draw_legend(canvas: Pillow.Image, place: tuple[int, int], threshold: float) -> None:
    draw = ImageDraw.Draw(canvas)
    x, y = place
    draw.rectangle([x, y + 3, x + 14, y + 17], fill=GOOD)
    draw.text((x + 22, y + 10), f"match: a score of {threshold} or more", FAINT, font(15), anchor="lm")


def _draw_matrix(
    canvas: Pillow.Image,
    sides: tuple[_Side, _Side],
    scores: Sequence[Sequence[float]],
    matches: Sequence[Sequence[bool]],
    cell: int,
    place: tuple[int, int],
) -> None:
    draw = ImageDraw.Draw(canvas)
    left, top = place[0] + LABEL[0], place[1] + LABEL[1]
    x0, y0 = left + cell, top + cell
    for j in range(len(sides[1].found.rects)):
        x = x0 + j * cell
        _draw_head(canvas, sides[1], j, (x, top), (x + cell // 2, place[1] + LABEL[1] // 2), cell)
    for i, row in enumerate(scores):
        y = y0 + i * cell
        _draw_head(canvas, sides[0], i, (left, y), (place[0] + LABEL[0] // 2, y + cell // 2), cell)
        for j, score in enumerate(row):
            _draw_score(draw, score, (x0 + j * cell, y), cell, match=matches[i][j])


def _draw_score(draw: ImageDraw.ImageDraw, score: float, place: tuple[int, int], cell: int, *, match: bool) -> None:
    x, y = place
    far = cell - 2 if cell >= CELL_FOR_HEAD else cell - 1
    draw.rectangle([x, y, x + far, y + far], fill=GOOD if match else _shade(score))
    if cell >= CELL_FOR_TWO_DECIMALS:
        long = cell >= CELL_FOR_FOUR_DECIMALS
        text = score_text(score) if long else score_text(score)[:4]
        size = min(18, cell * 3 // 10 if long else cell * 2 // 5)
        draw.text((x + cell // 2, y + cell // 2), text, WHITE if match else INK, font(size), anchor="mm")


def _draw_head(
    canvas: Pillow.Image, side: _Side, index: int, place: tuple[int, int], label: tuple[int, int], cell: int
) -> None:
    """Draw the head of a row or column: the cropped face, and its number at `label`."""
    if cell < CELL_FOR_HEAD:
        return
    rect = side.found.rects[index]
    face = side.photo.crop((rect.left, rect.top, rect.right, rect.bottom))
    scale = (cell - 4) / max(face.size)
    size = (max(1, round(face.width * scale)), max(1, round(face.height * scale)))
    canvas.paste(
        face.resize(size, Pillow.Resampling.LANCZOS),
        (place[0] + (cell - size[0]) // 2, place[1] + (cell - size[1]) // 2),
    )
    text = f"{side.letter}{index + 1}"
    ImageDraw.Draw(canvas).text(
        label, text, GOOD if side.matched[index] else OTHER, font(max(9, min(15, cell // 2))), anchor="mm"
    )


def _shade(score: float) -> Colour:
    """A colour from nearly white at score 0 to light blue just below a match."""
    strength = max(0.0, min(1.0, score))
    return (round(246 - 60 * strength), round(248 - 40 * strength), round(251 - 10 * strength))
