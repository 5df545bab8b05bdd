"""Opening a link with a secret in a browser, without the secret on a command line."""

from __future__ import annotations

import contextlib
import html
import subprocess
import sys
import tempfile
import webbrowser
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def is_there() -> bool:
    """Whether this machine has a browser that can be opened."""
    try:
        webbrowser.get()
    except webbrowser.Error:
        return False
    return True


@contextlib.contextmanager
def opening() -> Iterator[Callable[[str], None]]:
    """A function that opens a link. The file that it needs for that is removed at the end.

    The browser is given a file of this user alone, which leads on to the link: every user of the machine can read the
    arguments of a command.
    """
    with tempfile.TemporaryDirectory(prefix="senseid-") as folder:
        file = Path(folder) / "open.html"

        def browse(link: str) -> None:
            target = html.escape(link)
            file.write_text(
                f'<!doctype html><meta charset="utf-8"><title>senseid</title>'
                f'<meta http-equiv="refresh" content="0; url={target}"><a href="{target}">Open the page</a>',
                encoding="ascii",
            )
            # Some browsers are waited for, and the service starts after this. -P: never import a module of this folder.
            subprocess.Popen(  # noqa: S603  ourselves
                [sys.executable, "-P", "-m", "webbrowser", file.as_uri()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )

        yield browse
