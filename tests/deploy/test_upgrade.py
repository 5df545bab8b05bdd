"""From the last version to this one: what the old one left behind is used, and clients of both get answers from both.

The old one is that of the last tag behind this commit, run from its own files by the packages that are installed here.
SENSEID_UPGRADE_FROM names another commit.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import sysconfig
import time
import tomllib
import venv
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
import tomli_w

from tests.archives import unpack
from tests.e2e.liveness.conftest import LIVE
from tests.service.conftest import KEY, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
WITHOUT_TAG = "481dfe2ec7b0fbe640340a506a2e56c9e575326f"
"""The old version while none is tagged: of 27 November 2026, one import package for commands, service and client."""
API_KEY = "key-of-a-client"
SETTINGS = f"""\
# As they were written for the old version.
PARAM_DECRYPT_KEY="{KEY.secret.decode()}"
PARAM_DECRYPT_IV='{KEY.fixed_iv.decode()}'
HANDLES=1
SENSEID_HOST=127.0.0.1
SENSEID_WORKER_PORT=0
SENSEID_API_KEY={API_KEY}
SENSEID_CORS_ORIGINS=https://example.org
SENSEID_UI=true
SENSEID_METRICS=127.0.0.1:0
SENSEID_QUEUE=8
SENSEID_QUEUE_SECONDS=20
SENSEID_JOB_SECONDS=60
SENSEID_BODY_MB=40
SENSEID_BUFFER_MB=256
SENSEID_CONNECTIONS=100
SENSEID_HEADER_SECONDS=5
SENSEID_IDLE_SECONDS=10
SENSEID_BODY_SECONDS=60
SENSEID_STOP_SECONDS=20
SENSEID_RATE=0
SENSEID_DECISION_LOG=decisions.jsonl
"""
CLIENT = """
import json, os, sys
from pathlib import Path
try:
    from senseid_client import Client
except ImportError:
    from senseid_cli.client import Client  # its place until 28 November 2026
from senseid_crypto.key import parse_key

key = parse_key(os.environ["PARAM_DECRYPT_KEY"], os.environ["PARAM_DECRYPT_IV"])
client = Client(sys.argv[1], key, api_key=os.environ["SENSEID_API_KEY"])
one, same, clip = map(Path, sys.argv[2:])
client.health()
live, verified = client.liveness(clip), client.verify(clip, one)
print(json.dumps({
    "compare": client.compare(one, same).verification_score,
    "omni": client.omni(one, same).scores,
    "quality": [face.rect for face in client.quality(one).faces],
    "liveness": [live.passed, live.liveness_score, live.liveness_status],
    "verify": [verified.passed, verified.liveness_score, verified.verification_score],
}))
"""


@dataclass(frozen=True)
class Version:
    """A version of senseid in a folder, with the data directory `home` there."""

    python: Path
    folder: Path

    def environment(self, extra: Mapping[str, str] | None = None) -> dict[str, str]:
        plain = {name: value for name, value in os.environ.items() if not name.startswith(("SENSEID_", "PARAM_"))}
        return {**plain, "SENSEID_HOME": str(self.folder / "home"), **(extra or {})}

    def command(self, *words: str | Path) -> list[str]:
        # -P: neither the folder nor the tests are imported from.
        return [str(self.python), "-P", "-m", "senseid_cli", *map(str, words)]

    def __call__(self, *words: str | Path, status: int = 0) -> str:
        """What a command says, on standard output and behind that on standard error."""
        done = subprocess.run(
            self.command(*words), env=self.environment(), cwd=self.folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == status, f"senseid {' '.join(map(str, words))}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    @contextlib.contextmanager
    def serving(self) -> Iterator[str]:
        """The address of a service by the settings of the folder."""
        url = f"http://127.0.0.1:{free_port()}"
        line = self.command("serve", "--env-file", "settings.env", "--port", url.rpartition(":")[2])
        log = self.folder / f"service-{time.monotonic_ns()}.log"
        with log.open("wb") as file:
            process = subprocess.Popen(line, env=self.environment(), cwd=self.folder, stdout=file, stderr=file)
        try:
            until(lambda: process.poll() is not None or _answers(url))
            assert process.poll() is None, log.read_text()
            yield url
        finally:
            process.terminate()
            assert process.wait(60) == 0, log.read_text()

    def ask(self, url: str) -> dict[str, Any]:
        """What this version's client is told about the photos and the video of the folder."""
        secrets = {"PARAM_DECRYPT_KEY": KEY.secret.decode(), "PARAM_DECRYPT_IV": KEY.fixed_iv.decode()}
        env = self.environment({**secrets, "SENSEID_API_KEY": API_KEY})
        line = [str(self.python), "-P", "-c", CLIENT, url, "obama.jpg", "obama2.jpg", "still.mp4"]
        done = subprocess.run(line, env=env, cwd=self.folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        found: dict[str, Any] = json.loads(done.stdout)
        return found


def _answers(url: str) -> bool:
    with contextlib.suppress(httpx.HTTPError):
        return httpx.get(f"{url}/healthcheck", timeout=5, trust_env=False).status_code == 200
    return False


def _git(*words: str) -> str | None:
    """What git says; None where it, the history or what it was asked for is not there."""
    if shutil.which("git") is None:
        return None
    done = subprocess.run(["git", "-C", ROOT, *words], capture_output=True, text=True, check=False)
    return done.stdout if done.returncode == 0 else None


def _install(folder: Path) -> Path:
    """The interpreter of the old version, which finds the packages of this one's, and of ours its own alone."""
    tag = _git("describe", "--tags", "--abbrev=0", "HEAD^") or WITHOUT_TAG
    revision = os.environ.get("SENSEID_UPGRADE_FROM", tag.strip())
    project = _git("show", f"{revision}:pyproject.toml")
    if project is None:
        pytest.skip(f"there is no git history with the old version, {revision}")
    packages = tomllib.loads(project)["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    assert _git("archive", "--output", str(folder / "old.tar"), revision, "--", *packages) is not None
    unpack(folder / "old.tar", folder / "old")
    venv.create(folder / "venv", with_pip=False, symlinks=True)
    (packages_there,) = (folder / "venv").glob("lib/python*/site-packages")
    places = [*{str((folder / "old" / package).parent) for package in packages}, sysconfig.get_path("purelib")]
    (packages_there / "old.pth").write_text("\n".join(places))
    return folder / "venv" / "bin" / "python"


@pytest.fixture(scope="module")
def old(
    sample_photos: dict[str, Path], still_clip: bytes, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Version]:
    """The old version, after it has made one of everything that a version leaves behind."""
    folder = tmp_path_factory.mktemp("upgrade")
    senseid = Version(_install(folder), folder)
    for name, path in sample_photos.items():
        shutil.copy(path, folder / name)
    (folder / "still.mp4").write_bytes(still_clip)
    (folder / "settings.env").write_text(SETTINGS)
    (folder / "settings.env").chmod(0o600)
    # Licences: of this machine's own root, and one of a vendor's.
    senseid("license", "quickstart")
    senseid("license", "keygen", "vendor.key", "--no-passphrase", "--trust")
    senseid("udid")
    vendor = ("--key", "vendor.key", "--udid", "UDID.txt", "--licensee", "ACME", "--days", "20", "-o", "issued")
    senseid("license", "issue", *vendor, "--product", "senseid_face")
    (licence,) = (folder / "issued").glob("*.lic")
    senseid("license", "install", licence)
    # Keys, and what they encrypt.
    senseid("key", "generate")
    senseid("encrypt", "obama.jpg", "-o", "kept.senseid")
    senseid("encrypt", "obama.jpg", "--format", "wire", "-o", "sent.b64")
    # Batches: one that is done, and one that was killed.
    (folder / "pairs.csv").write_text(
        "first,second\nobama.jpg,obama2.jpg\nobama.jpg,biden.jpg\nkept.senseid,obama3.jpg\nobama.jpg,gone.jpg\n"
    )
    senseid("batch", "pairs.csv", "--cache", "cache", "-o", "old.csv", status=3)
    senseid("batch", "pairs.csv", "--cache", "cache", "-o", "old.ndjson", status=3)
    line = senseid.command("batch", "pairs.csv", "-o", "killed.csv")
    with subprocess.Popen(line, env=senseid.environment(), cwd=folder, stderr=subprocess.DEVNULL) as killed:
        until((folder / ".killed.csv.senseid-partial").exists)
        killed.kill()
    yield senseid
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def new(old: Version) -> Version:
    """This version, in the place of the old one."""
    return Version(Path(sys.executable), old.folder)


def test_the_old_version_is_another(old: Version, new: Version) -> None:
    """And neither imports what belongs to the other."""
    where = "import senseid_cli; print(senseid_cli.__file__)"
    places = [
        subprocess.run([each.python, "-P", "-c", where], env=each.environment(), capture_output=True, check=True).stdout
        for each in (old, new)
    ]
    assert places[0].startswith(str(old.folder / "old").encode())
    assert places[1].startswith(str(ROOT).encode())


def test_licences(old: Version, new: Version) -> None:
    before = new("license", "check")
    assert before.count("days left") == 3
    assert "ACME" in new("license", "show")
    # The old vendor key goes on issuing, for the machine as it was read by the old version.
    vendor = ("--key", "vendor.key", "--udid", "UDID.txt", "--licensee", "ACME", "--days", "90")
    new("license", "issue", *vendor, "--product", "senseid_face", "-o", "renewed")
    (licence,) = (old.folder / "renewed").glob("*.lic")
    new("license", "renew", licence)
    # The way back: the old version takes what the new one has installed.
    old("license", "check")


def test_keys_and_what_they_encrypted(old: Version, new: Version) -> None:
    assert "default" in new("key", "list")
    for encrypted in ("kept.senseid", "sent.b64"):
        new("decrypt", encrypted, "-o", "decrypted.jpg", "--force")
        assert (old.folder / "decrypted.jpg").read_bytes() == (old.folder / "obama.jpg").read_bytes()


@pytest.fixture(scope="module")
def results(new: Version) -> bytes:
    """What this version says of the pairs by itself."""
    new("batch", "pairs.csv", "-o", "new.csv", status=3)
    return (new.folder / "new.csv").read_bytes()


def test_a_cache_is_never_mixed_with_other_models(old: Version, new: Version, results: bytes) -> None:
    new("batch", "pairs.csv", "--cache", "cache", "-o", "cached.csv", status=3)
    assert (old.folder / "cached.csv").read_bytes() == results
    again = new("batch", "pairs.csv", "--cache", "cache", "-o", "again.csv", status=3)
    assert "0 files worked on" in again
    new("cache", "list", "cache")


def test_a_run_that_the_old_version_began_is_not_mixed(old: Version, new: Version, results: bytes) -> None:
    """It goes on where version and models are the same, and is refused in one line where they are not."""
    line = new.command("batch", "pairs.csv", "-o", "killed.csv", "--resume")
    done = subprocess.run(line, env=new.environment(), cwd=old.folder, capture_output=True, text=True, check=False)
    if done.returncode == 2:
        assert done.stderr.count("\n") == 1
        assert "begin anew: --force" in done.stderr
        new("batch", "pairs.csv", "-o", "killed.csv", "--force", status=3)
    assert (old.folder / "killed.csv").read_bytes() == results


@pytest.mark.parametrize("name", ["old.csv", "old.ndjson"])
def test_a_report_on_old_results(old: Version, new: Version, name: str) -> None:
    new("report", name, "-o", f"{name}.html")
    page = (old.folder / f"{name}.html").read_text()
    assert "gone.jpg" in page


def test_an_added_model_is_used_or_told_how_to_bring_in_again(old: Version, new: Version) -> None:
    registry = old.folder / "old" / "models" / "senseid_models"
    manifest = tomllib.loads((registry / "manifest.toml").read_text())
    model = next(entry for entry in manifest["model"] if entry["kind"] == "embedding")
    shutil.copy(registry / model["file"], old.folder / "mine.onnx")
    model |= {"id": "mine", "file": "mine.onnx"}
    (old.folder / "mine.toml").write_text(tomli_w.dumps({"format": manifest["format"], "model": [model]}))
    old("models", "import", "mine.onnx", "--as", "embedding")
    line = new.command("models", "list")
    done = subprocess.run(line, env=new.environment(), cwd=old.folder, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        assert "mine\tembedding" in done.stdout
    else:
        assert done.returncode == 5
        assert done.stderr.count("\n") == 1
        assert "`senseid models remove mine`, then import it again" in done.stderr
    new("models", "remove", "mine")
    new("models", "verify")


@pytest.mark.data
def test_liveness_data(old: Version, new: Version, test_data: Path) -> None:
    live = test_data / "liveness-videos" / "live" / LIVE
    old("liveness", "pack", live, "-o", "person.liveness")
    assert "match" in new("verify", "person.liveness", "obama.jpg", status=1)


def test_settings_and_clients(old: Version, new: Version) -> None:
    """Each client at each service, by the same settings; both are told the same."""
    new("doctor", "--env-file", "settings.env", "--old-env-file", "settings.env")
    for service in (old, new):
        with service.serving() as url:
            told = [client.ask(url) for client in (old, new)]
        assert told[0] == told[1]
        assert told[0]["compare"] > 0.7
        assert told[0]["liveness"][0] is False
    compared = json.loads(new("compare", "obama.jpg", "obama2.jpg", "--json").splitlines()[0])
    assert told[1]["compare"] == pytest.approx(compared["verification_score"], abs=1e-6)
    # Begun by the old service, where it had such a log, and gone on with by the new one.
    new("audit", "verify", "decisions.jsonl")


def test_a_service_for_other_machines_without_a_key_is_told_what_to_set(old: Version, new: Version) -> None:
    """Which the versions before started. See docs/upgrade.md."""
    (old.folder / "open.env").write_text("SENSEID_HOST=0.0.0.0\nSENSEID_PORT=0\nSENSEID_WORKER_PORT=0\n")
    said = new("serve", "--env-file", "open.env", status=2)
    assert said.count("\n") == 1
    assert "SENSEID_OPEN=true" in said
