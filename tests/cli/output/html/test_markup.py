"""Pieces of HTML: what is not HTML already is escaped."""

from __future__ import annotations

import pytest

from senseid_cli.output.html.markup import Html, join, tag, text

EVIL = "</td><script>alert('1')</script>\"&\n\udcff"


@pytest.mark.parametrize("made", [text(EVIL), join(EVIL), tag("td", EVIL), tag("td", title=EVIL), tag("td", [EVIL])])
def test_text_is_escaped_wherever_it_stands(made: Html) -> None:
    inside = made.removeprefix("<td").removesuffix("></td>").removesuffix("</td>").removeprefix(">")
    assert "<" not in inside
    assert "'" not in inside
    assert "\n" not in made
    made.encode()  # no lone surrogate is left


def test_html_stays_as_it_is() -> None:
    assert tag("p", Html("<b>x</b>"), None, 3) == "<p><b>x</b>3</p>"
    assert tag("img", alt="", src="data:,") == '<img alt="" src="data:,">'
    assert tag("td", "1", class_="number", data_value=0.5, title=None) == '<td class="number" data-value="0.5">1</td>'
