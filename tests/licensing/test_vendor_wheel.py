from __future__ import annotations

import base64
import hashlib
import io
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest

from senseid_licensing.errors import ArgumentError, FormatError
from senseid_licensing.instant import whole_second
from senseid_licensing.issue import issue
from senseid_licensing.policy import PACKAGED_POLICY, load_policy
from senseid_licensing.store import LicenceStore
from senseid_licensing.vendor_wheel import POLICY, embed_roots
from senseid_licensing.version_range import VersionRange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey

RECORD = "senseid-1.0.dist-info/RECORD"


def wheel_of(policy: bytes, record: str | None = None) -> bytes:
    """A wheel as small as one can be, with everything that matters here."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as wheel:
        wheel.writestr("senseid_licensing/__init__.py", "")
        wheel.writestr(POLICY, policy)
        wheel.writestr(RECORD, f"senseid_licensing/__init__.py,,\n{POLICY},sha256=x,1\n" if record is None else record)
    return stream.getvalue()


def test_a_vendors_wheel_believes_its_keys_alone(
    tmp_path: Path, root: PrivateKey, make_key: Callable[[str], PrivateKey]
) -> None:
    keys = (root.public, make_key("next").public)
    built = embed_roots(wheel_of(PACKAGED_POLICY.read_bytes()), keys)
    with zipfile.ZipFile(io.BytesIO(built)) as wheel:
        assert wheel.namelist() == ["senseid_licensing/__init__.py", POLICY, RECORD]
        policy, record = wheel.read(POLICY), wheel.read(RECORD).decode()
    (tmp_path / "trust.toml").write_bytes(policy)
    loaded = load_policy(tmp_path / "trust.toml")
    assert (loaded.trust, loaded.roots) == ("embedded", keys)
    digest = base64.urlsafe_b64encode(hashlib.sha256(policy).digest()).rstrip(b"=").decode()
    assert record == f"senseid_licensing/__init__.py,,\n{POLICY},sha256={digest},{len(policy)}\n"


def test_what_is_no_wheel_of_senseid(root: PrivateKey) -> None:
    with pytest.raises(ArgumentError, match="needs a root key"):
        embed_roots(wheel_of(b""), [])
    for data in (b"", b"PK", wheel_of(b"", record="other.py,,\n")):
        with pytest.raises(FormatError, match="no wheel"):
            embed_roots(data, [root.public])


def test_wheels_that_zipfile_cannot_read(root: PrivateKey) -> None:
    wheel = wheel_of(PACKAGED_POLICY.read_bytes() * 9)
    stream = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(wheel)) as old, zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    good = stream.getvalue()
    header, entry = good.find(b"PK\x03\x04"), good.find(b"PK\x01\x02")
    encrypted, strange, torn = bytearray(good), bytearray(good), bytearray(good)
    encrypted[header + 6] |= 1
    encrypted[entry + 8] |= 1
    strange[header + 8] = strange[entry + 10] = 99
    start = good.find(POLICY.encode()) + len(POLICY)
    torn[start : start + 20] = b"\xff" * 20
    assert embed_roots(good, [root.public])
    for data in (encrypted, strange, torn):
        with pytest.raises(FormatError, match="no wheel"):
            embed_roots(bytes(data), [root.public])


@pytest.mark.slow
def test_the_real_wheel(
    tmp_path: Path, root: PrivateKey, make_key: Callable[[str], PrivateKey], terms: Licence
) -> None:
    """The documented way: build, embed, install into a directory, and see that no other root counts in it."""
    project = PACKAGED_POLICY.parents[2]
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path), str(project)]
    if subprocess.run([sys.executable, "-c", "import build, hatchling"], check=False, capture_output=True).returncode:
        pytest.skip("build and hatchling are not installed here")
    subprocess.run(build, check=True, capture_output=True)
    (wheel,) = tmp_path.glob("senseid_face-*.whl")
    target = tmp_path / "site"
    zipfile.ZipFile(io.BytesIO(embed_roots(wheel.read_bytes(), [root.public]))).extractall(target)
    code = (
        "from senseid_licensing.policy import *\n"
        "policy = load_policy(PACKAGED_POLICY)\n"
        "print(policy.trust, policy.roots[0].id, PACKAGED_POLICY)"
    )
    words = [sys.executable, "-c", code]
    found = subprocess.run(words, env={"PYTHONPATH": str(target)}, capture_output=True, text=True, check=True)
    assert found.stdout.split() == ["embedded", root.public.id, str(target / POLICY)]

    def senseid(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "senseid_cli", "license", *words]
        environment = {"PYTHONPATH": str(target), "SENSEID_HOME": str(tmp_path / "data")}
        done = subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, text=True, check=False)
        return done.returncode, done.stderr

    status, said = senseid("quickstart")
    assert (status, "this build accepts its vendor's licences only" in said) == (2, True)
    local, stranger = LicenceStore(tmp_path / "data"), make_key("stranger")
    local.trust(stranger.public)
    now = whole_second(datetime.now(UTC))
    terms = replace(terms, issued=now, not_before=now, not_after=now + timedelta(days=9))
    terms = replace(terms, platforms=None, versions=VersionRange(), udid=None)
    (tmp_path / "a.lic").write_bytes(issue(terms, stranger))
    status, said = senseid("install", "a.lic")
    assert (status, f"key {stranger.public.id}, which is not trusted here" in said) == (4, True)
    (tmp_path / "a.lic").write_bytes(issue(terms, root))
    assert senseid("install", "a.lic") == (0, "")
