"""A machine's fingerprint: its readings, the printable UDID made of them, and matching against a licence."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid_licensing.errors import ArgumentError, UdidError
from senseid_licensing.udid.reading import Kind

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from senseid_licensing.udid.reading import Reading

# Crockford's Base32: no I, L, O or U, so that a UDID survives being read out over the telephone.
_DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_LENGTH = 25
# From this many bound components on, one may have changed.
_TOLERANT_FROM = 3
# This many unique components must match if a machine has that many: one alone is easy to fake.
_UNIQUE_WANTED = 2
# Components that machines of one model have in common.
_MODELS = frozenset({Kind.CPU.value, Kind.BOARD.value})


@dataclass(frozen=True, slots=True)
class Surroundings:
    """The surroundings of a machine, as far as any user may see them.

    Attributes:
        container: evidence that this is a container; None if there is none.
        hypervisor: evidence that this is a virtual machine; None if there is none.
        clones: signs that an identity of this machine may be another machine's too.
    """

    container: str | None = None
    hypervisor: str | None = None
    clones: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Match:
    """The result of matching a machine with the components that a licence is bound to.

    Attributes:
        same: kinds that match, sorted.
        changed: kinds that differ or are missing here, sorted.
        ok: whether it counts as the same machine.
    """

    same: tuple[str, ...]
    changed: tuple[str, ...]
    ok: bool


@dataclass(frozen=True, slots=True)
class Fingerprint:
    """All readings of one machine.

    Attributes:
        readings: one per kind, present or missing.
        surroundings: container, virtual machine, signs of cloning.
    """

    readings: tuple[Reading, ...]
    surroundings: Surroundings = Surroundings()

    @property
    def counted(self) -> tuple[Reading, ...]:
        """The components that a new licence is bound to: all unique ones, if there are two or more.

        A component that other machines share would only add one that may match while a unique one changes. So it is
        used only if fewer are unique, and up to two in all, neither of which may change.
        """
        shown = [reading for reading in self.readings if reading.hashes]
        unique = [reading for reading in shown if reading.unique]
        # From the last on: an address from a hypervisor identifies more than a model does.
        shared = [reading for reading in reversed(shown) if not reading.unique]
        chosen = unique + shared[: max(0, _UNIQUE_WANTED - len(unique))]
        return tuple(reading for reading in self.readings if reading in chosen)

    @property
    def components(self) -> dict[str, str]:
        """Kind -> hash of the components that count. Raises `UdidError` if there is none."""
        found = {reading.kind.value: reading.hashes[0] for reading in self.counted}
        if not found:
            raise UdidError(
                "this machine shows no hardware that it could be recognised by",
                remedy="run `senseid udid --explain` to see why; in a container, make /proc and /sys visible",
            )
        return found

    @property
    def unique(self) -> bool:
        """Whether anything that counts is expected to differ from every other machine's."""
        return any(reading.unique and reading.hashes for reading in self.readings)

    @property
    def to_fake(self) -> int:
        """Number of unique components that another machine must fake for a licence bound to this one."""
        unique = sum(reading.unique for reading in self.counted)
        return unique - _tolerated(len(self.counted)) if unique else 0

    @property
    def udid(self) -> str:
        """The printable UDID of the components that count."""
        return printable_udid(self.components)

    def match(self, bound: Mapping[str, str]) -> Match:
        """Compare this machine with the components of a licence.

        All must match; of three or more, one may differ.
        """
        here = {reading.kind.value: reading for reading in self.readings}
        same = tuple(sorted(kind for kind, value in bound.items() if kind in here and value in here[kind].hashes))
        changed = tuple(sorted(set(bound) - set(same)))
        return Match(same, changed, ok=len(changed) <= _tolerated(len(bound)))


def least_to_fake(bound: Collection[str]) -> int:
    """Minimum number of components that another machine of the same model must fake for a licence bound to these."""
    return max(0, len(set(bound) - _MODELS) - _tolerated(len(bound)))


def _tolerated(bound: int) -> int:
    """Number of bound components that may have changed."""
    return 1 if bound >= _TOLERANT_FROM else 0


def printable_udid(components: Mapping[str, str]) -> str:
    """The UDID of components: 25 digits and 2 check digits, `XXXXX-XXXXX-XXXXX-XXXXX-XXXXX-CC`."""
    text = "\n".join(f"{kind}={value}" for kind, value in sorted(components.items()))
    number = int.from_bytes(hashlib.sha256(text.encode()).digest(), "big") >> (256 - 5 * _LENGTH)
    return _grouped("".join(_DIGITS[(number >> (5 * place)) & 31] for place in reversed(range(_LENGTH))))


def check_udid(text: str) -> str:
    """Return a printable UDID in its normal form, or raise `ArgumentError` if a digit was mistyped."""
    plain = text.strip().upper().replace("-", "").translate(str.maketrans("OIL", "011"))
    digits, check = plain[:_LENGTH], plain[_LENGTH:]
    if len(digits) != _LENGTH or not set(digits) <= set(_DIGITS) or check != _check_digits(digits):
        # The text is not shown: it is the passphrase where the files of a command line were exchanged.
        raise ArgumentError("it is no UDID, or a digit is wrong", remedy="copy it from UDID.txt")
    return _grouped(digits)


def _grouped(digits: str) -> str:
    groups = [digits[start : start + 5] for start in range(0, _LENGTH, 5)]
    return "-".join([*groups, _check_digits(digits)])


def _check_digits(digits: str) -> str:
    """ISO 7064 MOD 97-10: finds every wrong digit and every swap of two neighbours."""
    number = 0
    for digit in digits:
        number = number * 32 + _DIGITS.index(digit)
    return f"{98 - number * 100 % 97:02d}"
