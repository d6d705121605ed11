"""Conditions to Python."""

from __future__ import annotations

from proofport.mapping.compile import functions
from proofport.mapping.compile.reading import Scope
from proofport.mapping.language.nodes import Combined, When
from proofport.mapping.language.values import json_key


def condition_of(condition: When, field: str, scope: Scope) -> str:
    """An expression that is true if a condition holds. The code before it reads what is tested."""
    code = scope.code
    if isinstance(condition, Combined):
        tests = [f"({condition_of(inner, field, scope)})" for inner in condition.conditions]
        test = (" and " if condition.word == "all" else " or ").join(tests)
        return f"not ({test})" if condition.negated else test
    match condition.test:
        case "present":
            test = scope.some(condition.path, field)
        case "null":
            test = f"{scope.one(condition.path, field)} is None"
        case "above" | "below" | "at_least" | "at_most":
            value, bound = scope.one(condition.path, field), code.bind("c", condition.values[0])
            test = f"{code.use(functions.compares)}({value}, {condition.test!r}, {bound})"
        case _:
            value, fold = scope.one(condition.path, field), condition.fold
            keys = frozenset(json_key(functions.folded(each) if fold else each) for each in condition.values)
            given = f"{code.use(functions.folded)}({value})" if fold else value
            test = f"{code.use(functions.is_one_of)}({given}, {code.bind('c', keys)})"
    return f"not ({test})" if condition.negated else test
