"""Where keys are looked for, and in which order."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest

from senseid import installation
from senseid.errors import NoKeyError
from senseid.keys import ENVIRONMENT, KEYRING, KeySources
from senseid_crypto import os_keyring
from senseid_crypto.errors import KeyFormatError, KeyStoreError, MissingKeyError
from senseid_crypto.key import Key, generate_key
from senseid_crypto.key_file import format_key_file
from senseid_crypto.key_folder import KeyFolder

NOW = datetime(2026, 11, 24, 10, tzinfo=UTC)
A, B, C, D = (generate_key(lambda length, n=number: bytes([n]) * length) for number in range(4))


def variables(key: Key) -> dict[str, str]:
    return {"PARAM_DECRYPT_KEY": key.secret.decode(), "PARAM_DECRYPT_IV": key.fixed_iv.decode()}


@pytest.fixture
def folder(tmp_path: Path) -> KeyFolder:
    return KeyFolder(tmp_path / "keys")


def sources(folder: KeyFolder, environment: dict[str, str] | None = None, **options: object) -> KeySources:
    return KeySources(folder, environment or {}, folder.folder.parent / ".env", **options)  # type: ignore[arg-type]


def dotenv(folder: KeyFolder, key: Key) -> Path:
    path = folder.folder.parent / ".env"
    path.write_bytes(format_key_file(key, NOW))
    return path


def test_nothing_is_known_at_first(folder: KeyFolder) -> None:
    assert list(sources(folder)) == []
    with pytest.raises(NoKeyError) as caught:
        sources(folder).to_encrypt()
    assert "senseid key generate" in caught.value.remedy


def test_the_order(folder: KeyFolder) -> None:
    folder.add("work", A, NOW, in_keyring=False)
    folder.add("default", B, NOW, in_keyring=False)
    path = dotenv(folder, C)
    assert [key.id for key in sources(folder)] == [B.id, A.id, C.id]
    assert [key.id for key in sources(folder, env_named=True)] == [C.id, B.id, A.id]
    assert sources(folder).to_encrypt().key.id == B.id
    assert sources(folder, env_named=True).to_encrypt().place == str(path)
    found = list(sources(folder, variables(D)).known())
    assert [known.key.id for known in found] == [D.id, B.id, A.id]
    assert [known.place for known in found][:2] == [ENVIRONMENT, str(folder.folder / "default.key")]
    assert [known.name for known in found] == [None, "default", "work"]
    assert (found[0].path, found[1].created) == (None, "2026-11-24T10:00:00Z")
    path.unlink()
    assert sources(folder).to_encrypt().key.id == B.id


def test_the_environment_goes_before_a_line_of_the_file(folder: KeyFolder) -> None:
    dotenv(folder, C)
    (known,) = sources(folder, {"PARAM_DECRYPT_KEY": D.secret.decode()}, env_named=True).known()
    assert (known.key.secret, known.key.iv, known.place) == (D.secret, C.iv, ENVIRONMENT)
    (known,) = sources(
        folder, {"PARAM_DECRYPT_IV": D.fixed_iv.decode(), "PARAM_DECRYPT_KEY": ""}, env_named=True
    ).known()
    assert (known.key.secret, known.key.iv) == (C.secret, D.iv)


def test_a_file_that_was_not_named_adds_nothing_to_a_key_of_the_environment(folder: KeyFolder) -> None:
    dotenv(folder, C)
    (known,) = sources(folder, {"PARAM_DECRYPT_KEY": D.secret.decode()}).known()
    assert (known.key.secret, known.key.iv) == (D.secret, None)


def test_it_is_said_and_counts_last(folder: KeyFolder) -> None:
    said: list[str] = []
    path = dotenv(folder, C)
    assert sources(folder, say=said.append).to_encrypt().key.id == C.id
    assert said == [f"the key {C.id} is that of {path} in this folder, which was not named"]
    folder.add("work", A, NOW, in_keyring=False)
    assert sources(folder).to_encrypt().key.id == C.id
    said.clear()
    folder.add("default", B, NOW, in_keyring=False)
    assert sources(folder, say=said.append).to_encrypt().key.id == B.id
    assert said == []


@pytest.mark.parametrize("place", ["file", "folder", "target", "folder of the target"])
@pytest.mark.parametrize("how", ["mode", "owner"])
def test_one_that_others_may_have_written_is_not_read(folder: KeyFolder, tmp_path: Path, place: str, how: str) -> None:
    (tmp_path / "elsewhere").mkdir()
    path = dotenv(folder, C)
    if "target" in place:
        path = path.rename(tmp_path / "elsewhere" / "settings")
        (tmp_path / ".env").symlink_to(path)
    assert [key.id for key in sources(folder)] == [C.id]
    changed = path.parent if "folder" in place else path
    if how == "owner":
        if os.geteuid():
            pytest.skip("root alone gives files away")
        os.chown(changed, 12345, -1)
    else:
        changed.chmod(changed.stat().st_mode | 0o020)
    said: list[str] = []
    assert list(sources(folder, say=said.append)) == []
    (text,) = said
    assert f"{tmp_path}/.env of this folder is not read: " in text
    assert ("belongs to another user" if how == "owner" else "others may write to ") in text
    assert [key.id for key in sources(folder, env_named=True)] == [C.id]


def test_a_key_file_that_a_variable_names(folder: KeyFolder, tmp_path: Path) -> None:
    path = tmp_path / "secret"
    path.write_bytes(format_key_file(A, NOW))
    named = {"PARAM_DECRYPT_KEY_FILE": str(path)}
    dotenv(folder, C)
    folder.add("default", B, NOW, in_keyring=False)
    (first, second) = sources(folder, named).known()
    assert (first.key.id, first.place, second.key.id) == (A.id, str(path), B.id)
    assert [key.id for key in sources(folder, {**named, **variables(D)})] == [D.id, A.id, B.id]
    with pytest.raises(KeyStoreError, match="there is no such key file"):
        list(sources(folder, {"PARAM_DECRYPT_KEY_FILE": str(tmp_path / "none")}))
    (tmp_path / ".env").write_text(f"PARAM_DECRYPT_KEY_FILE={path}\n")
    assert [key.id for key in sources(folder)] == [B.id]
    assert [key.id for key in sources(folder, env_named=True)] == [A.id, B.id]


def test_a_key_without_an_iv_from_the_environment(folder: KeyFolder) -> None:
    (known,) = sources(folder, {"PARAM_DECRYPT_KEY": D.secret.decode()}).known()
    assert known.key.iv is None


def test_a_named_file_or_key_is_the_only_one(folder: KeyFolder, tmp_path: Path) -> None:
    folder.add("default", A, NOW, in_keyring=False)
    folder.add("work", B, NOW, in_keyring=False)
    path = tmp_path / "key"
    path.write_bytes(format_key_file(C, NOW))
    assert [key.id for key in sources(folder, variables(D), key_file=path)] == [C.id]
    assert [key.id for key in sources(folder, variables(D), name="work")] == [B.id]
    assert sources(folder, variables(D), name="work").to_encrypt().key.id == B.id


def test_a_key_that_is_not_the_default_is_not_chosen(folder: KeyFolder) -> None:
    folder.add("work", B, NOW, in_keyring=False)
    with pytest.raises(NoKeyError, match="no key to encrypt with"):
        sources(folder).to_encrypt()
    assert [key.id for key in sources(folder)] == [B.id]


def test_a_name_that_is_not_there_is_not_repeated(folder: KeyFolder) -> None:
    with pytest.raises(MissingKeyError) as caught:
        list(sources(folder, name=A.secret.decode()))
    assert A.secret.decode() not in str(caught.value)


@pytest.mark.parametrize(
    ("environment", "problem"),
    [
        ({"PARAM_DECRYPT_KEY": "short"}, "environment: PARAM_DECRYPT_KEY has 5 characters"),
        ({"PARAM_DECRYPT_IV": "x" * 12}, "environment: PARAM_DECRYPT_IV is set and PARAM_DECRYPT_KEY is not"),
    ],
)
def test_a_broken_environment(folder: KeyFolder, environment: dict[str, str], problem: str) -> None:
    with pytest.raises(KeyFormatError, match=problem):
        list(sources(folder, environment))


def test_a_broken_dotenv_file_is_named(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PARAM_DECRYPT_KEY=short\n")
    with pytest.raises(KeyFormatError, match=rf"{tmp_path}/.env: PARAM_DECRYPT_KEY has 5"):
        list(sources(folder))


def test_a_key_of_two_places_names_both(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PARAM_DECRYPT_IV=short\nOTHER=1\n")
    with pytest.raises(KeyFormatError, match=rf"environment and {tmp_path}/.env: PARAM_DECRYPT_IV has 5"):
        list(sources(folder, {"PARAM_DECRYPT_KEY": A.secret.decode()}, env_named=True))


def test_another_programs_dotenv_file(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"DATABASE=x\nNAME=\xff\nexport A='b c'\n")
    assert list(sources(folder)) == []
    (tmp_path / ".env").unlink()
    (tmp_path / ".env").mkdir()  # a virtual environment
    assert list(sources(folder)) == []
    (tmp_path / ".env").rmdir()
    os.mkfifo(tmp_path / ".env")  # which would be waited for
    assert list(sources(folder)) == []


def test_a_dotenv_file_in_utf_16_is_not_passed_over(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("PARAM_DECRYPT_KEY=short\n", encoding="utf-16")
    with pytest.raises(KeyStoreError, match=rf"{tmp_path}/.env: is not text in UTF-8"):
        sources(folder).to_encrypt()


def test_a_dotenv_file_that_cannot_be_read(folder: KeyFolder, tmp_path: Path) -> None:
    loop = tmp_path / ".env"
    loop.symlink_to(loop)
    with pytest.raises(KeyStoreError, match="cannot be read"):
        list(sources(folder))


def test_a_key_file_that_is_not_there(folder: KeyFolder, tmp_path: Path) -> None:
    with pytest.raises(KeyStoreError, match="no such key file"):
        list(sources(folder, key_file=tmp_path / "none"))


def test_a_key_in_the_keyring(folder: KeyFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    folder.folder.mkdir()
    folder.path("default").write_bytes(format_key_file(A, NOW, in_keyring=True))
    monkeypatch.setattr(os_keyring, "fetch", {A.id: A}.__getitem__)
    (known,) = sources(folder).known()
    assert (known.key.id, known.place, known.path, known.name) == (A.id, KEYRING, None, "default")


def test_those_of_this_installation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in variables(A):
        monkeypatch.delenv(name, raising=False)
    KeyFolder(tmp_path / "keys").add("default", A, NOW, in_keyring=False)
    Path(".env").write_bytes(format_key_file(B, NOW))
    assert [key.id for key in installation.key_sources()] == [A.id, B.id]
    monkeypatch.setenv("PARAM_DECRYPT_KEY", C.secret.decode())
    monkeypatch.setenv("PARAM_DECRYPT_IV", C.fixed_iv.decode())
    assert [key.id for key in installation.key_sources()] == [C.id, A.id]
    assert os.fspath(installation.key_sources().env_file) == ".env"
