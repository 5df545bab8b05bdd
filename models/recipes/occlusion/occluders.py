"""Occluders of faces: masks, scarves, hands, sunglasses, hair, telephones, microphones and other things."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.occlusion import textures
from models.recipes.occlusion.canvas import Canvas, moved, noise, smooth, turned
from senseid_engine.quality.occlusion import REGIONS, SIDE

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.arrays import Floats, Pixels

# The outline of the face below the eyes, from the ear at the picture's left over the chin to the other.
_JAW = (234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152, 377, 400, 378, 379, 365, 397, 288, 361, 323, 454)
_BRIDGE = (6, 197, 195, 5, 4, 1, 2, 0)
_LEFT_CHEEK, _RIGHT_CHEEK = 117, 346
_EYES = ((33, 133), (362, 263))
_FOREHEAD = 10


@dataclass(frozen=True, slots=True)
class Scene:
    """A face to cover.

    Attributes:
        pixels: float32 (SIDE, SIDE, 3), RGB, 0..255.
        points: float32 (468, 2), its mesh.
        photo: uint8 (height, width, 3), some other photo, to take surfaces from.
    """

    pixels: Floats
    points: Floats
    photo: Pixels

    def skin(self) -> Floats:
        """The colour of a cheek, (3,)."""
        x, y = np.clip(self.points[50 if self.points[4, 0] > SIDE / 2 else 280], 3, SIDE - 4).astype(int)
        return np.asarray(self.pixels[y - 3 : y + 4, x - 3 : x + 4].mean(axis=(0, 1)), np.float32)


@dataclass(frozen=True, slots=True)
class Layer:
    """Something over a face.

    Attributes:
        colour: float32 (SIDE, SIDE, 3).
        opacity: float32 (SIDE, SIDE), 0..1, how much of the face it hides.
        covers: float32 (SIDE, SIDE), what counts as covered: a dark lens that still lets something through counts
            whole, a shadow not at all.
    """

    colour: Floats
    opacity: Floats
    covers: Floats


def _layer(colour: Floats, mask: Floats) -> Layer:
    return Layer(colour, mask, mask)


def _shaded(surface: Floats, light: Floats) -> Floats:
    return surface * light[..., None]


def _rounded(mask: Floats, depth: float, reach: float) -> Floats:
    """The light on a thing that is round at its edges: less within `reach` pixels of them."""
    inside = cv2.distanceTransform((mask > 0.5).astype(np.uint8), cv2.DIST_L2, 3)
    return np.asarray(1 - depth * np.exp(-inside / reach), np.float32)


def face_mask(scene: Scene, rng: np.random.Generator) -> Layer:
    """A mask from the nose over the mouth to the chin; some are worn too low, some reach down the neck."""
    points = scene.points
    jaw = points[list(_JAW)].astype(np.float64)
    middle = jaw.mean(axis=0)
    # How far up the nose: mostly high, sometimes under it or under the mouth.
    worn = rng.random()
    if worn < 0.85:
        top = points[_BRIDGE[0]] + rng.uniform(0.1, 0.75) * (points[4] - points[_BRIDGE[0]])
        start = rng.uniform(1, 4)
    elif worn < 0.95:
        top = points[2] + rng.uniform(0.2, 0.8) * (points[0] - points[2])
        start = rng.uniform(3, 5)
    else:
        top = points[17] + rng.uniform(0.2, 0.9) * (points[152] - points[17])
        start = rng.uniform(4, 6)
    size = rng.uniform(0.95, 1.12)
    outline = middle + (jaw - middle) * size
    count = len(outline) - 1
    first = round(start)
    left, right = outline[first], outline[count - first]
    lower = outline[first : count - first + 1].copy()
    # The lower edge hangs, pokes out or ends short of the chin.
    lower[:, 1] += rng.normal(0, 2) * np.sin(np.linspace(0, np.pi, len(lower)))
    cheek_left, cheek_right = (points[i] + rng.normal(0, 1.5, 2) for i in (_LEFT_CHEEK, _RIGHT_CHEEK))
    lift = rng.uniform(0.2, 0.8)
    cheek_left = lift * cheek_left + (1 - lift) * (left + top) / 2
    cheek_right = lift * cheek_right + (1 - lift) * (right + top) / 2
    if worn >= 0.85:
        cheek_left, cheek_right = (left + top) / 2, (right + top) / 2
    if rng.random() < 0.2:
        upper = np.stack([left, top, right])  # stretched straight, like folded cloth
    else:
        upper = smooth(np.stack([left, cheek_left, top, cheek_right, right]), 30)
    if rng.random() < 0.15:
        drop = rng.uniform(5, 40)  # a scarf or a neckerchief
        lower = np.stack([left, moved(left, rng.uniform(-8, 8), drop), moved(right, rng.uniform(-8, 8), drop), right])
    else:
        lower = smooth(lower, 40)
    mask = Canvas().polygon(np.vstack([lower, upper[::-1]])).mask(rng.uniform(0, 0.8))
    surface = textures.cloth(rng, textures.cloth_colour(rng))
    surface = _shaded(surface, _folds(scene, rng, mask, left, right))
    straps = Canvas()
    if rng.random() < 0.6:
        for corner, ear in ((left, outline[0]), (right, outline[-1])):
            outward = np.sign(corner[0] - middle[0]) * rng.uniform(2, 12)
            straps.line([corner, moved(ear, outward, rng.uniform(-10, 0))], rng.uniform(0.5, 1.5))
            if rng.random() < 0.7:
                straps.line([moved(corner, 0, rng.uniform(4, 16)), moved(ear, outward, 0)], rng.uniform(0.5, 1.5))
    mask = np.maximum(mask, straps.mask())
    if rng.random() < 0.15:
        valve = Canvas().ellipse(points[0] + rng.normal(0, 6, 2), (rng.uniform(3, 6),) * 2).mask(0.4)[..., None]
        surface = surface * (1 - valve) + textures.any_colour(rng) * valve
    return _layer(surface, mask)


def _folds(scene: Scene, rng: np.random.Generator, mask: Floats, left: np.ndarray, right: np.ndarray) -> Floats:
    """Light on a mask: round, with pleats or a seam, over the nose that pushes through."""
    light = _rounded(mask, rng.uniform(0, 0.5), rng.uniform(2, 12))
    x, y = scene.points[4]
    rows, columns = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32)
    bump = np.exp(-(((columns - x) / rng.uniform(6, 14)) ** 2) - ((rows - y - 4) / rng.uniform(8, 20)) ** 2)
    light = light * (1 + rng.uniform(-0.1, 0.25) * bump)
    light = light * (1 + rng.uniform(-0.25, 0.25) * (columns - x) / 40)
    style = rng.random()
    creases = Canvas()
    if style < 0.45:  # pleats from ear to ear
        for share in np.arange(0.15, 1, rng.uniform(0.15, 0.35)):
            down = share * rng.uniform(20, 40)
            sag = moved((left + right) / 2, 0, down + rng.uniform(0, 8))
            creases.line(
                smooth([moved(left, 2, down * 0.7), sag, moved(right, -2, down * 0.7)], 16), rng.uniform(0.5, 1.5)
            )
    elif style < 0.7:  # a seam down the middle
        creases.line(smooth([scene.points[5], scene.points[0] + rng.normal(0, 2, 2), scene.points[152]], 16), 1)
    for _ in range(rng.integers(0, 5)):
        start = rng.uniform(20, 76, 2)
        creases.line(smooth(start + rng.normal(0, 10, (3, 2)), 10), rng.uniform(0.5, 2))
    light = light * (1 + rng.uniform(-0.35, 0.15) * creases.mask(rng.uniform(0.3, 1.2)))
    return light * (1 + rng.uniform(0, 0.08) * noise(rng, 8))


def balaclava(scene: Scene, rng: np.random.Generator) -> Layer:
    """Cloth over the whole head with a hole for the eyes, sometimes also for the mouth."""
    points = scene.points
    centre = points[list(_EYES[0] + _EYES[1])].mean(axis=0)
    oval = (
        points[[10, 338, 297, 332, 284, 251, 389, 356, *_JAW[::-1], 127, 162, 21, 54, 103, 67, 109]] - centre
    ) * 1.15
    mask = Canvas().polygon(oval + centre).mask()
    hole = Canvas().ellipse(centre, (rng.uniform(28, 36), rng.uniform(8, 13)))
    if rng.random() < 0.3:
        mouth = points[[13, 14]].mean(axis=0)
        hole.ellipse(mouth, (rng.uniform(10, 15), rng.uniform(5, 8)))
    mask = mask * (1 - hole.mask())
    return _layer(_shaded(textures.cloth(rng, textures.cloth_colour(rng)), _rounded(mask, 0.4, 4)), mask)


def scarf(scene: Scene, rng: np.random.Generator) -> Layer:
    """Something wide below a slanting edge, such as a collar, a scarf or a book before the face."""
    at = scene.points[_BRIDGE[rng.integers(1, len(_BRIDGE))]] + rng.normal(0, 4, 2)
    edge = (
        turned(np.column_stack([np.linspace(-90, 90, 7), rng.normal(0, rng.uniform(0, 4), 7)]), rng.normal(0, 9)) + at
    )
    mask = Canvas().polygon(np.vstack([smooth(edge, 40), [(200, 200), (-100, 200)]])).mask(rng.uniform(0, 1))
    if rng.random() < 0.5:
        surface = textures.cloth(rng, textures.cloth_colour(rng))
    else:
        surface = textures.any_surface(rng, scene.photo)
    return _layer(_shaded(surface, _rounded(mask, rng.uniform(0, 0.4), 5)), mask)


def hand(scene: Scene, rng: np.random.Generator) -> Layer:
    """Fingers, with or without the palm, laid on a feature from any side."""
    target = _feature(scene, rng) + rng.normal(0, 4, 2)
    skin = (
        scene.skin() * rng.uniform(0.8, 1.15) + rng.normal(0, 6, 3)
        if rng.random() < 0.75
        else textures.skin_colour(rng)
    )
    # Most hands come from below.
    towards = rng.normal(90, 50) if rng.random() < 0.75 else rng.uniform(0, 360)
    width = rng.uniform(7, 12)
    fingers, spread = int(rng.integers(1, 6)), rng.uniform(0, 9)
    palm = rng.random() < 0.6
    mask, light = np.zeros((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32)
    if palm:
        back = target + turned(np.array([[rng.uniform(14, 30), 0.0]]), towards)[0]
        mask = Canvas().ellipse(back, (rng.uniform(16, 26), rng.uniform(13, 20)), towards).mask()
        wrist = back + turned(np.array([[0, -14], [120, -16], [120, 16], [0, 14]], np.float64), towards)
        mask = np.maximum(mask, Canvas().polygon(wrist).mask())
        light = _rounded(mask, 0.35, 4)
    for number in range(fingers):
        off = (number - (fingers - 1) / 2) * width * rng.uniform(0.85, 1.1)
        reach = rng.uniform(8, 28)
        path = np.array(
            [[-reach, off], [rng.uniform(-4, 10), off + rng.normal(0, 2)], [rng.uniform(20, 34), off * 0.8]]
        )
        bent = target + turned(path, towards + (number - (fingers - 1) / 2) * spread)
        finger = Canvas().line(smooth(bent, 16), width * rng.uniform(0.85, 1.05)).mask()
        shade = _rounded(finger, rng.uniform(0.25, 0.5), width / 5)
        light = light * (1 - finger) + shade * finger
        mask = np.maximum(mask, finger)
    surface = textures.plain(rng, skin.astype(np.float32))
    light = light * (1 + rng.uniform(-0.2, 0.2) * (np.mgrid[0:SIDE, 0:SIDE][1].astype(np.float32) / SIDE - 0.5))
    return _layer(_shaded(surface, light), mask)


def _feature(scene: Scene, rng: np.random.Generator) -> Floats:
    """The middle of one of the regions."""
    name = list(REGIONS)[rng.integers(len(REGIONS))]
    return np.asarray(scene.points[list(REGIONS[name])].mean(axis=0))


def lenses(scene: Scene, rng: np.random.Generator, low: float, high: float) -> list[np.ndarray]:
    """The outlines of two lenses before the eyes, `low`..`high` times as wide as the eyes."""
    wide, tall = rng.uniform(low, high), rng.uniform(0.55, 0.95)
    power = rng.uniform(2, 6)  # of the superellipse: 2 is round, 6 nearly a rectangle
    droop, down = rng.uniform(-6, 10), rng.uniform(-1, 4)
    across = scene.points[list(_EYES[1])].mean(axis=0) - scene.points[list(_EYES[0])].mean(axis=0)
    tilt = np.degrees(np.arctan2(across[1], across[0]))
    around = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    shape = np.column_stack([np.sign(f(around)) * np.abs(f(around)) ** (2 / power) for f in (np.cos, np.sin)])
    outlines = []
    for sign, corners in zip((-1, 1), _EYES, strict=True):
        eye = scene.points[list(corners)]
        half = max(float(np.linalg.norm(eye[1] - eye[0])) / 2, 4.0)
        lens = shape * (half * wide, half * wide * tall)
        outlines.append(moved(turned(lens, tilt + sign * droop) + eye.mean(axis=0), 0, down))
    return outlines


def frame(scene: Scene, rng: np.random.Generator, outlines: list[np.ndarray], width: float) -> Floats:
    """Rims, bridge and temples."""
    canvas = Canvas()
    rimmed = rng.random() < 0.85
    for outline in outlines:
        if rimmed:
            canvas.line(np.vstack([outline, outline[:1]]), width)
    left, right = outlines
    canvas.line([moved(left[np.argmax(left[:, 0])], 0, -1), moved(right[np.argmin(right[:, 0])], 0, -1)], max(1, width))
    canvas.line([left[np.argmin(left[:, 0])], moved(scene.points[127], -2, 0)], max(1, width))
    canvas.line([right[np.argmax(right[:, 0])], moved(scene.points[356], 2, 0)], max(1, width))
    return canvas.mask(0.3)


def sunglasses(scene: Scene, rng: np.random.Generator) -> Layer:
    """Dark or mirroring lenses; sometimes only before one eye, sometimes goggles in one piece."""
    outlines = lenses(scene, rng, 1.35, 2.1)
    kind = rng.random()
    canvas = Canvas()
    for number, outline in enumerate(outlines):
        if kind > 0.1 or number == 0:
            canvas.polygon(outline)
    if 0.1 < kind < 0.2:
        canvas.line([outline.mean(axis=0) for outline in outlines], 14)
    lens = canvas.mask(rng.uniform(0, 0.5))
    dark = rng.uniform(0, 60, 1) + rng.normal(0, 6, 3) if rng.random() < 0.8 else textures.any_colour(rng) * 0.7
    rows = np.mgrid[0:SIDE, 0:SIDE][0].astype(np.float32)
    surface = np.empty((SIDE, SIDE, 3), np.float32)
    surface[:] = dark
    surface += (rng.uniform(0, 90) * np.clip((rows - 32) / 16 * rng.choice([-1, 1]), 0, 1))[..., None]
    for _ in range(rng.integers(0, 4)):  # what they mirror
        shine = np.clip(noise(rng, rng.uniform(4, 14)) - 0.8, 0, 1) * rng.uniform(0, 160)
        surface += shine[..., None] * (textures.any_colour(rng) / 255 if rng.random() < 0.3 else 1)
    opacity = lens * rng.uniform(0.82, 1)
    rims = frame(scene, rng, outlines, rng.uniform(0.7, 3)) if kind > 0.1 else _strap(outlines)
    tone = textures.any_colour(rng) * rng.uniform(0, 1)
    surface = surface * (1 - rims[..., None]) + tone * rims[..., None]
    return Layer(surface, np.maximum(opacity, rims), np.maximum(lens, rims))


def _strap(outlines: list[np.ndarray]) -> Floats:
    middle = outlines[0].mean(axis=0)
    return Canvas().line([moved(middle, -40, 8), moved(middle, 60, -24)], 2).mask()


def hair(scene: Scene, rng: np.random.Generator) -> Layer:
    """Locks that fall from the forehead or from a side over the face."""
    root = moved(scene.points[_FOREHEAD], 0, -6)
    target = _feature(scene, rng) if rng.random() < 0.5 else scene.points[list(_EYES[rng.integers(2)])].mean(axis=0)
    tone = np.array(
        [(20, 16, 14), (60, 40, 28), (110, 75, 45), (175, 140, 90), (140, 138, 136)][rng.integers(5)], np.float32
    )
    mask, light = np.zeros((SIDE, SIDE), np.float32), np.ones((SIDE, SIDE), np.float32)
    locks = int(rng.integers(1, 8))
    spread = rng.uniform(4, 22)
    side = rng.normal(0, 18)
    for _ in range(locks):
        start = moved(root, side + rng.normal(0, spread), rng.normal(0, 4))
        end = moved(target, rng.normal(0, spread), abs(rng.normal(0, 14)) - 3)
        bow = (start + end) / 2 + rng.normal(0, 5, 2)
        path = smooth(np.stack([start, bow, end]), 20)
        lock = Canvas().line(path, rng.uniform(1, 14)).mask(rng.uniform(0.2, 1))
        strands = Canvas()
        for _ in range(4):
            strands.line(path + rng.normal(0, 3, 2), rng.uniform(0.5, 1.5))
        shade = 1 + rng.uniform(-0.4, 0.8) * strands.mask(0.4)
        light = light * (1 - lock) + shade * lock
        mask = np.maximum(mask, np.maximum(lock, strands.mask(0.3) * 0.8))
    return _layer(_shaded(textures.plain(rng, tone + rng.normal(0, 8, 3).astype(np.float32)), light), mask)


def thing(scene: Scene, rng: np.random.Generator) -> Layer:
    """A telephone, a card, a sheet, a beam: something with four corners."""
    at = _feature(scene, rng) + rng.normal(0, 8, 2)
    wide, tall = rng.uniform(8, 60), rng.uniform(14, 80)
    angle = rng.choice([0, 90]) + rng.normal(0, 20)
    corners = np.array([(-wide, -tall), (wide, -tall), (wide, tall), (-wide, tall)]) / 2
    if rng.random() < 0.3:
        corners[:2] *= rng.uniform(0.6, 1)  # a cup
    outline = turned(corners, angle) + at
    canvas = Canvas().polygon(outline)
    if rng.random() < 0.6:
        canvas.line(np.vstack([outline, outline[:1]]), rng.uniform(2, 8))
    mask = canvas.mask(rng.uniform(0, 1))
    surface = textures.any_surface(rng, scene.photo)
    if rng.random() < 0.4:  # the camera or a mark on a telephone
        for _ in range(rng.integers(1, 4)):
            spot = Canvas().ellipse(at + rng.uniform(-0.3, 0.3, 2) * (wide, tall), (rng.uniform(1, 5),) * 2).mask(0.3)
            surface = surface * (1 - spot[..., None]) + textures.any_colour(rng) * spot[..., None]
    return _layer(_shaded(surface, _rounded(mask, rng.uniform(0, 0.4), 3)), mask)


def microphone(scene: Scene, rng: np.random.Generator) -> Layer:
    """A round head on a stick, from below."""
    at = scene.points[[0, 17, 4, 1, 61, 291][rng.integers(6)]] + rng.normal(0, 5, 2)
    radius = rng.uniform(6, 18)
    canvas = Canvas().ellipse(at, (radius, radius * rng.uniform(0.8, 1.4)), rng.normal(0, 30))
    mask = canvas.line([at, moved(at, rng.normal(0, 25), 90)], radius * rng.uniform(0.3, 1.1)).mask(rng.uniform(0, 1))
    tone = rng.uniform(5, 70, 1) + rng.normal(0, 4, 3) if rng.random() < 0.7 else textures.any_colour(rng)
    surface = textures.plain(rng, tone.astype(np.float32)) + rng.uniform(0, 25) * noise(rng, 1.5)[..., None]
    return _layer(_shaded(surface, _rounded(mask, rng.uniform(0.1, 0.5), radius / 3)), mask)


def blob(scene: Scene, rng: np.random.Generator) -> Layer:
    """A thing of any shape and surface, such as food, a flower or someone's head."""
    around = np.linspace(0, 2 * np.pi, int(rng.integers(5, 12)), endpoint=False)
    radius = rng.uniform(6, 30) * rng.uniform(0.6, 1.3, len(around))
    ring = np.column_stack([np.cos(around), np.sin(around)]) * radius[:, None] * (1, rng.uniform(0.5, 1.5))
    ring = turned(ring, rng.uniform(0, 360)) + _feature(scene, rng) + rng.normal(0, 7, 2)
    mask = Canvas().polygon(smooth(np.vstack([ring, ring[:1]]), 50)).mask(rng.uniform(0, 1.5))
    return _layer(_shaded(textures.any_surface(rng, scene.photo), _rounded(mask, rng.uniform(0, 0.4), 4)), mask)


OCCLUDERS: tuple[tuple[Callable[[Scene, np.random.Generator], Layer], float], ...] = (
    (face_mask, 0.28),
    (balaclava, 0.03),
    (scarf, 0.07),
    (hand, 0.17),
    (sunglasses, 0.15),
    (hair, 0.07),
    (thing, 0.10),
    (microphone, 0.05),
    (blob, 0.08),
)
"""Each occluder and how often it is chosen."""
