"""Photos in: bytes of a JPEG, BMP, PNG, GIF, TIFF, WebP, AVIF or HEIC become upright RGB pixels, or one coded refusal.

The content decides the type, never the name. Limits are checked from the header before a pixel is decoded. See
docs/adr/0003-photo-decoder.md for the choice of the decoder and of each conversion.
"""

from __future__ import annotations

import io
import warnings
from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Final

import numpy as np
from PIL import Image as Pillow
from PIL import ImageFile, JpegImagePlugin

from senseid_engine.errors import ContentLengthError, ImageSizeError, ImageTypeError
from senseid_engine.heif_guard import check_heif
from senseid_engine.media import open_media, reading
from senseid_engine.photo_guard import check_tiff, slim_jpeg
from senseid_engine.photo_kinds import unread_kind

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import ImageCms

MAX_BYTES: Final = 5 * 1024 * 1024
"""The longest photo, in bytes. The contract's "5 MB", read as MiB: the reading that refuses nobody's 5 MB photo."""

MIN_SIDE: Final = 32
"""The shortest width and height, in pixels."""

MAX_SIDE: Final = 5000
"""The longest width and height, in pixels."""

_FORMATS: Final = (
    (b"\xff\xd8\xff", "Jpeg"),
    (b"\x89PNG\r\n\x1a\n", "Png"),
    (b"GIF87a", "Gif"),
    (b"GIF89a", "Gif"),
    (b"BM", "Bmp"),
    (b"II*\0", "Tiff"),
    (b"MM\0*", "Tiff"),
    (b"II+\0", "Tiff"),
    (b"MM\0+", "Tiff"),
)
"""The first bytes of a format, and how the names of Pillow's module and class for it begin: each is imported as it is
needed."""

_PHONE_KINDS: Final = {"a WebP photo": "WEBP", "an AVIF photo": "AVIF", "a HEIC photo": "HEIF"}
"""The formats of phones and browsers by what `unread_kind` calls them, and by Pillow's names."""

_LONGEST_INSIDE: Final = MAX_SIDE + 64
"""The longest side of a picture inside a HEIC or AVIF photo: it may be padded to whole blocks."""

_ORIENTATION_TAG: Final = 0x0112
_UPRIGHT: Final = {
    2: Pillow.Transpose.FLIP_LEFT_RIGHT,
    3: Pillow.Transpose.ROTATE_180,
    4: Pillow.Transpose.FLIP_TOP_BOTTOM,
    5: Pillow.Transpose.TRANSPOSE,
    6: Pillow.Transpose.ROTATE_270,
    7: Pillow.Transpose.TRANSVERSE,
    8: Pillow.Transpose.ROTATE_90,
}

_PHOTOMETRIC_TAG: Final = 262
_BITS_TAG: Final = 258
_WHITE_IS_ZERO: Final = 0


_NAMES_OF_FIVE: Final = "JPEG, PNG, GIF, BMP or TIFF"
_NAMES: Final = "JPEG, PNG, GIF, BMP, TIFF, WebP or AVIF"


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """An upright photo.

    Attributes:
        pixels: uint8, H x W x 3, R G B order, 0..255, C-contiguous, read-only. The image owns the array: it is made
            read-only here.
        format: ``JPEG``, ``PNG``, ``GIF``, ``BMP``, ``TIFF``, ``WEBP``, ``AVIF`` or ``HEIF``, by content; ``video`` for
            a frame.
        orientation: The EXIF orientation, 1..8, that has been applied to the pixels; 1 where there was none. Of a HEIC
            the decoder applies the turn that the file asks for, and it is 1.
        name: The name of the photo in messages.

    Raises:
        ValueError: The array has another dtype, shape or layout. A bug in the caller, not in the photo.
    """

    pixels: NDArray[np.uint8] = field(repr=False)
    format: str
    orientation: int
    name: str

    def __post_init__(self) -> None:
        array = self.pixels
        if not _is_rgb(array) or not array.flags.c_contiguous:
            raise ValueError(f"pixels must be C-contiguous uint8 HxWx3, not {array.dtype} {array.shape}")
        array.flags.writeable = False

    @property
    def width(self) -> int:
        """The width of the upright photo, in pixels."""
        return int(self.pixels.shape[1])

    @property
    def height(self) -> int:
        """The height of the upright photo, in pixels."""
        return int(self.pixels.shape[0])


def read_photo(path: Path) -> bytes:
    """Read a photo file, at most one byte more than `MAX_BYTES`, so that `decode_image` can tell that it is too long.

    Never blocks: only regular files are read. An empty file is left for `decode_image` to refuse.

    Raises:
        MediaNotFoundError: There is no such file.
        MediaUnreadableError: A directory, a pipe, a socket or a device; no permission; a name the system refuses.
    """
    with open_media(path, "photo") as file, reading(str(path), "photo"):
        return file.read(MAX_BYTES + 1)


def decode_image(data: bytes, *, name: str, phone_formats: bool = True) -> Image:
    """Decode a photo to upright RGB.

    The first frame or page counts. Transparency is laid over white. More than 8 bits a sample are scaled to 8.
    CMYK goes through the embedded ICC profile where there is a usable one.

    Args:
        data: The whole file, decrypted.
        name: The name of the photo in messages.
        phone_formats: Whether WebP, AVIF and HEIC are read beside the five formats of the service's manual. HEIC needs
            the extra `heif`.

    Raises:
        ContentLengthError: More than `MAX_BYTES` bytes.
        ImageTypeError: Of no such format by content, or what reads it is not installed, or it does not decode, or it is
            cut off.
        ImageSizeError: Width or height outside `MIN_SIDE`..`MAX_SIDE`, by the header.
    """
    if len(data) > MAX_BYTES:
        raise ContentLengthError(name, f"is over {MAX_BYTES:,} bytes (5 MB): save it smaller or more compressed")
    if not data:
        raise ImageTypeError(name, f"is empty: give a {_NAMES if phone_formats else _NAMES_OF_FIVE} photo")
    reader = _reader(data)
    if reader is None and phone_formats:
        reader = _phone_reader(data, name)
    if reader is None:
        raise _unread(data, name) or ImageTypeError(
            name, f"is not a {_NAMES if phone_formats else _NAMES_OF_FIVE} by content: convert it to one of them"
        )
    _hush_pillow()
    try:
        return _decode(reader, data, name)
    except (ImageSizeError, ImageTypeError, MemoryError):
        raise
    except Pillow.DecompressionBombError as error:
        raise ImageSizeError(name, f"has far more pixels than {MAX_SIDE} x {MAX_SIDE}: save it smaller") from error
    except Exception as error:
        # A parser of hostile bytes can fail in any way: OSError, SyntaxError, ValueError, struct.error,
        # zlib.error, ... All of them mean the same to the user.
        kind = unread_kind(data)
        what = f"is {kind} that is" if kind in _PHONE_KINDS else "is"
        broken = ImageTypeError(name, f"{what} corrupted or cut off, it does not decode: save or send it again")
        raise (broken if kind in _PHONE_KINDS else _unread(data, name) or broken) from error


def is_photo(data: bytes) -> bool:
    """Whether a file begins like one of the formats that `decode_image` reads, if what reads them is installed."""
    return _reader(data) is not None or unread_kind(data) in _PHONE_KINDS


def image_of_array(pixels: NDArray[np.uint8], *, name: str) -> Image:
    """Make a photo from decoded upright pixels. The array is copied.

    Args:
        pixels: uint8, H x W x 3, R G B order, 0..255.
        name: The name of the photo in messages.

    Raises:
        ImageSizeError: Width or height outside `MIN_SIDE`..`MAX_SIDE`.
        ValueError: The array has another dtype or shape.
    """
    if not _is_rgb(pixels):
        raise ValueError(f"{name} is an array of {pixels.dtype} {pixels.shape}: give uint8, height x width x 3, R G B")
    image = Image(np.array(pixels, order="C"), "array", 1, name)
    _check_size((image.width, image.height), name)
    return image


def rotate(image: Image, quarter_turns: int) -> Image:
    """Turn a photo anticlockwise.

    Args:
        image: Any photo.
        quarter_turns: How many times 90 degrees; negative is clockwise.

    Returns:
        The turned photo, or the same object for a whole turn. `Image.orientation` still says what EXIF asked for.
    """
    if quarter_turns % 4 == 0:
        return image
    pixels = np.ascontiguousarray(np.rot90(image.pixels, quarter_turns))
    return Image(pixels=pixels, format=image.format, orientation=image.orientation, name=image.name)


def _is_rgb(array: NDArray[np.uint8]) -> bool:
    return array.dtype == np.uint8 and array.ndim == 3 and array.shape[2] == 3


def _decode(reader: type[ImageFile.ImageFile], data: bytes, name: str) -> Image:
    exif = probe = b""
    if reader.format == "JPEG":
        slim = slim_jpeg(data, name=name)
        data, exif, probe = slim.data, slim.exif, slim.probe
    elif reader.format == "TIFF":
        check_tiff(data, name=name)
        _hush_libtiff()
    elif reader.format not in {"PNG", "GIF", "BMP", "WEBP"}:
        check_heif(data, longest=_LONGEST_INSIDE, name=name)
    try:
        photo = reader(io.BytesIO(data))
    except MemoryError as error:  # an absurd count; the pixels, for which there may be no room, are not read here
        raise ValueError("the header asks for more memory than there is") from error
    with photo:
        _check_size(photo.size, name)
        if reader.format == "TIFF":
            orientation = _orientation(photo, exif)
            photo.load()  # Pillow turns it upright here
            rgb = _to_rgb(photo)
        else:
            photo.load()
            if probe:
                _check_same(photo, probe, name)
            orientation = _orientation(photo, exif)  # PNG may hold it behind the pixels
            rgb = _to_rgb(photo)
            if orientation in _UPRIGHT:
                rgb = rgb.transpose(_UPRIGHT[orientation])
        _check_size(rgb.size, name)
        pixels = np.ascontiguousarray(rgb, dtype=np.uint8)
    return Image(pixels=pixels, format=str(photo.format), orientation=orientation, name=name)


def _reader(data: bytes) -> type[ImageFile.ImageFile] | None:
    # The classes are called directly. PIL.Image.open would warn of a big header before we see its size, try one
    # format after another, and turn a JPEG with a second picture (MPO, every 3D and many a phone camera) into another
    # format.
    name = next((name for magic, name in _FORMATS if data.startswith(magic)), None)
    if name is None:
        return None
    reader: type[ImageFile.ImageFile] = getattr(import_module(f"PIL.{name}ImagePlugin"), f"{name}ImageFile")
    return reader


def _phone_reader(data: bytes, name: str) -> type[ImageFile.ImageFile] | None:
    """The reader of a WebP, AVIF or HEIC; None for anything else.

    Raises:
        ImageTypeError: what reads it is not installed.
    """
    kind = unread_kind(data) or ""
    match _PHONE_KINDS.get(kind):
        case "WEBP":
            from PIL import WebPImagePlugin

            if WebPImagePlugin.SUPPORTED:
                return WebPImagePlugin.WebPImageFile
        case "AVIF":
            from PIL import AvifImagePlugin

            if AvifImagePlugin.SUPPORTED:
                return AvifImagePlugin.AvifImageFile
        case "HEIF":
            try:
                from pillow_heif import HeifImageFile
            except ImportError:
                raise ImageTypeError(
                    name, f"is {kind}: install the extra `heif` of senseid to read it, or save it as a JPEG"
                ) from None
            return HeifImageFile
        case _:
            return None
    raise ImageTypeError(name, f"is {kind}, which this build of Pillow does not read: install pillow from its wheel")


def _unread(data: bytes, name: str) -> ImageTypeError | None:
    kind = unread_kind(data)
    return (
        None
        if kind is None
        else ImageTypeError(
            name, f"is {kind}, which is not read: save it as a plain JPEG or PNG (BMP, GIF and TIFF are read, too)"
        )
    )


def _check_same(photo: ImageFile.ImageFile, probe: bytes, name: str) -> None:
    """Refuse a JPEG that lacks more than its end marker, by decoding `SlimJpeg.probe`."""
    from PIL import ImageChops

    with JpegImagePlugin.JpegImageFile(io.BytesIO(probe)) as other:
        if ImageChops.difference(photo, other).getbbox(alpha_only=False) is not None:
            raise ImageTypeError(name, "is cut off, some of its pixels are missing: save or send it again")


_PILLOW_MODULES: Final = r"PIL\."


def _hush_pillow() -> None:
    """Keep Pillow's remarks on broken metadata away from the user's terminal, and from ``-W error``.

    `warnings.catch_warnings` swaps the filters of the whole process and is not safe with threads. One filter that
    names Pillow's modules is added instead and stays.
    """
    for action, _, _, module, _ in warnings.filters:
        if action == "ignore" and getattr(module, "pattern", None) == _PILLOW_MODULES:
            return
    warnings.filterwarnings("ignore", module=_PILLOW_MODULES)


def _hush_libtiff() -> None:
    """Keep libtiff from writing lines of its own about a broken file to stderr, beside the refusal.

    Pillow passes on no setting for it. The library is found through Pillow's own module, which is linked with it; where
    it is built in and not to be found (Windows), it goes on writing.
    """
    import ctypes

    from PIL import _imaging

    try:
        libtiff = ctypes.CDLL(_imaging.__file__)
        handlers = (libtiff.TIFFSetErrorHandler, libtiff.TIFFSetWarningHandler)
    except (OSError, AttributeError):
        return
    for set_handler in handlers:
        set_handler.argtypes, set_handler.restype = [ctypes.c_void_p], ctypes.c_void_p
        set_handler(None)


def _check_size(size: tuple[int, int], name: str) -> None:
    # Turning swaps the sides, and the limits are the same for both: the header's order does not matter.
    if min(size) < MIN_SIDE or max(size) > MAX_SIDE:
        raise ImageSizeError(
            name, f"is {size[0]} x {size[1]} px, each side must be {MIN_SIDE}..{MAX_SIDE} px: use another size"
        )


def _orientation(photo: ImageFile.ImageFile, exif: bytes) -> int:
    try:
        if exif:
            tags = Pillow.Exif()
            tags.load(exif)
        else:
            tags = photo.getexif()
        value = tags.get(_ORIENTATION_TAG, 1)
    except Exception:  # broken EXIF, of any kind, is not a reason to refuse good pixels
        return 1
    return value if isinstance(value, int) and value in _UPRIGHT else 1


def _to_rgb(photo: ImageFile.ImageFile) -> Pillow.Image:
    if photo.mode.startswith("I;16"):
        return _from_16_bit(photo).convert("RGB")
    if photo.mode in {"I", "F"}:
        return _from_unbounded(photo).convert("RGB")
    if photo.mode == "CMYK":
        return _from_cmyk(photo)
    if photo.mode == "LAB":
        return _from_lab(photo)
    if photo.has_transparency_data:
        return _over_white(photo if photo.mode == "RGBA" else photo.convert("RGBA"))  # convert would copy
    return photo if photo.mode == "RGB" else photo.convert("RGB")  # convert would copy


def _over_white(photo: Pillow.Image) -> Pillow.Image:
    # White is what a viewer or a printed page shows behind a cut-out portrait.
    ground = Pillow.new("RGB", photo.size, "white")
    ground.paste(photo, mask=photo.getchannel("A"))
    return ground


def _from_16_bit(photo: ImageFile.ImageFile) -> Pillow.Image:
    from PIL import TiffImagePlugin

    values: NDArray[np.uint16] = np.asarray(photo)
    bits, white_is_zero = 16, False
    if isinstance(photo, TiffImagePlugin.TiffImageFile):
        bits = int(photo.tag_v2.get(_BITS_TAG, (16,))[0])  # Pillow hands 12 bits over as they are
        white_is_zero = photo.tag_v2.get(_PHOTOMETRIC_TAG) == _WHITE_IS_ZERO  # and leaves 16 bits negative
    # The high byte, as Pillow does for 16-bit RGB. Its own conversion of grey would clip at 255.
    grey = (values >> (bits - 8)).astype(np.uint8)
    return Pillow.fromarray(255 - grey if white_is_zero else grey)


def _from_unbounded(photo: ImageFile.ImageFile) -> Pillow.Image:
    """Stretch 32-bit integers or floats from their lowest to their highest value: they have no agreed white."""
    values = np.array(photo, dtype=np.float64)
    finite = np.isfinite(values)
    values[~finite] = 0
    low, high = float(values.min()), float(values.max())
    values -= low
    values *= 255 / (high - low) if high > low else 0
    return Pillow.fromarray(values.astype(np.uint8))


def _from_cmyk(photo: ImageFile.ImageFile) -> Pillow.Image:
    from PIL import ImageCms

    profile = photo.info.get("icc_profile")
    if profile:
        try:
            source = ImageCms.ImageCmsProfile(io.BytesIO(profile))
            return _transform(photo, source)
        except (ImageCms.PyCMSError, OSError, TypeError, ValueError):
            pass  # a broken profile, or one for another colour space: the plain conversion is the next best
    return photo.convert("RGB")


def _from_lab(photo: ImageFile.ImageFile) -> Pillow.Image:
    from PIL import ImageCms

    return _transform(photo, ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")))


def _transform(photo: ImageFile.ImageFile, source: ImageCms.ImageCmsProfile) -> Pillow.Image:
    from PIL import ImageCms

    transform = ImageCms.buildTransform(
        source,
        ImageCms.createProfile("sRGB"),
        photo.mode,
        "RGB",
        ImageCms.Intent.RELATIVE_COLORIMETRIC,
        ImageCms.Flags.BLACKPOINTCOMPENSATION,
    )
    return transform.apply(photo)
