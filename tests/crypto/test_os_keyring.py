"""Keys in a keyring: the real library, with a backend that keeps everything in memory."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, ClassVar

import pytest

from senseid_crypto import os_keyring
from senseid_crypto.errors import KeyFormatError, KeyStoreError
from senseid_crypto.key_folder import KeyFolder

keyring = pytest.importorskip("keyring", reason="the extra keyring is not installed")
backend = pytest.importorskip("keyring.backend")

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from senseid_crypto.key import Key

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)


class InMemory(backend.KeyringBackend):  # type: ignore[misc,name-defined]
    """A keyring that ends with the process."""

    priority: ClassVar[float] = 5
    fails: ClassVar[type[Exception] | None] = None

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[tuple[str, str], str] = {}

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.fails:
            raise self.fails(password)
        self.kept[service, username] = password

    def get_password(self, service: str, username: str) -> str | None:
        if self.fails:
            raise self.fails(service)
        return self.kept.get((service, username))

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture
def ring() -> Iterator[InMemory]:
    before, ring = keyring.get_keyring(), InMemory()
    keyring.set_keyring(ring)
    yield ring
    keyring.set_keyring(before)


def test_what_is_stored_is_fetched(ring: InMemory, key: Key) -> None:
    os_keyring.store(key, NOW)
    assert list(ring.kept) == [("senseid", key.id)]
    found = os_keyring.fetch(key.id)
    assert (found.secret, found.iv) == (key.secret, key.iv)


def test_a_key_that_is_not_there(ring: InMemory) -> None:
    with pytest.raises(KeyStoreError, match="does not hold the key 0011223344556677"):
        os_keyring.fetch("0011223344556677")


def test_another_key_under_the_id(ring: InMemory, key: Key, other: Key) -> None:
    os_keyring.store(other, NOW)
    ring.kept["senseid", key.id] = ring.kept["senseid", other.id]
    with pytest.raises(KeyStoreError, match="does not hold"):
        os_keyring.fetch(key.id)


def test_no_key_under_the_id(ring: InMemory, key: Key) -> None:
    ring.kept["senseid", key.id] = "something else"
    with pytest.raises(KeyFormatError):
        os_keyring.fetch(key.id)


@pytest.mark.parametrize(
    "error", [keyring.errors.KeyringLocked, keyring.errors.PasswordSetError, RuntimeError, OSError]
)
def test_a_keyring_that_fails_tells_no_secret(ring: InMemory, key: Key, error: type[Exception]) -> None:
    InMemory.fails = error
    try:
        with pytest.raises(KeyStoreError, match=error.__name__) as caught:
            os_keyring.store(key, NOW)
        with pytest.raises(KeyStoreError, match=error.__name__):
            os_keyring.fetch(key.id)
    finally:
        InMemory.fails = None
    assert caught.value.__cause__ is None
    assert key.secret.decode() not in str(caught.value)


def test_a_keyring_that_is_not_fit(ring: InMemory, key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    """The library's own fallback, and those that store plain text, have a priority below 1."""
    monkeypatch.setattr(InMemory, "priority", 0.5)
    with pytest.raises(KeyStoreError, match="no OS keyring here that is fit"):
        os_keyring.store(key, NOW)
    assert ring.kept == {}


def test_without_the_library(key: Key, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)
    with pytest.raises(KeyStoreError, match="not installed") as caught:
        os_keyring.fetch(key.id)
    assert "the extra `keyring`" in caught.value.remedy


def test_a_folder_whose_keys_are_in_the_keyring(ring: InMemory, key: Key, other: Key, tmp_path: Path) -> None:
    folder = KeyFolder(tmp_path)
    path = folder.add("default", key, NOW, in_keyring=True)
    assert key.secret not in path.read_bytes()
    stored = folder.read("default")
    assert stored is not None
    assert (stored.in_keyring, stored.id, stored.load().secret) == (True, key.id, key.secret)
    folder.prepare_next("default", other, NOW, in_keyring=True)
    folder.switch_to_next("default")
    assert [folder.read(name).load().id for name in folder.names()] == [other.id, key.id]  # type: ignore[union-attr]
