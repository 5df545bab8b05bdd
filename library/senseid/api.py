"""The front door: compare, judge, check and encrypt from Python."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

import numpy as np

from senseid import installation, outcomes
from senseid.media import decrypted, read_file
from senseid.models import Models
from senseid_crypto import sealed, wire
from senseid_crypto.errors import CryptoError
from senseid_crypto.format import Format
from senseid_engine import image, video
from senseid_engine.device import Device
from senseid_engine.errors import MediaNotFoundError
from senseid_engine.media import open_media, reading
from senseid_engine.photo_options import AS_IT_IS, MOST_REFERENCES, PhotoOptions

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from senseid.keys import KeySources
    from senseid_engine.liveness.results import LivenessResult, PhotoLiveness, VideoVerification
    from senseid_engine.quality.results import QualityReport
    from senseid_engine.results import Comparison, OmniComparison

    File = str | os.PathLike[str]
    Photo = File | bytes | npt.NDArray[np.uint8]
    Video = File | bytes

ERRORS: Final = tuple(outcomes.OUTCOMES)
"""Every error whose text says what is wrong: `except senseid.ERRORS as error`. `senseid.outcomes.outcome_of(error)`
gives its exit status and code."""


class Senseid:
    """The installation of this machine, opened.

    Photos are paths, the bytes of a file (plain or encrypted, as the commands take them), or uint8 arrays of H x W x 3
    in R G B order; videos are paths or bytes. Models are loaded at their first use and kept; one object may be shared
    between threads after that.
    """

    def __init__(
        self, *, threads: int | None = None, device: Device | str = Device.AUTO, key_file: File | None = None
    ) -> None:
        """Verify the licences. No model is loaded yet.

        Args:
            threads: CPUs to use; by default as many as this process may use.
            device: where the networks run: `auto`, `cpu`, `openvino` or `cuda`.
            key_file: the only source of keys for encrypted media, if given.

        Raises:
            HomeError: there is no data directory.
            ValueError: there is no such device, or `threads` is below 1.
        """
        if threads is not None and threads < 1:
            raise ValueError(f"threads is {threads}: give 1 or more")
        licences = installation.verify_licences()
        self._models = Models(lambda: licences, threads=threads, device=Device(device))
        self._key_file = None if key_file is None else Path(key_file)

    def compare(self, first: Photo | Sequence[Photo], second: Photo, options: PhotoOptions = AS_IT_IS) -> Comparison:
        """Compare the largest face of each of two photos; `score` is in [0, 1].

        Args:
            first: a photo; or a list of up to 10 photos of one person, in any order, for one score against all of them.
            second: a photo.
            options: how all are looked at.

        Raises:
            ERRORS: a photo is refused, or there is no licence for it.
            ValueError: the list is empty or too long.
        """
        one, further = self._of_one_person(first, "first")
        return self._models.engine.compare(one, self._photo(second, "second"), options, further=further)

    def omni(self, first: Photo, second: Photo, options: PhotoOptions = AS_IT_IS) -> OmniComparison:
        """Compare every face of one photo with every face of another; `scores[i][j]` are in [0, 1].

        Raises:
            ERRORS: a photo is refused, or there is no licence for it.
        """
        return self._models.engine.omni(self._photo(first, "first"), self._photo(second, "second"), options)

    def quality(self, photo: Photo, *, auto_rotate: bool = False) -> QualityReport:
        """Measure the quality of every face of a photo, the largest first.

        Args:
            photo: the photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            ERRORS: the photo is refused, or there is no licence for it.
        """
        return self._models.quality.check(self._photo(photo, "photo"), auto_rotate=auto_rotate)

    def liveness(self, source: Video) -> LivenessResult:
        """Check whether the person in a video is living: `passed`, and a `score` in [0, 1].

        Raises:
            ERRORS: the video is refused, or there is no licence for it.
        """
        return self._models.liveness.detect(self._video(source))

    def photo_liveness(self, photo: Photo, *, auto_rotate: bool = False) -> PhotoLiveness:
        """Check whether a photo shows a person, and not paper or a screen: `passed`, and a `score` in [0, 1].

        A photo proves less than a video: its texture is all that is looked at.

        Args:
            photo: the photo.
            auto_rotate: turn a sideways or upside-down photo by looking for its faces.

        Raises:
            ERRORS: the photo is refused, or there is no licence for it.
        """
        return self._models.liveness.detect_photo(self._photo(photo, "photo"), auto_rotate=auto_rotate)

    def verify(
        self, source: Video, photo: Photo | Sequence[Photo], options: PhotoOptions = AS_IT_IS
    ) -> VideoVerification:
        """Check whether the person in a video is living, and compare it with the largest face of a photo.

        Args:
            source: the video.
            photo: a photo; or a list of up to 10 photos of one person, in any order, for one score against all of them.
            options: how the photos are looked at.

        Raises:
            ERRORS: the video or a photo is refused, or there is no licence for it.
            ValueError: the list is empty or too long.
        """
        one, further = self._of_one_person(photo, "photo")
        return self._models.verifier.verify_video(self._video(source), one, options, further=further)

    def encrypt(self, source: Video, *, form: Format | str = Format.CONTAINER) -> bytes:
        """Encrypt a file or bytes, in memory, with the key that `senseid encrypt` takes.

        Args:
            source: the file or bytes; `senseid encrypt` also takes files that do not fit into memory.
            form: `container`, or `wire`, the text that the HTTP API takes.

        Raises:
            ERRORS: it cannot be read, or there is no key.
            ValueError: there is no such form.
        """
        form = Format(form)
        data = _raw(source)
        key = self._keys().to_encrypt().key
        if form is Format.WIRE:
            return wire.encrypt_bytes(data, key)
        return sealed.seal_bytes(data, key, entropy=installation.entropy)

    def decrypt(self, source: Video) -> bytes:
        """Decrypt a file or bytes of either format, in memory.

        Raises:
            ERRORS: it cannot be read or decrypted.
        """
        data = _raw(source)
        try:
            return sealed.decrypt_bytes(data, self._keys(), most=len(data))
        except CryptoError as error:
            raise error.at(_name(source, "data")) from None

    def _of_one_person(self, photos: Photo | Sequence[Photo], name: str) -> tuple[image.Image, Iterator[image.Image]]:
        """The first photo, and the others when they are asked for."""
        # An open file would be as many photos as it has lines, and a bytearray as it has bytes.
        several = isinstance(photos, Sequence) and not isinstance(photos, str | bytes | bytearray | memoryview)
        every = list(cast("Sequence[Photo]", photos)) if several else [cast("Photo", photos)]
        if not 0 < len(every) <= MOST_REFERENCES:
            raise ValueError(f"{len(every)} photos of one person: there must be 1 to {MOST_REFERENCES}")
        one, *others = every
        return self._photo(one, name), (self._photo(photo, f"{name} {i}") for i, photo in enumerate(others, 2))

    def _photo(self, photo: Photo, name: str) -> image.Image:
        if isinstance(photo, np.ndarray):
            return image.image_of_array(photo, name=name)
        return image.decode_image(self._bytes(photo, image.MAX_BYTES, "photo", name), name=_name(photo, name))

    def _video(self, source: Video) -> video.Video:
        return video.decode_video(self._bytes(source, video.MAX_BYTES, "video", "video"), name=_name(source, "video"))

    def _bytes(self, source: File | bytes, most: int, what: str, name: str) -> bytes:
        if isinstance(source, bytes):
            return decrypted(source, name=name, most=most, what=what, keys=self._keys)[0]
        return read_file(_path(source, name), most=most, what=what, keys=self._keys)[0]

    def _keys(self) -> KeySources:
        return installation.key_sources(self._key_file)


def _name(source: File | bytes, name: str) -> str:
    return name if isinstance(source, bytes) else os.fspath(source)


def _path(source: object, name: str) -> Path:
    if not isinstance(source, str | os.PathLike):
        kind = type(source).__name__
        raise TypeError(f"{name} is of type {kind}: give a path, the bytes of a file, or for a photo a numpy array")
    if source == "":  # Path makes the current folder of it
        raise MediaNotFoundError(name, "an empty word names no file: check where it comes from")
    return Path(source)


def _raw(source: File | bytes) -> bytes:
    if isinstance(source, bytes):
        return source
    with open_media(_path(source, "source"), "file") as file, reading(str(source), "file"):
        return file.read()
