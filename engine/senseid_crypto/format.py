"""The two formats of encrypted data. A module of its own: the command line names them without loading either."""

from __future__ import annotations

from enum import StrEnum


class Format(StrEnum):
    """The two formats of encrypted data, by the names that the command line uses."""

    CONTAINER = "container"
    WIRE = "wire"
