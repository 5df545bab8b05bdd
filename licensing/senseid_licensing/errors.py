"""The errors of licensing, each with its number and name from the service's manual.

LicensingError
|- ArgumentError            INVALID_ARG               an argument makes no sense
|- EmptyLicenceError        INVALID_ARG               the licence file is empty
|- LicenceMissingError      FILE_NOT_FOUND            no licence file, key file, ... where one is needed
|- FormatError              INVALID_FILE_FORMAT       not a licence, broken, too large, made for a later release
|- AuthError                INVALID_AUTH              the licence is not acceptable
|  |- SignatureError                                  the signature does not hold
|  |- UntrustedKeyError                               signed by a key that is not a trust root here
|  |- ProductError                                    issued for another product
|  |- WideningError                                   allows more than its parent
|  |- ChainError                                      its parents form no chain
|  |- RevokedError                                    withdrawn by its issuer
|  `- UnreadableError                                 the file is there but cannot be read
|- ValidityError            AUTH_EXPIRE               not valid at this time
|  |- ExpiredError
|  |- NotYetValidError
|  `- ClockError                                      the clock was set back
|- UdidMismatchError        UDID_MISMATCH             made for another machine
|- VersionMismatchError     VERSION_MISMATCH          made for other versions
|- PlatformError            PLATFORM_NOTSUPPORTED     made for other platforms
|- CapabilityError          CAPABILITY_NOTSUPPORTED   does not allow what is asked
|- UdidError                GET_UDID_FAIL             the machine shows nothing to recognise it by
|- LibraryError             LOAD_LIBRARY_FAILED       a library that verification needs does not load
|- ParentMissingError       ONLINE_ACTIVATE_PARENT_LICENSE_NOT_FOUND
|- TooManyParentsError      ONLINE_ACTIVATE_PARENT_LICENSE_TOO_MANY
|- KeyFileError             INVALID_FILE_FORMAT       a key file is broken or its passphrase is wrong
`- StorageError             FAIL                      a file cannot be written
"""

from __future__ import annotations

from contextlib import contextmanager
from enum import IntEnum
from typing import TYPE_CHECKING, ClassVar, Self

if TYPE_CHECKING:
    from collections.abc import Iterator


class Stid(IntEnum):
    """The service's own error numbers: the whole table of its manual.

    It includes those about handles, memory, pixels and model files, which the engine and the model registry report.
    """

    OK = 0
    INVALID_ARG = -1
    HANDLE = -2
    OUTOFMEMORY = -3
    FAIL = -4
    INVALID_PIXEL_FORMAT = -6
    FILE_NOT_FOUND = -7
    INVALID_FILE_FORMAT = -8
    MODEL_FILE_EXPIRE = -9
    READ_MODEL_FILE_FAIL = -10
    INVALID_AUTH = -13
    AUTH_EXPIRE = -15
    UDID_MISMATCH = -16
    VERSION_MISMATCH = -23
    PLATFORM_NOTSUPPORTED = -24
    MODEL_UNZIP_FAILED = -25
    SUBMODULE_NOT_FOUND = -26
    CAPABILITY_NOTSUPPORTED = -2067857410
    GET_UDID_FAIL = -2146304001
    LOAD_LIBRARY_FAILED = -2065563655
    ONLINE_ACTIVATE_PARENT_LICENSE_NOT_FOUND = -2145517553
    ONLINE_ACTIVATE_PARENT_LICENSE_TOO_MANY = -2145517552

    @property
    def text(self) -> str:
        """The name in the manual, for example `STID_E_UDID_MISMATCH`."""
        return "STID_OK" if self is Stid.OK else f"STID_E_{self.name}"


class LicensingError(Exception):
    """Base of all errors of this package.

    Attributes:
        stid: number and name from the manual's table.
        message: what is wrong, and with which file, in one line.
        remedy: what the user can do about it, in one line.
        place: the file that the message begins with; None if it names none.
    """

    stid: ClassVar[Stid] = Stid.FAIL

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        self.place: str | None = None

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be pickled, as process pools do. The constructor takes others than `args`, so it is not called."""
        return type(self).__new__, (type(self), *self.args), vars(self)

    def at(self, place: str) -> Self:
        """The same error with the file it is about as a prefix of its message."""
        error = type(self)(f"{place}: {self.message}", remedy=self.remedy)
        error.place = place
        return error


@contextmanager
def about(place: object) -> Iterator[None]:
    """Prefix the message of any error of a step with the file that the step works on.

    An error about another file that the step needed is left unchanged.
    """
    try:
        yield
    except LicensingError as error:
        raise (error if error.place else error.at(str(place))) from None


class ArgumentError(LicensingError):
    """An argument makes no sense."""

    stid = Stid.INVALID_ARG


class EmptyLicenceError(LicensingError):
    """The licence file is empty: the manual's 'bad license: -1'."""

    stid = Stid.INVALID_ARG


class LicenceMissingError(LicensingError):
    """A file that is needed is not there."""

    stid = Stid.FILE_NOT_FOUND


class FormatError(LicensingError):
    """The bytes are not a licence that this release can read."""

    stid = Stid.INVALID_FILE_FORMAT


class AuthError(LicensingError):
    """The licence is readable and not acceptable."""

    stid = Stid.INVALID_AUTH


class SignatureError(AuthError):
    """The signature does not hold: changed after signing, or signed by another key than it says."""


class UntrustedKeyError(AuthError):
    """The signing key is not a trust root of this installation."""


class ProductError(AuthError):
    """The licence is for another product, or cannot be used as a product's licence at all."""


class WideningError(AuthError):
    """A licence allows more than its parent."""


class ChainError(AuthError):
    """The parents form no chain: a cycle, or one of them may not issue licences."""


class RevokedError(AuthError):
    """The issuer withdrew the licence or one of its parents."""


class UnreadableError(AuthError):
    """The file is there but cannot be read."""


class ValidityError(LicensingError):
    """The licence is not valid at this time."""

    stid = Stid.AUTH_EXPIRE


class ExpiredError(ValidityError):
    """The last second of the licence, and of its grace period, has passed."""


class NotYetValidError(ValidityError):
    """The first second of the licence is still to come."""


class ClockError(ValidityError):
    """The clock shows an earlier time than one already seen."""


class UdidMismatchError(LicensingError):
    """The licence is bound to other hardware."""

    stid = Stid.UDID_MISMATCH


class VersionMismatchError(LicensingError):
    """The licence covers other versions."""

    stid = Stid.VERSION_MISMATCH


class PlatformError(LicensingError):
    """The licence covers other platforms."""

    stid = Stid.PLATFORM_NOTSUPPORTED


class CapabilityError(LicensingError):
    """The licence is valid and does not allow the requested capability."""

    stid = Stid.CAPABILITY_NOTSUPPORTED


class UdidError(LicensingError):
    """The machine has no component that identifies it."""

    stid = Stid.GET_UDID_FAIL


class LibraryError(LicensingError):
    """A library that verification needs does not load."""

    stid = Stid.LOAD_LIBRARY_FAILED


def library_error(error: ImportError, package: str) -> LibraryError:
    """The error for a package that is missing or broken."""
    return LibraryError(
        f"the library {package} does not load: {error.name or package}",
        remedy=f"reinstall senseid for this platform: its package '{package}' is incomplete",
    )


class ParentMissingError(LicensingError):
    """A licence names a parent that its file does not hold."""

    stid = Stid.ONLINE_ACTIVATE_PARENT_LICENSE_NOT_FOUND


class TooManyParentsError(LicensingError):
    """A licence has more than the ten parents that are allowed."""

    stid = Stid.ONLINE_ACTIVATE_PARENT_LICENSE_TOO_MANY


class KeyFileError(LicensingError):
    """A key file is broken, or its passphrase is wrong."""

    stid = Stid.INVALID_FILE_FORMAT


class StorageError(LicensingError):
    """A file cannot be written."""
