"""Cross-validation folds for `train`: groups that share people or scenes are in the same fold.

Six of the webcam groups hold frames of the same recordings of one man; the faces of four others resemble each other
more than strangers do. Each of these two sets is in one fold.
"""

from __future__ import annotations

import numpy as np

_WEBCAM = (
    ("Apfol", "D-sourav-M044", "ShivamYadav09", "neonipun", "saikan45", "viguardieiro"),
    ("Krzysiek354", "TrickyF0x", "ShubhamLala", "alexcamargoweb"),
    ("BalveerSinghYT", "Manikantha-M", "VishalkrishnaBlaze"),
    ("AksultanMukhanbet", "WOLF-huo", "lestari15", "tranvanluyt2203", "jtboing"),
)
_SINGLE_GROUP = {"dtruong": 1, "gc535": 2}
FOLDS = len(_WEBCAM)


def fold_of(groups: np.ndarray) -> np.ndarray:
    """Assign each still to the fold in which it is held out.

    MSU-MFSD is split by client, the whole frames by the maker of the recordings; clips are in the fold of the stills of
    their maker.

    Args:
        groups: str (n,), the group of each still.

    Returns:
        int (n,), 0 to `FOLDS` - 1; -1 for LFW, which is always trained on and never evaluated.
    """
    folds = {f"webcam-{name}": fold for fold, names in enumerate(_WEBCAM) for name in names}
    folds |= _SINGLE_GROUP | {"lfw": -1}
    for prefix in ("msu-", "more-", "clips-"):
        split = sorted({str(group) for group in groups if str(group).startswith(prefix)})
        folds |= {group: i % FOLDS for i, group in enumerate(split)}
    for group in folds:
        name = group.removeprefix("clips-")
        if name != group:
            folds[group] = folds.get(f"webcam-{name}", folds.get(f"more-{name}", folds[group]))
    return np.array([folds[str(group)] for group in groups])
