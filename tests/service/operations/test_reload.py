"""What counts without a restart: keys, licences, the threshold, the certificate; and what of them is refused."""

from __future__ import annotations

import os
import signal
import threading
from typing import TYPE_CHECKING, Any

import httpx

from senseid_crypto.key import Key, parse_key
from tests.service.conftest import COMPARE, KEY, Service, encrypted, free_port, make_home, running, until
from tests.service.operations.conftest import serve

if TYPE_CHECKING:
    from pathlib import Path

OTHER = parse_key("another-key-of-32-characters-abc", "other-12-iv.")


def key_text(key: Key) -> str:
    return f"PARAM_DECRYPT_KEY={key.secret.decode()}\nPARAM_DECRYPT_IV={key.fixed_iv.decode()}\n"


def hang_up(service: Service, outcome: str) -> dict[str, Any]:
    """SIGHUP, as `systemctl reload` sends it; the event that tells what came of it."""
    before = len(service.events(outcome))
    service.process.send_signal(signal.SIGHUP)
    return until(lambda: service.events(outcome)[before:])[0]  # type: ignore[no-any-return]


def pair_with(key: Key, photo: bytes) -> dict[str, str]:
    return {"first_encrypted_image": encrypted(photo, key), "second_encrypted_image": encrypted(photo, key)}


def test_keys_and_threshold(home: Path, tmp_path: Path, small_photos: dict[str, bytes]) -> None:
    """Requests that run meanwhile are all answered; a file that cannot be used changes nothing and is told of."""
    media, api, env = tmp_path / "media.key", tmp_path / "api.keys", tmp_path / "settings.env"
    media.write_text(key_text(KEY))
    api.write_text("first\n")
    env.write_text("SENSEID_THRESHOLD=0.7\n")
    old, new = pair_with(KEY, small_photos["obama"]), pair_with(OTHER, small_photos["obama"])
    words = ("--key-file", str(media), "--env-file", str(env), "--api-key-file", str(api), "--metrics", "0")
    plain = {"PARAM_DECRYPT_KEY": "", "PARAM_DECRYPT_IV": ""}
    with running(home, tmp_path, *words, env=plain) as service:

        def code(form: dict[str, str], api_key: str = "first") -> int:
            answer = httpx.post(
                service.url + COMPARE, data=form, headers={"x-api-key": api_key}, timeout=60, trust_env=False
            )
            return int(answer.json()["code"])

        def threshold() -> str:
            return (
                httpx.get(service.addresses[-1] + "/metrics", trust_env=False)
                .text.partition("\nsenseid_match_threshold ")[2]
                .partition("\n")[0]
            )

        assert (code(old), code(new), code(old, "second"), threshold()) == (1000, 1200, 401, "0.7")
        answers: list[int] = []
        done = threading.Event()

        def ask() -> None:
            while not done.is_set():
                answers.append(httpx.get(service.url + "/readyz", trust_env=False).status_code)
                answers.append(int(code(old) == 1000 or code(new) == 1000))

        asking = threading.Thread(target=ask)
        asking.start()
        # Another process of the service answers before, while and after this.
        before = service.handlers()
        media.write_text(key_text(OTHER))
        api.write_text("first\nsecond\n")
        env.write_text("SENSEID_THRESHOLD=0.6\nSENSEID_QUEUE=3\n")
        event = hang_up(service, "reloaded")
        assert event["keys"] == [OTHER.id]
        assert (event["api_keys"], event["threshold"], event["needs_restart"]) == (2, 0.6, ["SENSEID_QUEUE"])
        done.set()
        asking.join()
        assert set(answers) <= {200, 1}
        until(lambda: code(new) == 1000, 10)
        assert (code(old), code(new, "second"), threshold()) == (1200, 1000, "0.6")
        assert service.handlers() == before

        media.write_text("nonsense\n")
        event = hang_up(service, "reload_failed")
        assert str(media) in event["reason"]
        assert (code(new), code(old)) == (1000, 1200)
        env.write_text("SENSEID_THRESHOLD=7\n")
        media.write_text(key_text(KEY))
        event = hang_up(service, "reload_failed")
        assert event["reason"] == "SENSEID_THRESHOLD is '7', and must be a number from 0 to 1"
        assert (code(new), code(old), threshold()) == (1000, 1200, "0.6")
        # What a new process inherits is what was in force last, not what the service began with.
        roles = service.roles()
        for pid in [*roles["handler"], *roles["models"], *roles["http"]]:
            os.kill(pid, signal.SIGKILL)
        until(lambda: len(service.events("serving")) == 2 and service.is_healthy())
        assert (code(new, "second"), code(old), threshold()) == (1000, 1200, "0.6")
        # A changed file is enough.
        env.write_text("SENSEID_THRESHOLD=0.8\n")
        until(lambda: threshold() == "0.8", 20)
        until(lambda: code(old) == 1000, 10)
        assert KEY.secret.decode() not in service.log.read_text()
        assert "second" not in service.log.read_text()


def test_a_damaged_licence_leaves_the_old_one_in_force(tmp_path: Path, pair: dict[str, str]) -> None:
    home = make_home(tmp_path / "home")
    path = home / "license" / "senseid_face" / "senseid_face.lic"
    good = path.read_bytes()
    with running(home, tmp_path, env={"HANDLERS": "1"}) as service:
        for damaged, stid in ((good[:100], "(-8)"), (good.replace(b'"tests"', b'"a thief"'), "(-13)")):
            path.write_bytes(damaged)
            assert service.post(COMPARE, pair).json()["code"] == 1000
            assert service.client.get("/healthcheck").status_code == 200
            event = hang_up(service, "licences")
            assert event["level"] == "warning"
            assert "the new file is refused" in event["in_force"]["senseid_face"]
            assert stid in event["in_force"]["senseid_face"]
        # Also for a process that begins only now.
        handler = service.handlers()[0]
        os.kill(handler, signal.SIGKILL)
        until(lambda: service.is_healthy() and service.handlers() != [handler])
        assert service.post(COMPARE, pair).json()["code"] == 1000
        path.unlink()
        assert service.post(COMPARE, pair).json()["code"] == 500
        # Nothing is left to go on with.
        path.write_bytes(good[:100])
        assert service.post(COMPARE, pair).json()["code"] == 500
        path.write_bytes(good)
        assert service.post(COMPARE, pair).json()["code"] == 1000


def test_in_the_background(home: Path, tmp_path: Path) -> None:
    words, env = ("--port", str(free_port())), {"SENSEID_WORKER_PORT": "0", "HANDLERS": "1"}
    assert serve(home, tmp_path, *words, "reload", env=env).returncode == 1
    started = serve(home, tmp_path, *words, "start", env=env)
    assert started.returncode == 0, started.stderr
    try:
        assert serve(home, tmp_path, *words, "reload", env=env).returncode == 0
        until(lambda: '"event":"reloaded"' in serve(home, tmp_path, *words, "logs", env=env).stdout)
        assert serve(home, tmp_path, *words, "status", env=env).returncode == 0
    finally:
        assert serve(home, tmp_path, *words, "stop", env=env).stdout == "stopped\n"
