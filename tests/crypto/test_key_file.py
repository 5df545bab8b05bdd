"""Key files and `.env` files."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest
from dotenv import dotenv_values

from senseid_crypto.errors import KeyFormatError
from senseid_crypto.key_file import format_key_file, key_of, parse_key_file, parse_variables

if TYPE_CHECKING:
    from pathlib import Path

    from senseid_crypto.key import Key

NOW = datetime(2026, 11, 24, 10, 0, 1, tzinfo=UTC)
SECRET, IV = "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k", "FjHQSBqvVBK5"


def test_what_is_written_is_read(key: Key) -> None:
    found = parse_key_file(format_key_file(key, NOW))
    assert found.key is not None
    assert (found.key.secret, found.key.iv) == (key.secret, key.iv)
    assert (found.id, found.created) == (key.id, "2026-11-24T10:00:01Z")
    assert key.secret.decode() not in repr(found)


def test_it_is_a_dotenv_file(key: Key, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(format_key_file(key, NOW))
    values = dotenv_values(tmp_path / ".env")
    assert (values["PARAM_DECRYPT_KEY"], values["PARAM_DECRYPT_IV"]) == (key.secret.decode(), "df25d188a061")


@pytest.mark.parametrize(
    "text",
    [
        f"PARAM_DECRYPT_KEY = {SECRET}\nPARAM_DECRYPT_IV = {IV}\n",
        f"PARAM_DECRYPT_KEY='{SECRET}'\r\nPARAM_DECRYPT_IV=\"{IV}\"\r\nOTHER=1",
        f"# comment\nexport PARAM_DECRYPT_KEY={SECRET} # comment\nexport PARAM_DECRYPT_IV={IV}",
    ],
)
def test_the_services_own_file(text: str) -> None:
    found = parse_key_file(text.encode()).key
    assert found is not None
    assert (found.secret, found.iv) == (SECRET.encode(), IV.encode())


def test_nothing_in_a_key_is_expanded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "elsewhere")
    secret = "${HOME}$HOME~abcdefghijklmnopqrs"
    assert len(secret) == 32
    found = parse_key_file(f"PARAM_DECRYPT_KEY={secret}\n".encode()).key
    assert found is not None
    assert (found.secret, found.iv) == (secret.encode(), None)


def test_a_key_without_an_iv(key: Key) -> None:
    bare = type(key)(key.secret, None)
    found = parse_key_file(format_key_file(bare, NOW)).key
    assert found is not None
    assert found.iv is None


def test_a_key_in_the_keyring(key: Key) -> None:
    data = format_key_file(key, NOW, in_keyring=True)
    assert key.secret not in data
    found = parse_key_file(data)
    assert (found.id, found.key) == (key.id, None)


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        (b"", "holds no key"),
        (b"OTHER=1\n", "holds no key"),
        (b"SENSEID_KEY_ID=0011223344556677\n", "holds no key"),
        (b"SENSEID_KEY_STORE=keyring\n", "holds no key"),
        (b"SENSEID_KEY_ID=0011223344556677\nSENSEID_KEY_STORE=elsewhere\n", "holds no key"),
        (f"PARAM_DECRYPT_IV={IV}\n".encode(), "PARAM_DECRYPT_IV is set and PARAM_DECRYPT_KEY is not"),
        (f"PARAM_DECRYPT_KEY={SECRET[1:]}\n".encode(), "31 characters"),
        (f"SENSEID_KEY_ID=0011223344556677\nPARAM_DECRYPT_KEY={SECRET}\n".encode(), "another key than the one"),
        (b"\xff\xfe" + SECRET.encode(), "no text"),
        (b"# " + bytes(70_000), "no key file"),
    ],
)
def test_what_is_no_key_file(data: bytes, problem: str) -> None:
    with pytest.raises(KeyFormatError, match=problem) as caught:
        parse_key_file(data)
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize("text", ["\ufeffPARAM_DECRYPT_KEY={key}\r\n", "what is this\n!!\nPARAM_DECRYPT_KEY={key}\n'"])
def test_a_file_that_another_program_wrote(text: str, caplog: pytest.LogCaptureFixture) -> None:
    """With a byte order mark, or with lines that are none: those are not ours to complain of."""
    found = parse_key_file(text.format(key=SECRET).encode()).key
    assert found is not None
    assert found.secret == SECRET.encode()
    assert caplog.records == []


def test_the_last_of_two_lines_counts() -> None:
    assert parse_variables("A=1\nA=2\n") == {"A": "2"}


def test_variables() -> None:
    assert parse_variables("A=1\nB=\nC\n") == {"A": "1"}
    assert key_of({}) is None
    assert key_of({"PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": ""}) is None
