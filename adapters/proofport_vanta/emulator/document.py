"""Vanta's OpenAPI document: the base types with their paths, and the schemas of what they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import getitem
from typing import Any, TypeAlias

from proofport.testing import document

DOCUMENT = document(__package__)
Schema: TypeAlias = Mapping[str, Any]


def _resolved(part: Any) -> Any:
    """A part of the document without references."""
    if isinstance(part, list):
        return [_resolved(each) for each in part]
    if not isinstance(part, dict):
        return part
    if "$ref" in part:
        return _resolved(reduce(getitem, part["$ref"].removeprefix("#/").split("/"), DOCUMENT))
    return {name: _resolved(each) for name, each in part.items()}


@dataclass(frozen=True, slots=True)
class BaseType:
    """One sort of resources."""

    #: As in the path: `user_account`.
    name: str
    #: As in the web application: `UserAccount`. It works in the path, too.
    title: str
    #: The schema of one record.
    record: Schema


PREFIX = "/v1/resources/"


def _base_type(path: str, operations: Schema) -> BaseType:
    body = operations["put"]["requestBody"]["content"]["application/json"]["schema"]
    return BaseType(
        path.removeprefix(PREFIX), operations["x-base-type"], _resolved(body["properties"]["resources"]["items"])
    )


BASE_TYPES = {
    each.name: each
    for each in (
        _base_type(path, operations) for path, operations in DOCUMENT["paths"].items() if "x-base-type" in operations
    )
}
CUSTOM = "custom_resource"
