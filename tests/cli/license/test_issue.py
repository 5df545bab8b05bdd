"""`senseid license`: what an operator and a vendor see."""

from __future__ import annotations

import json
import platform
import zipfile
from pathlib import Path

import pytest
import typer

from senseid_cli.commands import license_vendor
from senseid_licensing import errors
from senseid_licensing.platforms import platform_name
from senseid_licensing.policy import TrustPolicy
from senseid_licensing.public_key import PublicKey
from senseid_licensing.store import LicenceStore
from senseid_licensing.udid.fingerprint import printable_udid
from tests.cli.license.conftest import Senseid, issue


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


def test_a_key_without_a_passphrase_that_others_can_read_is_named(senseid: Senseid, home: Path) -> None:
    command = ("license", "issue", "--licensee", "x", "--any-machine", "--days", "1", "--key")
    Path("phrase").write_text("a phrase\n")
    senseid("license", "keygen", "open.key", "--no-passphrase")
    senseid("license", "keygen", "sealed.key", "--passphrase-file", "phrase")
    assert "by others" not in senseid(*command, "open.key").stderr
    Path("open.key").chmod(0o644)
    Path("sealed.key").chmod(0o644)
    assert "run `chmod 600 open.key`" in senseid(*command, "open.key").stderr
    assert "by others" not in senseid(*command, "sealed.key", "--passphrase-file", "phrase").stderr
    assert "by others" not in senseid("license", "quickstart").stderr
    (home / "vendor" / "root.key").chmod(0o640)
    assert "root.key holds a key and can be read by others" in senseid("license", "quickstart").stderr


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
        (("--licensee", "x", "--any-machine", "--not-after", "2027-02-30"), "no such day"),
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
    for other in ("vendor.key", "vendor.pub"):
        with pytest.raises(errors.ArgumentError, match=rf"^{other}: is a file, and no folder"):
            vendor(*command, *one, "--out", other)
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
    head = {"code": 1000, "request_id": terms["request_id"], "verified": False, "signed_by": logged["key"]}
    assert {**head, **logged["licence"], "parents": terms["parents"]} == terms
    # A bound that is not said is the parent's.
    (later,) = vendor.objects(*child, *words, "--from-version", "0.0.1")
    (terms,) = vendor.objects("license", "inspect", later["path"])
    assert terms["versions"] == {"from": "0.0.1", "below": "99"}
    vendor("license", "install", found["path"])
    assert "licensed to Acme/Shop" in vendor("license", "check", code=4).stdout


def test_what_a_parent_says_need_not_be_said_again(vendor: Senseid) -> None:
    vendor("license", "keygen", "reseller.key", "--no-passphrase")
    limits = ("--grace-days", "3", "--capability", "compare", "--from-version", "0.0.1", "--below-version", "99")
    delegate = ("--product", "senseid_face", "--delegate", "reseller.pub")
    (parent,) = issue(vendor, "--udid", "UDID.txt", "--not-after", "2029-12-31T23:59:59Z", *limits, *delegate)
    sign = ("license", "issue", "--key", "reseller.key", "--parent", str(parent))
    (above,) = vendor.objects("license", "inspect", str(parent))
    (found,) = vendor.objects(*sign)
    (terms,) = vendor.objects("license", "inspect", found["path"])
    same = ("product", "licensee", "not_after", "capabilities", "platforms", "versions", "udid")
    assert {name: terms[name] for name in same} == {name: above[name] for name in same}
    # An end that equals the parent's is within it, and what is under the parent's name needs no prefix.
    vendor("license", "install", found["path"])
    named = vendor.objects(*sign, "--licensee", "Shop", "--udid", "UDID.txt", "--not-after", above["not_after"])
    (terms,) = vendor.objects("license", "inspect", named[0]["path"])
    assert (terms["licensee"], terms["not_after"], terms["udid"]) == ("Acme/Shop", above["not_after"], above["udid"])
    vendor("license", "install", named[0]["path"])
    with pytest.raises(errors.WideningError, match="valid until") as caught:
        vendor(*sign, "--not-after", "2030-01-01T00:00:00Z")
    assert caught.value.remedy.startswith("leave that term out")
    with pytest.raises(errors.ArgumentError, match="is bound to a machine"):
        vendor(*sign, "--any-machine")


def test_the_machine_of_a_parent_is_kept_and_never_exchanged(vendor: Senseid) -> None:
    vendor("license", "keygen", "reseller.key", "--no-passphrase")
    cpu, disk, nic, other = (digit * 32 for digit in "abcd")
    machines = {
        "parent.txt": {"cpu": cpu, "disk": disk},
        "same.txt": {"disk": disk, "nic": nic},
        "other.txt": {"disk": other, "nic": nic},
    }
    for name, components in machines.items():
        lines = [printable_udid(components), *(f"{kind} {value}" for kind, value in components.items())]
        Path(name).write_text("\n".join(lines))
    face = ("--product", "senseid_face", "--days", "9")
    (parent,) = issue(vendor, "--udid", "parent.txt", *face, "--delegate", "reseller.pub")
    sign = ("license", "issue", "--key", "reseller.key", "--parent", str(parent))
    (terms,) = vendor.objects("license", "inspect", vendor.objects(*sign, "--udid", "same.txt")[0]["path"])
    assert terms["udid"] == {"cpu": cpu, "disk": disk, "nic": nic}
    with pytest.raises(errors.WideningError, match="machines"):
        vendor(*sign, "--udid", "other.txt")


def test_days_under_a_parent_that_begins_later(vendor: Senseid) -> None:
    vendor("license", "keygen", "reseller.key", "--no-passphrase")
    later = ("--not-before", "2029-01-01T00:00:00Z", "--days", "90", "--product", "senseid_face")
    (parent,) = issue(vendor, "--any-machine", *later, "--delegate", "reseller.pub")
    sign = ("license", "issue", "--key", "reseller.key", "--parent", str(parent), "--any-machine", "--days", "90")
    (terms,) = vendor.objects("license", "inspect", vendor.objects(*sign)[0]["path"])
    assert (terms["not_before"], terms["not_after"]) == ("2029-01-01T00:00:00Z", "2029-04-01T00:00:00Z")


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
