"""The content of licensing files, read without trusting it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid_licensing.document import parse_document
from senseid_licensing.errors import LicensingError
from senseid_licensing.instant import format_instant
from senseid_licensing.licence import LicenceFile, parse_licence_file
from senseid_licensing.private_key import FORMAT as PRIVATE_KEY
from senseid_licensing.private_key import describe_key_file
from senseid_licensing.public_key import LABEL, parse_public_key
from senseid_licensing.revocation import parse_revocations
from senseid_licensing.udid.fingerprint import printable_udid
from senseid_licensing.udid.udid_file import looks_like_udid, parse_udid_file

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_licensing.document import Json


def inspect(data: bytes) -> LicenceFile | dict[str, Json]:
    """Read any licensing file. No signature is checked, and no secret is returned.

    Args:
        data: the whole file.

    Returns:
        A licence; or for another file its type, under `kind`, and its content.

    Raises:
        LicensingError: it is not such a file, or damaged. Unrecognised files are read as licences.
    """
    return _reader(data)(data)


def _reader(data: bytes) -> Callable[[bytes], LicenceFile | dict[str, Json]]:
    if data.startswith(LABEL.encode()):
        return _public_key
    if looks_like_udid(data):
        return _udid
    try:
        document = parse_document(data)
    except LicensingError:
        return parse_licence_file
    if "revocations" in document:
        return _revocations
    return describe_key_file if document.get("format") == PRIVATE_KEY else parse_licence_file


def _public_key(data: bytes) -> dict[str, Json]:
    return {"kind": "public key", "key": parse_public_key(data.decode("utf-8", "replace")).id}


def _udid(data: bytes) -> dict[str, Json]:
    components = parse_udid_file(data)
    return {"kind": "machine", "udid": printable_udid(components), "components": [*sorted(components)]}


def _revocations(data: bytes) -> dict[str, Json]:
    found = parse_revocations(data)
    return {
        "kind": "revocation list",
        "issued": format_instant(found.issued),
        "signed_by": found.key_id,
        "ids": [*sorted(found.ids)],
    }
