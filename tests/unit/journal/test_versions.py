"""Journals of the version before, as they are opened now: SQLite of version 6, PostgreSQL of version 1."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

import psycopg
import pytest
from tests.support.postgres import database, shared_server

from proofport.journal import opened
from proofport.journal.contract import Filter, IdempotencyRecord, Journal, NewDelivery
from proofport.journal.postgres import PostgresJournal, migrations
from proofport.journal.sqlite import SqliteJournal
from proofport.journal.sqlite import database as file
from proofport.sources.pages import Pages

NEW = NewDelivery("lane", "one", "device", "upsert", b"[]", 1)
FIELDS = {"id": "string", "nul": "\x00"}
FROZEN = {"slug": "things", "kind": "device", "fields": FIELDS, "primary_id": "id", "published": 5.5, "defined": 0.0}
KEYED = [("order/7", "one", 0), ("order/7", "two", 0), ("order/7", "two", 1), ("plain", "one", 0), ("plain", "one", 10)]
"""The key, the destination and the number of a delivery that `Gateway.submit` has accepted."""

STATEMENTS = [
    "INSERT INTO lanes (number, lane) VALUES (1, 'lane')",
    *(
        "INSERT INTO deliveries (lane, destination, kind, mode, records, created, key, payload) "
        f"VALUES (1, '{destination}', 'device', 'upsert', 1, 0, '{key}/{destination}/{n}', '')"
        for key, destination, n in KEYED
    ),
    "INSERT INTO deliveries (lane, destination, kind, mode, records, created, key, payload) "
    "VALUES (1, 'one', 'device', 'upsert', 1, 0, 'odd', '')",
    "INSERT INTO submissions (tenant, key, digest, answer, submission) "
    "VALUES ('acme', 'order/7', {bytes}, {bytes}, 99)",
    "INSERT INTO schemas (number, lane, slug, kind, fields, primary_id, published, defined) "
    "VALUES (1, 1, 'later', 'device', '{}', 'id', 6, 7)",
    "INSERT INTO schemas (number, lane, slug, kind, fields, primary_id, published, defined) "
    "VALUES (2, 1, 'things', 'device', %s, 'id', 5.5, 0)",
    *(
        "INSERT INTO snapshots (id, tenant, kind, destinations, state, lifetime, created, expires, report) "
        f"VALUES ('{name}', 'acme', 'device', {{names}}, '{state}', 9e9, 0, 9e9, {report})"
        for name, state, report in (
            ("held", "committed", """'{"override_guard": "sold"}'"""),
            ("plain", "committed", """'{"override_guard": null}'"""),
            ("still", "open", """'{"exit_code": 4}'"""),
        )
    ),
    *(
        "INSERT INTO parts (snapshot, name, records, payload, incomplete) "
        f"SELECT number, '{name}', 2, {{bytes}}, {incomplete} FROM snapshots WHERE id = 'still'"
        for name, incomplete in (("page-1", "'$.NextToken is present'"), ("page-2", "NULL"))
    ),
]


@asynccontextmanager
async def old_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(file, "MIGRATIONS", file.MIGRATIONS[:6])
        file.create(path)
    with closing(sqlite3.connect(path)) as db, db:
        for statement in STATEMENTS:
            values = (json.dumps(FIELDS),) if "%s" in statement else ()
            db.execute(
                statement.replace("%s", "?").replace("{names}", "'[\"prod\"]'").replace("{bytes}", "x'64'"), values
            )
    async with opened(SqliteJournal(path)) as journal:
        yield journal


@pytest.fixture
def new_database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with shared_server(tmp_path_factory.getbasetemp()) as server, database(server) as url:
        yield url


@asynccontextmanager
async def old_database(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "OURS", ("schema.sql",))
        await PostgresJournal(url).migrate()
    with psycopg.connect(url) as db:
        for statement in STATEMENTS:
            values = (json.dumps(FIELDS).encode(),) if "%s" in statement else None
            db.execute(statement.replace("{names}", "ARRAY['prod']").replace("{bytes}", "'d'").encode(), values)
    journal = PostgresJournal(url)
    assert await journal.migrate() == list(migrations.OURS[1:])
    async with opened(journal):
        yield journal


async def is_brought_up_to_date(journal: Journal) -> None:
    found = {delivery.id: delivery.submission for delivery in await journal.find(Filter())}
    assert found == {1: 1, 2: 1, 3: 1, 4: 4, 5: 4, 6: 6}
    for key, ids, names in (("order/7", [1, 2, 3], {"one", "two"}), ("plain", [4, 5], {"one"}), ("odd", [6], {"one"})):
        again = await journal.accept([NEW], record=IdempotencyRecord("", key, b"new", b"new"))
        assert again.ids == ids
        assert again.first is not None
        assert set(json.loads(again.first.answer)) == names
    of_tenant = await journal.accept([NEW], record=IdempotencyRecord("acme", "order/7", b"new", b"new"))
    assert of_tenant.first == IdempotencyRecord("acme", "order/7", b"d", b"d")
    later = {**FROZEN, "slug": "later", "fields": {}, "published": 6.0, "defined": 7.0}
    assert list((await journal.adapter_memory("lane")).items()) == [("things", FROZEN), ("later", later)]
    commits = [await journal.claim_commit(owner="me", lease=60) for _ in range(3)]
    assert [commit and (commit.snapshot.id, commit.run_id, commit.override) for commit in commits] == [
        ("held", "held", "sold"),
        ("plain", "plain", None),
        None,
    ]
    reports = {view.id: (view.state, view.report) for view in await journal.snapshots()}
    assert reports["held"] == ("committed", None)
    assert reports["still"] == ("open", '{"exit_code": 4}')
    more, last = await journal.parts("still")
    assert more.pages is not None
    assert "page-1 is the last page that was given" in str(Pages(**json.loads(more.pages)).flaw)
    assert "$.NextToken is present; 2 records" in str(Pages(**json.loads(more.pages)).flaw)
    assert (last.records, last.payload, last.pages) == (2, b"d", None)


async def test_a_file_of_the_version_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async with old_file(tmp_path / "journal", monkeypatch) as journal:
        await is_brought_up_to_date(journal)


async def test_a_database_of_the_version_before(new_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with old_database(new_database, monkeypatch) as journal:
        await is_brought_up_to_date(journal)


QUEUED = (
    "INSERT INTO lanes (number, lane, due) VALUES (1, '@acme/lane', 0)",
    "INSERT INTO deliveries (lane, destination, kind, mode, records, created, payload) "
    "VALUES (1, '@acme/one', 'device', 'upsert', 1, 0, '[]')",
)


async def is_delivered(journal: Journal) -> None:
    run = await journal.claim("@acme/lane", owner="me", lease=60)
    assert run is not None
    assert run.tenant == "acme"
    [delivery] = await run.take(1)
    assert (delivery.destination, delivery.breakdowns) == ("@acme/one", 0)


async def test_a_file_of_version_10(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "journal"
    with monkeypatch.context() as patch:
        patch.setattr(file, "MIGRATIONS", file.MIGRATIONS[:10])
        file.create(path)
    with closing(sqlite3.connect(path)) as db, db:
        assert "breakdowns" not in {name for _, name, *_ in db.execute("PRAGMA table_info(deliveries)")}
        for statement in QUEUED:
            db.execute(statement)
    async with opened(SqliteJournal(path)) as journal:
        await is_delivered(journal)


async def test_a_database_of_version_4(new_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(migrations, "OURS", migrations.OURS[:4])
        await PostgresJournal(new_database).migrate()
    with psycopg.connect(new_database) as db:
        for statement in (*QUEUED, "INSERT INTO lane_runs (lane) VALUES (1)"):
            db.execute(statement.encode())
    journal = PostgresJournal(new_database)
    assert await journal.migrate() == list(migrations.OURS[4:])
    async with opened(journal):
        await is_delivered(journal)
