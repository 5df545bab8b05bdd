"""A container engine of the tests' own, and the image of deploy/Dockerfile in it."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.deploy.hosts import undone_on_sigterm

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).resolve().parents[2]
BASE = "senseid-tests-base"
_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")
_EMPTY_TABLES = ("*filter\n:FORWARD ACCEPT\nCOMMIT\n", "*nat\nCOMMIT\n")
_START_SECONDS = 60
_STOP_SECONDS = 60


@dataclass(frozen=True)
class Engine:
    """An engine at a socket.

    Attributes:
        host: its socket, as DOCKER_HOST names it.
        compose_words: compose as this machine has it: a plug-in of docker, or a command of its own.
    """

    host: str
    compose_words: tuple[str, ...]

    def docker(self, *words: str | Path, status: int | None = 0, timeout: float = 600) -> str:
        """What it prints, stdout before stderr."""
        return self._run(["docker", *map(str, words)], status=status, timeout=timeout)

    def compose(self, folder: Path, *words: str) -> str:
        """Compose of the file in a folder."""
        return self._run([*self.compose_words, *words], status=0, timeout=600, cwd=folder)

    def _run(self, words: list[str], *, status: int | None, timeout: float, cwd: Path | None = None) -> str:
        # No BuildKit: Debian's engine has one, and a newer client takes it with a plug-in alone.
        environment = {**os.environ, "DOCKER_HOST": self.host, "DOCKER_BUILDKIT": "0"}
        done = subprocess.run(
            words, env=environment, cwd=cwd, timeout=timeout, capture_output=True, text=True, check=False
        )
        assert status is None or done.returncode == status, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    def answers(self) -> bool:
        """Whether it is there."""
        return "Server Version" in self.docker("info", status=None)


@contextlib.contextmanager
def running_engine() -> Iterator[Engine]:
    """That of DOCKER_HOST, else one of its own, which leaves nothing behind. Where neither is to be had, it skips."""
    if shutil.which("docker") is None:
        pytest.skip("no containers: docker is not installed")
    compose = _compose()
    if "DOCKER_HOST" in os.environ:
        engine = Engine(os.environ["DOCKER_HOST"], compose)
        if not engine.answers():
            pytest.skip(f"no containers: nobody answers at DOCKER_HOST={engine.host}")
        yield engine
        return
    if os.geteuid() != 0 or shutil.which("dockerd") is None:
        pytest.skip(
            "no containers: an engine of one's own needs root and dockerd (Debian's docker.io); or set DOCKER_HOST"
        )
    folder = Path(tempfile.mkdtemp(prefix="senseid-engine-"))
    with undone_on_sigterm(), _as_it_was(), (folder / "log").open("wb") as log:
        engine = Engine(f"unix://{folder}/socket", compose)
        words = [f"--data-root={folder}/data", f"--exec-root={folder}/exec", f"--pidfile={folder}/pid"]
        process = subprocess.Popen(["dockerd", *words, "--host", engine.host], stdout=log, stderr=log)
        try:
            end = time.monotonic() + _START_SECONDS
            while not engine.answers():
                if process.poll() is not None or time.monotonic() > end:
                    last = (folder / "log").read_text(errors="replace").splitlines()[-1:]
                    pytest.skip(f"no containers: dockerd does not start here: {' '.join(last)}")
                time.sleep(0.2)
            yield engine
            engine.docker("system", "prune", "--all", "--force", "--volumes", status=None)
        finally:
            process.terminate()
            process.wait(_STOP_SECONDS)
            for line in reversed(Path("/proc/mounts").read_text().splitlines()):
                if line.split()[1].startswith(f"{folder}/"):
                    subprocess.run(["umount", line.split()[1]], capture_output=True, check=False)
            shutil.rmtree(folder, ignore_errors=True)


def _compose() -> tuple[str, ...]:
    done = subprocess.run(["docker", "compose", "version"], capture_output=True, check=False)
    if done.returncode == 0:
        return ("docker", "compose")
    if shutil.which("docker-compose") is None:
        pytest.skip("no containers: neither `docker compose` nor docker-compose is installed")
    return ("docker-compose",)


@contextlib.contextmanager
def _as_it_was() -> Iterator[None]:
    """Puts back what an engine leaves behind: its bridge, its packet filter, and the forwarding of packets."""
    forwarding = _FORWARDING.read_text()
    rules = subprocess.run(["iptables-save"], capture_output=True, text=True, check=False).stdout
    bridges = {path.name for path in Path("/sys/class/net").iterdir()}
    try:
        yield
    finally:
        if "docker0" not in bridges:
            subprocess.run(["ip", "link", "del", "docker0"], capture_output=True, check=False)
        for empty in _EMPTY_TABLES:
            rules += empty if empty.splitlines()[0] not in rules else ""
        subprocess.run(["iptables-restore"], input=rules, text=True, capture_output=True, check=False)
        _FORWARDING.write_text(forwarding)


def make_base(engine: Engine, folder: Path) -> str:
    """The name of an image that the Dockerfile can be built on: Debian with its own Python 3.11.

    It trusts whom this machine trusts, and its pip asks whom this machine asks.
    """
    if engine.docker("images", "--quiet", BASE):
        return BASE
    if shutil.which("debootstrap") is None:
        pytest.skip("no image: debootstrap is not installed, and no registry is asked for a base")
    root = folder / "base"
    packages = "--include=ca-certificates,python3-venv,python-is-python3"
    done = subprocess.run(
        ["debootstrap", "--variant=minbase", packages, "bookworm", root], capture_output=True, text=True, check=False
    )
    if done.returncode:
        pytest.skip(f"no image: debootstrap failed: {' '.join(done.stdout.splitlines()[-1:])}")
    for path in ("etc/ssl/certs/ca-certificates.crt", "etc/pip.conf"):
        if Path("/", path).is_file():
            shutil.copy(Path("/", path), root / path)
    for kept in ("var/cache/apt/archives", "var/lib/apt/lists"):
        shutil.rmtree(root / kept)
    with subprocess.Popen(["tar", "-C", root, "-c", "."], stdout=subprocess.PIPE) as tar:
        environment = {**os.environ, "DOCKER_HOST": engine.host}
        subprocess.run(
            ["docker", "import", "-", BASE], stdin=tar.stdout, env=environment, capture_output=True, check=True
        )
    shutil.rmtree(root)
    return BASE


def build(engine: Engine, base: str, source: Path, tag: str, *options: str) -> str:
    """Build the image as docs/deploy.md says, on that base, with the network of this machine for the packages."""
    return engine.docker(
        "build",
        *options,
        "--network=host",
        "--build-arg",
        f"PYTHON={base}",
        "-f",
        source / "deploy/Dockerfile",
        "-t",
        tag,
        source,
    )
