"""What all tests share."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings
from hypothesis.configuration import set_hypothesis_home_dir

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

# The same examples on every run and every machine, however busy it is. What hypothesis stores nevertheless goes where
# pytest keeps its own: a .hypothesis directory beside the tests makes its plugin warn during the collection.
set_hypothesis_home_dir(Path(__file__).resolve().parents[1] / ".pytest_cache" / "hypothesis")
settings.register_profile(
    "senseid", derandomize=True, database=None, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("senseid")


def load_tool(name: str) -> ModuleType:
    """A script of `tools/` as a module."""
    path = Path(__file__).resolve().parents[1] / "tools" / f"{name}.py"
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    tool = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tool)
    return tool


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
    tool = load_tool("fetch_samples")
    try:
        fetched: dict[str, Path] = tool.fetch_samples(tool.DEFAULT_FOLDER)
    except tool.FetchError as error:
        pytest.skip(f"no sample photos: {error}")
    return fetched


@pytest.fixture(scope="session")
def encode_clip() -> Callable[..., bytes]:
    """Encodes pictures as a video: `tools/make_clip.py`."""
    function: Callable[..., bytes] = load_tool("make_clip").encode_clip
    return function


@pytest.fixture(scope="session")
def still_clip(sample_photos: dict[str, Path]) -> bytes:
    """An attack: a sample photo that is shown for three seconds."""
    clip: bytes = load_tool("make_clip").still_clip(sample_photos["obama.jpg"])
    return clip
