"""The picture of `senseid liveness --explain`: the verdict, what decided, the selected frame, all frames."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import ImageDraw

from senseid_cli.output.comparison import score_text
from senseid_cli.output.drawing.palette import (
    BAD,
    FAINT,
    GOOD,
    INK,
    LINE,
    OTHER,
    WHITE,
    draw_box,
    font,
    place_box,
    shorten,
    wrap,
)
from senseid_cli.output.liveness import MEANINGS, live_text
from senseid_engine.errors import printable
from senseid_engine.liveness.results import OUT_OF_REACH

if TYPE_CHECKING:
    from senseid_cli.output.drawing.palette import Box, Colour
    from senseid_engine.liveness.results import Evidence, LivenessResult

# Pixels.
WIDTH = 1080
MARGIN = 24
HEAD = 104
FRAME = (300, 300)
ROW = 30
NAMES = 400
PLOT_HEIGHT = 220
AXIS = 44
BELOW_AXIS = 58
DOT = 5

WEIGHS = 0.05
"""The least weight that is shown: it shows as 0.1."""

FINDINGS = {
    "stills": ("single frames", "single frames look like a picture", "single frames look like a face"),
    "non_rigid": ("movement of the face", "the face moves like a flat picture", "the face moves as nothing flat does"),
    "texture_change": ("texture over time", "the texture stays as in a picture", "the texture changes as skin does"),
    "texture_evenness": ("change of picture", "one picture follows another", "the texture changes evenly"),
    "blend_residual": ("fading", "pictures are faded into each other", "the face changes by moving"),
    "recurrence_distance": ("repetition", "the clip repeats itself", "the clip does not repeat itself"),
}
"""Each measure's subject; what it found where it speaks of an attack, and where for a living person."""


def draw_liveness(result: LivenessResult) -> bytes:
    """Draw a liveness check.

    Args:
        result: the check.

    Returns:
        A PNG. Equal results give equal bytes.
    """
    scratch = ImageDraw.Draw(Pillow.new("RGB", (1, 1)))
    note = wrap(scratch, f"Out of reach: {OUT_OF_REACH}.", WIDTH - 2 * MARGIN, 14, hang="")
    plot = plot_box(result)
    below = plot[3] + BELOW_AXIS
    canvas = Pillow.new("RGB", (WIDTH, below + 20 * len(note) + MARGIN), WHITE)
    draw = ImageDraw.Draw(canvas)
    _draw_head(draw, result)
    _draw_frame(canvas, result, (MARGIN, MARGIN + HEAD))
    _draw_evidence(draw, result, (FRAME[0] + 2 * MARGIN, MARGIN + HEAD, WIDTH - MARGIN))
    _draw_plot(draw, result, plot)
    for number, line in enumerate(note):
        draw.text((MARGIN, below + 20 * number), line, FAINT, font(14))
    png = io.BytesIO()
    canvas.save(png, "PNG")
    return png.getvalue()


def plot_box(result: LivenessResult) -> Box:
    """The place of the frames over time in the picture: left, top, right, bottom."""
    top = MARGIN + HEAD + max(FRAME[1], ROW * (len(result.evidence) + 2)) + 2 * ROW
    return MARGIN + AXIS, top, WIDTH - MARGIN, top + PLOT_HEIGHT


def _draw_head(draw: ImageDraw.ImageDraw, result: LivenessResult) -> None:
    """Draw the verdict and its meaning, and to the right the score on its scale."""
    colour = GOOD if result.passed else BAD
    draw.text((MARGIN, MARGIN - 4), live_text(result), colour, font(34))
    draw.text((MARGIN, MARGIN + 42), f"{result.status}: {MEANINGS[result.status]}", INK, font(18))
    left, right = WIDTH // 2 + MARGIN, WIDTH - MARGIN
    name = shorten(draw, "", printable(result.name), "", WIDTH - 2 * MARGIN, 15)
    draw.text((MARGIN, MARGIN + 68), name, FAINT, font(15))

    def at(value: float) -> int:
        return left + round((right - left) * max(0.0, min(1.0, value)))

    y = MARGIN + 20
    draw.text((left, y - 4), f"score {score_text(result.score)}", colour, font(18), anchor="ls")
    draw.rectangle([left, y + 2, right, y + 14], fill=LINE)
    draw.rectangle([left, y + 5, at(result.score), y + 11], fill=colour)
    draw.line([at(result.threshold), y - 3, at(result.threshold), y + 19], fill=INK, width=3)
    text = f"passes from {result.threshold:.3g} on"
    half = round(draw.textlength(text, font(14))) // 2
    x = max(left + half, min(right - half, at(result.threshold)))
    draw.text((x, y + 22), text, FAINT, font(14), anchor="ma")


def _draw_frame(canvas: Pillow.Image, result: LivenessResult, place: tuple[int, int]) -> None:
    """Draw the selected frame with the face that was checked."""
    best = result.best
    picture = Pillow.fromarray(best.image.pixels)
    scale = min(FRAME[0] / picture.width, (FRAME[1] - ROW) / picture.height)
    size = (max(1, round(picture.width * scale)), max(1, round(picture.height * scale)))
    # What of the box lies outside the frame is cut off.
    picture = picture.resize(size, Pillow.Resampling.LANCZOS)
    draw_box(ImageDraw.Draw(picture), place_box(best.face.rect, scale, 0, 0), GOOD if result.passed else BAD)
    canvas.paste(picture, (place[0], place[1] + ROW))
    text = f"selected frame, at {best.timestamp:.1f} s"
    ImageDraw.Draw(canvas).text(place, text, OTHER, font(15))


def _draw_evidence(draw: ImageDraw.ImageDraw, result: LivenessResult, place: tuple[int, int, int]) -> None:
    """Draw one bar per piece of evidence: to the right for a living person, to the left for an attack."""
    left, top, right = place
    middle = left + NAMES + (right - left - NAMES) // 2
    half = (right - left - NAMES) // 2 - 46
    draw.text((left, top), "what decided, the strongest first", FAINT, font(15))
    draw.text((middle - 8, top), "attack", BAD, font(15), anchor="ra")
    draw.text((middle + 8, top), "living", GOOD, font(15))
    pieces = result.ranked_evidence
    most = max((abs(piece.weight) for piece in pieces), default=0.0) or 1.0
    for number, piece in enumerate(pieces, 1):
        y = top + number * ROW
        weighs = abs(piece.weight) >= WEIGHS
        draw.text((left, y), _finding(piece), INK if weighs else FAINT, font(15))
        draw.text((left + NAMES - 14, y), f"{piece.name} {piece.value:.2g}", FAINT, font(14), anchor="ra")
        reach = round(half * piece.weight / most)
        colour: Colour = GOOD if piece.weight >= 0 else BAD
        draw.rectangle([min(middle, middle + reach), y + 1, max(middle, middle + reach), y + ROW - 11], fill=colour)
        side = 1 if piece.weight >= 0 else -1
        text = f"{piece.weight:+.1f}" if weighs else "0"
        draw.text(
            (middle + reach + 6 * side, y),
            text,
            colour if weighs else FAINT,
            font(14),
            anchor="la" if side > 0 else "ra",
        )
    draw.line([middle, top + ROW - 4, middle, top + ROW * (len(pieces) + 1) - 6], fill=INK)


def _finding(piece: Evidence) -> str:
    about, attack, living = FINDINGS.get(piece.name, (piece.name,) * 3)
    return about if abs(piece.weight) < WEIGHS else living if piece.weight > 0 else attack


def _draw_plot(draw: ImageDraw.ImageDraw, result: LivenessResult, box: Box) -> None:
    """Draw one dot per frame: time to the right, its probability of a face upwards; their mean; what it must reach."""
    left, top, right, bottom = box
    last = max(frame.timestamp for frame in result.frames)
    span = max(last, result.best.timestamp, 1.0)

    def at(timestamp: float, share: float) -> tuple[int, int]:
        return left + round((right - left) * timestamp / span), bottom - round((bottom - top) * share)

    # No frame reaches a line that none could: every dot is red.
    needed = math.inf if result.stills_needed is None else result.stills_needed
    mean = next((piece.value for piece in result.evidence if piece.name == "stills"), None)
    title = "how much each frame looks like a face, not like a picture of one"
    draw.text((MARGIN, top - 2 * ROW + 2), title, INK, font(15))
    _draw_key(draw, (MARGIN, top - ROW), needed, mean)
    if needed <= 1:
        draw.rectangle([left, top, right, at(0, needed)[1]], fill=(236, 246, 240))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = at(0, share)[1]
        draw.line([left, y, right, y], fill=FAINT if share == 0 else LINE)
        draw.text((left - 8, y), f"{share:g}", FAINT, font(14), anchor="rm")
    step = max(1, round(span / 10))
    for second in range(0, int(span) + 1, step):
        x = at(second, 0)[0]
        draw.line([x, bottom, x, bottom + 5], fill=FAINT)
        draw.text((x, bottom + 8), f"{second} s", FAINT, font(14), anchor="ma")
    x = at(result.best.timestamp, 0)[0]
    draw.line([x, top, x, bottom], fill=OTHER, width=2)
    draw.text((min(x, right - 28), bottom + 26), "selected", OTHER, font(14), anchor="ma")
    if mean is not None:
        y = at(0, mean)[1]
        draw.line([left, y, right, y], fill=GOOD if mean >= needed else BAD, width=2)
    if needed <= 1:
        y = at(0, needed)[1]
        draw.line([left, y, right, y], fill=INK, width=3)
    dots = [at(frame.timestamp, frame.bona_fide) for frame in result.frames]
    draw.line([point for dot in dots for point in dot], fill=FAINT)
    for dot, frame in zip(dots, result.frames, strict=True):
        colour = GOOD if frame.bona_fide >= needed else BAD
        draw.ellipse([dot[0] - DOT, dot[1] - DOT, dot[0] + DOT, dot[1] + DOT], fill=colour, outline=WHITE)


def _draw_key(draw: ImageDraw.ImageDraw, place: tuple[int, int], needed: float, mean: float | None) -> None:
    """Draw the legend of the plot, in one row."""
    x, y = place
    entries: list[tuple[str, Colour, int]] = []
    if mean is not None:
        entries.append((f"all frames together: {mean:.2f}", GOOD if mean >= needed else BAD, 2))
    if needed > 1:
        draw.text((x, y), "no frames could make it pass: the rest of the evidence outweighs them", INK, font(14))
        x += round(draw.textlength("no frames could make it pass: the rest of the evidence outweighs them", font(14)))
        x += MARGIN
    else:
        entries.append((f"needed, with the rest of the evidence as it is: {needed:.2g}", INK, 3))
    for text, colour, width in entries:
        draw.line([x, y + 9, x + 24, y + 9], fill=colour, width=width)
        draw.text((x + 32, y), text, colour, font(14))
        x += 32 + round(draw.textlength(text, font(14))) + MARGIN
