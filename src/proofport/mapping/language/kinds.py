"""Paths and fields held against the kinds of evidence, so that a misspelt field is found at load."""

from __future__ import annotations

import types
from collections.abc import Collection, Iterable, Mapping
from typing import Annotated, Any, Union, get_args, get_origin

from jsonpath_ng import Slice, Wildcard
from jsonpath_ng.ext.filter import Filter
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from proofport.mapping.language.nodes import (
    Condition,
    Constant,
    Default,
    FirstOf,
    IfNull,
    Lookup,
    MappingFile,
    Nested,
    Rule,
    Select,
    Split,
    selects,
)
from proofport.mapping.language.paths import key_of
from proofport.text.wording import did_you_mean, listing
from proofport.text.yaml_nodes import Mark


def without_null(annotation: Any) -> Any:
    """The type that is left of `X | None` and `Annotated[X, …]`."""
    if get_origin(annotation) is Annotated:
        return without_null(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        others = [arm for arm in get_args(annotation) if arm is not type(None)]
        return without_null(others[0]) if len(others) == 1 else annotation
    return annotation


def wire_fields(model: type[BaseModel]) -> dict[str, FieldInfo]:
    """The fields of a model under their names in JSON."""
    return {info.serialization_alias or name: info for name, info in model.model_fields.items()}


def field_of(model: type[BaseModel], name: str, at: Mark, what: str) -> FieldInfo | None:
    """A field of a model; None if it takes fields that it does not name. Raises MappingError for no such field."""
    known = wire_fields(model)
    if name not in known and model.model_config.get("extra") != "allow":
        expected = f"a field of {what}: {listing(list(known), 20)}"
        raise at.error(f"the field {name!r}", expected, hint=did_you_mean(name, known))
    return known.get(name)


def type_at(annotation: Any, select: Select | Condition, kind: str) -> Any:
    """The annotation that a path leads to, or None where types do not tell. Raises MappingError for no such field."""
    if not select.path.compiled:
        return None
    for step in select.path.steps:
        plain, key = without_null(annotation), key_of(step)
        if is_model(plain) and isinstance(key, str):
            field = field_of(plain, key, select.at, kind)
            annotation = field.annotation if field else None
        elif get_origin(plain) is list and (isinstance(key, int) or type(step) in (Wildcard, Slice, Filter)):
            annotation = get_args(plain)[0]
        else:
            return None
    return annotation


def is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def check_paths(rules: Iterable[Rule], root: Any, kind: str) -> None:
    """Raise MappingError for the first path from `root` that names a field the kind does not have."""
    for rule in rules:
        for select in selects(rule):
            found = type_at(root, select, kind)
            if isinstance(select, Select) and select.each is not None:
                check_paths([select.each], found, kind)


def check_fields(mapping: MappingFile, made: Collection[str], model: type[BaseModel], what: str) -> None:
    """Raise MappingError for a rule of a field that the model does not have, or a required field that is not made."""
    _check_made(mapping.fields, model, what)
    for name, info in wire_fields(model).items():
        if info.is_required() and name not in made:
            raise mapping.at.error(f"no rule for {name!r}", f"one: {what} requires {name}")


def _check_made(fields: Mapping[str, Rule], annotation: Any, what: str) -> None:
    model = without_null(annotation)
    if not is_model(model):
        return
    for name, rule in fields.items():
        info = field_of(model, name, rule.at, what)
        made = without_null(info.annotation) if info else None
        match rule.source:
            case Nested(inner):
                _check_made(inner, made, what)
            case Select(each=Rule(source=Nested(inner))) if get_origin(made) is list:
                _check_made(inner, get_args(made)[0], what)


def constants(rule: Rule) -> Iterable[tuple[Any, Mark]]:
    """Every constant that a rule may make the whole of its field."""
    if isinstance(rule.source, Constant):
        yield rule.source.value, rule.at
    of_items = any(isinstance(change, Split) for change in rule.changes)
    for change in rule.changes:
        match change:
            case IfNull(value) | Default(value):
                yield value, rule.at
            case Lookup() if not of_items:
                yield from ((value, rule.at) for value in change.results)
    if isinstance(rule.source, FirstOf):
        for inner in rule.source.rules:
            yield from constants(inner)
