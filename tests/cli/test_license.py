"""`senseid license`: what an operator and a vendor see."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
import sys
import zipfile
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import typer
from typer.testing import CliRunner

from senseid import installation
from senseid.version import __version__
from senseid_cli.commands import license as license_command
from senseid_cli.commands import license_vendor, udid
from senseid_licensing import errors
from senseid_licensing.context import context_here
from senseid_licensing.instant import format_instant
from senseid_licensing.platforms import platform_name
from senseid_licensing.policy import TrustPolicy
from senseid_licensing.public_key import PublicKey
from senseid_licensing.store import LicenceStore
from senseid_licensing.udid.fingerprint import printable_udid
from senseid_licensing.udid.udid_file import parse_udid_file

if TYPE_CHECKING:
    from typer.testing import Result


@pytest.fixture
def app() -> typer.Typer:
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.add_typer(license_command.app, name="license")
    app.command("udid")(udid.udid)
    return app


class Senseid:
    """Runs the command line in this process, in a data directory and a working directory of its own."""

    def __init__(self, app: typer.Typer) -> None:
        self._app = app

    def __call__(self, *words: str, code: int = 0, stdin: str | None = None) -> Result:
        result = CliRunner().invoke(self._app, words, input=stdin, catch_exceptions=False)
        assert result.exit_code == code, result.output
        return result

    def objects(self, *words: str, code: int = 0) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self(*words, "--json", code=code).stdout.splitlines()]


@pytest.fixture
def senseid(app: typer.Typer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Senseid:
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SENSEID_HOME", str(tmp_path / "home"))
    monkeypatch.delenv(license_vendor.PASSPHRASE_VARIABLE, raising=False)
    return Senseid(app)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def vendor(senseid: Senseid) -> Senseid:
    """A vendor's key that this machine trusts, and this machine's UDID.txt."""
    senseid("license", "keygen", "vendor.key", "--no-passphrase", "--trust")
    senseid("udid")
    return senseid


def issue(senseid: Senseid, *words: str) -> list[Path]:
    command = ("license", "issue", "--key", "vendor.key", "--licensee", "Acme", *words)
    return [Path(found["path"]) for found in senseid.objects(*command)]


# quickstart, check, show.


def test_nothing_installed_says_what_to_do(senseid: Senseid) -> None:
    result = senseid("license", "check", code=4)
    assert result.stdout.count("STID_E_FILE_NOT_FOUND (-7)") == 3
    assert result.stderr.count("hint: ") == 3
    assert "license quickstart" in result.stderr


def test_quickstart_then_check(senseid: Senseid, home: Path) -> None:
    result = senseid("license", "quickstart")
    assert result.stdout.count("installed senseid_") == 3
    assert "made the root key" in result.stderr
    assert "no passphrase" in result.stderr
    lines = senseid("license", "check").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [
        ["senseid_face", "ok"], ["senseid_kestrel", "ok"], ["senseid_liveness", "ok"],
    ]  # fmt: skip
    again = senseid("license", "quickstart", "--licensee", "Me", "--days", "3")
    assert again.stdout.count("replaced senseid_") == 3
    assert "kept the root key" in again.stderr
    assert (home / "license/senseid_face/senseid_face.lic").is_file()
    soon = senseid("license", "check")
    assert "expiring" in soon.stdout
    assert "hint: senseid_face: ask your vendor for a new one" in soon.stderr


def test_check_for_machines(senseid: Senseid) -> None:
    missing = senseid.objects("license", "check", code=4)
    assert [(row["product"], row["status"], row["error"], row["value"]) for row in missing] == [
        (product, "missing", "STID_E_FILE_NOT_FOUND", -7)
        for product in ("senseid_face", "senseid_kestrel", "senseid_liveness")
    ]
    made = senseid.objects("license", "quickstart")
    assert [row["days_left"] for row in made] == [30, 30, 30]
    face = senseid.objects("license", "check")[0]
    assert face["id"] == made[0]["id"]
    assert (face["status"], face["error"], face["value"], face["hardware_changed"]) == ("ok", "STID_OK", 0, [])
    assert face["days_left"] in (29, 30)
    assert "compare" in face["capabilities"]


def test_one_bad_licence_fails_the_check_and_a_missing_one_does_where_it_is_required(
    vendor: Senseid, home: Path
) -> None:
    for product in ("senseid_face", "senseid_kestrel"):
        (path,) = issue(vendor, "--udid", "UDID.txt", "--days", "99", "--product", product)
        vendor("license", "install", str(path))
    result = vendor("license", "check")
    assert "STID_E_FILE_NOT_FOUND" in result.stdout
    assert result.stderr == ""
    required = vendor("license", "check", "--require", code=4)
    assert required.stdout == result.stdout
    assert required.stderr.startswith("hint: senseid_liveness: install one")
    assert required.stderr.count("\n") == 1
    wrong = home / "license/senseid_liveness/senseid_liveness.lic"
    wrong.parent.mkdir(parents=True)
    wrong.write_bytes((home / "license/senseid_face/senseid_face.lic").read_bytes())
    bad = vendor("license", "check", code=4)
    assert f"senseid_liveness  refused   STID_E_INVALID_AUTH (-13): {wrong}" in bad.stdout
    assert "hint: senseid_liveness: place it as senseid_face.lic" in bad.stderr


def test_check_fails_where_nothing_works(vendor: Senseid) -> None:
    """Faces are found by senseid_kestrel: without it, the two others open nothing that is of use alone."""
    for product in ("senseid_face", "senseid_liveness"):
        (path,) = issue(vendor, "--any-machine", "--days", "99", "--product", product)
        vendor("license", "install", str(path))
    result = vendor("license", "check", code=4)
    assert "hint: senseid_kestrel: install one" in result.stderr
    vendor("license", "quickstart")
    vendor("license", "check", "--require")
    (path,) = issue(vendor, "--any-machine", "--days", "99", "--product", "senseid_kestrel", "--capability", "serve")
    vendor("license", "install", str(path))
    vendor("license", "check")
    for product in ("senseid_face", "senseid_liveness"):
        (path,) = issue(vendor, "--any-machine", "--days", "99", "--product", product, "--capability", "serve")
        vendor("license", "install", str(path))
    assert vendor("license", "check", code=4).stderr == (
        "hint: no command works with these licences: `senseid doctor` says what each of them lacks\n"
    )


def test_check_warns_in_the_grace_period(vendor: Senseid) -> None:
    ended = format_instant(datetime.now(UTC) - timedelta(days=1))
    dates = ("--not-before", "2020-01-01T00:00:00Z", "--not-after", ended, "--grace-days", "9")
    (path,) = issue(vendor, "--any-machine", "--product", "senseid_face", *dates)
    vendor("license", "install", str(path))
    result = vendor("license", "check", code=4)
    assert f"senseid_face      grace     expired at {ended}, works until " in result.stdout
    assert "hint: senseid_face: renew it" in result.stderr
    assert vendor.objects("license", "check", code=4)[0]["days_left"] < 0


def test_check_warns_of_hardware_that_changed(vendor: Senseid) -> None:
    components = parse_udid_file(Path("UDID.txt").read_bytes())
    if len(components) < 2:
        pytest.skip("this machine shows too little hardware to change some of it")
    bound = {**components, "system": "0" * 32}
    lines = [printable_udid(bound), *(f"{kind} {value}" for kind, value in bound.items())]
    Path("UDID.txt").write_text("\n".join(lines))
    (path,) = issue(vendor, "--udid", "UDID.txt", "--days", "99", "--product", "senseid_face")
    vendor("license", "install", str(path))
    assert "hint: senseid_face: this machine's system changed" in vendor("license", "check", code=4).stderr
    assert vendor.objects("license", "check", code=4)[0]["hardware_changed"] == ["system"]


def test_quickstart_keeps_a_vendors_licence(vendor: Senseid) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face")
    vendor("license", "install", str(path))
    result = vendor("license", "quickstart")
    assert "kept the licence of another vendor for senseid_face" in result.stderr
    assert result.stdout.count("installed ") == 2


def test_show(vendor: Senseid) -> None:
    with pytest.raises(errors.LicenceMissingError):
        vendor("license", "show")
    (path,) = issue(vendor, "--any-machine", "--days", "5", "--product", "senseid_face", "--below-version", "1.10")
    vendor("license", "install", str(path))
    shown = vendor("license", "show").stdout
    for line in ("licensee       Acme", "machine        any", "versions       below 1.10", "platforms      any"):
        assert line in shown
    (terms,) = vendor.objects("license", "show", "senseid_face")
    assert (terms["licensee"], terms["versions"]) == ("Acme", {"below": "1.10", "from": None})
    with pytest.raises(errors.LicenceMissingError):
        vendor("license", "show", "senseid_liveness")


# install, renew, inspect.


def test_install_takes_any_name_and_refuses_before_it_writes(vendor: Senseid, home: Path, tmp_path: Path) -> None:
    (path,) = issue(vendor, "--udid", "UDID.txt", "--days", "9", "--product", "senseid_liveness")
    assert path.name.startswith("SENSEID_LIVENESS_")
    path.rename("my file 日本")
    assert vendor.objects("license", "install", "my file 日本")[0]["product"] == "senseid_liveness"
    installed = home / "license/senseid_liveness/senseid_liveness.lic"
    before = installed.read_bytes()
    Path("bad.lic").write_bytes(before.replace(b"Acme", b"Evil"))
    with pytest.raises(errors.SignatureError, match=r"bad\.lic: the signature"):
        vendor("license", "install", "bad.lic")
    with pytest.raises(errors.LicenceMissingError, match=r"none\.lic"):
        vendor("license", "install", "none.lic")
    with pytest.raises(errors.UnreadableError):
        vendor("license", "install", str(tmp_path))
    assert installed.read_bytes() == before


def test_the_way_out_of_a_clock_that_ran_ahead(senseid: Senseid, home: Path) -> None:
    senseid("license", "quickstart")
    store = LicenceStore(home)
    ahead = datetime.now(UTC) + timedelta(days=20)
    store.verify_all(context_here(now=ahead, version=__version__))
    assert "run `senseid license reset-clock`" in senseid("license", "check", code=4).stderr
    told = senseid("license", "reset-clock").stdout
    assert told.endswith(f"; it was {format_instant(ahead)}\n")
    senseid("license", "check")
    (home / "state/clock.json").unlink()
    (found,) = senseid.objects("license", "reset-clock")
    assert (found["seen"], found["now"][:4]) == (None, str(datetime.now(UTC).year))


@pytest.mark.parametrize("year", [1970, 2099])
def test_a_wrong_clock_is_called_that(vendor: Senseid, home: Path, monkeypatch: pytest.MonkeyPatch, year: int) -> None:
    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:
            return datetime(year, 1, 1, tzinfo=tz)

    vendor("license", "quickstart")
    monkeypatch.setattr(license_vendor, "datetime", Wrong)
    monkeypatch.setattr(installation.datetime, "datetime", Wrong)
    before = {path: path.read_bytes() for path in home.rglob("*") if path.is_file()}
    sign = ("license", "issue", "--key", "vendor.key", "--licensee", "x", "--any-machine", "--days", "9")
    for words in (("license", "quickstart"), ("license", "reset-clock"), sign):
        with pytest.raises(errors.ClockError, match=f"^the clock shows {year}-01-01T00:00:00Z, which cannot be$"):
            vendor(*words)
    checked = vendor("license", "check", code=4)
    assert checked.stdout.count(f"the clock shows {year}-01-01T00:00:00Z, which cannot be") == 3
    assert checked.stderr.count("set the clock right") == 3
    assert {path: path.read_bytes() for path in home.rglob("*") if path.is_file()} == before


def test_renew_wants_a_later_end(vendor: Senseid) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face")
    vendor("license", "install", str(path))
    with pytest.raises(errors.ArgumentError, match="not later"):
        vendor("license", "renew", str(path))
    (longer,) = issue(vendor, "--any-machine", "--days", "19", "--product", "senseid_face")
    # Issued and renewed in two seconds, it has no 19 whole days left.
    assert re.search("renewed senseid_face: (19|18) days left", vendor("license", "renew", str(longer)).stdout)


def test_a_refusal_names_the_file_that_is_to_blame(vendor: Senseid, home: Path) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face")
    installed = home / "license/senseid_face/senseid_face.lic"
    with pytest.raises(errors.LicenceMissingError, match=f"^{installed}: there is no licence"):
        vendor("license", "renew", str(path))
    root = home / "trust/roots/x.pub"
    root.write_text("junk")
    with pytest.raises(errors.KeyFileError, match=f"^{root}: not a public key"):
        vendor("license", "install", str(path))
    root.unlink()
    installed.parent.mkdir(parents=True)
    installed.write_text("damaged")
    assert "renewed senseid_face" in vendor("license", "renew", str(path)).stdout


def test_a_broken_root_key_is_named(senseid: Senseid, home: Path) -> None:
    senseid("license", "quickstart")
    key = home / "vendor/root.key"
    key.write_text("{")
    with pytest.raises(errors.KeyFileError, match=f"^{key}: the key file is broken"):
        senseid("license", "quickstart")


def test_inspect_trusts_nothing(vendor: Senseid) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face")
    path.write_bytes(path.read_bytes().replace(b"Acme", b"Evil"))
    result = vendor("license", "inspect", str(path))
    assert "licensee       Evil" in result.stdout
    assert "not verified" in result.stderr
    (shown,) = vendor.objects("license", "inspect", str(path))
    assert (shown["verified"], shown["licensee"]) == (False, "Evil")
    Path("x.lic").write_text("x")
    with pytest.raises(errors.FormatError, match=r"x\.lic: "):
        vendor("license", "inspect", "x.lic")


def test_inspect_tells_keys_lists_and_machines_apart(vendor: Senseid) -> None:
    Path("phrase").write_text("correct horse\n")
    vendor("license", "keygen", "sealed.key", "--passphrase-file", "phrase")
    vendor("license", "revoke", "ab" * 16, "--key", "vendor.key", "--out", "revoked.json")
    vendor("udid")
    told = {
        name: vendor.objects("license", "inspect", name)[0]
        for name in ("sealed.key", "sealed.pub", "revoked.json", "UDID.txt")
    }
    assert not any(facts["verified"] for facts in told.values())
    assert [facts["kind"] for facts in told.values()] == ["private key", "public key", "revocation list", "machine"]
    assert told["sealed.key"]["key"] == told["sealed.pub"]["key"]
    assert told["sealed.key"]["sealed"] is True
    assert told["revoked.json"]["ids"] == ["ab" * 16]
    assert told["UDID.txt"]["udid"] == Path("UDID.txt").read_text().split()[0]
    shown = vendor("license", "inspect", "sealed.key")
    key = told["sealed.key"]["key"]
    assert shown.stdout == f"kind           private key\nkey            {key}\nsealed         yes\n"
    assert shown.stderr == "note: not verified\n"


@pytest.mark.parametrize(
    ("kinds", "says"),
    [
        (("board", "cpu", "disk"), "a weak binding (board, cpu, disk): whoever has another machine of the same model"),
        (("cpu", "disk", "nic"), "a weak binding (cpu, disk, nic): whoever fakes one component of this machine"),
        (("disk", "nic"), ""),
    ],
)
def test_issue_says_how_little_moves_a_licence(vendor: Senseid, kinds: tuple[str, ...], says: str) -> None:
    components = dict.fromkeys(kinds, "0" * 32)
    lines = [printable_udid(components), *(f"{kind} {value}" for kind, value in sorted(components.items()))]
    Path("UDID.txt").write_text("\n".join(lines))
    command = ("license", "issue", "--key", "vendor.key", "--licensee", "Acme", "--days", "9", "--udid", "UDID.txt")
    shown = vendor(*command).stderr
    assert says in shown
    assert ("weak binding" in shown) is bool(says)


def test_inspect_shows_whom_a_licence_comes_from(vendor: Senseid) -> None:
    vendor("license", "keygen", "reseller.key", "--no-passphrase")
    (above,) = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face", "--delegate", "reseller.pub")
    command = ("license", "issue", "--key", "reseller.key", "--parent", str(above), "--licensee", "Acme/Shop")
    (path,) = [found["path"] for found in vendor.objects(*command, "--any-machine", "--days", "8")]
    (terms,) = vendor.objects("license", "inspect", path)
    (parent,) = terms["parents"]
    assert (parent["licensee"], parent["id"]) == ("Acme", terms["parent"])
    shown = vendor("license", "inspect", path).stdout
    until = parent["not_after"]
    assert f"parent         {parent['id']} of Acme, until {until}, key {parent['signed_by']}\n" in shown


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no named pipes in its file system")
@pytest.mark.parametrize(
    "place", ["license/senseid_face/senseid_face.lic", "license/revoked.json", "trust/roots/x.pub", "state/clock.json"]
)
def test_a_pipe_in_the_place_of_a_file_is_refused_at_once(senseid: Senseid, home: Path, place: str) -> None:
    senseid("license", "quickstart")
    Path("pipe").unlink(missing_ok=True)
    os.mkfifo("pipe")
    (home / place).unlink(missing_ok=True)
    os.mkfifo(home / place)
    refused = f"{home / place}: the .* cannot be read: it is not a regular file"
    assert re.search(refused, senseid("license", "check", code=4).stdout)
    with pytest.raises(errors.UnreadableError, match=refused):
        senseid("license", "show", "senseid_face")
    for words in (("install",), ("renew",), ("inspect",)):
        with pytest.raises(errors.UnreadableError, match=r"^pipe: the .* cannot be read: it is not a regular file"):
            senseid("license", *words, "pipe")


def test_a_licence_with_a_byte_order_mark_is_read(vendor: Senseid) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face")
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    assert "licensee       Acme" in vendor("license", "inspect", str(path)).stdout
    assert "installed senseid_face" in vendor("license", "install", str(path)).stdout
    assert "days left" in vendor("license", "show", "senseid_face").stdout
    Path("vendor.pub").write_bytes(b"\xef\xbb\xbf" + Path("vendor.pub").read_bytes())
    Path("terms.toml").write_bytes(b"\xef\xbb\xbfany-machine = true\ndelegate = 'vendor.pub'\ndays = 5\n")
    assert issue(vendor, "--terms", "terms.toml", "--product", "senseid_face")


# keygen, issue, revoke.


def test_keygen_seals_never_overwrites_and_never_guesses(senseid: Senseid, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(errors.ArgumentError, match="no passphrase was given"):
        senseid("license", "keygen", "a.key")
    with pytest.raises(errors.ArgumentError, match="the public key's ending"):
        senseid("license", "keygen", "a.pub", "--no-passphrase")
    assert list(Path().iterdir()) == []
    Path("phrase").write_text("from a file\n")
    senseid("license", "keygen", "a.key", "--passphrase-file", "phrase")
    assert (Path("a.key").stat().st_mode & 0o777) == 0o600
    with pytest.raises(errors.ArgumentError, match=r"a\.key: there is a file already"):
        senseid("license", "keygen", "a.key", "--no-passphrase")
    monkeypatch.setenv(license_vendor.PASSPHRASE_VARIABLE, "from the environment")
    (made,) = senseid.objects("license", "keygen", "b.key")
    assert made["private"] == "b.key"
    command = ("license", "issue", "--licensee", "x", "--any-machine", "--days", "1", "--product", "senseid_face")
    with pytest.raises(errors.KeyFileError, match=r"a\.key: the passphrase is wrong"):
        senseid(*command, "--key", "a.key")
    senseid(*command, "--key", "b.key")
    senseid(*command, "--key", "a.key", "--passphrase-file", "phrase")
    Path("phrase").write_text("\n")
    with pytest.raises(errors.ArgumentError, match="first line is empty"):
        senseid(*command, "--key", "a.key", "--passphrase-file", "phrase")


def test_names_that_no_key_can_have(senseid: Senseid) -> None:
    for name in ("", ".", "/"):
        with pytest.raises(errors.ArgumentError, match="is no name for a file"):
            senseid("license", "keygen", name, "--no-passphrase")


def test_a_passphrase_of_other_bytes_than_utf_8(senseid: Senseid, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replaced by a sign for 'unreadable', any two of them would open each other's keys."""
    Path("phrase").write_bytes(b"caf\xe9\r\nsecond line")
    with pytest.raises(errors.ArgumentError, match=r"^phrase: the passphrase is not UTF-8"):
        senseid("license", "keygen", "a.key", "--passphrase-file", "phrase")
    monkeypatch.setenv(license_vendor.PASSPHRASE_VARIABLE, "\udce9")
    with pytest.raises(errors.ArgumentError, match=r"^SENSEID_KEY_PASSPHRASE: the passphrase is not UTF-8"):
        senseid("license", "keygen", "a.key")
    assert not Path("a.key").exists()
    Path("phrase").write_bytes("café\r\nsecond line".encode())
    assert license_vendor.read_passphrase(Path("phrase"), ask=False) == "café"


def test_nobody_is_asked_where_there_is_no_input(monkeypatch: pytest.MonkeyPatch) -> None:
    """As with `<&-` in a shell."""
    monkeypatch.delenv(license_vendor.PASSPHRASE_VARIABLE, raising=False)
    monkeypatch.setattr(license_vendor.sys, "stdin", None)
    assert license_vendor.read_passphrase(None, ask=True) is None


def test_a_vendors_build_takes_no_other_root(senseid: Senseid, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LicenceStore, "policy", TrustPolicy("embedded", (PublicKey(b"\2" * 32),)))
    with pytest.raises(errors.ArgumentError, match="believes its vendor's keys only"):
        senseid("license", "keygen", "a.key", "--no-passphrase", "--trust")
    assert list(Path().iterdir()) == []
    assert not home.exists()


def test_a_passphrase_is_asked_for_on_a_terminal(senseid: Senseid, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal:
        """Only what tells that somebody sits there; the prompt itself is Typer's, fed by the test's input."""

        @staticmethod
        def isatty() -> bool:
            return True

    monkeypatch.setattr(license_vendor.sys, "stdin", Terminal())
    asked: list[bool] = []

    def prompt(*_: object, hide_input: bool, confirmation_prompt: bool, **__: object) -> str:
        assert hide_input
        asked.append(confirmation_prompt)
        return "typed"

    monkeypatch.setattr(typer, "prompt", prompt)
    assert license_vendor.read_passphrase(None, ask=True, confirm=True) == "typed"
    assert license_vendor.read_passphrase(None, ask=True) == "typed"
    assert license_vendor.read_passphrase(None, ask=False) is None
    assert asked == [True, False]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("--any-machine", "--days", "1"), "needs a licensee"),
        (("--licensee", "x", "--days", "1"), "which machine"),
        (("--licensee", "x", "--days", "1", "--any-machine", "--udid", "UDID.txt"), "which machine"),
        (("--licensee", "x", "--any-machine"), "how long"),
        (("--licensee", "x", "--any-machine", "--days", "1", "--not-after", "2030-01-01T00:00:00Z"), "how long"),
        (("--licensee", "x", "--any-machine", "--not-after", "2030"), "is not a time"),
        (("--licensee", "x", "--any-machine", "--not-after", ""), "is not a time"),
        (("--licensee", "x", "--any-machine", "--days", "1", "--not-before", ""), "is not a time"),
        (("--licensee", "x", "--any-machine", "--days", "1", "--from-version", ""), "no version bound"),
        (("--licensee", "\udcff", "--any-machine", "--days", "1"), "no canonical form"),
        (("--licensee", "x", "--any-machine", "--days", "1", "--platform", "Linux"), "not a platform"),
        (("--licensee", "x", "--any-machine", "--days", "1", "--from-version", "one"), "no version bound"),
        (("--licensee", "x\ny", "--any-machine", "--days", "1"), "licence.licensee is not a printable text"),
        (("--licensee", "x", "--udid", "none.txt", "--days", "1"), "no such UDID file"),
        (
            ("--licensee", "x", "--any-machine", "--days", "1", "--delegate", "vendor.key"),
            "vendor.key: not a public key",
        ),
    ],
)
def test_what_issue_refuses(vendor: Senseid, words: tuple[str, ...], says: str) -> None:
    with pytest.raises(errors.LicensingError, match=says):
        vendor("license", "issue", "--key", "vendor.key", *words)
    assert not list(Path().glob("*.lic"))


def test_issue_writes_the_file_that_it_is_told(vendor: Senseid) -> None:
    one = ("--any-machine", "--days", "9", "--product", "senseid_face")
    assert issue(vendor, *one, "--out", "new/x.lic") == [Path("new/x.lic")]
    assert vendor.objects("license", "install", "new/x.lic")[0]["product"] == "senseid_face"
    before = Path("new/x.lic").read_bytes()
    command = ("license", "issue", "--key", "vendor.key", "--licensee", "Acme")
    with pytest.raises(errors.ArgumentError, match=r"^new/x\.lic: there is a file already"):
        vendor(*command, *one, "--out", "new/x.lic")
    assert Path("new/x.lic").read_bytes() == before
    logged = Path("vendor.issued.ndjson").read_bytes()
    with pytest.raises(errors.ArgumentError, match=r"^y\.lic: is one file, and these are 3 licences"):
        vendor(*command, "--any-machine", "--days", "9", "--out", "y.lic")
    assert not Path("y.lic").exists()
    assert Path("vendor.issued.ndjson").read_bytes() == logged
    Path("folder.lic").mkdir()
    assert [path.parent for path in issue(vendor, *one, "--out", "folder.lic")] == [Path("folder.lic")]


def test_a_licence_for_another_machine(vendor: Senseid) -> None:
    components = {"cpu": "0" * 32, "disk": "1" * 32, "nic": "2" * 32}
    lines = [printable_udid(components), *(f"{kind} {value}" for kind, value in components.items())]
    Path("other.txt").write_text("\r\n".join(lines))
    (path,) = issue(vendor, "--udid", "other.txt", "--days", "5", "--product", "senseid_face")
    with pytest.raises(errors.UdidMismatchError, match=r"SENSEID_FACE_.*: the licence is for another machine"):
        vendor("license", "install", str(path))


def test_a_delegate_issues_within_its_own_licence(vendor: Senseid) -> None:
    vendor("license", "keygen", "reseller.key", "--no-passphrase")
    face = ("--product", "senseid_face", "--days", "50")
    here = platform_name(platform.system(), platform.machine())
    limits = ("--capability", "compare", "--platform", here, "--below-version", "99")
    (parent,) = issue(vendor, "--any-machine", *face, *limits, "--delegate", "reseller.pub")
    assert "use            issuing licences" in vendor("license", "inspect", str(parent)).stdout
    with pytest.raises(errors.ProductError, match="none to use"):
        vendor("license", "install", str(parent))
    child = ("license", "issue", "--key", "reseller.key", "--parent", str(parent), "--udid", "UDID.txt")
    words = ("--licensee", "Acme/Shop", "--days", "5")
    with pytest.raises(errors.WideningError):
        vendor(*child, *words, "--capability", "omni")
    # The first product could be signed, the second could not: then neither is written or logged.
    with pytest.raises(errors.WideningError):
        vendor(*child, *words, "--product", "senseid_face", "--product", "senseid_kestrel")
    assert not Path("reseller.issued.ndjson").exists()
    assert list(Path().glob("*.lic")) == [parent]
    (found,) = vendor.objects(*child, *words)
    (terms,) = vendor.objects("license", "inspect", found["path"])
    assert (terms["capabilities"], terms["platforms"]) == (["compare"], [here])
    assert terms["versions"] == {"from": None, "below": "99"}
    (logged,) = map(json.loads, Path("reseller.issued.ndjson").read_text().splitlines())
    assert {"verified": False, "signed_by": logged["key"], **logged["licence"], "parents": terms["parents"]} == terms
    # A bound that is not said is the parent's.
    (later,) = vendor.objects(*child, *words, "--from-version", "0.0.1")
    (terms,) = vendor.objects("license", "inspect", later["path"])
    assert terms["versions"] == {"from": "0.0.1", "below": "99"}
    vendor("license", "install", found["path"])
    assert "licensed to Acme/Shop" in vendor("license", "check", code=4).stdout


def test_every_issued_licence_is_logged(vendor: Senseid) -> None:
    paths = issue(vendor, "--any-machine", "--days", "5")
    assert len(paths) == 3
    log = [json.loads(line) for line in Path("vendor.issued.ndjson").read_text().splitlines()]
    assert [entry["licence"]["product"] for entry in log] == ["senseid_face", "senseid_kestrel", "senseid_liveness"]


def test_terms_may_come_from_a_toml_file_and_the_command_line_goes_first(vendor: Senseid) -> None:
    Path("terms.toml").write_text(
        'licensee = "From TOML"\nproduct = ["senseid_face"]\nany-machine = true\ngrace-days = 3\n'
        "not-after = 2099-12-31T23:59:59Z\ncapability = ['compare', 'omni']\nkey = 'vendor.key'\n"
    )
    (found,) = vendor.objects("license", "issue", "--terms", "terms.toml", "--grace-days", "4")
    (terms,) = vendor.objects("license", "inspect", found["path"])
    assert (terms["licensee"], terms["grace_days"]) == ("From TOML", 4)
    assert (terms["not_after"], terms["capabilities"]) == ("2099-12-31T23:59:59Z", ["compare", "omni"])
    other = "licensee = 'x'\nany-machine = true\nkey = 'vendor.key'\n"
    for text, says in (
        ("=", "not TOML"),
        ("seats = 5", "no option --seats"),
        (f"x = {'[' * 5000}", "not TOML"),
        (f"{other}days = 1\n{'#' * 65536}", "larger than 64 KiB"),
        ("terms = 'other.toml'", "no option --terms"),
        ("help = true", "no option --help"),
        ("days = 1.5", "days must be a whole number"),
        ("days = true", "days must be a whole number"),
        ("licensee = 5", "licensee must be a text"),
        ("key = ['vendor.key']", "key must be a text"),
        ("out = {a = 1}", "out must be a text"),
        ("any-machine = 'maybe'", "any-machine must be true or false"),
        ("capability = 'compare'", "capability must be a list of texts"),
        ("capability = ['compare', 5]", "capability must be a list of texts"),
        ("capability = []", "capability must be a list of texts"),
        (f"{other}not-after = 2099-12-31", "is not a time"),
        (f"{other}not-after = 2099-12-31T23:59:59", "is not a time"),
    ):
        Path("terms.toml").write_text(text)
        with pytest.raises(errors.ArgumentError, match=says):
            vendor("license", "issue", "--terms", "terms.toml")


def test_revoke(vendor: Senseid) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "50", "--product", "senseid_face")
    identity = vendor.objects("license", "install", str(path))[0]["id"]
    vendor("license", "revoke", "0" * 32, "--key", "vendor.key")
    vendor("license", "revoke", identity, "--key", "vendor.key")
    result = vendor("license", "check", code=4)
    assert "withdrawn by its issuer" in result.stdout
    vendor("license", "revoke", identity, "--key", "vendor.key", "--out", "list.json")
    assert identity in Path("list.json").read_text()


def test_a_list_that_would_lock_this_machine_is_not_installed(vendor: Senseid, home: Path) -> None:
    vendor("license", "keygen", "other.key", "--no-passphrase")
    with pytest.raises(errors.ArgumentError, match="is not trusted here"):
        vendor("license", "revoke", "0" * 32, "--key", "other.key")
    assert not (home / "license").exists()
    vendor("license", "revoke", "0" * 32, "--key", "other.key", "--out", "list.json")
    before = Path("list.json").read_bytes()
    with pytest.raises(errors.ArgumentError, match=r"^list\.json: the list so far is signed by"):
        vendor("license", "revoke", "1" * 32, "--key", "vendor.key", "--out", "list.json")
    # The beginning of an id, as files of licences are named by it, would revoke nothing.
    with pytest.raises(errors.ArgumentError, match=r"^list\.json: .*ids of 16 to 64"):
        vendor("license", "revoke", "0" * 8, "--key", "other.key", "--out", "list.json")
    assert Path("list.json").read_bytes() == before


def test_a_missing_key_is_said(senseid: Senseid, home: Path) -> None:
    with pytest.raises(errors.LicenceMissingError, match=r"root\.key: there is no such private key"):
        senseid("license", "revoke", "0" * 32)
    assert not home.exists()


def test_embed_makes_a_vendors_wheel(vendor: Senseid) -> None:
    with zipfile.ZipFile("senseid-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("senseid_licensing/trust.toml", 'trust = "local"')
        wheel.writestr("senseid-1.0.dist-info/RECORD", "senseid_licensing/trust.toml,sha256=x,1\n")
    command = ("license", "embed", "senseid-1.0-py3-none-any.whl", "--root", "vendor.pub", "--out")
    vendor(*command, "built")
    with zipfile.ZipFile("built/senseid-1.0-py3-none-any.whl") as wheel:
        assert Path("vendor.pub").read_bytes().strip() in wheel.read("senseid_licensing/trust.toml")
    with pytest.raises(errors.ArgumentError, match="overwrite the wheel itself"):
        vendor(*command, ".")
    with pytest.raises(errors.LicenceMissingError, match="no such wheel"):
        vendor("license", "embed", "none.whl", "--root", "vendor.pub", "--out", "built")
    Path("senseid-1.0-py3-none-any.whl").write_bytes(b"x")
    with pytest.raises(errors.FormatError, match="that is no wheel"):
        vendor(*command, "built")
    with pytest.raises(errors.UnreadableError, match=r"built: the wheel cannot be read"):
        vendor("license", "embed", "built", "--root", "vendor.pub", "--out", "other")


# What it costs.

START = (
    "import sys, typer\n"
    "from senseid_cli.commands import license, udid\n"
    "app = typer.Typer(rich_markup_mode=None)\n"
    "app.add_typer(license.app, name='license')\n"
    "app.command('udid')(udid.udid)\n"
    "try:\n"
    "    app(sys.argv[1:])\n"
    "finally:\n"
    "    heavy = {'numpy', 'cv2', 'onnxruntime', 'PIL', 'rich', 'cpuinfo', 'psutil'} & set(sys.modules)\n"
    "    print('heavy:', sorted(heavy), file=sys.stderr)\n"
)


@pytest.mark.parametrize("words", [("license", "check"), ("udid", "--no-file"), ("license", "show")])
def test_checking_is_light(senseid: Senseid, home: Path, words: tuple[str, ...]) -> None:
    senseid("license", "quickstart")
    environment = {**os.environ, "SENSEID_HOME": str(home)}
    command = [sys.executable, "-c", START, *words]
    result = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert "heavy: []" in result.stderr
