"""Messages between the HTTP process and its handlers: a JSON head and a body of bytes, over a stream socket.

Both ends are of the same release and on the same machine. Eight bytes of lengths, then the head, then the body.
"""

from __future__ import annotations

import json
import struct
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    import socket
    from collections.abc import Iterator, Mapping

_LENGTHS: Final = struct.Struct("!II")
_PIECE: Final = 256 * 1024

MODEL_PROCESS: Final = struct.Struct("!I")
"""The message of a model process that is ready: its process id."""


class LostError(Exception):
    """The other end is gone."""


def pack(head: Mapping[str, Any], body_length: int) -> bytes:
    """Encode everything of a message that comes before its body."""
    data = json.dumps(head, separators=(",", ":")).encode()
    return _LENGTHS.pack(len(data), body_length) + data


def pieces(body: bytes | bytearray) -> Iterator[memoryview]:
    """Split a body into parts that are small enough to be copied."""
    view = memoryview(body)
    return (view[begin : begin + _PIECE] for begin in range(0, len(view), _PIECE))


def take(buffer: bytearray) -> tuple[dict[str, Any], bytes] | None:
    """Remove and return the first message of a buffer; None if it is not complete yet."""
    if len(buffer) < _LENGTHS.size:
        return None
    head_length, body_length = _LENGTHS.unpack_from(buffer)
    middle = _LENGTHS.size + head_length
    if len(buffer) < middle + body_length:
        return None
    head, body = json.loads(buffer[_LENGTHS.size : middle]), bytes(buffer[middle : middle + body_length])
    del buffer[: middle + body_length]
    return head, body


def send(sock: socket.socket, head: Mapping[str, Any], body: bytes = b"") -> None:
    """Send a message, however long it takes.

    Raises:
        LostError: the other end is gone.
    """
    try:
        sock.sendall(pack(head, len(body)))
        sock.sendall(body)
    except OSError as error:
        raise LostError from error


def receive(sock: socket.socket) -> tuple[dict[str, Any], bytes]:
    """Wait for a message.

    Raises:
        LostError: the other end is gone.
    """
    head_length, body_length = _LENGTHS.unpack(_exactly(sock, _LENGTHS.size))
    return json.loads(_exactly(sock, head_length)), _exactly(sock, body_length)


def _exactly(sock: socket.socket, count: int) -> bytes:
    data = bytearray(count)
    view = memoryview(data)
    while view:
        try:
            read = sock.recv_into(view)
        except OSError as error:
            raise LostError from error
        if not read:
            raise LostError
        view = view[read:]
    return bytes(data)
