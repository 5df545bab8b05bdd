"""Signing licences: the vendor's side."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from senseid_licensing.chain import check_narrower, link
from senseid_licensing.clock import check_plausible
from senseid_licensing.errors import ArgumentError, FormatError, TooManyParentsError, WideningError
from senseid_licensing.licence import MAX_PARENTS, LicenceFile, SignedLicence, parse_licence_file, signed_bytes

if TYPE_CHECKING:
    from senseid_licensing.licence import Licence
    from senseid_licensing.private_key import PrivateKey


def issue(terms: Licence, key: PrivateKey, parent: LicenceFile | None = None) -> bytes:
    """Sign a licence and return the bytes of its file.

    Args:
        terms: the terms to sign; their `parent` is set here.
        key: a trust root's key, or the key that `parent` delegates to.
        parent: the file that allows `key` to issue; None for a trust root.

    Raises:
        ArgumentError: the terms could not be read back, or the parent does not allow this key to issue.
        ClockError: the time of issue is implausible.
        TooManyParentsError: the chain would exceed ten parents.
        WideningError: the terms allow more than the parent.
    """
    check_plausible(terms.issued)
    parents: tuple[SignedLicence, ...] = ()
    if parent is not None:
        parents = link(parent)
        if parent.leaf.licence.delegate != key.public.raw:
            raise ArgumentError(
                f"the licence {parent.leaf.licence.id} does not let key {key.public.id} issue",
                remedy="use the key that it was issued for, or a parent that was issued with --delegate for this key",
            )
        if len(parents) > MAX_PARENTS:
            raise TooManyParentsError(
                f"the licence would stand on {len(parents)} parents; {MAX_PARENTS} are the most",
                remedy="issue from a parent nearer to the root",
            )
        try:
            check_narrower(terms, parent.leaf.licence)
        except WideningError as error:
            raise WideningError(
                error.message,
                remedy="leave that term out, and the parent's is taken: `senseid license inspect` shows what it says",
            ) from None
    licence = replace(terms, parent=parents[0].licence.id if parents else None)
    unsigned = licence.to_json()
    # Never issue a licence that could not be read back.
    try:
        signed = SignedLicence(unsigned, licence, key.public.id, key.sign(signed_bytes(unsigned)))
        data = LicenceFile(signed, parents).to_bytes()
        parse_licence_file(data)
    except FormatError as error:
        raise ArgumentError(error.message, remedy="change the terms") from None
    return data
