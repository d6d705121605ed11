"""CSV as people save it: from Excel in any language, with titles above the header, from an old Mac or a database."""

from __future__ import annotations

import io
from typing import Any

import pytest

from proofport.errors import UsageError
from proofport.sources import Format, Malformed, open_source


def read(data: str | bytes, format: Format | None = "csv") -> list[tuple[int, Any]]:  # noqa: A002  # the word
    raw = data.encode() if isinstance(data, str) else data
    reader = open_source(io.BytesIO(raw), format=format)
    records = list(reader)
    assert reader.incomplete is None
    return records


ANA = {"id": "1", "email": "ana@example.com"}
ROW = "1,ana@example.com"


@pytest.mark.parametrize("line", ["sep=;", "SEP=;", '"sep=;"'])
def test_a_line_that_declares_the_delimiter(line: str) -> None:
    assert read(f"{line}\r\nid;email\r\n1;ana@example.com\r\n") == [(3, ANA)]
    assert read(f"{line}\nid;email\n1;ana@example.com\n", None) == [(3, ANA)]


@pytest.mark.parametrize(
    ("above", "line"),
    [
        ("Staff list,,\nGenerated 29.11.2026,,\n,,\n", 5),
        ("Staff list\n\n", 4),
        ("Staff\n\n", 4),
        ("# exported by a tool\n", 3),
        ("Report for Acme\nBy,HR\nDate,2026-11-29\n\n", 6),
        ("\n\n", 4),
        ("sep=,\nStaff list,,\n", 4),
    ],
)
def test_lines_above_the_header(above: str, line: int) -> None:
    expected = {**ANA, "active": "yes"}
    assert read(f"{above}id,email,active\n{ROW},yes\n") == [(line, expected)]


@pytest.mark.parametrize(
    "data",
    [
        "a,b\n1\n1,2,3\n1,2\n",  # a header that is narrower than a row
        "a,b\n\n1,2,3\n1,2,4\n",
        "name\nBerg, Ana\nCruz, Bo\n",  # one column, of which the cells hold commas
        "Full name\nBerg\nCruz\nDi, Bo\n",
        "name,,\nana,x,\nbo,y,\n",
        "Staff list\n\nid,email,active\n",
    ],
)
def test_no_record_is_taken_for_a_line_above_the_header(data: str) -> None:
    """In doubt the first line is the header, and what does not fit it is rejected line by line."""
    rows = [line for line in data.splitlines()[1:] if line]
    assert len(read(data)) == len(rows)


def test_messages_name_the_line_of_the_header() -> None:
    [(line, malformed), _] = read(f"Staff list,\n\nid,email\n{ROW},x\n{ROW}\n")
    assert line == 4
    assert str(malformed.problem).startswith("found 3 cells, expected 2, one for each column of the header (line 3)")
    with pytest.raises(UsageError, match=r"^stream:3: two columns are named 'id'"):
        read("Staff list,\n\nid,id\n1,2\n")


def test_a_row_below_the_table_is_a_record_like_any_other() -> None:
    """Nothing tells a sum from a record. The kind refuses it, or `skip:` leaves it out."""
    assert read(f"id,email\n{ROW}\nTotal,1\n") == [(2, ANA), (3, {"id": "Total", "email": "1"})]


def test_columns_without_a_name_at_the_end_are_left_out_where_they_are_empty() -> None:
    records = read(f"id,email,,\n{ROW},,\n{ROW}\n,,,\n{ROW},,x\n")
    assert records[:2] == [(2, ANA), (3, ANA)]
    [(line, malformed)] = records[2:]
    assert (line, malformed.problem.found) == (5, "4 cells")


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        ('"Last, First";email\n"Berg, Ana";a@x.y\n', {"Last, First": "Berg, Ana", "email": "a@x.y"}),
        ("id|email\n1|ana@example.com\n", ANA),
        ("id;score\n1;2,5\n2;3,5\n", {"id": "1", "score": "2,5"}),
        ("id,roles\n1,a;b;c\n2,a;b;c\n", {"id": "1", "roles": "a;b;c"}),
        ("Report for Acme, Inc.\n\nid;email\n1;ana@example.com\n", ANA),
    ],
)
def test_the_delimiter_is_what_fits_the_rows(data: str, expected: dict[str, str]) -> None:
    assert read(data)[0][1] == expected


def test_lines_that_end_with_a_carriage_return_alone() -> None:
    assert read(f'id,email\r{ROW}\r"2",b@x.y\r') == [(2, ANA), (3, {"id": "2", "email": "b@x.y"})]
    long = "".join(f"{n},{n}@example.com\r" for n in range(10_000))
    assert read(f"id,email\r{long}")[-1] == (10_001, {"id": "9999", "email": "9999@example.com"})


def test_text_of_windows_is_named_and_told_how_to_mend() -> None:
    [(line, malformed), (_, next_row)] = read("id,name\n1,Müller\n2,Bo\n".encode("cp1252"))
    assert (line, next_row) == (2, {"id": "2", "name": "Bo"})
    assert isinstance(malformed, Malformed)
    assert malformed.problem.found == "bytes that are not UTF-8 ('Müller', if they are cp1252)"
    assert "In Excel choose 'CSV UTF-8'" in str(malformed.problem.hint)
    assert "iconv -f cp1252 -t utf-8 stream > NEW_FILE" in str(malformed.problem.hint)
    with pytest.raises(UsageError, match=r"the header row is not UTF-8: found bytes .*'Straße', if they are cp1252"):
        read("id,Straße\n1,x\n".encode("cp1252"))


@pytest.mark.parametrize("encoding", ["utf-16", "utf-16-le"])
def test_utf_16_is_named_and_told_how_to_mend(encoding: str) -> None:
    with pytest.raises(UsageError, match="is UTF-16 text") as caught:
        read("id,email\n1,a\n".encode(encoding))
    assert "iconv -f utf-16 -t utf-8 stream > NEW_FILE" in str(caught.value.hint)


def test_one_column_is_found_by_looking() -> None:
    assert read("email\nana@example.com\n", None) == [(2, {"email": "ana@example.com"})]


@pytest.mark.parametrize("data", ["Unauthorized\n", "Not found\nsorry\n", "<html>,\n<body>;\n"])
def test_an_error_in_place_of_a_table_is_no_table(data: str) -> None:
    with pytest.raises(UsageError, match="expected JSON, NDJSON or CSV") as caught:
        read(data, None)
    assert "--format csv" in str(caught.value.hint)
