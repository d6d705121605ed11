"""The JSON Schema of a resource: its stored form, and the violations of a record in the vendor's words.

The keywords that describe plain evidence are imitated (types, required, properties, items, enum, const, lengths,
bounds, patterns, anyOf, oneOf, allOf). `format`, `$ref` and conditions are stored and not applied.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Iterator
from typing import Any, TypeAlias

import orjson

Violation: TypeAlias = dict[str, str]
SCHEMA_VIOLATION = 28022
DEEPEST = 50

_TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "object": dict,
    "array": list,
    "boolean": bool,
    "number": (int, float),
    "null": type(None),
    "any": object,
}
_BOUNDS = ("minLength", "maxLength", "minItems", "maxItems", "minimum", "maximum")
_TYPE = {"enum": ["string", "object", "array", "boolean", "number", "integer", "null"]}
_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "type": {"anyOf": [_TYPE, {"type": "array", "items": _TYPE}]},
        "properties": {"type": "object"},
        "required": {"type": "array", "items": {"type": "string"}},
        "pattern": {"type": "string"},
        "enum": {"type": "array"},
        **{name: {"type": "array"} for name in ("anyOf", "oneOf", "allOf")},
        **{name: {"type": "number"} for name in _BOUNDS},
    },
}
"""A schema, without what it holds deeper down."""


BY_DEFAULT = (
    " (the schema has no `required`, and then every property is required, as was seen live. The recipe has it "
    'otherwise: POST {"required_default": false} to /_emulator/switches, and make the connection again.)'
)
"""For people who follow the recipe. The vendor's own message does not have it."""


def stored_schema(schema: dict[str, Any], *, keep_empty_required: bool, by_default: bool = True) -> dict[str, Any]:
    """The stored form of a schema. `by_default`: without `required`, every property is required."""
    required = schema.get("required")
    if required or (required == [] and keep_empty_required) or not by_default:
        return schema
    return {**schema, "required": list(schema.get("properties", {}))}


def schema_from_sample(sample: dict[str, Any]) -> dict[str, Any]:
    """A schema from one example record. How the vendor infers one is not published."""
    properties = {name: {} if value is None else {"type": _type_of(value)} for name, value in sample.items()}
    return {"type": "object", "properties": properties, "additionalProperties": True}


def schema_problem(schema: Any, where: str = "schema") -> str | None:
    """The reason why this is no JSON Schema that can be applied. None: it can."""
    if where.count(".") > DEEPEST:
        return f"schema is nested deeper than {DEEPEST} levels"
    if wrong := in_words(violations(_SCHEMA, schema, where)):
        return wrong
    try:
        re.compile(schema.get("pattern", ""))
    except re.error:
        return f"{where}.pattern is not a regular expression"
    parts = [*schema.get("properties", {}).items()]
    parts += [(name, part) for name in ("anyOf", "oneOf", "allOf") for part in schema.get(name, ())]
    if isinstance(schema.get("items"), dict):
        parts.append(("items", schema["items"]))
    return next((problem for name, part in parts if (problem := schema_problem(part, f"{where}.{name}"))), None)


def message_for(violations: list[Violation]) -> str:
    """The vendor's message of an item that fails its schema."""
    return f"Schema validation failed for data: {orjson.dumps(violations).decode()}"


def in_words(violations: Iterable[Violation]) -> str:
    """The violations as one text, each with its field. Empty: there are none."""
    wrong = ((path.strip("/").replace("/", "."), text) for each in violations for path, text in each.items())
    return "; ".join(f"{field} {text}".strip() for field, text in wrong)


def violations(schema: dict[str, Any], value: Any, path: str = "") -> Iterator[Violation]:
    """The violations of `value`, each as {path: text}. The path is a JSON pointer."""
    types = schema.get("type")
    if types is not None:
        names = types if isinstance(types, list) else [types]
        if not any(_is_a(name, value) for name in names):
            yield {path: f"must be {','.join(names)}"}
            return
    for keyword, (name, fits, words) in _KEYWORDS.items():
        if keyword in schema and _is_a(name, value) and not fits(value, schema[keyword]):
            yield {path: words.format(schema[keyword])}
    if isinstance(value, dict):
        yield from _object_violations(schema, value, path)
    if isinstance(value, list) and isinstance(schema.get("items"), dict):
        for index, part in enumerate(value):
            yield from violations(schema["items"], part, f"{path}/{index}")
    for part in schema.get("allOf", ()):
        yield from violations(part, value, path)


def _is_a(name: str, value: Any) -> bool:
    if name == "integer":
        return _is_a("number", value) and float(value).is_integer()
    if name == "number" and isinstance(value, bool):
        return False
    return isinstance(value, _TYPES[name])


def _type_of(value: Any) -> str:
    return next(name for name in ("boolean", "string", "number", "array", "object") if _is_a(name, value))


def _object_violations(schema: dict[str, Any], value: dict[str, Any], path: str) -> Iterator[Violation]:
    for name in schema.get("required", ()):
        if name not in value:
            yield {path: f"must have required property '{name}'"}
    properties = schema.get("properties", {})
    for name, part in value.items():
        if name in properties:
            yield from violations(properties[name], part, f"{path}/{name}")
        elif schema.get("additionalProperties") is False:
            yield {path: "must NOT have additional properties"}


def _fits(schema: dict[str, Any], value: Any) -> bool:
    return next(violations(schema, value), None) is None


_KEYWORDS: dict[str, tuple[str, Callable[[Any, Any], bool], str]] = {
    "minLength": ("string", lambda text, limit: len(text) >= limit, "must NOT have fewer than {} characters"),
    "maxLength": ("string", lambda text, limit: len(text) <= limit, "must NOT have more than {} characters"),
    "pattern": ("string", lambda text, pattern: bool(re.search(pattern, text)), 'must match pattern "{}"'),
    "minimum": ("number", operator.ge, "must be >= {}"),
    "maximum": ("number", operator.le, "must be <= {}"),
    "minItems": ("array", lambda items, limit: len(items) >= limit, "must NOT have fewer than {} items"),
    "maxItems": ("array", lambda items, limit: len(items) <= limit, "must NOT have more than {} items"),
    "enum": ("any", lambda value, known: value in known, "must be equal to one of the allowed values"),
    "const": ("any", operator.eq, "must be equal to constant"),
    "anyOf": ("any", lambda value, parts: any(_fits(part, value) for part in parts), "must match a schema in anyOf"),
    "oneOf": (
        "any",
        lambda value, parts: sum(_fits(part, value) for part in parts) == 1,
        "must match exactly one schema in oneOf",
    ),
}
"""The type of value that a keyword is about, its test, and the vendor's words for a value that fails it."""
