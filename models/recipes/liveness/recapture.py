"""Imitates the visible effects of recapturing a photo from a screen or a print, for `prepare` and `crops`.

Screens: moiré of the two pixel grids, the display's tone curve, compression before it, reflections, a bezel, the
camera's sharpening. Prints: halftone dots, the smaller gamut of ink, texture and bend of paper, a white border. Both: a
second lens, sensor and compression. Each effect is drawn by itself; `subpixel_screen` computes a screen's pixels
instead. Attacks as clips, for the bench, are in `tests/bench/attack_clips.py`.

Images between the steps are floats (height, width, 3), RGB, gamma-encoded, black at 0 and white at 1.
"""

from __future__ import annotations

import cv2
import numpy as np


def imitated_screen(pixels: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """The photo with effects of a recapture from a screen.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        face: x and y of the face's centre and the longer side of its box, in pixels; the bezel stays outside it.
        rng: draws which effects, and how strong.

    Returns:
        uint8, of the same shape.
    """
    shown = _low_resolution(pixels, rng) if rng.random() < 0.3 else pixels
    image = _saturate(_tone_curve(shown, rng.uniform(0.65, 1.55), rng.uniform(0.9, 1.5)), rng.uniform(0.75, 1.6))
    image *= 1 + rng.uniform(-0.12, 0.12, 3)
    image = image + rng.uniform(0, 0.12) * (1 - image)  # the black level of a display
    height, width = pixels.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    scale = face[2] / 100
    if rng.random() < 0.75:
        image *= _moire(x / scale, y / scale, rng) if rng.random() < 0.5 else _subpixels(x, y, rng)
    if rng.random() < 0.35:
        period = rng.uniform(0.2, 1.5) * height
        image *= 1 + rng.uniform(0.02, 0.12) * np.sin(2 * np.pi * y / period + rng.uniform(0, 6.3))[..., None]
    if rng.random() < 0.4:
        image += _glare(x, y, face, rng)
    if rng.random() < 0.6:
        image = with_border(image, face, rng, (0.0, 0.12))
    if rng.random() < 0.2:
        image *= rng.uniform(1.0, 1.7)  # a bright screen in a dark room
    captured = _captured(image, rng, scale)
    return _sharpened(captured, rng) if rng.random() < 0.2 else captured


def centre_and_side(box: np.ndarray) -> tuple[float, float, float]:
    """The centre, x and y, and the longer side of a box (4,): left, top, right, bottom; all in pixels."""
    x, y = (box[:2] + box[2:]) / 2
    return float(x), float(y), float((box[2:] - box[:2]).max())


def imitated_print(pixels: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator) -> np.ndarray:
    """The photo with effects of a recapture from a print; arguments and result as `imitated_screen`."""
    image = _saturate(_tone_curve(pixels, rng.uniform(0.8, 1.3), rng.uniform(0.7, 1.2)), rng.uniform(0.4, 1.0))
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
        image = with_border(image, face, rng, (0.75, 1.0))
    if rng.random() < 0.5:
        depth, period = rng.uniform(0, 0.04) * face[2], rng.uniform(1.5, 4) * face[2]
        bent = x + (depth * np.sin(2 * np.pi * y / period + rng.uniform(0, 6.3))).astype(np.float32)
        image = cv2.remap(image.astype(np.float32), bent, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT)
    slope = rng.uniform(-0.25, 0.25, 2)
    image *= (1 + slope[0] * (x / width - 0.5) + slope[1] * (y / height - 0.5))[..., None]
    return _captured(image, rng, scale)


def _tone_curve(pixels: np.ndarray, gamma: float, contrast: float) -> np.ndarray:
    image = (pixels.astype(np.float32) / 255) ** gamma
    mean = float(image.mean())
    return np.clip(mean + contrast * (image - mean), 0, 1)


def _saturate(image: np.ndarray, factor: float) -> np.ndarray:
    grey = image.mean(axis=2, keepdims=True)
    return np.clip(grey + factor * (image - grey), 0, 1)


def _low_resolution(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The photo downscaled, compressed as JPEG and enlarged again, as a video of lower resolution would be."""
    height, width = pixels.shape[:2]
    scale = rng.uniform(0.4, 1.0)
    small = cv2.resize(pixels, (round(width * scale), round(height * scale)), interpolation=cv2.INTER_AREA)
    return cv2.resize(jpeg_roundtrip(small, int(rng.integers(40, 95))), (width, height), interpolation=cv2.INTER_CUBIC)


def _sharpened(pixels: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    image = pixels.astype(np.float32)
    blurred = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 2.0))
    return np.clip(image + rng.uniform(0.2, 1.2) * (image - blurred), 0, 255).astype(np.uint8)


def _subpixels(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A display's coloured stripes and rows as two cosine waves; those above 0.5 periods a pixel alias.

    Args:
        x: float32 (height, width), coordinates in pixels.
        y: likewise.
        rng: draws frequencies, angles and strengths.

    Returns:
        Factors of the image, floats (height, width, 3), RGB; about 1 on average.
    """
    pattern = np.ones((*x.shape, 3), np.float32)
    frequency = np.exp(rng.uniform(np.log(0.08), np.log(2.5)))
    first = rng.choice([0, np.pi / 2]) + rng.normal(0, 0.12)
    bend = rng.normal(0, 1.5e-4, 2) * frequency
    # What remains of the contrast after the sensor's pixels, which are squares, and the blur of the lens.
    contrast = abs(np.sinc(frequency * rng.uniform(0.4, 1.0))) * np.exp(-((frequency * rng.uniform(0, 1)) ** 2) / 2)
    for angle, offset in ((first, 1 / 3), (first + np.pi / 2, 0.0)):
        u = x * np.cos(angle) + y * np.sin(angle) + bend[0] * x**2 + bend[1] * y**2
        strength = np.clip(contrast * rng.uniform(0.05, 0.9), rng.uniform(0.01, 0.04), rng.uniform(0.04, 0.15))
        pattern *= 1 + strength * np.cos(2 * np.pi * (frequency * u[..., None] + offset * np.arange(3)))
    return pattern


def _moire(x: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Moiré of two pixel grids: one or two cosine waves, bent by the lens; the colours in phase or a third apart.

    Arguments, but for the coordinates in hundredths of the face, and result as `_subpixels`.
    """
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
    """A lamp or a window reflected by the glass: light to add, floats (height, width, 3)."""
    centre = np.array(face[:2]) + rng.normal(0, 0.6, 2) * face[2]
    size = rng.uniform(0.1, 0.7, 2) * face[2]
    angle = rng.uniform(0, np.pi)
    u = ((x - centre[0]) * np.cos(angle) + (y - centre[1]) * np.sin(angle)) / size[0]
    v = ((y - centre[1]) * np.cos(angle) - (x - centre[0]) * np.sin(angle)) / size[1]
    tint = 1 + rng.uniform(-0.15, 0.15, 3)
    return rng.uniform(0.1, 0.6) * np.exp(-(u**2 + v**2))[..., None] * tint


def with_border(
    image: np.ndarray, face: tuple[float, float, float], rng: np.random.Generator, brightness: tuple[float, float]
) -> np.ndarray:
    """The image inside a border, such as a bezel or a print's white edge, before a blurred or plain background.

    Args:
        image: floats (height, width, 3), RGB, black at 0 and white at 1.
        face: as for `imitated_screen`; the border stays outside it.
        rng: draws the border's place, width and angle, and the background.
        brightness: least and greatest of the border.
    """
    height, width = image.shape[:2]
    x, y, side = face
    reach = rng.uniform(0.62, 1.6, 4) * side
    if rng.random() < 0.4:
        reach = np.maximum(0.62 * side, np.array([x, y, width - x, height - y]) * rng.uniform(0.6, 1.0, 4))
    inner = np.array([x - reach[0], y - reach[1], x + reach[2], y + reach[3]])
    thickness = rng.uniform(0.03, 0.4) * side
    corners = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float32)
    angle = np.deg2rad(rng.normal(0, 4))
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    centre, half = (inner[:2] + inner[2:]) / 2, (inner[2:] - inner[:2]) / 2
    background = cv2.GaussianBlur(image.astype(np.float32), (0, 0), 0.3 * side) * rng.uniform(0.3, 1.3)
    plain = rng.choice([0.5, 1.0])
    background = (1 - plain) * background + plain * rng.uniform(0, 1, 3).astype(np.float32)
    outer_mask, inner_mask = np.zeros((height, width), np.float32), np.zeros((height, width), np.float32)
    for mask, grown in ((outer_mask, thickness), (inner_mask, 0.0)):
        quad = centre + (corners * (half + grown)) @ rotation
        cv2.fillConvexPoly(mask, np.round(quad * 16).astype(np.int32), 1.0, cv2.LINE_AA, 4)
    border = np.full(3, rng.uniform(*brightness), np.float32) + rng.normal(0, 0.02, 3).astype(np.float32)
    outer, inside = outer_mask[..., None], inner_mask[..., None]
    return inside * image + (outer - inside) * border + (1 - outer) * background


def _captured(image: np.ndarray, rng: np.random.Generator, scale: float) -> np.ndarray:
    """Blur of the second lens, noise and exposure of the sensor, JPEG: uint8 (height, width, 3), RGB."""
    image = np.clip(image, 0, 1).astype(np.float32)
    if rng.random() < 0.7:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.3, 1.6) * max(scale, 0.4))
    image += rng.normal(0, rng.uniform(0.002, 0.02), image.shape).astype(np.float32)
    image *= rng.uniform(0.8, 1.25)
    pixels = np.clip(np.round(255 * image), 0, 255).astype(np.uint8)
    return jpeg_roundtrip(pixels, int(rng.integers(55, 96)))


def jpeg_roundtrip(pixels: np.ndarray, quality: int) -> np.ndarray:
    """Encode as JPEG of a quality from 1 to 100 and decode; uint8 (height, width, 3), RGB, in and out."""
    _, data = cv2.imencode(".jpg", pixels[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[..., ::-1])
