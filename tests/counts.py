"""How often the tests of hostile use try: a few times, or as often as a release is tried once (`SENSEID_FULL=1`)."""

from __future__ import annotations

import os


def count(few: int, full: int) -> int:
    """The number for this run."""
    return full if os.environ.get("SENSEID_FULL") else few
