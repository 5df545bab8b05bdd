"""Trust: the keys that may sign a licence without a parent, and the licences that were revoked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_licensing.public_key import PublicKey


@dataclass(frozen=True, slots=True)
class TrustRoots:
    """The trust of one installation.

    Attributes:
        keys: key id -> key. More than one while an old root is being replaced.
        revoked: ids of licences that no longer count, nor their children.
        remedy: what a user can do if a key is not among them.
    """

    keys: Mapping[str, PublicKey]
    revoked: frozenset[str]
    remedy: str
