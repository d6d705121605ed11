"""Holds an emulator to its vendor's OpenAPI document (3.1, whose schemas are JSON Schema 2020-12).

Needs the package jsonschema-rs, which proofport itself does not install.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import orjson
from aiohttp import web

from proofport.testing.emulator_faults import BY_ORDER


class Contract:
    """One OpenAPI document, and everything that was answered against it (`violations`)."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document
        self._paths = sorted(
            ((_pattern(path), path) for path in self._document["paths"]), key=lambda each: each[1].count("{")
        )
        self._validators: dict[int, jsonschema_rs.Draft202012Validator] = {}
        self.violations: list[str] = []
        self.seen: set[tuple[str, str, int]] = set()

    async def check(self, request: web.BaseRequest, response: web.StreamResponse) -> None:
        """A handler for `on_response_prepare`. Answers that a fault ordered are nobody's contract."""
        if BY_ORDER in response.headers or not isinstance(response, web.Response):
            return
        body = response.body if isinstance(response.body, bytes) else b""
        media = response.content_type
        problem = self.problem(request.method, request.rel_url.raw_path, response.status, body, media=media)
        if problem:
            self.violations.append(problem)

    def operations(self) -> set[tuple[str, str, int]]:
        """Every (method, path template, status) of the document."""
        return {
            (method.upper(), path, int(status))
            for path, methods in self._document["paths"].items()
            for method, operation in methods.items()
            if "responses" in operation
            for status in operation["responses"]
        }

    def problem(
        self, method: str, path: str, status: int, body: bytes, *, media: str = "application/json"
    ) -> str | None:
        """What is wrong with an answer, or None. Operations that the document does not have are not judged."""
        template = next((template for pattern, template in self._paths if pattern.fullmatch(path)), None)
        operation = self._document["paths"].get(template, {}).get(method.lower())
        if template is None or operation is None:
            return None
        self.seen.add((method, template, status))
        where = f"{method} {path} -> {status}"
        declared = operation["responses"].get(str(status))
        if declared is None:
            return f"{where}: the status is not in the document"
        response = self._resolved(declared)
        if "content" not in response:
            return f"{where}: a body where none is declared" if body and status < 300 else None
        if media not in response["content"]:
            return f"{where}: a body of {media}, expected {', '.join(response['content'])}"
        is_json = media == "application/json"
        return self._body_problem(where, response["content"][media]["schema"], body) if is_json else None

    def request_problem(
        self, method: str, path: str, query: Mapping[str, Sequence[str]], content_type: str, body: bytes | None
    ) -> str | None:
        """What is wrong with a request, or None. Here an operation that the document does not have is a problem."""
        found = next(
            ((match, template) for pattern, template in self._paths if (match := pattern.fullmatch(path))), None
        )
        operation = self._document["paths"].get(found[1], {}).get(method.lower()) if found else None
        where = f"{method} {path}"
        if found is None or operation is None:
            return f"{where}: not in the document"
        declared = [*self._document["paths"][found[1]].get("parameters", ()), *operation.get("parameters", ())]
        parameters = {(each["in"], each["name"]): each for each in map(self._resolved, declared)}
        given: dict[tuple[str, str], Any] = {("query", name): [*texts] for name, texts in query.items()}
        given |= {("path", name): [unquote(text)] for name, text in found[0].groupdict().items()}
        for key, texts in given.items():
            if key not in parameters:
                return f"{where}: the {key[0]} parameter {key[1]} is not in the document"
            schema = self._resolved(parameters[key]["schema"])
            value = texts if schema.get("type") == "array" else texts[0]
            if not any(self._validator(schema).is_valid(each) for each in (value, _as_json(value))):
                return f"{where}: {key[1]}={value!r} is not what the document takes"
        return self._request_body_problem(where, operation, content_type, body)

    def _request_body_problem(
        self, where: str, operation: Mapping[str, Any], content_type: str, body: bytes | None
    ) -> str | None:
        declared = self._resolved(operation.get("requestBody", {})).get("content", {})
        if not body:
            return f"{where}: the body is missing" if declared else None
        media = content_type.partition(";")[0]
        if media not in declared:
            return f"{where}: a body of {media}, expected {', '.join(declared) or 'none'}"
        return self._body_problem(where, declared[media]["schema"], body) if media == "application/json" else None

    def _body_problem(self, where: str, schema: dict[str, Any], body: bytes) -> str | None:
        try:
            document = orjson.loads(body)
        except ValueError:
            return f"{where}: the body is not JSON: {body[:200]!r}"
        errors = [
            f"/{'/'.join(map(str, e.instance_path))}: {e.message}"
            for e in self._validator(schema).iter_errors(document)
        ]
        return f"{where}: {'; '.join(errors)[:1000]}" if errors else None

    def _validator(self, schema: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
        if id(schema) not in self._validators:
            whole = {"components": self._document["components"], **schema}
            self._validators[id(schema)] = jsonschema_rs.Draft202012Validator(whole, validate_formats=True)
        return self._validators[id(schema)]

    def _resolved(self, node: dict[str, Any]) -> dict[str, Any]:
        if "$ref" not in node:
            return node
        target: Any = self._document
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        return self._resolved(target)


def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template)))


def _as_json(value: Any) -> Any:
    """A parameter of the path or query is text; a number or a boolean is meant where it reads as one."""
    try:
        return orjson.loads(value)
    except (orjson.JSONDecodeError, TypeError):
        return value
