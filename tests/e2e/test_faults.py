"""The small inputs that failed or misled: `faults/` of the test data, each with what its README calls right."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

    from tests.e2e.conftest import Senseid

pytestmark = pytest.mark.data

MANIFESTS = {"headerless_one_row.csv", "semicolons.csv", "excel_sep_line.csv", "utf16.csv"}


@pytest.fixture(scope="session")
def faults(test_data: Path) -> Path:
    folder = test_data / "faults"
    if not folder.is_dir():
        pytest.skip(f"no {folder}")
    return folder


def test_every_file_is_looked_at(faults: Path) -> None:
    table = (faults / "README.md").read_text()
    found = {path.name for path in faults.iterdir()} - {"README.md"}
    assert found == MANIFESTS | {"bom.lic", "low_memory.sh", "make_no_eoi.py"}
    assert found == set(re.findall(r"\w+\.(?:csv|lic|sh|py)", table))


@pytest.mark.parametrize("name", sorted(MANIFESTS))
def test_manifests(senseid: Senseid, faults: Path, photos: dict[str, Path], tmp_path: Path, name: str) -> None:
    """Each is the pair of one man's two photos."""
    for photo in ("obama.jpg", "obama2.jpg"):
        shutil.copy(photos[photo], tmp_path)
    shutil.copy(faults / name, tmp_path)
    record = senseid.json("batch", tmp_path / name, status=0)
    assert (record["first"], record["second"], record["match"]) == ("obama.jpg", "obama2.jpg", True)


def test_a_licence_with_a_byte_order_mark(senseid: Senseid, faults: Path, tmp_path: Path) -> None:
    data = (faults / "bom.lic").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf")
    (tmp_path / "plain.lic").write_bytes(data[3:])
    shown = [senseid("license", "inspect", path) for path in (faults / "bom.lic", tmp_path / "plain.lic")]
    assert [done.returncode for done in shown] == [0, 0], shown[0].stderr
    assert shown[0].stdout == shown[1].stdout


def test_photos_without_their_end_marker(
    senseid: Senseid, faults: Path, photos: dict[str, Path], tmp_path: Path
) -> None:
    for name, photo in photos.items():
        cut = tmp_path / name
        subprocess.run([sys.executable, faults / "make_no_eoi.py", photo, cut], check=True)
        assert not cut.read_bytes().endswith(b"\xff\xd9")
        whole, read = (senseid.json("compare", photo, path, status=0) for path in (photo, cut))
        assert read["verification_score"] == whole["verification_score"]


def test_low_memory(senseid: Senseid, faults: Path, photos: dict[str, Path], tmp_path: Path) -> None:
    program = tmp_path / "senseid"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m senseid_cli "$@"\n')
    program.chmod(0o755)
    done = subprocess.run(
        ["bash", faults / "low_memory.sh", photos["obama.jpg"], photos["obama2.jpg"]],
        capture_output=True,
        text=True,
        env=senseid.environment({"PATH": f"{tmp_path}:{os.environ['PATH']}"}),
        check=True,
    )
    statuses = re.findall(r"^\d+ rc=(\d+)$", done.stdout, re.MULTILINE)
    assert len(statuses) == 9
    assert set(statuses) <= {"0", "70"}
    assert done.stdout.count("not enough memory") == statuses.count("70")
    assert len(re.findall("^match\t", done.stdout, re.MULTILINE)) == statuses.count("0")
