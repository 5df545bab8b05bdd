"""The numbers of a result for metrics and the decision log, which hold no picture and no name."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class Verdict(StrEnum):
    """The meaning of a result under a threshold."""

    MATCH = "match"
    NO_MATCH = "no_match"
    LIVE = "live"
    NOT_LIVE = "not_live"


@dataclass(frozen=True, slots=True)
class Figures:
    """The numbers of one result.

    Attributes:
        score: the verification score, in [0, 1]; of many faces the highest. None if nothing was compared.
        liveness_score: in [0, 1]; None if no liveness check was made.
        passed: whether the liveness check was passed; None if none was made.
        integrity: the share of eyes, nose and mouth inside the photo, of each face that was measured, in [0, 1].
    """

    score: float | None = None
    liveness_score: float | None = None
    passed: bool | None = None
    integrity: tuple[float, ...] = ()

    def verdict(self, threshold: float) -> Verdict | None:
        """The meaning of the result; None if it compares nobody and checks no liveness."""
        if self.passed is False:
            return Verdict.NOT_LIVE
        if self.score is not None:
            return Verdict.MATCH if self.score >= threshold else Verdict.NO_MATCH
        return Verdict.LIVE if self.passed else None

    def facts(self, threshold: float | None) -> dict[str, Any]:
        """The fields of the result for the decision log: only what there is."""
        verdict = self.verdict(1.0 if threshold is None else threshold)
        facts = {
            "decision": None if verdict is None else str(verdict),
            "score": self.score,
            "threshold": None if self.score is None else threshold,
            "liveness_score": self.liveness_score,
            "integrity": list(self.integrity) or None,
        }
        return {name: value for name, value in facts.items() if value is not None}


def figures_of_table(table: Mapping[str, Any]) -> Figures:
    """The figures that `dataclasses.asdict` made a table of, and JSON brought here."""
    return Figures(table["score"], table["liveness_score"], table["passed"], tuple(table["integrity"]))


def figures_of_body(body: Mapping[str, Any]) -> Figures:
    """The figures of a response body.

    Raises:
        (KeyError, TypeError, ValueError): it is none of this release.
    """
    score = body.get("verification_score")
    if "scores" in body:
        score = max(max(row) for row in body["scores"])
    return Figures(
        None if score is None else float(score),
        float(body["liveness_score"]) if "liveness_score" in body else None,
        bool(body["passed"]) if "passed" in body else None,
        tuple(float(face["integrity"]) for face in body.get("faces", ())),
    )
