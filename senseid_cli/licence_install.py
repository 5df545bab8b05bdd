"""Installation of several licence files in one command: one that is refused does not keep the others out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid import outcomes
from senseid_cli.output import terminal
from senseid_engine.errors import printable
from senseid_licensing.errors import LicensingError, about
from senseid_licensing.files import read_file

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from senseid_licensing.context import Context
    from senseid_licensing.product import Product
    from senseid_licensing.store import LicenceStore
    from senseid_licensing.verified import VerifiedLicence


@dataclass(frozen=True, slots=True)
class _Candidate:
    """A file whose licence is acceptable."""

    file: Path
    data: bytes
    licence: VerifiedLicence


def install_all(
    store: LicenceStore,
    context: Context,
    files: Sequence[Path],
    put: Callable[[VerifiedLicence], None],
    *,
    as_json: bool,
) -> outcomes.ExitStatus:
    """Check all files, then install for each product the licence that ends last.

    Args:
        store: where they go.
        context: what they are checked against.
        files: under any names.
        put: prints an installed one.
        as_json: whether refusals are printed as JSON too.

    Returns:
        The status of the first refusal, or 0.
    """
    status = outcomes.ExitStatus.YES
    best: dict[Product, _Candidate] = {}

    def refuse(error: LicensingError, file: Path) -> None:
        nonlocal status
        refused = terminal.put_refusal(error, str(file), as_json=as_json)
        status = status or refused

    for file in files:
        try:
            data = read_file(file, "licence file")
            with about(file):
                found = _Candidate(file, data, store.check(data, context))
        except LicensingError as error:
            refuse(error, file)
            continue
        other = best.setdefault(found.licence.product, found)
        if other is not found:
            last, first = sorted((found, other), key=_end, reverse=True)
            best[found.licence.product] = last
            _note_left_out(first.file, f"{last.file} does not end earlier")
    installed = store.verify_all(context).licences
    for product, candidate in best.items():
        there = installed.get(product)
        if there is not None and there.not_after > candidate.licence.not_after:
            _note_left_out(candidate.file, f"{store.path(product)} ends later; alone, it replaces that all the same")
            continue
        try:
            with about(candidate.file):
                put(store.install(candidate.data, context))
        except LicensingError as error:
            refuse(error, candidate.file)
    return status


def _end(candidate: _Candidate) -> tuple[object, ...]:
    return candidate.licence.not_after, candidate.licence.issued


def _note_left_out(file: Path, why: str) -> None:
    terminal.note(printable(f"left out {file}: {why}"))
