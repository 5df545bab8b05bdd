"""Errors of the engine. No class here knows an exit status or HTTP: callers map them in one table."""

from __future__ import annotations


class EngineError(Exception):
    """Base of all errors that the engine raises.

    ::

        EngineError
        ├── MediaError
        │   ├── MediaNotFoundError
        │   ├── MediaUnreadableError
        │   ├── ImageSizeError
        │   ├── ContentLengthError
        │   ├── ImageTypeError
        │   └── VideoError
        ├── DetectionError
        │   ├── NoFaceError
        │   └── AmbiguousFaceError
        ├── OcclusionError
        ├── DifferentPeopleError
        ├── LivenessError
        ├── AttackError
        ├── LivenessDataError
        ├── ModelError
        ├── LibraryError
        ├── DeviceError
        ├── PolicyError
        └── CalibrationError

    ``str()`` is always one printable line, ``<name>: <problem>``, whatever characters the name holds.

    Attributes:
        name: The caller's name of the faulty input: a path, ``stdin``, a model, a labelled set.
        problem: The error and its remedy.
    """

    def __init__(self, name: str, problem: str) -> None:
        super().__init__(name, problem)
        self.name = name
        self.problem = problem

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be pickled, as process pools do. The constructor takes others than `args`, so it is not called."""
        return type(self).__new__, (type(self), *self.args), vars(self)

    def __str__(self) -> str:
        return f"{printable(self.name)}: {printable(self.problem)}"

    @property
    def message(self) -> str:
        """The error in one line, as in every base error of senseid."""
        return str(self)

    remedy = ""
    """Always empty: the remedy is the end of `problem`."""


class MediaError(EngineError):
    """A photo or a video cannot be used."""


class MediaNotFoundError(MediaError):
    """There is no file of that name."""


class MediaUnreadableError(MediaError):
    """The file is there but cannot be read: a directory, a pipe, a device, no permission, a failing disk."""


class ImageSizeError(MediaError):
    """The width or the height is outside the limits."""


class ContentLengthError(MediaError):
    """The file has too many bytes."""


class ImageTypeError(MediaError):
    """The content is of no supported type, or it does not decode."""


class VideoError(MediaError):
    """The content is not a video, no frame of it decodes, or it is too short."""


class DetectionError(EngineError):
    """The search for faces gave no usable result."""


class NoFaceError(DetectionError):
    """There is no face in the photo, or none that is upright."""


class AmbiguousFaceError(DetectionError):
    """There are two faces of like size in a photo that is to show one person."""


class OcclusionError(EngineError):
    """The quality of the face was asked for and part of it is covered.

    Attributes:
        features: The covered parts, such as ``("left eye", "mouth")``; at least one.
    """

    def __init__(self, name: str, features: tuple[str, ...]) -> None:
        super().__init__(name, f"the face is covered ({', '.join(features)}): take a photo that shows it whole")
        self.features = features


class DifferentPeopleError(EngineError):
    """Of several photos that are to show one person, one does not show that of the others."""


class LivenessError(EngineError):
    """The liveness check could not be carried out: no frame shows a usable face. It is not a verdict."""


class AttackError(EngineError):
    """The liveness of a photo was asked for, and it looks like a picture of a picture."""


class LivenessDataError(EngineError):
    """A file is not liveness data, was changed, or is sealed with another key."""


class ModelError(EngineError):
    """The runtime refuses a model, or its output has another shape than it should have."""


class LibraryError(EngineError):
    """A library that runs models does not load on this machine."""


class DeviceError(EngineError):
    """A processor that was asked for is not there, does not start, or computes other values than the CPU."""


class PolicyError(EngineError):
    """A file is not a policy for the quality of photos."""


class CalibrationError(EngineError):
    """A labelled set cannot give a score curve."""


def printable(text: str) -> str:
    """Escape line breaks, control codes and lone surrogates, so that a file name cannot forge a second message."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode("ascii") for char in text)


def reason_of(error: OSError) -> str:
    """The system's reason, in lower case, for the end of a message: `permission denied`."""
    return (error.strerror or "unknown reason").lower()
