"""`python -m models.recipes.liveness.frames VIDEOS VIDEOS_2 MORE OUTPUT`: labelled stills from clips, for `prepare`.

VIDEOS has the folders `live` and `spoof`; VIDEOS_2 and MORE have a `labels.csv` with file, label, kind, source. OUTPUT
gets at most `FRAMES_PER_CLIP` frames, as PNG, of each clip that shows a living person or a recapture, and a
`labels.csv`. Generated and swapped faces are left out: their texture is not that of a recapture.
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

FRAMES_PER_CLIP = 4
RECAPTURE_KINDS = ("phone replay", "screen", "print")


@dataclass(frozen=True, slots=True)
class LabelledClip:
    """A clip.

    Attributes:
        path: of its file.
        attack: whether it shows a recapture.
        source: the person or the maker that it comes from.
    """

    path: Path
    attack: bool
    source: str


def clips(videos: Path, second: Path, more: Path) -> Iterator[LabelledClip]:
    """The clips of the three sets that show a living person or a recapture."""
    for folder in ("live", "spoof"):
        for path in sorted((videos / folder).iterdir()):
            yield LabelledClip(path, folder == "spoof", path.stem.rsplit("-", 1)[0])
    for root in (second, more):
        with (root / "labels.csv").open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                wanted = row["label"] == "live" or row["kind"] in RECAPTURE_KINDS
                if wanted and not row["file"].endswith(".jpg"):
                    yield LabelledClip(root / row["file"], row["label"] != "live", row["source"])


def write_frames(clip: LabelledClip, folder: Path, number: int) -> Iterator[str]:
    """Write frames of clip `number`, evenly spaced, as `number_index.png`; yields the names of the files."""
    frames = list(decode_video(clip.path.read_bytes(), name=clip.path.name).frames(a_second=2))
    for index in np.unique(np.linspace(0, len(frames) - 1, FRAMES_PER_CLIP).round().astype(int)):
        name = f"{number:03}_{index:02}.png"
        Pillow.fromarray(frames[index].pixels).save(folder / name)
        yield name


def main() -> None:
    """Write the frames; see the module's docstring."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("videos", "videos_2", "more", "output"):
        parser.add_argument(name, type=Path)
    arguments = parser.parse_args()
    arguments.output.mkdir()
    with (arguments.output / "labels.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["file", "label", "source", "box"])
        for number, clip in enumerate(clips(arguments.videos, arguments.videos_2, arguments.more)):
            for name in write_frames(clip, arguments.output, number):
                writer.writerow([name, "attack" if clip.attack else "live", clip.source, ""])


if __name__ == "__main__":
    main()
