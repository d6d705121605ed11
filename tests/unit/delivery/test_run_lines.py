"""Lines that a source mapping reads in blocks: each ends as it would if it were read by itself."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from proofport.mapping import SourceMapping, compile_source, load_file
from proofport.sources import stream

from .runs import Vendor, counts, problems, push, write

MAPPING = """
mapping: sources/things
to: {evidence: "custom:thing"}
fields:
  id: $.name
  zone: $.place.zone
  state: {path: $.state, table: {on: running, off: stopped}, unknown: reject}
"""


@pytest.fixture
def things(folder: Path) -> SourceMapping:
    file = folder / "things.yaml"
    file.write_text(MAPPING)
    return compile_source(load_file(file)[0])


def thing(name: str, **more: object) -> dict[str, object]:
    return {"name": name, "place": {"zone": "a"}, "state": "on", "unread": [{"deep": None}], **more}


async def test_a_key_that_stands_twice_rejects_its_line(things: SourceMapping) -> None:
    here = Vendor()
    twice = '{"name": "2", "state": "on", "state": "off"}'
    file = write("things.ndjson", thing("1"), twice, '{"name": "3", "name": "4"}', thing("5"))
    report = await push(file, here=here, decoder=things)
    assert [record["id"] for record in here.received()] == ["1", "5"]
    assert [(position.partition(":")[2], record) for position, record, _ in problems(report)] == [
        ("2", "2"),
        ("3", None),
    ]


@pytest.mark.parametrize("name", ["things.ndjson", "things.json"])
async def test_a_line_may_be_an_array_of_records(things: SourceMapping, name: str) -> None:
    here = Vendor()
    pages: list[object] = [[thing("1"), thing("2")], [thing("3")], []]
    report = await push(write(name, *pages), here=here, decoder=things)
    assert [record["id"] for record in here.received()] == ["1", "2", "3"]
    assert counts(report) == {"delivered": 3}


async def test_every_line_has_its_end_in_its_order(things: SourceMapping) -> None:
    here = Vendor()
    file = write(
        "things.ndjson",
        thing("1"),
        thing("2", place="nowhere"),
        "",
        thing("3", state="broken"),
        '{"name": "4", "state": "on"',
        thing("5", place=None),
        thing("6", state=None),
        '["7"]',
        thing("1"),
        thing("8", unread="\ud83d\ude00 é"),
        '{"name": "9", "state": "off", "unread": "\\ud800"}',
        '{"name": "10", "state": "off"} {"name": "11"}',
        thing("12"),
    )
    report = await push(file, here=here, decoder=things)
    assert here.received() == [
        {"id": "1", "zone": "a", "state": "running"},
        {"id": "2", "state": "running"},
        {"id": "5", "state": "running"},
        {"id": "6", "zone": "a", "state": None},
        {"id": "8", "zone": "a", "state": "running"},
        {"id": "12", "zone": "a", "state": "running"},
    ]
    assert counts(report) == {"delivered": 6, "rejected": 6}
    assert sorted((int(position.partition(":")[2]), record) for position, record, _ in problems(report)) == [
        (4, "3"),
        (5, None),
        (8, None),
        (9, "1"),
        (11, "9"),
        (12, None),
    ]


async def test_lines_are_counted_across_blocks(things: SourceMapping, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "PIECE", 200)
    here = Vendor()
    rows: list[object] = [thing(str(number), unread="x" * (number % 7) * 100) for number in range(1, 60)]
    rows[16], rows[40], rows[57] = "{", "", thing("18")
    report = await push(write("things.ndjson", *rows), here=here, decoder=things)
    assert [row["id"] for row in here.received()] == [
        str(number) for number in range(1, 60) if number not in (17, 41, 58)
    ]
    assert [position for position, _, _ in problems(report)] == ["things.ndjson:17", "things.ndjson:58"]
    assert counts(report) == {"delivered": 56, "rejected": 2}


async def test_a_last_line_without_its_end(things: SourceMapping, folder: Path) -> None:
    here = Vendor()
    file = folder / "things.ndjson"
    file.write_text(json.dumps(thing("1")) + "\n" + json.dumps(thing("2")))
    assert counts(await push(str(file), here=here, decoder=things)) == {"delivered": 2}
    file.write_text(json.dumps(thing("1")) + "\n" + json.dumps(thing("2"))[:-1])
    report = await push(str(file), here=here, decoder=things)
    assert counts(report) == {"delivered": 1, "rejected": 1}
    [source] = report.sources
    assert source.incomplete is not None
    assert "middle of a line" in source.incomplete
