"""Drata's OpenAPI document: the operations that the emulator answers, and the schemas of what they take."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from aiohttp import web

from proofport.testing import VendorError, document, json_body, resolved
from proofport_drata.emulator.schemas import in_words, violations

DOCUMENT = document(__package__)
Handler: TypeAlias = Callable[[web.Request], Awaitable[web.Response]]

BOOLEANS = {"true": True, "false": False}
NUMBER = re.compile(r"([0-9]{1,15})(\.0+)?")
DATE_TIME = r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)"
PATTERNS = {"email": r"^[^@\s]+@[^@\s]+\.[^@\s]+$", "date-time": f"^{DATE_TIME}$"}
"""The formats that are checked."""


def _with_pattern(part: dict[str, Any]) -> dict[str, Any]:
    """A schema with a pattern in place of a format."""
    return part | ({"pattern": PATTERNS[part["format"]]} if part.get("format") in PATTERNS else {})


SCHEMAS: dict[str, dict[str, Any]] = resolved(DOCUMENT["components"]["schemas"], DOCUMENT, _with_pattern)
# Beyond the document: an empty key is refused (assumed), and a start date has one of the three forms that it describes.
SCHEMAS["HrisIdentityInput"]["properties"]["identityId"]["minLength"] = 1
SCHEMAS["V1Person"]["properties"]["date"]["pattern"] = (
    rf"^({DATE_TIME}|\d{{4}}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?|\d\d/\d\d/\d{{4}})$"
)


async def body_of(request: web.Request, schema: str) -> Any:
    """The decoded body. Raises VendorError (400) when it is not as the schema of that name says."""
    body = await json_body(request)
    if wrong := in_words(violations(SCHEMAS[schema], body)):
        raise VendorError(400, wrong)
    return body


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation of the document."""

    #: The operationId in snake case: the name of the method that answers it.
    name: str
    method: str
    path: str
    parameters: Sequence[Mapping[str, Any]]
    #: The status for a wrong parameter. 404 where 400 is not declared: nothing has such an id.
    refusal: int

    def route(self, handler: Handler) -> web.RouteDef:
        """The route to `handler`, which finds parameters as the document says."""

        async def checked(request: web.Request) -> web.Response:
            for parameter in self.parameters:
                self._check(request, parameter["name"], parameter["schema"])
            return await handler(request)

        return web.route(self.method, self.path, checked)

    def _check(self, request: web.Request, name: str, schema: dict[str, Any]) -> None:
        one = schema.get("items", schema)
        for text in [request.match_info[name]] if name in request.match_info else request.query.getall(name, ()):
            if wrong := in_words(violations(one, _value(one, text), f"/{name}")):
                raise VendorError(self.refusal, wrong)


def _value(schema: Mapping[str, Any], text: str) -> bool | int | str:
    """The value that a parameter's text stands for."""
    match schema.get("type"):
        case "string":
            return text
        case "boolean":
            return BOOLEANS.get(text, text)
    return whole(text) if NUMBER.fullmatch(text) else text


def whole(text: str) -> int:
    """The number that a parameter's text stands for: `1`, or `1.0` as clients write whose language has one number."""
    return int(text.partition(".")[0])


def _operations() -> Iterator[Operation]:
    for path, methods in DOCUMENT["paths"].items():
        for method, operation in methods.items():
            if method != "parameters":
                parameters = resolved(
                    [*methods.get("parameters", ()), *operation.get("parameters", ())], DOCUMENT, _with_pattern
                )
                refusal = 400 if "400" in operation["responses"] else 404
                name = re.sub("([A-Z])", r"_\1", operation["operationId"]).lower()
                yield Operation(name, method.upper(), path, parameters, refusal)


OPERATIONS = tuple(_operations())
