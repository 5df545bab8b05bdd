"""Liveness data: packed, sealed, opened again, and everything that is not that."""

from __future__ import annotations

import itertools
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senseid_engine.errors import LivenessDataError
from senseid_engine.liveness import capture_pb2
from senseid_engine.liveness.capture import MAGIC, MAX_BYTES, CaptureDevice, is_capture, pack_capture, unpack_capture
from senseid_engine.liveness.results import LivenessResult, SelectedFrame, Status

if TYPE_CHECKING:
    from senseid_engine.liveness.track import FaceTrack

ROOT = Path(__file__).resolve().parents[3]
NOW = datetime(2026, 11, 24, 14, 5, 6, 789_000, tzinfo=UTC)
DEVICE = CaptureDevice("senseid 0.1.0", "Linux", "x86_64")


def mask(data: bytes) -> bytes:
    """Stands in for encryption: what is inside cannot be read, and closing it twice opens it."""
    return (np.frombuffer(data, np.uint8) ^ 0x5A).tobytes()


@pytest.fixture(scope="module")
def passed(still_track: FaceTrack) -> LivenessResult:
    stills = still_track.stills[:: len(still_track.stills) // 3]
    selected = tuple(SelectedFrame(frame.timestamp, 0.8, image, frame.face) for frame, image in stills)[:3]
    return LivenessResult(
        name="clip",
        passed=True,
        score=0.875,
        status=Status.OK,
        selected=selected,
        frames=(),
        evidence=(),
        threshold=0.5,
        stills_needed=0.2,
        face_seconds=2.75,
        looked_at=30,
        other_faces=0,
        width=still_track.width,
        height=still_track.height,
    )


def pack(result: LivenessResult, at: datetime = NOW) -> bytes:
    return pack_capture(
        result,
        capture_id=bytes(range(16)),
        checked_at=at,
        models=bytes([1]) * 32,
        video=bytes([2]) * 32,
        device=DEVICE,
        seal=mask,
    )


def refusal(data: bytes) -> str:
    with pytest.raises(LivenessDataError) as caught:
        unpack_capture(data, name="a.liveness", unseal=mask)
    return str(caught.value)


@pytest.fixture(scope="module")
def message(passed: LivenessResult) -> capture_pb2.Capture:
    return capture_pb2.Capture.FromString(mask(pack(passed)[len(MAGIC) :]))


def of(message: capture_pb2.Capture) -> bytes:
    return MAGIC + mask(message.SerializeToString())


def test_there_and_back(passed: LivenessResult) -> None:
    data = pack(passed)
    assert is_capture(data)
    capture = unpack_capture(data, name="a.liveness", unseal=mask)
    assert capture.id == bytes(range(16))
    assert capture.checked_at == NOW
    assert (capture.score, capture.face_seconds) == (0.875, 2.75)
    assert (capture.models, capture.video) == (bytes([1]) * 32, bytes([2]) * 32)
    assert (capture.width, capture.height) == (passed.width, passed.height)
    assert capture.device == DEVICE
    for packed, frame in zip(capture.frames, passed.selected, strict=True):
        assert (packed.timestamp, packed.quality, packed.face) == (frame.timestamp, frame.quality, frame.face.rect)
        difference = packed.image.pixels.astype(float) - frame.image.pixels
        assert np.abs(difference).mean() < 2


def test_it_is_the_same_every_time(passed: LivenessResult) -> None:
    assert pack(passed) == pack(passed)


def test_times_of_other_zones(passed: LivenessResult) -> None:
    there = NOW.astimezone(timezone(timedelta(hours=9)))
    assert pack(passed, there) == pack(passed)


def test_of_an_attack_no_data_are_made(passed: LivenessResult) -> None:
    with pytest.raises(ValueError, match="passed only"):
        pack(replace(passed, passed=False, status=Status.HACK))


@pytest.mark.parametrize("data", [b"", b"\x89", MAGIC[:-1], b"photo", bytes(1000)])
def test_other_files(data: bytes) -> None:
    assert not is_capture(data)
    assert "is not liveness data" in refusal(data)


def test_too_long() -> None:
    assert "is not liveness data" in refusal(MAGIC + bytes(MAX_BYTES))


def test_what_the_seal_refuses_is_refused(passed: LivenessResult) -> None:
    def unseal(data: bytes) -> bytes:
        raise LivenessDataError("a.liveness", "is sealed with another key")

    with pytest.raises(LivenessDataError, match="another key"):
        unpack_capture(pack(passed), name="a.liveness", unseal=unseal)


@pytest.mark.parametrize("version", [0, 2, 2**32 - 1])
def test_other_versions(message: capture_pb2.Capture, version: int) -> None:
    other = capture_pb2.Capture()
    other.CopyFrom(message)
    other.version = version
    assert f"is of version {version}" in refusal(of(other))


def test_an_empty_message() -> None:
    assert "version 0" in refusal(MAGIC)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ("id = b'short'", "an id or a digest"),
        ("source.sha256 = bytes(31)", "an id or a digest"),
        ("check.models = b''", "an id or a digest"),
        ("ClearField('frames')", "0 frames"),
        ("frames.extend(m.frames[:1] * 8)", "frames, not 1 to 8"),
        ("checked_at = -1", "an impossible time"),
        ("checked_at = 2**63 - 1", "an impossible time"),
        ("check.score = 1.5", "an impossible number"),
        ("check.score = float('nan')", "an impossible number"),
        ("frames[0].quality = -0.1", "an impossible number"),
        ("frames[0].timestamp = float('inf')", "an impossible number"),
        ("source.face_seconds = -1", "an impossible number"),
        ("frames[0].jpeg = b'no photo'", "does not decode"),
    ],
)
def test_impossible_contents(message: capture_pb2.Capture, change: str, problem: str) -> None:
    other = capture_pb2.Capture()
    other.CopyFrom(message)
    exec(f"m.{change}", {"m": other})
    assert problem in refusal(of(other))


@settings(max_examples=200)
@given(place=st.floats(0, 1, exclude_max=True), added=st.binary(max_size=6), removed=st.integers(0, 6))
def test_no_bytes_raise_anything_else(message: capture_pb2.Capture, place: float, added: bytes, removed: int) -> None:
    """A seal that let anything through would still not bring the reader down."""
    plain = bytearray(message.SerializeToString())
    at = int(place**4 * len(plain))
    plain[at : at + removed] = added
    try:
        unpack_capture(MAGIC + mask(bytes(plain)), name="a.liveness", unseal=mask)
    except LivenessDataError as error:
        assert error.name == "a.liveness"  # noqa: PT017 - it may open as well


def test_the_generated_module_is_that_of_the_proto() -> None:
    pytest.importorskip("grpc_tools", reason="the compiler is not installed: pip install --group dev")
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "make_protobuf.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")


def test_the_fields_are_documented() -> None:
    page = (ROOT / "docs" / "formats" / "liveness-data.md").read_text(encoding="utf-8")
    messages = [capture_pb2.Capture, capture_pb2.Check, capture_pb2.Source, capture_pb2.Device, capture_pb2.Frame]
    for name in itertools.chain.from_iterable(kind.DESCRIPTOR.fields_by_name for kind in messages):
        assert f"`{name}`" in page
