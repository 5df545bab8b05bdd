"""WebP, AVIF and HEIC: read as the other formats are, with the same limits, and never by a lie about their size."""

from __future__ import annotations

import io
import struct
import sys
from typing import TYPE_CHECKING

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import AvifImagePlugin, WebPImagePlugin, features
from PIL import Image as Pillow

from senseid_engine.errors import ContentLengthError, EngineError, ImageSizeError, ImageTypeError
from senseid_engine.heif_guard import check_heif
from senseid_engine.image import MAX_BYTES, decode_image, is_photo
from tests.engine.image.conftest import HEIGHT, WIDTH, decode, distance, measure, scene

if TYPE_CHECKING:
    from pathlib import Path

try:
    import pillow_heif
except ImportError:
    pillow_heif = None

KINDS = ["WEBP", "AVIF", "HEIF"]


def photo(kind: str, picture: Pillow.Image | None = None, **options: object) -> bytes:
    """Writes a photo as a phone would, or skips where nothing here writes that format."""
    picture = scene() if picture is None else picture
    file = io.BytesIO()
    if kind == "HEIF":
        if pillow_heif is None:
            pytest.skip("the extra `heif` is not installed")
        # As `picture.save` does once the writer is registered, which would change Pillow for all tests.
        picture.encoderinfo = {"quality": 90, **options}
        pillow_heif.as_plugin._save_heif(picture, file, "")
    elif not features.check(kind.lower()):
        pytest.skip(f"this Pillow writes no {kind}")
    else:
        picture.save(file, kind, quality=90, **options)
    return file.getvalue()


def lie(data: bytes, width: int, height: int) -> bytes:
    """Writes another size into every box that tells one."""
    at = -1
    while (at := data.find(b"ispe", at + 1)) >= 0:
        data = data[: at + 8] + struct.pack(">II", width, height) + data[at + 16 :]
    return data


@pytest.mark.parametrize("kind", KINDS)
def test_it_is_read(kind: str) -> None:
    data = photo(kind)
    assert is_photo(data)
    image = decode(data)
    assert (image.format, image.width, image.height, image.orientation) == (kind, WIDTH, HEIGHT, 1)
    assert distance(image, scene()) < 6


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("orientation", range(1, 9))
def test_it_is_turned_upright(kind: str, orientation: int) -> None:
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    lying = scene()
    turn = {
        2: Pillow.Transpose.FLIP_LEFT_RIGHT,
        3: Pillow.Transpose.ROTATE_180,
        4: Pillow.Transpose.FLIP_TOP_BOTTOM,
        5: Pillow.Transpose.TRANSPOSE,
        6: Pillow.Transpose.ROTATE_270,
        7: Pillow.Transpose.TRANSVERSE,
        8: Pillow.Transpose.ROTATE_90,
    }
    upright = lying.transpose(turn[orientation]) if orientation in turn else lying
    assert distance(decode(photo(kind, lying, exif=exif.tobytes())), upright) < 6


@pytest.mark.parametrize("kind", KINDS)
def test_transparency_is_laid_over_white(kind: str) -> None:
    picture = Pillow.new("RGBA", (WIDTH, HEIGHT), (200, 30, 30, 255))
    picture.paste((0, 0, 0, 0), (0, 0, WIDTH // 2, HEIGHT))
    image = decode(photo(kind, picture))
    assert image.pixels[HEIGHT // 2, 4].min() > 245
    assert abs(int(image.pixels[HEIGHT // 2, WIDTH - 4, 0]) - 200) < 12


@pytest.mark.parametrize("kind", ["WEBP", "AVIF"])
def test_of_an_animation_the_first_picture_counts_or_it_is_refused(kind: str) -> None:
    others = [Pillow.new("RGB", (WIDTH, HEIGHT), "blue")] * 3
    data = photo(kind, save_all=True, append_images=others, duration=100)
    if kind == "WEBP":
        assert distance(decode(data), scene()) < 6
    else:
        with pytest.raises(ImageTypeError, match="is an animated AVIF, which is not read"):
            decode(data)


@pytest.mark.parametrize("kind", KINDS)
def test_the_service_reads_the_formats_of_its_manual_alone(kind: str) -> None:
    with pytest.raises(ImageTypeError, match="which is not read: save it as a plain JPEG or PNG"):
        decode_image(photo(kind), name="photo", phone_formats=False)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pillow_heif", None)
        with pytest.raises(ImageTypeError, match="is a HEIC photo: install the extra `heif` of senseid to read it"):
            decode(heic)
    for plugin, data in ((WebPImagePlugin, photo("WEBP")), (AvifImagePlugin, photo("AVIF"))):
        monkeypatch.setattr(plugin, "SUPPORTED", False)
        with pytest.raises(ImageTypeError, match="install pillow from its wheel"):
            decode(data)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [(31, 64), (64, 31), (5001, 32)])
def test_sides_are_checked(kind: str, size: tuple[int, int]) -> None:
    data = photo(kind, Pillow.new("RGB", size))
    with pytest.raises(ImageSizeError, match=f"is {size[0]} x {size[1]} px"):
        decode(data)


@pytest.mark.parametrize("kind", KINDS)
def test_length_is_checked(kind: str) -> None:
    with pytest.raises(ContentLengthError):
        decode(photo(kind) + bytes(MAX_BYTES))


@pytest.mark.parametrize("kind", ["AVIF", "HEIF"])
def test_a_picture_larger_than_it_says_is_refused_unseen(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    data = lie(photo(kind, Pillow.new("RGB", (6000, 64))), 600, 64)
    if kind == "HEIF":  # libheif has limits of its own
        with pytest.raises(ImageTypeError):
            decode(data)
        return
    opened: list[object] = []
    monkeypatch.setattr(AvifImagePlugin.AvifImageFile, "__init__", lambda *words: opened.append(words))
    with pytest.raises(ImageSizeError, match="holds a picture of 6000 x 64 px"):
        decode(data)
    assert not opened  # libavif would decode it all, and scale it then


def test_a_webp_whose_picture_is_larger_than_its_canvas() -> None:
    exif = Pillow.Exif()
    exif[0x0112] = 3
    data = photo("WEBP", Pillow.new("RGB", (6000, 64)), exif=exif)
    at = data.index(b"VP8X") + 12
    with pytest.raises(ImageTypeError):
        decode(data[:at] + struct.pack("<I", 599)[:3] + data[at + 3 :])


@pytest.mark.parametrize("kind", KINDS)
def test_a_photo_that_is_cut_off_is_refused(kind: str) -> None:
    data = photo(kind)
    for length in (16, len(data) // 4, len(data) // 2, len(data) * 3 // 4):
        with pytest.raises(ImageTypeError, match=r"is an? (WebP|AVIF|HEIC) photo that is corrupted or cut off"):
            decode(data[:length])


@pytest.mark.parametrize("kind", KINDS)
def test_damage_gives_a_photo_or_a_coded_refusal(kind: str) -> None:
    data = photo(kind)

    @settings(max_examples=150)
    @given(st.lists(st.tuples(st.integers(0, len(data) - 1), st.integers(0, 255)), min_size=1, max_size=6))
    def damaged(changes: list[tuple[int, int]]) -> None:
        changed = bytearray(data)
        for at, value in changes:
            changed[at] = value
        try:
            decode(bytes(changed))
        except EngineError as error:
            assert str(error)  # noqa: PT017  either way is good

    damaged()


# The guard by itself, on boxes that are made up.


def box(kind: bytes, *parts: bytes) -> bytes:
    content = b"".join(parts)
    return struct.pack(">I4s", 8 + len(content), kind) + content


def heif(*boxes: bytes) -> bytes:
    return box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"meta", bytes(4), *boxes)


def sized(*sizes: tuple[int, int]) -> bytes:
    """A size for each item, from 1."""
    told = [box(b"ispe", bytes(4), struct.pack(">II", *size)) for size in sizes]
    claims = [struct.pack(">HBB", number + 1, 1, number + 1) for number in range(len(sizes))]
    return box(b"iprp", box(b"ipco", *told), box(b"ipma", bytes(4), struct.pack(">I", len(sizes)), *claims))


def made_of(item: int, *parts: int) -> bytes:
    return box(b"dimg", struct.pack(f">HH{len(parts)}H", item, len(parts), *parts))


def check(data: bytes) -> None:
    check_heif(data, longest=5000, name="photo")


def test_a_camera_of_200_megapixels_is_told_so() -> None:
    with pytest.raises(ImageSizeError, match="far more pixels than 5000 x 5000"):
        check(heif(sized((16_320, 12_240))))


def test_the_tiles_of_a_phone_are_no_absurdity() -> None:
    tiles = range(2, 2 + 48)
    check(heif(sized((4032, 3024), *[(512, 512)] * 48), box(b"iref", bytes(4), made_of(1, *tiles))))


@pytest.mark.parametrize(
    "references",
    [
        [made_of(1, *[2] * 5000)],
        [made_of(1, *[3] * 100), made_of(3, *[2] * 100)],
    ],
    ids=["one picture thousands of times", "pictures of pictures"],
)
def test_a_photo_of_absurdly_many_pictures_is_refused(references: list[bytes]) -> None:
    with pytest.raises(ImageTypeError, match="absurdly many pictures"):
        check(heif(sized((1000, 1000), (512, 512), (512, 512)), box(b"iref", bytes(4), *references)))


@pytest.mark.parametrize(
    "data",
    [
        heif(sized((9, 9)), box(b"iref", bytes(4), made_of(1, 2), made_of(2, 1))),
        heif(sized((9, 9)), sized((9, 9))),
        heif(box(b"iref", bytes(4), *[made_of(1, *[2] * 10_000)] * 3)),
        # No byte for each place that is listed.
        heif(box(b"iloc", b"\1\0\0\0", b"\0\0", struct.pack(">H", 9), struct.pack(">HHHH", 1, 0, 0, 65535) * 9)),
        heif(box(b"iinf", bytes(4), b"\0\1", box(b"infe", b"\2\0\0\0", b"\0\1\0\0av01"))[:-4]),
        struct.pack(">I4s", 4, b"meta"),
    ],
    ids=["circle", "twice", "too many parts", "too many places", "cut off", "smaller than its head"],
)
def test_broken_boxes_are_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        check(data)


def av1(payload: bytes, *places: tuple[int, int]) -> bytes:
    infe = box(b"infe", b"\2\0\0\0", b"\0\1\0\0av01")
    iloc = struct.pack(">BBHHHHHHH", 1, 0, 0, 0x4400, 1, 1, 1, 0, len(places))
    listed = b"".join(struct.pack(">II", *place) for place in places)
    return heif(box(b"iinf", bytes(4), b"\0\1", infe), box(b"iloc", iloc, listed), box(b"idat", payload))


def sequence_header(width: int, height: int, *, reduced: bool) -> bytes:
    bits = "000" + "1" + ("1" + "00000" if reduced else "0" + "0" + "0" + "00000" + "0" * 12 + "01000" + "0")
    bits += "1111" + "1111" + f"{width - 1:016b}{height - 1:016b}"
    payload = int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    return bytes([0x0A, len(payload)]) + payload


@pytest.mark.parametrize("reduced", [True, False])
@pytest.mark.parametrize("before", [b"", b"\x12\0", b"\x16\0\0", b"\x2a\x80\x01" + bytes(128)])
def test_the_size_in_an_av1_picture_counts(before: bytes, reduced: bool) -> None:
    for width, height in ((5000, 40), (40, 5000)):
        payload = before + sequence_header(64, 64, reduced=reduced) + sequence_header(width, height, reduced=reduced)
        check(av1(payload, (0, len(payload))))
        with pytest.raises(ImageSizeError):
            check_heif(av1(payload, (0, 3), (3, 0)), longest=4999, name="photo")


@pytest.mark.parametrize(
    "payload",
    [
        b"\x0a",
        b"\x0a\xff",
        b"\x0a\2\0\0",
        b"\x12\0" * 30_000,
        sequence_header(9, 9, reduced=False).replace(b"\x10", b"\x14"),
    ],
    ids=["no length", "half a length", "cut off", "too many", "a clock"],
)
def test_broken_av1_is_refused(payload: bytes) -> None:
    with pytest.raises(ValueError, match=r"AV1"):
        check(av1(payload, (0, len(payload))))


def test_places_that_hold_more_than_the_file() -> None:
    with pytest.raises(ValueError, match="more bytes than the file"):
        check(av1(b"\x12\0" * 9000, *[(0, 18_000)] * 1000))


@settings(max_examples=300)
@given(st.binary(max_size=300))
def test_the_guard_raises_what_it_says_on_anything(content: bytes) -> None:
    for data in (content, heif(content), heif(box(b"iprp", box(b"ipma", content))), av1(content, (0, len(content)))):
        try:
            check(data)
        except (ValueError, struct.error, EngineError) as error:
            assert str(error)  # noqa: PT017  either way is good


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_memory_of_the_largest_photo(kind: str, tmp_path: Path) -> None:
    path = tmp_path / "photo"
    cheap = {"method": 0} if kind == "WEBP" else {"speed": 10} if kind == "AVIF" else {}
    path.write_bytes(photo(kind, Pillow.new("RGBA", (5000, 5000), (90, 120, 150, 128)), **cheap))
    records, before, peak = measure(path)
    assert records[str(path)][0] == "Image"
    assert peak - before < 560 << 20
