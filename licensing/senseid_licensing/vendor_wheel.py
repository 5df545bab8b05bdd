"""A vendor's build: a copy of a wheel that trusts the vendor's keys and no others."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zipfile
import zlib
from typing import TYPE_CHECKING

from senseid_licensing.errors import ArgumentError, FormatError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from senseid_licensing.public_key import PublicKey

POLICY = "senseid_licensing/trust.toml"


def embed_roots(wheel: bytes, roots: Sequence[PublicKey]) -> bytes:
    """Return the wheel with `trust = "embedded"` and the keys as its policy, and its RECORD updated.

    Raises:
        ArgumentError: no keys.
        FormatError: the bytes are not a wheel of senseid.
    """
    if not roots:
        raise ArgumentError("a vendor's build needs a root key", remedy="give --root vendor.pub")
    # TOML's basic strings are written like JSON's, for these characters.
    policy = f'trust = "embedded"\nroots = {json.dumps([key.to_text().strip() for key in roots])}\n'.encode()
    result = io.BytesIO()
    try:
        with zipfile.ZipFile(io.BytesIO(wheel)) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_DEFLATED) as new:
            (record,) = [name for name in old.namelist() if name.endswith(".dist-info/RECORD")]
            contents = {info.filename: old.read(info) for info in old.infolist()}
            contents[record] = _record(contents[record], policy)
            contents[POLICY] = policy
            for info in old.infolist():
                new.writestr(info, contents[info.filename], zipfile.ZIP_DEFLATED)
    # NotImplementedError and RuntimeError: compressed or encrypted in a way that zipfile does not support.
    except (ValueError, EOFError, NotImplementedError, RuntimeError, zlib.error, zipfile.BadZipFile):
        raise FormatError("that is no wheel of senseid", remedy="build one with `python -m build --wheel`") from None
    return result.getvalue()


def _record(record: bytes, policy: bytes) -> bytes:
    """RECORD with the line of the policy replaced; a wheel without that line raises ValueError."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(policy).digest()).rstrip(b"=").decode()
    lines = record.decode().splitlines()
    (place,) = [index for index, line in enumerate(lines) if line.startswith(f"{POLICY},")]
    lines[place] = f"{POLICY},sha256={digest},{len(policy)}"
    return ("\n".join(lines) + "\n").encode()
