"""Records from a function of Python: generators, rows of databases, and how it is known that they are all."""

from __future__ import annotations

import asyncio
import sys
import textwrap
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from proofport.errors import UsageError
from proofport.sources import Malformed
from proofport.sources.python_items import BLOCK, PythonReader, without_secrets
from proofport.sources.values import record_of

HELD = """
    import asyncio, collections, dataclasses, sqlite3, threading
    from proofport import Person

    ROWS = [{"id": "1"}, {"id": "2"}]

    def people():
        yield {"id": "1"}
        yield [{"id": "2"}, {"id": "3"}]

    async def later():
        for number in range(150):
            await asyncio.sleep(0)
            yield {"id": str(number)}

    async def fetched():
        await asyncio.sleep(0)
        return ROWS

    def database():
        connection = sqlite3.connect(":memory:")
        return connection.execute("SELECT '1' AS id, 2.5 AS score UNION SELECT '2', NULL")

    def rows():
        connection = sqlite3.connect(":memory:")
        connection.row_factory = sqlite3.Row
        yield from connection.execute("SELECT '1' AS id")
        connection.close()

    Row = collections.namedtuple("Row", "id")

    @dataclasses.dataclass
    class Data:
        id: str

    def objects():
        return [Row("1"), Data("2"), Person(id="3", email="c@example.com")]

    def tuples():
        return [("1",), "text", {"id": b"x"}]

    def broken():
        yield {"id": "1"}
        raise ConnectionError("GET https://me:hunter22@example.com/?token=abcdefgh&page=2: Bearer s3cr3t-s3cr3t")

    def leaves():
        yield {"id": "1"}
        raise SystemExit("no rights")

    def part():
        yield {"id": "1"}
    part.whole = False

    class Export:
        whole = True
        def __iter__(self):
            yield {"id": "1"}
            self.whole = False

    def nothing():
        return None

    CLOSED, ENDED = [], threading.Event()

    def endless():
        try:
            while True:
                yield {"id": threading.current_thread().name}
        finally:
            CLOSED.append(threading.current_thread().name)
            ENDED.set()

    NUMBER = 5
"""


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    (tmp_path / "held_here.py").write_text(textwrap.dedent(HELD))
    (tmp_path / "broken_here.py").write_text("raise ValueError('password: hunter22')")
    (tmp_path / "lacks_here.py").write_text("import surely_not_installed")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    yield "held_here"
    sys.modules.pop("held_here", None)


async def read(name: str) -> tuple[list[Any], str | None]:
    with PythonReader(f"python:{name}") as reader:
        found: list[Any] = []
        more = True
        while more:
            more = await reader.fetch()
            found += reader
    assert [number for number, _ in found] == list(range(1, len(found) + 1))
    return [document for _, document in found], reader.incomplete


@pytest.mark.parametrize(
    ("function", "expected"),
    [
        ("people", [{"id": "1"}, {"id": "2"}, {"id": "3"}]),
        ("ROWS", [{"id": "1"}, {"id": "2"}]),
        ("later", [{"id": str(number)} for number in range(150)]),
        ("fetched", [{"id": "1"}, {"id": "2"}]),
        ("database", [{"id": "1", "score": 2.5}, {"id": "2", "score": None}]),
        ("rows", [{"id": "1"}]),
        ("objects", [{"id": "1"}, {"id": "2"}, {"id": "3", "email": "c@example.com"}]),
    ],
)
async def test_whatever_gives_records_is_read_to_its_end(module: str, function: str, expected: list[Any]) -> None:
    assert await read(f"{module}:{function}") == (expected, None)


async def test_what_is_no_record_is_malformed_and_the_rest_is_read(module: str) -> None:
    found, incomplete = await read(f"{module}:tuples")
    assert incomplete is None
    assert [str(each.problem).partition(",")[0] for each in found] == [
        "found a tuple",
        "found a str",
        "id: found a value of the type bytes",
    ]


@pytest.mark.parametrize(
    ("function", "records", "why"),
    [
        (
            "broken",
            1,
            "failed after record 1: ConnectionError: GET https://me:[secret]@example.com/?token=[secret]&page=2: "
            "Bearer [secret]",
        ),
        ("leaves", 1, "failed after record 1: SystemExit: no rights"),
        ("part", 1, "says that it is not whole"),
        ("Export", 1, "says that it is not whole"),
        ("nothing", 0, "failed after record 0: TypeError: it gives a NoneType; expected records, one after the other"),
    ],
)
async def test_what_does_not_end_well_is_not_whole(module: str, function: str, records: int, why: str) -> None:
    found, incomplete = await read(f"{module}:{function}")
    assert (len(found), incomplete) == (records, f"python:{module}:{function} {why}")


async def test_it_runs_beside_the_loop_and_is_closed_where_it_ran(module: str) -> None:
    reader = PythonReader(f"python:{module}:endless")
    assert await reader.fetch()
    [*read] = reader
    assert len(read) == BLOCK
    names = {record["id"] for _, record in read if isinstance(record, dict)}
    assert threading.current_thread().name not in names
    reader.close()
    reader.close()
    held = sys.modules[module]
    assert await asyncio.to_thread(held.ENDED.wait, 10)
    assert {*held.CLOSED} == names


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("held_here", "expected python:package.module:function"),
        ("held_here:", "expected python:package.module:function"),
        ("nowhere_here:people", "there is no module 'nowhere_here'"),
        ("lacks_here:people", "there is no module 'surely_not_installed'"),
        ("broken_here:people", r"importing broken_here failed: ValueError: password: \[secret\]"),
        ("held_here:peple", "held_here has no 'peple'"),
        ("held_here:NUMBER", "is a int"),
    ],
)
def test_what_cannot_be_run_is_refused_before_anything_is_sent(module: str, name: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        PythonReader(f"python:{name}")


def test_values_of_variables_that_are_named_like_secrets_are_not_shown() -> None:
    environment = {"HR_API_TOKEN": "abc-123-def", "SHORT_KEY": "ab", "HOME": "/home/somebody"}
    assert without_secrets("abc-123-def at /home/somebody ab", environment) == "[secret] at /home/somebody ab"


def test_values_of_a_row_become_json_without_loss() -> None:
    row = {
        "day": date(2026, 1, 31),
        "at": datetime(2026, 1, 31, 9, tzinfo=UTC),
        "local": datetime(2026, 1, 31, 9),  # noqa: DTZ001 - a database has such
        "n": Decimal("2.00"),
        "x": Decimal("0.1"),
        "uuid": UUID(int=1),
        "deep": ({"on": True, "no": None},),
    }
    assert record_of(row) == {
        "day": "2026-01-31",
        "at": "2026-01-31T09:00:00+00:00",
        "local": "2026-01-31T09:00:00",
        "n": 2,
        "x": 0.1,
        "uuid": "00000000-0000-0000-0000-000000000001",
        "deep": [{"on": True, "no": None}],
    }


@pytest.mark.parametrize("value", [b"x", float("nan"), Decimal("0.12345678901234567890"), object(), {1: 2}, {1}])
def test_values_that_json_lacks_are_named_with_their_column(value: object) -> None:
    found = record_of({"id": "1", "bad": value})
    assert isinstance(found, Malformed)
    assert (found.problem.field, found.part) == ("bad", {"id": "1"})
