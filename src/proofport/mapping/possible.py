"""Finds what can never be: constants that a field refuses, conversions to another type, tests for other values.

Such a rule is no mistake of form. It rejects every record that it is for, or never applies.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, ConfigDict, ValidationError, create_model
from pydantic.fields import FieldInfo

from proofport.evidence import model_of
from proofport.mapping.compile.evidence import partial_model
from proofport.mapping.language.kinds import is_model, type_at, wire_fields, without_null
from proofport.mapping.language.nodes import (
    Condition,
    Constant,
    Convert,
    Default,
    FirstOf,
    IfNull,
    Lookup,
    MappingFile,
    Nested,
    Rule,
    Select,
    Split,
    Template,
    selects,
)
from proofport.mapping.language.paths import parse
from proofport.text.wording import problem_of

SAMPLES: Mapping[str, tuple[Any, ...]] = {
    "int": (0, 1, 2026),
    "number": (0.5, 1),
    "bool": (True, False),
    "date": ("2026-01-31",),
    "datetime": ("2026-01-31T09:00:00Z",),
    "string": ("x", "2026-01-31", "2026-01-31T09:00:00Z"),
}
"""Results of each conversion."""

_ITSELF = parse("$")
OF_FORM = ("literal_error", "timestamp", "naive_timestamp", "plain_date")
"""Errors that say of a number, a truth value or a time that no other of its form would do."""


def check_possible(file: MappingFile, body: type[BaseModel] | None = None) -> None:
    """Raise MappingError for the first rule that can never do what it says. `body`: the vendor's model, if any."""
    if isinstance(file.to, str):
        _check_made(file.fields, model_of(file.to))
    else:
        assert file.from_kind is not None
        if body is not None:
            _check_made(file.fields, partial_model(body, nulls=True))
        check_tests([*file.fields.values(), *(skip.rule for skip in file.skips)], file.from_kind)


def check_tests(rules: Iterable[Rule], kind: str) -> None:
    """Raise MappingError for the first value that a rule tests or looks up and that the kind never has."""
    model = model_of(kind)
    for rule in rules:
        for select in selects(rule):
            if isinstance(select, Condition) and select.test == "in" and not select.fold:
                for value in select.values:
                    _require(value, type_at(model, select, kind), rule, f"a value of {select.path.text}")
        if isinstance(rule.source, Select) and not rule.source.all:
            found = type_at(model, rule.source, kind)
            for key in (key for change in rule.changes if isinstance(change, Lookup) for key in change.entries):
                _require(key if isinstance(key, str) else key[1], found, rule, "a key of its table")  # type: ignore[index]
        inner = rule.source.rules if isinstance(rule.source, FirstOf) else ()
        check_tests([*inner, *(rule.source.fields.values() if isinstance(rule.source, Nested) else ())], kind)


def _check_made(fields: Mapping[str, Rule], model: type[BaseModel]) -> None:
    known = wire_fields(model)
    for name, rule in fields.items():
        if name in known:
            _check_rule(rule, _annotated(known[name]), name)


def _check_rule(rule: Rule, annotation: Any, field: str) -> None:
    bare = without_null(annotation)
    if any(isinstance(change, Split) for change in rule.changes) and get_origin(bare) is list:
        of_items = tuple(change for change in rule.changes if isinstance(change, Lookup | Convert))
        whole = tuple(change for change in rule.changes if isinstance(change, IfNull | Default))
        _check_rule(replace(rule, source=Select(_ITSELF, rule.at), changes=of_items), get_args(bare)[0], field)
        _check_rule(replace(rule, source=Select(_ITSELF, rule.at), changes=whole), annotation, field)
        return
    for value in _constants(rule):
        _require(value, annotation, rule, field)
    made = _made(rule)
    if made is not None and all(_never(sample, annotation, text=made == "string") for sample in SAMPLES[made]):
        problem = _problem(SAMPLES[made][0], annotation, field)
        raise rule.at.error(f"a rule that gives {made}", problem.expected, field=field, hint=problem.hint)
    bare = without_null(annotation)
    match rule.source:
        case Nested(inner) if is_model(bare):
            _check_made(inner, bare)
        case Select(each=Rule() as each) if get_origin(bare) is list:
            item = get_args(bare)[0]
            _check_rule(each, item, field)
        case FirstOf(rules) if not _is_changed(rule):
            for alternative in rules:
                _check_rule(alternative, annotation, field)


def _constants(rule: Rule) -> Iterator[Any]:
    """The constants that may become the value, without those of alternatives."""
    if isinstance(rule.source, Constant):
        yield rule.source.value
    for change in rule.changes:
        if isinstance(change, Lookup):
            yield from change.results
        elif isinstance(change, IfNull | Default):
            yield change.value


def _is_changed(rule: Rule) -> bool:
    return any(isinstance(change, Lookup | Convert) for change in rule.changes)


def _made(rule: Rule) -> str | None:
    """The conversion whose results a rule gives, where it says so."""
    for change in rule.changes:
        if isinstance(change, Convert):
            return change.to if change.to in SAMPLES else None
        if isinstance(change, Lookup):
            return None
    is_text = isinstance(rule.source, Template) or (isinstance(rule.source, Select) and rule.source.join is not None)
    return "string" if is_text else None


# ------------------------------------------------------------------ values and types
def _annotated(info: FieldInfo) -> Any:
    return Annotated[(info.annotation, *info.metadata)] if info.metadata else info.annotation


def _errors(value: Any, annotation: Any) -> ValidationError | None:
    """Why a type refuses a value, if it does."""
    strict = ConfigDict(strict=True, allow_inf_nan=False, arbitrary_types_allowed=True)
    model: type[BaseModel] = create_model("Field", __config__=strict, value=(annotation, ...))
    try:
        model.model_validate({"value": value})
    except ValidationError as error:
        return error
    return None


def _never(sample: Any, annotation: Any, *, text: bool) -> bool:
    """True if no value of the sample's form fits. Of texts, some others may."""
    error = _errors(sample, annotation)
    kinds = [detail["type"] for detail in error.errors()] if error is not None else []
    return bool(kinds) and all(kind.endswith("_type") or (kind in OF_FORM and not text) for kind in kinds)


def _require(value: Any, annotation: Any, rule: Rule, field: str) -> None:
    """Raise MappingError for a value that a type refuses. None of `annotation`: nothing is known of it."""
    if annotation is not None and _errors(value, annotation) is not None:
        problem = _problem(value, annotation, field)
        raise rule.at.error(problem.found, problem.expected, field=field, hint=problem.hint)


def _problem(value: Any, annotation: Any, field: str) -> Any:
    error = _errors(value, annotation)
    assert error is not None
    return problem_of(error, field, ())
