"""The page as an operator opens it: the link on a terminal, in the background, in a browser; and its own endpoints."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from senseid.bodies import OK_CODE
from senseid.json_schema import schema_of
from senseid_crypto.key import Key, parse_key
from senseid_service.endpoints import ENDPOINTS
from senseid_service.page_access import TOKEN_VARIABLE, new_token
from senseid_service.page_shapes import PageFacts, PageKeys, PageSamples, RefusalDetails
from tests.service.conftest import (
    COMPARE,
    KEY,
    OMNI,
    QUALITY,
    Service,
    command,
    encrypted,
    environment,
    free_port,
    jpeg,
    running,
    until,
)
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from collections.abc import Iterator

LIVENESS = "/liveness/silent_detection/stateless"
LINK = re.compile(r"open the page, once: (http://127\.0\.0\.1:\d+)/#open=([\w-]{43})")
DETAILS = {"X-Senseid-Details": "true"}
API_KEY = "an-api-key-of-the-tests"


@pytest.fixture(scope="module")
def token() -> str:
    return new_token()


@pytest.fixture(scope="module")
def folder(small_photos: dict[str, bytes], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("samples")
    (folder / "obama.jpg").write_bytes(small_photos["obama"])
    return folder


@pytest.fixture(scope="module")
def locked(home: Path, folder: Path, token: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """A service with its page, whose clients need an API key."""
    env = {TOKEN_VARIABLE: token, "SENSEID_API_KEY": API_KEY}
    with running(home, tmp_path_factory.mktemp("locked"), "--ui", "--samples", str(folder), env=env) as found:
        yield found


@pytest.fixture(scope="module")
def entered(locked: Service, token: str) -> dict[str, str]:
    """What the link gave."""
    return enter(locked.url, token).raise_for_status().json()  # type: ignore[no-any-return]


def enter(url: str, token: str, **headers: str) -> httpx.Response:
    return httpx.post(f"{url}/page/enter", headers={"X-Senseid-Link": token, **headers}, trust_env=False, timeout=20)


def key_of(given: dict[str, str]) -> Key:
    return parse_key(given["key"], given["iv"])


# The link.


@pytest.mark.slow
def test_the_link_works_once(locked: Service, entered: dict[str, str], token: str) -> None:
    assert set(entered) == {"key", "iv", "api_key", "run"}
    for wrong in (token, "", new_token()):
        refused = enter(locked.url, wrong)
        assert (refused.status_code, refused.json()["code"]) == (403, 403)
    facts = httpx.get(f"{locked.url}/page/facts", trust_env=False).json()
    assert facts["run"] == entered["run"]
    for told, shape in ((entered, PageKeys), (facts, PageFacts)):
        Draft202012Validator(schema_of(shape)).validate(told)
    described = locked.client.get("/openapi.json").json()["paths"]
    assert {"/page/enter", "/page/facts", "/page/samples"} <= set(described)
    assert "details" in json.dumps(described[COMPARE]["post"]["responses"]["200"])


@pytest.mark.slow
def test_no_other_page_can_use_it(locked: Service) -> None:
    assert enter(locked.url, new_token(), origin="https://page.example").status_code == 403
    refused = httpx.options(
        f"{locked.url}/page/enter",
        headers={"origin": "https://page.example", "access-control-request-method": "POST"},
        trust_env=False,
    )
    assert refused.status_code == 403
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.slow
def test_what_it_gives_is_of_this_run_and_not_the_operators(
    locked: Service, entered: dict[str, str], small_photos: dict[str, bytes]
) -> None:
    assert KEY.secret.decode() not in entered.values()
    assert API_KEY not in entered.values()
    form = {"encrypted_image": encrypted(small_photos["obama"], key_of(entered))}
    assert locked.post(QUALITY, form).status_code == 401
    for key in (entered["api_key"], API_KEY):
        assert locked.post(QUALITY, form, headers={"X-API-Key": key}).json()["code"] == 1000


@pytest.mark.slow
def test_no_secret_of_it_is_logged(locked: Service, entered: dict[str, str], token: str) -> None:
    log = locked.log.read_text()
    assert [name for name in ("key", "iv", "api_key") if entered[name] in log] == []
    assert token not in log
    assert "#open=" not in log


@pytest.mark.slow
def test_after_a_restart_of_the_http_process_it_stays_used(home: Path, tmp_path: Path) -> None:
    token = new_token()
    with running(home, tmp_path, "--ui", env={TOKEN_VARIABLE: token}) as service:
        run = enter(service.url, token).raise_for_status().json()["run"]
        (pid,) = service.roles()["http"]
        os.kill(pid, 9)
        until(lambda: service.roles()["http"] not in ([], [pid]) and service.is_healthy())
        assert enter(service.url, token).status_code == 403
        assert httpx.get(f"{service.url}/page/facts", trust_env=False).json()["run"] == run


@pytest.mark.slow
def test_a_terminal_shows_it_and_the_next_one(home: Path, tmp_path: Path) -> None:
    outer, inner = pty.openpty()
    env = environment(home, {"SENSEID_PORT": "0", "SENSEID_WORKER_PORT": "0"})
    log = tmp_path / "log"
    with log.open("wb") as file:
        process = subprocess.Popen(
            command("serve", "--ui"), stdin=inner, stdout=inner, stderr=file, env=env, cwd=tmp_path
        )
    os.close(inner)
    shown = ""

    def links(count: int) -> list[tuple[str, str]]:
        nonlocal shown
        end = time.monotonic() + 60
        while len(LINK.findall(shown)) < count:
            assert time.monotonic() < end, log.read_text()
            shown += os.read(outer, 4096).decode()
        return LINK.findall(shown)  # type: ignore[no-any-return]

    try:
        ((url, first),) = links(1)
        assert enter(url, first).status_code == 200
        _, (_, second) = links(2)
        assert enter(url, first).status_code == 403
        assert enter(url, second).status_code == 200
    finally:
        process.terminate()
        assert process.wait(40) == 0
        os.close(outer)
    assert first not in log.read_text()


@pytest.mark.slow
def test_a_log_keeps_none(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path, "--ui") as service:
        assert "#open=" not in service.log.read_text()


@pytest.mark.slow
def test_in_the_background(home: Path, tmp_path: Path) -> None:
    env = {"SENSEID_WORKER_PORT": "0", "SENSEID_UI": "true", "SENSEID_PORT": str(free_port())}
    outer, inner = pty.openpty()
    started = subprocess.run(
        command("serve", "start"), stdin=inner, stdout=inner, env=environment(home, env), cwd=tmp_path, check=False
    )
    os.close(inner)
    try:
        assert started.returncode == 0
        ((url, token),) = LINK.findall(os.read(outer, 4096).decode())
        assert enter(url, token).status_code == 200
        assert token not in (home / "service" / "all.log").read_text()
    finally:
        os.close(outer)
        serve(home, tmp_path, "stop", env=env)


@pytest.mark.slow
def test_in_the_background_what_is_no_terminal_keeps_none(home: Path, tmp_path: Path) -> None:
    env = {"SENSEID_WORKER_PORT": "0", "SENSEID_UI": "true", "SENSEID_PORT": str(free_port())}
    started = serve(home, tmp_path, "start", env=env)
    try:
        assert started.stdout == f"the service answers at http://127.0.0.1:{env['SENSEID_PORT']}\n"
        assert "note: the link to the page is shown on a terminal alone" in started.stderr
    finally:
        serve(home, tmp_path, "stop", env=env)


@pytest.mark.slow
def test_a_browser_is_given_a_file_of_its_user_alone(home: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    script = tmp_path / "browser"
    script.write_text(
        f"#!{sys.executable}\nimport os, sys, urllib.parse\n"
        "path = urllib.parse.unquote(sys.argv[1].removeprefix('file://'))\n"
        "modes = oct(os.stat(os.path.dirname(path)).st_mode & 0o777)\n"
        f"with open({str(seen) + '.new'!r}, 'w') as file:\n"
        "    file.write('\\n'.join([modes, sys.argv[1], open(path).read()]))\n"
        f"os.rename({str(seen) + '.new'!r}, {str(seen)!r})\n"
    )
    script.chmod(0o755)
    with running(home, tmp_path, "--ui", "--open-browser", env={"BROWSER": f"{script} %s"}) as service:
        until(seen.exists)
        mode, argument, page = seen.read_text().split("\n", 2)
        (token,) = set(re.findall(r"#open=([\w-]{43})\"", page))
        assert mode == "0o700"
        assert argument.startswith("file:///")
        assert token not in argument
        assert enter(service.url, token).status_code == 200
    assert not Path(argument.removeprefix("file://")).exists()


def test_no_browser_is_opened_on_what_has_no_link(home: Path, tmp_path: Path) -> None:
    for words in (("--open-browser",), ("--ui", "--open-browser", "--host", "0.0.0.0", "--open")):
        refused = serve(home, tmp_path, *words)
        assert refused.returncode == 2
        assert "it needs --ui, and a service that only this machine reaches" in " ".join(
            refused.stderr.replace("│", " ").split()
        )


# Samples.


@pytest.mark.slow
def test_samples(locked: Service, entered: dict[str, str], folder: Path) -> None:
    key = {"X-API-Key": entered["api_key"]}
    assert locked.client.get("/page/samples").status_code == 401
    assert locked.client.get("/page/samples/0").status_code == 401
    listed = locked.client.get("/page/samples", headers=key).json()
    assert listed == {"samples": [{"name": "obama.jpg", "kind": "photo"}]}
    Draft202012Validator(schema_of(PageSamples)).validate(listed)
    sample = locked.client.get("/page/samples/0", headers=key)
    assert sample.content == (folder / "obama.jpg").read_bytes()
    for other in ("1", "-1", "..%2f..%2fetc%2fpasswd", "9" * 5000, ""):
        assert locked.client.get(f"/page/samples/{other}", headers=key).status_code == 404


# Details.


def ask(service: Service, path: str, fields: dict[str, bytes], given: dict[str, str]) -> dict[str, Any]:
    form = {name: encrypted(data, key_of(given)) for name, data in fields.items()}
    headers = {**DETAILS, "X-API-Key": given["api_key"]}
    plain = service.post(path, form, headers={"X-API-Key": given["api_key"]}).json()
    body = service.post(path, form, headers=headers).json()
    # Without the header it is what the manual says.
    assert body.keys() - plain.keys() == {"details"}
    assert {**body, "request_id": 0} == {**plain, "request_id": 0, "details": body["details"]}
    shape = ENDPOINTS[path].details if body["code"] == OK_CODE else RefusalDetails
    Draft202012Validator(schema_of(shape)).validate(body["details"])
    return body["details"]  # type: ignore[no-any-return]


@pytest.mark.slow
def test_details_of_a_comparison(locked: Service, entered: dict[str, str], small_photos: dict[str, bytes]) -> None:
    from io import BytesIO

    from PIL import Image

    with Image.open(BytesIO(small_photos["obama2"])) as photo:
        sideways = jpeg(photo.rotate(-90, expand=True), quality=95)
        width, height = photo.size
    fields = {"first_encrypted_image": small_photos["obama"], "second_encrypted_image": sideways}
    form = {name: encrypted(data, key_of(entered)) for name, data in fields.items()}
    headers = {**DETAILS, "X-API-Key": entered["api_key"]}
    body = locked.post(COMPARE, {**form, "auto_rotate": "true"}, headers=headers).json()
    second = body["details"]["second_image"]
    assert (second["width"], second["height"], second["quarter_turns"]) == (width, height, 1)
    ((left, top, right, bottom),) = second["face_rects"]
    assert 0 <= left < right <= width
    assert 0 <= top < bottom <= height
    details = ask(locked, OMNI, {**fields, "second_encrypted_image": small_photos["biden"]}, entered)
    assert set(details) == {"first_image", "second_image"}


@pytest.mark.slow
def test_details_of_quality(locked: Service, entered: dict[str, str], small_photos: dict[str, bytes]) -> None:
    details = ask(locked, QUALITY, {"encrypted_image": small_photos["obama"]}, entered)
    (face,) = details["faces"]
    assert [region["name"] for region in face["regions"]] == ["left_eye", "right_eye", "nose", "mouth"]
    ((left, top, right, bottom),) = details["image"]["face_rects"]
    inside = [left - 5 < x < right + 5 and top - 5 < y < bottom + 5 for x, y in face["landmarks"]]
    assert len(inside) > 80
    assert all(inside)
    assert [policy["name"] for policy in details["policies"]] == ["enrol", "verify"]
    for policy in details["policies"]:
        assert policy["pass"] is not bool(policy["failures"])
        for failure in policy["failures"]:
            assert face["measures"][failure["measure"]] == failure["value"]
            assert failure["advice"]


@pytest.mark.slow
def test_details_of_liveness(locked: Service, entered: dict[str, str], still_clip: bytes) -> None:
    details = ask(locked, LIVENESS, {"encrypted_video": still_clip}, entered)
    assert len(details["frames"]) >= 2
    assert 1 <= len(details["selected"]) <= 3
    assert details["evidence"][0]["weight"] == min(piece["weight"] for piece in details["evidence"])


@pytest.mark.slow
def test_a_refusal_says_which_photo_and_why(
    locked: Service, entered: dict[str, str], small_photos: dict[str, bytes]
) -> None:
    from PIL import Image

    grey = jpeg(Image.new("RGB", (200, 200), "grey"))
    fields = {"first_encrypted_image": small_photos["obama"], "second_encrypted_image": grey}
    details = ask(locked, COMPARE, fields, entered)
    assert details["parameter"] == "second_encrypted_image"
    assert details["reason"].startswith("no face is found")
    details = ask(locked, COMPARE, {**fields, "first_encrypted_image": b"no photo"}, entered)
    assert details["parameter"] == "first_encrypted_image"
    missing = locked.post(COMPARE, {"auto_rotate": "true"}, headers={**DETAILS, "X-API-Key": entered["api_key"]})
    assert missing.json()["details"] == {"parameter": "first_encrypted_image", "reason": "is missing"}


@pytest.mark.slow
def test_without_the_page_there_are_none(service: Service, pair: dict[str, str]) -> None:
    assert "details" not in service.post(COMPARE, pair, headers=DETAILS).json()
    for path in ("/", "/page.js", "/page/facts", "/page/samples"):
        assert service.client.get(path).status_code == 404
    assert service.client.post("/page/enter").status_code == 404
