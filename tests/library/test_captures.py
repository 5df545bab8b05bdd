"""Liveness data under real keys."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid import installation
from senseid.captures import make_capture, read_capture
from senseid_crypto.errors import KeyStoreError
from senseid_crypto.key import Key, generate_key
from senseid_crypto.sealed import seal_bytes
from senseid_engine.errors import LivenessDataError
from senseid_engine.faces import Face
from senseid_engine.image import Image
from senseid_engine.landmarks import Landmarks
from senseid_engine.liveness.capture import MAGIC
from senseid_engine.liveness.results import LivenessResult, SelectedFrame, Status
from senseid_engine.results import Rect
from senseid_engine.video import Video

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module")
def key() -> Key:
    return generate_key(os.urandom)


@pytest.fixture(scope="module")
def sealed(key: Key) -> bytes:
    image = Image(pixels=np.zeros((48, 64, 3), np.uint8), format="video", orientation=1, name="a.mp4")
    face = Face(
        Rect(1, 2, 30, 40),
        np.array([1, 2, 30, 40], np.float32),
        1102.0,
        1.0,
        Landmarks.of(np.zeros((468, 3), np.float32), 1.0),
        np.zeros((5, 2), np.float32),
    )
    result = LivenessResult(
        name="a.mp4",
        passed=True,
        score=0.9,
        status=Status.OK,
        selected=(SelectedFrame(0.5, 0.7, image, face),),
        frames=(),
        evidence=(),
        threshold=0.5,
        stills_needed=0.2,
        face_seconds=3.0,
        looked_at=30,
        other_faces=0,
        width=64,
        height=48,
    )
    return make_capture(Video(b"the video", "a.mp4"), result, key)


def refusal(data: bytes, *keys: Key) -> str:
    with pytest.raises(LivenessDataError) as caught:
        read_capture(data, name="a.liveness", keys=keys)
    return str(caught.value)


def test_there_and_back(sealed: bytes, key: Key) -> None:
    before = installation.now()
    capture = read_capture(sealed, name="a.liveness", keys=[generate_key(os.urandom), key])
    assert capture.score == 0.9
    assert abs((before - capture.checked_at).total_seconds()) < 600
    assert capture.models.hex() == installation.models_digest()
    assert capture.device == installation.this_device()
    assert capture.device.software.startswith("senseid ")
    assert capture.frames[0].face == Rect(1, 2, 30, 40)
    assert key.secret not in sealed
    assert b"senseid 0" not in sealed  # nothing of the message can be read


def test_another_key(sealed: bytes) -> None:
    assert "needs the key" in refusal(sealed, generate_key(os.urandom))
    assert "needs the key" in refusal(sealed)


def test_every_change_is_noticed(sealed: bytes, key: Key) -> None:
    for place in (*range(len(MAGIC), len(MAGIC) + 60), len(sealed) // 2, len(sealed) - 1):
        changed = bytearray(sealed)
        changed[place] ^= 1
        refusal(bytes(changed), key)
    for length in (0, len(MAGIC), len(MAGIC) + 10, len(sealed) // 2, len(sealed) - 1):
        refusal(sealed[:length], key)
    refusal(sealed + b"\0", key)
    refusal(sealed + sealed, key)


def test_something_else_under_the_right_key(key: Key) -> None:
    for plain in (b"", b"a photo", bytes(range(256))):
        text = refusal(MAGIC + seal_bytes(plain, key, entropy=os.urandom), key)
        assert re.search("holds no capture|is of version 0", text)


def test_a_capture_that_nobody_sealed(sealed: bytes, key: Key) -> None:
    from senseid_crypto.sealed import open_bytes

    assert "no senseid container" in refusal(MAGIC + open_bytes(sealed[len(MAGIC) :], [key]), key)


def test_keys_that_cannot_be_read_are_no_fault_of_the_data(sealed: bytes) -> None:
    def broken() -> Iterator[Key]:
        raise KeyStoreError("none.key: there is no such key file", remedy="check the path")
        yield

    with pytest.raises(KeyStoreError, match=r"none\.key: there is no such key file"):
        read_capture(sealed, name="a.liveness", keys=broken())
