"""JSON values one after the other, as `gh api --paginate` and jq print them, and keys that stand twice."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from proofport.sources import Format, Malformed, NdjsonReader, Reader, json_files, open_source, repeated
from proofport.sources import ndjson as lines_of


def read(data: str | bytes, format: Format | None = None) -> tuple[Reader, list[Any]]:  # noqa: A002  # the word
    reader = open_source(io.BytesIO(data.encode() if isinstance(data, str) else data), format=format)
    return reader, [document for _, document in reader]


PAGES = [{"total": 3, "users": [{"id": 1}, {"id": 2}]}, {"total": 3, "users": [{"id": 3}]}]


@pytest.mark.parametrize("between", ["", "\n", "\n\n", " "])
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("piece", [1, json_files.PIECE])
def test_objects_one_after_the_other_are_documents(between: str, indent: int | None, piece: int) -> None:
    with patch.object(json_files, "PIECE", piece):
        reader, found = read(between.join(json.dumps(page, indent=indent) for page in PAGES))
    assert (found, reader.incomplete) == (PAGES, None)


@pytest.mark.parametrize("between", ["", "\n"])
def test_arrays_one_after_the_other_are_one_list(between: str) -> None:
    reader, found = read(f'[{{"a": 1}}, {{"a": 2}}]{between}[]{between}[{{"a": 3}}]')
    assert (found, reader.incomplete) == ([{"a": 1}, {"a": 2}, {"a": 3}], None)
    assert reader.position(3) == "stream#3"


def test_arrays_and_objects_may_follow_each_other() -> None:
    reader, found = read('[{"a": 1}]{"a": 2}[{"a": 3}]')
    assert (found, reader.incomplete) == ([{"a": 1}, {"a": 2}, {"a": 3}], None)


def test_a_file_of_ndjson_may_be_read_as_json(tmp_path: Path) -> None:
    path = tmp_path / "a.ndjson"
    path.write_text('[{"a": 1}]\n[{"a": 2}]\n')
    assert [document for _, document in open_source(path, format="json")] == [{"a": 1}, {"a": 2}]


def test_a_last_object_that_is_cut_makes_the_input_incomplete() -> None:
    reader, found = read('{\n "a": 1\n}\n{\n "a": 2')
    assert found == [{"a": 1}]
    assert "stream#2 is not whole JSON" in str(reader.incomplete)


def test_a_comma_between_lines_is_named() -> None:
    _, found = read('{"a": 1},\n{"a": 2},\n', "ndjson")
    assert ["comma" in str(each.problem.hint) for each in found] == [True, True]


# ---------------------------------------------------------------------- keys that stand twice
TWICE = '{"id": "1", "mfa": true, "mfa": false}'
WORDS = "(the key 'mfa' stands twice in one object at column 26)"


@pytest.mark.parametrize(("data", "format_"), [(f"{TWICE}\n", "ndjson"), (f"[{TWICE}]", "json"), (TWICE, "json")])
def test_a_key_that_stands_twice_is_refused_with_its_place(data: str, format_: Format) -> None:
    _, [malformed] = read(data, format_)
    assert malformed.problem.found.endswith(WORDS)
    assert "write each key once" in malformed.problem.hint
    if malformed.part is not None:
        assert malformed.part == {"id": "1"}


def test_the_line_is_named_in_a_document_over_several_lines() -> None:
    _, [malformed] = read('{\n "users": [\n  {"id": 1,\n   "id": 2}]}')
    assert "at line 4 column 4" in malformed.problem.found


def test_a_line_without_its_newline_is_whole_all_the_same() -> None:
    reader, [malformed] = read(TWICE, "ndjson")
    assert isinstance(malformed, Malformed)
    assert reader.incomplete is None


@pytest.mark.parametrize(
    "data",
    [
        '{"a": {"b": 1, "b": 1}}',
        '[[{"a" :1, "a"\t: 2}]]',
        r'{"a": 1, "\u0061": 2}',
        r'{"a": 1, "a": "\u003a"}',
        r'{"a": "\u003A", "a": ":"}',
        '{"": 1, "": 2}',
        '{"a": ":", "a": "x:y:z"}',
        '{"a": 1, "a": 123456789012345678901234567890}',
        '{"a": 1, "a": %s}' % ("[" * 300 + "]" * 300),
        r'{"k\"": 1, "k\"": 2}',
    ],
)
def test_no_spelling_hides_a_repeated_key(data: str) -> None:
    [malformed] = read(f"{data}\n", "ndjson")[1]
    assert "stands twice in one object" in malformed.problem.found


@pytest.mark.parametrize(
    "data",
    [
        '{"a": {"a": 1}, "b": {"a": 1}}',
        '[{"a": 1}, {"a": 1}]',
        r'{"a": "\"a\": 1, \"a\": 2", "b": "\u003a"}',
        '{"a" : "x:y", "A" : 1}',
        '{"a": ["b", "b", "b:"], "n": 12345678901234567890123}',
        '{"a": %s}' % ("[" * 300 + "]" * 300),
    ],
)
def test_equal_keys_of_several_objects_and_equal_text_are_none(data: str) -> None:
    assert read(f"{data}\n", "ndjson")[1] == [json.loads(data)]


def test_an_input_is_not_searched_key_by_key_where_none_repeats() -> None:
    with patch.object(repeated, "_look_at_each", side_effect=AssertionError):
        assert read('{"at": "2026-01-31T09:00:00Z", "x": {"y": [{"z": "a:b"}]}}\n' * 3, "ndjson")[1]


def test_of_a_large_input_that_is_decoded_in_part_some_lines_are_looked_at() -> None:
    once = b'{"id": "1"}\n'
    twice = TWICE.encode() + b"\n"
    reader = open_source(io.BytesIO(once * 2), format="ndjson")
    assert isinstance(reader, NdjsonReader)
    assert reader.repeating(once + twice) == [1]
    assert reader.repeating(once * lines_of.LOOKED_AT + twice) == [lines_of.LOOKED_AT]
    again = open_source(io.BytesIO(once * 2), format="ndjson")
    assert isinstance(again, NdjsonReader)
    assert again.repeating(once * lines_of.LOOKED_AT) == []
    assert [again.repeating(twice + once) for _ in range(8)] == [[]] * 7 + [[0]]
    assert again.repeating(once + twice) == [1]
