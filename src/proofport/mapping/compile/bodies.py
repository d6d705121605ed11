"""Models for bodies without a vendor's own, made from the mapping's `type:` and `nullable:`; JSON Schemas of models."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, JsonValue, create_model

from proofport.mapping.language.kinds import type_at, without_null
from proofport.mapping.language.nodes import (
    Constant,
    Convert,
    Default,
    FirstOf,
    IfNull,
    Lookup,
    Nested,
    Rule,
    Select,
    Split,
    Substitute,
    Template,
)

_TYPES: dict[str, Any] = {
    "string": str,
    "integer": int,
    "number": int | float,
    "boolean": bool,
    "object": dict[str, JsonValue],
    "array": list[JsonValue],
}
_CONVERTED: dict[str, Any] = {"int": int, "number": int | float, "bool": bool}


def model_from_rules(name: str, rules: Mapping[str, Rule], root: Any, id_field: str | None = None) -> type[BaseModel]:
    """A strict model with the fields that the rules make of a `root`.

    More fields are allowed, since `extras` may bring them.
    """
    # the fields' own names may be no Python names, or shadow methods of pydantic's: they become aliases
    fields: dict[str, Any] = {}
    for number, (wire, rule) in enumerate(rules.items()):
        default = ... if rule.required or wire == id_field else None
        fields[f"field_{number}"] = (_annotation(rule, root, f"{name}.{wire}"), Field(default, alias=wire))
    model: type[BaseModel] = create_model(name, __config__=ConfigDict(strict=True, extra="allow"), **fields)
    return model


def _annotation(rule: Rule, root: Any, name: str) -> Any:
    """The Python type of what a rule makes: as declared, else derived from its parts."""
    has_parts = isinstance(rule.source, Nested) or (isinstance(rule.source, Select) and rule.source.each is not None)
    if rule.type is not None and not has_parts:
        declared = _TYPES[rule.type]
        return declared | None if rule.nullable else declared
    made, nullable = _of_source(rule, root, name)
    in_list = False
    for change in rule.changes:
        if in_list and isinstance(change, IfNull | Default):
            made, in_list = list[made], False  # type: ignore[valid-type]
        match change:
            case Substitute():
                made = str
            case Split():
                made, in_list = str, True
            case Convert(to=to):
                made = _CONVERTED.get(to, str)
            case Lookup():
                kept = [made] if change.unknown.action == "keep" else []
                made = _same([*kept, *(_of_value(value) for value in change.results if value is not None)])
                nullable = nullable or None in change.results
            case IfNull(value) if value is not None:
                made, nullable = _same([made, _of_value(value)]), False
            case Default(value):
                made, nullable = (made, True) if value is None else (_same([made, _of_value(value)]), nullable)
    if in_list:
        made = list[made]  # type: ignore[valid-type]
    return Union[made, None] if rule.nullable or nullable else made  # noqa: UP007


def _of_source(rule: Rule, root: Any, name: str) -> tuple[Any, bool]:
    match rule.source:
        case Constant(value):
            return (JsonValue if value is None else _of_value(value)), value is None
        case Template():
            return str, False
        case FirstOf(rules):
            return _same([without_null(_annotation(inner, root, name)) for inner in rules]), False
        case Nested(fields):
            return model_from_rules(name, fields, root), False
        case Select(join=str()):
            return str, False
        case Select(each=each) as select:
            found = type_at(root, select, name)
            if each is not None:
                return list[_annotation(each, found, name)], False  # type: ignore[misc]
            return (list[_plain(found)], False) if select.all else (_plain(found), type(None) in get_args(found))  # type: ignore[misc]


def _plain(annotation: Any) -> Any:
    """The JSON type for a type of the neutral model: times and choices are text, objects are objects."""
    bare = without_null(annotation)
    if get_origin(bare) is list:
        return list[_plain(get_args(bare)[0])]  # type: ignore[misc]
    if bare in (str, datetime) or get_origin(bare) is Literal:
        return str
    if bare in (int, bool):
        return bare
    if bare is float:
        return int | float
    return dict[str, JsonValue] if isinstance(bare, type) and issubclass(bare, BaseModel) else JsonValue


def _of_value(value: Any) -> Any:
    if isinstance(value, bool | int | str):
        return type(value)
    if isinstance(value, float):
        return int | float
    return list[JsonValue] if isinstance(value, list) else dict[str, JsonValue]


def _same(found: list[Any]) -> Any:
    """The one type of all, or any JSON."""
    return found[0] if found and all(each == found[0] for each in found) else JsonValue


# ------------------------------------------------------------------ JSON Schema
def body_schema(model: type[BaseModel]) -> dict[str, Any]:
    """The JSON Schema of bodies: no references, null through type unions, `required` always there."""
    schema = model.model_json_schema(by_alias=True)
    tidy = _tidy(schema, schema.get("$defs", {}))
    return {"type": "object", "properties": {}, **tidy, "additionalProperties": True}


def _tidy(schema: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    if "$ref" in schema:
        return _tidy(definitions.get(schema["$ref"].rpartition("/")[2], {}), definitions)
    result = {key: value for key, value in schema.items() if key not in ("title", "default", "$defs", "anyOf")}
    if "properties" in schema:
        result["properties"] = {name: _tidy(inner, definitions) for name, inner in schema["properties"].items()}
        result["required"] = schema.get("required", [])
    if isinstance(schema.get("items"), dict):
        result["items"] = _tidy(schema["items"], definitions)
    if "anyOf" in schema:
        result.update(_union([_tidy(inner, definitions) for inner in schema["anyOf"]]))
    return result


def _union(options: list[dict[str, Any]]) -> dict[str, Any]:
    """`{type: [string, null]}` instead of `{anyOf: [{type: string}, {type: null}]}`."""
    if any("type" not in option for option in options):
        return {} if {} in options else {"anyOf": options}
    names = list(dict.fromkeys(name for option in options for name in _listed(option["type"])))
    if "number" in names and "integer" in names:
        names.remove("integer")
    details = [{key: value for key, value in option.items() if key != "type"} for option in options]
    if sum(map(bool, details)) > 1:
        return {"anyOf": options}
    merged: dict[str, Any] = reduce(or_, details, {})
    if "enum" in merged and "null" in names:
        merged["enum"] = [*merged["enum"], None]
    return {"type": names[0] if len(names) == 1 else names, **merged}


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names
