"""The image and the compose file, built and run: both roles, confined, with keys in files, through an upgrade."""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
import shutil
import subprocess
import sys
import tarfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from dotenv import dotenv_values
from PIL import Image

from senseid.version import __version__
from senseid_client import Client, ClientError
from tests.deploy.engine import ROOT, Engine, build, make_base, running_engine
from tests.deploy.hosts import network
from tests.service.conftest import KEY, command, environment, free_port, until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow

IMAGE = f"senseid-tests:{__version__}"
NEXT = "senseid-tests:next"
USER = 10001
MEBIBYTE = 1 << 20
SAME = 0.7
"""A stranger reaches it once in 10,000 times."""

SECRETS = {"api.key": "key-of-a-client", "worker.key": "key-of-the-workers"}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    with running_engine() as found:
        yield found


@pytest.fixture(scope="module")
def base(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> str:
    return make_base(engine, tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def image(engine: Engine, base: str) -> str:
    build(engine, base, ROOT, IMAGE)
    return IMAGE


@dataclass
class Site:
    """A site that runs deploy/compose.

    Attributes:
        settings: its `.env`.
    """

    engine: Engine
    folder: Path
    settings: dict[str, str]
    containers: dict[str, str] = field(default_factory=dict)

    def set(self, **settings: str) -> None:
        """Change its `.env`."""
        self.settings.update(settings)
        (self.folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in self.settings.items()))

    def compose(self, *words: str) -> str:
        return self.engine.compose(self.folder, *words)

    def up(self) -> None:
        """Start what does not run, as it is set now."""
        self.compose("up", "--detach")
        self.containers = {role: self.compose("ps", "-q", role).split()[-1] for role in ("api", "worker")}

    def inspect(self, role: str) -> dict[str, Any]:
        (found,) = json.loads(self.engine.docker("inspect", self.containers[role]))
        assert isinstance(found, dict)
        return found

    def run(self, role: str, *words: str, status: int | None = 0) -> str:
        """A command in a running container."""
        return self.engine.docker("exec", self.containers[role], *words, status=status)

    def health(self, role: str) -> str:
        return str(self.inspect(role)["State"]["Health"]["Status"])

    def client(self, api_key: str = SECRETS["api.key"]) -> Client:
        return Client(f"http://{self.settings['SENSEID_PUBLISHED']}", KEY, api_key=api_key, timeout=60)

    def compare(self, photos: dict[str, bytes], first: str, second: str) -> float:
        return self.client().compare(photos[first], photos[second]).verification_score

    def compares(self, photos: dict[str, bytes]) -> bool:
        """Whether it compares photos now; it may be starting."""
        with suppress(ClientError):
            return self.compare(photos, "obama", "obama2") > SAME
        return False


def licences_of_a_vendor(folder: Path) -> Path:
    """A folder with the public key of a vendor and licences of every product, readable for the image's user."""
    made = folder / "licences"
    made.mkdir()
    for words in (
        ("keygen", "--out", "vendor.key", "--no-passphrase"),
        ("issue", "--key", "vendor.key", "--licensee", "tests", "--any-machine", "--days", "30"),
    ):
        line = command("license", *words)
        subprocess.run(line, cwd=made, env=environment(folder / "vendor"), capture_output=True, check=True)
    (made / "vendor.key").unlink()
    for path in made.iterdir():
        path.chmod(0o644)
    return made


@pytest.fixture(scope="module")
def site(engine: Engine, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """Set up as docs/deploy.md says, healthy."""
    folder = tmp_path_factory.mktemp("site") / "compose"
    shutil.copytree(ROOT / "deploy/compose", folder)
    shipped = {name: value or "" for name, value in dotenv_values(folder / ".env").items()}
    site = Site(engine, folder, shipped)
    site.set(COMPOSE_PROJECT_NAME=folder.parent.name, SENSEID_IMAGE=image, SENSEID_PUBLISHED=f"127.0.0.1:{free_port()}")
    media = f"PARAM_DECRYPT_KEY={KEY.secret.decode()}\nPARAM_DECRYPT_IV={KEY.fixed_iv.decode()}"
    for name, text in {**SECRETS, "media.key": media}.items():
        path = folder / name
        path.write_text(text + "\n")
        path.chmod(0o400)
        shutil.chown(path, USER, USER)
    try:
        licences = licences_of_a_vendor(folder)
        once = ("run", "--rm", "-T", "--volume", f"{licences}:/in:ro")
        roots = "/var/lib/senseid/trust/roots"
        site.compose(*once, "--entrypoint", "install", "worker", "-D", "-t", roots, "/in/vendor.pub")
        site.compose(*once, "worker", "license", "install", *(f"/in/{path.name}" for path in licences.glob("*.lic")))
        site.up()
        yield site
    finally:
        site.compose("down", "--volumes", "--timeout", "5")


def layers(engine: Engine, image: str) -> list[str]:
    (found,) = json.loads(engine.docker("inspect", image))
    return list(found["RootFS"]["Layers"])


def test_the_image_is_small_and_holds_what_it_needs(engine: Engine, base: str, image: str) -> None:
    size, below = (int(json.loads(engine.docker("inspect", name))[0]["Size"]) for name in (image, base))
    assert size - below < 600 * MEBIBYTE
    history = engine.docker("history", "--no-trunc", "--format", "{{.CreatedBy}}", image)
    listed = engine.docker("run", "--rm", "--network=none", "--entrypoint", "ls", image, "/", "/opt/senseid")
    assert "src" not in listed.split()
    assert not [name for name in SECRETS.values() if name in history]
    assert engine.docker("run", "--rm", "--network=none", image, "--version") == f"senseid {__version__}\n"


def test_a_comparison(site: Site, small_photos: dict[str, bytes]) -> None:
    assert site.health("worker") == "healthy"
    until(lambda: site.health("api") == "healthy")
    same = site.compare(small_photos, "obama", "obama2")
    other = site.compare(small_photos, "obama", "biden")
    assert same > SAME > other


def test_only_those_with_a_key_are_served(site: Site, small_photos: dict[str, bytes]) -> None:
    with pytest.raises(ClientError) as caught:
        site.client("wrong").compare(small_photos["obama"], small_photos["obama2"])
    assert "401" in str(caught.value)


@pytest.mark.parametrize("role", ["api", "worker"])
def test_a_role_is_nobody_in_particular(site: Site, role: str) -> None:
    status = dict(line.split(":", 1) for line in site.run(role, "cat", "/proc/self/status").splitlines())
    assert set(status["Uid"].split()) == {str(USER)}
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"].strip() == "1"
    for path in ("/opt/senseid/x", "/x", "/etc/x"):
        assert "Read-only file system" in site.run(role, "touch", path, status=1)
    site.run(role, "touch", "/tmp/x")


def test_a_role_has_its_memory_and_no_more(site: Site, small_photos: dict[str, bytes]) -> None:
    allocate = "bytearray(2 << 30)[::4096] = bytes(2 << 18)"
    before = site.inspect("api")["State"]["Pid"]
    site.run("api", "python", "-c", allocate, status=137)
    assert site.inspect("api")["State"]["Pid"] == before
    assert site.compares(small_photos)


def test_a_role_has_its_processes_and_no_more(site: Site, small_photos: dict[str, bytes]) -> None:
    fork = (
        "import os, signal, time\n"
        "signal.signal(signal.SIGCHLD, signal.SIG_IGN)\n"
        "children = []\n"
        "try:\n"
        "    for _ in range(2000):\n"
        "        children.append(os.fork())\n"
        "        children[-1] or (time.sleep(60), os._exit(0))\n"
        "except BlockingIOError:\n"
        "    print(len(children))\n"
        "for child in children:\n"
        "    os.kill(child, signal.SIGKILL)\n"
    )
    assert 300 < int(site.run("api", "python", "-c", fork)) < 512
    assert site.compares(small_photos)


def test_secrets_are_in_files_alone(site: Site) -> None:
    for role, names in {"api": {"api-key", "worker-key"}, "worker": {"media-key", "worker-key"}}.items():
        shown = json.dumps(site.inspect(role)) + site.run(role, "sh", "-c", "cat /proc/1/environ /proc/1/cmdline")
        shown += site.engine.docker("logs", site.containers[role])
        for secret in (*SECRETS.values(), KEY.secret.decode(), KEY.fixed_iv.decode()):
            assert secret not in shown
        assert set(site.run(role, "ls", "/run/secrets").split()) == names
    assert site.run("worker", "stat", "-c", "%a %u", "/run/secrets/media-key").split() == ["400", str(USER)]


def test_workers_have_no_way_out(site: Site) -> None:
    with network(0) as beyond:
        connect = f"import socket; socket.create_connection(('{beyond.api}', 80), 3); print('connected')"
        words = beyond.command("api", sys.executable, "-m", "http.server", "--bind", beyond.api, "80")
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
            try:
                until(lambda: "connected" in site.run("api", "python", "-c", connect, status=None))
                assert "TimeoutError" in site.run("worker", "python", "-c", connect, status=1)
            finally:
                server.kill()


def test_health_and_a_licence_that_is_replaced(site: Site, small_photos: dict[str, bytes]) -> None:
    started = site.inspect("worker")["State"]["StartedAt"]
    site.run("worker", "sh", "-c", "mkdir -p /tmp/aside && mv /var/lib/senseid/licen* /tmp/aside")
    until(lambda: site.health("worker") == "unhealthy", 90)
    assert not site.compares(small_photos)
    site.run("worker", "senseid", "license", "quickstart", "--days", "7")
    assert site.compares(small_photos)
    until(lambda: site.health("worker") == "healthy", 30)
    assert site.inspect("worker")["State"]["StartedAt"] == started


def test_a_service_that_dies_is_started_again(site: Site, small_photos: dict[str, bytes]) -> None:
    restarts = site.inspect("worker")["RestartCount"]
    # The supervisor: the only child of the container's first process.
    site.run("worker", "sh", "-c", "kill -9 $(cat /proc/1/task/1/children)", status=None)
    until(lambda: site.inspect("worker")["RestartCount"] == restarts + 1)
    until(lambda: site.compares(small_photos))


def large(photo: Path) -> bytes:
    """A JPEG of 12 megapixels, so that a fast machine is busy with some of them for a while, too."""
    data = io.BytesIO()
    with Image.open(photo) as opened:
        scale = math.sqrt(12e6 / (opened.width * opened.height))
        opened.resize((round(scale * opened.width), round(scale * opened.height))).save(data, "JPEG", quality=70)
    return data.getvalue()


def test_a_stop_finishes_what_runs(site: Site, sample_photos: dict[str, Path]) -> None:
    answers: list[float | ClientError] = []
    first, second = (large(sample_photos[name]) for name in ("obama.jpg", "obama2.jpg"))

    def ask() -> None:
        try:
            found = site.client().compare(first, second)
        except ClientError as error:
            answers.append(error)
        else:
            answers.append(found.verification_score)

    threads = [threading.Thread(target=ask) for _ in range(16)]
    for thread in threads:
        thread.start()
    time.sleep(0.5)
    begin = time.monotonic()
    for role in ("api", "worker"):
        site.compose("stop", role)
        log = site.engine.docker("logs", "--tail", "20", site.containers[role])
        assert site.inspect(role)["State"]["ExitCode"] == 0
        assert '"event":"stopped"' in log
        if role == "api":
            assert 0 < json.loads(next(line for line in log.splitlines() if '"stopping"' in line))["running"] <= 16
    assert time.monotonic() - begin < 45
    for thread in threads:
        thread.join(60)
    assert len(answers) == 16
    assert all(isinstance(answer, float) and answer > SAME for answer in answers), answers
    site.compose("start")


def licence_of(site: Site) -> dict[str, Any]:
    """What the first licence of the worker is like."""
    found: dict[str, Any] = json.loads(site.run("worker", "senseid", "license", "check", "--json").splitlines()[0])
    del found["request_id"]
    return found


def test_an_upgrade_carries_the_licences_over(
    engine: Engine, base: str, image: str, site: Site, small_photos: dict[str, bytes], tmp_path: Path
) -> None:
    source = tmp_path / "source"
    for line in (ROOT / ".dockerignore").read_text().split():
        if line.startswith("!"):
            path, copy = ROOT / line[1:], source / line[1:]
            copy.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.copytree(path, copy, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy(path, copy)
    for name in (".dockerignore", "deploy/Dockerfile"):
        shutil.copy(ROOT / name, source / name)
    major, minor, patch = __version__.split(".")
    newer = f"{major}.{minor}.{int(patch) + 1}"
    version = source / "library/senseid/version.py"
    version.write_text(version.read_text().replace(__version__, newer))
    begin = time.monotonic()
    build(engine, base, source, NEXT)
    assert time.monotonic() - begin < 60
    # A change of the code makes one layer anew, and not that of the packages.
    changed = [new for old, new in zip(layers(engine, image), layers(engine, NEXT), strict=True) if old != new]
    assert len(changed) <= 2
    before = licence_of(site)
    site.set(SENSEID_IMAGE=NEXT)
    site.up()
    assert site.run("worker", "senseid", "--version") == f"senseid {newer}\n"
    assert licence_of(site) == before
    until(lambda: site.compares(small_photos))


def files_of(engine: Engine, image: str) -> dict[str, tuple[object, ...]]:
    """What each file of an image is, but for its time."""
    container = engine.docker("create", image).strip()
    line, environment_here = ["docker", "export", container], {**os.environ, "DOCKER_HOST": engine.host}
    try:
        with (
            subprocess.Popen(line, env=environment_here, stdout=subprocess.PIPE) as exported,
            tarfile.open(fileobj=exported.stdout, mode="r|") as tar,
        ):
            return {
                member.name: (
                    member.type, member.mode, member.uid, member.gid, member.linkname,
                    hashlib.sha256(data.read()).digest()
                    if member.isreg() and (data := tar.extractfile(member))
                    else b"",
                )
                for member in tar
            }  # fmt: skip
    finally:
        engine.docker("rm", container)


def test_two_builds_hold_the_same_files(engine: Engine, base: str, image: str) -> None:
    # The last test here: from now on the engine builds on what was made anew.
    build(engine, base, ROOT, f"{IMAGE}-again", "--no-cache")
    one, other = files_of(engine, image), files_of(engine, f"{IMAGE}-again")
    assert len(one) > 5000
    assert sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name)) == []
