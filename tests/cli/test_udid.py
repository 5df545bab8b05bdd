"""`senseid udid`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from senseid_cli.commands import udid
from senseid_licensing.errors import UdidError
from senseid_licensing.udid import probe
from senseid_licensing.udid.fingerprint import Fingerprint, Surroundings, check_udid
from senseid_licensing.udid.reading import Kind, missing, present
from senseid_licensing.udid.udid_file import parse_udid_file

CLONE = Fingerprint(
    (
        present(Kind.CPU, ["epyc"], "/proc/cpuinfo", unique=False),
        present(
            Kind.NIC,
            ["02:00:00:00:00:01", "02:00:00:00:00:02"],
            "/sys/class/net/eth0",
            unique=False,
            note="by software",
        ),
        missing(Kind.SYSTEM, "/sys/class/dmi/id/product_uuid", "readable by root only"),
    ),
    Surroundings("/.dockerenv", "qemu", ("one of them came with an image",)),
)


@pytest.fixture
def app(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> typer.Typer:
    monkeypatch.chdir(tmp_path)
    app = typer.Typer(rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command()(udid.udid)
    return app


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Fingerprint:
    """A container in a cloned virtual machine in place of this one."""

    class Probe:
        def read(self) -> Fingerprint:
            return CLONE

    monkeypatch.setattr(probe, "probe_for", lambda _: Probe())
    return CLONE


def run(app: typer.Typer, *words: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, words, catch_exceptions=False)
    assert result.exit_code == 0
    return result.stdout, result.stderr


def test_this_machines_udid_is_printed_and_written(app: typer.Typer) -> None:
    out, err = run(app)
    assert check_udid(out) == out.strip()
    assert Path("UDID.txt").read_text().splitlines()[0] == out.strip()
    assert parse_udid_file(Path("UDID.txt").read_bytes())
    assert "written to UDID.txt" in err
    assert run(app, "--no-file")[0] == out


def test_the_file_may_go_elsewhere_and_is_written_whole_or_not_at_all(app: typer.Typer) -> None:
    run(app, "--out", "sent.txt")
    assert [path.name for path in Path().iterdir()] == ["sent.txt"]
    assert CliRunner().invoke(app, ["--out", "sent.txt/below"]).exit_code == 2
    # Whoever asked for JSON gets the error's object, and no other before it.
    assert CliRunner().invoke(app, ["--json", "--out", "sent.txt/below"]).stdout == ""
    run(app, "--no-file")
    assert [path.name for path in Path().iterdir()] == ["sent.txt"]


@pytest.mark.parametrize("kept", [b"\xff\xd8\xff a photo", b"", b"a key\n"])
def test_another_file_is_not_overwritten_without_force(app: typer.Typer, kept: bytes) -> None:
    file = Path("photo.jpg")
    file.write_bytes(kept)
    Path("link.txt").symlink_to(file)
    for out in ("photo.jpg", "link.txt"):
        result = CliRunner().invoke(app, ["--out", out])
        assert (result.exit_code, result.stdout) == (2, "")
        assert f"{out} is there already; --force overwrites it" in " ".join(result.stderr.split())
        assert file.read_bytes() == kept
    run(app, "--out", "photo.jpg", "--force")
    assert parse_udid_file(file.read_bytes())


def test_a_udid_file_is_written_anew_unless_it_was_changed(app: typer.Typer) -> None:
    run(app)
    written = Path("UDID.txt").read_bytes()
    Path("UDID.txt").write_bytes(written.replace(b"\n", b"\r\n"))  # as mail programs leave it
    run(app)
    assert Path("UDID.txt").read_bytes() == written
    Path("UDID.txt").write_bytes(written + b"notes\n")
    assert CliRunner().invoke(app, []).exit_code == 2
    assert Path("UDID.txt").read_bytes() == written + b"notes\n"


def test_no_folder_is_made(app: typer.Typer) -> None:
    result = CliRunner().invoke(app, ["--out", "not/mounted/UDID.txt"])
    assert result.exit_code == 2
    assert "is in a folder that does not exist" in " ".join(result.stderr.split())
    assert not Path("not").exists()


def test_explain_says_what_counted_what_is_missing_and_why(app: typer.Typer, machine: Fingerprint) -> None:
    out, err = run(app, "--explain")
    rows = [line.split(maxsplit=3) for line in out.splitlines()]
    assert rows[1] == ["cpu", "yes", machine.readings[0].hashes[0][:12], "/proc/cpuinfo"]
    assert rows[2][3] == "/sys/class/net/eth0; by software; 1 more may stand in for it"
    assert rows[3] == ["system", "no", "-", "/sys/class/dmi/id/product_uuid; readable by root only"]
    assert rows[4] == ["unique", "no"]
    assert "binding     none: nothing that counts is this machine's own\n" in out
    assert "02:00" not in out
    for warning in ("cloned image: one of them", "a container (/.dockerenv)", "virtual machine (qemu)", "not unique"):
        assert f"{warning}" in err


def test_json_is_one_object(app: typer.Typer, machine: Fingerprint) -> None:
    out, _ = run(app, "--json", "--explain")
    facts = json.loads(out)
    assert out.count("\n") == 1
    assert (facts["udid"], facts["unique"], facts["container"]) == (machine.udid, False, "/.dockerenv")
    assert [row["counted"] for row in facts["components"]] == [True, True, False]
    assert facts["components"][2]["note"] == "readable by root only"


@pytest.mark.parametrize(
    ("unique", "says"),
    [
        ((Kind.NIC,), "weak: one component is its own; whoever fakes it can move the licence"),
        ((Kind.DISK, Kind.NIC), "strong: 2 components are its own, 2 of them must match, none may change"),
        ((Kind.SYSTEM, Kind.DISK, Kind.NIC), "strong: 3 components are its own, 2 of them must match, one may change"),
    ],
)
def test_explain_says_how_strong_the_binding_is(
    app: typer.Typer, monkeypatch: pytest.MonkeyPatch, unique: tuple[Kind, ...], says: str
) -> None:
    class Probe:
        def read(self) -> Fingerprint:
            own = [present(kind, [kind], "", unique=True) for kind in unique]
            return Fingerprint((present(Kind.CPU, ["epyc"], "", unique=False), *own))

    monkeypatch.setattr(probe, "probe_for", lambda _: Probe())
    assert f"binding     {says}\n" in run(app, "--explain")[0]
    facts = json.loads(run(app, "--json")[0])
    assert facts["binding"] == {"strength": says.split(":", maxsplit=1)[0], "to_fake": min(len(unique), 2)}
    assert facts["components"][0]["counted"] is (len(unique) < 2)


def test_explain_shows_why_there_is_no_udid(app: typer.Typer, monkeypatch: pytest.MonkeyPatch) -> None:
    class Nothing:
        def read(self) -> Fingerprint:
            return Fingerprint((missing(Kind.CPU, "/proc/cpuinfo", "not readable"),))

    monkeypatch.setattr(probe, "probe_for", lambda _: Nothing())
    result = CliRunner().invoke(app, ["--explain"])
    assert isinstance(result.exception, UdidError)
    assert "not readable" in result.stdout
    assert not Path("UDID.txt").exists()
