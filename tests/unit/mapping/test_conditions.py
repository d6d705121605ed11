"""`when:` with numbers, and with several conditions."""

from __future__ import annotations

from typing import Any

import pytest

from proofport.mapping import compile_source

from .conftest import Load
from .test_syntax import SOURCE, mistake


def holds(load: Load, condition: str, record: Any) -> bool:
    source = compile_source(load(f"{SOURCE}  f: {{value: 1, when: {condition}}}\n"))
    return "f" in source({"id": "x", **record})


@pytest.mark.parametrize(
    ("test", "held", "not_held"),
    [
        ("above: 5", [6, 5.1, "6", 10**400], [5, 4, "5", "six", None, True, [6]]),
        ("below: 5", [4, -1, "4.5"], [5, 6, False, ""]),
        ("at_least: 5", [5, 6, "5"], [4, 4.9]),
        ("at_most: 5.5", [5, 5.5, "5.5"], [5.6, 6]),
    ],
)
def test_a_number_is_compared_also_as_text(load: Load, test: str, held: list[Any], not_held: list[Any]) -> None:
    condition = f"{{path: $.n, {test}}}"
    assert [value for value in held if not holds(load, condition, {"n": value})] == []
    assert [value for value in not_held if holds(load, condition, {"n": value})] == []
    assert not holds(load, condition, {})
    assert holds(load, f"{{path: $.n, {test}, not: true}}", {})


def test_a_text_is_compared_without_case(load: Load) -> None:
    for condition in ("{path: $.a, in: [External, 7], fold: true}", "{path: $.a, is: EXTERNAL, fold: true}"):
        assert holds(load, condition, {"a": "external"})
        assert not holds(load, condition, {"a": "internal"})
        assert not holds(load, condition, {})
    assert holds(load, "{path: $.a, in: [External, 7], fold: true}", {"a": 7})
    assert not holds(load, "{path: $.a, in: [External]}", {"a": "external"})


def test_a_text_is_compared_without_blanks_around_it(load: Load) -> None:
    for condition in ("{path: $.a, in: [left, 7], trim: true}", "{path: $.a, is: ' left', trim: true}"):
        assert holds(load, condition, {"a": " left\t"})
        assert not holds(load, condition, {"a": "Left"})
        assert not holds(load, condition, {})
    assert holds(load, "{path: $.a, in: [left, 7], trim: true}", {"a": 7})
    assert holds(load, "{path: $.a, is: Left, trim: true, fold: true}", {"a": "LEFT "})
    assert not holds(load, "{path: $.a, is: left}", {"a": "left "})


ADULT, HERE, GUEST = "{path: $.age, at_least: 18}", "{path: $.here, is: true}", "{path: $.kind, in: [guest, other]}"


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        (f"{{all: [{ADULT}, {HERE}]}}", ["both"]),
        (f"{{any: [{ADULT}, {HERE}]}}", ["adult", "both", "guest"]),
        (f"{{any: [{ADULT}, {HERE}], not: true}}", ["none"]),
        (f"{{all: [{{any: [{ADULT}, {HERE}]}}, {{all: [{GUEST}], not: true}}]}}", ["adult", "both"]),
        ('{all: [{path: "$.tags[*]", present: true}]}', ["guest"]),
    ],
)
def test_all_and_any(load: Load, condition: str, expected: list[str]) -> None:
    people = {
        "adult": {"age": 30, "here": False},
        "both": {"age": 18, "here": True},
        "guest": {"age": 7, "here": True, "kind": "guest", "tags": [1, 2]},
        "none": {},
    }
    assert [name for name, person in people.items() if holds(load, condition, person)] == expected


@pytest.mark.parametrize(
    ("condition", "place", "words"),
    [
        ("{path: $.a, above: x}", "5:42", "found 'x', expected a number"),
        ("{path: $.a, above: true}", "5:42", "expected a number"),
        ("{path: $.a, above: 1, below: 2}", "5:23", "found above and below, expected exactly one of"),
        ("{path: $.a, above: 1, below: 2}", "5:23", "Several tests go under all: [{…}, {…}]."),
        ("{path: $.a, above: 1, fold: true}", "5:45", "found 'fold' beside 'above'"),
        ("{path: $.a, present: true, trim: true}", "5:50", "found 'trim' beside 'present'"),
        ("{all: []}", "5:29", "found an empty list"),
        ("{all: {path: $.a, is: 1}}", "5:29", "expected a list of conditions"),
        ("{all: [{path: $.a, is: 1}], any: [{path: $.a, is: 1}]}", "5:23", "found all and any"),
        ("{all: [{path: $.a, is: 1}], path: $.b}", "5:51", "found 'path' beside 'all', expected it inside all:"),
        ("{all: [{path: $.a}]}", "5:30", "found no test"),
        ("{all: [$.a]}", "5:30", "expected when: {path: …, is: …}"),
        ("{any: [" * 7 + "{path: $.a, is: 1}" + "]}" * 7, "5:65", "at most 6 levels of all and any"),
    ],
)
def test_a_wrong_condition_is_found_at_load(load: Load, condition: str, place: str, words: str) -> None:
    message = mistake(load, f"{SOURCE}  f: {{value: 1, when: {condition}}}\n")
    assert message.startswith(f"{place}: ")
    assert words in message
