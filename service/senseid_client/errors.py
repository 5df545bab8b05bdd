"""Errors of the client."""

from __future__ import annotations


class ClientError(Exception):
    """Base of all errors that a call raises, except `OSError` if a file cannot be read.

    ::

        ClientError
        |- ServiceError      the service refused, with a reason
        |  `- BusyError      too many requests, of all or of this caller: try again later
        |- UnreachableError  no connection, no answer in time, or an untrusted certificate
        `- AnswerError       the answer is not from the service, or from another version
    """


class ServiceError(ClientError):
    """The service refused.

    Attributes:
        code: the response code, such as 4000.
        message: its message, such as `detection failed`.
        request_id: 32 hex digits, to look for in the service's log.
        http_status: the HTTP status of the answer.
    """

    def __init__(self, code: int, message: str, request_id: str, http_status: int) -> None:
        super().__init__(code, message, request_id, http_status)
        self.code = code
        self.message = message
        self.request_id = request_id
        self.http_status = http_status

    def __str__(self) -> str:
        """The message, with what finds the request in the service's log."""
        return f"{self.message} (code {self.code}, HTTP {self.http_status}, request {self.request_id})"


class BusyError(ServiceError):
    """The service is at its limit, or the caller at what one address may ask for; it did not look at the request.

    Attributes:
        retry_after: seconds to wait before a retry, if the service gives them; else None.
    """

    def __init__(self, refused: ServiceError, retry_after: float | None) -> None:
        super().__init__(refused.code, refused.message, refused.request_id, refused.http_status)
        self.retry_after = retry_after
        self.args = (refused, retry_after)  # pickle makes the error of them again, as process pools do


class UnreachableError(ClientError):
    """There was no answer."""


class AnswerError(ClientError):
    """The answer does not come from the service, or from another version of it."""
