"""Several places of `records:`, of which the first that a document has counts; and rules from a file of their own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from proofport.errors import MappingError, Rejected
from proofport.mapping import compile_source
from proofport.mapping.library import to_copy

from .conftest import Load
from .test_opening import REPORT
from .test_syntax import SOURCE, mistake

LIST = "urn:ietf:params:scim:api:messages:2.0:ListResponse"


@pytest.mark.parametrize(
    ("places", "document", "expected"),
    [
        ('["$.value[*]", $]', {"value": [{"id": "1"}, {"id": "2"}]}, ["1", "2"]),
        ('["$.value[*]", $]', {"id": "3"}, ["3"]),
        ('["$.value[*]", $]', {"value": [], "id": "3"}, []),
        ('["$.hosts[*]", $.host]', {"host": {"id": "4"}}, ["4"]),
        ('["$.hosts[*]", $.host]', {"hosts": [{"id": "1"}], "host": {"id": "4"}}, ["1"]),
        ('["$.a[*]", "$.b[*]"]', {"b": []}, []),
        ('["$.a[*]", "$.b[*]"]', {}, []),
        ('["$.a[*]", $]', {"schemas": [LIST], "totalResults": 0}, []),
        ("[{path: $.Content, decode: [base64, csv]}, $]", {"Content": REPORT, "id": "x"}, ["ana", "bo"]),
        ("[{path: $.Content, decode: [base64, csv]}, $]", {"user": "cy"}, ["cy"]),
    ],
)
def test_the_first_place_that_a_document_has_counts(
    load: Load, places: str, document: Any, expected: list[str]
) -> None:
    text = SOURCE.replace("  id: $.id", "  id: {first_of: [$.user, $.id]}")
    mapping = compile_source(load(f"records: {places}\n{text}"))
    read = list(mapping.records(document))
    assert [mapping(record, parents)["id"] for record, parents in read] == expected
    assert mapping.page(document, "here", len(read)).flaw is None


@pytest.mark.parametrize(
    ("places", "document", "words"),
    [
        ('["$.value[*]", $]', {}, "id: found nothing"),
        ('["$.value[*]", $]', {"value": None}, "id: found nothing"),
        ('["$.value[*]", $]', {"error": {"code": "Forbidden"}}, "id: found nothing"),
        ('["$.a[*]", $.b]', {"c": 1}, "a document with $.a[*] or $.b"),
        ("[{path: $.Content, decode: csv}, $]", {"Content": 1}, "text"),
    ],
)
def test_what_is_in_none_of_them_is_refused(load: Load, places: str, document: Any, words: str) -> None:
    mapping = compile_source(load(f"records: {places}\n{SOURCE}"))
    [(record, parents)] = mapping.records(document)
    with pytest.raises(Rejected) as error:
        mapping(record, parents)
    assert words in str(error.value.problem)


@pytest.mark.parametrize(
    ("text", "at", "words"),
    [
        (f"records: []\n{SOURCE}", "1:10", "0 places"),
        (f"records: [$, $.a]\n{SOURCE}", "1:14", "a place after $"),
        (f"records: [$.a, $.a]\n{SOURCE}", "1:16", "$.a again"),
        (f"records: [{', '.join(f'$.a{n}' for n in range(11))}]\n{SOURCE}", "1:10", "11 places"),
        (f"records: ['$.a.`len`', $]\n{SOURCE}", "1:11", "expected a path of names"),
        (f"records: ['$.a[*]', $]\nparent: {{f: $.b}}\n{SOURCE}", "2:1", "beside several places"),
    ],
)
def test_places_are_checked_at_load(load: Load, text: str, at: str, words: str) -> None:
    told = mistake(load, text)
    assert told.startswith(f"{at}: ")
    assert words in told


# ---------------------------------------------------------------------- rules of a file
def test_rules_may_stand_in_a_file_of_their_own(load: Load, tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("# shared\nid: $.key\nname: $.title\n")
    file = load("mapping: sources/t\nto: {evidence: 'custom:t'}\nfields:\n  include: rules.yaml\n  size: $.size\n")
    assert compile_source(file)({"key": "1", "title": "A", "size": 2}) == {"id": "1", "name": "A", "size": 2}
    assert file.included == (tmp_path / "rules.yaml",)
    copied = to_copy(file)
    assert "fields:\n  # shared\n  id: $.key\n  name: $.title\n  size: $.size\n" in copied


def test_a_field_may_be_called_include(load: Load) -> None:
    mapping = compile_source(load(f"{SOURCE}  include: $.include\n"))
    assert mapping({"id": "1", "include": "x"}) == {"id": "1", "include": "x"}


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("id: $.id\n---\nid: $.id\n", "a file with one document"),
        ("text\n", "rules: field names"),
        ("id: 5x\n", "5x"),
        ("id: $.id\nname: $.name\n", "the field 'name' again"),
    ],
)
def test_a_file_of_rules_is_checked(load: Load, tmp_path: Path, content: str, words: str) -> None:
    (tmp_path / "rules.yaml").write_text(content)
    with pytest.raises(MappingError, match=words):
        load("mapping: sources/t\nto: {evidence: 'custom:t'}\nfields: {include: rules.yaml, name: $.n}\n")


# ---------------------------------------------------------------------- pages without a place for records
def test_a_document_says_that_it_is_a_page_without_records(load: Load) -> None:
    empty = "empty_when: {path: $.kind, is: things}"
    mapping = compile_source(load(f'records: ["$.things[*]", $.thing]\n{empty}\n{SOURCE}'))
    assert list(mapping.records({"kind": "things", "etag": "x"})) == []
    assert [record for record, _ in mapping.records({"kind": "things", "things": [{"id": "1"}]})] == [{"id": "1"}]
    [(_, nowhere)] = mapping.records({"kind": "others"})
    assert nowhere is None


@pytest.mark.parametrize(
    ("says", "document"),
    [
        ("empty_when: {path: $.kind, is: List}", {"kind": "List", "items": [{"id": "1"}, {"id": "2"}]}),
        ("total: $.count", {"count": 2, "items": [{"id": "1"}, {"id": "2"}]}),
        ("total: $.count", {"schemas": [LIST], "count": 2, "items": [{"id": "1"}, {"id": "2"}]}),
    ],
)
@pytest.mark.parametrize("places", ['["$.value[*]", "$.items[*]"]', '["$.value[*]", "$.items[*]", $]'])
def test_records_of_a_further_place_are_read_from_what_would_else_be_an_empty_page(
    load: Load, places: str, says: str, document: Any
) -> None:
    mapping = compile_source(load(f"records: {places}\n{says}\n{SOURCE}"))
    read = [record["id"] for record, _ in mapping.records(document)]
    assert read == ["1", "2"]
    assert mapping.page(document, "here", len(read)).flaw is None
    empty = {name: value for name, value in document.items() if name != "items"} | {"count": 0}
    assert list(mapping.records(empty)) == []


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("empty_when: {path: $.kind, is: x}\n", "without 'records'"),
        ("records: $.a[*]\nempty_when: {path: '$.b[*]', present: true}\n", "a path of names and indices"),
        ("records: $.a[*]\nempty_when: {path: $.kind}\n", "no test"),
    ],
)
def test_the_test_of_a_page_is_checked_at_load(load: Load, text: str, words: str) -> None:
    assert words in mistake(load, text + SOURCE)
