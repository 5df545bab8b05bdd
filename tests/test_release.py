"""The sums of a release, and their signature."""

from __future__ import annotations

import importlib.util
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from types import ModuleType

TOOLS = Path(__file__).resolve().parents[1] / "tools"


@pytest.fixture(scope="module")
def release() -> ModuleType:
    """The tool, as a module."""
    sys.path.insert(0, str(TOOLS))
    try:
        spec = importlib.util.spec_from_file_location("check_release", TOOLS / "check_release.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(TOOLS))
    return module


@pytest.fixture
def sums(release: ModuleType, tmp_path: Path) -> Path:
    """The sums of two made-up artefacts."""
    for name in ("b.whl", "a.tar.gz"):
        (tmp_path / name).write_bytes(name.encode())
    found = release.write_sums([tmp_path / "b.whl", tmp_path / "a.tar.gz"], tmp_path / "dist")
    assert isinstance(found, Path)
    return found


def test_the_sums_are_those_of_the_files_beside_them(sums: Path) -> None:
    checked = subprocess.run(["sha256sum", "-c", sums.name], cwd=sums.parent, capture_output=True, check=False)
    assert (checked.returncode, checked.stdout) == (0, b"a.tar.gz: OK\nb.whl: OK\n")
    (sums.parent / "b.whl").write_bytes(b"another")
    assert subprocess.run(["sha256sum", "-c", sums.name], cwd=sums.parent, capture_output=True, check=False).returncode


def test_new_sums_lie_beside_no_old_signature(release: ModuleType, sums: Path, tmp_path: Path) -> None:
    (sums.parent / "SHA256SUMS.sig").write_text("of another release")
    release.write_sums([tmp_path / "b.whl"], sums.parent)
    assert not (sums.parent / "SHA256SUMS.sig").exists()


def test_a_key_that_is_not_there_is_told_at_once(tmp_path: Path) -> None:
    command = [sys.executable, TOOLS / "check_release.py", "--out", tmp_path / "dist", "--sign", tmp_path / "none"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 2
    assert str(tmp_path / "none") in done.stderr
    assert not (tmp_path / "dist").exists()


def test_a_signature_holds_for_these_sums_alone(release: ModuleType, sums: Path, tmp_path: Path) -> None:
    if shutil.which("ssh-keygen") is None:
        pytest.skip("ssh-keygen is not installed")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key], check=True)
    signature = release.sign(sums, key)
    signers = tmp_path / "signers"
    signers.write_text(f"releases {key.with_suffix('.pub').read_text()}")

    def verified() -> bool:
        words = ["-Y", "verify", "-f", signers, "-I", "releases", "-n", release.NAMESPACE, "-s", signature]
        with sums.open("rb") as file:
            done = subprocess.run(["ssh-keygen", *words], stdin=file, capture_output=True, check=False)
        return done.returncode == 0

    assert verified()
    sums.write_text(sums.read_text().replace("a", "b", 1))
    assert not verified()
