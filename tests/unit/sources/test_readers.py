"""Each format on its own: what is read, what is malformed, what is incomplete, and where it was."""

from __future__ import annotations

import io
import math
import sys
from pathlib import Path
from typing import Any

import pytest

from proofport.errors import UsageError
from proofport.sources import Format, Malformed, Reader, open_source

HUGE = 123456789012345678901234567890


def read(data: bytes, format: Format | None = None) -> tuple[Reader, list[tuple[int, Any]]]:  # noqa: A002  # the word
    reader = open_source(io.BytesIO(data), format=format)
    return reader, list(reader)


def format_of(data: bytes) -> Format | None:
    """A CSV file of one column cannot be told from other text by looking at it."""
    return "csv" if data.startswith(b"a\n") else None


def problems(records: list[tuple[int, Any]]) -> dict[int, str]:
    return {n: str(record.problem) for n, record in records if isinstance(record, Malformed)}


class TestNdjson:
    def test_lines_are_numbered_and_empty_ones_skipped(self) -> None:
        reader, records = read(b'{"a": 1}\n\n  \r\n{"a": 2}')
        assert records == [(1, {"a": 1}), (4, {"a": 2})]
        assert reader.position(4) == "stream:4"
        assert reader.incomplete is None

    def test_a_broken_line_is_named_and_the_next_one_read(self) -> None:
        reader, records = read(b'{"a": 1}\n{"a": oops}\n{"a": 3}\n', "ndjson")
        assert [n for n, _ in records] == [1, 2, 3]
        assert records[2] == (3, {"a": 3})
        assert problems(records) == {
            2: """found '{"a": oops}' (unexpected character, expected a JSON value at column 7), """
            "expected one JSON document on the line. In NDJSON every record is whole on one line; "
            "JSON over several lines belongs in a file *.json."
        }
        assert reader.incomplete is None

    def test_a_line_that_is_cut_off_makes_the_source_incomplete(self) -> None:
        reader, records = read(b'{"a": 1}\n{"a": ', "ndjson")
        assert list(problems(records)) == [2]
        assert reader.incomplete == "stream ends in the middle of a line"

    def test_bytes_that_are_not_utf8_spoil_their_line_only(self) -> None:
        _, records = read(b'{"a": 1}\n{"a": "\xff"}\n{"a": "\xc3\xa4"}\n')
        assert records[2] == (3, {"a": "ä"})
        assert "0xff at byte 8" in problems(records)[2]
        assert "iconv -f cp1252 -t utf-8 FILE" in problems(records)[2]

    @pytest.mark.parametrize("value", [HUGE, -HUGE, 2**63, 2**64, -(2**63) - 1, 10**300])
    def test_integers_keep_every_digit(self, value: int) -> None:
        line = b'{"pad": "x", "n": %d, "t": "2026-01-31T09:00:00Z"}\n' % value
        for shift in range(5):
            _, records = read(b'{"a":1}\n' + b" " * shift + line)
            assert records[1][1]["n"] == value

    @pytest.mark.parametrize("text", [b"NaN", b"-Infinity", b"1e999", b'"\\ud800"', b"1" * 5000])
    def test_what_cannot_be_written_again_is_malformed(self, text: bytes) -> None:
        _, records = read(b'{"a": ' + text + b'}\n{"a": 1}\n', "ndjson")
        assert list(problems(records)) == [1]

    def test_deep_nesting_is_malformed(self) -> None:
        _, records = read(b"[" * 100_000 + b'\n{"a": 1}\n', "ndjson")
        assert list(problems(records)) == [1]
        assert records[1] == (2, {"a": 1})

    def test_lines_longer_than_a_piece(self) -> None:
        long = "x" * 200_000
        _, records = read(b'{"a": "%s"}\n{"a": 2}\n' % long.encode())
        assert records == [(1, {"a": long}), (2, {"a": 2})]


class TestJsonArray:
    def test_records_are_numbered(self, tmp_path: Path) -> None:
        path = tmp_path / "i.json"
        path.write_text(' [ {"a": 1} , {"a": 2}\n]\n')
        reader = open_source(path)
        assert list(reader) == [(1, {"a": 1}), (2, {"a": 2})]
        assert reader.position(2) == f"{path}#2"
        assert not reader.whole

    @pytest.mark.parametrize("data", [b"[]", b" [ ] \n"])
    def test_an_empty_array_is_complete(self, data: bytes) -> None:
        reader, records = read(data)
        assert (records, reader.incomplete) == ([], None)

    @pytest.mark.parametrize(
        ("data", "count", "words"),
        [
            (b'[{"a": 1}, {"a": ', 1, "stream#2 is not whole JSON"),
            (b'[{"a": 1}, {"a": 2}', 2, "breaks off after record 2: found the end of the file"),
            (b'[{"a": 1}, {"a": 2} {"a": 3}]', 2, "breaks off after record 2: found '{'"),
            (b'[{"a": 1}[{"a": 2}]]', 1, "breaks off after record 1: found '['"),
            (b'[{"a": 1}, ]', 1, "stream#2 is not whole JSON"),
            (b"[", 0, "stream#1 is not whole JSON"),
            (b'[{"a": 1}] [{"a": 2}]', 1, "goes on after the end of its array"),
            (b'[{"a": 1}, ' + b"[" * 100_000, 1, "stream#2 is nested too deeply"),
            (b'[{"a": 1}, {"a": "x}, {"a": 3}]', 1, "stream#2 is not whole JSON"),
        ],
    )
    def test_a_broken_array_gives_what_was_read(self, data: bytes, count: int, words: str) -> None:
        reader, records = read(data)
        assert [record for _, record in records] == [{"a": n + 1} for n in range(count)]
        assert words in str(reader.incomplete)

    def test_records_that_cannot_be_written_again_are_malformed_and_the_next_ones_read(self) -> None:
        bad = [b"NaN", b"1e999", b'"\\ud800"', b'"\xff"', b"1" * 5000]
        reader, records = read(b"[" + b",".join([*bad, b'"\\ud83d\\ude00"', b"2"]) + b"]")
        assert list(problems(records)) == [1, 2, 3, 4, 5]
        assert records[5:] == [(6, "😀"), (7, 2)]
        assert reader.incomplete is None
        assert problems(records)[1].startswith("found 'NaN' (unexpected character")

    def test_integers_keep_every_digit(self) -> None:
        _, records = read(b'[{"n": %d}]' % HUGE)
        assert records == [(1, {"n": HUGE})]

    def test_records_longer_than_a_piece_and_numbers_at_its_edge(self) -> None:
        long = "ä" * 400_000
        _, records = read(f'["{long}", {"1" * 18}, 2]'.encode())
        assert records == [(1, long), (2, int("1" * 18)), (3, 2)]


class TestJsonDocument:
    def test_an_object_is_one_document(self, tmp_path: Path) -> None:
        path = tmp_path / "page.json"
        path.write_text(f'{{\n  "Reservations": [],\n  "n": {HUGE}\n}}\n')
        reader = open_source(path)
        assert list(reader) == [(1, {"Reservations": [], "n": HUGE})]
        assert reader.whole
        assert reader.position(7) == f"{path}#7"

    def test_a_cut_document_is_malformed_and_incomplete(self) -> None:
        reader, records = read(b'{\n  "Reservations": [\n    {"a": 1},\n')
        assert list(problems(records)) == [1]
        assert reader.incomplete == "stream could not be read as one JSON document"

    def test_a_document_on_one_line_without_its_newline(self) -> None:
        reader, records = read(b'{"a": [1, 2]}')
        assert records == [(1, {"a": [1, 2]})]
        assert reader.whole


class TestCsv:
    def test_an_empty_cell_is_left_out(self) -> None:
        reader, records = read(b"email,course,score\r\nana@example.com,,7\r\n", "csv")
        assert records == [(2, {"email": "ana@example.com", "score": "7"})]
        assert reader.incomplete is None

    def test_a_record_is_numbered_by_its_first_line(self) -> None:
        _, records = read(b'a,b\n"two\nlines",1\n\n,\nx,2\n', "csv")
        assert records == [(2, {"a": "two\nlines", "b": "1"}), (6, {"a": "x", "b": "2"})]

    def test_rows_of_another_width_are_malformed(self) -> None:
        _, records = read(b"a,b\n1\n1,2,3\n1,2\n", "csv")
        assert problems(records) == {
            2: "found 1 cell, expected 2, one for each column of the header. Write an empty cell as nothing.",
            3: "found 3 cells, expected 2, one for each column of the header. "
            "Put a cell that holds the delimiter in quotes.",
        }
        assert records[2] == (4, {"a": "1", "b": "2"})

    @pytest.mark.parametrize("delimiter", [b";", b"\t"])
    def test_the_header_tells_the_delimiter(self, delimiter: bytes) -> None:
        _, records = read(b"a,b;c".replace(b",", b"_").replace(b";", delimiter) + b"\n1" + delimiter + b"2\n")
        assert records == [(2, {"a_b": "1", "c": "2"})]

    def test_a_byte_order_mark_is_not_part_of_the_first_name(self) -> None:
        _, records = read(b"\xef\xbb\xbfid,b\n1,2\n")
        assert records == [(2, {"id": "1", "b": "2"})]

    def test_bytes_that_are_not_utf8_spoil_their_row_only(self) -> None:
        _, records = read(b'a,b\n1,2\n"x\n\xff",2\n3,4\n', "csv")
        assert list(problems(records)) == [3]
        assert records[2] == (5, {"a": "3", "b": "4"})

    def test_a_quote_that_is_never_closed_makes_the_source_incomplete(self) -> None:
        reader, records = read(b'a,b\n1,2\n"x,2\n3,4\n', "csv")
        assert records[0] == (2, {"a": "1", "b": "2"})
        assert list(problems(records)) == [3]
        assert reader.incomplete == "stream ends inside a quoted cell"

    def test_a_stray_quote_spoils_its_row_only(self) -> None:
        _, records = read(b'a,b\n"x"y,2\n3,4\n', "csv")
        assert list(problems(records)) == [2]
        assert records[1] == (3, {"a": "3", "b": "4"})

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "found no header row"),
            (b"\n\n", "found no header row"),
            (b"a,,c\n", "column 2 has no name"),
            (b"a,b, a\n", "two columns are named 'a'"),
            (b"caf\xe9,b\n", "the header row is not UTF-8"),
        ],
    )
    def test_a_header_that_is_no_header(self, data: bytes, words: str) -> None:
        with pytest.raises(UsageError, match=f"^stream:1: {words}"):
            open_source(io.BytesIO(data), format="csv")


class TestOpening:
    @pytest.mark.parametrize(
        ("data", "first"),
        [
            (b'\n [{"a": 1}]', {"a": 1}),
            (b'{"a": 1}\n{"a": 2}\n', {"a": 1}),
            (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
            (b'{"a":\n1}', {"a": 1}),
            (b"a,b\n1,2\n", {"a": "1", "b": "2"}),
        ],
    )
    def test_the_format_is_found_by_looking(self, data: bytes, first: object) -> None:
        _, records = read(data)
        assert records[0][1] == first

    def test_ndjson_that_begins_with_a_broken_line_is_still_read(self) -> None:
        reader, records = read(b'{"a": \n{"a": 2}\n{"a": 3}\n')
        assert list(problems(records)) == [1]
        assert records[1:] == [(2, {"a": 2}), (3, {"a": 3})]
        assert reader.position(3) == "stream:3"

    def test_ndjson_under_the_name_of_json(self, tmp_path: Path) -> None:
        path = tmp_path / "a.json"
        path.write_text('{"a": 1}\n{"a": 2}\n')
        assert list(open_source(path)) == [(1, {"a": 1}), (2, {"a": 2})]

    def test_the_extension_decides(self, tmp_path: Path) -> None:
        for name in ("a.ndjson", "a.jsonl", "A.NDJSON"):
            path = tmp_path / name
            path.write_text("[1]\n[2]\n")
            assert list(open_source(str(path))) == [(1, [1]), (2, [2])]

    def test_nothing_at_all_is_no_record(self) -> None:
        reader, records = read(b" \n")
        assert (records, reader.incomplete) == ([], None)

    def test_standard_input(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}\n{"a": 2}\n')))
        reader = open_source("-")
        assert [reader.position(n) for n, _ in reader] == ["stdin:1", "stdin:2"]
        assert not sys.stdin.closed

    def test_a_pipe_that_gives_little_at_a_time(self) -> None:
        class Drip(io.BytesIO):
            def read1(self, size: int | None = -1, /) -> bytes:
                return super().read(1)

        for data in (b'[{"a": 1}, {"a": 2}]', b'\xef\xbb\xbf{"a": 1}\n\n\n{"a": 2}\n', b"a\n1\n2\n"):
            records: list[Any] = [record for _, record in open_source(Drip(data), format=format_of(data))]
            assert [str(record["a"]) for record in records] == ["1", "2"]

    def test_a_missing_file_names_its_neighbour(self, tmp_path: Path) -> None:
        (tmp_path / "instances.json").write_text("[]")
        with pytest.raises(UsageError, match=r"there is no file .*instance\.json") as caught:
            open_source(tmp_path / "instance.json")
        assert "instances.json" in str(caught.value.hint)

    def test_a_folder(self, tmp_path: Path) -> None:
        with pytest.raises(UsageError, match="is a folder") as caught:
            open_source(tmp_path)
        assert caught.value.hint

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            ('{"a": 1}'.encode("utf-16"), "is UTF-16 text"),
            (b"\x1f\x8b\x08\x00\x00", "is gzip"),
            (b"PK\x03\x04\x14\x00", "is a zip archive or an Excel workbook"),
            (b"PAR1\x15\x04", "is Parquet"),
            (b"<html><body>502</body></html>", "begins with '<html>"),
        ],
    )
    def test_what_is_no_text_of_ours_is_refused_with_a_hint(self, data: bytes, words: str) -> None:
        with pytest.raises(UsageError, match=words) as caught:
            open_source(io.BytesIO(data))
        assert caught.value.hint

    def test_a_device_that_fails_makes_the_source_incomplete(self) -> None:
        class Failing(io.BytesIO):
            def read1(self, size: int | None = -1, /) -> bytes:
                if self.tell():
                    raise OSError(5, "Input/output error")
                return super().read1(size)

        reader = open_source(Failing(b'{"a": 1}\n{"a": 2}\n'), format="ndjson")
        assert list(reader) == [(1, {"a": 1}), (2, {"a": 2})]
        assert reader.incomplete == "reading stream failed: Input/output error"

    def test_a_file_is_closed_when_it_is_left_early(self, tmp_path: Path) -> None:
        path = tmp_path / "a.ndjson"
        path.write_text('{"a": 1}\n' * 10)
        with open_source(path) as reader:
            assert next(iter(reader)) == (1, {"a": 1})
        with pytest.raises(ValueError, match="closed"):
            list(reader)


class TestAFileThatChanges:
    """Its producer writes while it is read: what was read is neither the old set nor the new one."""

    LINES = b'{"id": "x"}\n' * 50_000

    @staticmethod
    def rewritten(path: Path) -> None:
        path.write_bytes(b'{"id": "y"}\n')

    @staticmethod
    def truncated(path: Path) -> None:
        with path.open("r+b") as file:
            file.truncate(12)

    @staticmethod
    def appended(path: Path) -> None:
        with path.open("ab") as file:
            file.write(b'{"id": "y"}\n')

    @pytest.mark.parametrize("change", ["rewritten", "truncated", "appended"])
    @pytest.mark.parametrize("ending", ["ndjson", "json", "csv"])
    def test_is_not_whole(self, tmp_path: Path, change: str, ending: str) -> None:
        path = tmp_path / f"records.{ending}"
        lines = self.LINES.replace(b"\n", b",\n") if ending == "json" else self.LINES
        path.write_bytes(b"[" + lines + b"{}]" if ending == "json" else b"id\n" + lines)
        reader = open_source(path)
        read = iter(reader)
        next(read)
        getattr(self, change)(path)
        list(read)
        assert reader.incomplete == f"{path} was changed while it was read"

    def test_is_whole_when_another_file_takes_its_place(self, tmp_path: Path) -> None:
        path = tmp_path / "records.ndjson"
        path.write_bytes(self.LINES)
        reader = open_source(path)
        read = iter(reader)
        next(read)
        (tmp_path / "new").write_bytes(b"")
        (tmp_path / "new").replace(path)
        assert len(list(read)) == 49_999
        assert reader.incomplete is None


# ---------------------------------------------------------------------- what is left of a malformed document
def parts(text: bytes, format: Format) -> list[object]:  # noqa: A002
    return [record.part for _, record in read(text, format)[1] if isinstance(record, Malformed)]


def test_of_a_row_that_is_not_utf8_the_other_cells_are_left() -> None:
    assert parts(b"id,name,note\n1,Zo\xeb,\n2,Ana,x\n", "csv") == [{"id": "1", "name": "Zo\udceb"}]
    assert parts('id,name\n1,"Zoë\nBerg"\n'.encode().replace(b"\xc3", b""), "csv") == [
        {"id": "1", "name": "Zo\udcab\nBerg"}
    ]


@pytest.mark.parametrize("row", [b"1,Zo\xeb,x,y", b"1,Ana", b'1,"Ana" x,y', b'1,"Ana,x'])
def test_of_a_row_whose_cells_cannot_be_told_apart_nothing_is_sure(row: bytes) -> None:
    assert parts(b"id,name,note\n" + row + b"\n", "csv") == [None]


@pytest.mark.parametrize(
    ("record", "part"),
    [
        (b'{"id": "1", "name": "Zo\xeb"}', {"id": "1", "name": "Zo\udceb"}),
        (b'{"id": "1", "name": "\\ud800"}', {"id": "1", "name": "\ud800"}),
        (b'{"id": "1", "size": Infinity}', {"id": "1", "size": math.inf}),
    ],
)
def test_of_json_with_a_value_that_cannot_be_sent_the_rest_is_left(record: bytes, part: object) -> None:
    assert parts(record + b"\n", "ndjson") == parts(b"[" + record + b"]", "json") == [part]


@pytest.mark.parametrize("line", [b'{"id": "1", ', b"nothing", b"[" * 100_000])
def test_of_what_is_no_json_nothing_is_left(line: bytes) -> None:
    assert parts(line + b"\n", "ndjson") == [None]
