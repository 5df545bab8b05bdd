"""Jobs from the arguments of a command line: one file in, one file out."""

from __future__ import annotations

import glob
import os
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from senseid.errors import RefusedError
from senseid.output_file import DRAFT_PREFIX
from senseid_cli import media, paths
from senseid_crypto.errors import NotEncryptedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

STDOUT = "-"

_START = 4096
"""Bytes that show whether a file is encrypted."""


class Direction(StrEnum):
    """The operation on the files."""

    ENCRYPT = "encrypt"
    DECRYPT = "decrypt"


SUFFIXES = {"container": ".senseid", "wire": ".b64"}
"""The suffix that encryption adds to a file name, by format, and decryption removes."""


@dataclass(frozen=True, slots=True)
class FileJob:
    """One file to encrypt or decrypt.

    Attributes:
        source: a path, or `-` for standard input.
        target: a path, or None for standard output.
        size: bytes of the source; 0 if unknown.
        makes_folders: whether missing folders of the target are created: those between `--out FOLDER` and the file.
    """

    source: str
    target: Path | None
    size: int
    makes_folders: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The jobs of a command.

    Attributes:
        jobs: one per file.
        left_out: the files of folders that are no media by their names.
        links: what is in folders, and is a link: it is not followed.
        folders: each folder that was named, with the folder that its results go into.
    """

    jobs: list[FileJob]
    left_out: list[Path]
    links: list[Path]
    folders: list[tuple[Path, Path]]


@dataclass(frozen=True, slots=True)
class _Found:
    """A source and its name under `--out FOLDER`."""

    source: str
    name: Path


def make_plan(
    sources: Sequence[str], out: str | None, direction: Direction, suffix: str, *, only_media: bool = False
) -> Plan:
    """Plan one job per file. Only looks at files, changes nothing.

    Args:
        sources: paths of files and folders, patterns, `-`.
        out: a folder, which is made if need be, or, for one source, a file or `-`; None writes beside each source.
        direction: whether names get a suffix or lose one.
        suffix: the suffix that they get.
        only_media: whether only those files of a folder count whose names end as those of photos and videos do. What
            is named itself, or by a pattern, always counts.

    Raises:
        BadParameter: the arguments contradict each other.
        MediaError: a folder cannot be read.
        RefusedError: the current folder was deleted.
    """
    paths.check_here()
    for word in sources:
        paths.check_word(word, name="FILE")
    if out is not None:
        paths.check_word(out, name="--out")
    left_out: list[Path] = []
    links: list[Path] = []
    found = _unique(
        entry for word in sources for entry in _expand(word, direction, left_out if only_media else None, links)
    )
    several = len(found) != 1 or os.path.isdir(sources[0])
    into_folder = out is not None and out != STDOUT and (several or out.endswith("/") or os.path.isdir(out))
    if into_folder and out is not None:
        _check_folder(Path(out))
    elif several and out == STDOUT:
        raise typer.BadParameter("standard output takes one file, and there is more than one", param_hint="--out")
    if len(found) > 1 and any(entry.source == media.STDIN for entry in found):
        raise typer.BadParameter("'-' stands alone: standard input holds one file")
    jobs = []
    for entry in found:
        if out == STDOUT or (out is None and entry.source == media.STDIN):
            target = None
        elif out is None or into_folder:
            renamed = _renamed(entry, direction, suffix, elsewhere=out is not None)
            target = Path(entry.source).with_name(renamed.name) if out is None else Path(out) / renamed
        else:
            target = Path(out)
        size = 0 if entry.source == media.STDIN else size_of(Path(entry.source))
        jobs.append(FileJob(entry.source, target, size, makes_folders=into_folder))
    _refuse_clashes(jobs)
    folders = [Path(word) for word in sources if word != media.STDIN and os.path.isdir(word)]
    return Plan(jobs, left_out, links, [(folder, Path(out) if into_folder and out else folder) for folder in folders])


def check_target(job: FileJob, *, force: bool) -> None:
    """Refuse an output that would destroy something.

    Raises:
        RefusedError: it is the source, it exists already, or it is not a file.
    """
    if job.target is None:
        return
    problem = paths.output_problem(job.target, sources=(job.source,), force=force, makes_folder=job.makes_folders)
    if problem:
        raise RefusedError(f"{job.target} {problem}", remedy="choose another place with --out")


def walk(folder: Path, links: list[Path] | None = None) -> Iterator[Path]:
    """The regular files below a folder, in order. Links are not followed: they may lead out of it, or in circles.

    Args:
        folder: where to look.
        links: gets the links that are found, if given.

    Raises:
        MediaUnreadableError: a folder cannot be read.
    """
    from senseid_engine.media import reading

    # The types come with the names: if the files of a folder are not accessible, each of them is reported.
    with reading(str(folder), "file"), os.scandir(folder) as entries:
        here = sorted(entries, key=lambda entry: entry.name)
        found = [
            (entry.name, entry.is_dir(follow_symlinks=False))
            for entry in here
            if entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
        ]
    if links is not None:
        links += [folder / entry.name for entry in here if entry.is_symlink()]
    for name, is_folder in found:
        if name.startswith(DRAFT_PREFIX):
            continue
        if is_folder:
            yield from walk(folder / name, links)
        else:
            yield folder / name


def is_container(path: Path) -> bool | None:
    """Whether a file starts as a container does; None if it cannot be read."""
    from senseid_crypto.container import MAGIC

    try:
        with path.open("rb") as file:
            return file.read(len(MAGIC)) == MAGIC
    except OSError:
        return None


def _is_plain(path: Path) -> bool:
    """Whether a file is there and does not begin as anything that is encrypted."""
    from senseid_crypto.recognise import looks_encrypted

    try:
        with path.open("rb") as file:
            return not looks_encrypted(file.read(_START))
    except OSError:
        return False


def size_of(path: Path) -> int:
    """Bytes of a file; 0 if unknown."""
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _check_folder(out: Path) -> None:
    """Refuse a folder that neither is there nor can be made.

    Only the folder itself is made: if that above it is missing, the name is mistyped or a disk is not mounted.
    """
    if os.path.lexists(out) and not os.path.isdir(out):
        raise typer.BadParameter(f"{out} must be a folder: there is more than one file", param_hint="--out")
    if not os.path.isdir(out.parent):
        raise typer.BadParameter(f"{out} is in a folder that does not exist", param_hint="--out")


def _expand(word: str, direction: Direction, left_out: list[Path] | None, links: list[Path]) -> Iterator[_Found]:
    """The files that a word stands for.

    Those of a folder that are no media go to `left_out`, unless it is None; links in it go to `links`.
    """
    from senseid_engine.errors import MediaUnreadableError
    from senseid_engine.media import PHOTO_SUFFIXES, VIDEO_SUFFIXES

    path = Path(word)
    if word == media.STDIN or os.path.lexists(path) or not glob.has_magic(word):
        names = [word]
    else:
        # A shell has expanded it, unless it was quoted or matched nothing there.
        found = sorted(glob.glob(word, recursive=True))  # noqa: PTH207  a path of any kind
        names = [_as_path(each) for each in found] or [word]
    for each in names:
        if each != media.STDIN and os.path.isdir(each):
            root = Path(each)
            for file in walk(root, links):
                if not _belongs(file, direction):
                    continue
                if left_out is not None and file.suffix.lower() not in PHOTO_SUFFIXES | VIDEO_SUFFIXES:
                    left_out.append(file)
                else:
                    yield _Found(_as_path(str(file)), file.relative_to(root))
        elif Path(each).name:
            yield _Found(each, Path(Path(each).name))
        else:
            raise MediaUnreadableError(each, "permission denied: make the folder readable")


def _as_path(found: str) -> str:
    """The path of a file called `-`, so that it is not taken for standard input."""
    return f"./{found}" if found == media.STDIN else found


def _belongs(path: Path, direction: Direction) -> bool:
    """Whether to process a file of a folder: a container is recognised by its content, wire text by its name.

    An unreadable file counts, so that it is reported and not skipped.
    """
    contained = is_container(path)
    if contained is None:
        return direction is Direction.ENCRYPT or path.suffix in SUFFIXES.values()
    return (contained or path.suffix == SUFFIXES["wire"]) == (direction is Direction.DECRYPT)


def _unique(entries: Iterator[_Found]) -> list[_Found]:
    """Each file once, however often it is named."""
    found = {entry.source if entry.source == media.STDIN else Path(entry.source).absolute(): entry for entry in entries}
    return list(found.values())


def _renamed(entry: _Found, direction: Direction, suffix: str, *, elsewhere: bool) -> Path:
    name = entry.name.name
    if direction is Direction.ENCRYPT:
        return entry.name.with_name(name + suffix)
    for known in SUFFIXES.values():
        if name.endswith(known) and name != known:
            return entry.name.with_name(name.removesuffix(known))
    if elsewhere:
        return entry.name
    if _is_plain(Path(entry.source)):
        raise NotEncryptedError(f"{entry.source} is not encrypted", remedy="use it as it is: there is nothing to do")
    raise typer.BadParameter(
        f"{entry.source} does not end in {' or '.join(SUFFIXES.values())}: say where it goes with --out"
    )


def _refuse_clashes(jobs: list[FileJob]) -> None:
    """Check that no two jobs write one file, and that none writes a file that another reads."""
    targets: dict[str, str] = {}
    sources = {os.path.realpath(job.source): job.source for job in jobs if job.source != media.STDIN}
    for job in jobs:
        if job.target is None:
            continue
        path = os.path.realpath(job.target)
        other = targets.setdefault(path, job.source)
        if other != job.source:
            raise typer.BadParameter(f"{other} and {job.source} would both become {job.target}")
        if sources.get(path, job.source) != job.source:
            raise typer.BadParameter(f"{job.source} would become {job.target}, which is another of the files")
