"""`when:`: the conditions under which a rule gives a value."""

from __future__ import annotations

from typing import Any, cast

from proofport.mapping.language.nodes import Combined, Condition, When
from proofport.mapping.language.selection import parse_path
from proofport.text.wording import listing
from proofport.text.yaml_nodes import Keys, Node, Scalar, block_of, flag_of, items_of, what

COMPARISONS = ("above", "below", "at_least", "at_most")
TESTS = ("is", "in", "present", "null", *COMPARISONS)
COMBINED = ("all", "any")
OF_TEXT = ("fold", "trim")
"""The keys that may stand beside `is` and `in`."""
MOST_LEVELS = 6


def condition(node: Node, level: int = 1) -> When:
    keys = Keys(block_of(node, "when: {path: …, is: …}"), ("path", *TESTS, *COMBINED, "not", *OF_TEXT), "when")
    if level > MOST_LEVELS:
        raise node.at.error("deep nesting", f"at most {MOST_LEVELS} levels of all and any")
    negated = keys.read("not", flag_of, False)
    if words := keys.given(COMBINED):
        expected = f"it inside {words[0]}: [{{path: …, is: …}}, …]"
        keys.refuse(("path", *TESTS, *OF_TEXT), f"beside '{words[0]}'", expected)
        if len(words) > 1:
            raise node.at.error("all and any", "one of the two, the other inside it")
        listed = keys.need(words[0], "")
        inner = items_of(listed, "a list of conditions")
        if not inner:
            raise listed.at.error("an empty list", "at least one condition")
        return Combined(cast(Any, words[0]), tuple(condition(each, level + 1) for each in inner), negated)
    return _single(node, keys, negated)


def _single(node: Node, keys: Keys, negated: bool) -> Condition:
    path = keys.need("path", "the path that is tested")
    given = keys.given(TESTS)
    if len(given) != 1:
        hint = "Several tests go under all: [{…}, {…}]." if given else None
        raise node.at.error(" and ".join(given) or "no test", f"exactly one of {listing(TESTS)}", hint=hint)
    [test] = given
    if test not in ("is", "in"):
        keys.refuse(OF_TEXT, f"beside '{test}'", "it beside is or in: case and blanks are of text")
    operand = keys.need(test, "its value")
    values: tuple[Any, ...] = ()
    if test == "is":
        values = (scalar_of(operand),)
    elif test == "in":
        values = tuple(scalar_of(item) for item in items_of(operand, "a list of values"))
    elif test in COMPARISONS:
        values = (_number(operand),)
    elif not flag_of(operand):
        raise operand.at.error(f"{test}: false", f"{test}: true, and not: true to turn it round")
    kind = "in" if test == "is" else test
    fold, trim = (keys.read(name, flag_of, False) for name in OF_TEXT)
    return Condition(parse_path(path), path.at, cast(Any, kind), values, negated, fold, trim)


def scalar_of(node: Node) -> Any:
    if not isinstance(node, Scalar):
        raise node.at.error(what(node), "a single value")
    return node.value


def _number(node: Node) -> int | float:
    value = scalar_of(node)
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise node.at.error(what(node), "a number")
    return value
