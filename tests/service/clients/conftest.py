"""One real service with its page, and the media that real clients send it."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from PIL import Image

from senseid_crypto.sealed import seal_bytes
from senseid_engine.image import decode_image
from senseid_engine.liveness import capture_pb2
from senseid_engine.liveness.capture import MAGIC, VERSION
from senseid_service.page_access import TOKEN_VARIABLE, new_token
from tests.service.conftest import KEY, Service, free_port, jpeg, running

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path


TOKEN = new_token()


@dataclass(frozen=True)
class Media:
    """Files of a client.

    Attributes:
        one: a person.
        same: the same person on another photo.
        other: another person.
        large: a photo whose Base64 is too long for a word of a command line.
        still: a video of a photo that does not move.
        liveness_data: of a capture of `one`.
    """

    one: Path
    same: Path
    other: Path
    large: Path
    still: Path
    liveness_data: Path


@pytest.fixture(scope="session")
def media(
    small_photos: dict[str, bytes],
    sample_photos: dict[str, Path],
    still_clip: bytes,
    tmp_path_factory: pytest.TempPathFactory,
) -> Media:
    folder = tmp_path_factory.mktemp("media")
    media = Media(
        one=folder / "one.jpg",
        same=folder / "same.jpg",
        other=folder / "other.jpg",
        large=sample_photos["obama.jpg"],
        still=folder / "still.mp4",
        liveness_data=folder / "data.bin",
    )
    media.one.write_bytes(small_photos["obama"])
    media.same.write_bytes(small_photos["obama2"])
    media.other.write_bytes(small_photos["biden"])
    media.still.write_bytes(still_clip)
    with Image.open(sample_photos["obama.jpg"]) as photo:
        # Little more than the face: what the capture says of its place is checked.
        media.liveness_data.write_bytes(liveness_data(jpeg(photo.crop((308, 22, 673, 481)))))
    return media


def liveness_data(photo: bytes) -> bytes:
    """The data of a capture whose frame is this photo, and shows little but the face."""
    image = decode_image(photo, name="photo")
    height, width = image.pixels.shape[:2]
    whole = capture_pb2.Rect(left=0, top=0, right=width, bottom=height)
    message = capture_pb2.Capture(
        version=VERSION,
        id=bytes(16),
        checked_at=1_700_000_000_000,
        check=capture_pb2.Check(score=0.9, models=bytes(32)),
        source=capture_pb2.Source(sha256=hashlib.sha256(photo).digest(), face_seconds=3, width=width, height=height),
        device=capture_pb2.Device(software="senseid", system="Linux", machine="x86_64"),
        frames=[capture_pb2.Frame(jpeg=photo, timestamp=1, quality=0.8, face=whole)],
    )
    return MAGIC + seal_bytes(message.SerializeToString(deterministic=True), KEY, entropy=os.urandom)


@pytest.fixture(scope="session")
def samples(small_photos: dict[str, bytes], still_clip: bytes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of samples that the page offers."""
    folder = tmp_path_factory.mktemp("samples")
    for name, photo in small_photos.items():
        (folder / f"{name}.jpg").write_bytes(photo)
    (folder / "still.mp4").write_bytes(still_clip)
    return folder


@pytest.fixture(scope="session")
def site(home: Path, samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service of a small site, with its page, whose link has the token `TOKEN`."""
    folder = tmp_path_factory.mktemp("site")
    env = {"SENSEID_WORKER_PORT": str(free_port()), "SENSEID_HOSTS": "faces.test", TOKEN_VARIABLE: TOKEN}
    with running(home, folder, "--ui", "--samples", str(samples), env=env) as found:
        yield found
