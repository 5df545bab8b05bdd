"""`senseid license`: what an operator and a vendor see."""

from __future__ import annotations

import os
import re
import sys
from datetime import UTC, datetime, timedelta, tzinfo
from pathlib import Path

import pytest

from senseid import installation
from senseid.version import __version__
from senseid_licensing import errors
from senseid_licensing.context import context_here
from senseid_licensing.instant import format_instant
from senseid_licensing.store import LicenceStore
from senseid_licensing.udid.fingerprint import printable_udid
from tests.cli.license.conftest import Senseid, issue


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


def test_the_files_of_a_vendor_exchanged(vendor: Senseid) -> None:
    vendor("license", "revoke", "ab" * 16, "--key", "vendor.key", "--out", "revoked.json")
    for name, says in (("revoked.json", "is a revocation list"), ("vendor.pub", "the file is a public key")):
        with pytest.raises(errors.FormatError, match=rf"^{name}: .*{says}"):
            vendor("license", "install", name)
    with pytest.raises(errors.KeyFileError, match=r"^vendor\.pub: is a public key"):
        vendor("license", "issue", "--key", "vendor.pub", "--licensee", "x", "--any-machine", "--days", "1")


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


def test_several_files_each_product_gets_the_licence_that_ends_last(vendor: Senseid, home: Path) -> None:
    issue(vendor, "--any-machine", "--days", "9", "--out", "old")
    longer = issue(vendor, "--any-machine", "--days", "19", "--product", "senseid_face", "--out", "new")
    files = sorted(map(str, Path().glob("*/*.lic")))
    assert len(files) == 4
    result = vendor("license", "install", *files)
    assert [line.split()[:2] for line in result.stdout.splitlines()] == [
        ["installed", f"senseid_{name}:"] for name in ("face", "kestrel", "liveness")
    ]
    (left_out,) = Path("old").glob("SENSEID_FACE_*")
    assert f"left out {left_out}: {longer[0]} does not end earlier" in result.stderr
    assert (home / "license/senseid_face/senseid_face.lic").read_bytes() == longer[0].read_bytes()
    # The files that were given stay as they are.
    assert sorted(map(str, Path().glob("*/*.lic"))) == files


def test_several_files_keep_an_installed_licence_that_ends_later(vendor: Senseid, home: Path) -> None:
    (longer,) = issue(vendor, "--any-machine", "--days", "19", "--product", "senseid_face", "--out", "new")
    vendor("license", "install", str(longer))
    older = issue(vendor, "--any-machine", "--days", "9", "--out", "old")
    result = vendor("license", "install", *map(str, older))
    assert "ends later; alone, it replaces that all the same" in result.stderr
    assert result.stdout.count("installed senseid_") == 2
    place = home / "license/senseid_face/senseid_face.lic"
    assert place.read_bytes() == longer.read_bytes()
    (face,) = [path for path in older if "FACE" in path.name]
    vendor("license", "install", str(face))
    assert place.read_bytes() == face.read_bytes()


def test_of_several_files_those_that_are_refused_are_named(vendor: Senseid, home: Path) -> None:
    good = issue(vendor, "--any-machine", "--days", "9", "--product", "senseid_face")[0]
    Path("bad.lic").write_bytes(good.read_bytes().replace(b"Acme", b"Evil"))
    result = vendor("license", "install", "bad.lic", str(good), "none.lic", code=4)
    assert result.stdout.startswith("installed senseid_face")
    assert ": bad.lic: the signature" in result.stderr
    assert ": none.lic: there is no such licence file" in result.stderr
    told = vendor.objects("license", "install", "bad.lic", str(good), code=4)
    assert [(row.get("source"), row.get("product")) for row in told] == [("bad.lic", None), (None, "senseid_face")]
    assert (home / "license/senseid_face/senseid_face.lic").read_bytes() == good.read_bytes()


def test_several_files_into_a_folder_that_cannot_be_written(vendor: Senseid, home: Path) -> None:
    files = issue(vendor, "--any-machine", "--days", "9")
    (home / "license").mkdir(parents=True)
    (home / "license/senseid_kestrel").write_text("in the way")
    result = vendor("license", "install", *map(str, files), code=70)
    assert result.stdout.count("installed senseid_") == 2
    assert "senseid_kestrel.lic: cannot be written" in result.stderr
