"""What the library, the command line and the service themselves refuse."""

from __future__ import annotations


class OperationError(Exception):
    """Base of what the command line itself refuses.

    ::

        OperationError
        |- BatchError     a batch cannot begin or go on: its parts are in senseid_cli.batch.errors
        |- CutShortError  the process that did the work was ended by something else
        |- HomeError      there is no place for data
        |- NoKeyError     there is no key to encrypt with
        |- OutputError    a result cannot be written
        |- RefusedError   an output would destroy a file, or be of no use where it goes
        |- SettingError   the service cannot start with these settings
        `- RequestError   a request to the service is not what the manual asks for

    Attributes:
        message: one line: what is wrong.
        remedy: one line: what the user does about it.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy


class BatchError(OperationError):
    """A batch cannot begin or go on. What is wrong with one of its rows is told by the record of that row."""


class CutShortError(OperationError):
    """The process of a command ended without saying a status."""

    def __init__(self, how: str) -> None:
        super().__init__(
            f"the work was cut short ({how}), as happens where there is not enough memory",
            remedy="give it more memory or end other programs; if there is plenty, please report it",
        )


class HomeError(OperationError):
    """The data directory cannot be told."""


class NoKeyError(OperationError):
    """There is no key to encrypt with."""


class OutputError(OperationError):
    """Standard output or a result file cannot be written."""


class RefusedError(OperationError):
    """An output would destroy a file, or be of no use where it goes."""


class SettingError(OperationError):
    """A setting of the service makes no sense, or cannot be used here."""


class RequestError(OperationError):
    """A parameter of a request is missing, repeated or malformed. The message names it and never shows its content."""

    def __init__(self, message: str) -> None:
        super().__init__(message, remedy="send the parameters that the API asks for: /openapi.json lists them")
