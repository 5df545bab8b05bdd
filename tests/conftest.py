"""What all tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The directory of real test data, which the project never contains; skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    directory = Path(os.environ.get("SENSEID_TEST_DATA", default))
    if not directory.is_dir():
        pytest.skip(f"no test data at {directory}: set SENSEID_TEST_DATA")
    return directory
