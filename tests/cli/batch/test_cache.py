"""Templates on disk: only with the key, only what the name says, and never a wrong one."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

import numpy as np
import pytest

from senseid.errors import OutputError
from senseid_cli.batch.cache import Cache
from senseid_cli.batch.jobs import BatchSettings
from senseid_cli.batch.work import Encoded, Refusal, dump, load
from senseid_crypto.key import Key
from senseid_engine.photo_options import PhotoOptions
from senseid_engine.template import Template
from senseid_licensing.capability import Capability

if TYPE_CHECKING:
    from pathlib import Path

WORK = BatchSettings(0.7, PhotoOptions()).encode(Capability.COMPARE)
OTHER = BatchSettings(0.7, PhotoOptions()).encode(Capability.OMNI)
KEY = Key(b"0123456789abcdefghijklmnopqrstuv", None)


def entropy(count: int) -> bytes:
    return next(_random)[:count]


_random = (bytes([i]) * 64 for i in itertools.count(1))


def encoded(seed: int = 0, faces: int = 2) -> Encoded:
    rng = np.random.default_rng(seed)
    templates = tuple(Template(rng.normal(size=16).astype(np.float32)) for _ in range(faces))
    return Encoded(templates, tuple([i, 2, 3, 4] for i in range(faces)))


def same(one: Encoded, other: Encoded) -> bool:
    return one.rects == other.rects and all(
        np.array_equal(a.embedding, b.embedding) for a, b in zip(one.templates, other.templates, strict=True)
    )


def cache(folder: Path, key: Key = KEY, models: str = "m") -> Cache:
    return Cache(folder / "cache", key, models, entropy)


def test_it_comes_back_to_the_bit(tmp_path: Path) -> None:
    assert same(load(dump(encoded())), encoded())
    cache(tmp_path).put(WORK, "digest", encoded())
    got = cache(tmp_path).get(WORK, "digest")
    assert got is not None
    assert same(got, encoded())


def test_only_for_the_same_photo_work_models_and_key(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    kept.put(WORK, "digest", encoded())
    assert kept.get(WORK, "other") is None
    assert kept.get(OTHER, "digest") is None
    assert cache(tmp_path, models="n").get(WORK, "digest") is None
    assert cache(tmp_path, Key(KEY.secret[::-1], None)).get(WORK, "digest") is None


def test_what_was_changed_or_swapped_is_not_believed(tmp_path: Path) -> None:
    kept = cache(tmp_path)
    kept.put(WORK, "a", encoded(1))
    kept.put(WORK, "b", encoded(2))
    one, other = sorted(tmp_path.rglob("*.template"))
    data = one.read_bytes(), other.read_bytes()
    one.write_bytes(data[1])
    other.write_bytes(data[0])
    assert kept.get(WORK, "a") is None
    assert kept.get(WORK, "b") is None
    with one.open("wb") as file:
        file.truncate(1 << 40)  # nor read into memory
    assert kept.get(WORK, "a") is None
    one.write_bytes(data[0][:-1])
    other.write_bytes(data[1][:40] + b"x" + data[1][41:])
    assert kept.get(WORK, "a") is None
    assert kept.get(WORK, "b") is None


def test_neither_the_photo_nor_the_template_can_be_told_from_the_files(tmp_path: Path) -> None:
    cache(tmp_path).put(WORK, "digest", encoded())
    (path,) = tmp_path.rglob("*.template")
    assert "digest" not in str(path)
    assert encoded().templates[0].embedding.tobytes() not in path.read_bytes()


def test_no_refusal_is_kept(tmp_path: Path) -> None:
    cache(tmp_path).put(WORK, "digest", Refusal(4000, "detection failed", "no face"))
    assert list(tmp_path.rglob("*")) == []


def test_a_folder_that_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "cache").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be made"):
        cache(tmp_path).put(WORK, "digest", encoded())
