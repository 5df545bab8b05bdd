"""The age of templates, and their deletion: none too old stays, and nothing else goes."""

from __future__ import annotations

import json
import os
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from senseid.errors import OutputError, RefusedError
from senseid_cli import app as cli
from senseid_cli.batch import cache_folder, run
from senseid_cli.batch.cache_folder import by_day, path_of, purge

if TYPE_CHECKING:
    from pathlib import Path

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


def put(folder: Path, number: int, age: timedelta, size: int = 10) -> Path:
    path = path_of(folder, f"{number:064x}")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(bytes(size))
    time = (NOW - age).timestamp()
    os.utime(path, (time, time))
    return path


@given(ages=st.lists(st.floats(-500, 500), max_size=8), days=st.integers(1, 400))
def test_what_is_too_old_goes_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, ages: list[float], days: int
) -> None:
    folder = tmp_path_factory.mktemp("cache")
    paths = {put(folder, number, timedelta(days=age)): age for number, age in enumerate(ages)}
    deleted = purge(folder, NOW, days)
    left = [age for path, age in paths.items() if path.exists()]
    assert all(-1.001 < age < days + 0.001 for age in left)
    assert all(age > days - 0.001 or age < -0.999 for path, age in paths.items() if not path.exists())
    assert deleted.templates == len(ages) - len(left)
    assert deleted.size == 10 * deleted.templates


@pytest.mark.parametrize("seconds", [2**40, -(2**40)])
def test_times_that_are_no_dates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seconds: int) -> None:
    """Such as tmpfs holds them; not every file system does."""
    template = put(tmp_path, 1, timedelta(days=5))
    facts = os.stat_result((0o100600, 0, 0, 1, 0, 0, 10, seconds, seconds, seconds))
    monkeypatch.setattr(cache_folder, "_files", lambda *_, **__: iter([(template, facts)]))
    (day,) = by_day(tmp_path)
    assert day.year in {1, 9999}
    assert purge(tmp_path, NOW, 90).templates == 1
    assert not template.exists()


def test_only_templates_are_deleted(tmp_path: Path) -> None:
    template = put(tmp_path, 1, timedelta(days=5))
    outside = tmp_path / "outside"
    outside.mkdir()
    others = [tmp_path / "notes.txt", template.with_name("x.template"), template.with_suffix(".txt"), outside / "a"]
    for other in others:
        other.write_bytes(b"x")
    link = template.with_name("f" * 62 + ".template")
    link.symlink_to(others[0])
    (tmp_path / "ab").symlink_to(outside)
    fresh, old = (template.with_name(f".senseid-{age}") for age in ("fresh", "old"))
    fresh.write_bytes(b"x")
    old.write_bytes(b"x")
    now = datetime.now(UTC)
    os.utime(fresh, (now.timestamp(), now.timestamp()))
    os.utime(old, (now.timestamp() - 200_000,) * 2)
    assert purge(tmp_path, now, None).templates == 1
    assert [path.exists() for path in (template, old, fresh, link, *others)] == [False, False] + [True] * 6


def test_templates_by_day(tmp_path: Path) -> None:
    for number, days in enumerate((0, 3, 3)):
        put(tmp_path, number, timedelta(days=days), size=number)
    days = by_day(tmp_path)
    assert [(day, kept.templates, kept.size) for day, kept in days.items()] == [
        (date(2026, 11, 21), 2, 3),
        (date(2026, 11, 24), 1, 0),
    ]


def test_what_cannot_be_deleted_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path, 1, timedelta(days=5))

    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "permission denied")

    monkeypatch.setattr(type(path), "unlink", refused)
    with pytest.raises(OutputError, match="cannot be deleted: permission denied"):
        purge(tmp_path, NOW, 1)


def test_a_folder_that_is_none(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    for name in ("gone", "file"):
        with pytest.raises(RefusedError, match="cannot be read as a cache"):
            by_day(tmp_path / name)


def test_a_batch_drops_old_templates_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    assert cli.run(["key", "generate"]) == 0
    run.open_cache(tmp_path / "none", 90, "models")
    assert not (tmp_path / "none").exists()
    now = datetime.now(UTC)
    young, old = (
        put(tmp_path / "cache", number, NOW - now + timedelta(days=days)) for number, days in ((1, 89), (2, 91))
    )
    run.open_cache(tmp_path / "cache", 90, "models")
    assert (young.exists(), old.exists()) == (True, False)
    assert "1 templates of 90 days or more were deleted" in capsys.readouterr().err


def test_the_commands(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, 1, timedelta(days=400))
    put(tmp_path, 2, NOW - datetime.now(UTC))

    def told(*words: str, status: int = 0) -> list[dict[str, object]]:
        assert cli.run(["cache", *words, str(tmp_path), "--json"]) == status
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    oldest, _ = told("list")
    assert (oldest["day"], oldest["templates"], oldest["bytes"]) == ("2025-10-20", 1, 10)
    assert [body["templates"] for body in told("purge", "--older-than", "300")] == [1]
    assert [body["templates"] for body in told("purge", "--all")] == [1]
    assert told("list") == []
    told("purge", status=2)
    told("purge", "--all", "--older-than", "3", status=2)
