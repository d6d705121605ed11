"""The line at which a record of a JSON file begins."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from proofport.sources import open_source
from proofport.sources.located import line_of

ARRAY = '[\n  {"id": 1},\n  {"id": 2, "inner": {\n    "id": 3}}\n,\n\n{"id": 4}]\n'
OBJECT = '\ufeff{\n "page": 1,\n "rows": [\r\n  {"id": 1},\r\n  {"id": 2}]}'
SEVERAL = '{"rows": [\n{"id": 1}]}\n{"rows": [{"id": 2},\n\n{"id": 3}]}'


def rows(document: Any) -> Iterator[tuple[Any, Any]]:
    return ((each, ()) for each in document.get("rows", [document]))


@pytest.mark.parametrize(
    ("text", "lines"),
    [(ARRAY, [2, 3, 7]), (OBJECT, [4, 5]), ('{"a":1}', [1]), ('[{"id": 1}, 2]', [1, None])],
    ids=["array", "object with a list", "object", "array with a number"],
)
def test_the_line_of_each_record(text: str, lines: list[int | None], tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(text.encode())
    with open_source(path) as reader:
        list(reader)
        assert [line_of(reader, path, rows, place) for place in range(1, len(lines) + 1)] == lines
        assert line_of(reader, path, rows, len(lines) + 1) is None


def test_documents_one_after_the_other_are_counted_as_the_reader_does(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(SEVERAL)
    with open_source(path) as reader:
        places = [place for place, _ in reader]
        assert [line_of(reader, path, rows, place) for place in places] == [1, 3]


@pytest.mark.parametrize(("name", "text"), [("a.ndjson", '{"id": 1}\n'), ("a.csv", "id\n1\n"), ("a.json", '[{"id":')])
def test_what_has_no_such_line_has_none(name: str, text: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(text)
    with open_source(path) as reader:
        list(reader)
        assert line_of(reader, path, rows, 1) is None
