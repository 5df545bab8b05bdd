"""Cells of CSV that a spreadsheet shows unchanged and does not take for a formula."""

from __future__ import annotations

import re

_CONTROL = re.compile(r"[\0-\x1f\x7f-\x9f\u2028\u2029]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
# In locales with a decimal comma, spreadsheets split lines at semicolons, quoted or not. In Japan they treat the
# full-width forms of the signs as the signs.
_FORMULA = re.compile(r"(^|;)(?= *[=+\-@\uff1d\uff0b\uff0d\uff20])")


def safe_cell(text: str) -> str:
    """Make untrusted text, such as a file name or a column of a manifest, safe for a cell.

    Control characters and line ends become escapes, and `'` is put before anything that begins like a formula, except
    for numbers.
    """
    shown = _CONTROL.sub(lambda found: found[0].encode("unicode_escape").decode("ascii"), text)
    return shown if _NUMBER.fullmatch(shown) else _FORMULA.sub(r"\1'", shown)
