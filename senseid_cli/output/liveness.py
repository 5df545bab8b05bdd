"""Output of `senseid liveness` and `senseid verify` beside the bodies of the HTTP API: lines for a pipe, tables."""

from __future__ import annotations

from typing import TYPE_CHECKING

from senseid import bodies
from senseid_cli.output.comparison import odds, score_text, verdict
from senseid_engine.errors import printable
from senseid_engine.liveness.results import OUT_OF_REACH

if TYPE_CHECKING:
    from rich.console import RenderableType
    from rich.table import Table

    from senseid.command_shapes import LivenessDetails
    from senseid_engine.liveness.capture import Capture
    from senseid_engine.liveness.results import CaptureVerification, LivenessResult, PhotoLiveness, VideoVerification

MEANINGS = {
    "ok": "a living person",
    "hack": "an attack with a picture, a screen or a recording",
    "short_time": "the face is seen for less than two seconds, or in fewer than six frames a second",
}
"""The meaning of each status."""


def live_text(result: LivenessResult | PhotoLiveness) -> str:
    """`live` or `not live`."""
    return "live" if result.passed else "not live"


def details(result: LivenessResult) -> LivenessDetails:
    """The fields that `--explain` adds to the body."""
    return {
        "threshold": result.threshold,
        "face_seconds": result.face_seconds,
        "frames_looked_at": result.looked_at,
        "other_faces": result.other_faces,
        "image_timestamp": result.best.timestamp,
        "quality": result.best.quality,
        "face_rect": result.best.face.rect.as_list(),
        "frames": bodies.frame_scores(result),
        "evidence": bodies.liveness_evidence(result),
        "stills_needed": result.stills_needed,
        "out_of_reach": OUT_OF_REACH,
    }


def lines(result: LivenessResult, *, explain: bool) -> list[str]:
    """`live<TAB>0.9731<TAB>ok`, and to explain it one line per piece of evidence, the decisive one first."""
    found = [live_line(result)]
    if explain:
        found += [f"{label}\t{text}" for label, text in _facts(result)]
        found += ["\t".join(["evidence", *cells]) for cells in _evidence(result)]
        found.append(f"out of reach\t{OUT_OF_REACH}")
    return found


def table(result: LivenessResult, *, explain: bool) -> RenderableType:
    """The verdict and its meaning, and to explain it the evidence, the decisive piece first."""
    from rich.console import Group
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    _add_liveness(facts, result)
    if not explain:
        return facts
    for label, text in _facts(result):
        facts.add_row(label, Text(text))
    rows = Table("evidence", "value", "for living", box=None, padding=(0, 2, 0, 0))
    for cells in _evidence(result):
        rows.add_row(*map(Text, cells))
    return Group(facts, "", rows, "", Text(f"out of reach: {OUT_OF_REACH}"))


def live_line(result: LivenessResult | PhotoLiveness) -> str:
    """`live<TAB>0.9731<TAB>ok`."""
    return "\t".join([live_text(result), score_text(result.score), str(result.status)])


def photo_table(result: PhotoLiveness) -> RenderableType:
    """The verdict, its meaning and which face was checked."""
    from rich.table import Table

    facts = Table.grid(padding=(0, 2))
    _add_liveness(facts, result)
    box = ",".join(map(str, result.found.rects[0].as_list()))
    facts.add_row("face", f"1 of {len(result.found.rects)}, at {box}")
    return facts


def _add_liveness(facts: Table, result: LivenessResult | PhotoLiveness) -> None:
    """Add the verdict of the liveness check, and its meaning."""
    from rich.text import Text

    style = "bold green" if result.passed else "bold red"
    facts.add_row(Text(live_text(result), style), f"{score_text(result.score)} (threshold {result.threshold})")
    facts.add_row("status", Text(f"{result.status}: {MEANINGS[result.status]}"))


def _facts(result: LivenessResult) -> list[tuple[str, str]]:
    best = result.best
    box = ",".join(map(str, best.face.rect.as_list()))
    others = f", {result.other_faces} other face{'s' * (result.other_faces != 1)}" if result.other_faces else ""
    return [
        ("face", f"seen for {result.face_seconds:.1f} s, in {result.looked_at} frames looked at{others}"),
        ("selected", f"{best.timestamp:.2f} s, quality {best.quality:.3f}, face at {box}"),
    ]


def _evidence(result: LivenessResult) -> list[list[str]]:
    return [[piece.name, f"{piece.value:.4g}", f"{piece.weight:+.2f}"] for piece in result.ranked_evidence]


def verify_lines(result: VideoVerification, threshold: float) -> list[str]:
    """`match<TAB>0.9312<TAB>live<TAB>0.9731<TAB>ok`; without a score if the person is not living."""
    if result.score is None:
        return ["\t".join(["no match", "-", live_line(result.liveness)])]
    return ["\t".join([verdict(result.score, threshold), score_text(result.score), live_line(result.liveness)])]


def verify_table(result: VideoVerification, threshold: float) -> RenderableType:
    """Both verdicts and the threshold."""
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    if result.score is None:
        facts.add_row(Text("no match", "bold red"), "the person is not living, so nothing is compared")
    else:
        style = "bold green" if result.score >= threshold else ""
        facts.add_row(Text(verdict(result.score, threshold), style), score_text(result.score))
        facts.add_row("threshold", f"{threshold} (reached by {odds(threshold)} strangers)")
    _add_liveness(facts, result.liveness)
    return facts


def capture_lines(result: CaptureVerification, capture: Capture, threshold: float) -> list[str]:
    """`match<TAB>0.9312<TAB>captured<TAB>2026-11-24T14:05:00Z`."""
    when = f"{capture.checked_at:%Y-%m-%dT%H:%M:%SZ}"
    return ["\t".join([verdict(result.score, threshold), score_text(result.score), "captured", when])]


def capture_table(result: CaptureVerification, capture: Capture, threshold: float) -> RenderableType:
    """The verdict, the threshold, and the facts in the liveness data."""
    from rich.table import Table
    from rich.text import Text

    facts = Table.grid(padding=(0, 2))
    style = "bold green" if result.score >= threshold else ""
    facts.add_row(Text(verdict(result.score, threshold), style), score_text(result.score))
    facts.add_row("threshold", f"{threshold} (reached by {odds(threshold)} strangers)")
    device = printable(f"{capture.device.software}, {capture.device.system} {capture.device.machine}")
    facts.add_row("captured", Text(f"{capture.checked_at:%Y-%m-%d %H:%M UTC} by {device}"))
    facts.add_row("live", f"{score_text(capture.score)}, by the word of whoever sealed the data")
    return facts
