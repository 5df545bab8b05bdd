"""Starting, stopping, dying, being replaced: what an operator does to a service, and what a machine does to it."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import httpx

from senseid_licensing.issue import issue
from senseid_licensing.licence import parse_licence_file
from senseid_licensing.private_key import open_key_file
from senseid_licensing.product import Product
from senseid_licensing.version_range import VersionRange
from senseid_service.endpoints import ENDPOINTS
from tests.service.conftest import (
    COMPARE,
    QUALITY,
    free_port,
    make_home,
    renew,
    running,
    until,
)

if TYPE_CHECKING:
    from pathlib import Path


def test_a_licence_that_ends_and_one_that_comes(tmp_path: Path, pair: dict[str, str]) -> None:
    """Expiry counts at once and is told by the health checks; a new file is enough to go on."""
    home = make_home(tmp_path / "home", datetime.now(UTC) - timedelta(days=29))
    with running(home, tmp_path, env={"SENSEID_WORKER_PORT": str(free_port())}) as service:
        assert service.post(COMPARE, pair).status_code == 200
        renew(home, datetime.now(UTC) - timedelta(days=1, seconds=1), days=1)
        refused = service.post(COMPARE, pair)
        assert refused.status_code == 500
        message = "internal error: STID_E_AUTH_EXPIRE (-15)"
        assert refused.json() | {"request_id": ""} == {"code": 500, "message": message, "request_id": ""}
        for url in service.addresses:
            assert httpx.get(url + "/readyz", trust_env=False).status_code == 503
            assert httpx.get(url + "/livez", trust_env=False).status_code == 200
            health = httpx.get(url + "/healthcheck", trust_env=False)
            assert health.status_code == 503
            body = health.json()
            assert (body["code"], body["message"]) == (503, "service unavailable")
            assert body["status"] == "STID_E_AUTH_EXPIRE (-15) senseid_face"
        assert "STID_E_AUTH_EXPIRE" in service.requests(500)[0]["reason"]
        renew(home)
        assert service.post(COMPARE, pair).status_code == 200
        assert service.is_healthy()
        for product in ("senseid_face", "senseid_kestrel", "senseid_liveness"):
            (home / "license" / product / f"{product}.lic").unlink()
        assert service.post(COMPARE, pair).status_code == 500
        renew(home)
        assert service.post(COMPARE, pair).status_code == 200


def test_one_licence_is_missing(tmp_path: Path, pair: dict[str, str], photos: dict[str, str]) -> None:
    """What cannot be done is named, in both roles alike, and what can is done."""
    home = make_home(tmp_path / "home")
    (home / "license" / "senseid_face" / "senseid_face.lic").unlink()
    face = "STID_E_FILE_NOT_FOUND (-7) senseid_face"
    paths = {path: face for path, endpoint in ENDPOINTS.items() if Product.FACE in endpoint.products}
    with (
        running(home, tmp_path, "--role", "worker", env={"HANDLERS": "1"}, healthy=False) as worker,
        running(home, tmp_path, "--role", "api", "--workers", worker.url[7:], healthy=False) as api,
    ):
        until(lambda: httpx.get(api.url + "/readyz", trust_env=False).status_code == 200)
        for service in (worker, api):
            whole = service.client.get("/healthcheck")
            assert (whole.status_code, whole.json()["status"], whole.json()["cannot"]) == (503, face, paths)
            ready = service.client.get("/readyz")
            assert (ready.status_code, ready.json()["status"], ready.json()["cannot"]) == (200, "ok", paths)
            live = service.client.get("/livez")
            assert (live.status_code, live.json()["status"]) == (200, "ok")
            assert "cannot" not in live.json()
            assert service.post(QUALITY, {"encrypted_image": photos["obama"]}).json()["code"] == 1000
            refused = service.post(COMPARE, pair)
            assert (refused.status_code, refused.json()["code"]) == (500, 500)
            assert refused.json()["message"] == "internal error: STID_E_FILE_NOT_FOUND (-7)"
        for product in ("senseid_kestrel", "senseid_liveness"):
            (home / "license" / product / f"{product}.lic").unlink()
        until(lambda: httpx.get(api.url + "/readyz", trust_env=False).status_code == 503, 20)
        for service in (worker, api):
            refused = service.post(QUALITY, {"encrypted_image": photos["obama"]})
            assert refused.json()["message"] == "internal error: STID_E_FILE_NOT_FOUND (-7)"
            assert set(service.client.get("/readyz").json()["cannot"]) == set(ENDPOINTS)


def test_bad_licences_are_named_alike_in_both_roles(tmp_path: Path, pair: dict[str, str]) -> None:
    """A worker whose licence turns bad, and the API before it, from the next request on."""
    home = make_home(tmp_path / "home")
    path = home / "license" / "senseid_face" / "senseid_face.lic"
    good = path.read_bytes()

    terms = parse_licence_file(good).leaf.licence
    root = open_key_file((home / "vendor" / "root.key").read_bytes(), None)
    states = {
        "STID_E_INVALID_AUTH (-13)": good.replace(b'"tests"', b'"a thief"'),
        "STID_E_INVALID_FILE_FORMAT (-8)": good[:100],
        "STID_E_UDID_MISMATCH (-16)": issue(replace(terms, udid=dict.fromkeys(terms.udid or (), "0" * 32)), root),
        "STID_E_VERSION_MISMATCH (-23)": issue(replace(terms, versions=VersionRange("99")), root),
        "STID_E_PLATFORM_NOTSUPPORTED (-24)": issue(replace(terms, platforms=frozenset({"macos-arm64"})), root),
        "STID_E_CAPABILITY_NOTSUPPORTED (-2067857410)": issue(replace(terms, capabilities=frozenset()), root),
    }
    with (
        running(home, tmp_path, "--role", "worker", env={"HANDLERS": "1"}) as worker,
        running(home, tmp_path, "--role", "api", "--workers", worker.url[7:]) as api,
    ):
        for stid, data in states.items():
            # A file that was good before counts instead of a bad one, but not once it was seen to be gone.
            path.unlink()
            for service in (worker, api):
                assert service.post(COMPARE, pair).status_code == 500
            until(lambda: api.client.get("/healthcheck").status_code == 503, 20)
            path.write_bytes(data)
            for service in (worker, api):
                refused = service.post(COMPARE, pair)
                assert (refused.status_code, refused.json()["code"]) == (500, 500)
                assert refused.json()["message"] == f"internal error: {stid}"
            told = f"{stid} senseid_face"
            until(lambda told=told: api.client.get("/healthcheck").json()["status"] == told, 20)
            for service in (worker, api):
                assert service.client.get("/healthcheck").json()["status"] == told
            path.write_bytes(good)
            until(lambda: worker.is_healthy() and api.is_healthy(), 20)
            for service in (worker, api):
                assert service.post(COMPARE, pair).status_code == 200


def test_a_service_without_an_iv_says_so(home: Path, tmp_path: Path) -> None:
    with running(home, tmp_path, env={"PARAM_DECRYPT_IV": "", "HANDLERS": "1"}) as found:
        assert "note: no key has an IV: what clients send in the wire format is refused (1200)" in found.log.read_text()
    with running(home, tmp_path, env={"HANDLERS": "1"}) as found:
        assert "no key has an IV" not in found.log.read_text()
