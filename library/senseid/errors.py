"""Errors of the library, the command line and the service themselves."""

from __future__ import annotations


class OperationError(Exception):
    """Base of the errors of the library, the command line and the service.

    ::

        OperationError
        |- BatchError     a batch cannot start or continue: its subclasses are in senseid.batch_errors
        |- CutShortError  the process that did the work was ended by something else
        |- HomeError      the data directory is unknown
        |- NoKeyError     there is no key to encrypt with
        |- NoProcessError the system lets no process begin
        |- PeriodError    counts of a period cannot be used
        |- OutputError    a result cannot be written
        |  `- LogError    what a decision log holds is damaged, so nothing is added or removed
        |- RefusedError   an output would destroy a file, or be useless at its destination
        |- SettingError   the service cannot start with these settings
        `- RequestError   a request to the service is not what the manual asks for

    Attributes:
        message: what is wrong, in one line.
        remedy: what the user can do about it, in one line.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        """Let it be pickled, as process pools do. The constructor takes others than `args`, so it is not called."""
        return type(self).__new__, (type(self), *self.args), vars(self)


class BatchError(OperationError):
    """A batch cannot start or continue. The error of a single row is in the record of that row."""


class CutShortError(OperationError):
    """The process of a command ended without reporting a status."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"the work was cut short ({how}), as happens where there is not enough memory",
            remedy="give it more memory or end other programs; if there is plenty, please report it",
        )


class NoProcessError(OperationError):
    """The system lets no process begin, since as many run as it allows."""

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"no process can be started: {reason}",
            remedy="end other programs, or raise the limit of processes (`ulimit -u`; that of the container)",
        )


class HomeError(OperationError):
    """The data directory cannot be determined."""


class NoKeyError(OperationError):
    """There is no key to encrypt with."""


class PeriodError(OperationError):
    """The counts of a period cannot be read, or hold too little to tell anything."""


class OutputError(OperationError):
    """Standard output or a result file cannot be written."""


class LogError(OutputError):
    """A decision log holds something that was not written so: nothing is appended to it, nor removed from it."""


class RefusedError(OperationError):
    """An output would destroy a file, or be useless at its destination."""


class SettingError(OperationError):
    """A setting of the service makes no sense, or cannot be used here."""


class RequestError(OperationError):
    """A parameter of a request is missing, repeated or malformed. The message names it and never shows its content."""

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy="send the parameters that the API asks for: /openapi.json lists them")
