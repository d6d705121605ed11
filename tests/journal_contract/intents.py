"""What is about to be sent, the sources of ids, and how ids were written first."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.journal_contract.base import KIND, LEASE, JournalTests, claim, fill, new
from tests.journal_contract.known import push
from tests.support.clock import Clock

from proofport.errors import LaneLost, UsageError
from proofport.journal.contract import (
    IN_DOUBT,
    PERHAPS_OVERWRITTEN,
    TAKEN_BYTES,
    BatchDone,
    Failure,
    Filter,
    Intent,
    Journal,
    Kept,
    Known,
    LaneRun,
    Left,
    NewRun,
    Sent,
    SourceCount,
)

DOUBTED = Known(IN_DOUBT, 0.0)


def batch(number: int, *ids: str, body: int = 9) -> BatchDone:
    return BatchDone(number, number, number, len(ids), b"", "[]", Sent(ids, [body] * len(ids)))


async def begin(held: LaneRun, run_id: str, *, staged: bool = False) -> None:
    await held.begin(NewRun(run_id, "here", KIND, "snapshot", staged=staged))


class IntentTests(JournalTests):
    async def test_what_a_run_that_was_cut_off_was_about_to_send_is_in_doubt(
        self, journal: Journal, clock: Clock
    ) -> None:
        held = await claim(journal, "a")
        await push(held, "r0", Sent(["old"], [7], [3.0]))
        await begin(held, "r1")
        source, *_ = await held.number_sources(KIND, ["hr"])
        content = Sent(["old", "x\x00"], (), [5.0, 6.5], [b"", b'{"b":"\n"}'], [source, source], [None, "X\x00"])
        await held.intend(KIND, [Intent(0, content)], run_id="r1")
        assert await journal.known("a", KIND, ["x\x00"]) == [None]
        in_doubt = replace(content, bodies=[IN_DOUBT] * 2)
        assert await journal.left("a", KIND) == Left([in_doubt], {1: "hr"}, cut=True)
        await journal.close()
        await journal.open()
        clock.advance(LEASE)
        await begin(held := await claim(journal, "a"), "r2")
        await held.end("r2", complete=False, report="{}")
        assert await journal.left("a", KIND) == Left([], {1: "hr"})
        assert await journal.known("a", KIND, ["old", "x\x00"]) == [
            Known(PERHAPS_OVERWRITTEN, 5.0, source),
            Known(IN_DOUBT, 6.5, source),
        ]
        assert await journal.gone("a", KIND, "r2") == ["old", "x\x00"]
        assert await journal.bodies("a", KIND, ["old", "x\x00"]) == [None, b'{"b":"\n"}']
        assert await journal.spellings("a", KIND, ["old", "x\x00"]) == [None, "X\x00"]
        assert await journal.known_count("a", KIND) == 2

    async def test_a_batch_that_is_noted_ends_its_intent_and_may_bring_the_next(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await begin(held, "r1")
        await held.intend(KIND, [Intent(0, Sent(["x"])), Intent(1, Sent(["never"]))], run_id="r1")
        await held.withdraw(KIND, [Intent(1, Sent())], run_id="r1")
        await held.batch_done("r1", batch(0, "x"), intents=[Intent(2, Sent(["y"]), b"two")])
        assert (await journal.run("r1", "here")).intents == {2: b"two"}  # type: ignore[union-attr]
        await begin(held, "r2")
        assert await journal.known("a", KIND, ["never", "y"]) == [None, DOUBTED]
        assert await journal.known_count("a", KIND) == 2

    async def test_a_run_that_has_ended_leaves_no_intent(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await begin(held, "r1")
        await held.intend(KIND, [Intent(0, Sent(["x"]))], run_id="r1")
        await held.end("r1", complete=False, report="{}")
        await begin(held, "r2")
        assert await journal.known_count("a", KIND) == 0

    async def test_the_same_run_keeps_its_intents_until_they_are_noted(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await begin(held, "r1")
        await held.intend(KIND, [Intent(3, Sent(["x"]), b"three")], run_id="r1")
        for _ in range(2):
            await begin(held, "r1")
            assert (await journal.run("r1", "here")).intents == {3: b"three"}  # type: ignore[union-attr]
        assert await journal.known("a", KIND, ["x"]) == [DOUBTED]
        assert await journal.gone("a", KIND, "r1") == ["x"]
        await held.batch_done("r1", batch(3, "x"))
        assert (await journal.run("r1", "here")).intents == {}  # type: ignore[union-attr]
        assert await journal.known("a", KIND, ["x"]) == [Known(9, 0.0)]
        assert await journal.gone("a", KIND, "r1") == []

    async def test_of_a_staged_run_nothing_is_in_doubt(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await begin(held, "r1", staged=True)
        await held.batch_done("r1", batch(0, "x"), intents=[Intent(1, Sent(["y"]))])
        await begin(held, "r2", staged=True)
        assert await journal.known_count("a", KIND) == 0

    @pytest.mark.parametrize("asked", [True, False])
    async def test_unless_the_vendor_may_have_been_told_to_complete_it(self, journal: Journal, asked: bool) -> None:
        held = await claim(journal, "a")
        await push(held, "r0", Sent(["before"], [1]))
        await begin(held, "r1", staged=True)
        await held.batch_done("r1", batch(0, "x", "before"), intents=[Intent(1, Sent(["y"]))])
        if asked:
            assert await journal.gone("a", KIND, "r1") == []
        await held.completing("r1")
        await begin(held, "r2", staged=True)
        assert await journal.known("a", KIND, ["before", "x", "y"]) == [DOUBTED] * 3
        assert await journal.gone("a", KIND, "r2") == ["before", "x", "y"]
        await held.batch_done("r2", batch(0, "x"))
        await begin(held, "r3", staged=True)
        assert await journal.gone("a", KIND, "r3") == ["before", "x", "y"]

    async def test_of_queued_deliveries_it_is_in_doubt_for_whoever_takes_the_lane_next(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        first, second, third, fourth = await fill(journal, "a", 4)
        left = [
            Intent(0, Sent([text], items=[text.encode()]), delivery=each)
            for text, each in (("w", first), ("x", second), ("y", third), ("z", fourth))
        ]
        deliveries = await held.take(4)
        await held.intend(KIND, left[:2])
        await held.done(deliveries[0], "[]", sent=Sent(["w"], [9]), intents=left[2:])
        await held.dead(deliveries[1], Failure("rejected", "no"))
        await held.withdraw(KIND, left[3:])
        assert await journal.known_count("a", KIND) == 1
        await held.release()
        await (await claim(journal, "a")).take(1)
        assert await journal.known("a", KIND, ["w", "x", "y", "z"]) == [Known(9, 0.0), None, DOUBTED, None]
        assert await journal.kept("a", KIND) == [Kept("y", None, b"y", third)]

    async def test_which_deliveries_were_to_go_in_one_request_is_known_until_they_have_ended(
        self, journal: Journal
    ) -> None:
        held = await claim(journal, "a")
        first, second, third, fourth, fifth = await fill(journal, "a", 5)
        await held.take(5)
        assert held.left == {}
        requests = ((0, first), (0, second), (0, third), (1, third), (1, fourth))
        await held.intend(KIND, [Intent(number, Sent([str(each)]), delivery=each) for number, each in requests])
        await journal.cancel(Filter(ids=[second]), "not this one")
        for _ in range(2):  # whoever takes it up may die as well
            await held.release()
            held = await claim(journal, "a")
            deliveries = await held.take(5)
            assert held.left == {first: 0, third: 0, fourth: 1}
            assert await journal.known("a", KIND, [str(second)]) == [DOUBTED]
        await held.intend(KIND, [Intent(0, Sent(["again"]), delivery=fourth)])
        await held.done(deliveries[0], "[]")
        await held.dead(deliveries[1], Failure("rejected", "no"))
        await held.release()
        await (held := await claim(journal, "a")).take(1)
        assert held.left == {fourth: 0}
        assert fifth not in held.left

    async def test_no_more_deliveries_are_taken_once_they_hold_so_many_records(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await journal.accept([replace(new("a", text), records=count) for text, count in (("x", 3), ("y", 5), ("z", 1))])
        assert [each.records for each in await held.take(9, records=4)] == [3, 5]
        assert [each.records for each in await held.take(9, records=3)] == [3]
        assert [each.records for each in await held.take(2, records=99)] == [3, 5]

    async def test_no_more_deliveries_are_taken_once_they_hold_so_many_bytes(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        sizes = {"x": TAKEN_BYTES - 1, "y": 1, "z": 1}
        await journal.accept([replace(new("a", text), payload=bytes(size)) for text, size in sizes.items()])
        assert len(await held.take(9)) == 2

    async def test_of_a_delivery_that_was_cancelled_it_is_in_doubt_for_the_next_run(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        [only] = await fill(journal, "a")
        await held.intend(KIND, [Intent(0, Sent(["x"]), delivery=only)])
        await begin(held, "r1")
        assert await journal.gone("a", KIND, "r1") == ["x"]

    async def test_only_who_holds_the_lane_intends(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        with pytest.raises(UsageError):
            await held.intend(KIND, [Intent(0, Sent(["x"]))], run_id="r1")
        await held.release()
        await claim(journal, "a")
        with pytest.raises(LaneLost):
            await held.intend(KIND, [Intent(0, Sent(["x"]))])


class SourceTests(JournalTests):
    async def test_a_set_that_was_made_in_vain_does_not_become_that_of_another_lane(self, journal: Journal) -> None:
        held, other = await claim(journal, "a"), await claim(journal, "b")
        write: Any = getattr(held, "_write")  # noqa: B009 - no call of the contract fails after it has made a set

        def failing() -> Any:
            yield from held._number_sources(KIND, ["hr eu"])  # type: ignore[attr-defined]
            yield from held._number_sources(KIND, ["hr us"])  # type: ignore[attr-defined]
            raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await write(failing)
        assert await other.number_sources(KIND, ["hr de"]) == [1]
        assert await held.number_sources(KIND, ["hr fr"]) == [1]
        assert await other.number_sources(KIND, ["hr de"]) == [1]

    async def test_each_id_has_the_source_it_came_from_last(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        assert await held.number_sources(KIND, ["hr eu", "hr us", "hr eu"]) == [1, 2, 1]
        assert await held.number_sources(KIND, ["aws\x00", "hr us"]) == [3, 2]
        assert await held.number_sources("device", ["hr us"]) == [1]
        await push(held, "r1", Sent(["a", "b", "c", "d"], [1] * 4, sources=[1, 1, 2, 0]))
        assert await journal.sources("a", KIND) == [SourceCount(1, "hr eu", 2), SourceCount(2, "hr us", 1)]
        await push(held, "r2", Sent(["b", "c", "e"], [2, 0, 0], sources=[3, 1, 1]), Sent(["a"], [2]))
        assert await journal.sources("a", KIND) == [SourceCount(1, "hr eu", 2), SourceCount(3, "aws\x00", 1)]
        assert [each and each.source for each in await journal.known("a", KIND, ["a", "b", "c", "d", "e"])] == [
            1,
            3,
            1,
            0,
            None,
        ]
        await held.forget(KIND, ["b"])
        assert [each.number for each in await journal.sources("a", KIND)] == [1]

    async def test_a_staged_run_moves_ids_to_another_source_when_it_is_complete(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await held.number_sources(KIND, ["one", "two"])
        await push(held, "r1", Sent(["a", "b"], [1, 1], sources=[1, 1]))
        await push(held, "r2", Sent(["a"], [1], sources=[2]), staged=True, complete=None)
        assert await journal.gone("a", KIND, "r2") == ["b"]
        assert await journal.sources("a", KIND) == [SourceCount(1, "one", 2)]
        await held.end("r2", complete=True, report="{}")
        assert await journal.sources("a", KIND) == [SourceCount(1, "one", 1), SourceCount(2, "two", 1)]


class SpellingTests(JournalTests):
    async def test_the_first_spelling_stays_until_the_id_leaves(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["ann", "bob", "cy"], [1, 1, 0], spellings=["Ann", None, "CY"]))
        await push(held, "r2", Sent(["ann", "bob"], [2, 2], spellings=["ANN", "Bob"]), Sent(["ann"], [3]))
        assert await journal.spellings("a", KIND, ["bob", "ann", "cy", "nobody"]) == [None, "Ann", None, None]
        await held.forget(KIND, ["ann"])
        assert await journal.spellings("a", KIND, ["ann"]) == [None]
        await push(held, "r3", Sent(["ann", "cy"], [4, 4], spellings=["aNN", "Cy"]))
        assert await journal.spellings("a", KIND, ["ann", "cy"]) == ["aNN", "Cy"]

    async def test_a_staged_run_brings_spellings_when_it_is_complete(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["ann"], [1], spellings=["Ann"]))
        await push(held, "r2", Sent(["ann", "bob"], [2, 2], spellings=["ANN", "BOB"]), staged=True)
        assert await journal.spellings("a", KIND, ["ann", "bob"]) == ["Ann", "BOB"]
