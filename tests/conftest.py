"""What all tests share."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis.configuration import set_hypothesis_home_dir

# The same examples on every run and every machine. What hypothesis stores nevertheless goes where pytest keeps its
# own: a .hypothesis directory beside the tests makes its plugin warn during the collection.
set_hypothesis_home_dir(Path(__file__).resolve().parents[1] / ".pytest_cache" / "hypothesis")
settings.register_profile("senseid", derandomize=True, database=None)
settings.load_profile("senseid")


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The directory of real test data, which the project never contains; skips where it is absent."""
    default = Path(__file__).resolve().parents[2] / "shared" / "data"
    directory = Path(os.environ.get("SENSEID_TEST_DATA", default))
    if not directory.is_dir():
        pytest.skip(f"no test data at {directory}: set SENSEID_TEST_DATA")
    return directory


@pytest.fixture(scope="session")
def sample_photos() -> dict[str, Path]:
    """The sample photos of the demo by name; skips where they cannot be fetched."""
    spec = importlib.util.spec_from_file_location(
        "fetch_samples", Path(__file__).resolve().parents[1] / "tools" / "fetch_samples.py"
    )
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    try:
        fetched: dict[str, Path] = tool.fetch_samples(tool.DEFAULT_FOLDER)
    except tool.FetchError as error:
        pytest.skip(f"no sample photos: {error}")
    return fetched
