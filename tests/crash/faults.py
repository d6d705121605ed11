"""A journal whose n-th write fails, pictures of its files at each moment, and a vendor that remembers what it was sent.

A picture is what a kill would leave behind: all that the process gave to the operating system.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections import Counter
from collections.abc import Callable
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import pytest
from tests.unit.delivery.support import VERDICTS, ScriptedSender, StagedTiny, all_ok, expect_ok, reply

from proofport.accounting import Outcome, Tally
from proofport.adapter import Batch, Flow, Job, Memory
from proofport.journal.sqlite import SqliteJournal, database
from proofport.wire import Call, Reply

WRITES = ("BEGIN", "INSERT", "UPDATE", "DELETE", "COMMIT")
Kind = Literal["full", "broken", "unsure"]
"""full: the statement is not done, and the next one goes well. broken: neither this one nor any later one is done.
unsure: a commit is done, and said to have failed."""

CODES: dict[Kind, tuple[str, str]] = {
    "full": ("SQLITE_FULL", "database or disk is full"),
    "broken": ("SQLITE_IOERR_WRITE", "disk I/O error"),
    "unsure": ("SQLITE_IOERR_FSYNC", "disk I/O error"),
}


class QuickJournal(SqliteJournal):
    """Waits for no disk: the operating system is not killed."""

    durable = False


def sqlite_error(kind: Kind) -> sqlite3.OperationalError:
    name, words = CODES[kind]
    error = sqlite3.OperationalError(words)
    error.sqlite_errorcode, error.sqlite_errorname = getattr(sqlite3, name), name
    return error


class Disk:
    """Counts what the journal's writer asks of SQLite, and fails it. `at` 0: nothing fails.

    `moment` is called before each write, and may take a picture.
    """

    def __init__(self, kind: Kind = "full", at: int = 0, moment: Callable[[], None] = lambda: None) -> None:
        self._kind = kind
        self._at = at
        self._moment = moment
        self.writes = 0
        self.failed = False

    def connect(self, path: Path, **options: Any) -> Any:
        return _Connection(database.connect(path, **options), self)

    def carry_out(self, text: str, execute: Callable[[], Any]) -> Any:
        if not text.lstrip().startswith(WRITES) or (self._kind == "unsure" and not text.startswith("COMMIT")):
            return execute()
        self._moment()
        self.writes += 1
        if self.writes == self._at or (self._kind == "broken" and 0 < self._at <= self.writes):
            self.failed = True
            if self._kind == "unsure":
                execute()
            raise sqlite_error(self._kind)
        return execute()


class _Connection:
    def __init__(self, db: sqlite3.Connection, disk: Disk) -> None:
        self._db = db
        self._disk = disk

    def execute(self, text: str, *given: Any) -> Any:
        return self._disk.carry_out(text, lambda: self._db.execute(text, *given))

    def executemany(self, text: str, rows: Any) -> Any:
        return self._disk.carry_out(text, lambda: self._db.executemany(text, rows))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._db, name)


def put_in(monkeypatch: pytest.MonkeyPatch, disk: Disk) -> None:
    """Let journals that are opened from now on write to this disk."""
    monkeypatch.setattr("proofport.journal.sqlite.writer.connect", disk.connect)


# ---------------------------------------------------------------------- a vendor
@dataclass
class There:
    """Holds what it was sent, by id; sets of its sessions become visible when they are complete."""

    held: dict[str, Any] = field(default_factory=dict)
    sessions: dict[str, dict[str, Any] | None] = field(default_factory=dict)
    #: Every record that arrived, in order.
    arrived: list[str] = field(default_factory=list)
    completed: list[str] = field(default_factory=list)

    @property
    def times(self) -> Counter[str]:
        return Counter(self.arrived)

    def take(self, call: Call) -> Reply:
        rows = {row["id"]: row for row in json.loads(call.body or b"[]")}
        self.arrived += rows
        session = call.path.removeprefix("/records/")
        into = self.held if session == call.path else self.sessions[session]
        if into is None:
            return Reply(409)
        into.update(rows)
        return all_ok(call)

    def open(self, call: Call) -> Reply:
        session = call.path.removeprefix("/sets/")
        for other in self.sessions.keys() - {session, *self.completed}:
            self.sessions[other] = None
        self.sessions.setdefault(session, {})
        return reply({"ended": self.sessions[session] is None})

    def complete(self, call: Call) -> Reply:
        session = call.path.removeprefix("/complete/")
        if session not in self.completed:
            found = self.sessions[session]
            assert found is not None, "nobody completes a session that was cancelled"
            self.held = dict(found)
            self.completed.append(session)
        return Reply(200, body=b"{}")

    def cancel(self, call: Call) -> Reply:
        session = call.path.removeprefix("/cancel/")
        if session not in self.completed:
            self.sessions[session] = None
        return Reply(200, body=b"{}")

    def end(self, call: Call) -> Reply:
        ids = json.loads(call.body or b"[]")
        for text in ids:
            self.held.pop(text, None)
        return reply(["ok"] * len(ids))

    def show(self, call: Call) -> Reply:
        return reply({"ids": sorted(self.held), "next": None})

    def sender(self, moment: Callable[[], None] = lambda: None) -> ScriptedSender:
        """What is asked of it, with a moment before and after."""

        def at_a_moment(answer: Callable[[Call], Reply]) -> Callable[[Call], Reply]:
            def answered(call: Call) -> Reply:
                moment()
                given = answer(call)
                moment()
                return given

            return answered

        asked = {"send_records": self.take, "open_set": self.open, "complete_set": self.complete}
        more = {"cancel_set": self.cancel, "end_records": self.end, "list_records": self.show}
        return ScriptedSender(**{name: at_a_moment(answer) for name, answer in (asked | more).items()})


class SessionTiny(StagedTiny):
    """Stages a set in a session of the run's name."""

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        session = str(memory.get("session", job.run_id))
        answer = yield Call("open_set", "POST", f"/sets/{session}")
        if answer.json()["ended"]:  # somebody has cancelled it meanwhile
            session += "+"
            yield Call("open_set", "POST", f"/sets/{session}")
        return {"session": session}

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(batch.bodies) + b"]"
        answer = yield Call("send_records", "POST", f"/records/{memory['session']}", body=body)
        expect_ok(answer)
        return [VERDICTS[word] for word in answer.json()]

    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        call = Call("complete_set", "POST", f"/complete/{memory['session']}", lost="ask", destructive=True)
        expect_ok((yield call))

    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        expect_ok((yield Call("cancel_set", "POST", f"/cancel/{memory['session']}")))


# ---------------------------------------------------------------------- pictures
@dataclass(frozen=True)
class Picture:
    """The journal's folder, and the vendor, at one moment."""

    folder: Path
    there: There
    #: What the journal had acknowledged by then.
    acknowledged: tuple[Any, ...]


class Camera:
    """Takes a picture each time that it is asked."""

    def __init__(self, folder: Path, there: There, acknowledged: list[Any]) -> None:
        self.pictures: list[Picture] = []
        self._folder = folder
        self._there = there
        self._acknowledged = acknowledged

    def take(self) -> None:
        to = self._folder.with_name(f"{self._folder.name}-{len(self.pictures)}")
        to.mkdir()
        for file in self._folder.iterdir():
            if not file.name.endswith("-shm"):  # which is made anew when nobody has the journal open
                shutil.copyfile(file, to / file.name)
        self.pictures.append(Picture(to, deepcopy(self._there), tuple(self._acknowledged)))
