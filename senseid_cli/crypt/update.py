"""The work of `encrypt --update`: which sources are new or changed since their containers were written.

Nothing is kept for it. A container has the time of its source, to the nanosecond where the file system can, and its
length tells that of its content: a source of the same time and length is the one that was encrypted. The times are
compared for equality only, so that no clock need be right.
"""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from senseid.errors import RefusedError
from senseid_cli.crypt.file_jobs import SUFFIXES, walk
from senseid_crypto import container
from senseid_crypto.errors import DamagedError, NotEncryptedError, VersionError
from senseid_models.open_file import open_regular

if TYPE_CHECKING:
    from senseid_cli.crypt.file_jobs import FileJob, Plan
    from senseid_crypto.key import Key

# Nanoseconds of the ticks in which file systems and network shares keep times, FAT's two seconds the longest.
_TICKS: Final = (1, 100, 1_000, 1_000_000, 10_000_000, 1_000_000_000, 2_000_000_000)


@dataclass(frozen=True, slots=True)
class Update:
    """The work of an update.

    Attributes:
        jobs: those whose container is missing, or of an earlier state of the source.
        replaced: the containers among their targets that are replaced.
        unchanged: how many sources need nothing.
        other_key: how many of their containers are under another key.
    """

    jobs: list[FileJob]
    replaced: frozenset[Path]
    unchanged: int
    other_key: int


def compare(plan: Plan, key: Key) -> Update:
    """Look at the sources of a plan and at their containers; nothing is decrypted.

    Args:
        plan: its jobs go from files to files.
        key: the key that new containers get.
    """
    jobs: list[FileJob] = []
    replaced: set[Path] = set()
    unchanged = other_key = 0
    for job in plan.jobs:
        before = None if job.target is None else _read(job.target)
        if before is None or job.target is None:
            jobs.append(job)
        elif _is_of(before, Path(job.source)):
            unchanged += 1
            other_key += before.key_id != key.raw_id
        else:
            jobs.append(job)
            replaced.add(job.target)
    return Update(jobs, frozenset(replaced), unchanged, other_key)


def is_done(job: FileJob) -> bool:
    """Whether there is a container of the source as it is now. Like `compare`, this decrypts nothing."""
    found = None if job.target is None else _read(job.target)
    return found is not None and _is_of(found, Path(job.source))


def check_source(job: FileJob) -> None:
    """Refuse to replace a container by nothing: a copy that failed leaves an empty file.

    Raises:
        RefusedError: the source is empty.
    """
    try:
        size = Path(job.source).stat().st_size
    except OSError:
        return  # reading it says why
    if not size:
        raise RefusedError(
            f"{job.source} is empty now, and {job.target} keeps what it was",
            remedy="restore it by `senseid decrypt`, or encrypt it as it is with --force",
        )


def without_source(plan: Plan) -> list[tuple[Path, Path]]:
    """The containers in the folders of a plan whose source is in none of them, each with the path where it was."""
    suffix = SUFFIXES["container"]
    found: dict[Path, Path] = {}
    for target in dict.fromkeys(target for _, target in plan.folders):
        if not os.path.isdir(target):
            continue
        sources = [source for source, into in plan.folders if into == target]
        for path in walk(target):
            if path.suffix != suffix or _read(path) is None:
                continue
            name = path.relative_to(target).with_suffix("")
            if not any(os.path.lexists(source / name) for source in sources):
                found[path] = sources[0] / name
    return list(found.items())


@dataclass(frozen=True, slots=True)
class _Container:
    """The facts that a container shows without a key. The length is None if it is damaged."""

    key_id: bytes
    length: int | None
    time: int


def _read(path: Path) -> _Container | None:
    """None where there is no container of this release, which is then not replaced."""
    try:
        with open_regular(path) as file:
            facts = os.fstat(file.fileno())
            header = container.read_header(io.BytesIO(file.read(container.HEADER)))
    except DamagedError:
        return _Container(b"", None, 0)
    except (OSError, NotEncryptedError, VersionError):
        return None
    return _Container(header.key_id, container.plain_length(facts.st_size), facts.st_mtime_ns)


def _is_of(found: _Container, source: Path) -> bool:
    try:
        facts = source.stat()
    except OSError:
        return False  # reading it says why
    time = facts.st_mtime_ns
    return found.length == facts.st_size and any(found.time == time - time % tick for tick in _TICKS)
