"""Raw documents to evidence: records, what surrounds them, and what is filled from outside."""

from __future__ import annotations

import json
from typing import Any
from unittest.mock import Mock, patch

import pytest

from proofport.errors import Rejected, UsageError
from proofport.evidence import CloudResource
from proofport.mapping import MappingLibrary, compile_kind, compile_source
from proofport.mapping.compile.checks import timestamp
from proofport.mapping.compile.fields import compile_plan

from .conftest import Load

EC2 = """
mapping: sources/ec2
to: {evidence: cloud_resource}
records: $.Reservations[*].Instances[*]
parent: {account_id: "$.Reservations[*].OwnerId", region: $.Region.Name}
incomplete_when: $.NextToken
context: [region, account_id]
fields: {id: $.InstanceId, type: {value: aws.ec2.instance}}
"""
DOCUMENT = {
    "Region": {"Name": "eu-west-1"},
    "Reservations": [
        {"OwnerId": "1", "Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]},
        {"OwnerId": None, "Instances": [{"InstanceId": "i-3"}]},
        {"Instances": [{"InstanceId": "i-4"}]},
    ],
}


def all_of(mapping: Any, document: object) -> list[Any]:
    return [mapping(record, parents) for record, parents in mapping.records(document)]


def test_records_know_what_encloses_them(load: Load) -> None:
    mapping = compile_source(load(EC2))
    assert mapping.quick is None
    found = all_of(mapping, DOCUMENT)
    assert [(each["id"], each.get("account_id", "missing"), each["region"]) for each in found] == [
        ("i-1", "1", "eu-west-1"),
        ("i-2", "1", "eu-west-1"),
        ("i-3", None, "eu-west-1"),
        ("i-4", "missing", "eu-west-1"),
    ]


def test_what_the_document_does_not_say_is_set_from_outside(load: Load) -> None:
    mapping = compile_source(load(EC2), {"region": "us-east-1", "account_id": "9"})
    assert [each["account_id"] for each in all_of(mapping, DOCUMENT)] == ["1", "1", None, "9"]
    assert [each["region"] for each in all_of(mapping, DOCUMENT)] == ["eu-west-1"] * 4
    [bare] = all_of(mapping, {"Reservations": [{"Instances": [{"InstanceId": "i"}]}]})
    assert (bare["region"], bare["account_id"]) == ("us-east-1", "9")


def test_a_value_from_outside_does_not_replace_what_a_rule_found(load: Load) -> None:
    text = EC2.replace("fields: {", "fields: {region: $.Region, ")
    mapping = compile_source(load(text), {"region": "us-east-1"})
    instances = [{"InstanceId": "a", "Region": "here"}, {"InstanceId": "b", "Region": None}]
    found = all_of(mapping, {"Reservations": [{"Instances": instances}]})
    assert [each["region"] for each in found] == ["here", None]


def test_a_value_from_outside_may_be_a_field_that_the_kind_does_not_name(load: Load) -> None:
    file = load("mapping: a\nto: {evidence: 'custom:thing'}\ncontext: [region]\nfields: {id: $.id}\n")
    assert compile_source(file)({"id": "x"}) == {"id": "x"}
    assert compile_source(file, {"region": "r"})({"id": "x"}) == {"id": "x", "region": "r"}


@pytest.mark.parametrize("document", [{"Reservations": []}, {"Reservations": [{"Instances": []}]}, {}, []])
def test_an_empty_set_is_a_set(load: Load, document: object) -> None:
    assert all_of(compile_source(load(EC2)), document) == []


@pytest.mark.parametrize("document", [{"Buckets": []}, [{}], None, {"Reservations": None}, {"Reservations": [{}]}])
def test_a_document_without_a_place_for_records_is_rejected(load: Load, document: object) -> None:
    with pytest.raises(Rejected, match=r"expected a document with \$\.Reservations\[\*\]\.Instances\[\*\]"):
        all_of(compile_source(load(EC2)), document)


@pytest.mark.parametrize(
    ("document", "incomplete"),
    [
        ({"NextToken": "x"}, True),
        ({"NextToken": True}, True),
        ({"NextToken": 0}, True),
        ({"NextToken": "false"}, True),
        ({"NextToken": None}, False),
        ({"NextToken": False}, False),
        ({"NextToken": ""}, False),
        ({}, False),
        ([], False),
    ],
)
def test_a_document_may_say_that_there_is_more(load: Load, document: object, incomplete: bool) -> None:
    found = compile_source(load(EC2)).page(document, "a.json", 3).flaw
    why = (
        "a.json is the last page that was given, and $.NextToken says that more follow; 3 records were read from 1 page"
    )
    assert found == (why if incomplete else None)


def test_without_records_a_document_is_one_record(load: Load) -> None:
    mapping = compile_source(load("mapping: sources/t\nto: {evidence: person}\nfields: {id: $.id}\n"))
    assert mapping.quick is not None
    assert mapping.kind == "person"
    assert list(mapping.records({"id": "x"})) == [({"id": "x"}, ())]
    assert mapping({"id": "x"}) == {"id": "x"}
    assert mapping.page({"NextToken": "x"}, "a.json", 1).flaw is None


def test_values_that_the_mapping_does_not_take(load: Load) -> None:
    with pytest.raises(UsageError, match="Did you mean 'region'"):
        compile_source(load(EC2), {"regoin": "x"})
    with pytest.raises(UsageError, match="it takes none"):
        compile_source(load("mapping: a\nto: {evidence: person}\nfields: {id: $.id}\n"), {"x": "y"})


def test_a_value_that_the_kind_requires_and_nothing_gives(load: Load) -> None:
    file = load("mapping: a\nto: {evidence: cloud_resource}\ncontext: [type]\nfields: {id: $.id}\n")
    with pytest.raises(UsageError, match="--set type="):
        compile_source(file)
    assert compile_source(file, {"type": "t"})({"id": "x"}) == {"id": "x", "type": "t"}
    assert compile_source(file, {}, "patch")({"id": "x"}) == {"id": "x"}


def test_a_vendor_mapping_is_no_source(load: Load) -> None:
    file = load("mapping: a\nfrom: person\nto: {vendor: v, body: b}\nfields: {id: $.id}\n")
    with pytest.raises(UsageError, match="is a vendor mapping"):
        compile_source(file)


@pytest.mark.parametrize(
    ("records", "parent", "expected"),
    [
        ("$.a[0].x[?(@.n==1)]", "$.a[0].q", [{"id": "1", "p": 2}]),
        ("$..x[*]", "$.p", [{"id": "1", "p": 1}, {"id": "2", "p": 1}]),
        ("$.a[0].x[1]", "$.p", [{"id": "2", "p": 1}]),
        ("$.a[*].x[1:]", "$.a[*].x[1:].n", [{"id": "2"}]),
    ],
)
def test_records_along_other_paths(load: Load, records: str, parent: str, expected: Any) -> None:
    document = {"p": 1, "a": [{"q": 2, "x": [{"id": "1", "n": 1}, {"id": "2"}]}]}
    text = f"mapping: a\nto: {{evidence: 'custom:x'}}\nrecords: '{records}'\nparent: {{p: '{parent}'}}\n"
    assert all_of(compile_source(load(f"{text}fields: {{id: $.id}}\n")), document) == expected


def test_one_function_is_compiled_for_what_is_read(load: Load) -> None:
    mapping = compile_source(load("mapping: sources/t\nto: {evidence: person}\nfields: {id: $.id}\n"))
    with patch("proofport.mapping.compile.source.compile_plan", Mock(wraps=compile_plan)) as compiled:
        assert mapping.quick is not None
        assert mapping.of_lines is not None
        assert mapping.of_lines(b'{"id":"x"}\n{"id":1}\n') == [{"id": "x"}, None]
        assert compiled.call_count == 1
        with pytest.raises(Rejected):
            mapping.quick({"id": 1})
        assert compiled.call_count == 2


@pytest.mark.parametrize("path", ["$['b c','left']", "$.a['b c','left']", "$.a[*]['b c','left']", r"$.a['b\u00a0c']"])
def test_what_a_path_of_odd_or_several_names_does_not_read_is_unread(load: Load, path: str) -> None:
    rule = f'{{path: "{path}", as: string}}'
    mapping = compile_source(
        load(f"mapping: sources/t\nto: {{evidence: person}}\nfields: {{id: $.id, job_title: {rule}}}")
    )
    holder: dict[str, Any] = {"left": 1} if "left" in path else {"b\u00a0c": 1}
    inner: Any = [{**holder, "other": 2}] if "*" in path else {**holder, "other": 2}
    record = {"id": "x", "more": 3} | ({"a": inner} if ".a" in path else inner)
    others = ["$.a[*].other" if "*" in path else "$.a.other" if ".a" in path else "$.other"]
    assert sorted(mapping.unread(record)) == sorted(["$.more", *others])
    if mapping.of_lines is not None:
        assert mapping.of_lines(json.dumps(record).encode()) == [{"id": "x", "job_title": "1"}]
    assert mapping(record) == {"id": "x", "job_title": "1"}


@pytest.mark.parametrize("name", ["csv.people", "csv.workday"])
def test_a_column_that_a_source_of_the_library_does_not_know_is_unread(name: str) -> None:
    mapping = compile_source(MappingLibrary().find(f"sources/{name}"))
    assert mapping.unread({"Work Mail": ""}) == ["$['Work Mail']"]
    assert mapping.unread({"Termination Date": ""}) == []


# ------------------------------------------------------------------ evidence as it stands
def test_evidence_comes_out_canonical_and_in_the_models_order() -> None:
    given = {"type": "t", "created_at": "2026-01-31T10:00:00+01:00", "id": "x", "region": None, "public": False}
    found = compile_kind("cloud_resource")(given)
    expected = {"id": "x", "type": "t", "region": None, "created_at": "2026-01-31T09:00:00Z", "public": False}
    assert list(found.items()) == list(expected.items())
    assert compile_kind("cloud_resource")(CloudResource(id="x", type="t", region=None)) == {
        "id": "x",
        "type": "t",
        "region": None,
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ([], "found an array of 0, expected an object: one cloud_resource"),
        ({"type": "t"}, "id: found nothing, expected a value: cloud_resource requires it"),
        ({"id": "", "type": "t"}, "id: found ''"),
        (
            {"id": "x", "type": "t", "regoin": "r"},
            "regoin: found the field 'regoin', expected a field of cloud_resource.",
        ),
        ({"id": "x", "type": "t", "regoin": "r"}, "Did you mean 'region'?"),
        ({"id": "x", "type": "t", "tags": [{"key": "a"}, {"key": 1}]}, "tags[1].key: found 1, expected text"),
        (
            {"id": "x", "type": "t", "created_at": "2026-01-31T09:00:00"},
            "without a time zone, expected a date and time",
        ),
        ({"id": "x", "type": "t", "created_at": "2026-01-31"}, '{path: …, as: datetime, at: "00:00"}'),
        ({"id": "x", "type": "t", "created_at": "soon"}, "expected a date and time in RFC 3339"),
        ({"id": "x", "type": "t", "public": "yes"}, "public: found 'yes'"),
        ({"id": 1, "type": 2}, "id: found 1, expected text"),
        ({"id": 1, "type": 2}, "1 more field is wrong in this record."),
    ],
)
def test_evidence_that_does_not_fit(given: object, words: str) -> None:
    with pytest.raises(Rejected) as caught:
        compile_kind("cloud_resource")(given)
    assert words in str(caught.value)


def test_a_choice_says_what_was_meant() -> None:
    with pytest.raises(Rejected) as caught:
        compile_kind("device")({"id": "x", "platform": "mac_os"})
    assert "platform: found 'mac_os', expected one of macos, windows, linux" in str(caught.value)
    assert "Did you mean 'macos'?" in str(caught.value)


def test_a_training_cannot_be_completed_in_the_future() -> None:
    record = {"id": "x", "email": "a@example.com", "course": "c", "completed_at": "2099-01-01T00:00:00Z"}
    with pytest.raises(Rejected, match="completed_at: found '2099-01-01T00:00:00Z', expected a time that has passed"):
        compile_kind("training_record")(record)


@pytest.mark.parametrize("mode", ["patch", "remove"])
def test_in_part_only_the_id_is_required(mode: Any) -> None:
    check = compile_kind("cloud_resource", mode)
    assert check({"id": "x"}) == {"id": "x"}
    assert check({"region": None, "id": "x"}) == {"id": "x", "region": None}
    assert check({"id": "x", "created_at": "2026-01-31T10:00:00+01:00"})["created_at"] == "2026-01-31T09:00:00Z"
    for wrong in ({"region": "r"}, {"id": "x", "type": None}, {"id": "x", "type": ""}, {"id": "x", "regoin": 1}):
        with pytest.raises(Rejected):
            check(wrong)


@pytest.mark.parametrize("time", ["2026-01-31T09:00:00Z", "2026-01-31T09:00:00+00:00", "2026-01-31T10:00:00+01:00"])
@pytest.mark.parametrize("tail", ["\0", "\0x", "\0" * 3])
def test_a_time_does_not_end_at_a_null(time: str, tail: str) -> None:
    assert timestamp(time) == "2026-01-31T09:00:00Z"
    assert timestamp(time + tail) is None


@pytest.mark.parametrize(
    "time", ["2026-01-31x09:00:00Z", "2026-01-31-08:00:00Z", "20260131x090000Z", "2026-W05-6/09:00Z"]
)
def test_what_the_model_refuses_between_date_and_time_is_not_taken_quickly(time: str) -> None:
    assert timestamp(time) is None
    with pytest.raises(Rejected, match="created_at: found"):
        compile_kind("cloud_resource", "patch")({"id": "x", "created_at": time})


def test_custom_evidence_carries_any_json() -> None:
    given = {
        "id": "x",
        "n": None,
        "deep": [{"a": [1.5, False, "ü"]}],
        "extras": {"v": {"a": None}},
        "observed_at": None,
    }
    assert compile_kind("custom:thing")(given) == given
    with pytest.raises(Rejected):
        compile_kind("custom:thing")({"id": "x", "n": 2**64})


def test_any_of_several_pages_may_say_that_there_is_more(load: Load) -> None:
    mapping = compile_source(load(EC2.replace("$.NextToken", "'$.Pages[*].NextToken'")))
    assert mapping.page({"Pages": [{"NextToken": None}, {}, {"NextToken": "x"}]}, "a", 0).flaw
    assert mapping.page({"Pages": [{"NextToken": None}, {"NextToken": None}]}, "a", 0).flaw is None


@pytest.mark.parametrize(
    ("rule", "folds"),
    [
        ("$.id", False),
        ("{path: $.id, compare: fold}", True),
        ("{first_of: [$.id, $.a], compare: fold}", True),
        ("{template: '{$.id}/{$.a}', compare: fold}", True),
    ],
)
def test_the_rule_of_the_id_says_how_it_compares_and_changes_nothing(load: Load, rule: str, folds: bool) -> None:
    mapping = compile_source(load(f"mapping: sources/t\nto: {{evidence: device}}\nfields:\n  id: {rule}\n"))
    assert mapping.folds is folds
    assert mapping({"id": "A", "a": "B"})["id"] in ("A", "A/B")


@pytest.mark.parametrize("kind", ["person", "device", "custom:thing"])
@pytest.mark.parametrize("blank", [" ", "\t\u00a0\n"])
def test_a_blank_id_is_missing(load: Load, kind: str, blank: str) -> None:
    rules = f"mapping: sources/t\nto: {{evidence: '{kind}'}}\nfields:\n  id: $.nr\n"
    mapping = compile_source(load(rules))
    for decode, name in ((compile_kind(kind), "id"), (mapping.convert, "nr")):
        with pytest.raises(Rejected) as caught:
            decode({name: blank})
        problem = caught.value.problem
        assert (problem.field, problem.found) == ("id", repr(blank))
        assert problem.expected == "an id: one that nobody can see is missing"
    assert compile_kind(kind)({"id": f"{blank}1"}) == {"id": f"{blank}1"}


# ---------------------------------------------------------------------- the id of a record that is refused
RULES = """
mapping: sources/hosts
to: {evidence: cloud_resource}
fields: {id: ID, type: {value: host}, created_at: {path: $.at, as: datetime, required: true}}
tables: {t: {bad: x}}
"""


@pytest.mark.parametrize(
    ("rule", "record", "found"),
    [
        ("$.name", {"name": "h-1", "id": "another"}, "h-1"),
        ("$.name", {"id": "another"}, None),
        ("$.name", {"name": 7}, None),
        ("$.name", {"name": ""}, ""),
        ("{path: $.name, as: string}", {"name": 7}, "7"),
        ("{path: $.name, as: string}", {"name": ["h"]}, None),
        ('{template: "{$.a}/{$.b}"}', {"a": "1", "b": "2"}, "1/2"),
        ('{template: "{$.a}/{$.b}"}', {"a": "1", "b": "\udce9"}, None),
        ("$.name", {"name": "h\udce9"}, None),
        ("$.name", {"name": "h-1", "other": "\udce9"}, "h-1"),
        ("{first_of: [$.a, $.b]}", {"a": "1", "b": "\udce9"}, "1"),
        ("{first_of: [$.a, $.b]}", {"a": "\udce9", "b": "2"}, None),
        ("{first_of: [{path: $.a, table: t, unknown: omit}, $.b]}", {"a": "\udce9", "b": "2"}, None),
        ("{first_of: [{path: $.a, table: t, unknown: omit}, $.b]}", {"a": "other", "b": "2"}, "2"),
        ("{first_of: [{path: $.a, when: {path: $.s, is: live}}, $.b]}", {"a": "1", "b": "2", "s": "\udce9"}, None),
    ],
)
def test_the_id_of_a_refused_record_is_that_of_its_rule_alone(
    load: Load, rule: str, record: dict[str, Any], found: str | None
) -> None:
    mapping = compile_source(load(RULES.replace("ID", rule)))
    with pytest.raises(Rejected):
        mapping({**record, "at": "yesterday"})
    assert mapping.id_of({**record, "at": "yesterday"}) == found


def test_the_id_of_a_refused_record_may_come_from_around_it(load: Load) -> None:
    text = "mapping: m\nto: {evidence: cloud_resource}\nrecords: $.hosts[*].disk\nparent: {id: '$.hosts[*].name'}\n"
    mapping = compile_source(load(f"{text}fields: {{type: {{path: $.type, required: true}}}}"))
    [(record, parents)] = mapping.records({"hosts": [{"name": "h-1", "disk": {"id": "d-1"}}]})
    assert mapping.id_of(record, parents) == "h-1"
    [(nothing, none)] = mapping.records({"id": "x"})
    assert mapping.id_of(nothing, none) is None


def test_a_source_is_its_name_and_the_values_that_are_set(load: Load) -> None:
    assert compile_source(load(EC2)).source == "ec2"
    assert compile_source(load(EC2), {"region": "r", "account_id": "1"}).source == "ec2[account_id=1,region=r]"
