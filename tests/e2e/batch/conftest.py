"""A folder of photos, a manifest of pairs among them, and what an uninterrupted run writes."""

from __future__ import annotations

import csv
import io
import random
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.e2e.conftest import Senseid


def write_copies(photos: dict[str, Path], folder: Path, side: int, qualities: range) -> None:
    """Write small copies of each photo, all of different content, and a broken one."""
    from PIL import Image

    for name, path in photos.items():
        with Image.open(path) as photo:
            small = photo.convert("RGB")
            small.thumbnail((side, side))
        for quality in qualities:
            small.save(folder / f"{Path(name).stem}, {quality}.jpg", quality=quality)
    (folder / "broken.jpg").write_bytes(b"\xff\xd8\xff")


@pytest.fixture(scope="session")
def many(photos: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of 24 small photos of different content, and a broken one."""
    folder = tmp_path_factory.mktemp("many photos")
    write_copies(photos, folder, 200, range(88, 96))
    return folder


@pytest.fixture(scope="session")
def manifest(many: Path) -> Path:
    """60 pairs, among them every kind of trouble."""
    rng = random.Random(0)
    names = sorted(path.name for path in many.iterdir())
    path = many / "pairs.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["first", "note", "second"])
        writer.writerows([rng.choice(names), f'no. {i}, "x"', rng.choice(names)] for i in range(58))
        writer.writerow(["gone.jpg", "", names[0]])
        file.write("too short\n")
    return path


def records(output: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(output.decode(), newline=""), strict=True))


@pytest.fixture(scope="session")
def whole(senseid: Senseid, manifest: Path) -> bytes:
    """What an uninterrupted run writes."""
    out = manifest.with_name("whole.csv")
    done = senseid("batch", manifest, "--out", out, "--report", out.with_suffix(".html"))
    assert done.returncode == 3, done.stderr
    assert out.with_suffix(".html").read_text().count("<img ") == 24
    assert [path.name for path in out.parent.glob(".*")] == []
    return out.read_bytes()


def partial_of(out: Path) -> Path:
    """The journal of a run that is not complete."""
    return out.with_name(f".{out.name}.senseid-partial")


def partial_lines(out: Path) -> int:
    partial = partial_of(out)
    return partial.read_bytes().count(b"\n") if partial.exists() else 0
