"""The value that a rule makes of a record, and why it is nothing where a field is absent."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from proofport.errors import Rejected
from proofport.mapping.compile.fields import compile_rule
from proofport.mapping.compile.functions import MISSING
from proofport.mapping.language.nodes import (
    Change,
    Constant,
    FirstOf,
    Lookup,
    MappingFile,
    Nested,
    Rule,
    Select,
    Split,
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
NO_ITEM = "its text holds no item"
NOT_IN_TABLE = "its table does not know the value, and leaves it out"
LEFT_OUT = "the value is left out by what the body may hold"


# ------------------------------------------------------------------ what a rule makes
def made_by(rule: Rule, file: MappingFile, record: object) -> Any:
    """The value that a rule makes of a record. MISSING: nothing."""
    try:
        return compile_rule(rule, file.nothing)(record)
    except Rejected:
        return MISSING


def giver(rules: Iterable[Rule], file: MappingFile, record: object) -> Rule | None:
    """The rule of `first_of` that gives the value: the first that makes neither nothing nor null."""
    made = ((rule, made_by(rule, file, record)) for rule in rules)
    return next((rule for rule, value in made if value is not MISSING and value is not None), None)


def up_to(rule: Rule, count: int) -> Rule:
    """The rule with so many of its changes, in their order."""
    return replace(rule, changes=rule.changes[:count], required=False)


# ------------------------------------------------------------------ why it is nothing
def why_absent(rule: Rule, file: MappingFile, record: object) -> str:
    """The reason; where a field has several rules and none gives a value, those of all of them."""
    if rule.when is not None and not _holds(rule.when, rule, file, record):
        return CONDITION
    value = made_by(up_to(rule, 0), file, record)
    if value is MISSING or isinstance(rule.source, Nested):
        return _of_source(rule, file, record) or LEFT_OUT
    for number, change in enumerate(rule.changes, start=1):
        value = made_by(up_to(rule, number), file, record)
        if value is MISSING:
            return _of_change(change)
    return IS_NULL if value is None else LEFT_OUT


def _holds(when: When, rule: Rule, file: MappingFile, record: object) -> bool:
    told = Rule(at=rule.at, source=Constant(value=True), when=when)
    return made_by(told, file, record) is not MISSING


def _of_source(rule: Rule, file: MappingFile, record: object) -> str | None:
    match rule.source:
        case FirstOf(rules):
            inner: Iterable[Rule] = rules
        case Nested(fields):
            inner = fields.values()
        case Select() | Template():
            return _of_values(rule, file, record)
        case _:
            return None
    return "; ".join(dict.fromkeys(why_absent(each, file, record) for each in inner))


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


def _of_change(change: Change) -> str:
    """The reason of a change that makes nothing of a value."""
    match change:
        case Substitute():
            return NO_MATCH
        case Split():
            return NO_ITEM
        case Lookup():
            return NOT_IN_TABLE
    return LEFT_OUT
