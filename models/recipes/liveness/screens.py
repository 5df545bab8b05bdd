"""A screen as a camera's sensor samples it, computed from the light: what the plainer `simulate.screen` only imitates.

The light of a screen comes from sub-pixels in a regular lattice. As a Fourier series that lattice is its mean, which is
the picture, and waves whose frequencies are the multiples of the lattice's. Each wave is weakened by the blur of the
lens and by the area over which a pixel of the sensor collects light, and is then known only at the centres of those
pixels: what is finer than two of them appears as a coarser wave (aliasing), the beat that photos of screens show. Three
colours, whose sub-pixels lie beside each other, give it its colours.

After the light comes the camera: exposure, white balance, one colour a pixel, noise, tone curve, sharpening, JPEG.
`camera` is that alone, before a living face, so that nobody learns that a camera's traces mean a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.liveness.simulate import framed, packed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_engine.arrays import Floats, Pixels

_REACH = 2.1
"""Only so many sides of the face's box to each side of its centre are computed: no crop of a face sees more."""
_FRAMED = 0.25
_ORDERS = tuple((m, n) for m in range(4) for n in range(-3, 4) if m > 0 or n > 0)
"""The multiples of the lattice's frequencies: half of the plane, since a real wave stands for both its frequencies."""
_LEAST_HEIGHT = 2e-3
"""A wave below this share of the light is not worth its time."""
_GREY = np.array([0.3, 0.59, 0.11], np.float32)
_WHITE = 32768
"""What white is in the 16 bits that OpenCV's demosaicing takes; brighter light has room above it."""


def screen(pixels: Pixels, face: tuple[float, float, float], rng: np.random.Generator) -> Pixels:
    """The photo as a camera sees it on a screen.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        face: x and y of the face's centre and the side of its box, in pixels.
        rng: the randomness.

    Returns:
        uint8, of the same shape; what is far from the face is as it was.
    """
    region = _Region.about(face, pixels)
    near = region.of(pixels)
    shown, scale = _coarser(near, rng), _sensor_scale(face, rng)
    light = _shown_light(_resized(shown, scale), region.face, scale, rng)
    if rng.random() < _FRAMED:
        x, y, side = region.face
        light = np.maximum(framed(light, (x * scale, y * scale, side * scale), rng, (0.0, 0.08)), 0).astype(np.float32)
    return region.put(pixels, _filed(_developed(light, rng), near, rng))


def camera(pixels: Pixels, face: tuple[float, float, float], rng: np.random.Generator) -> Pixels:
    """The photo as the same cameras see it before them, without a screen; arguments and result as `screen`."""
    region = _Region.about(face, pixels)
    near = region.of(pixels)
    light = _linear(_resized(near, _sensor_scale(face, rng)), 2.2)
    if rng.random() < 0.5:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 0.8)), np.float32)
    return region.put(pixels, _filed(_developed(light, rng), near, rng))


@dataclass(frozen=True, slots=True)
class _Region:
    """The part of a photo that is computed, in whole pixels, and the face as seen from its corner."""

    left: int
    top: int
    right: int
    bottom: int
    face: tuple[float, float, float]

    @classmethod
    def about(cls, face: tuple[float, float, float], pixels: Pixels) -> _Region:
        """The part of the photo about the face."""
        x, y, side = face
        reach = _REACH * side
        left, top = int(max(0, x - reach)), int(max(0, y - reach))
        right, bottom = int(min(pixels.shape[1], x + reach)), int(min(pixels.shape[0], y + reach))
        return cls(left, top, right, bottom, (x - left, y - top, side))

    def of(self, pixels: Pixels) -> Pixels:
        """The pixels of the part: a copy or the photo itself, never written to."""
        return np.ascontiguousarray(pixels[self.top : self.bottom, self.left : self.right])

    def put(self, pixels: Pixels, part: Pixels) -> Pixels:
        """A copy of the photo with another part."""
        made = pixels.copy()
        made[self.top : self.bottom, self.left : self.right] = part
        return made


@dataclass(frozen=True, slots=True)
class _Wave:
    """One wave of a lattice of sub-pixels, before lens and sensor.

    Attributes:
        across: its frequency along the rows of the screen, in periods per pixel of the screen.
        down: the same along the columns.
        height: its Fourier coefficient, in units of the mean light; the wave goes up and down by twice that.
        start: its phase at the corner, in periods.
    """

    across: float
    down: float
    height: float
    start: float


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sensor_scale(face: tuple[float, float, float], rng: np.random.Generator) -> float:
    """How many pixels the sensor has for one of the photo: a photo is often made smaller after it was taken."""
    return float(rng.choice([1.0, 1.5, 2.0])) if face[2] < 220 else 1.0


def _coarser(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The photo as it is shown: often with less resolution, compressed, and enlarged by the display."""
    if rng.random() >= 0.6:
        return pixels
    height, width = pixels.shape[:2]
    share = rng.uniform(0.4, 1.0)
    size = max(8, round(width * share)), max(8, round(height * share))
    few = packed(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), int(rng.integers(40, 95)))
    enlarge = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(few, (width, height), interpolation=enlarge), np.uint8)


def _resized(pixels: Pixels, scale: float) -> Pixels:
    """On the grid of the sensor, whose sides are even: its mosaic of colours repeats every two pixels."""
    height, width = pixels.shape[:2]
    size = round(width * scale / 2) * 2, round(height * scale / 2) * 2
    how = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, size, interpolation=how), np.uint8)


def _linear(pixels: Pixels, gamma: float) -> Floats:
    """Light of pixels, 0..1; a photo's numbers are about its root."""
    return np.asarray((pixels.astype(np.float32) / 255) ** gamma, np.float32)


def _shown_light(pixels: Pixels, face: tuple[float, float, float], scale: float, rng: np.random.Generator) -> Floats:
    """The light of a screen that shows a photo, where it meets the sensor.

    Args:
        pixels: uint8 (height, width, 3), RGB, on the grid of the sensor.
        face: its place in the photo, where a pixel is `scale` pixels of the sensor.
        scale: pixels of the sensor for one of the photo.
        rng: the randomness.

    Returns:
        Linear light, float32 (height, width, 3), about 0..1.
    """
    height, width = pixels.shape[:2]
    light = _linear(pixels, rng.uniform(1.9, 2.6))
    # The primary colours of a screen are not those of the photo: each holds some of the others.
    grey = rng.uniform(-0.12, 0.14)
    mixing = (1 - grey) * np.eye(3) + grey / 3
    mixing *= 1 + rng.normal(0, 0.03, (3, 3)) * (1 - np.eye(3))
    light = np.maximum(cv2.transform(light, mixing.astype(np.float32)), 0)
    light *= (1 + rng.normal(0, 0.06, 3)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    # Seen from the side, one edge is darker.
    light *= (1 + rng.normal(0, 0.1) * (x / width - 0.5) + rng.normal(0, 0.1) * (y / height - 0.5))[..., None]
    blur = _log_uniform(rng, 0.35, 1.5)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur), np.float32)
    light *= _lattice(x - width / 2, y - height / 2, blur, rng)
    light += _log_uniform(rng, 0.0005, 0.01)  # a screen's black shines
    light += _log_uniform(rng, 0.002, 0.06) * _mirrored_room(height, width, rng)
    if rng.random() < 0.25:
        light += _lamp(x, y, face, scale, rng)
    if rng.random() < 0.4:
        # The screen is refreshed, or dimmed by flicker, while the sensor reads row after row.
        depth = _log_uniform(rng, 0.003, 0.06)
        rows = 2 * np.pi * y / (rng.uniform(0.15, 1.5) * height)
        light *= (1 + depth * np.sin(rows + rng.uniform(0, 6.3)))[..., None]
    return np.asarray(light, np.float32)


def _lattice(x: Floats, y: Floats, blur: float, rng: np.random.Generator) -> Floats:
    """What the sensor samples of the lattice of sub-pixels.

    With (u, v) the place on the screen, in its pixels, that the place (x, y) on the sensor sees, the light of a colour
    is 1 + sum of 2 a cos(2 pi (m u + n v + s)) over its waves (m, n). A wave of frequency f = (fx, fy), in periods per
    pixel of the sensor, loses a factor exp(-2 (pi blur |f|)^2) to a lens that blurs as a Gaussian does, and
    sinc(fx) sinc(fy) to square pixels, sinc(t) being sin(pi t) / (pi t).

    Args:
        x: float32 (height, width), places on the sensor, in its pixels from the middle.
        y: likewise.
        blur: standard deviation of the lens's blur, in pixels of the sensor.
        rng: the randomness.

    Returns:
        float32 (height, width, 3), RGB: the share of the picture's light that is seen; 1 on average.
    """
    height, width = x.shape
    pitch = _log_uniform(rng, 0.35, 3.0)  # pixels of the sensor for one of the screen
    turn = rng.normal(0, 2.5) if rng.random() < 0.7 else rng.uniform(-20, 20)
    angle = float(np.deg2rad(turn) + rng.choice([0, np.pi / 2]))
    cos, sin = np.cos(angle), np.sin(angle)
    slant = rng.normal(0, 0.04, 2) / max(height, width)
    # The lens bends straight lines, and a slanted screen is nearer at one side.
    bend = 1 + rng.normal(0, 0.02) / max(height, width) ** 2 * (x * x + y * y)
    x, y = x * bend, y * bend
    distance = 1 + slant[0] * x + slant[1] * y
    u = ((x * cos + y * sin) / distance / pitch + rng.random()).astype(np.float32)
    v = ((y * cos - x * sin) / distance / pitch + rng.random()).astype(np.float32)
    filled = rng.uniform(0.6, 0.95), rng.uniform(0.55, 0.95)
    diamonds = rng.random() < 0.35
    light = np.ones((height, width, 3), np.float32)
    for colour in range(3):
        for wave in _diamond_waves(colour) if diamonds else _stripe_waves(colour, filled):
            fx = (wave.across * cos - wave.down * sin) / pitch
            fy = (wave.across * sin + wave.down * cos) / pitch
            lens = np.exp(-2 * (np.pi * blur) ** 2 * (fx**2 + fy**2))
            height_seen = float(2 * wave.height * lens * abs(np.sinc(fx) * np.sinc(fy)))
            if abs(height_seen) >= _LEAST_HEIGHT:
                phase = wave.across * u + wave.down * v + wave.start
                light[..., colour] += height_seen * np.cos(2 * np.pi * phase)
    return np.maximum(light, 0.02)


def _stripe_waves(colour: int, filled: tuple[float, float]) -> Iterator[_Wave]:
    """Of a screen whose pixels are three upright rectangles beside each other, as most liquid crystals are.

    A rectangle of width w and height h has the coefficients sinc(m w) sinc(n h), for light that is 1 on average.

    Args:
        colour: 0 for red, 1 for green, 2 for blue.
        filled: the lit share of a third of the pixel's width, and of its height.
    """
    for m, n in _ORDERS:
        yield _Wave(m, n, float(np.sinc(m * filled[0] / 3) * np.sinc(n * filled[1])), -m * colour / 3)


def _diamond_waves(colour: int) -> Iterator[_Wave]:
    """Of a screen of light-emitting diodes: green ones in every pixel, red and blue ones in turn, as on a chequerboard.

    The lattice of a chequerboard is turned by 45 degrees and coarser, so its frequencies are sums and differences of
    halves. Where the colours lie relative to each other is only roughly that of real ones.
    """
    for m, n in _ORDERS:
        if colour == 1:
            yield _Wave(m, n, float(np.sinc(m * 0.35) * np.sinc(n * 0.35)), 0.25)
        else:
            size = float(np.sinc(m * 0.3) * np.sinc(n * 0.3))
            yield _Wave((m + n) / 2, (m - n) / 2, size, 0.5 if colour == 2 else 0.0)


def _mirrored_room(height: int, width: int, rng: np.random.Generator) -> Floats:
    """What the glass mirrors, out of focus: bright and dark rectangles and discs."""
    softness = max(rng.uniform(0.01, 0.2) * width, 1)
    room = np.full((height, width, 3), rng.uniform(0.1, 0.6), np.float32)
    for _ in range(rng.integers(2, 8)):
        colour = (rng.uniform(0, 1) * rng.uniform(0.7, 1, 3)).tolist()
        if rng.random() < 0.6:
            left, top = rng.uniform(-0.2, 1, 2)
            right, bottom = left + rng.uniform(0.1, 0.7), top + rng.uniform(0.1, 0.7)
            corner = int(left * width), int(top * height)
            cv2.rectangle(room, corner, (int(right * width), int(bottom * height)), colour, -1)
        else:
            centre = int(rng.uniform(0, 1) * width), int(rng.uniform(0, 1) * height)
            cv2.circle(room, centre, int(rng.uniform(0.05, 0.4) * width), colour, -1)
    return np.asarray(cv2.GaussianBlur(room, (0, 0), softness), np.float32)


def _lamp(x: Floats, y: Floats, face: tuple[float, float, float], scale: float, rng: np.random.Generator) -> np.ndarray:
    """The light of a lamp that the glass mirrors near the face: (height, width, 3)."""
    centre = (np.array(face[:2]) + rng.normal(0, 0.7, 2) * face[2]) * scale
    size = rng.uniform(0.08, 0.5, 2) * face[2] * scale
    spot = rng.uniform(0.05, 0.8) * np.exp(-(((x - centre[0]) / size[0]) ** 2 + ((y - centre[1]) / size[1]) ** 2))
    return np.asarray(spot[..., None] * (1 + rng.uniform(-0.15, 0.15, 3)))


def _developed(light: Floats, rng: np.random.Generator) -> Pixels:
    """What a camera makes of linear light, float32 (height, width, 3), both even: uint8, RGB, of the same size."""
    height, width = light.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    from_middle = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 / 4 + height**2 / 4)
    light = light * (1 - rng.uniform(0, 0.35) * from_middle)[..., None]
    mean = light.reshape(-1, 3).mean(axis=0) + 1e-4
    balance = (mean.mean() / mean) ** rng.uniform(0, 0.8)
    exposure = rng.uniform(0.1, 0.32) / max(float((light * balance).mean()), 1e-3)
    colours = np.clip(_demosaiced(light * exposure, rng) * balance, 0, 1)
    if rng.random() < 0.5:
        # Phones blur the noise of colours, not of brightness.
        softness = rng.uniform(0.6, 2.5)
        brightness = (colours @ _GREY)[..., None]
        colours = brightness + cv2.GaussianBlur(colours - brightness, (0, 0), softness)
    made = np.clip(colours, 0, 1) ** (1 / rng.uniform(2.0, 2.5))
    made = made + rng.uniform(0, 0.5) * (made * made * (3 - 2 * made) - made)  # an S-shaped curve: more contrast
    grey = made.mean(axis=2, keepdims=True)
    made = np.clip(grey + rng.uniform(0.8, 1.35) * (made - grey), 0, 1)
    pixels: Pixels = np.round(made * 255).astype(np.uint8)
    if rng.random() < 0.4:
        pixels = np.asarray(cv2.bilateralFilter(pixels, 5, rng.uniform(6, 25), rng.uniform(1, 2.5)), np.uint8)
    if rng.random() < 0.7:
        strength, image = rng.uniform(0.2, 1.4), pixels.astype(np.float32)
        image += strength * (image - cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 1.6)))
        pixels = np.clip(image, 0, 255).astype(np.uint8)
    return pixels


def _demosaiced(light: Floats, rng: np.random.Generator) -> Floats:
    """The light as a sensor tells it that sees one colour a pixel, with the noise of counted photons and of reading.

    Rows of red and green alternate with rows of green and blue; the colours that a pixel does not see are those of its
    neighbours.
    """
    photons = _log_uniform(rng, 800, 15000)  # that make white
    mosaic = np.empty(light.shape[:2], np.float32)
    for colour, row, column in ((0, 0, 0), (1, 0, 1), (1, 1, 0), (2, 1, 1)):
        mosaic[row::2, column::2] = light[row::2, column::2, colour]
    noise = rng.normal(size=mosaic.shape).astype(np.float32)
    mosaic = mosaic + noise * np.sqrt(np.maximum(mosaic, 0) / photons + (rng.uniform(0.5, 6) / photons) ** 2)
    whole = np.clip(mosaic * _WHITE, 0, 65535).astype(np.uint16)
    how = cv2.COLOR_BayerBG2RGB if rng.random() < 0.4 else cv2.COLOR_BayerBG2RGB_EA
    return np.asarray(cv2.cvtColor(whole, how).astype(np.float32) / _WHITE, np.float32)


def _filed(pixels: Pixels, like: Pixels, rng: np.random.Generator) -> Pixels:
    """The picture made as large as another and packed as a JPEG."""
    how = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(pixels, like.shape[1::-1], interpolation=how), np.uint8)
    return packed(resized, int(rng.integers(45, 97)))
