"""Workbooks of Excel, Parquet and YAML: values keep their types, and every message says where."""

from __future__ import annotations

import io
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tests.support.workbooks import EMPTY_RESULT, ERROR, NO_RESULT, workbook

from proofport.errors import UsageError
from proofport.sources import Malformed, open_source


def read(source: Any, **how: Any) -> list[tuple[str, Any]]:
    with open_source(source, **how) as reader:
        records = [(reader.position(number), record) for number, record in reader]
        assert reader.incomplete is None
    return records


# ---------------------------------------------------------------------- workbooks
HEADER = ["id", "email", "started", "seen", "active", "score"]
ROW = [7, "ana@example.com", date(2026, 1, 31), datetime(2026, 1, 31, 9, 30), True, 92.5]  # noqa: DTZ001 - as in Excel
RECORD = {
    "id": 7,
    "email": "ana@example.com",
    "started": "2026-01-31",
    "seen": "2026-01-31T09:30:00",
    "active": True,
    "score": 92.5,
}


def test_cells_keep_their_types_and_empty_ones_are_left_out(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Staff": [HEADER, ROW, [], [8, None, None, None, False]]})
    assert read(path) == [
        (f"{path}, sheet Staff, row 2", RECORD),
        (f"{path}, sheet Staff, row 4", {"id": 8, "active": False}),
    ]


def test_titles_stand_above_the_header_and_a_table_begins_anywhere(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["Staff list"], [], [None, "id", "email"], [None, 1, "ana@example.com"]]
    path = workbook(tmp_path / "a.xlsx", {"Staff": rows[1:]})
    assert read(path) == [(f"{path}, sheet Staff, row 3", {"id": 1, "email": "ana@example.com"})]
    with_title = workbook(tmp_path / "b.xlsx", {"Staff": [rows[0], [], *([*row[1:]] for row in rows[2:])]})
    assert read(with_title) == [(f"{with_title}, sheet Staff, row 4", {"id": 1, "email": "ana@example.com"})]


def test_errors_and_formulas_without_a_result_are_refused_by_name(tmp_path: Path) -> None:
    rows: list[list[Any]] = [["id", "score", "note"], ["1", ERROR], ["2", NO_RESULT], ["3", 5, EMPTY_RESULT], ["4", 6]]
    path = workbook(tmp_path / "a.xlsx", {"Staff": rows})
    (_, error), (place, formula), *rest = read(path)
    assert isinstance(error, Malformed)
    assert (error.problem.field, error.problem.found, error.part) == ("score", "#DIV/0!", {"id": "1"})
    assert (place, formula.problem.found) == (f"{path}, sheet Staff, row 3", "a formula without a result")
    assert [record for _, record in rest] == [{"id": "3", "score": 5}, {"id": "4", "score": 6}]


def test_a_value_beside_the_table_is_refused(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Staff": [["id"], ["1", "x"], ["2"]]})
    [(place, malformed), _] = read(path)
    assert (place, malformed.problem.found) == (
        f"{path}, sheet Staff, row 2",
        "a value in the column 2, which has no name",
    )


def test_one_of_several_sheets_has_to_be_named(tmp_path: Path) -> None:
    one, two = [["id"], ["1"]], [["id"], ["2"]]
    path = workbook(
        tmp_path / "a.xlsx", {"Staff": one, "Left & gone": two, "Empty": [], "Lists": two}, hidden=["Lists"]
    )
    with pytest.raises(UsageError, match="has several sheets: Staff, Left & gone") as caught:
        read(path)
    assert f"'{path}#Staff'" in str(caught.value.hint)
    assert read(f"{path}#Left & gone") == [(f"{path}, sheet Left & gone, row 2", {"id": "2"})]
    assert read(f"{path}#Lists") == [(f"{path}, sheet Lists, row 2", {"id": "2"})]
    assert read(f"{path}#*") == [
        (f"{path}, sheet Staff, row 2", {"id": "1"}),
        (f"{path}, sheet Left & gone, row 2", {"id": "2"}),
    ]
    with pytest.raises(UsageError, match="has no sheet 'Stuff'"):
        read(f"{path}#Stuff")


def test_a_hidden_sheet_is_not_read_unless_it_is_named(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Lists": [["k"], ["x"]], "Staff": [["id"], ["1"]]}, hidden=["Lists"])
    assert [record for _, record in read(path)] == [{"id": "1"}]


def test_a_workbook_comes_from_standard_input_too(tmp_path: Path) -> None:
    content = workbook(tmp_path / "a.xlsx", {"Staff": [["id"], ["1"]]}).read_bytes()
    assert read(io.BytesIO(content)) == [("stream, sheet Staff, row 2", {"id": "1"})]


def test_a_large_workbook_is_refused_with_what_to_do(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", {"Staff": [["id"], *([n] for n in range(1_000))]})
    with pytest.raises(UsageError, match=r"bytes when it is unpacked, .* expected at most 10,000") as caught:
        read(path, workbook_bytes=10_000)
    assert "CSV" in str(caught.value.hint)
    assert "`workbook_bytes`" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("header", "words"),
    [
        ([], "sheet Staff has no header row"),
        (["a", None, "c"], "sheet Staff, row 1: column 2 has no name"),
        (["a", "a "], "sheet Staff, row 1: two columns are named 'a'"),
    ],
)
def test_a_header_that_is_no_header(tmp_path: Path, header: list[Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        read(workbook(tmp_path / "a.xlsx", {"Staff": [header]}))


def test_what_is_no_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with ZipFile(path, "w") as archive:
        archive.writestr("people.csv", "id\n1\n")
    with pytest.raises(UsageError, match=r"is a zip archive and no \.xlsx workbook"):
        read(path)
    with pytest.raises(UsageError, match="is a zip archive or an Excel workbook; expected JSON, NDJSON or CSV"):
        read(path, format="csv")
    with pytest.raises(UsageError, match="an old Excel workbook, or one with a password"):
        read(io.BytesIO(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"))


@pytest.mark.parametrize(("module", "extra"), [("python_calamine", "xlsx"), ("pyarrow", "parquet")])
def test_what_is_not_installed_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str, extra: str
) -> None:
    paths = {"xlsx": workbook(tmp_path / "a.xlsx", {"S": [["id"]]}), "parquet": tmp_path / "a.parquet"}
    pq.write_table(pa.table({"id": ["1"]}), tmp_path / "a.parquet")
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(UsageError) as caught:
        read(paths[extra])
    assert f"pip install 'proofport[{extra}]'" in str(caught.value.hint)


# ---------------------------------------------------------------------- Parquet
def parquet(path: Path, **columns: Any) -> Path:
    pq.write_table(pa.table(columns), path, row_group_size=2)
    return path


def test_rows_of_parquet_are_records(tmp_path: Path) -> None:
    path = parquet(
        tmp_path / "a.parquet",
        id=["1", "2", "3"],
        at=[datetime(2026, 1, 31, 9, tzinfo=UTC), None, None],
        day=[date(2026, 1, 31), None, None],
        n=[Decimal("1.50"), None, None],
        tags=pa.array([[("a", "b")], [], None], pa.map_(pa.string(), pa.string())),
        deep=[{"x": [1, 2]}, None, None],
    )
    (place, first), (_, second), _ = read(path)
    assert place == f"{path}#1"
    assert first == {
        "id": "1",
        "at": "2026-01-31T09:00:00+00:00",
        "day": "2026-01-31",
        "n": 1.5,
        "tags": {"a": "b"},
        "deep": {"x": [1, 2]},
    }
    assert second == {"id": "2", "at": None, "day": None, "n": None, "tags": {}, "deep": None}
    assert len(read(io.BytesIO(path.read_bytes()))) == 3


def test_a_value_that_json_lacks_rejects_its_row(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", id=["1", "2"], raw=[b"\x00", None])
    (_, malformed), (_, second) = read(path)
    assert (malformed.problem.field, malformed.part, second) == ("raw", {"id": "1"}, {"id": "2", "raw": None})
    nanoseconds = pa.array([1, 1_000], pa.timestamp("ns"))
    found = read(parquet(tmp_path / "b.parquet", id=["1", "2"], at=nanoseconds))
    assert isinstance(found[0][1], Malformed)
    assert found[1][1] == {"id": "2", "at": "1970-01-01T00:00:00.000001"}


def test_parquet_that_is_cut_or_damaged_is_not_whole(tmp_path: Path) -> None:
    path = parquet(tmp_path / "a.parquet", id=[str(number) for number in range(100)])
    content = path.read_bytes()
    path.write_bytes(content[:-10])
    with pytest.raises(UsageError, match="is no whole Parquet file"):
        open_source(path)
    path.write_bytes(content[:600] + bytes(400) + content[1000:])
    with open_source(path) as reader:
        assert len(list(reader)) < 100
    assert "is damaged after record" in str(reader.incomplete)


# ---------------------------------------------------------------------- YAML
def test_documents_of_yaml_are_documents_and_lists_are_records(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("- id: 1\n  on: yes\n  at: 2026-01-31\n- {id: 2, active: true}\n---\nusers:\n- id: 3\n")
    assert read(path) == [
        (f"{path}:1", {"id": 1, "on": "yes", "at": "2026-01-31"}),
        (f"{path}:4", {"id": 2, "active": True}),
        (f"{path}:6", {"users": [{"id": 3}]}),
    ]
    assert read(io.BytesIO(b"id: 1\n"), format="yaml") == [("stream:1", {"id": 1})]


def test_yaml_that_breaks_off_is_not_whole_and_says_where() -> None:
    with open_source(io.BytesIO(b"- id: 1\n- id: [2\n"), format="yaml") as reader:
        assert list(reader) == []
    assert str(reader.incomplete).startswith("stream:3:1: found ")
    with open_source(io.BytesIO(b"- id: 1\n---\n- id: 2\n  id: 3\n"), format="yaml") as reader:
        assert [record for _, record in reader] == [{"id": 1}]
    assert "stream:4:3: found the key 'id' again" in str(reader.incomplete)
