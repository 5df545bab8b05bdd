"""The folder of a cache from outside: how old its templates are, and deleting them. No key is needed for either.

The age of a template is that of its file, which is written once.
"""

from __future__ import annotations

import re
import stat
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Final

from senseid.errors import OutputError, RefusedError
from senseid.output_file import DRAFT_PREFIX
from senseid_engine.errors import reason_of

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator
    from pathlib import Path

DEFAULT_DAYS: Final = 90
"""Days that a template is kept if nothing else is asked for."""

# A clock that ran ahead dates files into the future, where they would never be too old.
_SLACK: Final = timedelta(days=1)
_SUB_FOLDER: Final = re.compile(r"[0-9a-f]{2}", re.ASCII)
_TEMPLATE: Final = re.compile(r"[0-9a-f]{62}\.template", re.ASCII)


@dataclass(frozen=True, slots=True)
class Kept:
    """Templates of a cache, or of one day of it.

    Attributes:
        templates: how many.
        size: their bytes on disk.
    """

    templates: int
    size: int


def path_of(folder: Path, name: str) -> Path:
    """Where the template of a name, 64 hex digits, is kept. A folder of a million files is slow to list."""
    return folder / name[:2] / f"{name[2:]}.template"


def by_day(folder: Path) -> dict[date, Kept]:
    """The templates of a cache by the day, UTC, on which they were written, in order.

    Raises:
        RefusedError: it is no folder, or cannot be read.
    """
    count: Counter[date] = Counter()
    size: Counter[date] = Counter()
    for _, facts in _files(folder):
        day = _written(facts).date()
        count[day] += 1
        size[day] += facts.st_size
    return {day: Kept(count[day], size[day]) for day in sorted(count)}


def purge(folder: Path, now: datetime, days: int | None) -> Kept:
    """Delete templates, and what a killed process left half-written. Nothing else in the folder is touched.

    Args:
        folder: the folder of the cache.
        now: the time, UTC.
        days: the age, in days, from which on they are deleted, and so are those from the future; None deletes all.

    Returns:
        The templates that were deleted.

    Raises:
        RefusedError: it is no folder, or cannot be read.
        OutputError: a template cannot be deleted.
    """
    templates = size = 0
    for path, facts in _files(folder, drafts=True):
        age = now - _written(facts)
        draft = path.name.startswith(DRAFT_PREFIX)
        # A draft may be that of a run that goes on.
        if age <= _SLACK and draft:
            continue
        if days is not None and -_SLACK <= age < timedelta(days=days):
            continue
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise OutputError(
                f"{path} cannot be deleted: {reason_of(error)}", remedy="check the permissions of its folder"
            ) from error
        templates += not draft
        size += 0 if draft else facts.st_size
    return Kept(templates, size)


def _written(facts: os.stat_result) -> datetime:
    """When a file was written; some file systems hold times that are no dates: the nearest counts."""
    first, last = (datetime(year, 1, 1, tzinfo=UTC).timestamp() for year in (1, 9999))
    return datetime.fromtimestamp(min(max(facts.st_mtime, first), last), UTC)


def _files(folder: Path, *, drafts: bool = False) -> Iterator[tuple[Path, os.stat_result]]:
    """The templates of a cache, and drafts of them, with their status. Links are not followed."""
    try:
        subs = sorted(sub for sub in folder.iterdir() if _SUB_FOLDER.fullmatch(sub.name) and not sub.is_symlink())
        paths = [path for sub in subs if sub.is_dir() for path in sorted(sub.iterdir())]
    except OSError as error:
        raise RefusedError(
            f"{folder} cannot be read as a cache: {reason_of(error)}", remedy="name the folder of `batch --cache`"
        ) from None
    for path in paths:
        if _TEMPLATE.fullmatch(path.name) or (drafts and path.name.startswith(DRAFT_PREFIX)):
            with suppress(FileNotFoundError):  # another process may delete them too
                facts = path.lstat()
                if stat.S_ISREG(facts.st_mode):
                    yield path, facts
