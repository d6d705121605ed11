"""Whatever is written comes back, in any format and any chunking; whatever is cut gives a prefix and says so."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Iterable
from typing import Any
from unittest.mock import patch

from hypothesis import given, settings
from hypothesis import strategies as st

from proofport.errors import UsageError
from proofport.sources import Malformed, Reader, json_files, open_source

TIMES = 60 if os.environ.get("PROOFPORT_SOAK") else 1
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(-(10**25), 10**25) | st.floats(allow_nan=False) | TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
    max_leaves=8,
)
FINITE = JSON.filter(lambda value: "Infinity" not in json.dumps(value))
RECORDS = st.lists(st.dictionaries(TEXT, FINITE, max_size=4), max_size=6)
CUTS = st.lists(st.integers(1, 40), min_size=1, max_size=8)
PIECES = st.sampled_from([1, 3, 16, json_files.PIECE])
FRAGMENTS = st.sampled_from([*(bytes([byte]) for byte in b'[]{},:"\\ \n\xff1'), b"1e", b"NaN", b'"a"', b"true"])
CELL = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0\r"), max_size=8)


class Chunked(io.BytesIO):
    """Gives its bytes in pieces of the given sizes, over and over."""

    def __init__(self, data: bytes, cuts: Iterable[int]) -> None:
        super().__init__(data)
        self._cuts = list(cuts)
        self._turn = 0

    def read1(self, size: int | None = -1, /) -> bytes:
        self._turn += 1
        return super().read(self._cuts[self._turn % len(self._cuts)])


def whole(reader: Reader) -> list[Any]:
    records = [record for _, record in reader]
    assert reader.incomplete is None
    return records


@given(RECORDS, CUTS, st.booleans())
@settings(max_examples=30 * TIMES, deadline=None)
def test_ndjson_comes_back(records: list[Any], cuts: list[int], ascii_only: bool) -> None:
    data = "".join(json.dumps(record, ensure_ascii=ascii_only) + "\n" for record in records).encode()
    assert whole(open_source(Chunked(data, cuts), format="ndjson")) == records
    if len(records) > 1:
        assert whole(open_source(Chunked(data, cuts))) == records


@given(RECORDS, CUTS, PIECES, st.booleans(), st.sampled_from([None, 0, 2]))
@settings(max_examples=40 * TIMES, deadline=None)
def test_a_json_array_comes_back(
    records: list[Any], cuts: list[int], piece: int, ascii_only: bool, indent: int | None
) -> None:
    data = json.dumps(records, ensure_ascii=ascii_only, indent=indent).encode()
    with patch.object(json_files, "PIECE", piece):
        assert whole(open_source(Chunked(data, cuts))) == records


@given(st.lists(CELL.filter(str.strip), min_size=2, max_size=4, unique_by=str.strip), st.data(), CUTS)
@settings(max_examples=30 * TIMES, deadline=None)
def test_csv_comes_back(header: list[str], data: st.DataObject, cuts: list[int]) -> None:
    rows = data.draw(st.lists(st.lists(CELL, min_size=len(header), max_size=len(header)), max_size=5))
    written = io.StringIO(newline="")
    csv.writer(written, quoting=csv.QUOTE_ALL).writerows(
        [[name.replace(";", "").replace("\t", "") or "x" for name in header]]
    )
    names = [name.strip() for name in next(csv.reader(io.StringIO(written.getvalue(), newline="")))]
    if len(set(names)) < len(names) or not all(names):
        return
    csv.writer(written).writerows(rows)
    expected = [{name: cell for name, cell in zip(names, row, strict=True) if cell} for row in rows]
    found = whole(open_source(Chunked(written.getvalue().encode(), cuts), format="csv"))
    assert found == [record for record in expected if record]


@given(RECORDS, st.data(), CUTS, PIECES, st.sampled_from(["lines", "array", "indented array", "document"]))
@settings(max_examples=60 * TIMES, deadline=None)
def test_cut_at_any_byte_gives_a_prefix_and_says_so(
    records: list[Any], data: st.DataObject, cuts: list[int], piece: int, form: str
) -> None:
    text = {
        "lines": "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records),
        "array": json.dumps(records, ensure_ascii=False),
        "indented array": json.dumps(records, indent=1),
        "document": json.dumps({"records": records}, indent=1),
    }[form].encode()
    cut = text[: data.draw(st.integers(0, len(text)))]
    reader = open_source(Chunked(cut, cuts), format="ndjson" if form == "lines" else "json")
    with patch.object(json_files, "PIECE", piece):
        read = [record for _, record in reader]
    good = [record for record in read if not isinstance(record, Malformed)]
    expected = [{"records": records}] if form == "document" else records
    assert good == expected[: len(good)]
    between_lines = form == "lines" and (not cut or b"\n" in (cut[-1:], text[len(cut) : len(cut) + 1]))
    assert len(good) == len(expected) or reader.incomplete or between_lines


@given(st.binary(max_size=60), CUTS, st.sampled_from([None, "ndjson", "json", "csv"]))
@settings(max_examples=100 * TIMES, deadline=None)
def test_bytes_of_any_kind_never_crash_a_reader(data: bytes, cuts: list[int], format_: Any) -> None:
    try:
        records = [record for _, record in open_source(Chunked(data, cuts), format=format_)]
    except UsageError:
        return
    for record in records:
        if isinstance(record, Malformed):
            str(record.problem).encode()
        else:
            json.dumps(record, allow_nan=False, ensure_ascii=False).encode()


@given(st.lists(FRAGMENTS, max_size=12), PIECES)
@settings(max_examples=150 * TIMES, deadline=None)
def test_what_the_array_reader_calls_whole_is_json(parts: list[bytes], piece: int) -> None:
    data = b"[" + b"".join(parts)
    reader = open_source(io.BytesIO(data))
    with patch.object(json_files, "PIECE", piece):
        read = [record for _, record in reader]
    if reader.incomplete is None and not any(isinstance(record, Malformed) for record in read):
        assert read == in_order(data.decode())


def in_order(text: str) -> list[Any]:
    """The items of JSON arrays, and the objects, that stand one after the other."""
    found: list[Any] = []
    while text := text.lstrip():
        value, end = json.JSONDecoder().raw_decode(text)
        found += value if isinstance(value, list) else [value]
        text = text[end:]
    return found
