"""`nothing:`, the words that stand for nothing in a file: they are missing wherever a path reads them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.errors import Rejected
from proofport.mapping import SourceMapping, compile_source

from .conftest import Load
from .test_syntax import SOURCE, VENDOR, mistake

MISSING = object()
WORDS = 'nothing: ["", N/A, no_information, "0000-00-00", {starts: "0001-01-01"}]\n'


def source(load: Load, rule: str, words: str = WORDS) -> SourceMapping:
    return compile_source(load(f"{SOURCE}  f: {rule}\n{words}"))


def made(load: Load, rule: str, value: Any, words: str = WORDS) -> Any:
    mapping = source(load, rule, words)
    record = {"id": "x", "a": value, "b": "second"}
    found = mapping(record).get("f", MISSING)
    if mapping.of_lines is not None:
        [quick] = mapping.of_lines(json.dumps(record).encode())
        assert quick is None or quick.get("f", MISSING) == found
    return found


@pytest.mark.parametrize("value", ["", "N/A", " N/A ", "   ", "no_information", "0000-00-00", "0001-01-01T00:00:00Z"])
def test_a_word_for_nothing_is_missing(load: Load, value: str) -> None:
    assert made(load, "$.a", value) is MISSING
    assert made(load, "{path: $.a, as: datetime}", value) is MISSING
    assert made(load, "{path: $.a, default: known}", value) == "known"
    assert made(load, "{first_of: [$.a, $.b]}", value) == "second"
    assert made(load, "{path: $.a, table: {'': wrong, N/A: wrong}, unknown: reject}", value) is MISSING
    assert made(load, "{path: $.a, as: bool, true: [1], false: ['', N/A], unknown: reject}", value) is MISSING
    assert made(load, '{template: "{$.b} {$.a}"}', value) is MISSING
    assert made(load, "{value: 1, when: {path: $.a, present: true}}", value) is MISSING
    assert made(load, "{path: '$.a[*]', all: true}", ["x", value, "y"]) == ["x", "y"]
    assert made(load, "{path: '$.a[*]', join: ','}", ["x", value, "y"]) == "x,y"
    assert made(load, "{path: '$.a[*]', all: true}", [value]) is MISSING
    assert made(load, "{path: '$.a[*]'}", ["x", value]) == "x"
    assert made(load, "{path: '$.a[*]', each: {fields: {n: $.n}}}", [{"n": value}, {"n": "1"}]) == [{"n": "1"}]
    assert made(load, "{path: $.a, entries: true}", value) is MISSING
    assert made(load, "{path: $.a, decode: json}", value) is MISSING
    assert made(load, "{path: $.a, decode: csv}", value) is MISSING
    assert made(load, "{path: $.a, decode: json, then: $.n}", json.dumps({"n": value})) is MISSING


@pytest.mark.parametrize("value", [{"n": "1"}, {"n": None}, {}, [{"n": "1"}], 0, True])
def test_an_object_of_which_members_are_read_is_not_nothing(load: Load, value: Any) -> None:
    mapping = source(load, "{path: $.a, each: {fields: {n: $.n}}, if_null: []}", 'nothing: ["", 0, 1]\n')
    assert mapping.of_lines is not None
    record = {"id": "x", "a": value}
    try:
        right = mapping(record)
    except Rejected:
        right = None
    assert mapping.of_lines(json.dumps(record).encode()) in ([right], [None])


@pytest.mark.parametrize("value", ["n/a", "nothing", "0001-01-02", 0, False, None, [], {}, ["N/A"], {"N/A": ""}])
def test_everything_else_is_what_it_is(load: Load, value: Any) -> None:
    found = made(load, "$.a", value)
    assert (type(found), found) == (type(value), value)


def test_numbers_and_booleans_may_stand_for_nothing(load: Load) -> None:
    words = 'nothing: ["", 0, {starts: "1970-"}]\n'
    assert made(load, "{path: $.a, as: datetime, from: [iso, epoch_seconds]}", 0, words) is MISSING
    assert made(load, "{path: $.a, as: datetime, from: [iso, epoch_seconds]}", "1970-01-01T00:00:00Z", words) is MISSING
    assert made(load, "$.a", 0.0, words) is MISSING
    assert made(load, "$.a", False, words) is False
    assert made(load, "$.a", {"deep": [0]}, words) == {"deep": [0]}


def test_without_the_words_nothing_changes(load: Load) -> None:
    assert made(load, "$.a", "", "") == ""


def test_an_id_that_is_nothing_is_missing(load: Load) -> None:
    with pytest.raises(Rejected) as caught:
        source(load, "$.a")({"id": "N/A"})
    assert caught.value.problem.field == "id"


def test_a_parent_may_be_nothing(load: Load) -> None:
    text = f"{SOURCE}{WORDS}records: $.r[*]\nparent: {{f: $.name, g: {{path: $.name, default: none}}}}\n"
    mapping = compile_source(load(text))
    [(record, parents)] = mapping.records({"name": "N/A", "r": [{"id": "1"}]})
    assert mapping(record, parents) == {"id": "1", "g": "none"}


@pytest.mark.parametrize(
    ("words", "place", "message"),
    [
        ("N/A", "5:10", "found 'N/A', expected a list of the values that stand for nothing"),
        ("[]", "5:10", "found an empty list"),
        ("[~]", "5:11", "found null, expected a value that is not null"),
        ("[[a]]", "5:11", "found a list, expected a single value"),
        ("[{begins: a}]", "5:12", "found the key 'begins'"),
        ("[{starts: ''}]", "5:20", "expected how the text begins"),
    ],
)
def test_a_wrong_word_is_found_at_load(load: Load, words: str, place: str, message: str) -> None:
    found = mistake(load, f"{SOURCE}nothing: {words}\n")
    assert found.startswith(f"{place}: ")
    assert message in found


def test_a_vendor_mapping_reads_evidence_where_nothing_is_missing_already(load: Load) -> None:
    assert "found 'nothing' in a vendor mapping" in mistake(load, f"{VENDOR}nothing: ['']\n")
