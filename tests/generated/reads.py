"""The fields of evidence that a mapping reads, and the field of the vendor that each of them becomes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, get_args

from jsonpath_ng import Slice, Wildcard
from jsonpath_ng.ext.arithmetic import Operation
from jsonpath_ng.ext.filter import Filter
from pydantic import BaseModel

from proofport.mapping.language.kinds import without_null
from proofport.mapping.language.nodes import Condition, MappingFile, Nested, Rule, Select, conditions_of, selects
from proofport.mapping.language.paths import key_of, parse

Read = tuple[str, str]
"""A field of the vendor, and a field of evidence: `appList[].name`, `applications[].name`."""


def reads(mapping: MappingFile) -> Iterator[Read]:
    """Every pair of a field of the vendor and a field of evidence that goes into it. Each may come several times."""
    for name, rule in mapping.fields.items():
        yield from _of_rule(name, rule, "")


def made(mapping: MappingFile) -> set[str]:
    """The fields of the vendor that a mapping makes of evidence."""
    return {wire for wire, _ in reads(mapping)}


def fields_of(annotation: Any, before: str = "") -> Iterator[str]:
    """The fields of a model in their order; those of the objects in its lists as `list[].field`."""
    for name, info in annotation.model_fields.items():
        yield before + name
        inner = without_null(info.annotation)
        listed = bool(get_args(inner)) and _is_model(get_args(inner)[0])
        if listed or _is_model(inner):
            yield from fields_of(get_args(inner)[0] if listed else inner, f"{before}{name}{'[].' if listed else '.'}")


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _of_rule(wire: str, rule: Rule, at: str) -> Iterator[Read]:
    if isinstance(rule.source, Nested):
        for condition in conditions_of(rule.when) if rule.when is not None else ():
            yield wire, _field(condition, at)
        for name, inner in rule.source.fields.items():
            yield from _of_rule(f"{wire}.{name}", inner, at)
        return
    for select in selects(rule):
        read = _field(select, at)
        yield wire, read
        if isinstance(select, Select) and select.each is not None:
            yield from _of_each(wire, select.each, f"{read}[].")


def _of_each(wire: str, each: Rule, at: str) -> Iterator[Read]:
    """An object that is made of each item has fields of its own; anything else is the item."""
    if not isinstance(each.source, Nested):
        yield from _of_rule(wire, each, at)
        return
    for name, inner in each.source.fields.items():
        yield from _of_rule(f"{wire}[].{name}", inner, at)


def _field(select: Select | Condition, at: str) -> str:
    """The field that a path leads to: `$.tags[*]` to tags, `$.a.b * 2` to a.b, and inside of `each` below its list."""
    names, steps = "", select.path.steps
    if len(steps) == 1 and isinstance(steps[0], Operation):
        steps = parse(str(steps[0].left)).steps
    for step in steps:
        key = key_of(step)
        if isinstance(key, str):
            names += f".{key}" if names else key
        elif isinstance(key, int) or type(step) in (Wildcard, Slice, Filter):
            names += "[]"
        else:
            break
    found = at + names
    return found.removesuffix(".").removesuffix("[]")
