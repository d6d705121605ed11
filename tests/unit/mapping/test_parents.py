"""`parent:` takes fields from around the record, by a path or by a rule."""

from __future__ import annotations

from typing import Any

import pytest

from proofport.errors import Rejected
from proofport.mapping import SourceMapping, compile_source

from .conftest import Load
from .test_syntax import SOURCE, mistake

DOCUMENT = {
    "site": "eu",
    "resources": [
        {"type": "aws_instance", "mode": "managed", "tags": {"a": "b"}, "instances": [{"id": "1"}, {"id": "2"}]},
        {"type": "aws_vpc", "mode": "data", "instances": [{"id": "3"}]},
    ],
}


def source(load: Load, parent: str) -> SourceMapping:
    head = "mapping: sources/t\nto: {evidence: 'custom:thing'}\nrecords: $.resources[*].instances[*]\n"
    return compile_source(load(f"{head}fields: {{id: $.id}}\nparent: {{f: {parent}}}\n"))


def values(load: Load, parent: str, document: Any = DOCUMENT) -> list[Any]:
    mapping = source(load, parent)
    return [mapping(record, parents).get("f") for record, parents in mapping.records(document)]


@pytest.mark.parametrize(
    ("parent", "expected"),
    [
        ("'$.resources[*].type'", ["aws_instance", "aws_instance", "aws_vpc"]),
        ("{path: '$.resources[*].type', table: {aws_instance: vm}, unknown: keep}", ["vm", "vm", "aws_vpc"]),
        ("{path: '$.resources[*].none', default: x}", ["x", "x", "x"]),
        ('{template: "{$.site}/{$.resources[*].mode}"}', ["eu/managed", "eu/managed", "eu/data"]),
        ("{first_of: ['$.resources[*].none', $.site]}", ["eu", "eu", "eu"]),
        ("{value: true, when: {path: '$.resources[*].mode', is: managed}}", [True, True, None]),
        ("{path: '$.resources[*].tags', entries: true, each: $.key}", [["a"], ["a"], None]),
        ("{path: '$.resources[*].instances[*].id', all: true}", [["1"], ["2"], ["3"]]),
        ("{path: '$.resources[*].type.`split(_, 1, -1)`'}", ["instance", "instance", "vpc"]),
    ],
)
def test_a_rule_reads_what_encloses_the_record(load: Load, parent: str, expected: list[Any]) -> None:
    assert values(load, parent) == expected


def test_a_rule_that_refuses_a_value_rejects_the_records_below_it_alone(load: Load) -> None:
    mapping = source(load, "{path: '$.resources[*].type', table: {aws_vpc: vpc}, unknown: reject}")
    (first, around), (second, there), (third, elsewhere) = mapping.records(DOCUMENT)
    for record, parents in ((first, around), (second, there)):
        with pytest.raises(Rejected) as caught:
            mapping(record, parents)
        assert caught.value.problem.field == "f"
        assert mapping.id_of(record, parents) == record["id"], "it is known who was refused"
    assert mapping(third, elsewhere) == {"id": "3", "f": "vpc"}


@pytest.mark.parametrize(
    ("parent", "place", "words"),
    [
        ("{path: '$.a[*].c[*]', as: string}", "6:20", "to the enclosing element, then names only"),
        ("{template: '{$.a[*].x} {$.b[*].c}'}", "6:37", "to the enclosing element, then names only"),
        ("{first_of: ['$.a[*].x']}", "6:24", "found 1 alternatives"),
        ("{pth: $.a}", "6:14", "Did you mean 'path'?"),
        ("7", "6:13", "expected a JSONPath"),
    ],
)
def test_a_wrong_rule_is_found_at_load(load: Load, parent: str, place: str, words: str) -> None:
    message = mistake(load, f"{SOURCE}records: '$.a[*].b[*]'\nparent: {{f: {parent}}}\n")
    assert message.startswith(f"{place}: ")
    assert words in message


@pytest.mark.parametrize("step", ["[?(@.mode == 'managed')]", "[1:]"])
def test_a_wildcard_follows_a_filter_and_a_slice(load: Load, step: str) -> None:
    text = (
        f"records: $.a{step}.r[*]\nparent: {{f: '$.a[*].type', g: {{template: '{{$.a[*].type}}/{{$.a[*].r[*].n}}'}}}}\n"
    )
    mapping = compile_source(load(text + SOURCE))
    document = {
        "a": [{"mode": "data", "r": [{"id": "0"}]}, {"mode": "managed", "type": "t", "r": [{"id": "1", "n": 7}]}]
    }
    assert [mapping(*each) for each in mapping.records(document)] == [{"id": "1", "f": "t", "g": "t/7"}]
