"""The picture of `senseid quality --draw`: the annotated photo beside the measures, the reasons and a legend."""

from __future__ import annotations

import io
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image as Pillow
from PIL import ImageDraw

from senseid_cli.output.drawing.palette import (
    BAD,
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
    wrap,
)
from senseid_cli.output.quality import value_text
from senseid_engine.errors import printable
from senseid_engine.quality.features import FIVE_FEATURES, hull
from senseid_engine.quality.occlusion import LEAST_VISIBLE, REGIONS
from senseid_engine.quality.policy import MEASURES
from senseid_engine.results import Rect

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
SIDE = 420
SAMPLE = 30
# More faces than these are drawn, and not listed.
LISTED = 4
# A face that is drawn narrower than this is shown once more, enlarged to that of the column.
FACE_TO_READ = 260
# Lines are drawn this much larger and shrunk, which smooths them.
SMOOTH = 2

AHEAD: Colour = (235, 120, 0)
ACROSS: Colour = (140, 60, 200)
UPWARDS: Colour = (0, 140, 155)

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
    view = _View(report, photo, Rect(0, 0, photo.width, photo.height), scale)
    close = _close_up(report, photo, scale)
    # The column is laid out first: it decides how high the picture is.
    width = max(NAMES + min(len(report.faces), LISTED) * COLUMN, SIDE)
    scratch = ImageDraw.Draw(Pillow.new("RGB", (1, 1)))
    reasons = [line for text in judged.reasons for line in wrap(scratch, f"- {printable(text)}", width, TEXT)]
    legend = _legend(report)
    column = ROW * (len(MEASURES) + 2 + len(reasons) + bool(reasons) + len(legend))
    more = close.size[1] + 2 * ROW if close else 0
    # The enlarged face goes where it makes the picture less high: under the photo or under the column.
    under_photo = max(view.size[1] + more, column) < max(view.size[1], column + more)
    height = max(view.size[1] + more, column) if under_photo else max(view.size[1], column + more)
    canvas = Pillow.new("RGB", (view.size[0] + width + 3 * MARGIN, TITLE + height + 2 * MARGIN), WHITE)
    draw = ImageDraw.Draw(canvas)
    draw.text((MARGIN, MARGIN), shorten(draw, "", printable(judged.name), "", view.size[0], 18), INK, font(18))
    _draw_view(canvas, view, (MARGIN, MARGIN + TITLE))
    x = view.size[0] + 2 * MARGIN
    y = _draw_table(draw, judged, (x, MARGIN), reasons)
    y = _draw_legend(draw, legend, (x, y + ROW))
    if close is not None:
        x, y = (MARGIN, MARGIN + TITLE + view.size[1]) if under_photo else (x, y)
        draw.text((x, y + ROW // 2), "face 1, enlarged", FAINT, font(TEXT))
        _draw_view(canvas, close, (x, y + ROW // 2 + ROW))
    png = io.BytesIO()
    canvas.save(png, "PNG")
    return png.getvalue()


@dataclass(frozen=True, slots=True)
class _View:
    """A part of the photo, ready to be drawn.

    Attributes:
        report: the faces.
        photo: the whole photo.
        part: what is shown of it.
        scale: from its pixels to those of the picture.
    """

    report: QualityReport
    photo: Pillow.Image
    part: Rect
    scale: float

    @property
    def size(self) -> tuple[int, int]:
        return (
            max(1, round((self.part.right - self.part.left) * self.scale)),
            max(1, round((self.part.bottom - self.part.top) * self.scale)),
        )

    def at(self, x: float, y: float) -> _Point:
        """A point of the photo on the layer of lines."""
        return (x - self.part.left) * self.scale * SMOOTH, (y - self.part.top) * self.scale * SMOOTH


def _close_up(report: QualityReport, photo: Pillow.Image, scale: float) -> _View | None:
    """The one face of a photo on which it is small."""
    rect = report.faces[0].rect
    wide = rect.right - rect.left
    if len(report.faces) > 1 or wide * scale >= FACE_TO_READ:
        return None
    margin = wide // 4
    part = Rect(
        max(rect.left - margin, 0),
        max(rect.top - margin, 0),
        min(rect.right + margin, photo.width),
        min(rect.bottom + margin, photo.height),
    )
    larger = min(SIDE / (part.right - part.left), SIDE / (part.bottom - part.top))
    return _View(report, photo, part, larger) if larger > 1.2 * scale else None


def _draw_view(canvas: Pillow.Image, view: _View, place: tuple[int, int]) -> None:
    part = view.part
    piece = view.photo.crop((part.left, part.top, part.right, part.bottom))
    piece = piece.resize(view.size, Pillow.Resampling.LANCZOS)
    # Drawn on a layer of the photo's size, which clips what lies outside the photo.
    layer = Pillow.new("RGBA", (view.size[0] * SMOOTH, view.size[1] * SMOOTH), (0, 0, 0, 0))
    draw = ImageDraw.Draw(layer)
    for face, landmarks in zip(view.report.faces, view.report.landmarks, strict=True):
        _draw_face(draw, face, landmarks, view)
    layer = layer.resize(view.size, Pillow.Resampling.BOX)
    piece.paste(layer, (0, 0), layer)
    draw = ImageDraw.Draw(piece)
    boxes = [
        place_box(face.rect, view.scale, -round(part.left * view.scale), -round(part.top * view.scale))
        for face in view.report.faces
    ]
    for box in boxes:
        draw_box(draw, box, INK)
    # The labels come last, so that no box crosses them.
    for number, box in enumerate(boxes, 1):
        draw_tag(draw, f"face {number}", box, 0, INK)
    canvas.paste(piece, place)


def _draw_face(draw: ImageDraw.ImageDraw, face: FaceQuality, landmarks: Landmarks, view: _View) -> None:
    points = [view.at(float(x), float(y)) for x, y in landmarks.points[:, :2]]
    eyes = face.eye_distance * view.scale * SMOOTH
    dot = max(0.5 * SMOOTH, eyes / 110)
    thick = max(SMOOTH, min(3 * SMOOTH, round(eyes / 45)))
    for x, y in points:
        draw.ellipse([x - dot, y - dot, x + dot, y + dot], fill=(*WHITE, 170))
    _draw_outline(draw, _polygon(landmarks, FIVE_FEATURES, view), OTHER, thick)
    for name, share in _shares(face).items():
        outline = _polygon(landmarks, REGIONS[name], view)
        if share < LEAST_VISIBLE:
            draw.polygon(outline, fill=(*BAD, 110))
        _draw_outline(draw, outline, GOOD if share >= LEAST_VISIBLE else BAD, thick)
    _draw_axes(draw, points[1], face.pose, eyes, thick)


def _shares(face: FaceQuality) -> dict[str, float]:
    seen = face.occlusion
    return {"left_eye": seen.left_eye, "right_eye": seen.right_eye, "nose": seen.nose, "mouth": seen.mouth}


def _polygon(landmarks: Landmarks, points: tuple[int, ...], view: _View) -> list[_Point]:
    return [view.at(float(x), float(y)) for x, y in hull(landmarks, points)]


def _draw_outline(draw: ImageDraw.ImageDraw, points: Sequence[_Point], colour: Colour, thick: int) -> None:
    """Draw a closed line on a white one, which is seen on any skin."""
    closed = [*points, points[0], points[1 % len(points)]]
    draw.line(closed, fill=(*WHITE, 200), width=2 * thick, joint="curve")
    draw.line(closed, fill=colour, width=thick, joint="curve")


def _draw_axes(draw: ImageDraw.ImageDraw, nose: _Point, pose: Pose, length: float, thick: int) -> None:
    """Draw axes from the tip of the nose, in orthographic projection: the direction of the face, its right and up."""
    yaw, pitch, roll = (math.radians(angle) for angle in (pose.yaw, pose.pitch, pose.roll))
    ahead = (-math.sin(yaw), math.sin(pitch) * math.cos(yaw))
    across = (
        math.cos(yaw) * math.cos(roll),
        -math.cos(pitch) * math.sin(roll) + math.sin(pitch) * math.sin(yaw) * math.cos(roll),
    )
    upwards = (
        math.cos(yaw) * math.sin(roll),
        math.cos(pitch) * math.cos(roll) + math.sin(pitch) * math.sin(yaw) * math.sin(roll),
    )
    for (x, y), colour, far in ((across, ACROSS, 0.7), (upwards, UPWARDS, 0.7), (ahead, AHEAD, 1.5)):
        _draw_arrow(draw, nose, (nose[0] + far * length * x, nose[1] - far * length * y), colour, thick + 1)


def _draw_arrow(draw: ImageDraw.ImageDraw, start: _Point, end: _Point, colour: Colour, thick: int) -> None:
    """Draw an arrow with a white edge; one without length, which points at the camera, is a dot."""
    (x0, y0), (x1, y1) = start, end
    long = math.hypot(x1 - x0, y1 - y0)
    head = 4.0 * thick
    for fill, edge in (((*WHITE, 220), SMOOTH), ((*colour, 255), 0)):
        draw.ellipse([x0 - thick - edge, y0 - thick - edge, x0 + thick + edge, y0 + thick + edge], fill=fill)
        if long > head:
            ux, uy = (x1 - x0) / long, (y1 - y0) / long
            neck = (x1 - head * ux, y1 - head * uy)
            draw.line([start, neck], fill=fill, width=thick + 2 * edge)
            wide, tip = head / 2 + 1.5 * edge, 2 * edge
            draw.polygon(
                [
                    (x1 + tip * ux, y1 + tip * uy),
                    (neck[0] - edge * ux - wide * uy, neck[1] - edge * uy + wide * ux),
                    (neck[0] - edge * ux + wide * uy, neck[1] - edge * uy - wide * ux),
                ],
                fill=fill,
            )


def _draw_table(draw: ImageDraw.ImageDraw, judged: Judged, place: tuple[int, int], reasons: list[str]) -> int:
    """Draw the verdict, the measures and the reasons; return where they end."""
    x, y = place
    listed = judged.faces[:LISTED]
    failed = {(failure.face, failure.measure) for failure in judged.failures}
    if judged.policy is not None:
        colour: Colour = GOOD if judged.passes else BAD
        draw.text((x, y), f"{judged.verdict}: {printable(judged.policy.name)}", colour, font(18))
    y += TITLE
    for number in range(1, len(listed) + 1):
        draw.text((x + NAMES + number * COLUMN, y), f"face {number}", FAINT, font(TEXT), anchor="ra")
    for measure in MEASURES:
        y += ROW
        draw.text((x, y), measure.name, FAINT, font(TEXT))
        for number, face in enumerate(listed, 1):
            colour = BAD if (number, measure.name) in failed else INK
            text = value_text(measure, measure.value(face))
            draw.text((x + NAMES + number * COLUMN, y), text, colour, font(TEXT), anchor="ra")
    y += ROW
    if reasons:
        y += ROW // 2
        for line in reasons:
            draw.text((x, y), line, BAD, font(TEXT))
            y += ROW
    return y


_Entry = tuple[str, "Callable[[ImageDraw.ImageDraw, tuple[int, int]], None]"]


def _legend(report: QualityReport) -> list[_Entry]:
    """Return what is drawn on the photo, each with a sample; what the photo has none of is left out."""
    shares = [share for face in report.faces for share in _shares(face).values()]
    entries: list[_Entry] = [
        ("box of a face", _box_sample),
        ("landmarks", _dots_sample),
        ("region of eyes, nose and mouth", lambda draw, place: _line_sample(draw, place, OTHER)),
    ]
    if max(shares) >= LEAST_VISIBLE:
        entries.append(("eye, nose or mouth: seen", lambda draw, place: _line_sample(draw, place, GOOD)))
    if min(shares) < LEAST_VISIBLE:
        entries.append(("eye, nose or mouth: covered", _covered_sample))
    return [
        *entries,
        ("where the face looks", lambda draw, place: _arrow_sample(draw, place, AHEAD)),
        ("its axis to the right of the picture", lambda draw, place: _arrow_sample(draw, place, ACROSS)),
        ("its axis upwards", lambda draw, place: _arrow_sample(draw, place, UPWARDS)),
    ]


def _draw_legend(draw: ImageDraw.ImageDraw, entries: Sequence[_Entry], place: tuple[int, int]) -> int:
    """Draw the legend; return where it ends."""
    x, y = place
    draw.line([x, y - ROW // 2, x + SIDE, y - ROW // 2], fill=LINE)
    for text, sample in entries:
        sample(draw, (x, y))
        draw.text((x + SAMPLE + 12, y), text, FAINT, font(TEXT))
        y += ROW
    return y


def _box_sample(draw: ImageDraw.ImageDraw, place: tuple[int, int]) -> None:
    draw.rectangle([place[0] + 6, place[1] + 2, place[0] + 24, place[1] + 18], outline=INK, width=3)


def _dots_sample(draw: ImageDraw.ImageDraw, place: tuple[int, int]) -> None:
    x, y = place
    draw.rectangle([x, y + 2, x + SAMPLE, y + 18], fill=FAINT)
    for dx, dy in ((5, 6), (15, 10), (25, 7), (10, 14), (21, 14)):
        draw.ellipse([x + dx - 1, y + dy - 1, x + dx + 1, y + dy + 1], fill=WHITE)


def _line_sample(draw: ImageDraw.ImageDraw, place: tuple[int, int], colour: Colour) -> None:
    draw.line([place[0], place[1] + 10, place[0] + SAMPLE, place[1] + 10], fill=colour, width=3)


def _covered_sample(draw: ImageDraw.ImageDraw, place: tuple[int, int]) -> None:
    fill = tuple(255 - (255 - part) * 110 // 255 for part in BAD)
    draw.rectangle([place[0], place[1] + 3, place[0] + SAMPLE, place[1] + 17], fill=fill, outline=BAD, width=2)


def _arrow_sample(draw: ImageDraw.ImageDraw, place: tuple[int, int], colour: Colour) -> None:
    x, y = place[0], place[1] + 10
    draw.line([x, y, x + SAMPLE - 10, y], fill=colour, width=3)
    draw.polygon([(x + SAMPLE, y), (x + SAMPLE - 11, y - 6), (x + SAMPLE - 11, y + 6)], fill=colour)
