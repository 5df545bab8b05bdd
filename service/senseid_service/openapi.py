"""The OpenAPI document, made from the table of endpoints and the table of outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senseid import outcomes
from senseid.bodies import OK_CODE
from senseid_service.endpoints import ENDPOINTS, HEALTH_PATH, LIVE_PATH, READY_PATH, Kind

if TYPE_CHECKING:
    from senseid_service.endpoints import Endpoint, Parameter

_REQUEST_ID: dict[str, Any] = {"type": "string", "pattern": "^[0-9a-f]{32}$"}

_CANNOT: dict[str, Any] = {
    "type": "object", "additionalProperties": {"type": "string"},
    "description": "paths whose requests are refused now, each with the name and number of the licence's error",
}  # fmt: skip

_EARLY = (
    outcomes.UNAUTHORISED,
    outcomes.FORBIDDEN,
    outcomes.TOO_SLOW,
    outcomes.LENGTH_REQUIRED,
    outcomes.TOO_LARGE,
    outcomes.TOO_MANY,
    outcomes.INTERNAL,
    outcomes.UNAVAILABLE,
)


def document(version: str) -> dict[str, Any]:
    """The whole document.

    Args:
        version: of this product.
    """
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "senseid",
            "version": version,
            "description": "Face verification. Photos and videos are AES-256-GCM encrypted and Base64 encoded.",
        },
        "security": [{}, {"key": []}, {"bearer": []}],
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Error": _error()},
        },
        "paths": {
            **{path: {"post": _operation(endpoint)} for path, endpoint in ENDPOINTS.items()},
            HEALTH_PATH: {"get": _health("healthcheck", "Whether everything can be answered")},
            READY_PATH: {"get": _health("readyz", "Whether anything can be answered")},
            LIVE_PATH: {"get": _health("livez", "Whether the service is there")},
        },
    }


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    form = {
        "type": "object",
        "properties": {parameter.name: _field(parameter) for parameter in endpoint.parameters},
        "required": [parameter.name for parameter in endpoint.parameters if parameter.required],
    }
    kinds = ["multipart/form-data"]
    if not any(parameter.kind is Kind.LIVENESS_DATA for parameter in endpoint.parameters):
        kinds.append("application/x-www-form-urlencoded")
    codes = ", ".join(map(str, endpoint.codes))
    return {
        "summary": endpoint.summary,
        "operationId": endpoint.path.strip("/").replace("/", "_"),
        "requestBody": {"required": True, "content": {kind: {"schema": form} for kind in kinds}},
        "responses": {
            "200": {"description": "The result.", "content": _content(_result(endpoint))},
            "400": {"description": f"The request is refused: {codes}.", "content": _content(_error(endpoint.codes))},
            **{str(outcome.http_status): _refusal(outcome) for outcome in _EARLY},
        },
    }


def _field(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind is Kind.SWITCH:
        return {"type": "string", "enum": ["true", "false"], "default": "false", "description": parameter.meaning}
    if parameter.kind is Kind.LIVENESS_DATA:
        return {"type": "string", "format": "binary", "description": parameter.meaning}
    if parameter.kind is Kind.PHOTOS:
        return {"type": "string", "description": f"{parameter.meaning}: each encrypted and Base64, commas between them"}
    return {"type": "string", "contentEncoding": "base64", "description": f"{parameter.meaning}, encrypted"}


def _result(endpoint: Endpoint) -> dict[str, Any]:
    fields = {"code": {"const": OK_CODE}, **endpoint.result, "request_id": _REQUEST_ID}
    required = [name for name in fields if name not in endpoint.optional]
    return {"type": "object", "properties": fields, "required": required, "additionalProperties": False}


def _error(codes: tuple[int, ...] = ()) -> dict[str, Any]:
    code: dict[str, Any] = {"enum": list(codes)} if codes else {"type": "integer"}
    return {
        "type": "object",
        "properties": {"code": code, "message": {"type": "string"}, "request_id": _REQUEST_ID},
        "required": ["code", "message", "request_id"],
    }


def _refusal(outcome: outcomes.Outcome) -> dict[str, Any]:
    return {
        "description": f"{outcome.message.capitalize()}.",
        "content": _content({"$ref": "#/components/schemas/Error"}),
    }


def _health(name: str, summary: str) -> dict[str, Any]:
    healthy = {
        "type": "object",
        "properties": {"code": {"const": OK_CODE}, "status": {"const": "ok"}, "cannot": _CANNOT},
        "required": ["code", "status"],
    }
    return {
        "summary": summary,
        "operationId": name,
        "security": [{}],
        "responses": {
            "200": {"description": "Yes.", "content": _content(healthy)},
            "503": _refusal(outcomes.UNAVAILABLE),
        },
    }


def _content(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
