"""Output of `senseid quality` beside the body of the HTTP API: findings of a policy, lines for a pipe, tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from senseid import bodies
from senseid_engine.errors import printable

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from senseid.command_shapes import QualityDetails
    from senseid_engine.quality.policy import Failure, Measure, Policy
    from senseid_engine.quality.results import FaceQuality, QualityReport
    from senseid_engine.results import FoundFaces


@dataclass(frozen=True, slots=True)
class Judged:
    """One photo with its measures, or the reason why it has none.

    Attributes:
        name: the name of the photo.
        found: its faces; None if the photo is refused.
        faces: their quality, largest first.
        refusal: why it is refused, if it is.
        policy: the policy that it was checked against, if any.
        failures: the requirements that it fails.
    """

    name: str
    found: FoundFaces | None
    faces: tuple[FaceQuality, ...]
    refusal: Exception | None
    policy: Policy | None
    failures: tuple[Failure, ...]

    @classmethod
    def of(cls, name: str, report: QualityReport, policy: Policy | None) -> Judged:
        """A photo that was measured."""
        failures = () if policy is None else policy.judge(report.faces)
        return cls(name, report.found, report.faces, None, policy, failures)

    @classmethod
    def refused(cls, name: str, error: Exception, policy: Policy | None) -> Judged:
        """A photo that could not be measured."""
        return cls(name, None, (), error, policy, ())

    @property
    def passes(self) -> bool:
        """Whether it was measured and fails no requirement."""
        return bool(self.faces) and not self.failures

    @property
    def verdict(self) -> str:
        """`pass` or `fail` if there is a policy; else `measured` or `refused`."""
        if self.policy is None:
            return "measured" if self.faces else "refused"
        return "pass" if self.passes else "fail"

    @property
    def overall(self) -> str:
        """The overall quality of the largest face as text; empty if there is none."""
        return f"{self.faces[0].overall:.3f}" if self.faces else ""

    @property
    def reasons(self) -> list[str]:
        """The reasons for the verdict, one sentence each."""
        if self.refusal is not None:
            # Without the name, which is printed beside it.
            return [getattr(self.refusal, "problem", None) or str(self.refusal)]
        return [_reason(failure, several=len(self.faces) > 1) for failure in self.failures]


def value_text(measure: Measure, value: float) -> str:
    """A measured value: degrees and pixels with one decimal, shares with three."""
    return f"{value:.3f}" if measure.highest <= 1 else f"{value:.1f}"


def _reason(failure: Failure, *, several: bool) -> str:
    """One failure as a sentence, such as `face 2: sharpness 0.210, at least 0.4: hold still ...`."""
    face = f"face {failure.face}: " if failure.face and several else ""
    return f"{face}{failure.measure} {_failure_value(failure)}, {failure.limit}: {failure.advice}"


def _failure_value(failure: Failure) -> str:
    from senseid_engine.quality.policy import MEASURES

    for measure in MEASURES:
        if measure.name == failure.measure:
            return value_text(measure, failure.value)
    return f"{failure.value:g}"


def details(judged: Judged) -> QualityDetails:
    """The fields that `--details` and `--policy` add to the body."""
    added: QualityDetails = {"photo": judged.name}
    if judged.found is not None:
        added |= {
            "width": judged.found.width,
            "height": judged.found.height,
            "quarter_turns": judged.found.quarter_turns,
            "faces": [
                {"eyes_open": face.eyes_open, "eye_distance": face.eye_distance, "overall": face.overall}
                for face in judged.faces
            ],
        }
    if judged.policy is not None:
        added["policy"] = {
            "name": judged.policy.name,
            "pass": judged.passes,
            "failures": bodies.policy_failures(judged.failures),
        }
    return added


def photo_lines(judged: Judged) -> Iterator[str]:
    """One photo for a pipe: with a policy the verdict and reasons, else one line per measure and face."""
    from senseid_engine.quality.policy import MEASURES

    if judged.policy is not None:
        yield f"{judged.verdict}\t{printable(judged.policy.name)}"
        for failure in judged.failures:
            face = f"face {failure.face}" if failure.face else "photo"
            yield "\t".join([face, failure.measure, _failure_value(failure), failure.limit, failure.advice])
        return
    for number, face_quality in enumerate(judged.faces, 1):
        yield f"face {number}\trect\t{','.join(map(str, face_quality.rect.as_list()))}"
        for measure in MEASURES:
            yield f"face {number}\t{measure.name}\t{value_text(measure, measure.value(face_quality))}"


def folder_line(judged: Judged) -> str:
    """One photo of a folder for a pipe: verdict, name, number of faces, overall quality of the largest, reasons."""
    reasons = printable("; ".join(judged.reasons))
    fields = [judged.verdict, printable(judged.name), str(len(judged.faces)), judged.overall, reasons]
    return "\t".join(fields).rstrip("\t")


def photo_table_width(judged: Judged) -> int:
    """Columns that the table of one photo needs on a terminal."""
    return len("distance2center  ") + len("face 10  ") * len(judged.faces)


def photo_table(judged: Judged, *, details: bool) -> RenderableType:
    """One photo on a terminal: one row per measure, one column per face.

    With a policy the verdict and what to do go first, and the measures are left out unless there are to be `details`.
    """
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    from senseid_engine.quality.policy import MEASURES

    failed = {(failure.face, failure.measure) for failure in judged.failures}
    table = Table(box=None, padding=(0, 2, 0, 0))
    table.add_column("")
    for number in range(1, len(judged.faces) + 1):
        table.add_column(f"face {number}", justify="right", no_wrap=True)
    for measure in MEASURES:
        cells = (
            _cell(measure, face, failed=(number, measure.name) in failed) for number, face in enumerate(judged.faces, 1)
        )
        table.add_row(measure.name, *cells)
    if judged.policy is None:
        return table
    style = "bold green" if judged.passes else "bold red"
    verdict = Text.assemble((judged.verdict, style), f"  {printable(judged.policy.name)}")
    reasons = [Text(f"- {line}") for line in judged.reasons]
    return Group(verdict, *reasons, "", table) if details else Group(verdict, *reasons)


def _cell(measure: Measure, face: FaceQuality, *, failed: bool) -> RenderableType:
    from rich.text import Text

    return Text(value_text(measure, measure.value(face)), "red" if failed else "")


def folder_table(photos: list[Judged]) -> RenderableType:
    """A folder on a terminal: one row per photo."""
    from rich.table import Table
    from rich.text import Text

    table = Table("", "photo", "faces", "overall", "reasons", box=None, padding=(0, 2, 0, 0))
    for judged in photos:
        table.add_row(
            Text(judged.verdict, "green" if judged.passes else "red"),
            Text(printable(judged.name)),
            str(len(judged.faces)),
            judged.overall,
            Text(printable("; ".join(judged.reasons))),
        )
    return table
