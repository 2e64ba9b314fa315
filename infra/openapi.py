"""`/api/openapi.json` (OpenAPI 3.1), made from the table of routes and the models that the handlers themselves use."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from importlib.metadata import version
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from signaling.api_models import Problem
from signaling.http import Access, Route

Document = dict[str, Any]

_PARAMETER = re.compile(r"{(\w+)}")
_REFERENCE = "#/components/schemas/{model}"
_SECURITY: dict[Access, list[dict[str, list[str]]]] = {
    Access.ANYONE: [],
    Access.ADMINISTRATOR: [{"session": []}, {"sessionHttps": []}],
    Access.LESSON_TEACHER: [{"session": []}, {"sessionHttps": []}, {"invitation": []}],
    Access.INVITED: [{"invitation": []}],
    Access.READER: [{}, {"session": []}, {"sessionHttps": []}, {"invitation": []}],
}
_SCHEMES = {
    "session": {"type": "apiKey", "in": "cookie", "name": "webclass_session"},
    "sessionHttps": {"type": "apiKey", "in": "cookie", "name": "__Host-webclass"},
    "invitation": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"},
}


def openapi_document(routes: Sequence[Route]) -> Document:
    """The whole document. Two routes may share a path with different methods."""
    models: list[tuple[type[BaseModel], JsonSchemaMode]] = [(Problem, "serialization")]
    for route in routes:
        if route.request_model is not None:
            models.append((route.request_model, "validation"))
        if route.response_model is not None:
            models.append((route.response_model, "serialization"))
    references, definitions = models_json_schema(list(dict.fromkeys(models)), ref_template=_REFERENCE)
    paths: dict[str, Document] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, references)
    return {
        "openapi": "3.1.0",
        "info": {"title": "webclass", "version": version("webclass"), "license": {"name": "Apache-2.0"}},
        "paths": paths,
        "components": {"schemas": definitions.get("$defs", {}), "securitySchemes": _SCHEMES},
    }


def _operation(route: Route, references: Mapping[Any, Document]) -> Document:
    """`references` maps (model, mode) to the model's schema."""
    answer: Document = {"description": HTTPStatus(route.status).phrase}
    if route.response_model is not None:
        answer["content"] = _json(references[route.response_model, "serialization"])
    operation: Document = {
        "operationId": route.handler.__name__,
        "summary": route.summary,
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in _PARAMETER.findall(route.path)
        ],
        "responses": {
            str(route.status): answer,
            "default": {"description": "Refused", "content": _json(references[Problem, "serialization"])},
        },
        "security": _SECURITY[route.access],
    }
    if route.request_model is not None:
        operation["requestBody"] = {"required": True, "content": _json(references[route.request_model, "validation"])}
    return operation


def _json(schema: Document) -> Document:
    return {"application/json": {"schema": schema}}
