"""`status`, `resume`, `dead-letter` and `journal` over a real journal that holds some of everything."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest
from tests.support.cli import CommandLine
from tests.support.emulators import block
from tests.support.journals import ask

from proofport.accounting import rejected
from proofport.delivery.lane.payload import encode_outcomes, pack_bodies, unpack_bodies
from proofport.errors import Problem
from proofport.journal.contract import Attempt, BatchDone, Delivery, Failure, Filter, Journal, LaneRun, NewRun
from proofport.journal.contract import NewDelivery as New
from proofport.journal.sqlite import database

T = TypeVar("T")
KIND = "custom:software_package"
LANE = "127.0.0.1:9/4/104"
OTHER = "127.0.0.1:9/1/101"
CONTENT = "content-of-a-record"
REPORT = {
    "input": 12_345,
    **dict.fromkeys(("unchanged", "rejected", "withheld", "unknown"), 0),
    "delivered": 12_345,
    "assurance": {"accepted": 0, "confirmed": 12_345, "verified": 0},
}


class Shell(CommandLine):
    """What it says is 80 columns wide, and holds nothing of a record unless that is asked for."""

    def do(self, work: Callable[[Journal], Awaitable[T]]) -> T:
        return ask(str(self.folder / ".proofport" / "journal.sqlite3"), work)

    def say(self, *arguments: str) -> tuple[int, str]:
        typed = self.type(*arguments)
        if "--json" not in arguments and "show" not in arguments:
            assert max(map(len, typed.out.splitlines()), default=0) <= 80
            assert CONTENT not in typed.out + typed.err
        return typed.code, typed.out + typed.err

    def change(self, *statements: str) -> None:
        with closing(sqlite3.connect(self.folder / ".proofport" / "journal.sqlite3")) as db, db:
            for statement in statements:
                db.execute(statement)

    def states(self) -> list[tuple[int, str]]:
        async def states(journal: Journal) -> list[Delivery]:
            return await journal.find(Filter())

        return [(each.id, each.state) for each in self.do(states)]


async def claimed(journal: Journal, lane: str) -> LaneRun:
    run = await journal.claim(lane, owner="tests", lease=90)
    assert run is not None
    return run


async def filled(journal: Journal) -> None:
    """Four deliveries, of which the first is dead; a complete snapshot, an interrupted one and one it replaced."""
    payload = orjson.dumps([{"id": "openssl", "name": CONTENT}])
    await journal.accept([New(LANE, "drata", KIND, "upsert", payload, 1) for _ in range(4)])
    run = await claimed(journal, LANE)
    [head] = await run.take(1)
    refused = rejected(Problem("a number", "a text", field="name", vendor_message="Validation failed"))
    sent = pack_bodies([b'{"id":"openssl","name":"as it was mapped then"}'])
    await run.dead(head, Failure("rejected", encode_outcomes([refused])), bodies=sent)
    await run.attempted([Attempt("upsert_records", 400, 0.25, 4_000, "abc", "Validation failed", 1_000.0, None, 1)])
    await run.park("the key was refused: make a new one where the vendor keeps its keys, then put it there")
    await run.release()
    run = await claimed(journal, OTHER)
    for name in ("whole", "replaced", "stopped"):
        await run.begin(NewRun(name, "drata", "cloud_resource", "snapshot", ("i.json",), staged=True))
        await run.batch_done(name, BatchDone(0, 1, 500, 500, b"d", "[]"))
        await run.attempted([Attempt("stage_records", 0, 10.0, 9_000, "def", "no answer in time", 2_000.0, name)])
        if name == "whole":
            await run.end(name, complete=True, report=json.dumps(REPORT))
    await run.release()


@pytest.fixture
def shell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Shell:
    monkeypatch.setenv("COLUMNS", "80")
    shell = Shell(tmp_path, {"drata": block("drata")}, instance="t")
    shell.configure()
    assert shell.secrets()
    return shell


@pytest.fixture
def full(shell: Shell) -> Shell:
    shell.do(filled)
    return shell


class TestStatus:
    def test_a_new_journal(self, shell: Shell) -> None:
        assert shell.say("status") == (0, "Nothing has been delivered yet.\n")

    def test_lanes_snapshots_and_what_can_be_resumed(self, full: Shell) -> None:
        code, said = full.say("status")
        assert code == 0
        for words in (LANE, "3 queued, the oldest since 20", "1 dead", "parked: the key was refused"):
            assert words in said
        assert f"drata/{KIND} ({LANE})" in said
        assert f"`proofport resume drata/{KIND}`" in said
        last, interrupted = said.split("Last complete snapshots")[1].split("Interrupted;")
        assert "whole  snapshot of cloud_resource to drata" in last
        assert "12,345 records: 12,345 delivered (12,345\n      confirmed)" in last, "wrapped, and still below its run"
        assert "stopped  snapshot" in interrupted
        assert "replaced" not in said, "it can no longer be resumed"

    def test_a_run_with_what_was_tried(self, full: Shell) -> None:
        code, said = full.say("status", "stopped")
        assert code == 0
        assert "interrupted before its end: 500 records had an answer by then" in " ".join(said.split())
        assert "stage_records no answer 10.0 s 9,000 bytes" in said
        assert "no answer in time" in said
        assert "whole" not in said
        assert "replaced by a later run" in full.say("status", "replaced")[1]

    def test_a_lane_with_its_runs(self, full: Shell) -> None:
        code, said = full.say("status", OTHER)
        assert (code, said.count("snapshot of cloud_resource")) == (0, 3)
        assert "upsert_records 400 0.25 s 4,000 bytes" in full.say("status", LANE)[1]

    def test_json(self, full: Shell) -> None:
        code, said = full.say("status", "--json")
        shown = json.loads(said)
        lanes: dict[str, Any] = {lane["lane"]: lane for lane in shown["lanes"]}
        assert (code, lanes[LANE]["queued"], lanes[LANE]["dead"], lanes[OTHER]["queued"]) == (0, 3, 1, 0)
        [snapshot], [interrupted] = shown["snapshots"], shown["interrupted"]
        assert (snapshot["books"], interrupted["run"]) == (REPORT, "stopped")
        [run] = json.loads(full.say("status", "stopped", "--json")[1])["runs"]
        assert (run["batches"], run["inputs"]) == (1, ["i.json"])

    def test_neither_a_run_nor_a_lane(self, full: Shell) -> None:
        code, said = full.say("status", "nobody")
        assert (code, said.splitlines()[0]) == (2, "Error: the journal knows no run or lane named nobody")


class TestResume:
    def test_a_parked_lane_goes_on(self, full: Shell) -> None:
        assert full.say("resume", LANE) == (0, f"drata/{KIND} ({LANE}) goes on.\n")
        assert "parked" not in full.say("status", LANE)[1]

    def test_a_lane_that_is_not_there(self, full: Shell) -> None:
        code, said = full.say("resume", "nobody")
        assert (code, "nobody" in said) == (2, True)


def test_status_tells_of_a_lane_that_breaks_down(full: Shell) -> None:
    async def break_down(journal: Journal) -> None:
        await journal.resume(LANE)
        run = await claimed(journal, LANE)
        await run.later((await run.take(1))[0], 5, Failure("broke_down", "KeyError: 'x'"), broke_down=True)
        await run.release()

    full.do(break_down)
    assert "broke down 1 times at the first delivery" in full.say("status")[1]
    [lane] = [each for each in json.loads(full.say("status", "--json")[1])["lanes"] if each["lane"] == LANE]
    assert lane["broken"] == 1


class TestDeadLetters:
    def test_list(self, full: Shell) -> None:
        code, said = full.say("dead-letter", "list")
        assert (code, said) == (0, f"1  upsert of 1 {KIND} to drata\n    rejected, attempts: 1\n")
        assert json.loads(full.say("dead-letter", "list", "--json", "--lane", LANE)[1])[0]["reason"] == "rejected"
        assert full.say("dead-letter", "list", "--lane", OTHER) == (0, "There is no dead letter.\n")

    def test_all_of_many_are_listed(self, shell: Shell) -> None:
        async def many(journal: Journal) -> None:
            await journal.accept([New(LANE, "drata", KIND, "upsert", b"[]", 0) for _ in range(250)])
            run = await claimed(journal, LANE)
            for delivery in await run.take(250):
                await run.dead(delivery, Failure("rejected"))

        shell.do(many)
        assert len(json.loads(shell.say("dead-letter", "list", "--json")[1])) == 250

    def test_show_gives_evidence_reason_and_both_bodies(self, full: Shell) -> None:
        code, said = full.say("dead-letter", "show", "1")
        letter = json.loads(said)
        [record] = letter["records"]
        assert (code, letter["state"], letter["attempts"]) == (0, "dead", 1)
        assert record["evidence"] == {"id": "openssl", "name": CONTENT}
        assert (record["problem"]["field"], record["problem"]["vendor_message"]) == ("name", "Validation failed")
        assert record["sent"] == {"id": "openssl", "name": "as it was mapped then"}
        assert record["body"] == {"id": "openssl", "name": CONTENT}
        code, said = full.say("dead-letter", "show", "99")
        assert (code, said.splitlines()[0]) == (2, "Error: there is no delivery 99")

    def test_replay_puts_it_at_the_end_of_its_lane(self, full: Shell) -> None:
        assert full.say("dead-letter", "replay", "1", "2") == (2, "1 of 2 queued again: 5\n")
        assert full.states() == [(1, "cancelled"), *((n, "queued") for n in range(2, 6))]
        assert full.say("dead-letter", "replay", "1") == (2, "0 of 1 queued again: none\n")

    def test_replay_as_it_was_takes_the_bodies_along(self, full: Shell) -> None:
        assert full.say("dead-letter", "replay", "1", "--as-it-was") == (0, "1 of 1 queued again: 5\n")
        [again] = full.do(lambda journal: journal.find(Filter(ids=[5])))
        assert unpack_bodies(again.bodies or b"[]") == [b'{"id":"openssl","name":"as it was mapped then"}']

    def test_replay_as_it_was_of_what_never_had_a_body(self, full: Shell) -> None:
        async def refused_by_the_mapping(journal: Journal) -> None:
            await journal.resume(LANE)
            run = await claimed(journal, LANE)
            await run.dead((await run.take(1))[0], Failure("rejected"))

        full.do(refused_by_the_mapping)
        code, said = full.say("dead-letter", "replay", "1", "2", "--as-it-was")
        assert (code, "letter 2 cannot be sent as it was" in " ".join(said.split())) == (2, True)
        assert full.states()[:2] == [(1, "dead"), (2, "dead")]

    def test_drop_keeps_the_reason(self, full: Shell) -> None:
        code, said = full.say("dead-letter", "drop", "1", "--reason", "left the company")
        assert (code, said.splitlines()[0]) == (0, "1 of 1 dropped: 1")
        assert full.states()[0] == (1, "cancelled")
        assert full.say("dead-letter", "drop", "1", "--reason", "again")[0] == 2
        assert json.loads(full.say("dead-letter", "show", "1")[1])["state"] == "cancelled"

    def test_what_is_queued_is_set_aside(self, full: Shell) -> None:
        code, said = full.say("dead-letter", "set-aside", "1", "2", "--reason", "it holds the others up")
        assert (code, said.splitlines()[0]) == (2, "1 of 2 set aside: 2")
        assert full.states() == [(1, "dead"), (2, "dead"), (3, "queued"), (4, "queued")]
        assert "set aside: it holds the others up" in full.say("dead-letter", "list")[1]
        assert full.say("dead-letter", "set-aside", "3", "--reason", " ")[0] == 2
        assert full.say("dead-letter", "replay", "2") == (0, "1 of 1 queued again: 5\n")

    def test_what_was_damaged_is_shown_and_can_be_dropped(self, full: Shell) -> None:
        path = full.folder / ".proofport" / "journal.sqlite3"
        with closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE deliveries SET payload = x'78010000', reason = 'damaged', detail = 'cut' WHERE id = 1")
        letter = json.loads(full.say("dead-letter", "show", "1")[1])
        assert (letter["reason"], letter["records"]) == ("damaged: cut", [])
        code, said = full.say("dead-letter", "drop", "1", "--reason", "it cannot be read")
        assert (code, said.splitlines()[0]) == (0, "1 of 1 dropped: 1")

    def test_drop_needs_a_reason(self, full: Shell) -> None:
        assert full.say("dead-letter", "drop", "1")[0] == 2
        assert full.say("dead-letter", "drop", "1", "--reason", " ")[0] == 2
        assert full.states()[0] == (1, "dead")


def test_a_backup_is_a_journal_and_overwrites_nothing(full: Shell, tmp_path: Path) -> None:
    code, said = full.say("journal", "backup", "copy.sqlite3")
    assert (code, said) == (0, f"copy.sqlite3: {(tmp_path / 'copy.sqlite3').stat().st_size:,} bytes\n")
    full.configure(journal="copy.sqlite3")
    assert "12,345 delivered" in full.say("status")[1]
    assert full.say("journal", "backup", "copy.sqlite3")[0] == 2


def test_a_whole_journal_is_found_to_be_whole(shell: Shell) -> None:
    assert shell.say("journal", "check")[0] == 2, "there is none"
    shell.do(filled)
    code, said = shell.say("journal", "check")
    assert (code, "batch 0: it has 0 outcomes for 500" in said) == (1, True), said
    shell.change("UPDATE batches SET records = 0")
    assert shell.say("journal", "check") == (0, "Nothing is damaged.\n")


def test_a_journal_of_an_older_version_is_checked_and_not_changed(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = shell.folder / ".proofport" / "journal.sqlite3"
    with monkeypatch.context() as patch:
        patch.setattr(database, "MIGRATIONS", database.MIGRATIONS[:9])
        database.create(path)
    code, said = shell.say("journal", "check")
    assert (code, "version 9" in said) == (0, True), said
    assert json.loads(shell.say("journal", "check", "--json")[1]) == {"damage": [], "older_version": 9}
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("PRAGMA user_version").fetchone() == (9,)
    shell.say("status")
    assert shell.say("journal", "check") == (0, "Nothing is damaged.\n")


def test_a_damaged_journal_is_told_and_not_copied(full: Shell) -> None:
    full.change("UPDATE batches SET records = 0", "UPDATE deliveries SET payload = x'5b7b' WHERE id = 3")
    code, said = full.say("journal", "check")
    assert (code, f"damaged: the delivery 3 in the lane {LANE}" in " ".join(said.split())) == (1, True), said
    assert full.say("journal", "backup", "copy.sqlite3")[0] == 0, "the file itself is whole"
    full.change("PRAGMA writable_schema = ON", "UPDATE sqlite_schema SET rootpage = 3 WHERE name = 'deliveries_dead'")
    code, said = full.say("journal", "check", "--json")
    assert (code, len(json.loads(said)["damage"]) > 0) == (1, True), said
    code, said = full.say("journal", "backup", "second.sqlite3")
    assert (code, "damaged" in said) == (1, True), said
    assert not (full.folder / "second.sqlite3").exists()
