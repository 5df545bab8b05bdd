"""Cells of CSV that a spreadsheet shows as they are, and takes for no formula."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# Where the comma is a decimal one, a spreadsheet splits lines at semicolons, in quotes or not. In Japan it takes the
# wide forms of the signs for the signs.
_FORMULA = re.compile(r"(^|;)(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])")


def safe_cell(text: str) -> str:
    """The text of a cell which a stranger may have chosen, by the name of a file or a column of a manifest.

    Control characters and line ends become escapes, and a `'` comes before what begins as a formula does. A number may
    begin so.
    """
    shown = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return shown if _NUMBER.fullmatch(shown) else _FORMULA.sub(r"\1'", shown)
