"""Simulates a camera that photographs a screen's sub-pixels, for `crops`; `recapture` only imitates the effects.

The light of a screen comes from sub-pixels in a regular lattice. As a Fourier series that lattice is its mean, which is
the picture, and waves whose frequencies are the multiples of the lattice's. Each wave is weakened by the blur of the
lens and by the area over which a pixel of the sensor collects light, and is then sampled at the centres of those
pixels: what is finer than two of them aliases to a coarser wave, the moiré of photos of screens. It is coloured because
the sub-pixels of the three colours lie beside each other.

After the light comes the camera: exposure, Bayer mosaic, noise, white balance, tone curve, sharpening, JPEG.
`simulated_camera` is that alone, so that the student does not learn to take a camera's traces for a screen.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import cv2
import numpy as np

from models.recipes.liveness.recapture import jpeg_roundtrip, with_border

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_engine.arrays import Floats, Pixels

_REACH = 2.1
"""Only so many sides of the face's box to each side of its centre are computed: no crop of a face contains more."""
_BORDER_SHARE = 0.25
"""The share of the screens whose bezel is in the picture."""
_ORDERS = tuple((m, n) for m in range(4) for n in range(-3, 4) if m > 0 or n > 0)
"""The multiples of the lattice's frequencies: half of the plane, since a real wave stands for both its frequencies."""
_MIN_AMPLITUDE = 2e-3
"""Waves weaker than this share of the mean light are skipped, to save time."""
_LUMA_WEIGHTS = np.array([0.3, 0.59, 0.11], np.float32)
_WHITE_LEVEL = 32768
"""White in the 16 bits that OpenCV's demosaicing takes; the rest is headroom."""


def simulated_screen(pixels: Pixels, face: tuple[float, float, float], rng: np.random.Generator) -> Pixels:
    """The photo shown on a screen and photographed: a recapture.

    Args:
        pixels: uint8 (height, width, 3), RGB.
        face: x and y of the face's centre and the longer side of its box, in pixels.
        rng: draws the screen and the camera.

    Returns:
        uint8, of the same shape; beyond `_REACH` sides from the face it is unchanged.
    """
    region = _Region.about(face, pixels)
    near = region.of(pixels)
    shown, scale = _low_resolution(near, rng), _sensor_scale(face, rng)
    light = _displayed_light(_resampled(shown, scale), region.face, scale, rng)
    if rng.random() < _BORDER_SHARE:
        x, y, side = region.face
        light = with_border(light, (x * scale, y * scale, side * scale), rng, (0.0, 0.08))
        light = np.maximum(light, 0).astype(np.float32)
    return region.put(pixels, _saved(_developed(light, rng), near.shape[1::-1], rng))


def simulated_camera(pixels: Pixels, face: tuple[float, float, float], rng: np.random.Generator) -> Pixels:
    """The scene photographed by the same cameras without a screen; arguments and result as `simulated_screen`."""
    region = _Region.about(face, pixels)
    near = region.of(pixels)
    light = _linear(_resampled(near, _sensor_scale(face, rng)), 2.2)
    if rng.random() < 0.5:
        light = np.asarray(cv2.GaussianBlur(light, (0, 0), rng.uniform(0.3, 0.8)), np.float32)
    return region.put(pixels, _saved(_developed(light, rng), near.shape[1::-1], rng))


@dataclass(frozen=True, slots=True)
class _Region:
    """The part of a photo that is computed, its edges in pixels, and the face relative to its top left corner."""

    left: int
    top: int
    right: int
    bottom: int
    face: tuple[float, float, float]

    @classmethod
    def about(cls, face: tuple[float, float, float], pixels: Pixels) -> _Region:
        """The part of the photo around the face."""
        x, y, side = face
        reach = _REACH * side
        left, top = int(max(0, x - reach)), int(max(0, y - reach))
        right, bottom = int(min(pixels.shape[1], x + reach)), int(min(pixels.shape[0], y + reach))
        return cls(left, top, right, bottom, (x - left, y - top, side))

    def of(self, pixels: Pixels) -> Pixels:
        """The pixels of the part: a copy or a view of the photo, never written to."""
        return np.ascontiguousarray(pixels[self.top : self.bottom, self.left : self.right])

    def put(self, pixels: Pixels, part: Pixels) -> Pixels:
        """A copy of the photo with the part replaced."""
        copy = pixels.copy()
        copy[self.top : self.bottom, self.left : self.right] = part
        return copy


@dataclass(frozen=True, slots=True)
class _Wave:
    """One wave of a lattice of sub-pixels, before lens and sensor.

    Attributes:
        u_frequency: along the rows of the screen, in periods per pixel of the screen.
        v_frequency: the same along the columns.
        coefficient: of the Fourier series, in units of the mean light; the wave's amplitude is twice that.
        phase: at the origin, in periods.
    """

    u_frequency: float
    v_frequency: float
    coefficient: float
    phase: float


def _log_uniform(rng: np.random.Generator, low: float, high: float) -> float:
    return float(np.exp(rng.uniform(np.log(low), np.log(high))))


def _sensor_scale(face: tuple[float, float, float], rng: np.random.Generator) -> float:
    """Pixels of the sensor for one of the photo: photos are often downscaled after they are taken."""
    return float(rng.choice([1.0, 1.5, 2.0])) if face[2] < 220 else 1.0


def _low_resolution(pixels: Pixels, rng: np.random.Generator) -> Pixels:
    """The photo as it is displayed: in 60 %, downscaled, compressed as JPEG and enlarged again."""
    if rng.random() >= 0.6:
        return pixels
    height, width = pixels.shape[:2]
    scale = rng.uniform(0.4, 1.0)
    size = max(8, round(width * scale)), max(8, round(height * scale))
    small = jpeg_roundtrip(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), int(rng.integers(40, 95)))
    interpolation = cv2.INTER_CUBIC if rng.random() < 0.5 else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, (width, height), interpolation=interpolation), np.uint8)


def _resampled(pixels: Pixels, scale: float) -> Pixels:
    """Resampled to the grid of the sensor, whose sides are even: the Bayer mosaic repeats every two pixels."""
    height, width = pixels.shape[:2]
    size = round(width * scale / 2) * 2, round(height * scale / 2) * 2
    interpolation = cv2.INTER_CUBIC if scale > 1 else cv2.INTER_AREA
    return np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)


def _linear(pixels: Pixels, gamma: float) -> Floats:
    """Gamma-encoded pixels, uint8, to linear light, float32, 0..1."""
    return np.asarray((pixels.astype(np.float32) / 255) ** gamma, np.float32)


def _displayed_light(
    pixels: Pixels, face: tuple[float, float, float], scale: float, rng: np.random.Generator
) -> Floats:
    """The light of a screen that displays a photo, as it arrives at the sensor.

    Args:
        pixels: uint8 (height, width, 3), RGB, on the grid of the sensor.
        face: as for `simulated_screen`, in pixels of the photo.
        scale: pixels of the sensor for one of the photo.
        rng: draws the screen and its surroundings.

    Returns:
        Linear light, float32 (height, width, 3), about 0..1.
    """
    height, width = pixels.shape[:2]
    light = _linear(pixels, rng.uniform(1.9, 2.6))
    # The primaries of a display are not those of the photo: a linear mix of the channels.
    grey = rng.uniform(-0.12, 0.14)
    mixing = (1 - grey) * np.eye(3) + grey / 3
    mixing *= 1 + rng.normal(0, 0.03, (3, 3)) * (1 - np.eye(3))
    light = np.maximum(cv2.transform(light, mixing.astype(np.float32)), 0)
    light *= (1 + rng.normal(0, 0.06, 3)).astype(np.float32)
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    # Displays are darker at an angle, so one edge is darker than the other.
    light *= (1 + rng.normal(0, 0.1) * (x / width - 0.5) + rng.normal(0, 0.1) * (y / height - 0.5))[..., None]
    blur = _log_uniform(rng, 0.35, 1.5)
    light = np.asarray(cv2.GaussianBlur(light, (0, 0), blur), np.float32)
    light *= _subpixel_pattern(x - width / 2, y - height / 2, blur, rng)
    light += _log_uniform(rng, 0.0005, 0.01)  # the black level of a display
    light += _log_uniform(rng, 0.002, 0.06) * _room_reflection(height, width, rng)
    if rng.random() < 0.25:
        light += _lamp_reflection(x, y, face, scale, rng)
    if rng.random() < 0.4:
        # Bands: the display refreshes, or its backlight flickers, while a rolling shutter reads row after row.
        depth = _log_uniform(rng, 0.003, 0.06)
        rows = 2 * np.pi * y / (rng.uniform(0.15, 1.5) * height)
        light *= (1 + depth * np.sin(rows + rng.uniform(0, 6.3)))[..., None]
    return np.asarray(light, np.float32)


def _subpixel_pattern(x: Floats, y: Floats, blur: float, rng: np.random.Generator) -> Floats:
    """The lattice of sub-pixels as the sensor samples it.

    With (u, v) the point of the screen, in its pixels, that is projected to the point (x, y) of the sensor, the light
    of a colour is 1 + sum of 2 c cos(2 pi (m u + n v + s)) over its waves (m, n), with coefficients c and phases s. The
    Gaussian blur of the lens multiplies a wave of frequency f = (fx, fy), in periods per pixel of the sensor, by
    exp(-2 (pi blur |f|)^2), and the square pixels by sinc(fx) sinc(fy), sinc(t) being sin(pi t) / (pi t).

    Args:
        x: float32 (height, width), coordinates on the sensor, in its pixels from the centre.
        y: likewise.
        blur: standard deviation of the lens's Gaussian blur, in pixels of the sensor.
        rng: draws the screen's type, pitch and pose.

    Returns:
        float32 (height, width, 3), RGB: factors of the picture's light, 1 on average.
    """
    height, width = x.shape
    pitch = _log_uniform(rng, 0.35, 3.0)  # pixels of the sensor for one of the screen
    degrees = rng.normal(0, 2.5) if rng.random() < 0.7 else rng.uniform(-20, 20)
    angle = float(np.deg2rad(degrees) + rng.choice([0, np.pi / 2]))
    cos, sin = np.cos(angle), np.sin(angle)
    tilt = rng.normal(0, 0.04, 2) / max(height, width)
    # Radial distortion of the lens, and perspective of a tilted screen.
    distortion = 1 + rng.normal(0, 0.02) / max(height, width) ** 2 * (x * x + y * y)
    x, y = x * distortion, y * distortion
    distance = 1 + tilt[0] * x + tilt[1] * y
    u = ((x * cos + y * sin) / distance / pitch + rng.random()).astype(np.float32)
    v = ((y * cos - x * sin) / distance / pitch + rng.random()).astype(np.float32)
    fill_factors = rng.uniform(0.6, 0.95), rng.uniform(0.55, 0.95)
    pentile = rng.random() < 0.35
    light = np.ones((height, width, 3), np.float32)
    for colour in range(3):
        for wave in _pentile_waves(colour) if pentile else _rgb_stripe_waves(colour, fill_factors):
            fx = (wave.u_frequency * cos - wave.v_frequency * sin) / pitch
            fy = (wave.u_frequency * sin + wave.v_frequency * cos) / pitch
            lens = np.exp(-2 * (np.pi * blur) ** 2 * (fx**2 + fy**2))
            amplitude = float(2 * wave.coefficient * lens * abs(np.sinc(fx) * np.sinc(fy)))
            if abs(amplitude) >= _MIN_AMPLITUDE:
                phase = wave.u_frequency * u + wave.v_frequency * v + wave.phase
                light[..., colour] += amplitude * np.cos(2 * np.pi * phase)
    return np.maximum(light, 0.02)


def _rgb_stripe_waves(colour: int, fill_factors: tuple[float, float]) -> Iterator[_Wave]:
    """Waves of one colour of an RGB-stripe display: three upright rectangles a pixel, as in most LCDs.

    A rectangle of width w and height h has the coefficients sinc(m w) sinc(n h), for light that is 1 on average.

    Args:
        colour: 0 for red, 1 for green, 2 for blue.
        fill_factors: the lit share of a third of the pixel's width, and of its whole height.
    """
    for m, n in _ORDERS:
        yield _Wave(m, n, float(np.sinc(m * fill_factors[0] / 3) * np.sinc(n * fill_factors[1])), -m * colour / 3)


def _pentile_waves(colour: int) -> Iterator[_Wave]:
    """Waves of one colour of a PenTile OLED: green in every pixel, red and blue alternating on a chequerboard.

    The lattice of a chequerboard is turned by 45 degrees and coarser, so its frequencies are sums and differences of
    halves. The offsets of the colours are only roughly those of real displays.
    """
    for m, n in _ORDERS:
        if colour == 1:
            yield _Wave(m, n, float(np.sinc(m * 0.35) * np.sinc(n * 0.35)), 0.25)
        else:
            coefficient = float(np.sinc(m * 0.3) * np.sinc(n * 0.3))
            yield _Wave((m + n) / 2, (m - n) / 2, coefficient, 0.5 if colour == 2 else 0.0)


def _room_reflection(height: int, width: int, rng: np.random.Generator) -> Floats:
    """The room reflected by the glass, out of focus: rectangles and discs, float32 (height, width, 3), 0..1."""
    blur = max(rng.uniform(0.01, 0.2) * width, 1)
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
    return np.asarray(cv2.GaussianBlur(room, (0, 0), blur), np.float32)


def _lamp_reflection(
    x: Floats, y: Floats, face: tuple[float, float, float], scale: float, rng: np.random.Generator
) -> np.ndarray:
    """The light of a lamp reflected by the glass near the face, (height, width, 3); arguments as `_displayed_light`."""
    centre = (np.array(face[:2]) + rng.normal(0, 0.7, 2) * face[2]) * scale
    size = rng.uniform(0.08, 0.5, 2) * face[2] * scale
    lamp = rng.uniform(0.05, 0.8) * np.exp(-(((x - centre[0]) / size[0]) ** 2 + ((y - centre[1]) / size[1]) ** 2))
    return np.asarray(lamp[..., None] * (1 + rng.uniform(-0.15, 0.15, 3)))


def _developed(light: Floats, rng: np.random.Generator) -> Pixels:
    """A camera's processing of linear light.

    Args:
        light: float32 (height, width, 3), RGB, both sides even.
        rng: draws the camera and its settings.

    Returns:
        uint8, of the same shape, gamma-encoded.
    """
    height, width = light.shape[:2]
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    from_centre = ((x - width / 2) ** 2 + (y - height / 2) ** 2) / (width**2 / 4 + height**2 / 4)
    light = light * (1 - rng.uniform(0, 0.35) * from_centre)[..., None]
    mean = light.reshape(-1, 3).mean(axis=0) + 1e-4
    balance = (mean.mean() / mean) ** rng.uniform(0, 0.8)
    exposure = rng.uniform(0.1, 0.32) / max(float((light * balance).mean()), 1e-3)
    colours = np.clip(_demosaiced(light * exposure, rng) * balance, 0, 1)
    if rng.random() < 0.5:
        # Phones filter the noise of chroma, not of luma.
        blur = rng.uniform(0.6, 2.5)
        luma = (colours @ _LUMA_WEIGHTS)[..., None]
        colours = luma + cv2.GaussianBlur(colours - luma, (0, 0), blur)
    encoded = np.clip(colours, 0, 1) ** (1 / rng.uniform(2.0, 2.5))
    encoded = encoded + rng.uniform(0, 0.5) * (encoded * encoded * (3 - 2 * encoded) - encoded)  # S-shaped tone curve
    grey = encoded.mean(axis=2, keepdims=True)
    encoded = np.clip(grey + rng.uniform(0.8, 1.35) * (encoded - grey), 0, 1)
    pixels: Pixels = np.round(encoded * 255).astype(np.uint8)
    if rng.random() < 0.4:
        pixels = np.asarray(cv2.bilateralFilter(pixels, 5, rng.uniform(6, 25), rng.uniform(1, 2.5)), np.uint8)
    if rng.random() < 0.7:
        strength, image = rng.uniform(0.2, 1.4), pixels.astype(np.float32)
        image += strength * (image - cv2.GaussianBlur(image, (0, 0), rng.uniform(0.6, 1.6)))
        pixels = np.clip(image, 0, 255).astype(np.uint8)
    return pixels


def _demosaiced(light: Floats, rng: np.random.Generator) -> Floats:
    """Linear light through an RGGB Bayer mosaic with noise (shot, read), demosaiced: float32, the same shape, 0..2."""
    photons = _log_uniform(rng, 800, 15000)  # at white
    mosaic = np.empty(light.shape[:2], np.float32)
    for colour, row, column in ((0, 0, 0), (1, 0, 1), (1, 1, 0), (2, 1, 1)):
        mosaic[row::2, column::2] = light[row::2, column::2, colour]
    noise = rng.normal(size=mosaic.shape).astype(np.float32)
    mosaic = mosaic + noise * np.sqrt(np.maximum(mosaic, 0) / photons + (rng.uniform(0.5, 6) / photons) ** 2)
    raw = np.clip(mosaic * _WHITE_LEVEL, 0, 65535).astype(np.uint16)
    # OpenCV names a mosaic by the second and third column of its second row: RGGB is BG.
    conversion = cv2.COLOR_BayerBG2RGB if rng.random() < 0.4 else cv2.COLOR_BayerBG2RGB_EA
    return np.asarray(cv2.cvtColor(raw, conversion).astype(np.float32) / _WHITE_LEVEL, np.float32)


def _saved(pixels: Pixels, size: tuple[int, int], rng: np.random.Generator) -> Pixels:
    """The picture resized to (width, height) and compressed as JPEG; uint8, RGB."""
    interpolation = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(pixels, size, interpolation=interpolation), np.uint8)
    return jpeg_roundtrip(resized, int(rng.integers(45, 97)))
