"""`entries:`, `decode:` and `then:`: what a path selects is opened, and the path goes on inside."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from proofport.errors import Rejected
from proofport.mapping import compile_source

from .conftest import Load
from .test_syntax import SOURCE, mistake

MISSING = object()
PAIRS = "path: $.tags, entries: true"
REPORT = base64.b64encode(b"user,arn,mfa_active\nana,arn:ana,true\nbo,arn:bo,false\n").decode()


def made(load: Load, rule: str, record: Any) -> Any:
    source = compile_source(load(f"{SOURCE}  f: {rule}\n"))
    found = source({"id": "x", **record}).get("f", MISSING)
    if source.of_lines is not None:
        [quick] = source.of_lines(json.dumps({"id": "x", **record}).encode())
        assert quick is None or quick.get("f", MISSING) == found
    return found


@pytest.mark.parametrize(
    ("rule", "tags", "expected"),
    [
        (f"{{{PAIRS}}}", {"env": "prod", "n": None}, [{"key": "env", "value": "prod"}, {"key": "n", "value": None}]),
        (f"{{{PAIRS}, each: {{fields: {{name: $.key, text: $.value}}}}}}", {"a": "b"}, [{"name": "a", "text": "b"}]),
        (f"{{{PAIRS}, each: $.key, join: ','}}", {"a": 1, "b": 2}, "a,b"),
        (f'{{{PAIRS}, each: {{template: "{{$.key}}={{$.value}}"}}}}', {"a": 1, "b": None}, ["a=1"]),
        (f"{{{PAIRS}, then: $.key}}", {"only": 1}, "only"),
        (f"{{{PAIRS}, then: $.value.size, all: true}}", {"a": {"size": 1}, "b": {"size": 2}}, [1, 2]),
        (f'{{{PAIRS}, then: "$.value[*]", all: true}}', {"a": [1], "b": [2, 3]}, [1, 2, 3]),
        (f'{{{PAIRS}, then: "$.value[*]", all: true}}', {"a": []}, []),
        (f"{{{PAIRS}}}", {}, []),
        (f"{{{PAIRS}}}", None, MISSING),
        (f"{{{PAIRS}, then: $.key}}", {}, MISSING),
    ],
)
def test_members_of_an_object_are_pairs(load: Load, rule: str, tags: Any, expected: Any) -> None:
    assert made(load, rule, {"tags": tags}) == expected


def test_an_object_that_is_missing_gives_nothing(load: Load) -> None:
    assert made(load, f"{{{PAIRS}}}", {}) is MISSING


@pytest.mark.parametrize(
    ("rule", "text", "expected"),
    [
        ("decode: json", '{"a": [1]}', {"a": [1]}),
        ("decode: json", "null", None),
        ("decode: json", None, None),
        ("decode: json, then: $.user.id", '{"user": {"id": 7}}', 7),
        ("decode: json, then: $.user.id", '{"user": null}', MISSING),
        ("decode: json, then: $.user.id", None, MISSING),
        ('decode: json, then: "$[*]", each: {path: $, as: string}', "[1, 2]", ["1", "2"]),
        ("decode: json, entries: true", '{"a": 1}', [{"key": "a", "value": 1}]),
        ("decode: base64", "aGk=", "hi"),
        ("decode: base64", "aG\nk=", "hi"),
        ("decode: [base64, json], then: $.a", base64.b64encode(b'{"a": true}').decode(), True),
        ("decode: [base64, csv], each: $.user", REPORT, ["ana", "bo"]),
        ("decode: csv, each: $.b", "a;b\n1;2\n", ["2"]),
        ("decode: csv", "a;b\n", []),
        ("decode: json, then: $.n", '{"n": 123456789012345678}', 123456789012345678),
    ],
)
def test_text_stands_for_data(load: Load, rule: str, text: Any, expected: Any) -> None:
    assert made(load, f"{{path: $.t, {rule}}}", {"t": text}) == expected


@pytest.mark.parametrize(
    ("rule", "value", "words"),
    [
        ("entries: true", [{"a": 1}], "found an array of 1, expected an object, whose members"),
        ("entries: true", "a=1", "found 'a=1', expected an object"),
        ("entries: true, then: $.key", {"a": 1, "b": 2}, "found several matches of $.t (entries) $.key"),
        ("decode: json", "{a: 1}", "expected text that is JSON"),
        ("decode: json", {"a": 1}, "found an object, expected text that is JSON"),
        ("decode: base64", "no base64!", "expected text that is base64"),
        ("decode: base64", "/w==", "found base64 of what is no UTF-8"),
        ("decode: csv", 'a,b\n"1,2\n', "expected a row of CSV"),
        ("decode: csv", "a,b\n1\n", "found 1 cell in line 2 of the text, expected 2"),
        ("decode: csv", "a,a\n1,2\n", "found text that is no CSV"),
    ],
)
def test_what_cannot_be_opened_rejects_the_record(load: Load, rule: str, value: Any, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        made(load, f"{{path: $.t, {rule}}}", {"t": value})
    assert caught.value.problem.field == "f"
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("rule", "place", "words"),
    [
        ("{value: 1, entries: true}", "5:17", "found 'entries' beside 'value'"),
        ("{path: $.a, entries: 1}", "5:27", "found '1', expected true or false"),
        ("{path: $.a, then: $.b}", "5:18", "found 'then' alone, expected it beside entries: or decode:"),
        ("{path: $.a, entries: true, then: $.b + 1}", "5:39", "expected a path of names, indices"),
        ("{path: $.a, entries: true, then: b}", "5:39", "begins with $"),
        ("{path: $.a, entries: true, all: false}", "5:33", "each, join, entries and csv always take every match"),
        ("{path: $.a, entries: true, as: int}", "5:33", "found 'as' beside a list"),
        ("{path: $.a, decode: xml}", "5:26", "expected one of json, base64, csv"),
        ("{path: $.a, decode: []}", "5:26", "found an empty list"),
        ("{path: $.a, decode: [csv, json]}", "5:26", "found a form after csv"),
        ("{path: $.a, decode: csv, entries: true}", "5:31", "found entries beside decode: csv"),
    ],
)
def test_a_wrong_word_is_found_at_load(load: Load, rule: str, place: str, words: str) -> None:
    message = mistake(load, f"{SOURCE}  f: {rule}\n")
    assert message.startswith(f"{place}: ")
    assert words in message


# ------------------------------------------------------------------ records
def records(load: Load, head: str, document: Any) -> list[Any]:
    text = f"mapping: sources/t\nto: {{evidence: 'custom:thing'}}\n{head}\n"
    source = compile_source(load(text))
    return [source(record, parents) for record, parents in source.records(document)]


def test_records_are_the_members_of_an_object(load: Load) -> None:
    head = "records: {path: $.users, entries: true}\nfields: {id: $.key, f: $.value.email}"
    assert records(load, head, {"users": {"7": {"email": "a@x"}, "8": {}}}) == [{"id": "7", "f": "a@x"}, {"id": "8"}]
    assert records(load, head, {"users": {}}) == []


def test_records_are_inside_an_object_that_is_keyed_by_region(load: Load) -> None:
    head = (
        'records: {path: $, entries: true, then: "$.value.Vpcs[*]"}\n'
        "parent: {region: {path: $, entries: true, then: $.key}}\nfields: {id: $.VpcId}"
    )
    document = {"eu": {"Vpcs": [{"VpcId": "a"}, {"VpcId": "b"}]}, "us": {"Vpcs": []}, "ap": {"Vpcs": [{"VpcId": "c"}]}}
    assert records(load, head, document) == [
        {"id": "a", "region": "eu"},
        {"id": "b", "region": "eu"},
        {"id": "c", "region": "ap"},
    ]


def test_records_are_the_rows_of_a_report_in_base64(load: Load) -> None:
    head = "records: {path: $.Content, decode: [base64, csv]}\nfields: {id: $.arn, f: {path: $.mfa_active, as: bool}}"
    assert records(load, head, {"Content": REPORT, "ReportFormat": "text/csv"}) == [
        {"id": "arn:ana", "f": True},
        {"id": "arn:bo", "f": False},
    ]


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"Message": "{"}, "expected text that is JSON"),
        ({"Message": {"users": []}}, "found an object, expected text that is JSON"),
        ({"a": 1}, "expected a document with $.Message (decoded) $.users[*]"),
        ({"Message": None}, "expected a document with"),
    ],
)
def test_a_document_that_cannot_be_opened_is_refused(load: Load, document: Any, words: str) -> None:
    head = 'records: {path: $.Message, decode: json, then: "$.users[*]"}\nfields: {id: $.id}'
    assert records(load, head, {"Message": '{"users": [{"id": "1"}]}'}) == [{"id": "1"}]
    with pytest.raises(Rejected) as caught:
        records(load, head, document)
    assert words in str(caught.value)
