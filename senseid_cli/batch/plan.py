"""The plan of a run: the rows of a manifest, or all pairs of the photos of one folder or two."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Protocol

from senseid.batch_errors import ManifestError
from senseid_cli.batch import pairs, rows
from senseid_cli.batch.work import Medium
from senseid_licensing.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from pathlib import Path

    from senseid.tables.manifest import Manifest, Survey
    from senseid_cli.batch.jobs import BatchSettings, Job
    from senseid_cli.batch.pairs import Photos
    from senseid_cli.batch.work import Work
    from senseid_cli.batch.work_queue import WorkQueue
    from senseid_engine.batch.scorer import Scorer

Records = list[dict[str, Any]]

_FURTHER = re.compile(r"(first|second|photo)[ _-]?[0-9]+", re.IGNORECASE)
_SHOWN_COLUMNS = 8
_SHOWN_CHARACTERS = 40


class Plan(Protocol):
    """Work in units, each with its records."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the records, in order."""

    @property
    def works(self) -> tuple[Work, ...]:
        """Every kind of work on a photo or video."""

    @property
    def steps(self) -> tuple[str, int]:
        """The unit of progress, and the number of units."""

    def photos(self, record: Mapping[str, Any]) -> list[tuple[str, Path]]:
        """The photos that a record is about, each with the column that names it."""

    def files(self) -> Iterator[Path]:
        """Every photo and video that is read."""

    def facts(self) -> Mapping[str, object]:
        """Everything that the records depend on beside the models, ready for JSON."""

    def records(self, queue: WorkQueue, slots: int, start: int, advance: Callable[[int], None]) -> Iterator[Records]:
        """The records of each unit, in order, from the unit `start` on."""


@dataclass(frozen=True, slots=True)
class RowsPlan:
    """Each row of a manifest is a unit with one record.

    Attributes:
        manifest: the rows.
        survey: what it holds.
        job: what is done with each row.
        settings: those of the command line.
    """

    manifest: Manifest
    survey: Survey
    job: Job
    settings: BatchSettings

    def __post_init__(self) -> None:
        missing = [column for column in self.job.required if column not in self.survey.columns]
        if missing and self.survey.columns:
            raise ManifestError(
                f"{self.manifest.name} has no column {missing[0]!r}, what it has is {_listed(self.survey.columns)}",
                remedy=f"{self.job.name} needs the columns {', '.join(self.job.required)}; any others are passed on",
            )
        broken = next(self.manifest.rows()).problem if missing and self.survey.rows else ""
        if broken:  # as of a script that prints its own objects in the place of JSON
            raise ManifestError(
                f"{self.manifest.name} has no row that can be used, row 1: {broken}",
                remedy=f"each row names its files in the columns {', '.join(self.job.required)}",
            )
        if missing or not self.survey.rows:
            raise ManifestError(
                f"{self.manifest.name} holds no rows, so there is nothing to do",
                remedy=f"each row names its files in the columns {', '.join(self.job.required)}",
            )
        taken = set(rows.columns_of((), self.job)) & set(self.survey.columns)
        if taken:
            raise ManifestError(
                f"{self.manifest.name} has a column {min(taken)!r}, which the results have too",
                remedy="give it another name",
            )
        unused = [column for column in self.survey.columns if self._seems_further(column)]
        known = ", ".join(column for column in self.job.works if column in self.job.optional)
        if unused:  # passed on like any other, nobody would see that its photos were left out
            raise ManifestError(
                f"{self.manifest.name} has a column {unused[0]!r}, whose photos would be left out",
                remedy=f"further photos go into {self.job.name}'s columns {known}" if known else "give it another name",
            )

    def _seems_further(self, column: str) -> bool:
        found = _FURTHER.fullmatch(column)
        return found is not None and column not in self.job.works and found[1].lower() in self.job.works

    @property
    def columns(self) -> tuple[str, ...]:
        """Those of the manifest, then those of the result."""
        return rows.columns_of(self.survey.columns, self.job)

    @property
    def works(self) -> tuple[Work, ...]:
        """Every kind of work on the files of a row."""
        return tuple(self.job.works.values())

    @property
    def steps(self) -> tuple[str, int]:
        """Rows, and how many there are."""
        return "rows", self.survey.rows

    def photos(self, record: Mapping[str, Any]) -> list[tuple[str, Path]]:
        """The photos that a row names, each with its column."""
        columns = [column for column, work in self.job.works.items() if work.medium == Medium.PHOTO]
        folder = self.manifest.wanted.folder
        return [(column, folder / record[column]) for column in columns if record.get(column)]

    def files(self) -> Iterator[Path]:
        """What the rows name."""
        return rows.files_of(self.manifest.rows(), self.job, self.manifest.wanted.folder)

    def facts(self) -> Mapping[str, object]:
        """The manifest, the work and the settings."""
        works = {column: work.identity for column, work in self.job.works.items()}
        return {
            "manifest": self.manifest.digest(),
            # The same list in another folder names other photos: --resume would mix the scores of both.
            "folder": os.path.realpath(self.manifest.wanted.folder),
            "job": self.job.name,
            "works": works,
            "threshold": self.settings.threshold,
            "columns": self.columns,
        }

    def records(self, queue: WorkQueue, slots: int, start: int, advance: Callable[[int], None]) -> Iterator[Records]:
        """The record of each row."""
        advance(start)
        left = islice(self.manifest.rows(), start, None)
        for record in rows.work_through(left, self.job, self.manifest.wanted.folder, queue, slots):
            yield [record]
            advance(1)


@dataclass(frozen=True, slots=True)
class PairsPlan:
    """Each photo of the first folder is a unit; its records are the pairs that it comes first in.

    Attributes:
        first: the photos.
        second: those that they are compared with; None: with each other.
        scorer: gives the scores.
        settings: those of the command line.
    """

    first: Photos
    second: Photos | None
    scorer: Scorer
    settings: BatchSettings

    def __post_init__(self) -> None:
        if self.second is None and len(self.first.names) == 1:
            raise ManifestError(
                f"{self.first.folder} holds one photo, so there is nothing to compare it with",
                remedy="add photos, or name a second folder",
            )

    @property
    def columns(self) -> tuple[str, ...]:
        """The names of two photos, and the result."""
        return pairs.COLUMNS

    @property
    def works(self) -> tuple[Work, ...]:
        """The encoding of a photo, alone."""
        return (self.settings.encode(Capability.COMPARE),)

    @property
    def steps(self) -> tuple[str, int]:
        """Photos, and how many there are."""
        return "photos", len(self.first.names) + (len(self.second.names) if self.second else 0)

    def photos(self, record: Mapping[str, Any]) -> list[tuple[str, Path]]:
        """The two photos of a pair."""
        folders = {"first": self.first.folder, "second": (self.second or self.first).folder}
        return [(column, folder / record[column]) for column, folder in folders.items()]

    def files(self) -> Iterator[Path]:
        """The photos of both folders."""
        for photos in filter(None, (self.first, self.second)):
            yield from (photos.folder / name for name in photos.names)

    def facts(self) -> Mapping[str, object]:
        """The photos, the work and the threshold."""
        return {
            "first": self.first.digest(),
            "second": self.second and self.second.digest(),
            "work": self.settings.encode(Capability.COMPARE).identity,
            "threshold": self.settings.threshold,
        }

    def records(self, queue: WorkQueue, slots: int, start: int, advance: Callable[[int], None]) -> Iterator[Records]:
        """The pairs of each photo with those before it, from the threshold on."""
        sides = [
            None if photos is None else (photos, pairs.encode_all(photos, self.settings, queue, slots, advance))
            for photos in (self.first, self.second)
        ]
        first, second = sides
        if first is not None:
            yield from pairs.pair_records(first, second, self.scorer, self.settings.threshold, start)


def _listed(columns: tuple[str, ...]) -> str:
    """Columns for a message, the first of many, in quotes: a stray separator shows."""
    shown = ", ".join(repr(column[:_SHOWN_CHARACTERS]) for column in columns[:_SHOWN_COLUMNS])
    return f"{shown} and {len(columns) - _SHOWN_COLUMNS} more" if len(columns) > _SHOWN_COLUMNS else shown
