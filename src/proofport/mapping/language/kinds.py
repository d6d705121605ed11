"""Paths and fields held against the kinds of evidence, so that a misspelt field is found at load."""

from __future__ import annotations

import types
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Union, get_args, get_origin

from jsonpath_ng import Slice, Wildcard
from jsonpath_ng.ext.filter import Filter
from pydantic import BaseModel

from proofport.evidence import model_of
from proofport.mapping.language.nodes import (
    Constant,
    Default,
    FirstOf,
    IfNull,
    Lookup,
    MappingFile,
    Nested,
    Rule,
    Select,
    selects,
)
from proofport.mapping.language.paths import Step, key_of
from proofport.text.wording import did_you_mean, listing
from proofport.text.yaml_nodes import Mark


@dataclass(frozen=True, slots=True)
class NoSuchField:
    name: str
    model: type[BaseModel]


def without_null(annotation: Any) -> Any:
    """The type that is left of `X | None` and `Annotated[X, …]`."""
    if get_origin(annotation) is Annotated:
        return without_null(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        others = [arm for arm in get_args(annotation) if arm is not type(None)]
        return without_null(others[0]) if len(others) == 1 else annotation
    return annotation


def type_at(annotation: Any, steps: Sequence[Step]) -> Any:
    """The annotation that a path leads to; NoSuchField if a model has no such field, None where types do not tell."""
    for step in steps:
        plain = without_null(annotation)
        key = key_of(step)
        if isinstance(plain, type) and issubclass(plain, BaseModel) and isinstance(key, str):
            if key not in plain.model_fields:
                return None if plain.model_config.get("extra") == "allow" else NoSuchField(key, plain)
            annotation = plain.model_fields[key].annotation
        elif get_origin(plain) is list and (isinstance(key, int) or type(step) in (Wildcard, Slice, Filter)):
            annotation = get_args(plain)[0]
        else:
            return None
    return annotation


def check_paths(rules: Iterable[Rule], kind: str) -> None:
    """Raise MappingError for the first path that names a field the kind does not have."""
    for rule in rules:
        _check_rule(rule, model_of(kind), kind)


def _check_rule(rule: Rule, root: Any, kind: str) -> None:
    for select in selects(rule):
        found = type_at(root, select.path.steps) if select.path.compiled else None
        if isinstance(found, NoSuchField):
            raise _no_such_field(select.at, found, kind)
        if isinstance(select, Select) and select.each is not None and found is not None:
            _check_rule(select.each, found, kind)


def _no_such_field(at: Mark, found: NoSuchField, kind: str) -> Exception:
    names = list(found.model.model_fields)
    expected = f"a field of {kind}: {listing(names, 20)}"
    return at.error(f"the field {found.name!r}", expected, hint=did_you_mean(found.name, names))


def check_source_fields(mapping: MappingFile) -> None:
    """Raise MappingError when a rule makes a field that the kind does not have, or none makes one it requires."""
    kind = str(mapping.to)
    model = model_of(kind)
    _check_fields(mapping.fields, model, kind)
    made = {*mapping.fields, *mapping.context, *(parent.field for parent in mapping.parents)}
    for name, info in model.model_fields.items():
        if info.is_required() and name not in made:
            raise mapping.at.error(f"no rule for {name!r}", f"one: {kind} requires {name}")


def _check_fields(fields: Mapping[str, Rule], annotation: Any, kind: str) -> None:
    model = without_null(annotation)
    if not (isinstance(model, type) and issubclass(model, BaseModel)):
        return
    for name, rule in fields.items():
        info = model.model_fields.get(name)
        if info is None and model.model_config.get("extra") != "allow":
            raise _no_such_field(rule.at, NoSuchField(name, model), kind)
        inner = _inner(rule, info.annotation if info else None)
        if inner is not None:
            _check_fields(*inner, kind)


def _inner(rule: Rule, annotation: Any) -> tuple[Mapping[str, Rule], Any] | None:
    """The nested fields of a rule, with the type they must make."""
    match rule.source:
        case Nested(fields):
            return fields, annotation
        case Select(each=Rule(source=Nested(fields))) if get_origin(without_null(annotation)) is list:
            return fields, get_args(without_null(annotation))[0]
        case _:
            return None


def constants(rule: Rule) -> Iterable[tuple[Any, Mark]]:
    """Every constant that a rule may make the whole of its field."""
    if isinstance(rule.source, Constant):
        yield rule.source.value, rule.at
    for change in rule.changes:
        match change:
            case IfNull(value) | Default(value):
                yield value, rule.at
            case Lookup():
                yield from ((value, rule.at) for value in change.results)
    if isinstance(rule.source, FirstOf):
        for inner in rule.source.rules:
            yield from constants(inner)
