"""What a journal holds is looked into: payloads that cannot be read, and books that do not sum, are named."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, LiteralString

import psycopg
import pytest
from tests.support.postgres import Database

from proofport.accounting import CONFIRMED, rejected
from proofport.delivery.lane.payload import encode_outcomes, pack
from proofport.errors import Problem
from proofport.gateway.upkeep.check import damage_in
from proofport.journal import open_journal, opened
from proofport.journal.contract import BatchDone, Failure, Journal, NewDelivery, NewRun, NewSnapshot, Part
from proofport.journal.postgres import PostgresJournal

RECORDS: list[Any] = [{"id": f"r{n}", "name": "x" * 100} for n in range(50)]
LANE = "there/device"
COUNTS = {"delivered": 50, "unchanged": 0, "rejected": 0, "withheld": 0, "unknown": 0}


async def filled(journal: Journal) -> None:
    """A queued, a dead and a done delivery of 50 records; a run that is complete; a snapshot that is open."""
    packed = pack(RECORDS)
    await journal.accept([NewDelivery(LANE, "there", "device", "upsert", packed, 50) for _ in range(3)])
    run = await journal.claim(LANE, owner="me", lease=60)
    assert run is not None
    first, second, _ = await run.take(3)
    await run.done(first, encode_outcomes([CONFIRMED] * 50))
    refused = rejected(Problem("a bad field", "a good one"))
    await run.dead(second, Failure("rejected", encode_outcomes([refused] * 50)))
    await run.begin(NewRun("run-1", "there", "device", "upsert"))
    await run.batch_done("run-1", BatchDone(0, 1, 50, 50, b"d", encode_outcomes([CONFIRMED] * 50)))
    await run.end("run-1", complete=True, report=json.dumps({"input": 50, **COUNTS}))
    await run.release()
    await journal.open_snapshot(NewSnapshot("s1", "default", "device", ["there"], 60.0))
    assert await journal.put_part("s1", Part("p1", 50, packed))


async def found_in(where: Path, *changes: str) -> list[str]:
    async with opened(open_journal(where)) as journal:
        await filled(journal)
    with closing(sqlite3.connect(where)) as db, db:
        for change in changes:
            db.execute(change)
    async with opened(open_journal(where)) as journal:
        assert await journal.damage() == [], "nothing that the file shows"
        return [each async for each in damage_in(journal)]


async def test_a_whole_journal_has_none(tmp_path: Path) -> None:
    assert await found_in(tmp_path / "journal") == []


CUT = "substr(payload, 1, 40)"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            f"UPDATE deliveries SET payload = {CUT} WHERE id = 3",
            f"the delivery 3 in the lane {LANE}: its payload cannot be read",
        ),
        (
            f"UPDATE deliveries SET payload = {CUT} WHERE id = 2",
            f"the dead letter 2 in the lane {LANE}: its payload cannot",
        ),
        ("UPDATE deliveries SET records = 51 WHERE id = 3", "it holds 50 records instead of 51"),
        (
            "UPDATE deliveries SET payload = x'5b7b7d5d', records = 1 WHERE id = 3",
            "its payload holds something else than evidence",
        ),
        ("UPDATE deliveries SET bodies = x'5b22612225d' WHERE id = 3".replace("25d", "225d"), "cannot be read"),
        ("UPDATE deliveries SET bodies = CAST('[\"a\"]' AS BLOB) WHERE id = 3", "it holds 1 bodies instead of 50"),
        ("UPDATE deliveries SET outcome = '[]' WHERE id = 1", "the delivery 1 in the lane"),
        ("UPDATE batches SET outcomes = '[]'", "the run run-1 of there, batch 0: it has 0 outcomes for 50 records"),
        ("UPDATE runs SET report = replace(report, '\"input\": 50', '\"input\": 51')", "the five counts sum to 50"),
        ("UPDATE runs SET report = '{'", "the run run-1 of there: it cannot be read"),
        (f"UPDATE parts SET payload = {CUT}", "the part p1 of the snapshot s1: its payload cannot be read"),
        ("DELETE FROM parts", "the snapshot s1 has 0 parts with 0 records instead of 1 with 50"),
    ],
)
async def test_what_is_damaged_is_named(tmp_path: Path, change: str, said: str) -> None:
    [found] = await found_in(tmp_path / "journal", change)
    assert said in found


async def test_what_was_given_up_is_not_looked_at(tmp_path: Path) -> None:
    """So that a person who drops a damaged dead letter is told of nothing more."""
    assert await found_in(tmp_path / "journal", f"UPDATE deliveries SET payload = {CUT}, state = 'cancelled'") == []


def change(database: Database, statement: LiteralString) -> None:
    with psycopg.connect(database.owner, autocommit=True) as db:
        db.execute(statement)


async def test_a_journal_on_postgres_is_looked_into_alike(postgres: Database) -> None:
    postgres.empty()
    async with opened(PostgresJournal(postgres.owner)) as journal:
        await filled(journal)
        assert await journal.damage() == []
        assert [each async for each in damage_in(journal)] == []
        change(postgres, "UPDATE deliveries SET payload = substring(payload FROM 1 FOR 40) WHERE id = 3")
        [found] = [each async for each in damage_in(journal)]
        assert f"the delivery 3 in the lane {LANE}: its payload cannot be read" in found
        change(postgres, "UPDATE lanes SET due = NULL")
        assert await journal.damage() == [f"the lane {LANE} sleeps although deliveries wait in it"]
