"""Makes the OpenAPI 3.1 document from the routes and the models of their answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from proofport import __version__
from proofport.relay.api.models import Problem
from proofport.relay.api.route import Route
from proofport.relay.problems import CATALOGUE, MEDIA_TYPE

OF_ALL = (
    "bad-request",
    "invalid-parameters",
    "headers-too-large",
    "expectation-failed",
    "internal-error",
    "misconfigured",
    "journal-unavailable",
    "overloaded",
    "shutting-down",
    "method-not-allowed",
    "not-found",
)
"""Problems that every route may answer with."""

BEHIND_KEYS = ("unauthorized", "forbidden", "too-many-requests")
OF_BODIES = ("malformed-body", "payload-too-large", "request-timeout", "unsupported-media-type")
REFERENCE = "#/components/schemas/{model}"
TEXT = {"type": "string"}
IN_PATH = {
    "kind": (
        "A kind of evidence: cloud_resource, training_record, personnel_account, device, person or custom:TYPE.",
        TEXT,
    ),
    "id": ("The id.", TEXT),
    "part": (
        "A name of your own: letters, digits, dots, dashes, underscores.",
        {**TEXT, "pattern": "^[A-Za-z0-9._-]{1,64}$"},
    ),
    "lane": ("The name of the lane, percent-encoded.", TEXT),
}
IN_HEADER = {**TEXT, "pattern": "^[!-~]([ -~]*[!-~])?$", "maxLength": 255}


def document(routes: Sequence[Route]) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "proofport relay",
            "version": __version__,
            "summary": "Evidence in over HTTP, durable before it answers.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": tag} for tag in dict.fromkeys(route.tag for route in routes)],
        "paths": paths,
        "components": {"schemas": _schemas(routes), "securitySchemes": {"key": {"type": "http", "scheme": "bearer"}}},
    }


def problems_of(route: Route) -> list[str]:
    """The names of all problems that a route may answer with."""
    of_keys, of_bodies = BEHIND_KEYS if route.scope != "open" else (), OF_BODIES if route.body is not None else ()
    return list(dict.fromkeys([*route.problems, *OF_ALL, *of_keys, *of_bodies]))


def _models(route: Route) -> Iterator[tuple[type[BaseModel], JsonSchemaMode]]:
    if isinstance(route.answer, type):
        yield route.answer, "serialization"
    if isinstance(route.body, type):
        yield route.body, "validation"


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    models = list(dict.fromkeys([(Problem, "serialization"), *(each for route in routes for each in _models(route))]))
    _, definitions = models_json_schema(models, ref_template=REFERENCE)  # type: ignore[arg-type]
    schemas: dict[str, Any] = definitions["$defs"]
    return schemas


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": REFERENCE.format(model=model.__name__)}


def _operation(route: Route) -> dict[str, Any]:
    summary, description = route.words
    operation: dict[str, Any] = {"operationId": route.name, "summary": summary, "tags": [route.tag]}
    if description:
        operation["description"] = description
    operation["parameters"] = list(_parameters(route))
    if route.body is not None:
        operation["requestBody"] = {"required": route.body_required, "content": _content(route.body)}
    operation["responses"] = {**_answers(route), **_problems(route)}
    operation["security"] = [{"key": []}, {}] if route.scope != "open" else [{}]
    return operation


def _parameters(route: Route) -> Iterator[dict[str, Any]]:
    for name in re.findall(r"{(\w+)}", route.path):
        yield _parameter("path", name, *IN_PATH[name], required=True)
    query = route.query.model_json_schema()
    for name, about in query.get("properties", {}).items():
        required = name in query.get("required", ())
        schema = {key: value for key, value in about.items() if key not in ("title", "description")}
        if "anyOf" in schema:  # a query cannot hold null: the parameter is left out
            [schema] = [each for each in schema["anyOf"] if each.get("type") != "null"]
        yield _parameter("query", name, about["description"], schema, required=required)
    for name, words in route.headers.items():
        yield _parameter("header", name, words, IN_HEADER, required=False)


def _parameter(place: str, name: str, words: str, schema: dict[str, Any], *, required: bool) -> dict[str, Any]:
    return {"name": name, "in": place, "required": required, "description": words, "schema": schema}


def _content(body: type[BaseModel] | Mapping[str, Any]) -> dict[str, Any]:
    if isinstance(body, type):
        return {"application/json": {"schema": _reference(body)}}
    return {media: {"schema": schema} for media, schema in body.items()}


def _answers(route: Route) -> dict[str, Any]:
    words = route.words[0]
    content: dict[str, Any] = {str(route.answer): {"schema": {}}}
    if isinstance(route.answer, type):
        words = (route.answer.__doc__ or words).strip().partition("\n")[0]
        content = {"application/json": {"schema": _reference(route.answer)}}
    responses: dict[str, Any] = {}
    for status in route.status:
        responses[str(status)] = {"description": words, "content": content}
        if status in (201, 202):
            responses[str(status)]["headers"] = {"Location": {"description": "Where to look for it.", "schema": TEXT}}
    return responses


def _problems(route: Route) -> dict[str, Any]:
    """By status: one may stand for several types."""
    by_status: dict[int, list[str]] = {}
    for name in problems_of(route):
        by_status.setdefault(CATALOGUE[name].status, []).append(name)
    content = {MEDIA_TYPE: {"schema": _reference(Problem)}}
    return {
        str(status): {"description": "; ".join(f"{CATALOGUE[n].title} ({n})" for n in names), "content": content}
        for status, names in sorted(by_status.items())
    }
