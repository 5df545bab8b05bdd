"""The OpenAPI document is valid, and real answers are as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import httpx
import pytest
from jsonschema import Draft202012Validator

from senseid import shapes
from senseid.json_schema import schema_of
from senseid_service.endpoints import ENDPOINTS, LIVENESS, QUALITY, VERIFY_CAPTURE, VERIFY_VIDEO
from senseid_service.openapi import document
from tests.service.conftest import COMPARE, OMNI, encrypted, make_home, running, until

if TYPE_CHECKING:
    from pathlib import Path

    from tests.service.conftest import Service


def validator(found: dict[str, Any], path: str, method: str, status: int) -> Draft202012Validator:
    """Of the bodies of one answer; what it refers to is in the same document."""
    steps = ["paths", path, method, "responses", str(status), "content", "application/json", "schema"]
    pointer = "/".join(step.replace("/", "~1") for step in steps)
    return Draft202012Validator({**found, "$ref": f"#/{pointer}"})


@pytest.mark.parametrize("page", [False, True])
@pytest.mark.parametrize("plain_media", [False, True])
def test_the_document_is_valid(plain_media: bool, page: bool) -> None:
    openapi_spec_validator = pytest.importorskip("openapi_spec_validator")
    found = document("1.2.3", plain_media=plain_media, page=page)
    openapi_spec_validator.validate(found)
    tags = {tag["name"] for tag in found["tags"]}
    assert {word for each in found["paths"].values() for one in each.values() for word in one["tags"]} == tags


def test_every_answer_has_an_example_that_fits() -> None:
    found, count = document("1.2.3"), 0
    for path, methods in found["paths"].items():
        for method, operation in methods.items():
            for status, answer in operation["responses"].items():
                content = answer["content"]["application/json"]
                told = (
                    [content["example"]] if "example" in content else [x["value"] for x in content["examples"].values()]
                )
                for example in told:
                    validator(found, path, method, int(status)).validate(example)
                    count += 1
    assert count > 60


def test_the_real_answers(service: Service, pair: dict[str, str], photos: dict[str, str], still_clip: bytes) -> None:
    found = service.client.get("/openapi.json").json()

    def check(response: httpx.Response, status: int) -> None:
        assert response.status_code == status, response.text
        request = response.request
        validator(found, request.url.path, request.method.lower(), status).validate(response.json())

    one, video = {"encrypted_image": photos["obama"]}, {"encrypted_video": encrypted(still_clip)}
    check(service.post(COMPARE, pair), 200)
    check(service.post(OMNI, pair), 200)
    check(service.post(QUALITY.path, one), 200)
    check(service.post(LIVENESS.path, {**video, "return_status": "true"}), 200)
    check(service.post(VERIFY_VIDEO.path, {**video, **one, "return_status": "true"}), 200)
    for path in ENDPOINTS:
        check(service.post(path, {}), 400)
    check(service.post(VERIFY_CAPTURE.path, {**one, "liveness_file": "x"}), 400)
    check(service.client.post(COMPARE, content=iter([b"x"])), 411)
    for path in ("/healthcheck", "/readyz", "/livez"):
        check(service.client.get(path), 200)
    worker = httpx.get(service.addresses[1] + "/healthcheck", trust_env=False)
    Draft202012Validator(schema_of(shapes.WorkerHealth)).validate(worker.json())


def test_a_service_without_a_licence(tmp_path: Path) -> None:
    home = make_home(tmp_path / "home")
    (home / "license" / "senseid_liveness" / "senseid_liveness.lic").unlink()
    with running(home, tmp_path, healthy=False) as service:
        until(lambda: service.client.get("/readyz").status_code == 200)
        found = service.client.get("/openapi.json").json()
        for path, status in (("/readyz", 200), ("/healthcheck", 503)):
            response = service.client.get(path)
            assert response.status_code == status
            assert response.json()["cannot"]
            validator(found, path, "get", status).validate(response.json())
