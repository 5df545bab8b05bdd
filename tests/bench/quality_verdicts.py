"""`python -m tests.bench.quality_verdicts [--json FILE]`: verdicts on closed eyes, in a mirror, and on blurred photos.

Closed eyes: photos that were found by another network than the one that is judged, and looked at. None of them was
learned from, though of 10 of the people other photos were. Then how many portraits `eyes_open` fails: those of a
congress, which it was learned from, and photos of Black adults, which it was not; most have open eyes. Then how many
portraits of that congress, smiling ones among them, `enrol` refuses for more than pose, size and sharpness. Then
whether `enrol` and `verify` say the same of a photo and of its mirror image. Then how many large portraits of half of
the singers and athletes `enrol` finds sharp: as they are, a little soft, enlarged from 30 %, and shaken. The measure
was chosen with both halves in view; the same of photos of people of India, which nothing was fitted to, is told in the
notes, with the names of those that fail.

Promises of issue 17: none of 20 photos with closed eyes passes, at most 3 % of good portraits fail, 97 % agree; of
photos that were enlarged or shaken at most a tenth passes.
"""

from __future__ import annotations

import sys
import tarfile
import zlib
from dataclasses import replace
from typing import TYPE_CHECKING

import cv2
import numpy as np

from senseid_engine.errors import NoFaceError
from senseid_engine.image import decode_image
from senseid_engine.quality.policy import Policy
from tests.archives import content
from tests.bench.report import Report, UnavailableError, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import open_quality
from tests.worse_photos import enlarged, shaken

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_engine.arrays import Pixels
    from senseid_engine.image import Image
    from senseid_engine.quality.checker import QualityChecker
    from senseid_engine.quality.results import FaceQuality

NAME = "quality_verdicts"
PORTRAITS = 120
MOST_FAIL = 0.03
LEAST_AGREE = 0.97
MOST_BLURRED_PASS = 0.1
ENLARGED_FROM = 0.3
SHAKEN_BY = (7, 10, 15)
SOFT = 0.7
"""Standard deviation of the blur of a studio's lens, pixels."""
LARGE = 60.0
"""Distance of the eyes from which on a portrait is large enough for `enrol`, pixels."""
TURNED = {"yaw", "pitch", "roll"}
SMALL = {"eye_distance", "size", "sharpness"}
"""What the portraits of a congress fall short of, which have half the pixels that `enrol` asks for."""
AS_THEY_ARE = "as they are"
CLOSED = (
    "lfw/Rubens_Barrichello/Rubens_Barrichello_0012.jpg",
    "lfw/Kevin_Tarrant/Kevin_Tarrant_0001.jpg",
    "lfw/Laura_Flessel/Laura_Flessel_0001.jpg",
    "lfw/Anna_Jones/Anna_Jones_0001.jpg",
    "lfw/Park_Jung_Sung/Park_Jung_Sung_0001.jpg",
    "lfw/Kim_Dae-jung/Kim_Dae-jung_0002.jpg",
    "lfw/Manuel_Pellegrini/Manuel_Pellegrini_0001.jpg",
    "faces-groups/utk/child_f_5_1_2_20161219160435701/child_f_5_1_2_20161219160435701.jpg",
    "lfw/Vince_Gill/Vince_Gill_0002.jpg",
    "lfw/Denise_Johnson/Denise_Johnson_0002.jpg",
    "lfw/Bruce_Springsteen/Bruce_Springsteen_0001.jpg",
    "lfw/Raghad_Saddam_Hussein/Raghad_Saddam_Hussein_0002.jpg",
    "lfw/Michelle_Branch/Michelle_Branch_0001.jpg",
    "lfw/Jennifer_Pena/Jennifer_Pena_0001.jpg",
    "lfw/Martina_McBride/Martina_McBride_0002.jpg",
    "faces-groups/utk/black_f_26_1_1_20170113011621775/black_f_26_1_1_20170113011621775.jpg",
    "lfw/Hideki_Sato/Hideki_Sato_0001.jpg",
    "lfw/Barbara_Brezigar/Barbara_Brezigar_0001.jpg",
    "lfw/Masamori_Tokuyama/Masamori_Tokuyama_0001.jpg",
    "lfw/Salman_Khan/Salman_Khan_0001.jpg",
    "lfw/Jonathan_Horton/Jonathan_Horton_0001.jpg",
    "lfw/Charles_Bronson/Charles_Bronson_0002.jpg",
)
"""Seen to have both eyes closed."""


def _photos(
    archive: str, names: list[str] | None = None, *, within: str = "", most: int | None = PORTRAITS
) -> Iterator[Image]:
    """Some photos of an archive: those named, or so many spread over those of a folder, None for all.

    Raises:
        UnavailableError: the archive is not there.
    """
    path = test_data() / archive
    if not path.is_file():
        raise UnavailableError(f"no {path}")
    with tarfile.open(path) as tar:
        if names is None:
            every = sorted(name for name in tar.getnames() if within in name and name.endswith(".jpg"))
            names = every[:: max(1, len(every) // most)][:most] if most else every
        for name in names:
            yield decode_image(content(tar, name), name=name)


def _pressed(image: Image, pixels: Pixels, quality: int) -> Image:
    """The photo with other pixels, as a JPEG photo shows them."""
    _, data = cv2.imencode(".jpg", pixels[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])
    return replace(image, pixels=np.ascontiguousarray(cv2.imdecode(data, cv2.IMREAD_COLOR)[:, :, ::-1]))


def _blurred(image: Image, rng: np.random.Generator) -> Iterator[tuple[str, Image]]:
    """The photo made worse, by the name of how."""
    pixels = image.pixels
    yield "a little soft", _pressed(image, np.asarray(cv2.GaussianBlur(pixels, (0, 0), SOFT), np.uint8), 92)
    for how in (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4):
        yield "enlarged", _pressed(image, enlarged(pixels, ENLARGED_FROM, how), int(rng.integers(75, 96)))
    for length in SHAKEN_BY:
        moved = shaken(pixels, length, rng.uniform(0, np.pi))
        yield f"shaken by {length} pixels", _pressed(image, moved, int(rng.integers(75, 96)))


def _singers_and_athletes() -> Iterator[Image]:
    """Photos of one half of them."""
    for folder in ("/singers/", "/sport/"):
        for image in _photos("faces-groups.tar", within=folder, most=None):
            if zlib.crc32(image.name.split("/")[-2].encode()) % 2:
                yield image


def _sharp(checker: QualityChecker, policy: Policy, images: Iterator[Image]) -> tuple[dict[str, list[bool]], list[str]]:
    """Whether large portraits are sharp enough, by what was done to them; and the names of those that never were."""
    sharp: dict[str, list[bool]] = {}
    failing = []
    rng = np.random.default_rng(0)
    for image in images:
        faces = _faces(checker, image)
        others = {failure.measure for failure in policy.judge(faces)} - {"sharpness", "mouth_open", "overall"}
        if not faces or others or faces[0].eye_distance < LARGE:
            continue
        for name, changed in ((AS_THEY_ARE, image), *_blurred(image, rng)):
            found = _faces(checker, changed)
            if found:
                fails = "sharpness" in {failure.measure for failure in policy.judge(found)}
                sharp.setdefault(name, []).append(not fails)
                if fails and name == AS_THEY_ARE:
                    failing.append(image.name)
    return sharp, failing


def _faces(checker: QualityChecker, image: Image) -> tuple[FaceQuality, ...]:
    """The quality of the faces, none where there is none."""
    try:
        return checker.check(image).faces
    except NoFaceError:
        return ()


def measure() -> Report:
    """Measure all."""
    checker = open_quality(threads=1)
    policies = [Policy.built_in("enrol"), Policy.built_in("verify")]
    shut = {
        archive: [name for name in CLOSED if name.startswith(folder)]
        for archive, folder in (("lfw-pairs.tar", "lfw/"), ("faces-groups.tar", "faces-groups/"))
    }
    closed = [
        checker.check(image).faces[0].eyes_open for archive, names in shut.items() for image in _photos(archive, names)
    ]
    least = next(limit.least for limit in policies[0].limits if limit.measure.name == "eyes_open")
    failed: list[float] = []
    agree: list[bool] = []
    overall: list[float] = []
    for folder in ("/congress/", "/utk/black"):
        for image in _photos("faces-groups.tar", within=folder):
            mirror = replace(image, pixels=np.ascontiguousarray(image.pixels[:, ::-1]))
            there, here = _faces(checker, mirror), _faces(checker, image)
            if not there or not here:
                continue
            failed.append(here[0].eyes_open)
            overall.append(abs(here[0].overall - there[0].overall))
            agree += [bool(policy.judge(here)) == bool(policy.judge(there)) for policy in policies]
    refused = [
        bool(short_of - SMALL)
        for image in _photos("faces-groups.tar", within="/congress/", most=None)
        if (faces := _faces(checker, image)) and faces[0].eye_distance >= LARGE / 2
        if not (short_of := {failure.measure for failure in policies[0].judge(faces)}) & TURNED
    ]
    sharp, _ = _sharp(checker, policies[0], _singers_and_athletes())
    passed = {name: float(np.mean(values)) for name, values in sharp.items()}
    whole = (AS_THEY_ARE, "a little soft")
    unseen, failing = _sharp(checker, policies[0], _photos("faces-southasia.tar", most=None))
    return Report(
        title="verdicts on closed eyes, on portraits, on mirror images, and on blurred photos",
        counts=f"{len(closed)} photos with closed eyes, {len(failed)} and {len(refused)} portraits,"
        f" {len(sharp[whole[0]])} large ones",
        rows=(),
        promises=(
            at_least("photos with closed eyes", len(closed), 20),
            at_most("photos with closed eyes that `eyes_open` passes", sum(eye >= least for eye in closed), 0),
            at_most(
                "share of portraits that `eyes_open` fails", float(np.mean([eye < least for eye in failed])), MOST_FAIL
            ),
            at_most(
                "share of portraits with half the pixels, heads ahead, that `enrol` refuses for something else",
                float(np.mean(refused)),
                MOST_FAIL,
            ),
            at_least("share of verdicts that agree with those of the mirror image", float(np.mean(agree)), LEAST_AGREE),
            *(
                at_most(f"share of large portraits, {name}, that are not sharp", 1 - passed[name], MOST_FAIL)
                for name in whole
            ),
            *(
                at_most(f"share of large portraits, {name}, that are sharp", share, MOST_BLURRED_PASS)
                for name, share in passed.items()
                if name not in whole
            ),
        ),
        notes=(
            "eyes_open of closed eyes: " + " ".join(f"{eye:.2f}" for eye in sorted(closed)),
            "eyes_open of portraits: 1 % below {:.3f}, 3 % below {:.3f}".format(*np.percentile(failed, (1, 3))),
            f"overall in the mirror: half differ by {np.median(overall):.3f}, the most by {max(overall):.3f}",
            *(f"people of India, {name}: {sum(values)} of {len(values)} are sharp" for name, values in unseen.items()),
            "people of India, as they are, not sharp: " + " ".join(failing),
        ),
    )


def main() -> int:
    """Run the benchmark."""
    words = parser_of(NAME, "The verdicts of the policies on closed eyes, mirror images and blur.").parse_args()
    return run(NAME, measure, words.json)


if __name__ == "__main__":
    sys.exit(main())
