"""Steps on text: `trim`, `sub`, `lower`, `split`, and tables and booleans that ignore case."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.adapter import Body
from proofport.errors import MappingError, Rejected
from proofport.mapping import compile_source, compile_vendor

from .conftest import Load
from .test_syntax import SOURCE, VENDOR, mistake

MISSING = object()
REGION = r"sub: {pattern: '^([a-z-]+-[0-9]+)[a-z]$', with: '\1', unmatched: "


def made(load: Load, rule: str, value: Any) -> Any:
    source = compile_source(load(f"{SOURCE}  f: {rule}\n"))
    record = {"id": "x", "a": value}
    found = source(record).get("f", MISSING)
    if source.of_lines is not None:
        [quick] = source.of_lines(json.dumps(record).encode())
        assert quick is None or quick.get("f", MISSING) == found
    return found


@pytest.mark.parametrize(
    ("rule", "value", "expected"),
    [
        ("trim: true", "  a b ", "a b"),
        ("trim: false", " a", " a"),
        ("trim: true, as: int", " 7 ", 7),
        ("lower: true", "Ana@Example.COM", "ana@example.com"),
        ("lower: true, trim: true, table: {yes: 1}, unknown: reject", " YES", 1),
        ("lower: true", 7, 7),
        ("trim: true", False, False),
        ("lower: true", None, None),
        ("split: ','", "a, b,,  ,c", ["a", "b", "c"]),
        ("split: ' | '", "a | b", ["a", "b"]),
        ("split: ','", "", MISSING),
        ("split: ','", " , ", MISSING),
        ("split: ','", None, None),
        ("split: ',', default: []", " ", []),
        ("split: ',', lower: true", "A,B", ["a", "b"]),
        ("split: ',', table: {a: 1, b: 2}, unknown: omit", "a,x,b", [1, 2]),
        ("split: ',', table: {a: 1}, unknown: omit", "x,y", MISSING),
        ("split: ',', as: int", "1, 2", [1, 2]),
        ("split: ',', as: bool, true: [y], false: [n], unknown: reject, fold: true", "Y,n", [True, False]),
        (f"{REGION}omit}}", "eu-west-1a", "eu-west-1"),
        (f"{REGION}omit}}", "us-west-2-lax-1a", MISSING),
        (f"{REGION}keep}}", "us-west-2-lax-1a", "us-west-2-lax-1a"),
        ("sub: {pattern: a, with: a, unmatched: omit}", "a", "a"),
        ("sub: {pattern: '[^0-9]', with: '', unmatched: keep}", "+49 (30) 1", "49301"),
        ("table: {Active: true, Gone: false}, unknown: reject, fold: true", "ACTIVE", True),
        ("table: {Straße: 1}, unknown: reject, fold: true", "STRASSE", 1),
        ("table: {a: 1}, unknown: keep, fold: true", "B", "B"),
        ("table: {a: 1, 7: 2}, unknown: omit, fold: true", 7, 2),
        ("as: bool, true: ['yes'], false: ['no'], unknown: omit, fold: true", "Yes", True),
    ],
)
def test_a_step(load: Load, rule: str, value: Any, expected: Any) -> None:
    assert made(load, f"{{path: $.a, {rule}}}", value) == expected


def test_steps_follow_any_source_of_text(load: Load) -> None:
    assert made(load, "{first_of: [$.b, $.a], lower: true}", "A") == "a"
    assert made(load, '{template: "{$.a}/{$.id}", lower: true, split: /}', "A") == ["a", "x"]
    assert made(load, "{path: '$.a[*]', each: {path: $, lower: true}}", ["A", "B"]) == ["a", "b"]


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("lower: true", ["A"], "found an array of 1, expected text. Select the items with [*], and change each:"),
        ("trim: true", {}, "found an object, expected text"),
        ("split: ','", 5, "found 5, expected text"),
        ("split: ','", ["a"], "Select the items with [*]"),
        ("split: ',', as: int", "1,x", "found 'x', expected an integer"),
        (
            f"{REGION}reject}}",
            "eu",
            "found 'eu', expected text that ^([a-z-]+-[0-9]+)[a-z]$ matches. Change the pattern",
        ),
        (f"{REGION}keep}}", 5, "found 5, expected text"),
        ("sub: {pattern: '^(a|aa)+$', with: x, unmatched: keep}", "a" * 5_000 + "b", "takes too long"),
        ("sub: {pattern: a, with: '" + "b" * 1_000 + "', unmatched: keep}", "a" * 100_000, "expected shorter text"),
        ("table: {Active: true}, unknown: reject, fold: true", "actvie", "Did you mean 'active'"),
    ],
)
def test_what_a_step_refuses(load: Load, rule: str, value: Any, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        made(load, f"{{path: $.a, {rule}}}", value)
    assert caught.value.problem.field == "f"
    assert words in str(caught.value)


def test_a_function_of_a_path_that_does_not_match_rejects_the_record(load: Load) -> None:
    rule = "'$.a.`sub(/x/, y)`'"
    assert made(load, rule, "axb") == "ayb"
    with pytest.raises(Rejected) as caught:
        made(load, rule, "ab")
    assert "found 'ab', expected text that /x/ matches. Use the step sub: {pattern: …" in str(caught.value)


def test_braces_and_quotes_in_the_backticks_of_a_template(load: Load) -> None:
    assert made(load, r"""{template: '{$.a.`sub(/[0-9]{2}''?/, x)`}-{{}}'}""", "a12'b") == "axb-{}"


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ("{value: 1, trim: true}", "5:17", "found 'trim' beside 'value'"),
        ("{path: $.a, trim: 1}", "5:24", "expected true or false"),
        ("{path: '$.a[*]', all: true, lower: true}", "5:34", "it inside each: {path: $, lower: …}"),
        ("{path: $.a, split: 1}", "5:25", "expected the text between two items"),
        ("{path: $.a, split: ''}", "5:25", "found nothing"),
        ("{path: $.a, sub: a}", "5:23", "expected sub: {pattern: …, with: …"),
        ("{path: $.a, sub: {pattern: a, with: b}}", "5:23", "found no 'unmatched', expected unmatched: keep | omit"),
        ("{path: $.a, sub: {pattern: a, with: b, unmatched: drop}}", "5:56", "expected one of keep, omit, reject"),
        ("{path: $.a, sub: {pattern: '(', with: b, unmatched: keep}}", "5:33", "a regular expression: missing )"),
        (r"{path: $.a, sub: {pattern: a, with: '\1', unmatched: keep}}", "5:42", r"in which \1 is the first group"),
        ("{path: $.a, fold: true}", "5:18", "found 'fold' without a table"),
        ("{path: $.a, table: {A: 1, a: 2}, unknown: omit, fold: true}", "5:25", "in several spellings"),
        ("{path: $.a, as: lower}", "5:22", "Write lower: true."),
    ],
)
def test_a_wrong_step_is_found_at_load(load: Load, rule: str, place: str, words: str) -> None:
    message = mistake(load, f"{SOURCE}  f: {rule}\n")
    assert message.startswith(f"{place}: ")
    assert words in message


def test_a_vendor_that_takes_no_arrays_takes_nothing_that_is_split(load: Load) -> None:
    file = load(f"{VENDOR}  names: {{path: $.name, split: ','}}\n")
    schema = compile_vendor(file, Body(name="cloud", mapping="v/cloud", id_field="id"), "cloud_resource", "v")
    assert schema.json_schema()["properties"]["names"] == {"type": ["array", "null"], "items": {"type": "string"}}
    body = Body(name="cloud", mapping="v/cloud", id_field="id", arrays="refuse")
    with pytest.raises(MappingError, match="Join the items"):
        compile_vendor(file, body, "cloud_resource", "v")
