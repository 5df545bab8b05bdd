"""What a stranger writes into a cell is neither a formula nor a control character."""

from __future__ import annotations

import pytest

from senseid.tables.spreadsheet import safe_cell


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "'=1+1"),
        ("+cmd", "'+cmd"),
        ("-2+3+cmd|' /C calc'!A0", "'-2+3+cmd|' /C calc'!A0"),
        ("@SUM(A1)", "'@SUM(A1)"),
        (" =1", "' =1"),
        ("\t=1", "\\t=1"),
        ("\r=1", "\\r=1"),
        ("a\n=1", "a\\n=1"),
        ("a;=1;-b", "a;'=1;'-b"),
        ("\uff1d1", "'\uff1d1"),
        ("\x00\x1b[2J\x9b\x7f\u2028", "\\x00\\x1b[2J\\x9b\\x7f\\u2028"),
    ],
)
def test_what_is_changed(text: str, shown: str) -> None:
    assert safe_cell(text) == shown


@pytest.mark.parametrize("text", ["", "a=b", "a-b.jpg", "-7", "+4.5e-3", "-.5", "1e-05", "ä \udcff", "./=1", "[[0.5]]"])
def test_what_stays(text: str) -> None:
    assert safe_cell(text) == text
