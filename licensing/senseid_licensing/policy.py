"""The trust policy in the package: `trust.toml`."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from senseid_licensing.errors import KeyFileError
from senseid_licensing.files import read_file
from senseid_licensing.public_key import PublicKey, parse_public_key

PACKAGED_POLICY = Path(__file__).with_name("trust.toml")


@dataclass(frozen=True, slots=True)
class TrustPolicy:
    """The source of trust roots.

    Attributes:
        trust: "local", the data directory; or "embedded", this policy alone.
        roots: the embedded keys.
    """

    trust: Literal["local", "embedded"]
    roots: tuple[PublicKey, ...]


def load_policy(path: Path) -> TrustPolicy:
    """Read a policy. Any error is raised: an unreadable policy must not mean 'local'."""
    try:
        policy = tomllib.loads(read_file(path, "trust policy").decode())
    except ValueError as error:
        raise _broken(path, str(error)) from None
    trust, roots = policy.get("trust"), policy.get("roots")
    if trust not in ("local", "embedded") or not isinstance(roots, list) or set(policy) != {"trust", "roots"}:
        raise _broken(path, 'it must hold trust = "local" or "embedded", and the list roots')
    if bool(roots) != (trust == "embedded"):
        raise _broken(path, 'roots must be empty for "local" and must not be for "embedded"')
    return TrustPolicy(trust, tuple(parse_public_key(str(text)) for text in roots))


def _broken(path: Path, why: str) -> KeyFileError:
    error = KeyFileError(f"the trust policy is broken: {' '.join(why.split())}", remedy="reinstall senseid")
    return error.at(str(path))
