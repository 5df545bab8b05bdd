"""The six pictures beside committed ones, `golden/*.png`; what each must show stands in the docstring of its test."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from senseid_cli.output.drawing.liveness import draw_liveness
from senseid_cli.output.drawing.omni import draw_omni
from senseid_cli.output.drawing.palette import BAD, GOOD
from senseid_cli.output.drawing.quality import ACROSS, AHEAD, UPWARDS, draw_quality
from senseid_cli.output.quality import Judged
from senseid_engine.faces import Face
from senseid_engine.liveness.results import Evidence, FrameScore, LivenessResult, SelectedFrame, Status
from senseid_engine.quality.occlusion import Occlusion
from senseid_engine.quality.policy import Policy
from senseid_engine.quality.pose import Pose
from senseid_engine.quality.results import QualityReport
from senseid_engine.results import FoundFaces, OmniComparison
from tests.drawn_faces import drawn_photo
from tests.golden import check_golden
from tests.made_up import GOOD_FACE

if TYPE_CHECKING:
    from senseid_engine.image import Image

GOLDEN = Path(__file__).with_name("golden")


def colours(png: bytes) -> set[tuple[int, int, int]]:
    with Pillow.open(io.BytesIO(png)) as picture:
        found = picture.convert("RGB").getcolors(picture.width * picture.height)
    return {colour for _, colour in found}


def quality_of(*, mask: bool, size: tuple[int, int], face: tuple[float, float, float, float]) -> QualityReport:
    image, rects, landmarks = drawn_photo(size, [face], name="drawn.png", mask=mask)
    good = replace(GOOD_FACE, rect=rects[0], pose=Pose(face[3], 4.0, 0.0), eye_distance=face[2] * 0.43)
    covered = replace(good, occlusion=Occlusion(0.99, 0.98, 0.1, 0.05), visible=0.4, overall=0.06)
    return QualityReport(
        found=FoundFaces(image.name, *size, 0, rects),
        faces=(covered if mask else good,),
        image=image,
        landmarks=landmarks,
    )


def found_on(size: tuple[int, int], *faces: tuple[float, float, float, float], name: str) -> tuple[Image, FoundFaces]:
    image, rects, _ = drawn_photo(size, list(faces), name=name)
    return image, FoundFaces(name, *size, 0, rects)


def liveness_of(*, passed: bool) -> LivenessResult:
    size = (320, 240)
    image, rects, landmarks = drawn_photo(size, [(160, 120, 110, 6)], name="clip.mp4")
    box = np.array(rects[0].as_list(), np.float32)
    face = Face(rects[0], box, 1e4, 0.99, landmarks[0], landmarks[0].five)
    frames = tuple(FrameScore(0.3 * i, (0.8 if passed else 0.3) + 0.08 * (i % 3)) for i in range(11))
    living = (
        Evidence("stills", 0.93, 2.6),
        Evidence("non_rigid", 0.021, 2.0),
        Evidence("texture_change", 0.11, 0.0),
        Evidence("recurrence_distance", 0.99, -0.1),
    )
    attack = (
        Evidence("stills", 0.38, -1.2),
        Evidence("non_rigid", 0.0012, -8.0),
        Evidence("texture_change", 0.02, -8.0),
        Evidence("recurrence_distance", 1.3, 0.0),
    )
    return LivenessResult(
        name="clip.mp4",
        passed=passed,
        score=0.9612 if passed else 0.0003,
        status=Status.OK if passed else Status.HACK,
        selected=(SelectedFrame(1.2, 0.8, image, face),),
        frames=frames,
        evidence=living if passed else attack,
        threshold=0.5,
        stills_needed=0.41 if passed else None,
        face_seconds=3.0,
        looked_at=31,
        other_faces=0,
        width=size[0],
        height=size[1],
    )


def test_quality_of_a_good_face() -> None:
    """A large face looks to the left: box, landmarks, region in blue, eyes, nose and mouth in green.

    Three arrows from the nose: where it looks (orange, to the left), right (purple), up (teal). To the right `pass`,
    all measures, and the legend of what is drawn: no entry for what is covered.
    """
    report = quality_of(mask=False, size=(480, 420), face=(240, 200, 260, 18))
    png = draw_quality(report, Judged.of("drawn.png", report, Policy.built_in("verify")))
    assert {GOOD, AHEAD, ACROSS, UPWARDS} <= colours(png)
    assert BAD not in colours(png)
    check_golden(png, GOLDEN / "quality-pass.png")


def test_quality_of_a_small_covered_face() -> None:
    """A small masked face in a wide photo: nose and mouth are filled red, `fail: enrol` with its reasons.

    The legend has an entry for what is covered. Under the photo the face stands once more, enlarged.
    """
    report = quality_of(mask=True, size=(1200, 800), face=(420, 360, 190, -12))
    png = draw_quality(report, Judged.of("drawn.png", report, Policy.built_in("enrol")))
    assert BAD in colours(png)
    check_golden(png, GOLDEN / "quality-fail.png")


def test_omni_of_one_face_each() -> None:
    """Both photos side by side, A1 and B1 in green boxes; below them, over the whole width, no matrix but one scale.

    It says `match 0.9312`, has the threshold of 0.7 marked, and the side of matches in pale green.
    """
    (a, in_a), (b, in_b) = (
        found_on((320, 320), (160, 150, 170, 10), name="first.png"),
        found_on((260, 320), (130, 150, 150, -8), name="second.png"),
    )
    png = draw_omni(a, b, OmniComparison(((0.9312,),), in_a, in_b), 0.7)
    check_golden(png, GOLDEN / "omni-one.png")


def test_omni_of_several_faces() -> None:
    """Two faces against three: the matrix with the faces at its heads, the match in green, the best pairs beside it."""
    (a, in_a), (b, in_b) = (
        found_on((360, 240), (100, 100, 100, 8), (260, 110, 90, -8), name="first.png"),
        found_on((480, 240), (90, 100, 100, 0), (240, 110, 92, 12), (390, 110, 84, -12), name="second.png"),
    )
    scores = ((0.9312, 0.3127, 0.4421), (0.3011, 0.3555, 0.3308))
    png = draw_omni(a, b, OmniComparison(scores, in_a, in_b), 0.7)
    check_golden(png, GOLDEN / "omni-several.png")


def test_liveness_of_a_living_person() -> None:
    """`live` in large green letters, what `ok` means, the score beyond its threshold.

    The selected frame with a green box, what spoke for a living person in words, the strongest first, with green bars;
    green dots for the frames, over the line that they must reach together.
    """
    png = draw_liveness(liveness_of(passed=True))
    check_golden(png, GOLDEN / "liveness-live.png")


def test_liveness_of_an_attack() -> None:
    """`not live` in red, a red box, `the face moves like a flat picture` first with a red bar to the left.

    Red dots, and that no frames could make it pass.
    """
    png = draw_liveness(liveness_of(passed=False))
    check_golden(png, GOLDEN / "liveness-attack.png")
