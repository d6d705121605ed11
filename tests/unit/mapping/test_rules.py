"""What each rule makes of missing, null, false and everything else."""

from __future__ import annotations

import json
from typing import Any

import pytest

from proofport.errors import Rejected
from proofport.mapping import compile_source

from .conftest import Load

MISSING = object()


@pytest.fixture
def field(load: Load) -> Any:
    """The value that a rule gives for a record: `field(rule, record)`, MISSING if it gives none."""

    def field(rule: str, record: Any, mode: Any = "upsert", tables: str = "{}") -> Any:
        text = "mapping: sources/t\nto: {evidence: 'custom:thing'}\nfields:\n  id: {value: x}\n"
        source = compile_source(load(f"{text}  f: {rule}\ntables: {tables}\n"), {}, mode)
        return source(record).get("f", MISSING)

    return field


def refused(field: Any, rule: str, record: Any, **options: Any) -> str:
    with pytest.raises(Rejected) as caught:
        field(rule, record, **options)
    assert caught.value.problem.field
    assert caught.value.problem.field.startswith("f")
    return str(caught.value)


@pytest.mark.parametrize("value", [None, False, 0, "", [], {}, "text", 1.5, [1, {"a": None}]])
def test_a_path_carries_every_json_value_as_it_is(field: Any, value: Any) -> None:
    found = field("$.a.b", {"a": {"b": value}})
    assert (type(found), found) == (type(value), value)


@pytest.mark.parametrize("record", [{}, {"a": None}, {"a": "b"}, {"a": ["b"]}, {"b": 1}, [], None, "a", 7])
def test_a_path_that_leads_nowhere_is_missing(field: Any, record: Any) -> None:
    assert field("$.a.b", record) is MISSING


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$.l[0]", 1),
        ("$.l[-1]", 3),
        ("$.l[3]", MISSING),
        ("$.l[-4]", MISSING),
        ("$['odd.key']['q\"uo:te']", "found"),
        ("$.deep..leaf", "end"),
        ("$.l[?(@ > 2)]", 3),
        ("$.l[1:2]", 2),
    ],
)
def test_paths(field: Any, path: str, expected: Any) -> None:
    record = {"l": [1, 2, 3], "odd.key": {'q"uo:te': "found"}, "deep": {"a": [{"leaf": "end"}]}}
    assert field(json.dumps(path), record) == expected


def test_two_matches_reject_the_record(field: Any) -> None:
    message = refused(field, '"$.tags[?(@.k==1)].v"', {"tags": [{"k": 1, "v": 2}, {"k": 1, "v": 2}]})
    assert "several matches of $.tags[?(@.k==1)].v" in message
    assert "all: true" in message


def test_a_null_counts_as_a_match(field: Any) -> None:
    refused(field, '"$.tags[*].v"', {"tags": [{"v": None}, {"v": None}]})
    assert field('"$.tags[*].v"', {"tags": [{"v": None}, {}]}) is None


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"t": [{"v": 1}, {"v": None}, {}]}, [1, None]),
        ({"t": []}, []),
        ({"t": [{}]}, MISSING),
        ({"t": None}, MISSING),
        ({"t": "text"}, MISSING),
        ({}, MISSING),
    ],
)
def test_all_gives_a_list_in_which_nothing_is_missing_and_an_empty_array_is_empty(
    field: Any, record: Any, expected: Any
) -> None:
    assert field('{path: "$.t[*].v", all: true}', record) == expected


@pytest.mark.parametrize("path", ["$.t[*]", "$.t[?(@.a==1)]", "$.t[0:9]", "$.t..b[*]", "$.t[*].`len`"])
def test_an_empty_array_is_an_empty_list_for_every_way_through_it(field: Any, path: str) -> None:
    empty = {"b": []} if "b" in path else []
    assert field(f"{{path: {json.dumps(path)}, all: true}}", {"t": empty}) == []
    assert field(f"{{path: {json.dumps(path)}, all: true}}", {"u": empty}) is MISSING


def test_all_on_the_array_itself_is_a_list_of_one_array(field: Any) -> None:
    assert field("{path: $.t, all: true}", {"t": [1, 2]}) == [[1, 2]]


def test_join_skips_nulls_and_spells_scalars_as_json_does(field: Any) -> None:
    record = {"r": ["a", None, 1, True, 1.5, ""]}
    assert field('{path: "$.r[*]", join: ", "}', record) == "a, 1, true, 1.5, "
    assert field('{path: "$.r[*]", join: ","}', {"r": []}) == ""
    assert field('{path: "$.r[*]", join: ","}', {}) is MISSING
    assert "an array" in refused(field, '{path: "$.r", join: ","}', {"r": ["a"]})


def test_each_makes_every_item_by_a_rule(field: Any) -> None:
    rule = '{path: "$.t[*]", each: {fields: {key: $.K, value: {path: $.V, default: none}}}}'
    assert field(rule, {"t": [{"K": "a", "V": None}, {"K": "b"}]}) == [
        {"key": "a", "value": None},
        {"key": "b", "value": "none"},
    ]
    assert field('{path: "$.t[*]", each: $.K}', {"t": [{"K": 1}, {}, {"K": None}]}) == [1, None]
    assert field('{path: "$.t[*]", each: $.K}', {"t": [{}]}) == []
    joined = '{path: "$.t[*]", each: {template: "{$.K}={$.V}"}, join: ";"}'
    assert field(joined, {"t": [{"K": "a", "V": 1}, {"K": "b"}, {"K": "c", "V": False}]}) == "a=1;c=false"


def test_each_inside_each(field: Any) -> None:
    rule = '{path: "$.a[*]", each: {path: "$.b[*]", each: {template: "<{$.c}>"}}}'
    assert field(rule, {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": []}, {}]}) == [["<1>", "<2>"], []]


def test_a_nested_object_leaves_out_what_is_missing_and_is_missing_when_all_is(field: Any) -> None:
    rule = "{fields: {a: $.x, b: {fields: {c: $.y}}}}"
    assert field(rule, {"x": None, "y": False}) == {"a": None, "b": {"c": False}}
    assert field(rule, {"x": 1}) == {"a": 1}
    assert field(rule, {}) is MISSING


@pytest.mark.parametrize(
    ("record", "expected"),
    [({"a": 1, "b": 2}, 1), ({"a": None, "b": 2}, 2), ({"a": False, "b": 2}, False), ({"a": None}, MISSING)],
)
def test_first_of_is_the_first_neither_missing_nor_null(field: Any, record: Any, expected: Any) -> None:
    assert field("{first_of: [$.a, $.b]}", record) == expected


@pytest.mark.parametrize(
    ("record", "expected"),
    [
        ({"a": "x", "b": "y"}, "x-{y}"),
        ({"a": 1.5, "b": True}, "1.5-{true}"),
        ({"a": "", "b": 10**25}, "-{10000000000000000000000000}"),
        ({"a": "x", "b": None}, MISSING),
        ({"a": "x"}, MISSING),
        ({"a": [1]}, MISSING),
    ],
)
def test_a_template_joins_scalars_and_is_missing_with_any_part(field: Any, record: Any, expected: Any) -> None:
    assert field('{template: "{$.a}-{{{$.b}}}"}', record) == expected


def test_a_template_refuses_what_is_not_a_scalar(field: Any) -> None:
    assert "an array of 1" in refused(field, '{template: "{$.a}!"}', {"a": [1]})


def test_default_is_for_missing_and_if_null_for_null(field: Any) -> None:
    assert field("{path: $.a, default: d}", {}) == "d"
    assert field("{path: $.a, default: d}", {"a": None}) is None
    assert field("{path: $.a, if_null: n}", {"a": None}) == "n"
    assert field("{path: $.a, if_null: n}", {}) is MISSING
    assert field("{path: $.a, if_null: n, default: d}", {"a": False}) is False
    assert field("{path: $.a, default: null}", {}) is None


def test_a_patch_is_never_filled_by_defaults(field: Any) -> None:
    assert field("{path: $.a, default: d}", {}, mode="patch") is MISSING
    assert field("{first_of: [$.a, {value: d}]}", {}, mode="patch") is MISSING
    assert field("{first_of: [$.a, $.id]}", {"id": "x"}, mode="patch") is MISSING
    assert field("{path: $.a, required: true}", {}, mode="patch") is MISSING
    assert field("{path: $.a, if_null: n}", {"a": None}, mode="patch") == "n"
    assert field("{value: d}", {}, mode="patch") == "d"


def test_required_rejects_missing_only(field: Any) -> None:
    assert field("{path: $.a, required: true}", {"a": None}) is None
    assert "found nothing, expected a value at $.a" in refused(field, "{path: $.a, required: true}", {})
    refused(field, "{path: $.a, required: true, when: {path: $.b, present: true}}", {"a": 1})


TABLE = "{path: $.a, table: {on: true, 1: one, 1.5: more, true: yes it is}, unknown: %s}"


@pytest.mark.parametrize(
    ("value", "expected"), [("on", True), (1, "one"), (1.0, "one"), (1.5, "more"), (True, "yes it is"), (None, None)]
)
def test_a_table_looks_up_as_json_compares(field: Any, value: Any, expected: Any) -> None:
    assert field(TABLE % "reject", {"a": value}) == expected


@pytest.mark.parametrize(
    ("unknown", "value", "expected"),
    [
        ("omit", "off", MISSING),
        ("omit", False, MISSING),
        ("keep", "off", "off"),
        ("keep", 2, 2),
        ("{value: null}", "off", None),
        ("{value: {x: 1}}", 7, {"x": 1}),
    ],
)
def test_a_table_does_as_told_with_what_it_does_not_know(field: Any, unknown: str, value: Any, expected: Any) -> None:
    assert field(TABLE % unknown, {"a": value}) == expected
    assert field(TABLE % unknown, {}) is MISSING


def test_a_table_that_rejects_says_what_was_meant(field: Any) -> None:
    rule = "{path: $.a, table: types, unknown: reject}"
    types = "{types: {aws.ec2.instance: ec2_instance, aws.s3.bucket: s3_bucket}}"
    by_key = refused(field, rule, {"a": "aws_ec2_instance"}, tables=types)
    assert "Did you mean 'aws.ec2.instance', which becomes 'ec2_instance'?" in by_key
    assert "which becomes 's3_bucket'?" in refused(field, rule, {"a": "s3-bucket"}, tables=types)
    assert "an array" in refused(field, rule, {"a": ["aws.s3.bucket"]}, tables=types)
    assert "an array" in refused(field, TABLE % "keep", {"a": ["on"]})


@pytest.mark.parametrize(
    ("condition", "record", "holds"),
    [
        ("{path: $.x, is: 1}", {"x": 1}, True),
        ("{path: $.x, is: 1}", {"x": True}, False),
        ("{path: $.x, is: true}", {"x": 1}, False),
        ("{path: $.x, is: null}", {"x": None}, True),
        ("{path: $.x, is: null}", {}, False),
        ("{path: $.x, is: a}", {"x": ["a"]}, False),
        ("{path: $.x, is: a, not: true}", {}, True),
        ("{path: $.x, in: [a, 2]}", {"x": 2.0}, True),
        ("{path: $.x, in: [a, 2]}", {"x": "2"}, False),
        ("{path: $.x, present: true}", {"x": None}, True),
        ("{path: $.x, present: true}", {}, False),
        ("{path: $.x, present: true, not: true}", {}, True),
        ("{path: '$.x[*]', present: true}", {"x": [1, 2]}, True),
        ("{path: '$.x[*]', present: true}", {"x": []}, False),
        ("{path: '$.x.`len`', present: true}", {"x": []}, True),
        ("{path: $.x, null: true}", {"x": None}, True),
        ("{path: $.x, null: true}", {}, False),
        ("{path: $.x, null: true, not: true}", {"x": False}, True),
    ],
)
def test_when(field: Any, condition: str, record: Any, holds: bool) -> None:
    rule = f"{{value: yes, when: {condition}}}"
    assert field(rule, record) == ("yes" if holds else MISSING)


def test_a_field_whose_condition_is_false_has_no_default(field: Any) -> None:
    assert field("{path: $.a, default: d, when: {path: $.b, present: true}}", {}) is MISSING


def test_a_condition_on_several_values_is_refused(field: Any) -> None:
    refused(field, "{value: yes, when: {path: '$.x[*]', is: 1}}", {"x": [1, 1]})


@pytest.mark.parametrize(
    ("conversion", "value", "expected"),
    [
        ("int", "42", 42),
        ("int", "-7", -7),
        ("int", 3.0, 3),
        ("int", 3, 3),
        ("number", "1.50", 1.5),
        ("number", "2", 2),
        ("number", "1e3", 1000.0),
        ("number", 7, 7),
        ("bool", "True", True),
        ("bool", "false", False),
        ("bool", False, False),
        ("date", "2026-01-31", "2026-01-31"),
        ("date", "2026-01-31T23:59:00-08:00", "2026-01-31"),
        ("date", "20260131", "2026-01-31"),
        ("datetime", "2026-01-31T09:00:00+01:00", "2026-01-31T08:00:00Z"),
        ("datetime", "2026-01-31 09:00:00.250+00:00", "2026-01-31T09:00:00.250000Z"),
        ("datetime", "2026-01-31T09:00:00+00:00", "2026-01-31T09:00:00Z"),
        ("datetime", "2026-01-31T09:00:00.000+0000", "2026-01-31T09:00:00Z"),
        ("string", 12, "12"),
        ("string", True, "true"),
        ("string", "x", "x"),
        ("string", 0.1, "0.1"),
    ],
)
def test_conversions(field: Any, conversion: str, value: Any, expected: Any) -> None:
    found = field(f"{{path: $.a, as: {conversion}}}", {"a": value})
    assert (type(found), found) == (type(expected), expected)


@pytest.mark.parametrize(
    ("conversion", "value"),
    [
        ("int", "4.2"),
        ("int", True),
        ("int", 1.5),
        ("int", ""),
        ("int", "1_000"),
        ("int", "9" * 5000),
        ("number", "nan"),
        ("number", "1e999"),
        ("number", False),
        ("number", "٣"),
        ("bool", "yes"),
        ("bool", 1),
        ("date", "31.01.2026"),
        ("date", 20260131),
        ("datetime", "2026-01-31T09:00:00"),
        ("datetime", "2026-01-31"),
        ("datetime", 1769850000),
        ("datetime", "0001-01-01T00:00:00+10:00"),
        ("string", [1]),
        ("string", {"a": 1}),
    ],
)
def test_conversions_refuse_what_they_cannot_read(field: Any, conversion: str, value: Any) -> None:
    refused(field, f"{{path: $.a, as: {conversion}}}", {"a": value})


@pytest.mark.parametrize("conversion", ["int", "number", "bool", "date", "datetime", "string"])
def test_conversions_leave_null_null_and_missing_missing(field: Any, conversion: str) -> None:
    assert field(f"{{path: $.a, as: {conversion}}}", {"a": None}) is None
    assert field(f"{{path: $.a, as: {conversion}}}", {}) is MISSING


@pytest.mark.parametrize(
    ("value", "expected"), [("yes", True), ("no", False), (0, False), (None, None), ("maybe", MISSING), (True, MISSING)]
)
def test_a_three_state_boolean(field: Any, value: Any, expected: Any) -> None:
    rule = "{path: $.a, as: bool, true: [yes, 1], false: [no, 0], unknown: omit}"
    assert field(rule, {"a": value}) == expected
    assert field(rule, {}) is MISSING


def test_a_wrong_type_is_refused_unless_it_is_converted(load: Load) -> None:
    text = "mapping: sources/t\nto: {evidence: cloud_resource}\nfields: {id: $.id, type: {value: t}, region: %s}\n"
    with pytest.raises(Rejected, match=r"region: found 7, expected text\. .*as: string"):
        compile_source(load(text % "$.r"))({"id": "x", "r": 7})
    assert compile_source(load(text % "{path: $.r, as: string}"))({"id": "x", "r": 7})["region"] == "7"


@pytest.mark.parametrize("value", [10**30, -(2**63) - 1, "\ud800", {"a": ["\udfff"]}, float("inf")])
def test_what_json_cannot_carry_is_refused(field: Any, value: Any) -> None:
    with pytest.raises(Rejected):
        field("$.a", {"a": value})


def test_a_path_that_breaks_on_the_data_is_a_rejection(field: Any) -> None:
    assert "$.a.`sub(/x/, y)`" in refused(field, "'$.a.`sub(/x/, y)`'", {"a": 5})
