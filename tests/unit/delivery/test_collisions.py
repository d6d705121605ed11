"""Two records that are one at the vendor: the later is refused by name, and a repeated vendor id confirms nothing."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from tests.unit.delivery.queues import Queue
from tests.unit.delivery.runs import Vendor, counts, problems, push, write
from tests.unit.delivery.support import EndingTiny, ScriptedSender, Tiny, all_ok, expect_ok, memory_journal, reply

from proofport.accounting import CONFIRMED, Outcome
from proofport.adapter import Batch, Flow, Job, Matches, Memory, Mode
from proofport.delivery.lane.payload import decode_outcomes
from proofport.delivery.report.report import Exit
from proofport.wire import Call

pytestmark = pytest.mark.usefixtures("folder")


class MatchingTiny(EndingTiny, Matches):
    """Matches on a serial number and on each of some addresses."""

    def matched_on(self, body: bytes) -> Sequence[tuple[str, str]]:
        thing = json.loads(body)
        serial = [("serial", thing["serial"])] if "serial" in thing else []
        return [*serial, *(("address", each) for each in thing.get("addresses", ()))]


class NumberedTiny(Tiny):
    """Answers with its own number of each record."""

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        answer = yield Call("send_records", "POST", "/records", body=b"[" + b",".join(batch.bodies) + b"]")
        expect_ok(answer)
        return [Outcome(CONFIRMED.status, CONFIRMED.assurance, vendor_id=number) for number in answer.json()]


def thing(record_id: str, serial: str | None = None, *addresses: str) -> dict[str, Any]:
    found: dict[str, Any] = {"id": record_id}
    if serial is not None:
        found["serial"] = serial
    return {**found, **({"addresses": addresses} if addresses else {})}


def numbered(*numbers: str) -> Vendor:
    return Vendor(ScriptedSender(send_records=[reply([each]) for each in numbers]), NumberedTiny, max_records=1)


class TestBeforeSending:
    async def test_the_later_of_two_is_refused_and_both_are_named(self) -> None:
        one = write("one.ndjson", thing("a", "S1"), thing("b", "S2"))
        two = write("two.ndjson", thing("c"), thing("d", "S1"))
        vendor = Vendor(made=MatchingTiny)
        report = await push([one, two], here=vendor)
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 3, "rejected": 1})
        ((position, record_id, words),) = problems(report)
        assert (position, record_id) == ("two.ndjson:2", "d")
        assert "serial" in words
        assert "a at one.ndjson:1" in words
        assert [each["id"] for each in vendor.received()] == ["a", "b", "c"]

    async def test_one_shared_value_of_several_is_enough(self) -> None:
        given = write("i.ndjson", thing("a", "S1", "m1", "m2"), thing("b", "S2", "m3", "m2"))
        report = await push(given, here=Vendor(made=MatchingTiny))
        assert counts(report) == {"delivered": 1, "rejected": 1}

    async def test_the_same_value_of_another_field_is_another(self) -> None:
        given = write("i.ndjson", thing("a", "X"), thing("b", None, "X"))
        assert counts(await push(given, here=Vendor(made=MatchingTiny))) == {"delivered": 2}

    async def test_a_record_that_is_refused_keeps_nothing_from_others(self) -> None:
        """`c` shares its address only with `b`, which is not sent."""
        given = write("i.ndjson", thing("a", "S1"), thing("b", "S1", "m2"), thing("c", "S3", "m2"))
        vendor = Vendor(made=MatchingTiny)
        report = await push(given, here=vendor)
        assert [record_id for _, record_id, _ in problems(report)] == ["b"]
        assert [each["id"] for each in vendor.received()] == ["a", "c"]

    @pytest.mark.parametrize("plan", [True, False])
    async def test_a_plan_and_a_dry_run_say_the_same(self, plan: bool) -> None:
        given = write("i.ndjson", thing("a", "S1"), thing("b", "S1"))
        pushed = problems(await push(given, here=Vendor(made=MatchingTiny)))
        looked = await push(given, here=Vendor(made=MatchingTiny), plan=plan, dry_run=not plan)
        assert problems(looked) == pushed != []

    async def test_a_refused_record_is_not_gone(self) -> None:
        """It was delivered before, and is in the new set, too."""
        journal, vendor = await memory_journal(), Vendor(made=MatchingTiny)
        await push(write("i.ndjson", thing("a", "S1"), thing("b", "S2")), here=vendor, journal=journal, mode="snapshot")
        again = write("i.ndjson", thing("a", "S1"), thing("b", "S1"))
        report = await push(again, here=vendor, journal=journal, mode="snapshot")
        assert report.destinations["here"].gone.count == 0
        assert "end_records" not in vendor.sender.operations

    async def test_a_removal_shares_nothing(self) -> None:
        given = write("i.ndjson", thing("a", "S1"), thing("b", "S1"))
        assert counts(await push(given, here=Vendor(made=MatchingTiny), mode="remove")) == {"delivered": 2}

    async def test_a_vendor_that_matches_on_ids_alone_gets_both(self) -> None:
        given = write("i.ndjson", thing("a", "S1"), thing("b", "S1"))
        assert counts(await push(given, here=Vendor(), matching=Vendor(made=MatchingTiny))) == {"delivered": 2}


class TestByTheVendorsId:
    async def test_a_repeated_id_confirms_nothing(self) -> None:
        given = write("i.ndjson", thing("a"), thing("b"), thing("c"))
        report = await push(given, here=numbered("1", "2", "1"))
        assert (report.exit_code, counts(report)) == (Exit.INCOMPLETE, {"delivered": 2, "unknown": 1})
        ((position, record_id, words),) = problems(report)
        assert (position, record_id) == ("i.ndjson:3", "c")
        assert "id 1" in words
        assert "a at i.ndjson:1" in words
        assert report.destinations["here"].problems[0].outcome.reason == "same_at_vendor"

    async def test_what_is_in_doubt_is_sent_again(self) -> None:
        journal = await memory_journal()
        given = write("i.ndjson", thing("a"), thing("b"))
        await push(given, here=numbered("1", "1"), journal=journal)
        again = numbered("2")
        report = await push(given, here=again, journal=journal, skip_unchanged=True)
        assert counts(report) == {"delivered": 1, "unchanged": 1}
        assert [each["id"] for each in again.received()] == ["b"]

    async def test_another_run_may_get_it_again(self) -> None:
        journal = await memory_journal()
        for _ in range(2):
            assert counts(await push(write("i.ndjson", thing("a")), here=numbered("1"), journal=journal)) == {
                "delivered": 1
            }


class TestQueue:
    async def test_of_one_delivery_the_later_becomes_a_dead_letter(self, queue: Queue) -> None:
        vendor = queue.vendor(made=MatchingTiny)
        await queue.accept(thing("a", "S1"), thing("b", "S1"))
        await queue.work()
        assert [each["id"] for each in vendor.received()] == ["a"]
        (letter,) = [each for each in await queue.all() if each.state == "dead"]
        assert letter.failure is not None
        (outcome,) = decode_outcomes(letter.failure.detail)
        assert "a at record 1 of delivery 1" in str(outcome.problem)

    async def test_a_later_submission_may_take_over_what_an_earlier_one_had(self, queue: Queue) -> None:
        """A machine that was enrolled again has a new id: its later state is not refused for the earlier one."""
        vendor = queue.vendor(all_ok, made=MatchingTiny)
        await queue.accept(thing("a", "S1"))
        await queue.accept(thing("b", "S1"))
        await queue.work()
        assert [each["id"] for each in vendor.received()] == ["a", "b"]
        assert await queue.states() == ["done", "done"]


@pytest.mark.parametrize("mode", ["upsert", "snapshot"])
async def test_a_resumed_run_knows_the_ids_of_its_first_part(mode: Mode) -> None:
    """The first answer was noted before the run was cut off; it is not asked for again."""
    journal = await memory_journal()
    given = write("i.ndjson", thing("a"), thing("b"))
    cut = Vendor(ScriptedSender(send_records=[reply(["1"]), reply({}, 401)]), NumberedTiny, max_records=1)
    first = await push(given, here=cut, journal=journal, mode=mode, run_id="r")
    assert first.exit_code is Exit.BLOCKED
    rest = Vendor(ScriptedSender(send_records=reply(["1"])), NumberedTiny, max_records=1)
    report = await push(given, here=rest, journal=journal, mode=mode, run_id="r", resume=True)
    assert [each["id"] for each in rest.received()] == ["b"]
    assert counts(report) == {"delivered": 1, "unknown": 1}
