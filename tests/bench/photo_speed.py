"""`python -m tests.bench.photo_speed [--rounds N] [--old COMMIT] [--json FILE]`: one photo, beside an older engine.

From a decoded photo to a template on one thread: photos of LFW, and sample photos of 640x480. The older engine is that
of a commit of this repository, written to a temporary folder; both run in processes of their own with the same Python
and the same onnxruntime, in turn, each idle while the other works. Promises of issue 14, beside the last engine of the
first generation: at most 0.5 of its time at 250x250, and 0.4 at 640x480.
"""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from contextlib import ExitStack
from pathlib import Path

from tests.archives import some_photos, unpack
from tests.bench.peers import Peer
from tests.bench.report import Report, Row, UnavailableError, at_most, interleave, parser_of, run, test_data
from tests.bench.surroundings import sample_photos

NAME = "photo_speed"
TOP = Path(__file__).parents[2]
OLD = "481dfe2"
LFW_PHOTOS = 20
SAMPLES = ("obama.jpg", "obama2.jpg", "obama3.jpg", "biden.jpg")
WARM_UP = 3
# By the size of the photo.
MOST_OF_OLD = {"250x250 (LFW)": 0.5, "640x480 (samples)": 0.4}


def write_out(commit: str, folder: Path) -> Path:
    """The files of a commit.

    Raises:
        UnavailableError: there is no git, no repository, or no such commit.
    """
    archive = folder / "old.tar"
    command = ["git", "-C", str(TOP), "archive", "--format=tar", "--output", str(archive), commit]
    try:
        subprocess.run(command, check=True, capture_output=True, text=True)
    except OSError as error:
        raise UnavailableError(f"no git: {error}") from None
    except subprocess.CalledProcessError as error:
        raise UnavailableError(f"no files of commit {commit}: {error.stderr.strip()}") from None
    root = folder / "old"
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="data")
    # It asks for its version by the name that the distribution had then.
    about = root / "senseid.dist-info" / "METADATA"
    about.parent.mkdir()
    about.write_text("Metadata-Version: 2.1\nName: senseid\nVersion: 0.1.0\n", encoding="utf-8")
    return root


def photos_by_size(folder: Path) -> dict[str, list[str]]:
    """The paths of the photos."""
    lfw = unpack(test_data() / "lfw-pairs.tar", folder, some_photos(LFW_PHOTOS))
    samples = [folder / name for name in SAMPLES]
    for path, data in zip(samples, sample_photos(*SAMPLES), strict=True):
        path.write_bytes(data)
    return dict(zip(MOST_OF_OLD, ([str(path) for path in lfw], [str(path) for path in samples]), strict=True))


def measure(rounds: int, commit: str) -> Report:
    """Encode in turn with both engines."""
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        roots = {"new": TOP, "old": write_out(commit, folder)}
        photos = photos_by_size(folder)
        script = str(Path(__file__).with_name("engine_process.py"))
        engines: dict[tuple[str, str], Peer] = {}
        for size, paths in photos.items():
            for age, root in roots.items():
                engine = Peer([sys.executable, script, str(root), age if age == "new" else commit, *paths])
                stack.callback(engine.close)
                engines[size, age] = engine
        interleave(rounds, WARM_UP, [engine.step for engine in engines.values()])
    rows, promises = [], []
    for size, paths in photos.items():
        new, old = ([1000 * s / len(paths) for s in engines[size, age].wall[WARM_UP:]] for age in ("new", "old"))
        rows += [
            Row(f"this engine, {size}", "ms", tuple(new)),
            Row(f"that of {commit}, {size}", "ms", tuple(old)),
            Row(f"this / that, {size}", "", tuple(n / o for n, o in zip(new, old, strict=True))),
        ]
        promises.append(at_most(f"time / that of {commit}, {size}", rows[-1].median, MOST_OF_OLD[size]))
    return Report(
        title=f"from a decoded photo to a template, one thread, beside the engine of {commit}",
        counts=f"{rounds} rounds after {WARM_UP} to warm up, all figures of a round in turn; photos a round: "
        + ", ".join(f"{len(paths)} of {size}" for size, paths in photos.items()),
        rows=tuple(rows),
        promises=tuple(promises),
    )


def main() -> int:
    """Run the benchmark."""
    parser = parser_of(NAME, "The time for one photo, beside the engine of an older commit.")
    parser.add_argument("--rounds", type=int, default=20, metavar="N", help="rounds to measure (default: 20)")
    parser.add_argument("--old", default=OLD, metavar="COMMIT", help=f"the older engine (default: {OLD})")
    words = parser.parse_args()
    return run(NAME, lambda: measure(words.rounds, words.old), words.json)


if __name__ == "__main__":
    sys.exit(main())
