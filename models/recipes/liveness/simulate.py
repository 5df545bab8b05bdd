"""Recapture of a photo from a screen or from paper, simulated: attacks of faces whose recaptures nobody took.

The forms follow what recaptures show: a pixel grid that beats with the sensor's (moire), tone curves of a display,
compression before the screen, mirrored lamps, a frame round the picture, a phone that sharpens; halftone dots, the
smaller gamut of ink, texture and bend of paper, its white edge; and for both a second lens and a second compression.
"""

from __future__ import annotations

import cv2
import numpy as np


def screen(pixels: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """The photo as a camera sees it on a screen.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        face: x and y of the face's centre and the side of its box, in pixels; the frame stays outside it.
        rng: the randomness.
    """
    shown = _compressed(pixels, rng) if rng.random() < 0.3 else pixels
    image = _saturate(_tone(shown, rng.uniform(0.65, 1.55), rng.uniform(0.9, 1.5)), rng.uniform(0.75, 1.6))
    image *= 1 + rng.uniform(-0.12, 0.12, 3)
    image = image + rng.uniform(0, 0.12) * (1 - image)  # a screen's black shines
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = face[2] / 100
    if rng.random() < 0.75:
        image *= _beat(x / scale, y / scale, rng) if rng.random() < 0.5 else _stripes(x, y, rng)
    if rng.random() < 0.35:
        period = rng.uniform(0.2, 1.5) * height
        image *= 1 + rng.uniform(0.02, 0.12) * np.sin(2 * np.pi * y / period + rng.uniform(0, 6.3))[..., None]
    if rng.random() < 0.4:
        image += _glare(x, y, face, rng)
    if rng.random() < 0.6:
        image = framed(image, face, rng, (0.0, 0.12))
    if rng.random() < 0.2:
        image *= rng.uniform(1.0, 1.7)  # a bright screen in a dark room
    made = _captured(image, rng, scale)
    return _sharpened(made, rng) if rng.random() < 0.2 else made


def place_of(box: np.ndarray) -> tuple[float, float, float]:
    """Centre and larger side of a box, left, top, right, bottom: the face that `screen` and `paper` are told."""
    x, y = (box[:2] + box[2:]) / 2
    return float(x), float(y), float((box[2:] - box[:2]).max())


def paper(pixels: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """The photo as a camera sees it on paper; arguments as `screen`."""
    image = _saturate(_tone(pixels, rng.uniform(0.8, 1.3), rng.uniform(0.7, 1.2)), rng.uniform(0.4, 1.0))
    dark, bright = rng.uniform(0.08, 0.28), rng.uniform(0.7, 1.0)
    image = dark + (bright - dark) * image
    image *= 1 + np.array([rng.uniform(-0.02, 0.1), rng.uniform(-0.04, 0.04), rng.uniform(-0.12, 0.05)])
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = face[2] / 100
    if rng.random() < 0.5:
        angle, frequency = rng.uniform(0, np.pi), rng.uniform(0.15, 0.48) / scale
        u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
        dots = np.cos(2 * np.pi * frequency * u) * np.cos(2 * np.pi * frequency * v)
        image += rng.uniform(0.01, 0.06) * dots[..., None]
    if rng.random() < 0.4:
        streak = rng.normal(0, 1, (1, width) if rng.random() < 0.5 else (height, 1))
        image += rng.uniform(0.005, 0.03) * np.broadcast_to(streak, (height, width))[..., None]
    texture = cv2.resize(rng.normal(0, 1, (height // 3 + 1, width // 3 + 1)).astype(np.float32), (width, height))
    image += rng.uniform(0, 0.025) * texture[..., None]
    if rng.random() < 0.6:
        image = framed(image, face, rng, (0.75, 1.0))
    if rng.random() < 0.5:
        depth, period = rng.uniform(0, 0.04) * face[2], rng.uniform(1.5, 4) * face[2]
        bent = x + (depth * np.sin(2 * np.pi * y / period + rng.uniform(0, 6.3))).astype(np.float32)
        image = cv2.remap(image.astype(np.float32), bent, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    slope = rng.uniform(-0.25, 0.25, 2)
    image *= (1 + slope[0] * (x / width - 0.5) + slope[1] * (y / height - 0.5))[..., None]
    return _captured(image, rng, scale)


def _tone(pixels: np.ndarray, gamma: float, contrast: float) -> np.ndarray:
    image = (pixels.astype(np.float32) / 255) ** gamma
    middle = float(image.mean())
    return np.clip(middle + contrast * (image - middle), 0, 1)


def _saturate(image: np.ndarray, factor: float) -> np.ndarray:
    grey = image.mean(axis=2, keepdims=True)
    return np.clip(grey + factor * (image - grey), 0, 1)


def _compressed(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo as a video of less resolution has it."""
    height, width = pixels.shape[:2]
    share = rng.uniform(0.4, 1.0)
    few = cv2.resize(pixels, (round(width * share), round(height * share)), interpolation=cv2.INTER_AREA)
    return cv2.resize(packed(few, int(rng.integers(40, 95))), (width, height), interpolation=cv2.INTER_CUBIC)


def _sharpened(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = pixels.astype(np.float32)
    soft = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 2.0))
    return np.clip(image + rng.uniform(0.2, 1.2) * (image - soft), 0, 255).astype(np.uint8)


def _stripes(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The coloured stripes of a display and its rows; what is finer than two pixels of the sensor aliases."""
    pattern = np.ones((*x.shape, 3), np.float32)
    often = np.exp(rng.uniform(np.log(0.08), np.log(2.5)))
    first = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.12)
    bend = rng.normal(0, 1.5e-4, 2) * often
    seen = abs(np.sinc(often * rng.uniform(0.4, 1.0))) * np.exp(-((often * rng.uniform(0, 1)) ** 2) / 2)
    for angle, third in ((first, 1 / 3), (first + np.pi / 2, 0.0)):
        u = x * np.cos(angle) + y * np.sin(angle) + bend[0] * x**2 + bend[1] * y**2
        strength = np.clip(seen * rng.uniform(0.05, 0.9), rng.uniform(0.01, 0.04), rng.uniform(0.04, 0.15))
        pattern *= 1 + strength * np.cos(2 * np.pi * (often * u[..., None] + third * np.arange(3)))
    return pattern


def _beat(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The beat of two pixel grids: one wave a direction, each colour's shifted by a third; lines bend with the lens."""
    pattern = np.ones((*x.shape, 3), np.float32)
    bend = rng.normal(0, 2e-4, 2)
    first = rng.uniform(0, np.pi)
    for angle in (first, first + np.pi / 2)[: 1 + (rng.random() < 0.6)]:
        frequency = rng.uniform(0.03, 0.5)
        u = x * np.cos(angle) + y * np.sin(angle) + bend[0] * x**2 + bend[1] * y**2
        shift = rng.choice([0.0, 1 / 3]) * np.arange(3)
        strength = rng.uniform(0.01, 0.09)
        pattern *= 1 + strength * np.cos(2 * np.pi * (frequency * u[..., None] + shift))
    return pattern


def _glare(x: np.ndarray, y: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """A lamp or a window mirrored by the glass."""
    centre = np.array(face[:2]) + rng.normal(0, 0.6, 2) * face[2]
    size = rng.uniform(0.1, 0.7, 2) * face[2]
    angle = rng.uniform(0, np.pi)
    u = ((x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)) / size[0]
    v = ((y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)) / size[1]
    tint = 1 + rng.uniform(-0.15, 0.15, 3)
    return rng.uniform(0.1, 0.6) * np.exp(-(u**2 + v**2))[..., None] * tint


def framed(
    image: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator, shade: tuple[float, float]
) -> np.ndarray:
    """A frame about the face or near the edges of the photo, and behind it a blurred or plain surrounding.

    Args:
        image: floats (height, width, 3), RGB, black at 0 and white at 1.
        face: as for `screen`.
        rng: the randomness.
        shade: how dark and how bright the frame may be.
    """
    height, width = image.shape[:2]
    x, y, side = face
    reach = rng.uniform(0.62, 1.6, 4) * side
    if rng.random() < 0.4:
        reach = np.maximum(0.62 * side, np.array([x, y, width - x, height - y]) * rng.uniform(0.6, 1.0, 4))
    inner = np.array([x - reach[0], y - reach[1], x + reach[2], y + reach[3]])
    thick = rng.uniform(0.03, 0.4) * side
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    angle = np.deg2rad(rng.normal(0, 4))
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    middle, half = (inner[:2] + inner[2:]) / 2, (inner[2:] - inner[:2]) / 2
    surrounding = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.3 * side) * rng.uniform(0.3, 1.3)
    plain = rng.choice([0.5, 1.0])
    surrounding = (1 - plain) * surrounding + plain * rng.uniform(0, 1, 3).astype(np.float32)
    outer_mask, inner_mask = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for mask, grown in ((outer_mask, thick), (inner_mask, 0.0)):
        quad = middle + (corners * (half + grown)) @ turn
        cv2.fillConvexPoly(mask, np.round(quad * 16).astype(np.int32), 1.0, cv2.LINE_AA, 4)
    frame = np.full(3, rng.uniform(*shade), np.float32) + rng.normal(0, 0.02, 3).astype(np.float32)
    outer, within = outer_mask[..., None], inner_mask[..., None]
    return within * image + (outer - within) * frame + (1 - outer) * surrounding


def _captured(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Through a second lens, sensor and compression."""
    image = np.clip(image, 0, 1).astype(np.float32)
    if rng.random() < 0.7:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.6) * max(scale, 0.4))
    image += rng.normal(0, rng.uniform(0.002, 0.02), image.shape).astype(np.float32)
    image *= rng.uniform(0.8, 1.25)
    pixels = np.clip(np.round(255 * image), 0, 255).astype(np.uint8)
    return packed(pixels, int(rng.integers(55, 96)))


def packed(pixels: np.ndarray, quality: int) -> np.ndarray:
    """The photo, uint8 RGB, as a JPEG of this quality has it."""
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
