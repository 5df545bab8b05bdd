"""The picture of `senseid quality --draw`: the annotated photo, and the measures beside it."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import ImageDraw

from senseid_cli.output.drawing.palette import BAD, FAINT, GOOD, INK, OTHER, WHITE, Colour, font, shorten
from senseid_cli.output.quality import value_text
from senseid_engine.errors import printable
from senseid_engine.quality.features import FIVE_FEATURES, hull
from senseid_engine.quality.occlusion import LEAST_VISIBLE, REGIONS
from senseid_engine.quality.policy import MEASURES

if TYPE_CHECKING:
    from senseid_cli.output.quality import Judged
    from senseid_engine.landmarks import Landmarks
    from senseid_engine.quality.pose import Pose
    from senseid_engine.quality.results import FaceQuality, QualityReport

# Pixels.
MARGIN = 24
TITLE = 34
PANEL = (960, 900)
COLUMN = 110
NAMES = 150
ROW = 24
TEXT = 15
REASON_WIDTH = 420
# More faces than these are drawn, and not listed.
LISTED = 4

_Point = tuple[float, float]


def draw_quality(report: QualityReport, judged: Judged) -> bytes:
    """Draw one photo.

    Args:
        report: the measures.
        judged: the same, checked against a policy.

    Returns:
        A PNG. Equal inputs give equal bytes.
    """
    photo = Pillow.fromarray(report.image.pixels)
    scale = min(PANEL[0] / photo.width, PANEL[1] / photo.height)
    # A small photo is enlarged, but not until it blurs.
    scale = min(scale, max(1.0, 640 / max(photo.size)))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    listed = min(len(report.faces), LISTED)
    side = max(NAMES + listed * COLUMN, REASON_WIDTH)
    # Reasons are laid out first: they decide how high the picture is.
    scratch = ImageDraw.Draw(Pillow.new("RGB", (1, 1)))
    reasons = [line for text in judged.reasons for line in _wrap(scratch, f"- {printable(text)}", side)]
    height = max(size[1], ROW * (len(MEASURES) + 3 + len(reasons)))
    canvas = Pillow.new("RGB", (size[0] + side + 3 * MARGIN, TITLE + height + 2 * MARGIN), WHITE)
    draw = ImageDraw.Draw(canvas)
    title = shorten(draw, "", printable(judged.name), "", size[0], 18)
    draw.text((MARGIN, MARGIN), title, INK, font(18))
    place = (MARGIN, MARGIN + TITLE)
    canvas.paste(photo.resize(size, Pillow.Resampling.LANCZOS), place)
    _draw_faces(canvas, report, scale, place, size)
    _draw_table(draw, judged, (size[0] + 2 * MARGIN, MARGIN), reasons, listed)
    png = io.BytesIO()
    canvas.save(png, "PNG")
    return png.getvalue()


def _draw_faces(
    canvas: Pillow.Image, report: QualityReport, scale: float, place: tuple[int, int], size: tuple[int, int]
) -> None:
    # Drawn on a layer of the photo's size, which clips what lies outside the photo.
    layer = Pillow.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for number, (face, landmarks) in enumerate(zip(report.faces, report.landmarks, strict=True), 1):
        _draw_face(draw, face, landmarks, scale, number)
    canvas.paste(layer, place, layer)


def _draw_face(draw: ImageDraw.ImageDraw, face: FaceQuality, landmarks: Landmarks, scale: float, number: int) -> None:
    points = [(float(x) * scale, float(y) * scale) for x, y in landmarks.points[:, :2]]
    dot = max(0.6, face.eye_distance * scale / 90)
    for x, y in points:
        draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=(*WHITE, 150))
    shares = {
        "left_eye": face.occlusion.left_eye,
        "right_eye": face.occlusion.right_eye,
        "nose": face.occlusion.nose,
        "mouth": face.occlusion.mouth,
    }
    for name, share in shares.items():
        colour = GOOD if share >= LEAST_VISIBLE else BAD
        outline = _polygon(landmarks, REGIONS[name], scale)
        draw.polygon(outline, fill=(*colour, 0 if share >= LEAST_VISIBLE else 110), outline=colour, width=2)
    draw.polygon(_polygon(landmarks, FIVE_FEATURES, scale), outline=OTHER, width=2)
    rect = face.rect
    draw.rectangle([rect.left * scale, rect.top * scale, rect.right * scale - 1, rect.bottom * scale - 1], outline=INK)
    draw.text(
        (rect.left * scale + 4, rect.top * scale + 2),
        f"face {number}",
        WHITE,
        font(TEXT),
        stroke_width=2,
        stroke_fill=INK,
    )
    _draw_axes(draw, points[1], face.pose, face.eye_distance * scale)


def _polygon(landmarks: Landmarks, points: tuple[int, ...], scale: float) -> list[_Point]:
    return [(float(x) * scale, float(y) * scale) for x, y in hull(landmarks, points)]


def _draw_axes(draw: ImageDraw.ImageDraw, nose: _Point, pose: Pose, length: float) -> None:
    """Draw axes from the tip of the nose, in orthographic projection: the direction of the face, its right and up."""
    yaw, pitch, roll = (math.radians(angle) for angle in (pose.yaw, pose.pitch, pose.roll))
    ahead = (-math.sin(yaw), math.sin(pitch) * math.cos(yaw))
    across = (
        math.cos(yaw) * math.cos(roll),
        -math.cos(pitch) * math.sin(roll) + math.sin(pitch) * math.sin(yaw) * math.cos(roll),
    )
    for (x, y), colour, far in ((ahead, BAD, 1.2), (across, OTHER, 0.6)):
        end = (nose[0] + far * length * x, nose[1] - far * length * y)
        draw.line([nose, end], fill=WHITE, width=5)
        draw.line([nose, end], fill=colour, width=3)


def _draw_table(
    draw: ImageDraw.ImageDraw, judged: Judged, place: tuple[int, int], reasons: list[str], listed: int
) -> None:
    x, y = place
    failed = {(failure.face, failure.measure) for failure in judged.failures}
    if judged.policy is not None:
        colour: Colour = GOOD if judged.passes else BAD
        draw.text((x, y), f"{judged.verdict}: {printable(judged.policy.name)}", colour, font(18))
    y += TITLE
    for number in range(1, listed + 1):
        draw.text((x + NAMES + number * COLUMN, y), f"face {number}", FAINT, font(TEXT), anchor="ra")
    for measure in MEASURES:
        y += ROW
        draw.text((x, y), measure.name, FAINT, font(TEXT))
        for number, face in enumerate(judged.faces[:listed], 1):
            colour = BAD if (number, measure.name) in failed else INK
            text = value_text(measure, measure.value(face))
            draw.text((x + NAMES + number * COLUMN, y), text, colour, font(TEXT), anchor="ra")
    y += ROW
    for line in reasons:
        y += ROW
        draw.text((x, y), line, BAD, font(TEXT))


def _wrap(draw: ImageDraw.ImageDraw, text: str, width: int) -> list[str]:
    """Split a text into lines that fit."""
    lines: list[str] = []
    line = ""
    for word in text.split(" "):
        longer = f"{line} {word}" if line else word
        if line and draw.textlength(longer, font(TEXT)) > width:
            lines.append(line)
            longer = f"  {word}"
        line = longer
    return [*lines, line]
