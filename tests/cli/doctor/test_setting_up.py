"""Keys, settings, workers, and what an upgrade has to carry over."""

from __future__ import annotations

import http.server
import os
import shutil
import threading
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import pytest

from senseid.keys import KeySources
from senseid.version import __version__
from senseid_cli.doctor.finding import Finding, Status
from senseid_cli.doctor.keys import check_keys
from senseid_cli.doctor.licences import check_licences
from senseid_cli.doctor.settings import check_settings
from senseid_cli.doctor.upgrade import check_carried_settings, check_files
from senseid_cli.doctor.workers import check_worker
from senseid_crypto.key_folder import KeyFolder
from senseid_licensing.context import context_here
from senseid_licensing.product import Product
from senseid_licensing.quickstart import quickstart
from senseid_licensing.store import LicenceStore
from senseid_licensing.verified import VerifiedLicences, missing_licence
from senseid_service.settings import WorkerAddress

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

SECRET, IV = "kN3vQ0zR8sWc5TyA2bXe7LhJ1mPf9DgU", "uV4iB6oC0qZa"
GOOD = {"PARAM_DECRYPT_KEY": SECRET, "PARAM_DECRYPT_IV": IV}
PUBLISHED = {"PARAM_DECRYPT_KEY": "dcbbad6765e14139a07d34b92292a672", "PARAM_DECRYPT_IV": "df25d188a061"}


def the_only(found: list[Finding]) -> Finding:
    (one,) = found
    return one


# Keys.


def keys(folder: Path, environment: Mapping[str, str], *, needed: bool = True) -> list[Finding]:
    sources = KeySources(KeyFolder(folder / "keys"), environment, folder / ".env")
    found = check_keys(sources, needed=needed)
    assert SECRET not in repr(found)
    return found


def test_a_good_key(tmp_path: Path) -> None:
    found = the_only(keys(tmp_path, GOOD))
    assert found.status is Status.OK
    assert found.message.endswith("(environment)")


def test_no_key(tmp_path: Path) -> None:
    assert the_only(keys(tmp_path, {})).status is Status.NOTE
    assert the_only(keys(tmp_path, {}, needed=False)).status is Status.OK


def test_the_published_key(tmp_path: Path) -> None:
    found = the_only(keys(tmp_path, PUBLISHED))
    assert found.status is Status.NOTE
    assert "everybody has it" in found.message


def test_a_key_of_the_wrong_length(tmp_path: Path) -> None:
    found = the_only(keys(tmp_path, {**GOOD, "PARAM_DECRYPT_KEY": SECRET[1:]}))
    assert found.status is Status.PROBLEM
    assert "31 characters" in found.message


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX'")
def test_a_key_that_others_read(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text(f"PARAM_DECRYPT_KEY={SECRET}\nPARAM_DECRYPT_IV={IV}\n")
    file.chmod(0o644)
    found = the_only(keys(tmp_path, {}))
    assert (found.status, found.remedy) == (Status.PROBLEM, f"run `chmod 600 {file}`")
    file.chmod(0o640)
    assert the_only(keys(tmp_path, {})).status is Status.OK


# Settings.


def settings(environment: Mapping[str, str], env_file: Path | None = None) -> list[Finding]:
    return check_settings(environment, env_file, cores=4, cpus=2)[1]


def test_settings_that_hold(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HANDLERS=2\n")
    found = the_only(settings({"SENSEID_UI": "true"}, file))
    assert found.status is Status.OK
    assert found.message.startswith("role all, 2 set")


def test_settings_that_do_not(tmp_path: Path) -> None:
    settled, found = check_settings({"HANDLERS": "9"}, None, cores=4, cpus=2)
    assert settled is None
    assert the_only(found).status is Status.PROBLEM
    assert "HANDLERS is 9" in the_only(found).message
    assert the_only(settings({}, tmp_path / "none")).status is Status.PROBLEM
    (tmp_path / "cert.pem").write_text("nothing")
    pair = dict.fromkeys(("SENSEID_TLS_CERT", "SENSEID_TLS_KEY"), str(tmp_path / "cert.pem"))
    assert the_only(settings(pair)).status is Status.PROBLEM


def test_a_licence_under_another_name_is_named(tmp_path: Path) -> None:
    store = LicenceStore(tmp_path)
    stray = store.path(Product.FACE).with_name("SENSEID_FACE_0123abcd.lic")
    stray.parent.mkdir(parents=True)
    stray.write_text("whatever it is")
    context = context_here(now=datetime.now(UTC), version=__version__)
    found = check_licences(store.verify_all(context), store, needed=True)
    assert [str(stray) in one.remedy for one in found] == [True, False, False]


def test_names_that_nobody_reads(tmp_path: Path) -> None:
    file = tmp_path / ".env"
    file.write_text("HANDLRES=2\nFORCE_SET_SSE=true\nHANDLES=1\n")
    found = settings({"SENSEID_PROT": "1", "SENSEID_SOMETHING_ELSE_ENTIRELY": "1", "SENSEID_HOME": "/x"}, file)
    assert [(one.message.split()[0], one.remedy) for one in found[1:]] == [
        ("HANDLRES", "did you mean HANDLERS?"),
        ("FORCE_SET_SSE", "take it out"),
        ("SENSEID_PROT", "did you mean SENSEID_PORT?"),
    ]


def test_an_api_needs_no_licence(tmp_path: Path) -> None:
    store = LicenceStore(tmp_path)
    none = VerifiedLicences({}, {product: missing_licence(product) for product in Product})
    assert {one.status for one in check_licences(none, store, needed=False)} == {Status.NOTE}
    assert {one.status for one in check_licences(none, store, needed=True)} == {Status.PROBLEM}


# Workers.


class Worker(http.server.BaseHTTPRequestHandler):
    status = 200

    def do_GET(self) -> None:
        self.send_response(self.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def worker() -> Iterator[WorkerAddress]:
    with http.server.HTTPServer(("127.0.0.1", 0), Worker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield WorkerAddress("http", "127.0.0.1", server.server_address[1])
        server.shutdown()
        thread.join()


def test_a_worker_that_answers(worker: WorkerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    assert check_worker(worker, None).status is Status.OK


def test_a_worker_that_is_not_ready(worker: WorkerAddress, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Worker, "status", 503)
    assert "answers HTTP 503" in check_worker(worker, None).message


def test_a_worker_that_is_not_there() -> None:
    assert "does not answer" in check_worker(WorkerAddress("http", "127.0.0.1", 1), None).message


def test_a_worker_without_a_certificate(worker: WorkerAddress) -> None:
    found = check_worker(WorkerAddress("https", worker.host, worker.port), None)
    assert found.status is Status.PROBLEM


# Upgrades.


def licensed(home: Path, days: int) -> Path:
    context = context_here(now=datetime.now(UTC), version=__version__)
    quickstart(LicenceStore(home), context, licensee="test", entropy=os.urandom, days=days)
    return home


@pytest.fixture
def old(tmp_path: Path) -> Path:
    return licensed(tmp_path / "old", 30)


def test_everything_came_along(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.copytree(old, new)
    found = the_only(check_files(old, new))
    assert found.status is Status.OK
    assert the_only(check_files(old, old)).message == "the data directory is the same"


def test_what_did_not_come_along(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.copytree(old, new)
    (new / "license/senseid_face/senseid_face.lic").unlink()
    shutil.rmtree(new / "trust")
    found = the_only(check_files(old, new))
    assert found.status is Status.PROBLEM
    assert "license/senseid_face/senseid_face.lic, trust/roots/" in found.message
    assert found.remedy == f"run `cp -an {old}/. {new}/`"


def test_the_log_and_the_clocks_mark_stay(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.copytree(old, new)
    shutil.rmtree(new / "state")
    (old / "service").mkdir()
    (old / "service/log").write_text("{}")
    assert the_only(check_files(old, new)).status is Status.OK


def test_many_files_are_counted(old: Path, tmp_path: Path) -> None:
    for number in range(9):
        (old / f"keys{number}").write_bytes(b"")
    shutil.copytree(old, tmp_path / "new", ignore=shutil.ignore_patterns("keys*"))
    assert the_only(check_files(old, tmp_path / "new")).message.endswith(" and 4 more")


def test_a_licence_that_ends_earlier_than_before(old: Path, tmp_path: Path) -> None:
    new = tmp_path / "new"
    shutil.copytree(licensed(tmp_path / "older", 3), new)
    shutil.copytree(old, new, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.lic"))
    found = check_files(old, new)
    assert len(found) == 3
    assert f"senseid license install {old}/license/senseid_face" in found[0].remedy


def test_an_old_folder_that_is_not_there(tmp_path: Path) -> None:
    assert the_only(check_files(tmp_path / "none", tmp_path)).status is Status.PROBLEM


def test_settings_that_came_along(tmp_path: Path) -> None:
    (tmp_path / "old.env").write_text(f"PARAM_DECRYPT_KEY={SECRET}\nHANDLERS=2\n")
    (tmp_path / ".env").write_text("HANDLERS=2\n")
    found = check_carried_settings(tmp_path / "old.env", {"PARAM_DECRYPT_KEY": SECRET}, tmp_path / ".env")
    assert the_only(found).status is Status.OK


@pytest.mark.parametrize(("before", "now"), [("HANDLES", "HANDLERS"), ("HANDLERS", "HANDLES")])
def test_a_setting_that_came_along_under_its_other_name(tmp_path: Path, before: str, now: str) -> None:
    (tmp_path / "old.env").write_text(f"{before}=2\n")
    found = check_carried_settings(tmp_path / "old.env", {now: "2"}, None)
    assert the_only(found).status is Status.OK
    found = check_carried_settings(tmp_path / "old.env", {now: "3"}, None)
    assert (the_only(found).status, found[0].message) == (Status.NOTE, f"{before} is 3, and was 2")


def test_settings_that_did_not(tmp_path: Path) -> None:
    (tmp_path / "old.env").write_text(
        f"PARAM_DECRYPT_KEY={SECRET}\nPARAM_DECRYPT_IV={IV}\nHANDLERS=2\nWORKER_IP=10.0.0.1\nFORCE_SET_SSE=false\n"
    )
    (tmp_path / ".env").write_text(f"HANDLERS=4\nPARAM_DECRYPT_KEY={SECRET[::-1]}\nPARAM_DECRYPT_IV={IV}\n")
    found = check_carried_settings(tmp_path / "old.env", {}, tmp_path / ".env")
    assert [(one.status, one.message.removesuffix(f" of {tmp_path}/old.env")) for one in found] == [
        (Status.NOTE, "PARAM_DECRYPT_KEY is another value"),
        (Status.NOTE, "HANDLERS is 4, and was 2"),
        (Status.PROBLEM, f"WORKER_IP is set in {tmp_path}/old.env and not here"),
        (Status.NOTE, f"FORCE_SET_SSE of {tmp_path}/old.env is no setting of this version"),
    ]
    assert SECRET not in repr(found)


def test_old_settings_that_are_not_there(tmp_path: Path) -> None:
    found = the_only(check_carried_settings(tmp_path / "none", {}, None))
    assert (found.status, found.remedy) == (Status.PROBLEM, "name the .env file of the version before")


def test_new_settings_that_are_not_there(tmp_path: Path) -> None:
    (tmp_path / "old.env").write_text("HANDLERS=2\n")
    found = the_only(check_carried_settings(tmp_path / "old.env", {}, tmp_path / "none"))
    assert (found.status, found.remedy) == (Status.PROBLEM, "check the path after --env-file")
