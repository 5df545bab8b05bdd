"""Settings: where they come from, and which make no sense."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

import pytest

from senseid.errors import SettingError
from senseid_engine.device import Device
from senseid_service.settings import (
    VARIABLES,
    Limits,
    Role,
    Settings,
    Values,
    WorkerAddress,
    changed,
    gather,
    parse,
    shown,
)

if TYPE_CHECKING:
    from pathlib import Path


def settings(*, cores: int = 4, cpus: int = 4, **variables: str) -> Settings:
    return parse(gather({}, variables, None), physical_cores=cores, cpus=cpus)


def test_defaults() -> None:
    found = settings()
    assert (found.role, found.host, found.port, found.worker_port) == (Role.ALL, "127.0.0.1", 3000, 50050)
    assert (found.handlers, found.ui, found.metrics, found.api_keys) == (4, False, None, ())
    assert settings(cpus=2).handlers == 2
    assert settings(cores=1).handlers == 1
    assert settings(SENSEID_ROLE="worker").port == 50050


def test_an_option_before_the_environment_before_the_file(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HANDLES=1\nSENSEID_PORT=1\nSENSEID_QUEUE=1\nSENSEID_API_KEY='a$b ${HOME} #'\n# comment\nOTHER=x\n")
    values = gather({"SENSEID_PORT": "3"}, {"SENSEID_PORT": "2", "SENSEID_QUEUE": "2"}, file)
    found = parse(values, physical_cores=4, cpus=4)
    assert (found.port, found.limits.queue, found.handlers) == (3, 2, 1)
    assert found.api_keys == ("a$b ${HOME} #",)
    origins = {name: origin for name, _, origin in shown(values, found)}
    assert origins["SENSEID_PORT"] == "option"
    assert origins["SENSEID_QUEUE"] == "environment"
    assert origins["HANDLERS"] == str(file)
    assert origins["SENSEID_UI"] == "default"


def test_the_right_spelling_of_handlers_goes_first() -> None:
    assert settings(HANDLERS="2", HANDLES="3").handlers == 2
    assert settings(HANDLES="3").handlers == 3


def test_no_secret_is_shown() -> None:
    secrets = {"PARAM_DECRYPT_KEY": "secret-one", "PARAM_DECRYPT_IV": "secret-two", "SENSEID_API_KEY": "secret-three"}
    values = gather({}, secrets, None)
    found = parse(values, physical_cores=1, cpus=1)
    assert "secret-" not in repr(shown(values, found))
    assert "secret-" not in repr(found) + repr(values)


def test_where_networks_run() -> None:
    assert settings().device is Device.AUTO
    assert settings(SENSEID_DEVICE="OpenVINO").device is Device.OPENVINO
    with pytest.raises(SettingError, match="auto, cpu or openvino"):
        settings(SENSEID_DEVICE="tpu")
    with pytest.raises(SettingError, match="forked"):
        settings(SENSEID_DEVICE="cuda")
    assert settings(SENSEID_DEVICE="cuda", SENSEID_ROLE="api", WORKER_IP="127.0.0.1").device is Device.CUDA


def test_workers() -> None:
    workers = "10.0.0.1, worker.example:50051,https://[::1]:443,"
    found = settings(SENSEID_ROLE="api", WORKER_IP=workers, SENSEID_WORKER_KEY="key")
    assert found.workers == (
        WorkerAddress("http", "10.0.0.1", 50050),
        WorkerAddress("http", "worker.example", 50051),
        WorkerAddress("https", "::1", 443),
    )
    assert [worker.url for worker in found.workers][2] == "https://[::1]:443"


def test_metrics_and_origins() -> None:
    assert settings(SENSEID_METRICS="9464").metrics == ("127.0.0.1", 9464)
    assert settings(SENSEID_METRICS="[::]:9464").metrics == ("::", 9464)
    assert settings(SENSEID_CORS_ORIGINS="https://a.example, https://b.example").cors == (
        "https://a.example", "https://b.example",
    )  # fmt: skip


def test_api_keys_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\n\n two \n")
    assert settings(SENSEID_API_KEY="zero", SENSEID_API_KEY_FILE=str(tmp_path / "keys")).api_keys == (
        "zero", "one", "two",
    )  # fmt: skip
    (tmp_path / "keys").write_text("\n")
    with pytest.raises(SettingError, match="holds no key"):
        settings(SENSEID_API_KEY_FILE=str(tmp_path / "keys"))


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SENSEID_ROLE": "both"}, "SENSEID_ROLE is 'both', and must be all, api or worker"),
        ({"SENSEID_PORT": "x"}, "SENSEID_PORT is 'x', and must be a whole number from 0 to 65535"),
        ({"SENSEID_PORT": "65536"}, "must be a whole number from 0 to 65535"),
        ({"SENSEID_PORT": "-1"}, "must be a whole number"),
        ({"SENSEID_PORT": "9" * 5000}, "must be a whole number"),
        ({"SENSEID_PORT": "٣"}, "must be a whole number"),
        ({"HANDLERS": "0"}, "HANDLERS is '0', and must be a whole number from 1 on"),
        ({"HANDLERS": "5"}, "HANDLERS is 5, and this machine has 4 physical cores"),
        ({"SENSEID_UI": "yes"}, "must be true or false"),
        ({"SENSEID_UI": "true", "SENSEID_ROLE": "worker"}, "a worker serves no page"),
        ({"SENSEID_UI": "true", "SENSEID_SAMPLES": __file__}, "which is not a folder"),
        ({"SENSEID_SAMPLES": "/"}, "SENSEID_SAMPLES is for the page, which is off"),
        ({"SENSEID_QUEUE_SECONDS": "nan"}, "must be a number from 0.1 on"),
        ({"SENSEID_RATE": "-1"}, "must be a number from 0 on"),
        ({"SENSEID_DECISION_LOG_DAYS": "1e6"}, "must be a number from 0 to 36500"),
        ({"SENSEID_METRICS": "9" * 5000}, r"must be \[address:\]port"),
        ({"SENSEID_METRICS": "localhost"}, r"must be \[address:\]port"),
        ({"SENSEID_METRICS": "::1"}, r"must be \[address:\]port"),
        ({"SENSEID_ROLE": "api"}, "WORKER_IP is not set"),
        ({"SENSEID_ROLE": "api", "WORKER_IP": "ftp://a"}, "which is no address"),
        ({"SENSEID_ROLE": "api", "WORKER_IP": "a:99999"}, "which is no address"),
        ({"SENSEID_ROLE": "api", "WORKER_IP": "10.0.0..2"}, "which is no address"),
        ({"SENSEID_ROLE": "api", "WORKER_IP": "x" * 64}, "which is no address"),
        ({"SENSEID_ROLE": "api", "WORKER_IP": "http://user@a"}, "which is no address"),
        ({"SENSEID_ROLE": "api", "WORKER_IP": "a/path"}, "which is no address"),
        ({"SENSEID_TLS_CERT": "/nowhere"}, "names /nowhere, which is not a file"),
        ({"SENSEID_TLS_CERT": __file__}, "belong together"),
    ],
)
def test_what_makes_no_sense(variables: dict[str, str], words: str) -> None:
    with pytest.raises(SettingError, match=words):
        settings(**variables)


def test_an_api_may_have_as_many_handlers_in_its_env_file_as_it_likes() -> None:
    assert settings(SENSEID_ROLE="api", WORKER_IP="localhost", HANDLERS="64").role is Role.API


def test_an_env_file_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(SettingError, match="cannot be read: No such file"):
        gather({}, {}, tmp_path / "none")
    (tmp_path / "binary").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingError, match="it is not UTF-8"):
        gather({}, {}, tmp_path / "binary")
    with (tmp_path / "long").open("wb") as file:
        file.truncate(1 << 40)
    with pytest.raises(SettingError, match="it is over 65,536 bytes"):
        gather({}, {}, tmp_path / "long")


def test_an_api_key_that_no_header_can_carry(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("one\ntwo\tparts\n")
    for variables in (
        {"SENSEID_WORKER_KEY": "schlüssel"},
        {"SENSEID_API_KEY": "schlüssel"},
        {"SENSEID_API_KEY_FILE": str(tmp_path / "keys")},
    ):
        with pytest.raises(SettingError, match="no header can carry") as caught:
            settings(**variables)
        assert "schl" not in str(caught.value)


def test_what_changed_is_told_by_the_names_of_variables() -> None:
    """A reload says by them what a restart is needed for."""
    old = settings()
    new = settings(SENSEID_QUEUE="3", SENSEID_BODY_MB="7", HANDLERS="1", SENSEID_CORS_ORIGINS="*")
    assert changed(old, new) == ["HANDLERS", "SENSEID_CORS_ORIGINS", "SENSEID_QUEUE", "SENSEID_BODY_MB"]
    limits: dict[str, Any] = {each.name: -1 for each in fields(Limits)}
    others: dict[str, Any] = {each.name: object() for each in fields(Settings)}
    told = changed(old, Settings(**{**others, "limits": Limits(**limits)}))
    assert len(told) == len(fields(Settings)) - 1 + len(fields(Limits))
    assert set(told) <= {variable.name for variable in VARIABLES}


# Who may connect.


def test_a_link_opens_the_page_where_only_this_machine_reaches_it_and_the_keys_are_here() -> None:
    assert settings(SENSEID_UI="true").has_link
    assert not settings().has_link
    assert not settings(SENSEID_UI="true", SENSEID_HOST="0.0.0.0", SENSEID_API_KEY="key").has_link
    assert not settings(SENSEID_UI="true", SENSEID_ROLE="api", WORKER_IP="127.0.0.1").has_link


@pytest.mark.parametrize("role", ["all", "worker", "api"])
@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "host.example", "128.0.0.1"])
def test_no_key_and_an_address_beyond_this_machine(role: str, host: str) -> None:
    base = {"SENSEID_ROLE": role, "SENSEID_HOST": host, "WORKER_IP": "127.0.0.1"}
    with pytest.raises(SettingError, match=f"everybody who reaches {host} would be served") as caught:
        settings(**base)
    assert "--open" in caught.value.remedy
    assert settings(**base, SENSEID_OPEN="true").api_keys == ()
    assert settings(**base, SENSEID_API_KEY="key").api_keys == ("key",)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "[::1]", "localhost", "LocalHost"])
def test_no_key_and_this_machine_alone(host: str) -> None:
    assert settings(SENSEID_HOST=host).host == host.strip("[]")


def test_an_api_that_its_workers_cannot_know() -> None:
    base = {"SENSEID_ROLE": "api", "WORKER_IP": "127.0.0.1,10.0.0.2"}
    with pytest.raises(SettingError, match=r"SENSEID_WORKER_KEY is not set, and the worker 10\.0\.0\.2 could not tell"):
        settings(**base)
    assert settings(**base, SENSEID_OPEN="true").worker_key is None
    assert settings(SENSEID_ROLE="api", WORKER_IP="127.0.0.1").worker_key is None


def test_the_key_of_an_api_and_its_workers() -> None:
    api = {"SENSEID_ROLE": "api", "WORKER_IP": "10.0.0.2"}
    assert settings(**api, SENSEID_API_KEY="client").worker_key == "client"
    own = settings(**api, SENSEID_API_KEY="client", SENSEID_WORKER_KEY="w-secret")
    assert (own.worker_key, own.api_keys) == ("w-secret", ("client",))
    worker = settings(SENSEID_ROLE="worker", SENSEID_HOST="10.0.0.2", SENSEID_WORKER_KEY="w-secret")
    assert worker.api_keys == ("w-secret",)
    assert "w-secret" not in repr(own) + repr(worker)


def test_keys_of_workers_from_a_file_while_they_change(tmp_path: Path) -> None:
    (tmp_path / "keys").write_text("new\nold\n")
    file = {"SENSEID_WORKER_KEY_FILE": str(tmp_path / "keys")}
    worker = settings(SENSEID_ROLE="worker", SENSEID_HOST="10.0.0.2", **file)
    assert worker.api_keys == ("new", "old")
    api = settings(SENSEID_ROLE="api", WORKER_IP="10.0.0.2", SENSEID_API_KEY="client", **file)
    assert (api.worker_key, api.api_keys) == ("new", ("client",))
    (tmp_path / "keys").write_text("\n")
    with pytest.raises(SettingError, match=r"SENSEID_WORKER_KEY_FILE names .* which holds no key"):
        settings(SENSEID_ROLE="worker", **file)


# A `.env` file that nobody named.

WIDENING = {
    "SENSEID_HOST": "0.0.0.0",
    "SENSEID_OPEN": "true",
    "SENSEID_HOSTS": "page.example",
    "SENSEID_CORS_ORIGINS": "*",
    "SENSEID_METRICS": "0.0.0.0:9464",
    "SENSEID_SAMPLES": "/",
    "PARAM_DECRYPT_KEY_FILE": "/a",
}


def unnamed(folder: Path, text: str, **environment: str) -> Values:
    (folder / ".env").write_text(text)
    return gather({}, environment, folder / ".env", named=False)


def test_it_is_said_what_it_sets(tmp_path: Path) -> None:
    values = unnamed(tmp_path, "HANDLES=1\nSENSEID_QUEUE=3\nOTHER=x\n", SENSEID_QUEUE="4")
    assert values.texts == {"HANDLERS": "1", "SENSEID_QUEUE": "4"}
    assert values.notes == (f"{tmp_path}/.env of this folder, which was not named, sets HANDLES, SENSEID_QUEUE",)
    assert unnamed(tmp_path, "OTHER=x\n").notes == ()


@pytest.mark.parametrize("name", WIDENING)
def test_it_lets_nobody_in(tmp_path: Path, name: str) -> None:
    values = unnamed(tmp_path, f"{name}={WIDENING[name]}\n")
    assert values.texts == {}
    (text,) = values.notes
    assert text.startswith(f"{name} of {tmp_path}/.env counts for nothing")
    assert "--env-file" in text
    assert gather({}, {}, tmp_path / ".env").texts == {name: WIDENING[name]}


def test_its_keys_stand_beside_no_others(tmp_path: Path) -> None:
    text = "SENSEID_API_KEY=theirs\nPARAM_DECRYPT_KEY=theirs\nPARAM_DECRYPT_IV=theirs\n"
    assert set(unnamed(tmp_path, text).texts) == {"SENSEID_API_KEY", "PARAM_DECRYPT_KEY", "PARAM_DECRYPT_IV"}
    for name in ("SENSEID_API_KEY_FILE", "SENSEID_WORKER_KEY", "SENSEID_WORKER_KEY_FILE"):
        assert "SENSEID_API_KEY" not in unnamed(tmp_path, text, **{name: "mine"}).texts
    for name in ("PARAM_DECRYPT_KEY", "PARAM_DECRYPT_KEY_FILE"):
        found = unnamed(tmp_path, text, **{name: "mine"}).texts
        assert found == {"SENSEID_API_KEY": "theirs", name: "mine"}


def test_one_that_others_may_have_written(tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("HANDLES=1\n")
    (tmp_path / ".env").chmod(0o666)
    values = gather({}, {}, tmp_path / ".env", named=False)
    assert values.texts == {}
    assert "is not read: others may write to" in values.notes[0]
    assert gather({}, {}, tmp_path / ".env").texts == {"HANDLERS": "1"}
