"""Attacks as clips, made from bona fide photos and clips: a looped photo, a moved photo, a replay on a screen.

The bytes are those of an MP4, so that they go through the decoder like any other. Everything random comes from the
generator that is passed in.
"""

from __future__ import annotations

import math
from fractions import Fraction
from typing import TYPE_CHECKING

import cv2
import numpy as np

from tools.make_clip import encode_clip

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from senseid_engine.arrays import Pixels

RATE = 25
SECONDS = 3.0
LONGEST = 640


def encode(frames: Sequence[Pixels]) -> bytes:
    """An MP4 with H.264 of RGB frames of one even shape, `RATE` a second."""
    return encode_clip(frames, range(len(frames)), codec="libx264", time_base=Fraction(1, RATE))


def fitted(photo: Pixels) -> Pixels:
    """A photo with even sides, the longer at most `LONGEST`."""
    scale = min(1.0, LONGEST / max(photo.shape[:2]))
    height, width = (max(2, 2 * round(side * scale / 2)) for side in photo.shape[:2])
    return cv2.resize(photo, (width, height), interpolation=cv2.INTER_AREA)


def _fitted_face(photo: Pixels, points: np.ndarray) -> tuple[Pixels, np.ndarray]:
    """A photo as `fitted` makes it, and the points of its face there."""
    return fitted(photo), points * min(1.0, LONGEST / max(photo.shape[:2]))


def looped(photo: Pixels, rng: np.random.Generator, *, noise: float) -> list[Pixels]:
    """A photo for `SECONDS`; with fresh noise of that standard deviation (grey levels) on every frame."""
    photo = fitted(photo)
    return [_noisy(photo, rng, noise) for _ in range(round(SECONDS * RATE))]


def moved(photo: Pixels, rng: np.random.Generator, *, noise: float) -> list[Pixels]:
    """A photo that is slowly panned, zoomed, turned and tilted, as by a hand that holds it."""
    photo = fitted(photo)
    height, width = photo.shape[:2]
    count = round(SECONDS * RATE)
    pan, zoom = rng.uniform(-0.12, 0.12, 2) * (width, height), rng.uniform(0.9, 1.15)
    turn, tilt = math.radians(rng.uniform(-6, 6)), rng.uniform(-0.12, 0.12, 2)
    phase, shake = rng.uniform(0, 2 * math.pi, 4), rng.uniform(0, 2.0)
    centre = np.array([width / 2, height / 2])
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * centre
    frames = []
    for i in range(count):
        way = i / (count - 1)
        angle, scale = turn * way, zoom**way
        # A plane that is tilted: nearer corners move outwards.
        depth = 1 + (corners / centre) @ (tilt * way)
        rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
        hand = shake * np.sin(phase[:2] + 2 * math.pi * i / RATE * np.array([1.3, 1.7]))
        quad = (corners * scale / depth[:, None]) @ rotation.T + centre + pan * way + hand
        matrix = cv2.getPerspectiveTransform((corners + centre).astype(np.float32), quad.astype(np.float32))
        view = cv2.warpPerspective(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        frames.append(_noisy(view, rng, noise))
    return frames


def slide_show(photos: Sequence[Pixels], rng: np.random.Generator, *, noise: float) -> list[Pixels]:
    """Photos of one person that fade into each other, while each is zoomed and swayed.

    Args:
        photos: uint8 (height, width, 3) each, RGB, of one even shape, the faces at about the same place.
        rng: chooses speeds and amounts.
        noise: standard deviation of fresh noise, grey levels.
    """
    height, width = photos[0].shape[:2]
    hold = rng.uniform(0.6, 3.0)
    fade, zoom, phase = hold * rng.uniform(0.2, 1.0), rng.uniform(0, 0.2), rng.uniform(0, 2 * math.pi, 2)

    def view(number: int, since: float) -> np.ndarray:
        way = since / hold
        scale = 1 + zoom * (way if number % 2 else max(1 - way, 0))
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 0, scale)
        matrix[:, 2] += 0.05 * zoom * width * np.sin(phase + since * np.array([1.3, 0.9]))
        photo = photos[number % len(photos)]
        return cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE).astype(np.float32)

    frames = []
    for i in range(round(2 * SECONDS * RATE)):
        number, since = divmod(i / RATE, hold)
        share = max(since - (hold - fade), 0) / fade
        mixed = (1 - share) * view(int(number), since) + share * view(int(number) + 1, 0)
        frames.append(_noisy(np.round(mixed).astype(np.uint8), rng, noise))
    return frames


def followed(shots: Sequence[Sequence[Pixels]], rng: np.random.Generator) -> list[Pixels]:
    """Clips of one person that follow each other, each fading into the next; the first comes again after the last.

    Args:
        shots: uint8 (height, width, 3) frames of each, RGB, of one even shape, `SECONDS` long.
        rng: chooses how long they are shown, and how fast they fade.
    """
    hold, fade = round(rng.uniform(0.8, 2.0) * RATE), round(rng.uniform(0.0, 0.8) * RATE)
    frames = []
    for i in range(round(2 * SECONDS * RATE)):
        number, since = divmod(i, hold)
        share = max(since - (hold - fade), 0) / max(fade, 1)
        one, other = (
            shots[number % len(shots)][fade + since],
            shots[(number + 1) % len(shots)][max(since + fade - hold, 0)],
        )
        mixed = (1 - share) * one.astype(np.float32) + share * other
        frames.append(np.round(mixed).astype(np.uint8))
    return frames


def replayed(frames: Sequence[Pixels], rng: np.random.Generator) -> list[Pixels]:
    """A clip shown on a screen and filmed again: bezel, tone curve, pixel grid, rolling band, glare, a shaky hand."""
    height, width = (side // 2 * 2 for side in frames[0].shape[:2])
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    gamma, contrast, black = rng.uniform(0.75, 1.4), rng.uniform(1.0, 1.4), rng.uniform(0.02, 0.1)
    tint, saturation = 1 + rng.uniform(-0.1, 0.1, 3), rng.uniform(0.8, 1.5)
    shown, angle = rng.uniform(0.82, 1.0), math.radians(rng.normal(0, 3))
    frequency, strength = rng.uniform(0.08, 0.45), rng.uniform(0.02, 0.08)
    u, v = x * math.cos(angle + 0.3) + y * math.sin(angle + 0.3), y * math.cos(angle + 0.3) - x * math.sin(angle + 0.3)
    shift = np.arange(3) / 3
    grid = (1 + strength * np.cos(2 * np.pi * (frequency * u[..., None] + shift))) * (
        1 + strength * np.cos(2 * np.pi * frequency * v)[..., None]
    )
    spot = rng.uniform(0.2, 0.8, 2) * (width, height)
    reach = rng.uniform(0.1, 0.3) * width
    glare = rng.uniform(0, 0.35) * np.exp(-(((x - spot[0]) ** 2 + (y - spot[1]) ** 2) / reach**2))[..., None]
    room = rng.uniform(0.05, 0.6, 3)
    blur, speed, phase = rng.uniform(0.5, 1.3), rng.uniform(0.3, 2.0), rng.uniform(0, 6.3, 2)
    done = []
    for i, frame in enumerate(frames):
        image = (frame[:height, :width].astype(np.float32) / 255) ** gamma
        grey = image.mean(axis=2, keepdims=True)
        image = np.clip(0.45 + contrast * (grey + saturation * (image - grey) - 0.45), 0, 1) * tint
        image = black + (1 - black) * image
        image *= 1 + 0.05 * np.sin(2 * np.pi * (y / height - speed * i / RATE))[..., None]
        hand = 1.5 * np.sin(phase + 2 * np.pi * 1.2 * i / RATE)
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), math.degrees(angle), shown)
        matrix[:, 2] += hand
        on_screen = np.concatenate([image * grid, np.ones((height, width, 1))], axis=2).astype(np.float32)
        view = cv2.warpAffine(on_screen, matrix, (width, height), borderValue=(0, 0, 0, 0))
        bezel = cv2.dilate(view[..., 3], np.ones((25, 25), np.uint8))
        image = view[..., :3] + np.where(bezel[..., None] > 0, 0.02, room) * (1 - view[..., 3:])
        image = cv2.GaussianBlur((image + glare).astype(np.float32), (0, 0), blur)
        image += rng.normal(0, 0.008, image.shape)
        done.append(np.clip(np.round(255 * image), 0, 255).astype(np.uint8))
    return done


def _noisy(pixels: Pixels, rng: np.random.Generator, noise: float) -> Pixels:
    if not noise:
        return pixels
    return np.clip(np.round(pixels + rng.normal(0, noise, pixels.shape)), 0, 255).astype(np.uint8)


def repeated(frames: Sequence[Pixels], rng: np.random.Generator, *, back: bool) -> list[Pixels]:
    """A piece of a live clip, half a second to a second and a half long, again and again; or to and fro.

    Args:
        frames: of the clip, `RATE` a second.
        rng: chooses the piece.
        back: whether each piece is played backwards before it is played again.
    """
    count = min(len(frames), round(rng.uniform(0.5, 1.5) * RATE))
    start = int(rng.integers(0, len(frames) - count + 1))
    piece = [fitted(frame) for frame in frames[start : start + count]]
    if back:
        piece += piece[-2:0:-1]
    return [piece[i % len(piece)] for i in range(round(2 * SECONDS * RATE) if back else round(1.5 * SECONDS * RATE))]


def animated(photo: Pixels, points: np.ndarray, rng: np.random.Generator, *, turn: bool, noise: float) -> list[Pixels]:
    """A photo that is warped smoothly by the landmarks of its face: one photo and a warp suffice.

    Args:
        photo: uint8 (height, width, 3), RGB.
        points: float32 (468, 3), the mesh of its face, in pixels; z grows away from the camera.
        rng: chooses speeds and amounts.
        turn: turn and nod the head, by the depth of the landmarks; the mouth and the eyes move anyway.
        noise: standard deviation of fresh noise, grey levels.
    """
    photo, points = _fitted_face(photo, points)
    height, width = photo.shape[:2]
    face = float(np.ptp(points[:, 1]))
    # The warp is smooth: Gaussian weights of the landmarks on a coarse grid, fading out beyond the face.
    rows, columns = np.mgrid[0:height:8, 0:width:8].astype(np.float32)
    grid = np.stack([columns.ravel(), rows.ravel()], axis=1)
    distance = ((grid[:, None, :] - points[None, :, :2]) ** 2).sum(axis=2)
    near = np.exp(-distance / (2 * (0.06 * face) ** 2))
    fading = np.exp(-np.maximum(np.sqrt(distance.min(axis=1)) - 0.1 * face, 0) / (0.35 * face))
    weights = near / (near.sum(axis=1, keepdims=True) + 1e-6)
    far = near.sum(axis=1) < 1e-3
    nearest = distance.argmin(axis=1)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    frames = []
    for acted in _acted(points, rng, turn=turn):
        shift = (acted - points)[:, :2]
        field = weights @ shift
        field[far] = shift[nearest[far]]
        field *= fading[:, None]
        dense = cv2.resize(field.reshape(*rows.shape, 2).astype(np.float32), (width, height))
        view = cv2.remap(photo, x - dense[..., 0], y - dense[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        frames.append(_noisy(view, rng, noise))
    return frames


def painted(photo: Pixels, points: np.ndarray, rng: np.random.Generator, *, turn: bool, noise: float) -> list[Pixels]:
    """A photo that is warped triangle by triangle, with seams, and whose mouth is painted dark where it opens.

    Arguments as `animated`.
    """
    photo, points = _fitted_face(photo, points)
    height, width = photo.shape[:2]
    # What stays: a ring around the face, and the edge of the photo.
    hull, centre = cv2.convexHull(points[:, :2].astype(np.float32))[:, 0], points[:, :2].mean(axis=0)
    across, down = np.linspace(0, width - 1, 6), np.linspace(0, height - 1, 6)
    edge = [(x, y) for x in across for y in down if x in across[[0, -1]] or y in down[[0, -1]]]
    fixed = np.vstack([centre + 1.35 * (hull - centre), edge])
    still = np.clip(np.vstack([points[:, :2], fixed]), 0, (width - 1.01, height - 1.01)).astype(np.float32)
    triangles = _triangles(still, width, height)
    frames = []
    for acted in _acted(points, rng, turn=turn):
        moved_points = np.vstack([acted[:, :2], fixed]).astype(np.float32)
        view = photo.copy()
        for corners in triangles:
            _move_triangle(photo, view, still[corners], moved_points[corners])
        mouth = np.zeros((height, width), np.uint8)
        cv2.fillPoly(mouth, [np.round(acted[_INNER_LIPS, :2]).astype(np.int32)], 255)
        share = cv2.GaussianBlur(mouth, (0, 0), 1.0)[..., None] / 255 * (np.ptp(acted[[13, 14], 1]) > 2)
        frames.append(_noisy(np.round(view * (1 - share) + share * (45, 20, 20)).astype(np.uint8), rng, noise))
    return frames


def carried(frames: Sequence[Pixels], rng: np.random.Generator, *, noise: float) -> list[Pixels]:
    """A clip that an unsteady hand films from a screen too fine to show: it shakes, and the exposure drifts.

    Args:
        frames: of the clip, `RATE` a second, all of one shape.
        rng: chooses the movement.
        noise: standard deviation of fresh noise, grey levels.
    """
    height, width = frames[0].shape[:2]
    done = []
    for frame, (x, y, angle, nearer, light) in zip(frames, _wandering(len(frames), 5, rng), strict=True):
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), 1.2 * angle, 1.05 + 0.02 * nearer)
        matrix[:, 2] += (0.02 * width * x, 0.02 * width * y)
        view = cv2.warpAffine(frame, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
        lit = np.clip(np.round(view * (1 + 0.04 * light)), 0, 255).astype(np.uint8)
        done.append(_noisy(lit, rng, noise))
    return done


def _wandering(count: int, ways: int, rng: np.random.Generator) -> np.ndarray:
    """Random walks, smoothed over a third of a second: float64 (count, ways), from -1 to 1."""
    walks = cv2.GaussianBlur(np.cumsum(rng.normal(size=(count, ways)), axis=0), (1, 0), sigmaX=1, sigmaY=RATE / 3)
    walks -= walks.mean(axis=0)
    return walks / np.abs(walks).max(axis=0)


_INNER_LIPS = (78, 191, 80, 81, 82, 13, 312, 311, 310, 415, 308, 324, 318, 402, 317, 14, 87, 178, 88, 95)


def _acted(points: np.ndarray, rng: np.random.Generator, *, turn: bool) -> Iterator[np.ndarray]:
    """The landmarks of a face whose mouth opens and closes and whose eyes blink twice, for `SECONDS`."""
    face = float(np.ptp(points[:, 1]))
    centre, count = points.mean(axis=0), round(SECONDS * RATE)
    phases, speeds = rng.uniform(0, 2 * math.pi, 3), rng.uniform(0.25, 0.7, 2)
    yaw, nod, gape = math.radians(rng.uniform(5, 12)), math.radians(rng.uniform(2, 6)), rng.uniform(0.03, 0.08) * face
    closing = rng.uniform(0.2, 0.9, 2) * count
    below = (points[:, 1] > points[13, 1]) & (np.abs(points[:, 0] - points[13, 0]) < 0.35 * face)
    lids = [np.array(ids) for ids in ((159, 158, 160, 157, 161), (386, 385, 387, 384, 388))]
    lower = (145, 374)
    for i in range(count):
        acted = points.astype(np.float64)
        if turn:
            a = yaw * math.sin(phases[0] + 2 * math.pi * speeds[0] * i / RATE)
            b = nod * math.sin(phases[1] + 2 * math.pi * speeds[1] * i / RATE)
            p = acted - centre
            p = p @ np.array([[math.cos(a), 0, -math.sin(a)], [0, 1, 0], [math.sin(a), 0, math.cos(a)]])
            p = p @ np.array([[1, 0, 0], [0, math.cos(b), -math.sin(b)], [0, math.sin(b), math.cos(b)]])
            acted = p + centre
        opened = gape * max(0.0, math.sin(phases[2] + 2 * math.pi * 1.7 * i / RATE)) * abs(math.sin(i / RATE))
        acted[below, 1] += opened
        shut = float(np.exp(-(((i - closing) / (0.08 * RATE)) ** 2)).max())
        for ids, lid in zip(lids, lower, strict=True):
            acted[ids, 1] += shut * (points[lid, 1] - points[ids, 1])
        yield acted


def _triangles(points: np.ndarray, width: int, height: int) -> np.ndarray:
    """Delaunay's triangles between points of a picture: int (n, 3), numbers of points."""
    plane = cv2.Subdiv2D((0, 0, width, height))
    plane.insert(points.tolist())
    corners = plane.getTriangleList().reshape(-1, 3, 2)
    distance = np.linalg.norm(corners[:, :, None] - points[None, None], axis=3)
    return distance.argmin(axis=2)[distance.min(axis=2).max(axis=1) < 0.1]


def _move_triangle(photo: Pixels, view: Pixels, start: np.ndarray, end: np.ndarray) -> None:
    """Draw a triangle of the photo into the view, where it is moved to."""
    low = np.maximum(np.floor(end.min(axis=0)).astype(int), 0)
    high = np.minimum(np.ceil(end.max(axis=0)).astype(int) + 1, view.shape[1::-1])
    width, height = (high - low).tolist()
    if width < 1 or height < 1:
        return
    matrix = cv2.getAffineTransform(start, (end - low).astype(np.float32))
    part = cv2.warpAffine(photo, matrix, (width, height), borderMode=cv2.BORDER_REPLICATE)
    inside = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(inside, np.round(end - low).astype(np.int32), 255)
    view[low[1] : high[1], low[0] : high[0]][inside > 0] = part[inside > 0]


def bent(photo: Pixels, rng: np.random.Generator, *, noise: float) -> list[Pixels]:
    """A print that is bent round a cylinder, more and less, as by the hands that hold it."""
    photo = fitted(photo)
    height, width = photo.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    u = (x - width / 2) / (width / 2)
    most, speed, phase = rng.uniform(0.2, 0.5), rng.uniform(0.2, 0.6), rng.uniform(0, 2 * math.pi)
    frames = []
    for i in range(round(SECONDS * RATE)):
        bend = most * (0.6 + 0.4 * math.sin(phase + 2 * math.pi * speed * i / RATE))
        depth = 1 + bend * (1 - np.cos(u * 1.2))
        source = width / 2 + np.arcsin(np.clip(u * math.sin(1.2 * bend), -1, 1)) / (1.2 * bend) * width / 2
        view = cv2.remap(
            photo, source.astype(np.float32), ((y - height / 2) * depth + height / 2).astype(np.float32),
            cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE,
        )  # fmt: skip
        frames.append(_noisy(view, rng, noise))
    return frames


def cut_out(photo: Pixels, points: np.ndarray, room: Pixels, rng: np.random.Generator, *, noise: float) -> list[Pixels]:
    """The face cut out of a print, held and moved before a background.

    Args:
        photo: uint8 (height, width, 3), RGB.
        points: float32 (468, 3), the mesh of its face, in pixels.
        room: another photo, the background.
        rng: chooses the movement.
        noise: standard deviation of fresh noise, grey levels.
    """
    photo, points = _fitted_face(photo, points)
    height, width = photo.shape[:2]
    mask = np.zeros((height, width), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(points[:, :2].astype(np.int32)), 255)
    side = max(3, int(0.25 * np.ptp(points[:, 1])) | 1)
    mask = cv2.dilate(mask, np.ones((side, side), np.uint8))
    behind = cv2.resize(room, (width, height), interpolation=cv2.INTER_AREA)
    layers = np.dstack([photo, mask])
    views = moved(layers, rng, noise=0)
    frames = []
    for view in views:
        share = view[..., 3:].astype(np.float32) / 255
        mixed = (view[..., :3] * share + behind * (1 - share)).astype(np.uint8)
        frames.append(_noisy(mixed, rng, noise))
    return frames
