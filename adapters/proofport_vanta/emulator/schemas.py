"""The schemas of records: the one that a base type or a definition gives, and the first violation in Vanta's words.

The words are those of Ajv with JSON Type Definition, the vendor's validator.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from proofport.testing import Switches
from proofport_vanta.emulator.document import BASE_TYPES, CUSTOM, Schema

TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)", re.ASCII)
INT32 = 2**31
TYPES: Mapping[str, Schema] = {
    "boolean": {"type": "boolean"},
    "int32": {"type": "integer"},
    "string": {"type": "string"},
    "timestamp": {"type": "string", "format": "date-time"},
}
"""The types of own properties, in JSON Type Definition, and what they are in the document."""


def definition_problem(definition: Any) -> str | None:
    """The reason why this is no definition that can be made in the web application. None: it is one.

    `{}`, which takes any properties, cannot be made there. The emulator takes it.
    """
    if definition == {}:
        return None
    if not isinstance(definition, dict) or definition.keys() != {"properties"}:
        return "a definition has `properties` and nothing else: the web application knows no optional ones"
    properties = definition["properties"]
    if not isinstance(properties, dict):
        return "`properties` of a definition is not an object"
    for name, form in properties.items():
        if not isinstance(form, dict) or form.keys() != {"type"} or form["type"] not in [*TYPES]:
            return f"the property {name} of a definition is {form!r}, expected a type of {', '.join(TYPES)}"
    return None


def record_schema(base_type: str, definition: Schema | None, switches: Switches) -> Schema:
    """The schema of one record."""
    schema = BASE_TYPES[base_type].record
    changed: dict[str, Schema] = {}
    if base_type == CUSTOM and definition:
        own = {name: TYPES[form["type"]] for name, form in definition["properties"].items()}
        changed["customProperties"] = {"type": "object", "required": [*own], "properties": own}
    if base_type == "user_account" and switches["mfa_enabled_null"]:
        changed["mfaEnabled"] = {"type": ["boolean", "null"]}
    if base_type == "user_security_training_status" and switches["training_status"] == "any":
        changed["status"] = TYPES["string"]
    return {**schema, "properties": {**schema["properties"], **changed}}


def refusal(schema: Schema, records: Sequence[Any], *, closed: bool) -> str | None:
    """The first violation of a set. None: there is none. `closed`: customProperties may hold nothing undeclared."""
    for position, record in enumerate(records):
        wrong = next(_violations(schema, record, f"/{position}"), None) or _too_many(schema, record, position, closed)
        if wrong:
            return wrong
    return None


def _too_many(schema: Schema, record: dict[str, Any], position: int, closed: bool) -> str | None:
    extra = [name for name in record if name not in schema["properties"]]
    if closed:
        declared = schema["properties"]["customProperties"]["properties"]
        extra += [name for name in record["customProperties"] if name not in declared]
    if not extra:
        return None
    who = f"uniqueId {record['uniqueId']} (element {position})"
    return f"Too many fields on resource with {who}. Extra keys: {', '.join(extra)}"


def _violations(schema: Schema, value: Any, where: str) -> Iterator[str]:
    kind, nullable = schema["type"], False
    if isinstance(kind, list):
        kind, nullable = kind[0], True
    if value is None and nullable:
        return
    if "enum" in schema:
        if value not in schema["enum"]:
            yield f"{where}: must be equal to one of the allowed values"
        return
    word = {"date-time": "timestamp"}.get(schema.get("format", ""), "int32" if kind == "integer" else kind)
    if not _is(word, value):
        yield f"{where}: must be {word}"
    elif kind == "array":
        for position, each in enumerate(value):
            yield from _violations(schema["items"], each, f"{where}/{position}")
    elif kind == "object":
        yield from _members(schema, value, where)


def _members(schema: Schema, value: dict[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}: must have property '{name}'" for name in schema.get("required", ()) if name not in value)
    for name, part in schema.get("properties", {}).items():
        if name in value:
            yield from _violations(part, value[name], f"{where}/{name}")
    within = where.count("/") > 1 and schema.get("additionalProperties") is False
    if within and value.keys() - schema["properties"].keys():
        yield f"{where}: must NOT have additional properties"


def _is(word: str, value: Any) -> bool:
    match word:
        case "string":
            return isinstance(value, str)
        case "boolean":
            return isinstance(value, bool)
        case "array":
            return isinstance(value, list)
        case "object":
            return isinstance(value, dict)
        case "timestamp":
            return isinstance(value, str) and moment(value) is not None
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and -INT32 <= value < INT32 and value == int(value)


def moment(text: str) -> datetime | None:
    """The time that a timestamp names. None: it is none."""
    if not TIMESTAMP.fullmatch(text):
        return None
    try:
        return datetime.fromisoformat(text.upper().replace(" ", "T")).astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def with_times(schema: Schema, value: Any, form: str) -> Any:
    """A value that fits its schema, with every time in UTC, without fractions of a second, ending in `form`."""
    if isinstance(value, list):
        return [with_times(schema["items"], each, form) for each in value]
    if isinstance(value, dict):
        known = schema.get("properties", {})
        return {name: with_times(known[name], each, form) if name in known else each for name, each in value.items()}
    if schema.get("format") == "date-time" and (when := moment(value or "")):
        return timestamp(when, form)
    return value


def timestamp(when: datetime, form: str) -> str:
    return when.isoformat(timespec="seconds").removesuffix("+00:00") + form
