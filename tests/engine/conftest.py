"""Models under a licence made for the tests, and photos with and without faces."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from senseid_engine.encoder import Encoder
from senseid_engine.image import Image, decode_image, image_of_array, read_photo
from senseid_engine.recognition import Recognition
from senseid_engine.video import decode_video
from senseid_licensing.context import Context, context_here
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_models.registry import Registry
from tests.archives import first_photos, unpack
from tests.engine.clips import scene

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_engine.finder import FaceFinder, UprightPhoto
    from senseid_licensing.verified import VerifiedLicences

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def context() -> Context:
    return context_here(now=datetime.now(UTC), version="1")


@pytest.fixture(scope="session")
def store(context: Context, tmp_path_factory: pytest.TempPathFactory) -> LicenceStore:
    """A real licence for everything, for this machine."""
    store = LicenceStore(tmp_path_factory.mktemp("licences"))
    quickstart(store, context, licensee="tests", entropy=os.urandom)
    return store


@pytest.fixture(scope="session")
def licences(store: LicenceStore, context: Context) -> VerifiedLicences:
    return store.verify_all(context)


@pytest.fixture(scope="session")
def no_licences(context: Context, tmp_path_factory: pytest.TempPathFactory) -> VerifiedLicences:
    """What a machine without any licence gets."""
    return LicenceStore(tmp_path_factory.mktemp("empty")).verify_all(context)


@pytest.fixture(scope="session")
def registry() -> Registry:
    return Registry.builtin()


@pytest.fixture(scope="session")
def recognition(registry: Registry) -> Recognition:
    return Recognition.load(registry)


@pytest.fixture(scope="session")
def encoder(registry: Registry, recognition: Recognition, licences: VerifiedLicences) -> Encoder:
    return Encoder.open(registry, recognition.model, licences, threads=1)


@pytest.fixture(scope="session")
def finder(encoder: Encoder) -> FaceFinder:
    return encoder.finder


@pytest.fixture(scope="session")
def photos(sample_photos: dict[str, Path]) -> dict[str, Image]:
    """The sample photos of the demo by name, decoded."""
    return {name: decode_image(read_photo(path), name=name) for name, path in sample_photos.items()}


@pytest.fixture(scope="session")
def found(photos: dict[str, Image], encoder: Encoder) -> dict[str, UprightPhoto]:
    """The faces of the sample photos."""
    return {name: encoder.finder.find(photo) for name, photo in photos.items()}


@pytest.fixture(scope="session")
def two_men(photos: dict[str, Image]) -> Image:
    """A photo that shows two faces beside each other, the smaller one on the left."""
    return beside("two men", half(half(photos["obama.jpg"])), half(photos["biden.jpg"]))


@pytest.fixture(scope="session")
def twins(photos: dict[str, Image]) -> Image:
    """A photo that shows two faces of like size beside each other, the larger one on the right."""
    return beside("twins", half(photos["obama.jpg"]), half(photos["biden.jpg"]))


@pytest.fixture(scope="session")
def masked(photos: dict[str, Image]) -> Image:
    """A man behind a blue cloth, from the middle of the nose down."""
    import cv2

    pixels = photos["obama.jpg"].pixels.copy()
    cloth = np.array([[385, 270], [490, 245], [600, 270], [590, 360], [495, 425], [400, 360]])
    cv2.fillPoly(pixels, [cloth], (120, 160, 200))
    return picture(pixels, "masked.png")


@pytest.fixture(scope="session")
def blank() -> Image:
    """A photo without a face."""
    return picture(np.full((240, 320, 3), 128, np.uint8), "blank.png")


@pytest.fixture(scope="session")
def group_photos(test_data: Path) -> dict[str, tuple[Image, np.ndarray]]:
    """Photos of groups with the boxes of their faces: float (n, 4), left, top, right, bottom."""
    folder = test_data / "detection-dlib"
    groups = {}
    for listing in ("training.xml", "testing.xml"):
        for element in ET.parse(folder / listing).iter("image"):
            name = element.attrib["file"]
            boxes = np.array([[float(box.attrib[key]) for key in BOX] for box in element.iter("box")])
            boxes[:, 2:] += boxes[:, :2]
            groups[name] = (decode_image(read_photo(folder / name), name=name), boxes)
    return groups


BOX = ("left", "top", "width", "height")


@pytest.fixture(scope="session")
def lfw(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[Path]]:
    """The first photos of that many people of LFW, spread over the alphabet."""

    def extract(people: int) -> list[Path]:
        return unpack(test_data / "lfw-pairs.tar", tmp_path_factory.mktemp("lfw"), first_photos(people))

    return extract


def picture(pixels: np.ndarray, name: str = "made up") -> Image:
    """Pixels, uint8 (height, width, 3), as a decoded photo."""
    return Image(pixels=np.ascontiguousarray(pixels), format="PNG", orientation=1, name=name)


def half(photo: Image) -> Image:
    """The photo at half its size."""
    import cv2

    size = (photo.width // 2, photo.height // 2)
    return picture(np.asarray(cv2.resize(photo.pixels, size, interpolation=cv2.INTER_AREA)), photo.name)


def beside(name: str, *photos: Image) -> Image:
    """Photos side by side on black, level at the top."""
    canvas = np.zeros((max(p.height for p in photos), sum(p.width for p in photos), 3), np.uint8)
    left = 0
    for photo in photos:
        canvas[: photo.height, left : left + photo.width] = photo.pixels
        left += photo.width
    return picture(canvas, name)


@pytest.fixture(scope="module")
def clip(encode_clip: Callable[..., bytes]) -> bytes:
    """Two seconds of MP4."""
    return encode_clip([scene(3 * i) for i in range(50)], range(0, 2000, 40))


@pytest.fixture(scope="session")
def recaptured(test_data: Path) -> Image:
    """A face on a screen, filmed."""
    clip = test_data / "liveness-videos" / "spoof" / "lestari15-fake.mp4"
    frame = next(decode_video(clip.read_bytes(), name=clip.name).frames())
    return image_of_array(frame.pixels, name="recaptured")
