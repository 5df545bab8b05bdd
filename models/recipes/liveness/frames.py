"""`python -m models.recipes.liveness.frames VIDEOS VIDEOS_2 MORE OUTPUT`: frames of clips, as labelled stills.

VIDEOS has the folders `live` and `spoof`; VIDEOS_2 and MORE have a `labels.csv` with file, label, kind, source. OUTPUT
gets at most `EACH` frames of each clip that shows a living person or a recapture, and a `labels.csv` for `prepare`.
Generated and swapped faces are left out: their texture is not that of a recapture.
"""

from __future__ import annotations

import argparse
import csv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image as Pillow

from senseid_engine.video import decode_video

if TYPE_CHECKING:
    from collections.abc import Iterator

EACH = 4
RECAPTURES = ("phone replay", "screen", "print")


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip, whether it shows a recapture, and where it comes from."""

    path: Path
    attack: bool
    source: str


def clips(videos: Path, second: Path, more: Path) -> Iterator[LabelledClip]:
    """The clips of the three sets."""
    for folder in ("live", "spoof"):
        for path in sorted((videos / folder).iterdir()):
            yield LabelledClip(path, folder == "spoof", path.stem.rsplit("-", 1)[0])
    for root in (second, more):
        with (root / "labels.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                known = row["label"] == "live" or row["kind"] in RECAPTURES
                if known and not row["file"].endswith(".jpg"):
                    yield LabelledClip(root / row["file"], row["label"] != "live", row["source"])


def write_frames(clip: LabelledClip, folder: Path, number: int) -> Iterator[str]:
    """Write the frames of one clip, evenly spread; the names of their files."""
    frames = list(decode_video(clip.path.read_bytes(), name=clip.path.name).frames(a_second=2))
    for place in np.unique(np.linspace(0, len(frames) - 1, EACH).round().astype(int)):
        name = f"{number:03}_{place:02}.png"
        Pillow.fromarray(frames[place].pixels).save(folder / name)
        yield name


def main() -> None:
    """Run the step."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("videos", "videos_2", "more", "output"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    arguments.output.mkdir()
    with (arguments.output / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        listing = csv.writer(file)
        listing.writerow(["file", "label", "source", "box"])
        for number, clip in enumerate(clips(arguments.videos, arguments.videos_2, arguments.more)):
            for name in write_frames(clip, arguments.output, number):
                listing.writerow([name, "attack" if clip.attack else "live", clip.source, ""])


if __name__ == "__main__":
    main()
