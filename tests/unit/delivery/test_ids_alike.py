"""One id in several spellings: one record at the vendor, under its first spelling, in a run and over runs."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.unit.delivery.queues import Queue
from tests.unit.delivery.runs import AsIs, Vendor, counts, problems, push, write
from tests.unit.delivery.support import (
    KIND,
    EndingTiny,
    ScriptedSender,
    StagedTiny,
    Tiny,
    WholeTiny,
    memory_journal,
    reply,
)

from proofport.delivery.ids.same import key_of
from proofport.delivery.lane.payload import pack
from proofport.delivery.report.report import Exit
from proofport.delivery.snapshot.guard import Terms
from proofport.journal.contract import BatchDone, Journal, NewDelivery, NewRun, Sent
from proofport.wire import Call, Reply

pytestmark = pytest.mark.usefixtures("folder")
ANYTHING = Terms(1.0, 99, "what is tested is not the guard")


class Folding(AsIs):
    """Reads a source whose mapping says `compare: fold`."""

    folds = True


class Held(Vendor):
    """A vendor that keeps what it is sent, by the letters of the id."""

    def __init__(self, made: type[Tiny] = Tiny, *ids: str, **options: Any) -> None:
        self.live = dict.fromkeys(ids, 0)
        self.staged: dict[str, int] = {}
        answers = {
            "send_records": self._send,
            "replace_records": self._replace,
            "end_records": self._end,
            "list_records": lambda _: reply({"ids": sorted(self.live), "next": None}),
            "open_set": self._open,
            "complete_set": self._complete,
        }
        super().__init__(ScriptedSender(**answers), made, **options)

    def _send(self, call: Call) -> Reply:
        rows = json.loads(call.body or b"")
        held = self.staged if self.made is StagedTiny else self.live
        if call.operation == "send_records" and call.destructive:
            for row in rows:
                held.pop(row["id"], None)
        else:
            held.update((row["id"], row.get("v", 0)) for row in rows)
        return reply(["ok"] * len(rows))

    def _replace(self, call: Call) -> Reply:
        self.live = {}
        return self._send(call)

    def _end(self, call: Call) -> Reply:
        ids = json.loads(call.body or b"")
        for record_id in ids:
            del self.live[record_id]
        return reply(["ok"] * len(ids))

    def _open(self, call: Call) -> Reply:
        self.staged = {}
        return Reply(200, body=b"{}")

    def _complete(self, call: Call) -> Reply:
        self.live = self.staged
        return Reply(200, body=b"{}")


async def snapshot(vendor: Held, journal: Journal, ids: Sequence[str], **how: Any) -> Any:
    how = {"terms": ANYTHING, "mode": "snapshot", **how}
    return await push(write("a.ndjson", *({"id": each} for each in ids)), journal=journal, here=vendor, **how)


# ------------------------------------------------------------------ in one run
@pytest.mark.parametrize(
    ("first", "second", "decoder"),
    [
        ("ana@example.com", "Ana@Example.com ", None),
        ("Ana@Example.com/course", "ana@example.com /course", None),
        ("e-1", "\u00a0e-1\t", None),
        ("/subscriptions/1/resourceGroups/SHOP/vm", "/subscriptions/1/resourcegroups/shop/vm", Folding()),
    ],
)
async def test_the_second_of_two_spellings_is_a_duplicate_that_names_the_first(
    first: str, second: str, decoder: Any
) -> None:
    here = Held()
    report = await push(write("a.ndjson", {"id": "x"}, {"id": first}, {"id": second}), decoder=decoder, here=here)
    assert (counts(report), list(here.live)) == ({"delivered": 2, "rejected": 1}, ["x", first])
    [(place, record_id, problem)] = problems(report)
    assert (place, record_id) == ("a.ndjson:3", second)
    assert "an id that a.ndjson:2 already has" in problem
    assert "case where it does not count" in problem


async def test_case_counts_where_nothing_says_that_it_does_not() -> None:
    here = Held()
    report = await push(write("a.ndjson", {"id": "vm-1"}, {"id": "VM-1"}, {"id": "a@B"}, {"id": "A@b"}), here=here)
    assert (counts(report), list(here.live)) == ({"delivered": 4}, ["vm-1", "VM-1", "a@B", "A@b"])


# ------------------------------------------------------------------ over runs
@pytest.mark.parametrize("made", [Tiny, EndingTiny, StagedTiny, WholeTiny])
@pytest.mark.parametrize("decoder", [None, Folding()])
async def test_a_flip_is_neither_gone_nor_added_and_the_first_spelling_is_sent(made: type[Tiny], decoder: Any) -> None:
    here, journal = Held(made, keeps_bodies=True), await memory_journal()
    for ids in (["Ana@Example.com", " e-1"], ["ana@example.com", "e-1 "], ["ANA@example.com", "e-1"]):
        report = await snapshot(here, journal, ids, decoder=decoder)
        assert (report.exit_code, sorted(here.live)) == (Exit.OK, [" e-1", "Ana@Example.com"])
        assert report.destinations["here"].gone.count == 0
    plan = await snapshot(here, journal, ["ana@EXAMPLE.com", "e-1", "new"], plan=True, decoder=decoder)
    books = plan.destinations["here"]
    assert (books.difference.added.ids, books.gone.count) == (["new"], 0)


@pytest.mark.parametrize("made", [EndingTiny, StagedTiny, WholeTiny])
async def test_who_leaves_is_named_and_ended_under_the_first_spelling(made: type[Tiny]) -> None:
    here, journal = Held(made, keeps_bodies=True), await memory_journal()
    await snapshot(here, journal, ["Ana@Example.com", "bo"])
    await snapshot(here, journal, ["ana@example.com", "bo"])
    report = await snapshot(here, journal, ["bo "])
    assert (report.destinations["here"].gone.ids, list(here.live)) == (["Ana@Example.com"], ["bo"])


async def test_a_removal_finds_the_record_however_the_id_is_written() -> None:
    here, journal = Held(), await memory_journal()
    await snapshot(here, journal, ["Ana@Example.com", "bo"], mode="upsert")
    report = await snapshot(here, journal, ["ana@example.com "], mode="remove")
    assert (counts(report), list(here.live)) == ({"delivered": 1}, ["bo"])
    assert await journal.known_count(f"here/{KIND}", KIND) == 1


async def test_the_first_spelling_ends_with_the_record() -> None:
    here, journal = Held(), await memory_journal()
    for mode, record_id in (("upsert", "Ana@x.io"), ("remove", "ana@x.io"), ("upsert", "ANA@x.io")):
        await snapshot(here, journal, [record_id], mode=mode)
    assert list(here.live) == ["ANA@x.io"]


async def test_an_unchanged_record_is_found_under_another_spelling() -> None:
    here, journal = Held(), await memory_journal()
    await snapshot(here, journal, ["Ana@x.io"], mode="upsert")
    report = await snapshot(here, journal, ["ana@x.io"], mode="upsert", skip_unchanged=True)
    assert counts(report) == {"unchanged": 1}


async def test_a_source_that_does_not_fold_may_stand_beside_one_that_does() -> None:
    here, journal = Held(EndingTiny), await memory_journal()
    files = [write("a.ndjson", {"id": "Fn"}, {"id": "fn"}), write("b.ndjson", {"id": "/RG/vm"})]
    for other in ("/RG/vm", "/rg/vm", "/Rg/VM"):
        write("b.ndjson", {"id": other})
        report = await push_of_both(here, journal, files)
        assert (sorted(here.live), report.destinations["here"].gone.count) == (["/RG/vm", "Fn", "fn"], 0)


async def push_of_both(here: Held, journal: Journal, files: Sequence[str]) -> Any:
    plain, folding = AsIs(), Folding()
    return await push(files, mode="snapshot", terms=ANYTHING, journal=journal, decoders=[plain, folding], here=here)


@pytest.mark.parametrize("plan", [False, True])
async def test_what_is_gone_and_there_in_another_case_is_pointed_out(plan: bool) -> None:
    here, journal = Held(EndingTiny), await memory_journal()
    await snapshot(here, journal, ["/RG/vm", "/RG/db", "x"])
    report = await snapshot(here, journal, ["/rg/vm", "/rg/new"], plan=plan)
    assert report.destinations["here"].gone.ids == ["/RG/db", "/RG/vm", "x"]
    [note] = [note for note in report.destinations["here"].notes if "compare: fold" in note]
    assert note.startswith("In another case, the set holds 1 of what is gone: /RG/vm.")


# ------------------------------------------------------------------ what was there before
async def of_an_older_version(journal: Journal, *ids: str, keyed: bool = False) -> None:
    """Write ids as they came, as versions did that did not compare by keys."""
    run = await journal.claim(f"here/{KIND}", owner="old", lease=9)
    assert run is not None
    await run.begin(NewRun("old", "here", KIND, "upsert"))
    sent = Sent(ids, [9] * len(ids), items=[json.dumps({"id": each}).encode() for each in ids])
    await run.batch_done("old", BatchDone(0, 1, len(ids), len(ids), b"", "[]", sent))
    await run.end("old", complete=True, report="{}")
    if not keyed:
        with closing(sqlite3.connect(cast(Any, journal).path)) as db:
            db.execute("UPDATE sets SET keyed = 0")
            db.commit()
    await run.release()


async def test_a_migrated_journal_gets_its_keys_by_the_same_rule() -> None:
    here, journal = Held(EndingTiny, "Ana@x.io", " e-1", "E-2", keeps_bodies=True), await memory_journal()
    await of_an_older_version(journal, "Ana@x.io", " e-1", "E-2")
    plan = await snapshot(here, journal, ["ana@x.io", "e-1", "E-2"], plan=True)
    assert (plan.destinations["here"].difference.added.count, plan.destinations["here"].gone.count) == (0, 0)
    report = await snapshot(here, journal, ["ana@x.io", "e-1", "E-2"])
    assert (report.destinations["here"].gone.count, sorted(here.live)) == (0, [" e-1", "Ana@x.io", "E-2"])
    lane = f"here/{KIND}", KIND
    assert await journal.spellings(*lane, ["ana@x.io", "e-1", "E-2"]) == ["Ana@x.io", " e-1", None]
    assert await journal.bodies(*lane, ["ana@x.io", "Ana@x.io"]) == [b'{"id":"Ana@x.io"}', None]
    assert (await journal.spelling_state(*lane)).keyed


@pytest.mark.parametrize(("decoder", "twins"), [(None, ("Ana@x.io", "ana@x.io")), (Folding(), ("/RG/vm", "/rg/vm"))])
async def test_two_old_ids_that_meet_in_one_key_are_reported_and_neither_is_ended(
    decoder: Any, twins: tuple[str, str]
) -> None:
    here, journal = Held(EndingTiny, *twins, "bo", keeps_bodies=True), await memory_journal()
    await of_an_older_version(journal, *twins, "bo", keyed=decoder is not None)
    for written in (twins[1], twins[0], twins[1].upper()):
        report = await snapshot(here, journal, [written, "bo"], decoder=decoder)
        assert (sorted(here.live), report.destinations["here"].gone.count) == (sorted([*twins, "bo"]), 0)
        [note] = [note for note in report.destinations["here"].notes if "one now" in note]
        assert all(repr(each) in note for each in twins)
    report = await snapshot(here, journal, [twins[0]], mode="remove", decoder=decoder)
    assert sorted(here.live) == sorted([twins[1], "bo"])
    report = await snapshot(here, journal, [twins[0], "bo"], decoder=decoder)
    assert sorted(here.live) == sorted([twins[1], "bo"])
    assert not [note for note in report.destinations["here"].notes if "one now" in note]


async def test_a_mapping_that_folds_from_today_finds_what_it_did_not_fold_yesterday() -> None:
    here, journal = Held(EndingTiny), await memory_journal()
    await snapshot(here, journal, ["/RG/vm", "/RG/Db"])
    report = await snapshot(here, journal, ["/rg/vm", "/rg/db"], decoder=Folding())
    assert (sorted(here.live), report.destinations["here"].gone.count) == (["/RG/Db", "/RG/vm"], 0)
    report = await snapshot(here, journal, ["/rg/vm"], decoder=Folding())
    assert (list(here.live), report.destinations["here"].gone.ids) == (["/RG/vm"], ["/RG/Db"])


# ------------------------------------------------------------------ the queue
async def test_queued_deliveries_send_the_first_spelling() -> None:
    queue = Queue()
    here = queue.vendors["here"] = Held()
    here.host = "here"
    await queue.accept({"id": "Ana@x.io", "v": 1}, {"id": "ana@x.io ", "v": 2})
    await queue.accept({"id": "ANA@x.io", "v": 3}, {"id": "e-1"})
    for record_id in ("/RG/vm", "/rg/vm"):
        await accept_folding(queue, {"id": record_id})
    await queue.work()
    await queue.accept({"id": "ana@X.io", "v": 4})
    await queue.work()
    assert here.live == {"Ana@x.io": 4, "e-1": 0, "/RG/vm": 0}
    await queue.accept({"id": "ana@x.io"}, mode="remove")
    await queue.work()
    assert list(here.live) == ["e-1", "/RG/vm"]


async def accept_folding(queue: Queue, *records: dict[str, Any]) -> None:
    payload = pack(records, fold=True)
    await queue.journal.accept([NewDelivery(f"here/{KIND}", "here", KIND, "upsert", payload, len(records))])


# ------------------------------------------------------------------ whatever comes
PEOPLE = ["ana@x.io", "bo@x.io", "e-1", "E-1", "ana@x.io/a"]
BLANKS = st.sampled_from(["", " ", "\t", "\u00a0"])


@st.composite
def spelled(draw: st.DrawFn, *, fold: bool) -> str:
    text = draw(st.sampled_from(PEOPLE))
    if "@" in text or fold:
        head, slash, tail = text.partition("/")
        flipped = draw(st.lists(st.booleans(), min_size=len(head), max_size=len(head)))
        text = "".join(c.upper() if up else c for c, up in zip(head, flipped, strict=True)) + slash + tail
    return draw(BLANKS) + text + draw(BLANKS)


@pytest.mark.parametrize("made", [EndingTiny, StagedTiny, WholeTiny])
@pytest.mark.parametrize("fold", [False, True])
def test_whatever_is_flipped_the_vendor_holds_each_record_once(made: type[Tiny], fold: bool) -> None:
    @settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(st.lists(st.lists(spelled(fold=fold), min_size=1, max_size=6), min_size=1, max_size=4))
    def check(sets: list[list[str]]) -> None:
        asyncio.run(_hold_each_once(made, sets, fold=fold))

    check()


async def _hold_each_once(made: type[Tiny], sets: list[list[str]], *, fold: bool) -> None:
    here, journal = Held(made, keeps_bodies=True), await memory_journal()
    first: dict[str, str] = {}
    for ids in sets:
        keys = [key_of(each, fold=fold) for each in ids]
        gone = [spelling for key, spelling in first.items() if key not in keys]
        first = {key: first.get(key, spelling) for key, spelling in zip(reversed(keys), reversed(ids), strict=True)}
        report = await snapshot(here, journal, ids, decoder=Folding() if fold else None)
        assert counts(report).get("rejected", 0) == len(ids) - len(first)
        assert sorted(here.live) == sorted(first.values())
        assert sorted(report.destinations["here"].gone.ids) == sorted(gone)
    await journal.close()
