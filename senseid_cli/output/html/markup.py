"""HTML in pieces: whatever is not HTML already is escaped, so no name of a file becomes a tag."""

from __future__ import annotations

from html import escape

from senseid_engine.errors import printable

_WITHOUT_END = frozenset({"img", "meta"})


class Html(str):
    """Text that is HTML already. Only this module and constants of the pages make it."""

    __slots__ = ()


def text(value: object) -> Html:
    """A value as HTML: `Html` as it is, anything else escaped, quotes and control characters too; None is nothing."""
    if value is None:
        return Html()
    return value if isinstance(value, Html) else Html(escape(printable(str(value))))


def join(*pieces: object) -> Html:
    """Pieces one after the other."""
    return Html("".join(map(text, pieces)))


def tag(name: str, /, *content: object, **attributes: object) -> Html:
    """An element.

    Args:
        name: of the element.
        content: pieces; what is no `Html` is escaped.
        attributes: their values, escaped likewise, None leaves one out; `class_` is `class`, `data_value` `data-value`.
    """
    given = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{text(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{given}>" if name in _WITHOUT_END else f"<{name}{given}>{join(*content)}</{name}>")
