"""Strict parsing of TOML calibration files, with one-line errors."""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, TypeVar

from senseid_engine.errors import CalibrationError
from senseid_models.fields import FieldError, parse_table

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_models.fields import Fields

T = TypeVar("T")


def parse_calibration(name: str, data: bytes | str, read: Callable[[Fields], T]) -> T:
    """Read a file's content.

    Args:
        name: the name of the file in errors.
        data: the TOML; bytes are UTF-8.
        read: makes the result from its top-level fields.

    Raises:
        CalibrationError: it is not TOML, or a field is missing, unknown or of the wrong form.
    """
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
        return parse_table("file", tomllib.loads(text), read)
    except FieldError as error:
        raise CalibrationError(name, str(error).removeprefix("file").lstrip(".: ")) from None
    except RecursionError:
        raise CalibrationError(name, "is nested too deeply") from None
    except ValueError as error:  # also Python's error for a number with thousands of digits
        raise CalibrationError(name, f"is not TOML: {error}") from None
