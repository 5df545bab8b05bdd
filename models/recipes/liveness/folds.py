"""Which groups are held out together: those that share people or scenes never fall apart.

Six of the webcam groups hold frames of the same recordings of one man; the faces of four others resemble each other
more than strangers do. Both sets stay whole.
"""

from __future__ import annotations

import numpy as np

_WEBCAM = (
    ("Apfol", "D-sourav-M044", "ShivamYadav09", "neonipun", "saikan45", "viguardieiro"),
    ("Krzysiek354", "TrickyF0x", "ShubhamLala", "alexcamargoweb"),
    ("BalveerSinghYT", "Manikantha-M", "VishalkrishnaBlaze"),
    ("AksultanMukhanbet", "WOLF-huo", "lestari15", "tranvanluyt2203", "jtboing"),
)
_WHOLE = {"dtruong": 1, "gc535": 2}
FOLDS = len(_WEBCAM)


def fold_of(groups: np.ndarray) -> np.ndarray:
    """The fold that holds each still out; -1 for LFW, which is never judged.

    MSU is spread by client, the whole frames by the maker of the recordings, clips with the stills of their maker.
    """
    folds = {f"webcam-{name}": fold for fold, names in enumerate(_WEBCAM) for name in names} | _WHOLE | {"lfw": -1}
    for prefix in ("msu-", "more-", "clips-"):
        spread = sorted({str(group) for group in groups if str(group).startswith(prefix)})
        folds |= {group: i % FOLDS for i, group in enumerate(spread)}
    for group in folds:
        name = group.removeprefix("clips-")
        if name != group:
            folds[group] = folds.get(f"webcam-{name}", folds.get(f"more-{name}", folds[group]))
    return np.array([folds[str(group)] for group in groups])
