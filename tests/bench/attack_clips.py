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
    from collections.abc import Sequence

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
