"""The last delivered state, which skipping the unchanged, gone sets and refusing the stale rely on; and the pacer."""

from __future__ import annotations

from dataclasses import replace

import pytest
from tests.journal_contract.base import KIND, JournalTests, claim, fill, new

from proofport.adapter import Mode
from proofport.journal.contract import (
    IN_DOUBT,
    PERHAPS_OVERWRITTEN,
    BatchDone,
    Journal,
    Known,
    LaneRun,
    NewRun,
    Sent,
    SpellingState,
)

LARGEST = 2**64 - 1


async def push(
    held: LaneRun,
    run_id: str,
    *batches: Sent,
    mode: Mode = "upsert",
    staged: bool = False,
    complete: bool | None = True,
) -> None:
    """A whole run; `complete` None leaves it open."""
    await held.begin(NewRun(run_id, "here", KIND, mode, staged=staged))
    for number, sent in enumerate(batches, 1):
        await held.batch_done(run_id, BatchDone(number, number, number, len(sent.ids), b"", "[]", sent))
    if complete is not None:
        await held.end(run_id, complete=complete, report="{}")


class KnownTests(JournalTests):
    async def test_the_last_delivery_of_each_id_is_known(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, LARGEST], [10.5, 20.0]), Sent(["x"], [2**63], [5.0]))
        assert await journal.known("a", KIND, ["y", "nobody", "x", "y"]) == [
            Known(LARGEST, 20.0),
            None,
            Known(2**63, 5.0),
            Known(LARGEST, 20.0),
        ]
        assert await journal.known("a", KIND, []) == []
        assert await journal.known_count("a", KIND) == 2

    async def test_later_wins_whatever_was_asked_in_between(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 1], [10.0, 10.0]))
        assert await journal.known_count("a", KIND) == 2
        await push(held, "r2", Sent(["x"], [2]))
        assert await journal.known("a", KIND, ["x", "y"]) == [Known(2, 0.0), Known(1, 10.0)]

    async def test_lanes_and_kinds_are_kept_apart(self, journal: Journal) -> None:
        for lane in ("a", "b"):
            held = await claim(journal, lane)
            await held.begin(NewRun(f"r-{lane}", "here", KIND, "upsert"))
            await held.batch_done(f"r-{lane}", BatchDone(1, 1, 1, 1, b"", "[]", Sent([lane], [1])))
        assert await journal.known_count("a", KIND) == 1
        assert await journal.known("a", KIND, ["b"]) == [None]
        assert await journal.known("a", "device", ["a"]) == [None]
        assert await journal.known_count("c", KIND) == 0
        assert await journal.gone("c", KIND, "r") == []

    async def test_ids_may_be_any_text(self, journal: Journal) -> None:
        texts = ["", "a", "A", "ä", "a\x00b", "🦆", '"', "'; --", "\uffff", " "]
        held = await claim(journal, "a")
        await push(held, "r1", Sent(texts, range(1, len(texts) + 1)))
        assert await journal.known("a", KIND, texts) == [Known(n, 0.0) for n in range(1, len(texts) + 1)]
        await push(held, "r2")
        assert await journal.gone("a", KIND, "r2") == sorted(text for text in texts if text)

    async def test_it_is_there_after_a_crash_as_soon_as_the_batch_is(self, journal: Journal) -> None:
        await push(await claim(journal, "a"), "r1", Sent(["x"], [1]), complete=None)
        await journal.close()
        await journal.open()
        assert await journal.known("a", KIND, ["x"]) == [Known(1, 0.0)]

    async def test_a_queued_delivery_updates_it(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 1]))
        await fill(journal, "a")
        await held.done((await held.take(1))[0], "[]", sent=Sent(["x"], [2], [3.0]))
        assert await journal.known("a", KIND, ["x", "y"]) == [Known(2, 3.0), Known(1, 0.0)]
        assert await journal.gone("a", KIND, "r1") == []

    # ------------------------------------------------------------------ leaving it
    async def test_what_was_removed_is_not_known_any_more(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y", "z"], [1, 1, 1]))
        await push(held, "r2", Sent(["x"], [9]), mode="remove")
        await journal.accept([new("a", "y", mode="remove")])
        await held.done((await held.take(1))[0], "[]", sent=Sent(["y"], [9]))
        assert await journal.known("a", KIND, ["x", "y", "z"]) == [None, None, Known(1, 0.0)]
        assert await journal.known_count("a", KIND) == 1
        await push(held, "r3", Sent(["x"], [3]))
        assert await journal.known("a", KIND, ["x"]) == [Known(3, 0.0)]

    async def test_what_is_forgotten_is_neither_known_nor_gone(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y", "z"], [1, 1, 1]))
        await held.forget(KIND, ["x", "nobody"])
        await push(held, "r2", Sent(["y"], [1]))
        assert await journal.known("a", KIND, ["x"]) == [None]
        assert await journal.gone("a", KIND, "r2") == ["z"]
        await held.forget(KIND, ["z"])
        assert await journal.gone("a", KIND, "r2") == []
        assert await journal.known_count("a", KIND) == 1

    async def test_gone_is_what_was_delivered_before_and_is_not_in_this_set(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["e", "d", "c", "b", "a"], [1] * 5))
        await push(held, "r2", Sent(["c"], [2]), Sent(["new"], [1]), complete=None)
        assert await journal.gone("a", KIND, "r2") == ["a", "b", "d", "e"]
        assert await journal.gone("a", KIND, "r2", limit=2) == ["a", "b"]
        assert await journal.gone("a", KIND, "r2", after="b", limit=1) == ["d"]
        assert await journal.gone("a", KIND, "r2", after="e") == []

    async def test_what_is_in_the_set_but_was_not_delivered_is_not_gone(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 1], [5.0, 5.0]))
        await push(held, "r2", Sent(["x", "rejected"], [0, 0]))
        assert await journal.gone("a", KIND, "r2") == ["y"]
        assert await journal.known("a", KIND, ["x", "rejected"]) == [Known(1, 5.0), None]
        assert await journal.known_count("a", KIND) == 2

    # ------------------------------------------------------------------ staged runs
    async def test_a_staged_run_counts_when_it_is_complete(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x", "y"], [1, 1]))
        await push(held, "r2", Sent(["x"], [2]), staged=True, complete=None)
        assert await journal.gone("a", KIND, "r2") == ["y"]
        await held.batch_done("r2", BatchDone(2, 2, 2, 1, b"", "[]", Sent(["z"], [2])))
        assert await journal.gone("a", KIND, "r2") == ["y"]
        assert await journal.known("a", KIND, ["x", "y", "z"]) == [Known(1, 0.0), Known(1, 0.0), None]
        await held.end("r2", complete=True, report="{}")
        assert await journal.known("a", KIND, ["x", "y", "z"]) == [Known(2, 0.0), Known(1, 0.0), Known(2, 0.0)]

    async def test_a_staged_run_that_is_never_complete_never_counts(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["x"], [1]), staged=True, complete=False)
        assert await journal.known_count("a", KIND) == 0
        await push(held, "r2", Sent(["y"], [1]), staged=True)
        assert await journal.known("a", KIND, ["x", "y"]) == [None, Known(1, 0.0)]

    @pytest.mark.parametrize("asked", [True, False])
    async def test_a_staged_run_takes_effect_when_it_is_completed_not_when_it_was_sent(
        self, journal: Journal, asked: bool
    ) -> None:
        held = await claim(journal, "a")
        await push(held, "staged", Sent(["x", "y"], [7, 7]), staged=True, complete=None)
        await fill(journal, "a", 2)
        await held.done((await held.take(1))[0], "[]", sent=Sent(["x"], [8]))
        if asked:
            assert await journal.known("a", KIND, ["x"]) == [Known(8, 0.0)]
        await held.end("staged", complete=True, report="{}")
        await held.done((await held.take(1))[0], "[]", sent=Sent(["y"], [9]))
        assert await journal.known("a", KIND, ["x", "y"]) == [Known(7, 0.0), Known(9, 0.0)]

    # ------------------------------------------------------------------ after a run that was cut off
    @pytest.mark.parametrize("again", ["r1", "r2"])
    @pytest.mark.parametrize("asked", [True, False])
    async def test_after_a_cut_what_was_delivered_may_have_been_overwritten(
        self, journal: Journal, again: str, asked: bool
    ) -> None:
        held = await claim(journal, "a")
        await push(held, "r0", Sent(["w", "x", "y", "z"], [7, 8, 9, IN_DOUBT], [5.0] * 4, [b"w", b"x", b"y", b"z"]))
        await push(held, "r1", Sent(["x"], [10]), complete=None)
        if asked:
            assert await journal.known("a", KIND, ["w", "x"]) == [Known(7, 5.0), Known(10, 0.0)]
        await held.begin(NewRun(again, "here", KIND, "upsert"))
        doubted = [Known(PERHAPS_OVERWRITTEN, 5.0), Known(PERHAPS_OVERWRITTEN, 0.0)]
        assert await journal.known("a", KIND, ["w", "x", "z"]) == [*doubted, Known(IN_DOUBT, 5.0)]
        named = Sent(["w", "x", "y"], [0, 0, 11], [6.0] * 3)
        await held.batch_done(again, BatchDone(2, 1, 3, 3, b"", "[]", named))
        assert await journal.known("a", KIND, ["w", "x", "y"]) == [*doubted, Known(11, 6.0)]
        assert await journal.bodies("a", KIND, ["w", "x", "y"]) == [b"w", b"x", b"y"]
        assert await journal.known_count("a", KIND) == 4
        assert await journal.gone("a", KIND, again) == ["z"]

    @pytest.mark.parametrize("asked", [True, False])
    async def test_what_was_delivered_is_not_forgotten_for_an_answer_that_is_lost(
        self, journal: Journal, asked: bool
    ) -> None:
        held = await claim(journal, "a")
        await push(held, "r0", Sent(["x", "gone"], [7, 7]))
        if asked:
            assert await journal.known("a", KIND, ["x"]) == [Known(7, 0.0)]
        await held.forget(KIND, ["gone"])
        await push(held, "r1", Sent(["x", "new", "gone"], [IN_DOUBT] * 3, [5.0] * 3))
        lost = [Known(PERHAPS_OVERWRITTEN, 5.0), Known(IN_DOUBT, 5.0), Known(IN_DOUBT, 5.0)]
        assert await journal.known("a", KIND, ["x", "new", "gone"]) == lost
        await push(held, "r2", Sent(["x", "new"], [IN_DOUBT, 8], [6.0] * 2))
        assert await journal.known("a", KIND, ["x", "new"]) == [Known(PERHAPS_OVERWRITTEN, 6.0), Known(8, 6.0)]

    async def test_what_is_delivered_later_is_sure_again(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r0", Sent(["x", "y", "z"], [7, 8, 9]))
        await push(held, "r1", complete=None)
        await push(held, "r2", Sent(["x"], [7]))
        await fill(journal, "a")
        await held.done((await held.take(1))[0], "[]", sent=Sent(["y"], [8]))
        await push(held, "r3")
        doubted = Known(PERHAPS_OVERWRITTEN, 0.0)
        assert await journal.known("a", KIND, ["x", "y", "z"]) == [Known(7, 0.0), Known(8, 0.0), doubted]

    async def test_a_set_that_was_completed_is_sure_whatever_was_cut_before(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r0", Sent(["x"], [7]))
        await push(held, "r1", Sent(["x"], [8]), staged=True, complete=None)
        await push(held, "r2", Sent(["x"], [9]), staged=True)
        assert await journal.known("a", KIND, ["x"]) == [Known(9, 0.0)]
        await push(held, "r3", complete=None)
        await push(held, "r4", complete=None)
        assert await journal.known("a", KIND, ["x"]) == [Known(PERHAPS_OVERWRITTEN, 0.0)]

    async def test_a_cut_counts_once_and_for_its_lane_and_kind(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        there = NewRun("cut", "there", KIND, "upsert")
        await held.begin(there)
        await push(held, "r1", Sent(["x"], [7]))
        await push(held, "r2", Sent(["y"], [8]))
        sure = [Known(7, 0.0), Known(8, 0.0)]
        assert await journal.known("a", KIND, ["x", "y"]) == sure
        await held.begin(replace(there, kind="device", run_id="other"))
        await held.begin(replace(there, kind="device", run_id="more"))
        await push(await claim(journal, "b"), "r3", complete=None)
        await push(held, "r4")
        assert await journal.known("a", KIND, ["x", "y"]) == sure
        await held.begin(there)
        await push(held, "r5")
        assert await journal.known("a", KIND, ["x"]) == [Known(PERHAPS_OVERWRITTEN, 0.0)]

    # ------------------------------------------------------------------ many
    async def test_many_ids(self, journal: Journal) -> None:
        held, count = await claim(journal, "a"), 12_000
        texts = [f"i-{n * 7919 % count:05}" for n in range(count)]
        batches = [Sent(texts[i : i + 1000], range(i + 1, i + 1001)) for i in range(0, count, 1000)]
        await push(held, "r1", *batches)
        await push(held, "r2", *batches[:6])
        assert await journal.known_count("a", KIND) == count
        assert await journal.known("a", KIND, texts) == [Known(n, 0.0) for n in range(1, count + 1)]
        assert await journal.gone("a", KIND, "r2", limit=count) == sorted(texts[6_000:])

    async def test_an_id_that_is_written_otherwise_than_its_key_is_noted(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        assert await journal.spelling_state("a", KIND) == SpellingState(keyed=True, differ=False)
        await push(held, "r1", Sent(["x", "y"], [1, 1]))
        assert await journal.spelling_state("a", KIND) == SpellingState(keyed=True, differ=False)
        await push(held, "r2", Sent(["z", "x"], [1, 1], spellings=[None, "X"]))
        assert await journal.spelling_state("a", KIND) == SpellingState(keyed=True, differ=True)
        assert await journal.spelling_state("b", KIND) == SpellingState(keyed=True, differ=False)

    async def test_ids_are_moved_under_their_keys_with_all_that_is_known_of_them(self, journal: Journal) -> None:
        held = await claim(journal, "a")
        await push(held, "r1", Sent(["Ana", "ana ", "BO", "chi"], [1, 2, 3, 4], [5.0] * 4, [b"1", b"2", b"3", b"4"]))
        await push(held, "r2", Sent(["ana"], [9], items=[b"9"]))
        await push(held, "r3", Sent(["ana"]), mode="remove")
        await held.rekey(KIND, [("Ana", "ana"), ("ana ", "ana"), ("BO", "bo"), ("nobody", "no")])
        assert await journal.gone("a", KIND, "") == ["ana", "ana ", "bo", "chi"]
        assert await journal.known("a", KIND, ["ana", "Ana", "bo"]) == [Known(1, 5.0), None, Known(3, 5.0)]
        assert await journal.spellings("a", KIND, ["ana", "ana ", "bo", "chi"]) == ["Ana", None, "BO", None]
        assert await journal.bodies("a", KIND, ["ana", "Ana", "ana ", "bo"]) == [b"1", None, b"2", b"3"]
        assert await journal.spelling_state("a", KIND) == SpellingState(keyed=True, differ=True)
        await push(held, "r4", Sent(["ana"], [7]))
        assert await journal.known("a", KIND, ["ana"]) == [Known(7, 0.0)]
        assert await journal.spellings("a", KIND, ["ana"]) == ["Ana"]
