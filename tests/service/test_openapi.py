"""The OpenAPI document and the service say the same: requests made from the document are answered as it says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

if TYPE_CHECKING:
    from tests.service.conftest import Service

EXAMPLES = 10


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_service_answers_as_the_document_says(service: Service) -> None:
    schemathesis = pytest.importorskip("schemathesis")
    from schemathesis.specs.openapi.checks import positive_data_acceptance

    schema = schemathesis.openapi.from_url(service.url + "/openapi.json")
    paths = []
    for found in schema.get_all_operations():
        operation = found.ok()

        @given(case=operation.as_strategy())
        @settings(max_examples=EXAMPLES, suppress_health_check=list(HealthCheck))
        def check(case: schemathesis.Case) -> None:
            # No schema can say which Base64 decrypts.
            case.call_and_validate(timeout=30, excluded_checks=[positive_data_acceptance])

        check()
        paths.append(operation.path)
    assert set(paths) == set(service.client.get("/openapi.json").json()["paths"])
