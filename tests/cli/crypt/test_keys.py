"""`senseid encrypt`, `decrypt` and `key`, within this process."""

from __future__ import annotations

import json
import os
import stat
from typing import TYPE_CHECKING

import pytest

from senseid_crypto.sealed import open_bytes

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import BinaryIO

    Stdin = Callable[[BinaryIO | bytes], None]
from tests.cli.crypt.conftest import BIG, GOLDEN, PUBLISHED, Here


def test_no_key_to_encrypt_with(bare: Here) -> None:
    bare.path("a", b"hello")
    _, err = bare("encrypt", "a", status=2)
    assert "senseid key generate" in err
    assert bare.names() == ["a"]


def test_generate(bare: Here) -> None:
    (line,), err = bare("key", "generate")
    path = bare.home / "keys" / "default.key"
    assert line == f"made\tdefault\t{bare.key.id}\t{path}"
    assert "keep a copy" in err
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert bare.key.secret.decode() not in line + err
    assert "never overwritten" in bare("key", "generate", status=2)[1]
    (line,), _ = bare("key", "generate", "work", "--json")
    assert json.loads(line)["name"] == "work"


def test_an_empty_name_is_not_the_default_key(bare: Here) -> None:
    """As of a variable of a script that is not set."""
    for words in (["--key", ""], [""]):
        assert "that is no name of a key" in bare("key", "generate", *words, status=2)[1]
    assert not (bare.home / "keys" / "default.key").exists()


def test_list(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    here("key", "generate", "work")
    out, err = here("key", "list")
    assert [line.split("\t")[1] for line in out] == ["default", "work"]
    assert out[0].split("\t")[0] == here.key.id
    assert err == ""
    (here.home / "keys" / "work.key").chmod(0o644)
    monkeypatch.setenv("PARAM_DECRYPT_KEY", PUBLISHED.secret.decode())
    out, err = here("key", "list", "--json")
    first, _, work_key = map(json.loads, out)
    assert (first["place"], first["formats"], first["name"]) == ("environment", "container", "-")
    assert "published default" in first["weaknesses"][0]
    assert work_key["weaknesses"] == []
    assert "published default" in err
    assert "can be read by others: run `chmod 600" in err
    assert PUBLISHED.secret.decode() not in "".join(out) + err


def test_a_named_key(here: Here) -> None:
    here("key", "generate", "work")
    here.path("a", b"hello")
    here("encrypt", "a", "--key", "work", "-o", "one")
    here("encrypt", "a", "--key-file", here.home / "keys" / "work.key", "-o", "two")
    for name in ("one", "two"):
        here("decrypt", name, "-o", "back", "--force")
        here("decrypt", name, "-o", "back", "--force", "--key", "work")
        assert "needs the key" in here("decrypt", name, "-o", "back", "--force", "--key", "default", status=6)[1]
    assert "no key of that name" in here("encrypt", "a", "--key", "none", "-o", "x", status=6)[1]


def test_a_key_file_that_is_a_pipe(here: Here) -> None:
    """`--key-file <(pass show senseid)` gives the key once."""
    for name in ("a", "b"):
        here.path(name, BIG)
    here("encrypt", "a", "b", "--delete-source")
    key = (here.home / "keys" / "default.key").read_bytes()
    (here.home / "keys" / "default.key").unlink()
    reader, writer = os.pipe()
    with os.fdopen(writer, "wb") as file:
        file.write(key)
    with os.fdopen(reader, "rb"):
        here("decrypt", "a.senseid", "b.senseid", "--delete-source", "--key-file", f"/dev/fd/{reader}")
    assert here.names() == ["a", "b"]


def test_a_dotenv_file(bare: Here) -> None:
    bare.path(".env", b"PARAM_DECRYPT_KEY = dcbbad6765e14139a07d34b92292a672\nPARAM_DECRYPT_IV = df25d188a061\n")
    bare.path("a", b"hello world")
    _, err = bare("encrypt", "a", "--format", "wire")
    assert bare.path("a.b64").read_bytes() == GOLDEN
    assert "published default of the service's manual: everybody has it" in err
    assert err.count(f"the key {PUBLISHED.id} is that of .env in this folder, which was not named") == 1


def test_a_strangers_dotenv_file(here: Here) -> None:
    """It does not take the place of the user's own key, and one in a shared folder is not even read."""
    theirs = here.path(".env", b"PARAM_DECRYPT_KEY=dcbbad6765e14139a07d34b92292a672\nPARAM_DECRYPT_IV=df25d188a061\n")
    here.path("a", b"x")
    _, err = here("encrypt", "a", "--delete-source")
    assert err == ""
    assert open_bytes(here.path("a.senseid").read_bytes(), [here.key]) == b"x"
    theirs.chmod(0o666)
    (here.home / "keys" / "default.key").unlink()
    here.path("b", b"x")
    _, err = here("encrypt", "b", "--delete-source", status=2)
    assert "note: .env of this folder is not read: others may write to" in err
    assert "there is no key to encrypt with" in err
    assert here.path("b").exists()


def test_the_fixed_iv_is_mentioned_once(here: Here) -> None:
    for name in ("a", "b", "c"):
        here.path(name, b"x")
    _, err = here("encrypt", "a", "b", "c", "--format", "wire")
    assert err.count("fixed IV") == 1
    assert here("encrypt", "a", "b", "c")[1] == ""


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("dcbbad6765e14139a07d34b92292a672", "published default"),
        ("0123456789abcdef0123456789abcdee", "only 128 bits"),
        ("passwordpasswordpasswordpassword", "little variety"),
    ],
)
def test_weak_keys_are_called_out(bare: Here, monkeypatch: pytest.MonkeyPatch, secret: str, words: str) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", secret)
    bare.path("a", b"x")
    _, err = bare("encrypt", "a")
    assert words in err
    assert secret not in err


def test_a_wire_key_needs_an_iv(bare: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PARAM_DECRYPT_KEY", "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k")
    bare.path("a", b"x")
    assert "PARAM_DECRYPT_IV" in bare("encrypt", "a", "--format", "wire", status=2)[1]
    bare("encrypt", "a")
    assert bare.names() == ["a", "a.senseid"]


def test_no_key_on_the_command_line(here: Here, capsys: pytest.CaptureFixture[str]) -> None:
    """No option takes a secret, and one that is given in place of a name is not repeated."""
    secret = "KpVa523TPNhuOet9kbvt4ZQMqJya4Z3k"
    here.path("a", b"x")
    for words in (
        ["encrypt", "a", "--key", secret],
        ["encrypt", "a", "--key", secret + "=="],
        ["key", "generate", "=" + secret],
    ):
        out, err = here(*words, status=6 if words[-1] == secret else 2)
        assert secret not in "".join(out) + err
