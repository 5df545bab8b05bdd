"""The picture of `senseid liveness --explain`: the score of each frame over time, the evidence, the selected frame."""

from __future__ import annotations

import io
import math
import textwrap
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import ImageDraw

from senseid_cli.output.comparison import score_text
from senseid_cli.output.drawing.palette import BAD, FAINT, GOOD, INK, OTHER, WHITE, font, shorten
from senseid_engine.errors import printable
from senseid_engine.liveness.results import OUT_OF_REACH

if TYPE_CHECKING:
    from senseid_cli.output.drawing.palette import Colour
    from senseid_engine.liveness.results import Evidence, LivenessResult

# Pixels.
WIDTH = 960
MARGIN = 24
TITLE = 40
PLOT_HEIGHT = 260
AXIS = 44
ROW = 26
FRAME = (400, 300)
DOT = 4


def draw_liveness(result: LivenessResult) -> bytes:
    """Draw a liveness check.

    Args:
        result: the check.

    Returns:
        A PNG. Equal results give equal bytes.
    """
    below = max(FRAME[1], ROW * (len(result.evidence) + 1))
    height = MARGIN + TITLE + PLOT_HEIGHT + 2 * AXIS + below + 2 * MARGIN + ROW
    canvas = Pillow.new("RGB", (WIDTH, height), WHITE)
    draw = ImageDraw.Draw(canvas)
    _draw_title(draw, result)
    top = MARGIN + TITLE
    _draw_plot(draw, result, (MARGIN + AXIS, top, WIDTH - MARGIN, top + PLOT_HEIGHT))
    top += PLOT_HEIGHT + 2 * AXIS
    _draw_evidence(draw, result, (MARGIN, top, WIDTH - FRAME[0] - 2 * MARGIN))
    _draw_frame(canvas, result, (WIDTH - FRAME[0] - MARGIN, top))
    draw.multiline_text(
        (MARGIN, top + below + MARGIN // 2), textwrap.fill(f"Out of reach: {OUT_OF_REACH}.", 110), FAINT, font(14)
    )
    png = io.BytesIO()
    canvas.save(png, "PNG")
    return png.getvalue()


def _draw_title(draw: ImageDraw.ImageDraw, result: LivenessResult) -> None:
    text = f"{'live' if result.passed else 'not live'}   {score_text(result.score)}   {result.status}"
    draw.text((MARGIN, MARGIN), text, GOOD if result.passed else BAD, font(22))
    left = MARGIN + round(draw.textlength(text, font(22))) + MARGIN
    name = shorten(draw, "", printable(result.name), "", WIDTH - MARGIN - left, 18)
    draw.text((left, MARGIN + 3), name, INK, font(18))


def _draw_plot(draw: ImageDraw.ImageDraw, result: LivenessResult, box: tuple[int, int, int, int]) -> None:
    """Draw one dot per frame: time to the right, its probability of a living face upwards; and the decision line."""
    left, top, right, bottom = box
    last = max(frame.timestamp for frame in result.frames)
    span = max(last, result.best.timestamp, 1.0)

    def at(timestamp: float, share: float) -> tuple[int, int]:
        return left + round((right - left) * timestamp / span), bottom - round((bottom - top) * share)

    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = at(0, share)[1]
        draw.line([left, y, right, y], fill=FAINT if share == 0 else (225, 228, 232))
        draw.text((left - 8, y), f"{share:g}", FAINT, font(14), anchor="rm")
    step = max(1, round(span / 10))
    for second in range(0, int(span) + 1, step):
        x = at(second, 0)[0]
        draw.line([x, bottom, x, bottom + 5], fill=FAINT)
        draw.text((x, bottom + 8), f"{second} s", FAINT, font(14), anchor="ma")
    dots = [at(frame.timestamp, frame.bona_fide) for frame in result.frames]
    draw.line([point for dot in dots for point in dot], fill=FAINT)
    # No frame reaches a line that none could: it lies on the upper edge, and every dot below it is red.
    needed = math.inf if result.stills_needed is None else result.stills_needed
    for dot, frame in zip(dots, result.frames, strict=True):
        colour = GOOD if frame.bona_fide >= needed else BAD
        draw.ellipse([dot[0] - DOT, dot[1] - DOT, dot[0] + DOT, dot[1] + DOT], fill=colour)
    mean = next((piece.value for piece in result.evidence if piece.name == "stills"), None)
    if mean is not None:
        y = at(0, mean)[1]
        draw.line([left, y, right, y], fill=GOOD if mean >= needed else BAD, width=2)
        draw.text((right - 4, y - 2), "all frames together", GOOD if mean >= needed else BAD, font(14), anchor="rd")
    y = at(0, min(needed, 1.0))[1]
    draw.line([left, y, right, y], fill=INK, width=2)
    draw.text((left + 4, y + 2), _line_text(needed), INK, font(14), anchor="la" if y < bottom - 20 else "ld")
    x = at(result.best.timestamp, 0)[0]
    draw.line([x, top, x, bottom], fill=OTHER)
    draw.text((x, bottom + 26), "selected", OTHER, font(14), anchor="ma")
    draw.text((left, bottom + 46), "how much each frame looks like a face, not a picture of one", FAINT, font(14))


def _line_text(needed: float) -> str:
    if needed > 1:
        return "decision line: none, whatever the frames look like, the rest of the evidence outweighs them"
    return f"decision line: all frames together must reach {needed:.2g}, with the rest of the evidence as it is"


def _draw_evidence(draw: ImageDraw.ImageDraw, result: LivenessResult, place: tuple[int, int, int]) -> None:
    """Draw one bar per piece of evidence: to the right for a living person, to the left for an attack."""
    left, top, right = place
    draw.text((left, top), "evidence", FAINT, font(14))
    middle = left + (right - left) * 2 // 3
    draw.text((middle, top), "attack | living", FAINT, font(14), anchor="ma")
    pieces = result.ranked_evidence
    most = max((abs(piece.weight) for piece in pieces), default=0.0) or 1.0
    for number, piece in enumerate(pieces, 1):
        y = top + number * ROW
        draw.text((left, y), f"{piece.name}  {piece.value:.3g}", INK, font(15))
        reach = round((right - middle) * piece.weight / most)
        draw.rectangle(
            [min(middle, middle + reach), y + 2, max(middle, middle + reach), y + ROW - 8], fill=_side(piece)
        )
    draw.line([middle, top + ROW, middle, top + ROW * (len(pieces) + 1)], fill=FAINT)


def _side(piece: Evidence) -> Colour:
    return GOOD if piece.weight >= 0 else BAD


def _draw_frame(canvas: Pillow.Image, result: LivenessResult, place: tuple[int, int]) -> None:
    """Draw the selected frame with the face that was checked."""
    best = result.best
    picture = Pillow.fromarray(best.image.pixels)
    scale = min(FRAME[0] / picture.width, FRAME[1] / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    canvas.paste(picture.resize(size, Pillow.Resampling.LANCZOS), place)
    rect = best.face.rect
    x, y = place
    corners = [
        x + round(rect.left * scale),
        y + round(rect.top * scale),
        x + max(round(rect.right * scale) - 1, round(rect.left * scale)),
        y + max(round(rect.bottom * scale) - 1, round(rect.top * scale)),
    ]
    ImageDraw.Draw(canvas).rectangle(corners, outline=GOOD if result.passed else BAD, width=2)
