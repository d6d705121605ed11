"""Each statement of a push fails once on PostgreSQL, or is the last one, or is done and said to have failed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from psycopg import errors
from tests.crash.faults import Kind, There
from tests.crash.scene import SOAK
from tests.crash.test_faults import BEFORE, CASES, FEWER, NOW, Case, Pushed, sampled
from tests.support.clock import Clock
from tests.support.postgres import Database
from tests.unit.delivery.runs import counts, write

from proofport.errors import JournalError
from proofport.journal.contract import Journal
from proofport.journal.postgres import PostgresJournal
from proofport.journal.postgres import store as module
from proofport.journal.postgres.database import explained
from proofport.journal.postgres.store import PostgresStore

AWAY = "server closed the connection unexpectedly"


class Server:
    """Counts what is asked of PostgreSQL, and fails it. `at` 0: nothing fails."""

    def __init__(self, kind: Kind, at: int = 0) -> None:
        self.kind = kind
        self.at = at
        self.asked = 0

    def put_in(self, monkeypatch: pytest.MonkeyPatch) -> None:
        name = "_write" if self.kind == "unsure" else "_done"
        monkeypatch.setattr(PostgresStore, name, self._around(getattr(PostgresStore, name)))

    def _around(self, done: Callable[..., Any]) -> Callable[..., Any]:
        async def carry_out(store: PostgresStore, *given: Any) -> Any:
            self.asked += 1
            if self.kind == "broken" and 0 < self.at <= self.asked:
                raise psycopg.OperationalError(AWAY)
            if self.kind == "full" and self.asked == self.at:
                raise errors.DiskFull("could not extend file")
            result = await done(store, *given)
            if self.kind == "unsure" and self.asked == self.at:
                raise explained(psycopg.OperationalError(AWAY))
            return result

        return carry_out


class OnPostgres(Pushed):
    def __init__(self, case: Case, database: Database, folder: Path) -> None:
        super().__init__(case, folder, There(), Clock())
        self.url = database.empty()

    def journal(self) -> Journal:
        return PostgresJournal(self.url, clock=self.clock)


@pytest.mark.parametrize("case", CASES if SOAK else CASES[-1:], ids=lambda case: case.name)
@pytest.mark.parametrize("kind", ["full", "broken", "unsure"])
async def test_a_push_whose_journal_fails(
    case: Case, kind: Kind, postgres: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(module, "LOOK_EVERY", 1e9)  # once for each journal, not when time has passed
    for name, rows in (("before", BEFORE), ("now", NOW), ("fewer", FEWER)):
        write(name, *rows)

    async def tried(server: Server) -> OnPostgres:
        pushed = OnPostgres(case, postgres, tmp_path)
        await pushed.push("before", "before")
        pushed.there.arrived.clear()
        with monkeypatch.context() as patch:
            server.put_in(patch)
            try:
                report = await pushed.push("now", "now")
            except JournalError:
                pass
            else:
                assert counts(report).get("delivered", 0) <= sum(pushed.there.times.values())
        return pushed

    counting = Server(kind)
    await tried(counting)
    for at in sampled(counting.asked, f"{case.name} {kind}"):
        await (await tried(Server(kind, at))).ends_right(resume=bool(at % 2))
