"""Neutral records to a vendor's exact body."""

from __future__ import annotations

from typing import Any, Literal

import orjson
import pytest
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from proofport.adapter import Body
from proofport.errors import MappingError, Rejected, UsageError, ValueUnknown
from proofport.mapping import compile_vendor

from .conftest import Load

HEAD = "mapping: v/cloud\nfrom: cloud_resource\nto: {vendor: v, body: cloud}\nfields:\n  id: $.id\n"
RECORD = {"id": "x", "type": "t", "region": None, "name": "n", "public": False}


class CloudBody(BaseModel):
    model_config = ConfigDict(extra="forbid")

    id: str
    kind: Literal["ec2_instance", "s3_bucket"]
    title: str | None = Field(None, max_length=5)
    place: str = "-"


FIELDS = HEAD + "  kind: {path: $.type, table: {t: ec2_instance}, unknown: keep}\n  title: $.name\n  place: $.region\n"


def body(**options: Any) -> Body:
    return Body(name="cloud", mapping=None, **options)


def vendor(load: Load, text: str, **options: Any) -> Any:
    return compile_vendor(load(text), body(**options), "cloud_resource", "v")


def refused(convert: Any, record: Any) -> str:
    with pytest.raises(Rejected) as caught:
        convert(record)
    return str(caught.value)


NULLS = (
    "  a: {path: $.region, type: string}\n  b: {path: $.region, type: string, nullable: true}\n  c: $.region\n"
    "  d: {fields: {e: {value: 1}, f: {path: $.region, type: string}}}\n"
)


@pytest.mark.parametrize(
    ("nulls", "expected"),
    [("omit", {"id": "x", "d": {"e": 1}}), ("nullable", {"id": "x", "b": None, "c": None, "d": {"e": 1}})],
)
def test_what_becomes_of_null(load: Load, nulls: Any, expected: Any) -> None:
    assert vendor(load, HEAD + NULLS, nulls=nulls)(RECORD) == expected


class AnyBody(BaseModel):
    model_config = ConfigDict(extra="allow")

    id: str
    free: JsonValue = None
    text: str | None = None


@pytest.mark.parametrize(
    ("nulls", "expected"),
    [
        ("omit", {"id": "x"}),
        ("nullable", {"id": "x", "text": None}),
        ("send", {"id": "x", "free": None, "text": None, "more": None}),
    ],
)
def test_a_constant_may_be_null(load: Load, nulls: Any, expected: Any) -> None:
    fields = "  free: {value: null}\n  text: {value: null}\n  more: {value: null}\n"
    convert = vendor(load, HEAD + fields, model=AnyBody, nulls=nulls)
    assert convert(RECORD) == expected
    assert convert.encode([RECORD]) == [orjson.dumps(expected)]


def test_nulls_that_are_sent_must_be_allowed(load: Load) -> None:
    assert "a: found null, expected text" in refused(vendor(load, HEAD + NULLS, nulls="send"), RECORD)
    assert vendor(load, HEAD + "  b: $.region\n", nulls="send")(RECORD) == {"id": "x", "b": None}


def test_a_partial_body_needs_the_id_only_and_may_delete_with_null(load: Load) -> None:
    convert = vendor(load, FIELDS, model=CloudBody, nulls="send", partial=True)
    assert convert({"id": "x", "name": "n"}) == {"id": "x", "title": "n"}
    assert convert({"id": "x", "region": None, "type": None}) == {"id": "x", "kind": None, "place": None}
    assert "kind: found 'u'" in refused(convert, {"id": "x", "type": "u"})


def test_the_model_decides_and_words_the_rejection(load: Load) -> None:
    convert = vendor(load, FIELDS, model=CloudBody, nulls="omit")
    assert convert(RECORD) == {"id": "x", "kind": "ec2_instance", "title": "n"}
    assert "title: found 'too long'" in refused(convert, {**RECORD, "name": "too long"})
    message = refused(convert, {**RECORD, "type": "aws_s3_bucket"})
    assert "kind: found 'aws_s3_bucket', expected one of ec2_instance, s3_bucket. Did you mean 's3_bucket'?" in message
    strict = vendor(load, FIELDS.replace("keep", "omit"), model=CloudBody, nulls="omit")
    assert "kind: found nothing, expected a value: v's cloud requires it" in refused(strict, {**RECORD, "type": "u"})


def test_extras_of_this_vendor_are_merged_last_and_checked(load: Load) -> None:
    convert = vendor(load, FIELDS, model=CloudBody, nulls="omit")
    record = {**RECORD, "extras": {"v": {"title": "own", "place": None}, "other": {"title": "no"}}}
    assert convert(record) == {"id": "x", "kind": "ec2_instance", "title": "own"}
    assert "'colour'" in refused(convert, {**RECORD, "extras": {"v": {"colour": 1}}})
    assert "extras.v.id" in refused(convert, {**RECORD, "extras": {"v": {"id": "y"}}})
    loose = vendor(load, HEAD)
    assert loose({**RECORD, "extras": {"v": {"a": [None]}}}) == {"id": "x", "a": [None]}


def test_fields_that_are_left_out_are_not_made_and_come_from_no_extras(load: Load) -> None:
    fewer = vendor(load, FIELDS, only=["id", "kind", "title"])
    extras = {"v": {"place": "moon", "title": "t"}}
    assert fewer({**RECORD, "region": "eu"}) == {"id": "x", "kind": "ec2_instance", "title": "n"}
    assert fewer({**RECORD, "extras": extras}) == {"id": "x", "kind": "ec2_instance", "title": "t"}
    assert fewer.fields == ("id", "kind", "title")


def test_without_a_mapping_fields_can_be_left_out_too() -> None:
    fewer = compile_vendor(None, Body("anything", None, nulls="omit", only=["id", "n"]), "custom:thing", "v")
    records: list[Any] = [{"id": "x", "n": 1, "m": 2}, {"id": "y", "m": None, "extras": {"v": {"n": 2, "m": 3}}}]
    assert list(map(fewer, records)) == [{"id": "x", "n": 1}, {"id": "y", "n": 2}]
    assert fewer.encode(records) == [b'{"id":"x","n":1}', b'{"id":"y","n":2}']


def test_a_vendor_without_arrays(load: Load) -> None:
    with pytest.raises(MappingError, match=r"m\.yaml:6:6: r: found a list, .*join"):
        vendor(load, HEAD + '  r: {path: "$.tags[*].key", all: true}\n', arrays="refuse")
    convert = vendor(load, HEAD + "  r: $.tags\n  f: $.extras\n", arrays="refuse")
    assert convert(RECORD) == {"id": "x"}
    assert "r: found an array of 1" in refused(convert, {**RECORD, "tags": [{"key": "a"}]})
    assert "[*]" in refused(convert, {**RECORD, "tags": []})
    assert "e.f: found an array" in refused(convert, {**RECORD, "extras": {"v": {"e": {"f": [1]}}}})
    joined = vendor(load, HEAD + '  r: {path: "$.tags[*].key", join: ","}\n', arrays="refuse")
    assert joined({**RECORD, "tags": [{"key": "a"}, {"key": "b"}]}) == {"id": "x", "r": "a,b"}


@pytest.mark.parametrize(
    ("text", "options", "place", "words"),
    [
        (
            HEAD.replace("id: $.id", "id: $.name"),
            {},
            "5:7",
            "exactly id: $.id. The vendor's id is the id of the evidence",
        ),
        (HEAD.replace("id: $.id", "id: {path: $.id, default: x}"), {}, "5:7", "exactly id: $.id"),
        (HEAD.replace("id: $.id", "uid: $.id"), {}, "1:10", "found no rule for 'id', expected id: $.id"),
        (HEAD, {"id_field": "uid"}, "1:10", "expected uid: $.id"),
        (
            HEAD + "  titel: $.name\n",
            {"model": CloudBody},
            "6:10",
            "expected a field of the body cloud: id, kind, title, place. Did",
        ),
        (HEAD, {"model": CloudBody}, "1:10", "found no rule for 'kind', expected one: the body cloud requires kind"),
        (FIELDS.replace("t: ec2", "t: aws_ec2"), {"model": CloudBody}, "6:9", "Did you mean 'ec2_instance'?"),
        (FIELDS + "  place: 1\n", {"model": CloudBody}, "9:3", "again"),
        (FIELDS.replace("$.name", "{value: 5}"), {"model": CloudBody}, "7:10", "title: found 5, expected text"),
        (FIELDS.replace("$.name", "{path: $.name, default: too long}"), {"model": CloudBody}, "7:10", "title: found"),
        (HEAD.replace("vendor: v", "vendor: w"), {}, "1:10", "found a mapping to w's cloud, expected one to v's cloud"),
        (HEAD.replace("body: cloud", "body: c"), {}, "1:10", "found a mapping to v's c"),
        (HEAD.replace("cloud_resource", "person"), {}, "1:10", "found a mapping from person, expected one from cloud_"),
    ],
)
def test_what_cannot_fit_is_found_before_any_record(
    load: Load, text: str, options: Any, place: str, words: str
) -> None:
    with pytest.raises(MappingError) as caught:
        vendor(load, text, **options)
    assert f"m.yaml:{place}: " in str(caught.value)
    assert words in str(caught.value)


def test_a_source_is_no_vendor_mapping(load: Load) -> None:
    with pytest.raises(UsageError, match="is a source mapping"):
        compile_vendor(load("mapping: a\nto: {evidence: person}\nfields: {id: $.id}\n"), body(), "person", "v")


def test_types_of_a_body_without_a_model_are_checked(load: Load) -> None:
    rules = {
        "s": "type: string",
        "n": "type: number",
        "i": "type: integer, nullable: true",
        "o": "type: object",
        "a": "type: array",
        "r": "type: boolean, required: true",
    }
    text = HEAD.replace("cloud_resource", "custom:t")
    text += "".join(f"  {name}: {{path: $.{name}, {more}}}\n" for name, more in rules.items())
    convert = compile_vendor(load(text), body(), "custom:t", "v")
    fits = {"id": "x", "s": "", "n": 1.5, "i": None, "o": {"a": [1]}, "a": [None], "r": False}
    assert convert(fits) == fits
    assert convert({**fits, "n": 2})["n"] == 2
    assert "n: found '1', expected a valid integer or a valid number" in refused(convert, {**fits, "n": "1"})
    for name, wrong in {"s": 1, "n": "1", "i": 1.5, "o": [], "a": {}, "r": 0}.items():
        assert f"{name}: found" in refused(convert, {**fits, name: wrong})
    assert "r: found nothing" in refused(convert, {"id": "x"})


def test_the_json_schema_of_a_body_without_a_model(load: Load) -> None:
    rules = (
        "  told: {path: $.name, type: string, nullable: true}\n  strict: {path: $.type, type: string, required: true}\n"
        "  known: $.region\n  flag: $.public\n  time: $.created_at\n  made: {template: '{$.id} {$.name}'}\n"
        "  table: {path: $.type, table: {a: 1, b: 2}, unknown: omit}\n  keys: {path: '$.tags[*].key', all: true}\n"
        "  joined: {path: '$.tags[*].key', join: ','}\n  either: {first_of: [$.name, $.id]}\n"
        "  tags: {path: '$.tags[*]', each: {fields: {k: $.key, v: {path: $.value, type: string, required: true}}}}\n"
        "  number: {path: $.name, as: number}\n  never_null: {path: $.name, if_null: ''}\n  free: $.extras\n"
    )
    mapping = vendor(load, HEAD + rules)
    assert mapping.fields[:3] == ("id", "told", "strict")
    assert mapping.display_name == "id"
    assert mapping.json_schema() == {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "told": {"type": ["string", "null"]},
            "strict": {"type": "string"},
            "known": {"type": ["string", "null"]},
            "flag": {"type": ["boolean", "null"]},
            "time": {"type": ["string", "null"]},
            "made": {"type": "string"},
            "table": {"type": "integer"},
            "keys": {"type": "array", "items": {"type": "string"}},
            "joined": {"type": "string"},
            "either": {"type": "string"},
            "tags": {
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {"k": {"type": "string"}, "v": {"type": "string"}},
                    "required": ["v"],
                    "additionalProperties": True,
                },
            },
            "number": {"type": ["number", "null"]},
            "never_null": {"type": "string"},
            "free": {},
        },
        "required": ["id", "strict"],
        "additionalProperties": True,
    }


def test_the_json_schema_of_a_model(load: Load) -> None:
    assert vendor(load, FIELDS, model=CloudBody).json_schema() == {
        "type": "object",
        "properties": {
            "id": {"type": "string"},
            "kind": {"type": "string", "enum": ["ec2_instance", "s3_bucket"]},
            "title": {"type": ["string", "null"], "maxLength": 5},
            "place": {"type": "string"},
        },
        "required": ["id", "kind"],
        "additionalProperties": True,
    }


def test_display_name_and_odd_field_names(load: Load) -> None:
    text = (
        HEAD.replace("cloud}", "cloud, display_name: copy}") + "  copy: $.name\n  _x: $.type\n  '{a} \"b\"': $.type\n"
    )
    mapping = vendor(load, text)
    assert mapping.display_name == "copy"
    assert mapping(RECORD) == {"id": "x", "copy": "n", "_x": "t", '{a} "b"': "t"}


# ------------------------------------------------------------------ without a mapping
def test_without_a_mapping_every_field_goes_as_it_is() -> None:
    convert = compile_vendor(None, body(nulls="send"), "custom:t", "v")
    record = {"id": "x", "a": None, "b": [{"c": 1}], "extras": {"w": {"d": 1}}}
    assert convert(record) == {"id": "x", "a": None, "b": [{"c": 1}]}
    assert convert.fields == ()
    assert convert.json_schema() == {
        "type": "object",
        "properties": {"id": {"type": "string"}},
        "required": ["id"],
        "additionalProperties": True,
    }
    renamed = compile_vendor(None, body(id_field="uid"), "custom:t", "v")
    assert renamed({"id": "x", "a": None, "b": 1, "extras": {"v": {"z": 2}}}) == {"uid": "x", "b": 1, "z": 2}
    assert "uid: found a field" in refused(renamed, {"id": "x", "uid": "y"})
    flat = compile_vendor(None, body(arrays="refuse", nulls="omit"), "custom:t", "v")
    assert flat({"id": "x", "a": {"b": None, "c": 1}}) == {"id": "x", "a": {"c": 1}}
    assert "a.b: found an array of 0" in refused(flat, {"id": "x", "a": {"b": []}})


@pytest.mark.parametrize("nulls", ["omit", "send"])
@pytest.mark.parametrize("arrays", ["refuse", "send"])
@pytest.mark.parametrize("id_field", ["id", "uid"])
@pytest.mark.parametrize(
    "fields",
    [
        {"name": "web", "size": 2, "on": False},
        {"name": "says {so}, [all] of it, and a:null"},
        {"name": None},
        {"on": None, "name": "x"},
        {"names": ["a"]},
        {"name": {"first": "a"}},
        {"extras": {"v": {"more": 1}, "w": {"other": 2}}},
        {"extras": {"w": {"other": 2}}},
    ],
)
def test_encoding_several_at_once_gives_what_each_gives(
    fields: dict[str, Any], id_field: str, arrays: Any, nulls: Any
) -> None:
    mapping = compile_vendor(None, body(id_field=id_field, arrays=arrays, nulls=nulls), "custom:t", "v")
    records = [{"id": "1", "plain": "x"}, {"id": "2", **fields}, {"id": "3", "plain": True}]
    try:
        each = [orjson.dumps(mapping(record)) for record in records]
    except Rejected:
        with pytest.raises(Rejected):
            mapping.encode(records)
    else:
        assert mapping.encode(records) == each


# ------------------------------------------------------------------ what is required and not known
class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)

    id: str
    name: str
    public: bool
    tags: list[dict[str, bool]]


STRICT = HEAD + "  name: $.name\n  public: $.public\n  tags: {path: '$.tags[*]', each: {fields: {mfa: $.value}}}\n"


@pytest.mark.parametrize("unknown", ["reject", "withhold", "exclude"])
@pytest.mark.parametrize(
    ("record", "field", "lacks"),
    [
        ({"name": "n"}, "public", True),
        ({"name": "n", "public": None}, "public", True),
        ({"name": None, "public": True}, "name", True),
        ({"name": "n", "public": True, "extras": {"v": {"tags": [{"mfa": None}]}}}, "tags[0].mfa", True),
        ({"name": "n", "extras": {"v": {"public": "yes"}}}, "public", False),
        ({"name": "n", "extras": {"v": {"shoe": 1}}}, "public", False),
    ],
)
def test_a_record_that_only_lacks_values_is_told_from_a_wrong_one(
    load: Load, unknown: Any, record: dict[str, Any], field: str, lacks: bool
) -> None:
    form = Body(name="cloud", mapping=None, model=Strict, nulls="omit", unknown=unknown, hints={"public": {"": "Ask."}})
    convert = compile_vendor(load(STRICT), form, "cloud_resource", "v")
    with pytest.raises(Rejected) as caught:
        convert({"id": "x", "type": "t", "tags": [], **record})
    assert caught.value.problem.field == field
    assert isinstance(caught.value, ValueUnknown) == (lacks and unknown != "reject")
    if isinstance(caught.value, ValueUnknown):
        assert caught.value.excluded == (unknown == "exclude")
    if field == "public" and "public" not in record.get("extras", {}).get("v", {}):
        assert caught.value.problem.hint == "Ask."


class Own(BaseModel):
    flag: bool


class Nested(BaseModel):
    id: str
    own: Own


@pytest.mark.parametrize(("own", "asks"), [({}, True), ({"flag": None}, True), ({"flag": "maybe"}, False)])
def test_the_hint_for_a_missing_value_is_not_for_a_wrong_one(load: Load, own: dict[str, Any], asks: bool) -> None:
    body = Body(name="cloud", mapping=None, model=Nested, nulls="send", hints={"own.flag": {"": "Ask."}})
    convert = compile_vendor(load(HEAD + "  own: {fields: {flag: $.name}}\n"), body, "cloud_resource", "v")
    with pytest.raises(Rejected) as caught:
        convert({"id": "x", "type": "t", "extras": {"v": {"own": own}}})
    assert caught.value.problem.field == "own.flag"
    assert (caught.value.problem.hint == "Ask.") == asks
