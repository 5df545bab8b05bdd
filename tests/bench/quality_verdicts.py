"""`python -m tests.bench.quality_verdicts [--json FILE]`: verdicts on closed eyes, and in a mirror.

Closed eyes: photos that were found by another network than the one that is judged, and looked at. None of them was
learned from, though of 10 of the people other photos were. Then how many portraits `eyes_open` fails: those of a
congress, which it was learned from, and photos of Black adults, which it was not; most have open eyes. Then whether
`enrol` and `verify` say the same of a photo and of its mirror image.

Promises of issue 17: none of 20 photos with closed eyes passes, at most 3 % of good portraits fail, 97 % agree.
"""

from __future__ import annotations

import sys
import tarfile
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from senseid_engine.errors import NoFaceError
from senseid_engine.image import decode_image
from senseid_engine.quality.policy import Policy
from tests.bench.report import Report, UnavailableError, at_least, at_most, parser_of, run, test_data
from tests.bench.surroundings import open_quality

if TYPE_CHECKING:
    from collections.abc import Iterator

    from senseid_engine.image import Image

NAME = "quality_verdicts"
PORTRAITS = 120
MOST_FAIL = 0.03
LEAST_AGREE = 0.97
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


def _photos(archive: str, names: list[str] | None = None, *, within: str = "") -> Iterator[Image]:
    """Some photos of an archive: those named, or `PORTRAITS` spread over those of a folder.

    Raises:
        UnavailableError: the archive is not there.
    """
    path = test_data() / archive
    if not path.is_file():
        raise UnavailableError(f"no {path}")
    with tarfile.open(path) as tar:
        if names is None:
            every = sorted(name for name in tar.getnames() if within in name and name.endswith(".jpg"))
            names = every[:: max(1, len(every) // PORTRAITS)][:PORTRAITS]
        for name in names:
            file = tar.extractfile(name)
            if file is not None:
                yield decode_image(file.read(), name=name)


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
            try:
                there, here = checker.check(mirror).faces, checker.check(image).faces
            except NoFaceError:
                continue
            failed.append(here[0].eyes_open)
            overall.append(abs(here[0].overall - there[0].overall))
            agree += [bool(policy.judge(here)) == bool(policy.judge(there)) for policy in policies]
    return Report(
        title="verdicts on closed eyes, on portraits, and on mirror images",
        counts=f"{len(closed)} photos with closed eyes, {len(failed)} portraits",
        rows=(),
        promises=(
            at_least("photos with closed eyes", len(closed), 20),
            at_most("photos with closed eyes that `eyes_open` passes", sum(eye >= least for eye in closed), 0),
            at_most(
                "share of portraits that `eyes_open` fails", float(np.mean([eye < least for eye in failed])), MOST_FAIL
            ),
            at_least("share of verdicts that agree with those of the mirror image", float(np.mean(agree)), LEAST_AGREE),
        ),
        notes=(
            "eyes_open of closed eyes: " + " ".join(f"{eye:.2f}" for eye in sorted(closed)),
            "eyes_open of portraits: 1 % below {:.3f}, 3 % below {:.3f}".format(*np.percentile(failed, (1, 3))),
            f"overall in the mirror: half differ by {np.median(overall):.3f}, the most by {max(overall):.3f}",
        ),
    )


def main() -> int:
    """Run the benchmark."""
    words = parser_of(NAME, "The verdicts of the policies on closed eyes and on mirror images.").parse_args()
    return run(NAME, measure, words.json)


if __name__ == "__main__":
    sys.exit(main())
