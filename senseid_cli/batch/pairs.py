"""All photos of a folder against each other, or against those of another folder: only pairs over the threshold."""

from __future__ import annotations

import hashlib
import json
from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from senseid.batch_errors import ManifestError
from senseid.bodies import OK_CODE
from senseid_cli import paths
from senseid_cli.batch.rows import refused
from senseid_cli.batch.work import Medium, Refusal
from senseid_engine.errors import reason_of
from senseid_licensing.capability import Capability

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from senseid_cli.batch.jobs import BatchSettings
    from senseid_cli.batch.work_queue import WorkQueue
    from senseid_engine.batch.all_pairs import RowHits
    from senseid_engine.batch.scorer import Scorer
    from senseid_engine.template import Template

COLUMNS = ("first", "second", "code", "verification_score", "message", "problem")


@dataclass(frozen=True, slots=True)
class Photos:
    """The photos of a folder and of those in it.

    Attributes:
        folder: the folder.
        names: relative to it, sorted, `/` between the parts.
    """

    folder: Path
    names: tuple[str, ...]

    def digest(self) -> str:
        """The SHA-256 of the names, sizes and times of change of all photos, hex: a changed folder has another."""
        facts = []
        for name in self.names:
            status = (self.folder / name).stat()
            facts.append([name, status.st_size, status.st_mtime_ns])
        return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def list_media(folder: Path, medium: Medium = Medium.PHOTO) -> Photos:
    """The photos or videos of a folder, by their suffix, before that of encryption; what begins with a dot is left out.

    Raises:
        ManifestError: it cannot be read, or there is none.
    """
    from senseid_engine.media import PHOTO_SUFFIXES, VIDEO_SUFFIXES

    suffixes = PHOTO_SUFFIXES if medium == Medium.PHOTO else VIDEO_SUFFIXES
    try:
        names = sorted(
            path.relative_to(folder).as_posix() for path in paths.files_below(folder) if _suffix(path) in suffixes
        )
    except OSError as error:
        raise ManifestError(f"{folder} cannot be read: {reason_of(error)}", remedy="check its permissions") from error
    if not names:
        raise ManifestError(
            f"{folder} holds no {medium}", remedy=f"they are told by their suffix: {', '.join(sorted(suffixes))}"
        )
    return Photos(folder, tuple(names))


def _suffix(path: Path) -> str:
    from senseid_cli.crypt.file_jobs import SUFFIXES

    return (path.with_suffix("") if path.suffix in SUFFIXES.values() else path).suffix.lower()


def encode_all(
    photos: Photos, settings: BatchSettings, queue: WorkQueue, slots: int, advance: Callable[[int], None]
) -> list[Template | Refusal]:
    """The template of the largest face of each photo."""
    work = settings.encode(Capability.COMPARE)
    results: list[Template | Refusal] = []
    waiting: deque[Any] = deque()

    def take() -> None:
        outcome = waiting.popleft().result()
        results.append(outcome if isinstance(outcome, Refusal) else outcome.templates[0])
        advance(1)

    for name in photos.names:
        waiting.append(queue.ask(photos.folder / name, work))
        if len(waiting) > 4 * slots:
            take()
    while waiting:
        take()
    return results


def pair_records(
    first: tuple[Photos, Sequence[Template | Refusal]],
    second: tuple[Photos, Sequence[Template | Refusal]] | None,
    scorer: Scorer,
    threshold: float,
    start: int,
) -> Iterator[list[dict[str, Any]]]:
    """The records of each photo of the first folder, and then of all refused ones of the second.

    Args:
        first: photos and what became of them.
        second: likewise; None: each pair of the first once.
        scorer: gives the scores.
        threshold: the least score, in [0, 1], that is told.
        start: how many of these lists are left out.
    """
    import numpy as np

    from senseid_engine.batch.all_pairs import pairs_over

    numbers, templates = _usable(first[1])
    other_photos, other_outcomes = first if second is None else second
    other_numbers, other_templates = (numbers, templates) if second is None else _usable(other_outcomes)
    begin = sum(number < start for number in numbers)
    hits: Iterator[RowHits] = iter(())
    if templates and other_templates:
        # The curve reaches 0 and 1 nowhere but by rounding.
        least = -np.inf if threshold <= 0 else scorer.curve.similarity_at(min(threshold, np.nextafter(1, 0)))
        hits = pairs_over(templates, other_templates, least, triangle=second is None, start=begin)
    for number, (name, outcome) in enumerate(zip(first[0].names, first[1], strict=True)):
        if number < start:
            continue
        if isinstance(outcome, Refusal):
            yield [{"first": name, **refused(outcome)}]
            continue
        hit = next(hits, None)  # None: nothing of the other folder can be compared
        found = (
            []
            if hit is None
            else zip(hit.columns.tolist(), scorer.curve.scores(hit.similarities).tolist(), strict=True)
        )
        yield [
            {
                "first": name,
                "second": other_photos.names[other_numbers[column]],
                "code": OK_CODE,
                "verification_score": score,
            }
            for column, score in found
            if score >= threshold
        ]
    if second is not None and start <= len(first[1]):
        yield [
            {"second": name, **refused(outcome)}
            for name, outcome in zip(other_photos.names, other_outcomes, strict=True)
            if isinstance(outcome, Refusal)
        ]


def _usable(outcomes: Sequence[Template | Refusal]) -> tuple[list[int], list[Template]]:
    numbered = [(i, outcome) for i, outcome in enumerate(outcomes) if not isinstance(outcome, Refusal)]
    return [i for i, _ in numbered], [template for _, template in numbered]
