"""Encoding of the photos of a labelled set: one template each, and a list of the unusable ones."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from senseid_engine.errors import MediaError, NoFaceError
from senseid_engine.image import decode_image, read_photo

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from senseid_engine.calibration.labelled import Photo
    from senseid_engine.image import Image

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class EncodedPhoto(Generic[T]):
    """A photo and its template.

    Attributes:
        number: number of the photo in the set.
        template: the template of its largest face.
    """

    number: int
    template: T


@dataclass(frozen=True, slots=True)
class Unusable:
    """A photo that gave no template.

    Attributes:
        number: number of the photo in the set.
        name: its name in the set.
        no_face: True: no face was found. False: it could not be decoded.
        problem: why, in one line.
    """

    number: int
    name: str
    no_face: bool
    problem: str


def encode_photos(
    photos: Iterable[Photo],
    encode: Callable[[Image], T],
    *,
    workers: int = 1,
    advance: Callable[[], None] = lambda: None,
) -> tuple[list[EncodedPhoto[T]], list[Unusable]]:
    """Encode photos, in their order, whatever the number of workers.

    Args:
        photos: the photos of a set, all of them: their place is their number.
        encode: the template of a decoded photo's largest face; raises NoFaceError.
        workers: how many photos are processed at the same time.
        advance: called after each photo.

    Raises:
        EngineError: any error other than a photo without a face or one that cannot be decoded.
    """
    encoded: list[EncodedPhoto[T]] = []
    unusable: list[Unusable] = []

    def one(numbered: tuple[int, Photo]) -> EncodedPhoto[T] | Unusable:
        number, photo = numbered
        try:
            return EncodedPhoto(number, encode(decode_image(read_photo(photo.path), name=photo.name)))
        except NoFaceError as error:
            return Unusable(number, photo.name, no_face=True, problem=error.problem)
        except MediaError as error:
            return Unusable(number, photo.name, no_face=False, problem=error.problem)

    pool = ThreadPoolExecutor(workers)
    try:
        for result in pool.map(one, enumerate(photos)):
            (encoded if isinstance(result, EncodedPhoto) else unusable).append(result)  # type: ignore[arg-type]
            advance()
    finally:
        # Ctrl-C or a broken model: do not work through the rest of the set first.
        pool.shutdown(cancel_futures=True)
    return encoded, unusable
