"""`senseid models`: the registry and the calibration as an operator sees them."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

from senseid_cli.output.progress import progress

if TYPE_CHECKING:
    import pytest


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_progress_is_for_terminals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for stream in (Terminal(), io.StringIO(), None):
        monkeypatch.setattr(sys, "stderr", stream)
        with progress("encoding photos", 3) as advance:
            advance(2)
        shown = stream.getvalue() if stream is not None else ""
        assert ("encoding photos" in shown) == isinstance(stream, Terminal)
