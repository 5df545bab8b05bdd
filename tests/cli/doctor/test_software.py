"""Packages, libraries and codecs."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest

from senseid_cli.doctor.codecs import check_decoders, check_photos, check_videos
from senseid_cli.doctor.finding import Status
from senseid_cli.doctor.libraries import check_libraries
from senseid_cli.doctor.packages import check_packages, installed, read_requirements
from senseid_engine.errors import ImageTypeError
from senseid_engine.image import Image, decode_image

if TYPE_CHECKING:
    from pathlib import Path

REQUIREMENTS = (
    "numpy>=2.0",
    'tomli>=1; python_version < "3.0"',
    'starlette>=0.40; extra == "serve"',
    'uvicorn[fast]; extra == "serve"',
)


def statuses(have: dict[str, str]) -> dict[str, tuple[Status, str]]:
    found = check_packages(REQUIREMENTS, ("serve",), have.get)
    return {finding.check: (finding.status, finding.message) for finding in found}


def test_all_there() -> None:
    found = statuses({"numpy": "2.1", "starlette": "0.40", "uvicorn": "1"})
    assert [status for status, _ in found.values()] == [Status.OK, Status.OK]


def test_an_extra_may_be_absent_and_a_requirement_may_not() -> None:
    found = statuses({"numpy": "1.26", "uvicorn": "1"})
    assert found["packages"] == (Status.PROBLEM, "numpy>=2.0 is wanted, and 1.26 is here")
    assert found["extra serve"] == (Status.NOTE, "starlette>=0.40 is missing")
    assert statuses({})["packages"] == (Status.PROBLEM, "numpy>=2.0 is missing")


def test_what_to_install_is_named_itself() -> None:
    """Not `senseid[serve]`: the index has another project of that name."""
    found = check_packages(REQUIREMENTS, ("serve",), {"numpy": "2.1"}.get)
    assert found[1].remedy == f"if you want it: {sys.executable} -m pip install 'starlette>=0.40' 'uvicorn[fast]'"


def test_of_this_installation() -> None:
    requirements, extras = read_requirements()
    assert "report" in extras
    assert check_packages(requirements, extras)[0].status is Status.OK
    assert installed("no-such-package-of-ours") is None


def test_libraries_load() -> None:
    assert check_libraries(sys.executable, ["json", "math"]).message == "json, math load"


def test_a_library_that_is_missing_or_kills(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "too_new.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGILL)\n")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    killed = check_libraries(sys.executable, ["json", "too_new", "math"])
    assert (killed.status, killed.message) == (Status.PROBLEM, "too_new ends its process (SIGILL)")
    missing = check_libraries(sys.executable, ["no_such_module"])
    assert missing.message == ("no_such_module does not load: ModuleNotFoundError: No module named 'no_such_module'")
    assert check_libraries(str(tmp_path / "python")).status is Status.PROBLEM


def test_photos_are_decoded() -> None:
    assert check_photos(lambda data: decode_image(data, name="sample")).status is Status.OK


def test_a_kind_of_photo_that_is_not_decoded() -> None:
    def no_tiff(data: bytes) -> Image:
        if data[:2] in (b"II", b"MM"):
            raise ImageTypeError("sample", "does not decode")
        return decode_image(data, name="sample")

    found = check_photos(no_tiff)
    assert (found.status, found.message) == (Status.PROBLEM, "TIFF cannot be decoded")


def test_a_photo_of_phones_that_is_not_decoded_is_no_problem() -> None:
    found = check_photos(lambda data: decode_image(data, name="sample", phone_formats=False))
    assert (found.status, found.message) == (Status.NOTE, "WEBP, AVIF cannot be decoded")


def test_video_decoders() -> None:
    pytest.importorskip("av")
    assert check_videos().status is Status.OK
    found = check_decoders(["mov,mp4,m4a", "avi", "flv", "asf", "rm", "matroska,webm"], ["h264", "hevc", "mpeg4"])
    assert found.status is Status.NOTE
    assert found.message.startswith("mjpeg, vp8")


def test_no_video_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    assert check_videos().message.startswith("no decoder")
