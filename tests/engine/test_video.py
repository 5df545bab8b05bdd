"""Videos: what is decoded, how it is timed and turned, and what is refused."""

from __future__ import annotations

import contextlib
import struct
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from senseid_engine.errors import ContentLengthError, EngineError, ImageSizeError
from senseid_engine.video import (
    KEPT_SIDE,
    MAX_BYTES,
    MAX_FRAMES,
    MOST_SECONDS,
    decode_video,
    long_enough,
)
from tests.engine.clips import HEIGHT, QUICK, WIDTH, frames, refusal, scene

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FORMATS = [
    ("mp4", "mpeg4"),
    ("mp4", "libx264"),
    ("mov", "mpeg4"),
    ("3gp", "mpeg4"),
    ("avi", "mpeg4"),
    ("avi", "libx264"),
    ("avi", "mjpeg"),
    ("flv", "flv"),
    ("asf", "wmv2"),
    ("rm", "rv20"),
    ("webm", "libvpx"),
    ("matroska", "mpeg4"),
    ("mpeg", "mpeg1video"),
    ("mpegts", "mpeg2video"),
]


@pytest.mark.parametrize(("container", "codec"), FORMATS, ids=str)
def test_formats(encode_clip: Callable[..., bytes], container: str, codec: str) -> None:
    pixel_format = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    options = QUICK if codec == "libvpx" else {}
    data = encode_clip(
        [scene()] * 50,
        range(50),
        container=container,
        codec=codec,
        time_base=Fraction(1, 25),
        pixel_format=pixel_format,
        options=options,
    )
    found = frames(data)
    assert len(found) == 20
    assert [frame.timestamp for frame in found[:3]] == pytest.approx([0.0, 0.12, 0.2], abs=0.002)
    assert found[-1].timestamp == pytest.approx(1.92, abs=0.002)
    for frame in found[:: len(found) - 1]:
        assert frame.pixels.shape == (HEIGHT, WIDTH, 3)
        assert np.abs(frame.pixels.astype(float) - scene()).mean() < 8


def test_frames_cannot_be_changed(clip: bytes) -> None:
    with pytest.raises(ValueError, match="read-only"):
        frames(clip)[0].pixels[0, 0, 0] = 1


def test_threads_do_not_change_the_frames(encode_clip: Callable[..., bytes]) -> None:
    data = encode_clip([scene(5 * i) for i in range(60)], range(0, 2400, 40), codec="libx264")
    one, two = frames(data, threads=1), frames(data, threads=2)
    assert [frame.timestamp for frame in one] == [frame.timestamp for frame in two]
    assert all(np.array_equal(a.pixels, b.pixels) for a, b in zip(one, two, strict=True))


def test_the_rate_is_at_most_what_is_asked_for(clip: bytes) -> None:
    assert len(frames(clip, a_second=5.0)) == 10
    assert len(frames(clip, a_second=1000.0)) == 50


@pytest.mark.parametrize(("milliseconds", "count"), [(10, 199), (10, 200), (40, 49), (40, 50), (199, 10), (200, 10)])
def test_two_seconds_at_least(encode_clip: Callable[..., bytes], milliseconds: int, count: int) -> None:
    data = encode_clip([scene()] * count, range(0, milliseconds * count, milliseconds))
    if milliseconds * count < 2000:
        said = f"is {milliseconds * count / 1000:.2f} s long by its frames, at least 2 s are needed: record more"
        assert refusal(data) == f"clip: {said}"
    else:
        assert frames(data)


def test_the_last_frame_lasts_as_long_as_the_median_of_the_others(encode_clip: Callable[..., bytes]) -> None:
    times = [0, 500, 1000, 1500]
    assert frames(encode_clip([scene()] * 4, times))
    assert "is 1.99 s long" in refusal(encode_clip([scene()] * 4, [*times[:3], 1490]))


def test_whole_milliseconds_make_no_clip_too_short(encode_clip: Callable[..., bytes]) -> None:
    times = [int(i * 1000 / 30) for i in range(60)]  # rounded down, 2 s at 30 frames a second end at 1.966
    assert frames(encode_clip([scene()] * 60, times, container="matroska"))
    assert long_enough(1.999)
    assert not long_enough(1.99)


def test_a_variable_frame_rate(encode_clip: Callable[..., bytes]) -> None:
    times = [0, 30, 60, 110, 420, 455, 1300, 1900, 1950, 2100]
    found = frames(encode_clip([scene()] * len(times), times))
    assert [round(1000 * frame.timestamp) for frame in found] == [0, 110, 420, 1300, 1900, 2100]


def test_a_wrong_length_in_the_header_does_not_count(encode_clip: Callable[..., bytes], clip: bytes) -> None:
    short = bytearray(encode_clip([scene()] * 30, range(0, 1200, 40)))
    for box in (b"mvhd", b"mdhd"):
        at = short.index(box) + 20
        short[at : at + 4] = struct.pack(">I", 60_000)
    assert "is 1.20 s long" in refusal(bytes(short))
    whole = bytearray(clip)
    for box in (b"mvhd", b"mdhd"):
        at = whole.index(box) + 20
        whole[at : at + 4] = struct.pack(">I", 1)
    assert len(frames(bytes(whole))) == 20


def test_a_wrong_frame_rate_in_the_header_does_not_count(encode_clip: Callable[..., bytes]) -> None:
    data = bytearray(encode_clip([scene()] * 30, range(0, 3000, 100), container="flv", codec="flv"))
    at = data.index(b"framerate") + len(b"framerate") + 1
    data[at : at + 8] = struct.pack(">d", 1000.0)
    assert len(frames(bytes(data))) == 30


def test_a_webm_without_a_length(encode_clip: Callable[..., bytes]) -> None:
    data = encode_clip([scene()] * 30, range(0, 3000, 100), container="webm", codec="libvpx", options=QUICK)
    at = data.index(b"\x44\x89\x88")  # Duration, an 8-byte float: made a void element of the same length
    without = data[:at] + b"\xec\x89" + data[at + 2 : at + 2] + bytes(9) + data[at + 11 :]
    assert len(without) == len(data)
    assert len(frames(without)) == 30


def test_a_long_video_is_looked_at_from_its_start_only(encode_clip: Callable[..., bytes]) -> None:
    found = frames(encode_clip([scene()] * 60, range(0, 60_000, 1000)))
    assert len(found) == MOST_SECONDS
    assert found[-1].timestamp < MOST_SECONDS


def test_no_more_frames_are_decoded_than_the_limit(encode_clip: Callable[..., bytes]) -> None:
    black = np.zeros((16, 16, 3), np.uint8)
    found = frames(encode_clip([black] * (MAX_FRAMES + 400), range(MAX_FRAMES + 400)))
    assert found[-1].timestamp < MAX_FRAMES / 1000


def test_a_picture_that_shrinks_on_the_way(encode_clip: Callable[..., bytes]) -> None:
    halves = joined(encode_clip, (WIDTH, HEIGHT), (WIDTH // 2, HEIGHT // 2))
    found = frames(halves)
    assert len(found) > 20
    assert {frame.pixels.shape for frame in found} == {(HEIGHT, WIDTH, 3)}


def test_a_picture_that_changes_its_shape_on_the_way(encode_clip: Callable[..., bytes]) -> None:
    assert "changes its shape" in refusal(joined(encode_clip, (WIDTH, HEIGHT), (HEIGHT, WIDTH)))


def joined(encode_clip: Callable[..., bytes], *sizes: tuple[int, int]) -> bytes:
    """An MPEG transport stream whose parts have those sizes: such streams can be put one after the other."""
    parts = []
    for i, (width, height) in enumerate(sizes):
        times = range(50 * i, 50 * i + 50)
        pictures = [scene(0, width, height)] * 50
        kind = {"container": "mpegts", "codec": "mpeg2video", "time_base": Fraction(1, 25)}
        parts.append(encode_clip(pictures, times, **kind))
    return b"".join(parts)


@pytest.mark.parametrize(("width", "height", "fits"), [(8, 8, True), (6, 64, False), (64, 6, False)])
def test_the_least_sides(encode_clip: Callable[..., bytes], width: int, height: int, fits: bool) -> None:
    data = encode_clip([scene(0, width, height)] * 20, range(0, 2000, 100))
    if fits:
        assert frames(data)[0].pixels.shape == (height, width, 3)
    else:
        with pytest.raises(ImageSizeError, match=f"is {width} x {height} px"):
            decode_video(data, name="clip")


@pytest.mark.parametrize(("width", "height", "fits"), [(5000, 16, True), (5002, 16, False), (16, 5002, False)])
def test_the_longest_sides(encode_clip: Callable[..., bytes], width: int, height: int, fits: bool) -> None:
    data = encode_clip([np.zeros((height, width, 3), np.uint8)] * 4, range(0, 2000, 500), codec="libx264")
    if fits:
        assert len(frames(data)) == 4
    else:
        with pytest.raises(ImageSizeError, match=f"is {width} x {height} px"):
            decode_video(data, name="clip")


@pytest.mark.slow
def test_the_largest_frames(encode_clip: Callable[..., bytes]) -> None:
    black = np.zeros((5000, 5000, 3), np.uint8)
    data = encode_clip([black] * 4, range(0, 2000, 500), codec="libx264", options={"preset": "ultrafast"})
    assert [frame.pixels.shape for frame in frames(data)] == [(KEPT_SIDE, KEPT_SIDE, 3)] * 4


def test_sixteen_megabytes(clip: bytes) -> None:
    full = clip + bytes(MAX_BYTES - len(clip))  # what follows the last box is no concern of a player
    assert len(frames(full)) == 20
    with pytest.raises(ContentLengthError, match="16 MB"):
        decode_video(full + b"\0", name="clip")


def test_what_is_no_video(clip: bytes, sample_photos: dict[str, Path]) -> None:
    photo = sample_photos["obama.jpg"].read_bytes()
    for data in (b"", b"\0", b"no video", photo, clip[:200], bytes(10_000)):
        assert refusal(data).startswith("clip: ")


def test_sound_alone() -> None:
    assert "no pictures" in refusal(sound())


def sound() -> bytes:
    import io

    import av

    file = io.BytesIO()
    with av.open(file, "w", format="mp4") as output:
        stream = output.add_stream("aac", rate=16_000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 48_000), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16_000
        output.mux(stream.encode(frame))
        output.mux(stream.encode())
    return file.getvalue()


def test_pictures_of_an_unknown_kind(encode_clip: Callable[..., bytes]) -> None:
    data = encode_clip([scene()] * 20, range(0, 2000, 100), container="avi")
    assert "unknown kind" in refusal(data.replace(b"FMP4", b"QQQQ"))


def test_no_frame_decodes(clip: bytes) -> None:
    """The header says what there is, the samples are zeros."""
    start = clip.index(b"mdat") + 4
    end = clip.index(b"moov") - 4
    assert "no frame" in refusal(clip[:start] + bytes(end - start) + clip[end:])


def test_a_list_of_other_files_is_no_video(clip: bytes, tmp_path: Path) -> None:
    other = tmp_path / "other.ts"
    other.write_bytes(clip)
    playlist = f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{other}\n#EXT-X-ENDLIST\n"
    concat = f"ffconcat version 1.0\nfile {other}\n"
    for text in (playlist, concat):
        assert "is not a video" in refusal(text.encode())


def test_a_cut_off_video_counts_as_far_as_it_goes(encode_clip: Callable[..., bytes]) -> None:
    data = encode_clip([scene(7 * i) for i in range(100)], range(0, 4000, 40), container="matroska")
    assert 20 <= len(frames(data[: len(data) * 3 // 4])) < 40
    assert "at least 2 s are needed, though 4.00 s by its header: send it again" in refusal(data[: len(data) // 4])


@pytest.mark.parametrize("container", ["mp4", "mov"])
def test_an_mp4_whose_end_is_missing_is_cut_off(encode_clip: Callable[..., bytes], container: str) -> None:
    data = encode_clip([scene()] * 50, range(0, 2500, 50), container=container)
    index = data.rindex(b"moov") - 4
    for cut in (data[: index // 2], data[:index], data[:index] + struct.pack(">I4sQ", 1, b"free", 99)):
        assert refusal(cut).startswith("clip: is cut off, or its recording was not ended: ")
    assert "is not a video that can be read" in refusal(b"\0\0\0\x08ftyp" + b"\0\0\0\x07" * 20)


def test_an_mp4_that_is_cut_off_in_its_index(encode_clip: Callable[..., bytes]) -> None:
    data = encode_clip([scene()] * 50, range(0, 2500, 50), container="mp4")
    index_first = data[: int.from_bytes(data[:4])] + data[data.rindex(b"moov") - 4 :]
    for length in [*range(8, 100), *range(100, len(index_first), 9)]:
        assert refusal(index_first[:length]).startswith("clip: is cut off"), length


def test_damage_on_the_way_is_left_out(clip: bytes, capfd: pytest.CaptureFixture[str]) -> None:
    damaged = bytearray(clip)
    middle = len(damaged) // 2
    damaged[middle : middle + 200] = bytes(200)
    assert 15 <= len(frames(bytes(damaged))) <= 20
    assert capfd.readouterr().err == ""  # FFmpeg has a lot to say about it


def test_odd_files(test_data: Path) -> None:
    folder = test_data / "decoder" / "video"
    assert "is 0.12 s long" in refusal((folder / "unordered.mov").read_bytes())
    found = frames((folder / "corrupted.mp4").read_bytes())  # what decodes of it is 4.9 s long
    times = [frame.timestamp for frame in found]
    assert times == sorted(set(times))


def test_real_clips(test_data: Path) -> None:
    for path in sorted((test_data / "liveness-videos" / "live").glob("grid-*.mpg"))[:2]:
        found = frames(path.read_bytes())
        assert len(found) == 30
        assert found[0].pixels.shape == (288, 360, 3)


@pytest.fixture(scope="module")
def seeds(encode_clip: Callable[..., bytes]) -> list[bytes]:
    """A short clip of each kind of container."""
    kinds = [("mp4", "mpeg4"), ("avi", "mpeg4"), ("flv", "flv"), ("asf", "wmv2"), ("rm", "rv20")]
    kinds += [("matroska", "mpeg4"), ("mpeg", "mpeg1video"), ("mpegts", "mpeg2video")]
    pictures = [scene(9 * i) for i in range(6)]
    return [
        encode_clip(pictures * 10, range(60), container=container, codec=codec, time_base=Fraction(1, 25))
        for container, codec in kinds
    ]


@settings(max_examples=250)
@given(
    seed=st.integers(0, 7),
    edits=st.lists(st.tuples(st.floats(0, 1), st.integers(0, 4), st.binary(max_size=8)), min_size=1, max_size=12),
    cut=st.just(1.0) | st.floats(0, 1),
)
def test_no_bytes_raise_anything_else(
    seeds: list[bytes], seed: int, edits: list[tuple[float, int, bytes]], cut: float
) -> None:
    data = bytearray(seeds[seed])
    for place, removed, added in edits:
        # Squared: headers are at the beginning, and that is where most can go wrong.
        at = round(place**2 * len(data))
        data[at : at + removed] = added
    with contextlib.suppress(EngineError):
        for frame in decode_video(bytes(data[: round(cut * len(data))]), name="clip").frames():
            assert frame.pixels.dtype == np.uint8


@settings(max_examples=100)
@given(data=st.binary(max_size=400))
def test_random_bytes(data: bytes) -> None:
    for head in (b"", b"\0\0\0\x18ftypmp42", b"RIFF\0\0\0\0AVI ", b"\x1a\x45\xdf\xa3", b"FLV\x01\x01"):
        with pytest.raises(EngineError):
            frames(head + data)
