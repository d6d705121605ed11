"""Reading back: what counts as seen, what differs, how long it is looked for, and what the run says afterwards."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any, cast

import pytest
from pydantic import JsonValue
from tests.unit.delivery.support import OK, ScriptedSender, Tiny, memory_journal

from proofport.accounting import ACCEPTED, CONFIRMED, Assurance, rejected
from proofport.adapter import Flow, Observed, Page, ReadBack, Resource
from proofport.delivery.lane.payload import decode_outcomes, encode_outcomes, pack
from proofport.delivery.report.report import Exit
from proofport.errors import Problem
from proofport.gateway.verify import Look, Verification, verified
from proofport.http.sender import Sender
from proofport.journal.contract import BatchDone, Filter, Journal, NewDelivery, NewRun, Sent
from proofport.wire import Call

KIND = "device"
LANE = f"tiny/{KIND}"
READ = ReadBack(("id", "email"), ("os", "up", "at", "email"))
BOOKS = {"delivered": 2, "unknown": 0, "assurance": {"accepted": 2, "confirmed": 0, "verified": 0}, "reasons": {}}


class Listing(Tiny):
    """Shows one list of rows after the other, each in pages of two; the last one for ever."""

    def __init__(self, *lists: Sequence[Observed], read: ReadBack = READ) -> None:
        super().__init__(KIND)
        self.lists, self.looks = list(lists), 0
        self.read_back = read
        self.ended_fields: dict[str, JsonValue] = {}

    def rows(self, cursor: str | None) -> Flow[Page]:
        yield Call("list", "GET", "/rows")
        rows, start = self.lists[min(self.looks, len(self.lists) - 1)], int(cursor or 0)
        if start + 2 >= len(rows):
            self.looks += 1
            return Page(rows[start:])
        return Page(rows[start : start + 2], str(start + 2))


async def delivered(books: dict[str, Any] | None = None, **bodies: dict[str, Any]) -> Journal:
    """A journal in which one run delivered these."""
    journal = await memory_journal()
    held = await journal.claim(LANE, owner="me", lease=60)
    assert held is not None
    await held.begin(NewRun("r1", "here", KIND, "upsert"))
    items = [json.dumps({"id": text, **body}).encode() for text, body in bodies.items()]
    sent = Sent(list(bodies), range(10, 10 + len(items)), items=items)
    await held.batch_done("r1", BatchDone(1, 1, 1, len(items), b"", "[]", sent))
    await held.end("r1", complete=True, report=json.dumps(books or BOOKS))
    await held.release()
    return journal


async def verify(journal: Journal, resource: Resource, within: float = 0.0, **how: Any) -> Verification:
    sender = cast(Sender, ScriptedSender(list=OK))
    return await verified("here", resource, journal, sender, within=within, **how)


async def books(journal: Journal) -> dict[str, Any]:
    run = await journal.run("r1", "here")
    assert run is not None
    return dict(json.loads(run.report or ""))


async def test_each_record_is_in_one_of_the_four() -> None:
    journal = await delivered(a={"os": "x"}, b={"os": "x", "up": True}, c={"os": "x"})
    rows = [Observed("a", {"os": "x", "more": 1}), Observed("b", {"os": "y", "up": False}), Observed("z", {"os": "x"})]
    found = await verify(journal, Listing(rows))
    assert (found.seen, found.missing, found.unreadable) == (1, ["c"], 0)
    assert found.different == {"b": {"os": ("x", "y"), "up": (True, False)}}
    assert found.exit_code is Exit.INCOMPLETE
    shown = found.as_dict()
    assert shown["seen_differently"]["records"][0]["fields"]["os"] == {"sent": "x", "shown": "y"}
    assert (shown["not_seen_yet"], shown["seen_as_sent"]) == ({"count": 1, "ids": ["c"]}, 1)


async def test_pages_are_read_to_their_end() -> None:
    bodies = {f"i{n}": {"os": str(n)} for n in range(5)}
    found = await verify(await delivered(**bodies), Listing([Observed(text, body) for text, body in bodies.items()]))
    assert (found.seen, found.exit_code) == (5, Exit.OK)


@pytest.mark.parametrize(
    ("sent", "shown", "same"),
    [
        ("5", 5, True),
        (5, "5", True),
        ("2026-01-31T09:00:00Z", "2026-01-31T09:00:00.000Z", True),
        ("2026-01-31T09:00:00Z", "2026-01-31T10:00:00Z", False),
        (True, "True", False),
        (True, 1, False),
        ("x", None, False),
        (False, None, False),
        ("x", "X", False),
    ],
)
async def test_what_vendors_spell_otherwise_is_the_same(sent: Any, shown: Any, same: bool) -> None:
    found = await verify(await delivered(a={"os": sent}), Listing([Observed("a", {"os": shown})]))
    assert found.seen == same
    assert bool(found.different) == (not same)


async def test_fields_that_were_not_sent_are_not_compared() -> None:
    found = await verify(await delivered(a={"cpu": "never shown"}), Listing([Observed("a", {"up": True})]))
    assert found.seen == 1


async def test_it_looks_again_with_growing_pauses_until_all_is_seen() -> None:
    pauses: list[float] = []
    looks: list[Look] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    old, new = Observed("a", {"os": "old"}), Observed("a", {"os": "x"})
    resource = Listing([], [old], [old], [new])
    found = await verify(
        await delivered(a={"os": "x"}), resource, 100.0, sleep=sleep, clock=lambda: sum(pauses), on_look=looks.append
    )
    assert (found.seen, found.different, found.looks) == (1, {}, 4)
    assert pauses == [1, 2, 4]
    assert looks[-2:] == [Look(0, 1, 4), Look(1, 1, None)]


async def test_it_ends_in_time() -> None:
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    found = await verify(await delivered(a={"os": "x"}), Listing([]), 7.0, sleep=sleep, clock=lambda: sum(pauses))
    assert (found.missing, pauses) == (["a"], [1, 2, 4])
    assert "lists nothing at all" in found.notes[0]


async def test_what_was_seen_once_is_not_missed_in_a_later_page_or_look() -> None:
    async def sleep(seconds: float) -> None:
        pass

    a, b = Observed("a", {"os": "x"}), Observed("b", {"os": "x"})
    journal = await delivered(a={"os": "x"}, b={"os": "x"})
    assert (await verify(journal, Listing([a, a], [b]), 50.0, sleep=sleep, clock=lambda: 0.0)).seen == 2


# ---------------------------------------------------------------------- how rows are found
async def test_a_row_without_our_id_is_found_by_what_else_it_has() -> None:
    journal = await delivered(a={"email": "a@b.co", "os": "x"}, b={"email": "b@b.co", "os": "x"})
    rows = [Observed("", {"email": "a@b.co", "os": "x"}), Observed("other", {"email": "b@b.co", "os": "x"})]
    found = await verify(journal, Listing(rows))
    assert (found.seen, found.missing) == (1, ["b"])


async def test_of_several_that_share_a_field_the_equal_one_is_seen() -> None:
    journal = await delivered(a={"email": "a@b.co", "os": "x"}, b={"email": "a@b.co", "os": "y"})
    found = await verify(journal, Listing([Observed("", {"email": "a@b.co", "os": "y"})]))
    assert (found.seen, found.missing, found.different) == (1, ["a"], {})


async def test_what_has_nothing_to_be_found_by_cannot_be_read_back() -> None:
    journal = await delivered(a={"serial": "S", "os": "x"}, b={"os": "x"})
    resource = Listing([Observed("", {"serial": "S", "os": "x"})], read=ReadBack(("serial",), ("os",)))
    found = await verify(journal, resource)
    assert (found.seen, found.unreadable, found.exit_code) == (1, 1, Exit.OK)


async def test_a_kind_that_cannot_be_read_back_is_counted_and_asked_for_nothing() -> None:
    """Nothing was verified, and nobody may take that for a success."""
    found = await verify(await delivered(a={}, b={}), Tiny(KIND))
    assert (found.unreadable, found.looks, found.exit_code) == (2, 0, Exit.INCOMPLETE)
    assert "cannot compare" in found.notes[0]


async def test_nothing_delivered_is_said() -> None:
    found = await verify(await delivered(), Listing([]))
    assert (found.exit_code, found.notes[0]) == (Exit.OK, f"Nothing of {KIND} was delivered to here from here.")


# ---------------------------------------------------------------------- what was removed
async def test_what_was_removed_is_to_say_so() -> None:
    journal = await removed("b", "c", "d", **{text: {"os": "x", "up": True} for text in "abcd"})
    rows = [Observed("a", {"os": "x", "up": True}), Observed("b", {"up": False}), Observed("c", {"up": True})]
    resource = Listing(rows)
    resource.ended_fields = {"up": False}
    found = await verify(journal, resource)
    assert (found.seen, found.different, found.missing) == (2, {"c": {"up": (False, True)}}, ["d"])
    run = await journal.run("r2", "here")
    assert run is not None
    assert json.loads(run.report or "")["assurance"] == {"accepted": 2, "confirmed": 0, "verified": 1}
    assert (await books(journal))["assurance"]["verified"] == 1


@pytest.mark.parametrize(("ends", "unreadable"), [({"gone": True}, 1), ({}, 0)])
async def test_what_cannot_say_so_is_not_looked_for(ends: dict[str, JsonValue], unreadable: int) -> None:
    resource = Listing([Observed("a", {"os": "x"})])
    resource.ended_fields = ends
    found = await verify(await removed("b", a={"os": "x"}, b={"os": "x"}), resource)
    assert (found.seen, found.unreadable, found.exit_code) == (1, unreadable, Exit.OK)


async def removed(*ids: str, **bodies: dict[str, Any]) -> Journal:
    """A journal in which a second run removed some of what the first had delivered."""
    journal = await delivered(**bodies)
    held = await journal.claim(LANE, owner="me", lease=60)
    assert held is not None
    await held.begin(NewRun("r2", "here", KIND, "remove"))
    await held.batch_done("r2", BatchDone(1, 1, 1, len(ids), b"", "[]", Sent(ids)))
    report = {**BOOKS, "delivered": len(ids), "assurance": {"accepted": len(ids), "confirmed": 0, "verified": 0}}
    await held.end("r2", complete=True, report=json.dumps(report))
    await held.release()
    return journal


# ---------------------------------------------------------------------- the queue
async def test_the_delivery_says_which_of_its_records_were_verified() -> None:
    journal = await memory_journal()
    records = [{"id": text} for text in ("a", "no", "b", "c")]
    new = NewDelivery(LANE, "here", KIND, "upsert", pack(records), 4)
    (number,) = (await journal.accept([new])).ids
    held = await journal.claim(LANE, owner="me", lease=60)
    assert held is not None
    outcome = encode_outcomes([ACCEPTED, rejected(Problem("bad", "good")), ACCEPTED, CONFIRMED])
    sent = Sent(["a", "b", "c"], [5, 6, 7], items=[b'{"os":"x"}', b'{"os":"y"}', b'{"os":"z"}'])
    await held.done((await held.take(1))[0], outcome, sent=sent)
    for _ in range(2):
        rows = [Observed("b", {"os": "y"}), Observed("a", {"os": "old"}), Observed("c", {"os": "z"})]
        await verify(journal, Listing(rows))
    (delivery,) = await journal.find(Filter(ids=(number,)))
    ends = decode_outcomes(delivery.outcome or "")
    assert [end.assurance for end in ends] == [Assurance.ACCEPTED, None, Assurance.VERIFIED, Assurance.CONFIRMED]


# ---------------------------------------------------------------------- the run
def rows(*texts: str) -> Iterator[Observed]:
    return (Observed(text, {"os": "x"}) for text in texts)


async def test_the_run_says_what_was_verified_once() -> None:
    journal = await delivered(a={"os": "x"}, b={"os": "x"})
    for texts, expected in ((["a"], 1), (["a"], 1), (["a", "b"], 2), (["b"], 2)):
        await verify(journal, Listing(list(rows(*texts))))
        assert (await books(journal))["assurance"] == {"accepted": 2 - expected, "confirmed": 0, "verified": expected}
        assert (await books(journal))["delivered"] == 2


async def test_what_had_to_be_verified_is_delivered_when_it_is() -> None:
    required = {**BOOKS, "delivered": 0, "unknown": 2, "reasons": {"not_verified": 2}}
    required["assurance"] = {"accepted": 0, "confirmed": 0, "verified": 0}
    journal = await delivered(required, a={"os": "x"}, b={"os": "x"})
    await verify(journal, Listing(list(rows("a"))))
    found = await books(journal)
    assert (found["delivered"], found["unknown"], found["reasons"]) == (1, 1, {"not_verified": 1})
    assert found["assurance"] == {"accepted": 0, "confirmed": 0, "verified": 1}


async def test_an_empty_value_finds_no_row() -> None:
    """Bodies of earlier versions may have one. No row is looked for, and none is called missing."""
    journal = await delivered(a={"email": ""}, b={"email": "b@example.com"})
    resource = Listing([Observed("", {"email": "b@example.com"})], read=ReadBack(("email",), ()))
    result = await verify(journal, resource)
    assert (result.seen, result.missing, result.unreadable) == (1, [], 1)
