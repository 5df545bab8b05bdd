"""The picture of `senseid omni --draw`: both photos with numbered faces, and below them the score or their matrix."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import ImageDraw

from senseid_cli.output.comparison import faces_text, odds, score_text, verdict
from senseid_cli.output.drawing.palette import (
    FAINT,
    GOOD,
    INK,
    LINE,
    OTHER,
    WHITE,
    Colour,
    draw_box,
    draw_tag,
    font,
    place_box,
    shorten,
)
from senseid_engine.errors import printable
from senseid_engine.image import rotate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_engine.image import Image
    from senseid_engine.results import FoundFaces, OmniComparison

# Pixels. For any photos and any number of faces, the picture stays within about 2000 x 2300.
MARGIN = 24
TITLE = 34
PANEL = (960, 800)
MATRIX_HEIGHT = 1200
LARGEST_CELL = 80
# Beside and above the faces at the head of the matrix, for their numbers.
LABEL = (40, 22)
# Of the scale that a single score has, and of the list beside a matrix.
SCALE_HEIGHT = 110
BAR = 18
RANK = 22
RANKING_WIDTH = 260
PALE_GOOD: Colour = (205, 231, 214)
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
    below = MARGIN + TITLE + max(side.size[1] for side in sides) + MARGIN
    alone = rows == columns == 1
    width = max(width, LABEL[0] + (columns + 1) * cell + 2 * MARGIN)
    height = SCALE_HEIGHT if alone else TITLE + LABEL[1] + (rows + 1) * cell
    canvas = Pillow.new("RGB", (width, below + height + MARGIN), WHITE)
    left = (width - sum(side.size[0] for side in sides) - MARGIN) // 2
    for side in sides:
        _draw_photo(canvas, side, left, MARGIN)
        left += side.size[0] + MARGIN
    if alone:
        _draw_scale(canvas, result.scores[0][0], threshold, (MARGIN, below, width - MARGIN))
    else:
        _draw_legend(canvas, (MARGIN, below), threshold)
        _draw_matrix(canvas, sides, result.scores, matches, cell, (MARGIN, below + TITLE))
        _draw_ranking(canvas, result.scores, threshold, (2 * MARGIN + LABEL[0] + (columns + 1) * cell, below + TITLE))
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
    tail = f"   {faces_text(side.found)}"
    title = shorten(draw, f"{side.letter}   ", printable(side.found.name), tail, side.size[0], 18)
    draw.text((left, top), title, INK, font(18))
    top += TITLE
    canvas.paste(side.photo.resize(side.size, Pillow.Resampling.LANCZOS), (left, top))
    boxes = [place_box(rect, side.scale, left, top) for rect in side.found.rects]
    for box, matched in zip(boxes, side.matched, strict=True):
        draw_box(draw, box, GOOD if matched else OTHER)
    # The labels come last, so that no box crosses them.
    for number, (box, matched) in enumerate(zip(boxes, side.matched, strict=True), 1):
        draw_tag(draw, f"{side.letter}{number}", box, top, GOOD if matched else OTHER)


def _draw_scale(canvas: Pillow.Image, score: float, threshold: float, place: tuple[int, int, int]) -> None:
    """Draw the only score: the verdict, and where it lies on the scale from 0 to 1 with the threshold."""
    draw = ImageDraw.Draw(canvas)
    left, top, right = place
    match = score >= threshold
    text = f"{verdict(score, threshold)}  {score_text(score)}"
    draw.text((left, top), text, GOOD if match else INK, font(28))
    why = f"a match from {threshold} on, which {odds(threshold)} strangers reach"
    beside = left + round(draw.textlength(text, font(28))) + MARGIN
    if beside + draw.textlength(why, font(15)) <= right:
        draw.text((right, top + 10), why, FAINT, font(15), anchor="ra")

    def at(value: float) -> int:
        return left + round((right - left) * max(0.0, min(1.0, value)))

    y = top + 62
    draw.rectangle([left, y, right, y + BAR], fill=LINE)
    draw.rectangle([at(threshold), y, right, y + BAR], fill=PALE_GOOD)
    draw.rectangle([left, y + BAR // 3, at(score), y + BAR - BAR // 3], fill=GOOD if match else OTHER)
    draw.line([at(threshold), y - 6, at(threshold), y + BAR + 6], fill=INK, width=3)
    # The labels of both ends keep their place; that of the threshold lies between them.
    draw.text((left, y + BAR + 6), "0", FAINT, font(15))
    draw.text((right, y + BAR + 6), "1", FAINT, font(15), anchor="ra")
    label = f"threshold {threshold}"
    half = round(draw.textlength(label, font(15))) // 2
    draw.text(
        (max(left + half + 20, min(right - half - 20, at(threshold))), y + BAR + 6), label, INK, font(15), anchor="ma"
    )


def _draw_ranking(
    canvas: Pillow.Image, scores: Sequence[Sequence[float]], threshold: float, place: tuple[int, int]
) -> None:
    """Draw the best pairs beside a matrix that leaves room for them."""
    x, y = place
    draw = ImageDraw.Draw(canvas)
    if canvas.width - x < RANKING_WIDTH:
        return
    ranked = sorted((-score, i, j) for i, row in enumerate(scores, 1) for j, score in enumerate(row, 1))
    room = (canvas.height - MARGIN - y) // RANK - 1
    draw.text((x, y), "best pairs", FAINT, font(15))
    for minus, i, j in ranked[: max(0, room)]:
        y += RANK
        colour = GOOD if -minus >= threshold else INK
        draw.text((x, y), f"A{i}  B{j}", colour, font(15))
        draw.text((x + 90, y), f"{score_text(-minus)}  {verdict(-minus, threshold)}", colour, font(15))


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
