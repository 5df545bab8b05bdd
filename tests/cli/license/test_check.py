"""`senseid license`: what an operator and a vendor see."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from senseid_licensing import errors
from senseid_licensing.instant import format_instant
from senseid_licensing.udid.fingerprint import printable_udid
from senseid_licensing.udid.udid_file import parse_udid_file
from tests.cli.license.conftest import Senseid, issue


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
    # A second later it has no 99 whole days left.
    assert required.stdout.replace("98 days", "99 days") == result.stdout.replace("98 days", "99 days")
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


@pytest.mark.parametrize("folder", ["license/senseid_face", "license"])
def test_a_licence_under_its_vendors_name_is_named_where_it_is_missed(vendor: Senseid, home: Path, folder: str) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "90", "--product", "senseid_face")
    there = home / folder / path.name
    there.parent.mkdir(parents=True, exist_ok=True)
    path.rename(there)
    way_out = f"put it in its place: `senseid license install {there}`"
    assert f"hint: senseid_face: {way_out}\n" in vendor("license", "check", code=4).stderr
    with pytest.raises(errors.LicenceMissingError) as caught:
        vendor("license", "show", "senseid_face")
    assert caught.value.remedy == way_out
    vendor("license", "install", str(there))
    # A file like the one that is installed does not end later, and is of no interest.
    assert "hint: senseid_face" not in vendor("license", "check", code=4).stderr


def test_a_renewal_under_its_vendors_name_is_named_while_the_old_one_works(vendor: Senseid, home: Path) -> None:
    (path,) = issue(vendor, "--any-machine", "--days", "90", "--product", "senseid_face")
    vendor("license", "install", str(path))
    renewal, other = issue(
        vendor, "--any-machine", "--days", "190", "--product", "senseid_face", "--product", "senseid_kestrel"
    )
    there = home / "license/senseid_face" / renewal.name
    renewal.rename(there)
    other.rename(there.with_name(other.name))
    (there.parent / "notes.lic").write_text("no licence")
    face = vendor.objects("license", "check", code=4)[0]
    way_out = f"put it in its place: `senseid license install {there}`"
    assert face["status"] == "ok"
    assert face["remedy"] == f"a licence that ends later lies there under another name, {way_out}"


def test_a_broken_file_in_the_right_folder_is_named(vendor: Senseid, home: Path) -> None:
    there = home / "license/senseid_face/from vendor.LIC"
    there.parent.mkdir(parents=True)
    there.write_text("no licence")
    assert f"`senseid license install '{there}'`" in vendor("license", "check", code=4).stderr
