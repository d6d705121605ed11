"""Why a field that has a rule is absent. It is asked when the rule has made nothing of a record."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from proofport.accounting import LeftOut
from proofport.errors import Rejected
from proofport.mapping.compile.fields import compile_skips
from proofport.mapping.language.nodes import (
    Change,
    Constant,
    FirstOf,
    Lookup,
    MappingFile,
    Nested,
    Rule,
    Select,
    Skip,
    Substitute,
    Template,
    When,
    selects,
)
from proofport.mapping.language.pointers import found_at

NO_RULE = "no rule makes it"
CONDITION = "its condition does not hold"
NOT_THERE = "the input has no value there"
IS_NULL = "the value there is null, and null is not sent"
IS_NOTHING = "the value there is one of those that stand for nothing"
NO_MATCH = "its text does not match, and is left out"
NOT_IN_TABLE = "its table does not know the value, and leaves it out"
LEFT_OUT = "the value is left out by what the body may hold"


def why_absent(rule: Rule, file: MappingFile, record: object) -> str:
    """The reason; where a field has several rules, those of all of them."""
    if rule.when is not None and not _holds(rule.when, rule, record):
        return CONDITION
    inner: Iterable[Rule] = ()
    match rule.source:
        case FirstOf(rules):
            inner = rules
        case Nested(fields):
            inner = fields.values()
        case Select() | Template():
            if why := _of_values(rule, file, record):
                return why
    reasons = [why_absent(each, file, record) for each in inner]
    own = _of_changes(rule.changes, _values(rule, record))
    return "; ".join(dict.fromkeys([*reasons, *([own] if own else [])])) or LEFT_OUT


def _holds(when: When, rule: Rule, record: object) -> bool:
    told = Skip(CONDITION, Rule(at=rule.at, source=Constant(value=True), when=when))
    decide = compile_skips([told], CONDITION)
    assert decide is not None
    try:
        decide(record)
    except LeftOut:
        return True
    except Rejected:  # there is nothing at the path of the condition
        return False
    return False


def _values(rule: Rule, record: object) -> list[Any]:
    read = [each for each in selects(rule) if isinstance(each, Select)]
    return [value for each in read for _, value in found_at(each.path, record)]


def _of_values(rule: Rule, file: MappingFile, record: object) -> str | None:
    """Why what a path reads makes no value. Of a template, each of its paths has to find one."""
    for each in selects(rule):
        if not isinstance(each, Select):
            continue
        values = [value for _, value in found_at(each.path, record)]
        if not values:
            return NOT_THERE
        if all(value is None for value in values):
            return IS_NULL
        if file.nothing is not None and all(map(file.nothing.holds, values)):
            return IS_NOTHING
    return None


def _of_changes(changes: Sequence[Change], values: Sequence[Any]) -> str | None:
    """Which change leaves a value out. What a table is given is not known, so it is taken for the one that does."""
    texts = [value for value in values if isinstance(value, str)]
    for change in changes:
        match change:
            case Substitute(unmatched="omit") if not any(change.pattern.search(text) for text in texts):
                return NO_MATCH
            case Lookup() if change.unknown.action == "omit":
                return NOT_IN_TABLE
    return None
