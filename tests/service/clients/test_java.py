"""The Java client with Apache HttpClient, compiled and run against every endpoint of the real service."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from senseid_crypto.wire import encrypt_bytes
from tests.service.conftest import KEY

if TYPE_CHECKING:
    from tests.service.clients.conftest import Media
    from tests.service.conftest import Service

SOURCE = Path(__file__).resolve().parents[1] / "java" / "SenseidClient.java"
# Where Debian's packages libhttpclient-java and libhttpmime-java put them, and what they need.
JARS = [
    Path("/usr/share/java") / f"{name}.jar"
    for name in ("httpclient", "httpcore", "httpmime", "commons-logging", "commons-codec")
]
MISSING = [name for name in ("java", "javac") if shutil.which(name) is None]
MISSING += [str(jar) for jar in JARS if not jar.is_file()]

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(bool(MISSING), reason=f"not installed: {', '.join(MISSING)} (apt-get install libhttpmime-java)"),
]


def environment() -> dict[str, str]:
    return {
        **os.environ,
        "PARAM_DECRYPT_KEY": KEY.secret.decode(),
        "PARAM_DECRYPT_IV": KEY.fixed_iv.decode(),
    }


@pytest.fixture(scope="module")
def classes(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The class path of the compiled client."""
    folder = tmp_path_factory.mktemp("classes")
    path = ":".join(map(str, JARS))
    # The jars' own manifests name jars that Debian does not need: that is all that -path keeps silent.
    command = ["javac", "-Xlint:all,-path", "-Werror", "-d", str(folder), "-cp", path, str(SOURCE)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return f"{folder}:{path}"


def test_every_endpoint(site: Service, media: Media, classes: str) -> None:
    files = [media.one, media.same, media.still, media.liveness_data]
    command = ["java", "-cp", classes, "SenseidClient", site.url, *map(str, files)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment(), timeout=120)
    assert done.returncode == 0, done.stderr
    answers: dict[str, dict[str, Any]] = {}
    for line in done.stdout.splitlines():
        path, status, body = line.split("\t")
        assert status == "200", line
        answers[path] = json.loads(body)
    assert {path: body["code"] for path, body in answers.items()} == {
        "/healthcheck": 1000,
        "/identity/image_verification/stateless": 1000,
        "/identity/multiface_image_omni_verification/stateless": 1000,
        "/quality/face/stateless": 1000,
        "/liveness/silent_detection/stateless": 1000,
        "/identity/silent_image_verification/stateless": 1000,
        "/identity/liveness_image_verification/stateless": 1000,
    }
    assert answers["/identity/image_verification/stateless"]["verification_score"] > 0.7
    assert answers["/identity/liveness_image_verification/stateless"]["verification_score"] > 0.7
    assert answers["/liveness/silent_detection/stateless"]["liveness_status"] == "hack"


def test_it_encrypts_as_we_do(classes: str, tmp_path: Path) -> None:
    (tmp_path / "Seal.java").write_text(
        "public class Seal { public static void main(String[] words) throws Exception {"
        ' var client = new SenseidClient(java.net.URI.create("http://localhost"), words[0], words[1], null);'
        " System.out.print(client.encrypt(System.in.readAllBytes())); } }"
    )
    plain = bytes(range(256)) * 41
    key, iv = KEY.secret.decode(), KEY.fixed_iv.decode()
    command = ["java", "-cp", classes, str(tmp_path / "Seal.java"), key, iv]
    done = subprocess.run(command, input=plain, capture_output=True, check=True)
    assert done.stdout == encrypt_bytes(plain, KEY)
