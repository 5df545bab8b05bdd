"""The OpenAPI document, made from the table of endpoints and the table of outcomes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from senseid import bodies, outcomes, shapes
from senseid.json_schema import schema_of
from senseid_service import examples, page_shapes
from senseid_service.endpoints import ENDPOINTS, HEALTH_PATH, LIVE_PATH, READY_PATH, Kind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from senseid_service.endpoints import Endpoint, Parameter

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


_BY_CODE = {outcome.code: outcome for outcome in outcomes.OUTCOMES.values()}

_HEALTHY: shapes.Health = {"code": bodies.OK_CODE, "status": "ok"}

_UNHEALTHY: Mapping[str, object] = {
    **bodies.error_body(outcomes.UNAVAILABLE, examples.REQUEST_ID),
    "status": "no handler answers",
}

_DETAILS: Mapping[str, object] = {
    "name": page_shapes.HEADER,
    "in": "header",
    "required": False,
    "schema": {"type": "string", "enum": ["true"]},
    "description": "Add `details`: what the page draws.",
}

_PAGE_TAG = "page"
_TAGS: dict[str, str] = {
    "identity": "Compare faces.",
    "quality": "Measure how good a photo is.",
    "liveness": "Check that a person is living.",
    "health": "Ask whether the service answers. No key is needed.",
    _PAGE_TAG: "What the page asks for beside the API; it may change.",
}
"""The groups of paths, by the first word of the path."""


def document(version: str, *, plain_media: bool = False, page: bool = False) -> dict[str, Any]:
    """The whole document.

    Args:
        version: of this product.
        plain_media: whether photos and videos may come as they are.
        page: whether the service serves the page, for which a header adds `details` to an answer.
    """
    plain = " They may be sent as they are as well: a form's `first_image` is a file." if plain_media else ""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "senseid",
            "version": version,
            "description": f"Face verification. Photos and videos are AES-256-GCM encrypted and Base64 encoded.{plain}",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "security": [{}, {"key": []}, {"bearer": []}],
        "tags": [{"name": name, "description": text} for name, text in _TAGS.items() if page or name != _PAGE_TAG],
        "components": {
            "securitySchemes": {
                "key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
                "bearer": {"type": "http", "scheme": "bearer"},
            },
            "schemas": {"Error": schema_of(shapes.ErrorBody)},
        },
        "paths": {
            **{
                path: {"post": _operation(endpoint, plain_media=plain_media, page=page)}
                for path, endpoint in ENDPOINTS.items()
            },
            HEALTH_PATH: {"get": _health("healthcheck", "Whether everything can be answered")},
            READY_PATH: {"get": _health("readyz", "Whether anything can be answered")},
            LIVE_PATH: {"get": _health("livez", "Whether the service is there")},
            **(_page_paths() if page else {}),
        },
    }


def _page_paths() -> dict[str, Any]:
    return {
        "/page/facts": {"get": _of_page("facts", "What the page begins with", page_shapes.PageFacts)},
        "/page/enter": {
            "post": _of_page("enter", "Use the link, once", page_shapes.PageKeys, outcomes.FORBIDDEN),
        },
        "/page/samples": {
            "get": _of_page("samples", "What is offered", page_shapes.PageSamples, outcomes.UNAUTHORISED),
        },
    }


def _of_page(name: str, summary: str, shape: type, *refused: outcomes.Outcome) -> dict[str, Any]:
    return {
        "tags": [_PAGE_TAG],
        "summary": summary,
        "operationId": f"page_{name}",
        "responses": {
            "200": {"description": "The answer.", "content": {"application/json": {"schema": schema_of(shape)}}},
            **{str(outcome.http_status): _refusal(outcome) for outcome in refused},
        },
    }


def _operation(endpoint: Endpoint, *, plain_media: bool, page: bool) -> dict[str, Any]:
    form = _form(endpoint.parameters)
    content = {"multipart/form-data": _with_plain(form, endpoint.parameters) if plain_media else form}
    if not any(parameter.kind is Kind.LIVENESS_DATA for parameter in endpoint.parameters):
        content["application/x-www-form-urlencoded"] = form
    codes = ", ".join(map(str, endpoint.codes))
    schema, refusals = schema_of(endpoint.result), _refusals(endpoint.codes)
    if page:
        schema["properties"]["details"] = schema_of(endpoint.details)
        refusals["application/json"]["schema"]["properties"]["details"] = schema_of(page_shapes.RefusalDetails)
    result = _content(schema, examples.RESULTS[endpoint.path])
    return {
        **({"parameters": [_DETAILS]} if page else {}),
        "tags": [endpoint.path.split("/")[1]],
        "summary": endpoint.summary,
        "operationId": endpoint.path.strip("/").replace("/", "_"),
        "requestBody": {"required": True, "content": {kind: {"schema": schema} for kind, schema in content.items()}},
        "responses": {
            "200": {"description": "The result.", "content": result},
            "400": {"description": f"The request is refused: {codes}.", "content": refusals},
            **{str(outcome.http_status): _refusal(outcome) for outcome in _EARLY},
        },
    }


def _form(parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {parameter.name: _field(parameter) for parameter in parameters},
        "required": [parameter.name for parameter in parameters if parameter.required],
    }


def _with_plain(form: dict[str, Any], parameters: tuple[Parameter, ...]) -> dict[str, Any]:
    """The form in which each photo and video comes in one of two fields."""
    plain = {
        name: {"type": "string", "format": "binary", "description": f"{parameter.meaning}, as it is"}
        for parameter in parameters
        for name in parameter.plain
    }
    either = [parameter for parameter in parameters if parameter.required and parameter.plain]
    return {
        "type": "object",
        "properties": {**form["properties"], **plain},
        "required": [each.name for each in parameters if each.required and each not in either],
        "allOf": [{"oneOf": [{"required": [name]} for name in (each.name, *each.plain)]} for each in either],
    }


def _field(parameter: Parameter) -> dict[str, Any]:
    if parameter.kind is Kind.SWITCH:
        return {"type": "string", "enum": ["true", "false"], "default": "false", "description": parameter.meaning}
    if parameter.kind is Kind.LIVENESS_DATA:
        return {"type": "string", "format": "binary", "description": parameter.meaning}
    if parameter.kind is Kind.PHOTOS:
        return {"type": "string", "description": f"{parameter.meaning}: each encrypted and Base64, commas between them"}
    return {
        "type": "string",
        "contentEncoding": "base64",
        "description": f"{parameter.meaning}, encrypted",
        "examples": [examples.MEDIA],
    }


def _refusals(codes: tuple[int, ...]) -> dict[str, Any]:
    schema = schema_of(shapes.ErrorBody)
    schema["properties"]["code"] = {"enum": list(codes)}
    told = {str(code): {"summary": _BY_CODE[code].message, "value": _error_example(_BY_CODE[code])} for code in codes}
    return {"application/json": {"schema": schema, "examples": told}}


def _refusal(outcome: outcomes.Outcome) -> dict[str, Any]:
    return {
        "description": f"{outcome.message.capitalize()}.",
        "content": _content({"$ref": "#/components/schemas/Error"}, _error_example(outcome)),
    }


def _error_example(outcome: outcomes.Outcome) -> Mapping[str, object]:
    return bodies.error_body(outcome, examples.REQUEST_ID)


def _health(name: str, summary: str) -> dict[str, Any]:
    return {
        "tags": ["health"],
        "summary": summary,
        "operationId": name,
        "security": [{}],
        "responses": {
            "200": {"description": "Yes.", "content": _content(schema_of(shapes.Health), _HEALTHY)},
            "503": {"description": "No.", "content": _content(schema_of(shapes.Unhealthy), _UNHEALTHY)},
        },
    }


def _content(schema: dict[str, Any], example: Mapping[str, object]) -> dict[str, Any]:
    return {"application/json": {"schema": schema, "example": example}}
