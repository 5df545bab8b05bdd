"""The way into the page on this machine: a link that works once gives it keys that are made for this run alone.

Nobody types secrets, and the operator's keys never reach a browser. The token of the link stands behind its `#`, which
browsers do not send: no access log, proxy or `Referer` has it.
"""

from __future__ import annotations

import hashlib
import hmac
import mmap
import secrets
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from senseid_crypto.key import generate_key

if TYPE_CHECKING:
    from collections.abc import Callable

    from senseid_crypto.key import Key

TOKEN_VARIABLE: Final = "SENSEID_UI_TOKEN"  # noqa: S105  the name of it
"""How `senseid serve start` hands the token of the link that it prints to the service."""

TOKEN_HEADER: Final = "x-senseid-link"  # noqa: S105  likewise
"""How the page sends the token. No page of another origin can send a header of its own."""

_FRAGMENT: Final = "#open="
_BYTES: Final = 32


@dataclass(frozen=True, slots=True, eq=False)
class PageAccess:
    """The keys of the page, and the token that they are given for.

    Attributes:
        key: what the page encrypts with, and handlers decrypt with beside the operator's keys.
        api_key: what the page authenticates with, where clients must.
        run: tells this run of the service from others, 16 hex digits; no secret.
    """

    key: Key
    api_key: str = field(repr=False)
    run: str
    # SHA-256 of the token that is valid now, in memory that a restarted HTTP process shares: its predecessor's token
    # must not become valid again.
    _valid: mmap.mmap = field(repr=False)

    @classmethod
    def new(cls, entropy: Callable[[int], bytes]) -> PageAccess:
        """Keys for one run; no token is valid yet.

        Args:
            entropy: returns that many random bytes.
        """
        access = cls(generate_key(entropy), entropy(_BYTES).hex(), entropy(8).hex(), mmap.mmap(-1, _BYTES))
        access.admit(new_token())
        return access

    def admit(self, token: str) -> None:
        """Make a token valid, and the one before it invalid."""
        self._valid[:] = _digest(token)

    def use(self, token: str) -> bool:
        """Whether a token is valid; it is no longer. Takes the same time for every token."""
        valid = hmac.compare_digest(_digest(token), self._valid[:])
        if valid:
            self.admit(new_token())
        return valid


def new_token() -> str:
    """256 random bits for a link."""
    return secrets.token_urlsafe(_BYTES)


def link(url: str, token: str) -> str:
    """The link that opens the page.

    Args:
        url: of the service, without a path.
        token: what `PageAccess` admits.
    """
    return f"{url}/{_FRAGMENT}{token}"


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()
