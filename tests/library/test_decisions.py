"""The numbers of a result, and what they mean."""

from __future__ import annotations

import json
from dataclasses import asdict

import pytest

from senseid.decisions import Figures, Verdict, figures_of_body, figures_of_table


@pytest.mark.parametrize(
    ("body", "verdict"),
    [
        ({"code": 1000, "verification_score": 0.7}, Verdict.MATCH),
        ({"code": 1000, "verification_score": 0.6999}, Verdict.NO_MATCH),
        ({"code": 1000, "scores": [[0.1, 0.2], [0.9, 0.3]]}, Verdict.MATCH),
        ({"code": 1000, "passed": True, "liveness_score": 0.9}, Verdict.LIVE),
        ({"code": 1000, "passed": False, "liveness_score": 0.1}, Verdict.NOT_LIVE),
        ({"code": 1000, "passed": True, "liveness_score": 0.9, "verification_score": 0.2}, Verdict.NO_MATCH),
        ({"code": 1000, "faces": [{"integrity": 0.5}]}, None),
        ({"code": 4000, "message": "detection failed"}, None),
    ],
)
def test_verdicts(body: dict[str, object], verdict: Verdict | None) -> None:
    figures = figures_of_body(body)
    assert figures.verdict(0.7) == verdict
    assert figures_of_table(json.loads(json.dumps(asdict(figures)))) == figures


def test_the_best_of_many_faces_counts() -> None:
    assert figures_of_body({"scores": [[0.1, 0.4], [0.2, 0.3]]}) == Figures(score=0.4)
