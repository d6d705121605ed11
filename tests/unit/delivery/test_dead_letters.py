"""Records of queued deliveries that were rejected: set aside with the bodies that were sent, and sent again."""

from __future__ import annotations

import json
from typing import Any

import pytest
from tests.unit.delivery.queues import Queue, ends, ids
from tests.unit.delivery.support import Plain, all_ok, reply

from proofport.delivery.lane.payload import decode_outcomes, unpack_bodies
from proofport.delivery.queue.deliveries import replayed
from proofport.errors import UsageError
from proofport.evidence import Neutral
from proofport.journal.contract import Filter
from proofport.wire import Reply


async def test_the_rejected_part_becomes_a_dead_letter_of_its_own(queue: Queue) -> None:
    queue.vendor(reply(["ok", "no", "ok"]))
    await queue.accept({"id": "1"}, {"id": "2"}, {"id": "huge", "huge": 1}, {"id": "4"})
    await queue.work()
    whole, letter = await queue.all()
    assert (whole.state, ends(whole)) == ("done", ["delivered", "rejected", "rejected", "delivered"])
    assert (letter.state, letter.records, ends(letter)) == ("dead", 2, ["rejected", "rejected"])
    assert [record["id"] for record in json.loads(letter.payload)] == ["2", "huge"]
    assert letter.failure is not None
    assert [outcome.problem.field for outcome in decode_outcomes(letter.failure.detail) if outcome.problem] == [
        None,
        "huge",
    ]


async def test_a_delivery_that_is_rejected_as_a_whole_is_dead_and_the_next_goes_on(queue: Queue) -> None:
    here = queue.vendor(Reply(422), all_ok, max_records=2)
    await queue.accept({"id": "1"}, {"id": "2"})
    await queue.accept({"id": "3"})
    await queue.work()
    assert await queue.states() == ["dead", "done"]
    dead = (await queue.all())[0]
    assert dead.failure is not None
    assert (dead.failure.reason, ends(dead)) == ("rejected", ["rejected", "rejected"])
    assert ids(here)[2:] == ["3"]


async def test_what_cannot_be_written_as_json_is_rejected_and_holds_nobody_up(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1", "odd": 1}, {"id": "2"})
    await queue.work()
    whole, letter = await queue.all()
    assert (whole.state, letter.state, ids(here)) == ("done", "dead", ["2"])


async def test_nothing_is_sent_of_a_delivery_that_has_no_body(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1", "huge": 1})
    await queue.work()
    assert (await queue.states(), here.sender.calls) == (["dead"], [])


async def test_an_older_state_becomes_a_dead_letter(queue: Queue) -> None:
    here = queue.vendor()
    await queue.accept({"id": "1", "observed_at": "2026-01-05T00:00:00Z"})
    await queue.accept({"id": "1", "observed_at": "2026-01-04T00:00:00Z"}, {"id": "2"})
    await queue.work()
    assert ids(here) == ["1", "2"]
    newer, mixed, letter = await queue.all()
    assert (newer.state, mixed.state, letter.state) == ("done", "done", "dead")
    assert letter.failure is not None
    assert "2026-01-05T00:00:00Z" in letter.failure.detail


async def test_a_replayed_letter_is_delivered_behind_the_others(queue: Queue) -> None:
    here = queue.vendor(Reply(422), all_ok, max_records=1)
    letter = await queue.accept({"id": "1"})
    await queue.accept({"id": "2"})
    await queue.work()
    await queue.journal.replay(Filter(ids=[letter]))
    await queue.work()
    assert ids(here)[1:] == ["2", "1"]
    assert await queue.states() == ["cancelled", "done", "done"]


class Versioned(Plain):
    """A mapping that is corrected at some time."""

    version = 1

    def __call__(self, neutral: Neutral) -> dict[str, Any]:
        return {**super().__call__(neutral), "version": self.version}


@pytest.mark.parametrize("as_it_was", [True, False])
async def test_a_letter_goes_out_again_as_it_was_or_as_it_is_mapped_now(queue: Queue, as_it_was: bool) -> None:
    here = queue.vendor(reply(["ok", "no"]), Reply(422), all_ok, max_records=2)
    queue.mapping = Versioned()
    await queue.accept({"id": "1"}, {"id": "2", "e": 1e22, "text": "\u00e9"})
    await queue.accept({"id": "3", "gone": None})
    await queue.work()
    [part, whole] = await queue.journal.find(Filter(state="dead"))
    assert {part.records, whole.records} == {1}
    sent = b"".join(call.body or b"" for call in here.sender.calls)
    before = [body for letter in (part, whole) for body in unpack_bodies(letter.bodies or b"[]")]
    assert all(body is not None and body in sent for body in before)
    queue.mapping.version = 2
    await replayed(queue.journal, Filter(ids=[part.id, whole.id]), as_it_was=as_it_was)
    await queue.work()
    again = [call.body for call in here.sender.calls[2:]]
    if as_it_was:
        assert again == [b"[" + body + b"]" for body in before if body], "each alone"
    else:
        assert len(again) == 1
        assert json.loads(again[0] or b"") == [
            {"id": "3", "gone": None, "version": 2},
            {"id": "2", "e": 1e22, "text": "\u00e9", "version": 2},
        ]
    assert (await queue.states()).count("done") == 3


async def test_a_letter_that_is_refused_again_keeps_the_body_that_was_sent_again(queue: Queue) -> None:
    queue.vendor(Reply(422))
    queue.mapping = Versioned()
    await queue.accept({"id": "1"})
    await queue.work()
    queue.mapping.version = 2
    for _ in range(2):
        await replayed(queue.journal, Filter(state="dead"), as_it_was=True)
        await queue.work()
    [letter] = await queue.journal.find(Filter(state="dead"))
    assert unpack_bodies(letter.bodies or b"[]") == [b'{"id":"1","version":1}']


async def test_what_never_had_a_body_is_not_sent_as_it_was(queue: Queue) -> None:
    here = queue.vendor(reply(["ok", "no"]), all_ok)
    await queue.accept({"id": "1"}, {"id": "2"}, {"id": "huge", "huge": 1})
    await queue.accept({"id": "huge", "huge": 1})
    await queue.work()
    none, part = await queue.journal.find(Filter(state="dead"))
    assert unpack_bodies(part.bodies or b"[]") == [b'{"id":"2"}', None]
    assert none.bodies is None
    for letter, found in ((part, "1 of its 2"), (none, "1 of its 1")):
        with pytest.raises(UsageError, match=f"letter {letter.id} cannot be sent as it was: {found}"):
            await replayed(queue.journal, Filter(ids=[letter.id]), as_it_was=True)
    assert (await queue.states()).count("dead") == 2
    await queue.journal.replay(Filter(ids=[part.id]), as_it_was=True)
    await queue.work()
    _, rest = await queue.journal.find(Filter(state="dead"))
    assert (ids(here), rest.records, rest.bodies) == (["1", "2", "2"], 1, None)
    assert "the mapping refused this record" in ((rest.failure and rest.failure.detail) or "")


async def test_a_removal_is_replayed_as_it_was_by_its_ids(queue: Queue) -> None:
    here = queue.vendor(Reply(422), all_ok)
    letter = await queue.accept({"id": "1"}, mode="remove")
    await queue.work()
    await replayed(queue.journal, Filter(ids=[letter]), as_it_was=True)
    await queue.work()
    assert [call.body for call in here.sender.calls] == [b'[{"id":"1"}]'] * 2
    assert await queue.states() == ["cancelled", "done"]


async def test_two_records_of_one_id_go_out_again_each_as_it_was(queue: Queue) -> None:
    here = queue.vendor(Reply(422), Reply(422), all_ok)
    letter = await queue.accept({"id": "1", "n": 1}, {"id": "1", "n": 2})
    await queue.work()
    await replayed(queue.journal, Filter(ids=[letter]), as_it_was=True)
    await queue.work()
    bodies = [json.loads(call.body or b"") for call in here.sender.calls]
    assert bodies == [[{"id": "1", "n": 1}], [{"id": "1", "n": 2}]] * 2
