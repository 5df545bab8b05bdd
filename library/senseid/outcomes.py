"""One table that maps the packages' errors to exit status, response code and HTTP status."""

from __future__ import annotations

import errno
import re
from dataclasses import dataclass, replace
from enum import IntEnum

from senseid.errors import (
    BatchError,
    CutShortError,
    HomeError,
    LogError,
    NoKeyError,
    NoProcessError,
    OperationError,
    OutputError,
    PeriodError,
    RefusedError,
    RequestError,
    SettingError,
)
from senseid.stids import in_words, stid_of
from senseid_crypto import errors as crypto
from senseid_engine import errors as engine
from senseid_licensing import errors as licensing
from senseid_models.errors import ModelsError


class ExitStatus(IntEnum):
    """Exit statuses of the commands. A verdict is not a failure: `NO` is a result."""

    YES = 0
    NO = 1
    USAGE = 2
    INPUT = 3
    LICENCE = 4
    MODEL = 5
    DECRYPTION = 6
    INTERNAL = 70
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Outcome:
    """The way an error is reported.

    Attributes:
        status: the exit status.
        code: the response code of the HTTP API.
        message: the fixed message of that code, or the STID name of a licence's error; never an exception's text.
        http_status: the status line of the HTTP API.
    """

    status: ExitStatus
    code: int
    message: str
    http_status: int


INTERNAL = Outcome(ExitStatus.INTERNAL, 500, "internal error", 500)
USAGE = Outcome(ExitStatus.USAGE, 1200, "invalid argument", 400)
INVALID = Outcome(ExitStatus.INPUT, 1200, "invalid argument", 400)

# Errors of the service before a request has reached the engine.
UNAUTHORISED = Outcome(ExitStatus.INPUT, 401, "unauthorized", 401)
FORBIDDEN = Outcome(ExitStatus.INPUT, 403, "forbidden", 403)
NOT_FOUND = Outcome(ExitStatus.INPUT, 404, "not found", 404)
METHOD_NOT_ALLOWED = Outcome(ExitStatus.INPUT, 405, "method not allowed", 405)
TOO_SLOW = Outcome(ExitStatus.INPUT, 408, "request timeout", 408)
LENGTH_REQUIRED = Outcome(ExitStatus.INPUT, 411, "length required", 411)
TOO_LARGE = Outcome(ExitStatus.INPUT, 413, "payload too large", 413)
TOO_MANY = Outcome(ExitStatus.INPUT, 429, "too many requests", 429)
UNAVAILABLE = Outcome(ExitStatus.INTERNAL, 503, "service unavailable", 503)

OUTCOMES: dict[type[Exception], Outcome] = {
    engine.MediaError: INVALID,
    engine.ImageSizeError: Outcome(ExitStatus.INPUT, 2003, "invalid image size", 400),
    engine.ContentLengthError: Outcome(ExitStatus.INPUT, 2004, "invalid content length", 400),
    engine.ImageTypeError: Outcome(ExitStatus.INPUT, 2005, "invalid image type or corrupted", 400),
    engine.VideoError: Outcome(ExitStatus.INPUT, 2008, "invalid video error", 400),
    engine.DetectionError: Outcome(ExitStatus.INPUT, 4000, "detection failed", 400),
    engine.OcclusionError: Outcome(ExitStatus.INPUT, 4004, "face occlusion", 400),
    engine.DifferentPeopleError: INVALID,
    engine.LivenessError: Outcome(ExitStatus.INPUT, 4007, "liveness silent check failed", 400),
    engine.AttackError: Outcome(ExitStatus.INPUT, 4007, "liveness silent check failed", 400),
    engine.LivenessDataError: Outcome(ExitStatus.INPUT, 2007, "corrupted liveness data error", 400),
    engine.PolicyError: INVALID,
    engine.CalibrationError: INVALID,
    engine.ModelError: Outcome(ExitStatus.MODEL, 500, "internal error", 500),
    engine.LibraryError: Outcome(ExitStatus.MODEL, 500, "internal error", 500),
    # Asked for by an option or a setting, so none of a photo.
    engine.DeviceError: USAGE,
    ModelsError: Outcome(ExitStatus.MODEL, 500, "internal error", 500),
    licensing.LicensingError: Outcome(ExitStatus.LICENCE, 500, "internal error", 500),
    licensing.ArgumentError: USAGE,
    crypto.DecryptionError: Outcome(ExitStatus.DECRYPTION, 1200, "invalid argument", 400),
    crypto.TooLongError: Outcome(ExitStatus.INPUT, 2004, "invalid content length", 400),
    crypto.KeyFormatError: USAGE,
    crypto.KeyStoreError: USAGE,
    BatchError: USAGE,
    HomeError: USAGE,
    LogError: INVALID,
    NoKeyError: USAGE,
    PeriodError: INVALID,
    RefusedError: USAGE,
    SettingError: USAGE,
    RequestError: USAGE,
    # Not the row of an unknown error: the message says what is wrong and what to do.
    NoProcessError: Outcome(ExitStatus.INTERNAL, 500, "internal error", 500),
    CutShortError: Outcome(ExitStatus.INTERNAL, 500, "internal error", 500),
    # Output that cannot be written, by any command and for any reason.
    OutputError: Outcome(ExitStatus.INTERNAL, 500, "internal error", 500),
    licensing.StorageError: Outcome(ExitStatus.INTERNAL, 500, "internal error", 500),
    crypto.KeyNotWrittenError: Outcome(ExitStatus.INTERNAL, 500, "internal error", 500),
}


# The wording of C libraries, in the errors that caused ours.
_NO_MEMORY = re.compile(
    "bad_?alloc|allocate memory|failed to map segment|insufficient memory|out of memory|start new thread",
    re.IGNORECASE,
)


def is_of_memory(error: BaseException | None) -> bool:
    """Whether an error or one of its causes is about too little memory, not a photo or a model."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, MemoryError) or (isinstance(error, OSError) and error.errno == errno.ENOMEM):
            return True
        # The text of our own errors, and of the system's, may contain a file name.
        if not isinstance(error, OSError | OperationError) and not is_expected(error) and _NO_MEMORY.search(str(error)):
            return True
        error = error.__cause__ or error.__context__
    return False


def outcome_of(error: Exception) -> Outcome:
    """Find the row for an error: that of its class, or of the nearest base class that has one.

    For licence errors, the message ends in the name from the manual's error table, which operators act on.
    """
    if is_of_memory(error):
        return INTERNAL
    for base in type(error).__mro__:
        if base in OUTCOMES:
            row = OUTCOMES[base]
            if isinstance(error, licensing.LicensingError) and row.status is ExitStatus.LICENCE:
                return replace(row, message=f"{row.message}: {in_words(error.stid)}")
            return row
    return INTERNAL


def sentence(error: Exception) -> str:
    """An expected error as one line: what is wrong, with which file, what to do; errors of licences by their names."""
    remedy = getattr(error, "remedy", "")
    line = f"{error}: {remedy}" if remedy else str(error)
    if outcome_of(error).status in (ExitStatus.LICENCE, ExitStatus.MODEL):
        return f"{in_words(stid_of(error))}: {line}"
    return line


def is_expected(error: BaseException) -> bool:
    """Whether the text of the error is meant for the user; that of any other error may contain a secret."""
    return any(base in OUTCOMES for base in type(error).__mro__)
