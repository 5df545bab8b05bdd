"""Five reports of made-up results and drawn faces, with hostile names among them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from senseid_cli.batch.summary import summarise
from senseid_cli.output.html import batch, calibration, quality
from senseid_cli.output.html.document import Faces, small_face
from senseid_cli.output.quality import Judged
from senseid_engine.calibration.encode import Unusable
from senseid_engine.calibration.provenance import HeldOut, Interval, ModelFile, Provenance, Rate, RateRow
from senseid_engine.calibration.run import CalibrationResult
from senseid_engine.calibration.verification import Point
from senseid_engine.curve import ScoreCurve
from senseid_engine.errors import ImageTypeError, NoFaceError
from senseid_engine.quality.occlusion import Occlusion
from senseid_engine.quality.policy import Policy
from senseid_engine.quality.results import QualityReport
from senseid_engine.results import FoundFaces
from tests.drawn_faces import drawn_photo
from tests.made_up import GOOD_FACE

if TYPE_CHECKING:
    from senseid_cli.batch.summary import Example

EVIL = "<script>document.title='ran'</script><img src=x onerror=\"document.title='ran'\">"
GROUPS = ("north", "south", "east", f"west {EVIL}")


def rows(count: int, *, apart: bool) -> list[dict[str, Any]]:
    """Rows of a batch: 30 % show the same person; of the south many are refused, and many of its scores are low."""
    rng = np.random.default_rng(1)
    found: list[dict[str, Any]] = []
    for number in range(1, count + 1):
        group, same = GROUPS[rng.integers(4)], bool(rng.random() < 0.3)
        record = {"row": number, "first": f"{group[0]}{number}.jpg", "second": "b.jpg", "same": same, "group": group}
        score = rng.normal(0.82 if group == "south" else 0.93, 0.08) if same else 0.3 - 0.1 * np.log10(rng.random())
        score = float(np.clip(score, 0.72 if same and apart else 0, 0.999 if same or not apart else 0.6))
        if rng.random() < (0.08 if group == "south" else 0.01):
            record |= {"code": 4000, "message": "detection failed", "problem": "first: no face is found"}
        else:
            record |= {"code": 1000, "verification_score": score, "match": score >= 0.7}
        found.append(record)
    return found


def batch_page(records: list[dict[str, Any]]) -> str:
    """The page of a batch, with drawn faces for its pairs."""
    image, rects, _ = drawn_photo((240, 300), [(120, 140, 150, 10)])
    faces = Faces(plain=False)

    def pictures(example: Example) -> list[bytes]:
        return [faces.show(lambda: small_face(image.pixels, rects), encrypted=False) for _ in range(2)]

    return batch.page("Batch of pairs.csv", summarise(records, 0.7), pictures, faces)


def refused_page() -> str:
    """The page of a batch in which nothing has a score."""
    problem = f"first: {EVIL} cannot be read"
    return batch_page(
        [
            {
                "row": i,
                "first": f"{EVIL}{i}.jpg",
                "code": 1200 + 805 * (i % 2),
                "message": "refused",
                "problem": problem,
            }
            for i in range(1, 13)
        ]
    )


def quality_page() -> str:
    """The page of twelve photos in two folders: good ones, covered ones, one without a face, one that is none."""
    policy, faces = Policy.built_in("enrol"), Faces(plain=False)
    photos: list[tuple[Judged, bytes]] = []
    for number in range(10):
        mask = number % 3 == 0
        image, rects, landmarks = drawn_photo((240, 300), [(120, 140, 150, 4.0 * number - 18)], mask=mask)
        name = f"{'door' if mask else 'desk'}/{number}.jpg"
        face = replace(GOOD_FACE, rect=rects[0], overall=0.9 - 0.08 * number)
        if mask:
            face = replace(face, occlusion=Occlusion(0.99, 0.98, 0.1, 0.05), overall=0.04)
        found = FoundFaces(name, 240, 300, 0, rects)
        report = QualityReport(found=found, faces=(face,), image=image, landmarks=landmarks)
        judged = Judged.of(name, report, policy)
        photos.append((judged, faces.show(lambda r=report, j=judged: quality.thumbnail(r, j), encrypted=False)))
    for name, error in (
        (f"door/{EVIL}.jpg", NoFaceError("x", "no face is found")),
        ("door/cut.jpg", ImageTypeError("x", "is corrupted or cut off")),
    ):
        photos.append((Judged.refused(name, error, policy), b""))
    return quality.page("Quality of album", photos, faces)


def calibration_page() -> str:
    """The page of a calibration on 400 people."""
    genuine, impostor = 1_200, 310_000

    def rate(events: int, pairs: int, spread: float) -> Rate:
        share = events / pairs
        high = share * spread if events else 3 / 400
        return Rate(events, pairs, Interval(share, share), Interval(share / spread, high))

    scores = (0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
    rates = tuple(
        RateRow(
            score,
            rate(round(impostor * 10 ** ((0.3 - score) * 10) * 1.1), impostor, 1.6),
            rate(round(6 + 40 * (score - 0.4)), genuine, 1.5),
            HeldOut(1.1 * 10 ** ((0.3 - score) * 10), 10 ** ((0.25 - score) * 10), 10 ** ((0.35 - score) * 10))
            if score < 0.9
            else HeldOut(0.0, 0.0, 0.0),
        )
        for score in scores
    )
    provenance = Provenance(
        set_name=f"staff {EVIL}", made="2026-11-28", photos=1_600, photos_without_face=2, photos_refused=1, people=400,
        genuine_pairs=genuine, impostor_pairs=impostor, seed=0, model=ModelFile("sface", "0" * 64), rates=rates,
        note="Doors of June",
    )  # fmt: skip
    levels = np.linspace(0, 5.5, 120)
    det = tuple(
        Point(0.1 * level, float(1.1 * 10**-level), float(0.005 + 0.0033 * (level - 1))) for level in levels[1:]
    )
    result = CalibrationResult(
        curve=ScoreCurve(((0.1, 0.0), (0.5, 4.5)), 10.0, 0.7491, provenance),
        at_fmr=((1e-2, Point(0.3, 1e-2, 0.004)), (1e-3, Point(0.38, 1e-3, 0.008))),
        equal_error_rate=0.0061,
        accuracy=None,
        det=(*det, Point(0.6, 0.0, 0.022)),
        unusable=(
            Unusable(1, "anna/dark.png", True, "no face is found"),
            Unusable(2, f"bo/{EVIL}.png", True, "no face is found"),
            Unusable(3, "bo/cut.png", False, "is corrupted or cut off"),
        ),
    )
    return calibration.page(result)


PAGES = {
    "batch": lambda: batch_page(rows(1500, apart=False)),
    "batch-apart": lambda: batch_page(rows(1500, apart=True)),
    "batch-refused": refused_page,
    "quality": quality_page,
    "calibration": calibration_page,
}
