"""Vanta's OpenAPI document: the base types with their paths, and the schemas of what they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from proofport.testing import document, resolved

DOCUMENT = document(__package__)
Schema: TypeAlias = Mapping[str, Any]


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
    record = resolved(body["properties"]["resources"]["items"], DOCUMENT)
    return BaseType(path.removeprefix(PREFIX), operations["x-base-type"], record)


BASE_TYPES = {
    each.name: each
    for each in (
        _base_type(path, operations) for path, operations in DOCUMENT["paths"].items() if "x-base-type" in operations
    )
}
CUSTOM = "custom_resource"
