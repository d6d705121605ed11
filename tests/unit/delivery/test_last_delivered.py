"""The last delivered state: what need not or must not be sent, what makes a schema, and which bodies are kept."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

import pytest
from pydantic import JsonValue
from tests.unit.delivery.support import (
    KIND,
    OK,
    FreezingTiny,
    Plain,
    ScriptedSender,
    StagedTiny,
    Tiny,
    TinyAdapter,
    WholeTiny,
    all_ok,
    attached,
    counts,
    deliver,
    destination,
    memory_journal,
)
from tests.unit.delivery.support import batch as batch_of

from proofport.accounting import ACCEPTED, UNCHANGED, Outcome, Status, rejected, unknown
from proofport.adapter import Batch, Job, LastDelivered, Mode
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.lane.last_delivered import LastState
from proofport.delivery.lane.payload import batch_digest, digests_of
from proofport.delivery.reading.observed import seconds_of
from proofport.delivery.target import Target
from proofport.errors import JournalError, OutcomeUnknown, Problem
from proofport.journal.contract import IN_DOUBT, Journal, Known
from proofport.wire import Reply

LANE = f"tiny/{KIND}"
NO = rejected(Problem("bad", "good"))
JANUARY = seconds_of("2026-01-01T00:00:00Z")
MARCH = seconds_of("2026-03-01T12:30:00.250Z")


@dataclass
class Remembered:
    """Stands for a journal of which only the last delivered state is asked."""

    states: Mapping[str, Known] = field(default_factory=dict)
    texts: Mapping[str, bytes] = field(default_factory=dict)

    async def known(self, lane: str, kind: str, ids: Sequence[str]) -> list[Known | None]:
        return [self.states.get(each) for each in ids]

    async def bodies(self, lane: str, kind: str, ids: Sequence[str]) -> list[bytes | None]:
        return [self.texts.get(each) for each in ids]


def batch(*bodies: Mapping[str, Any], observed: Sequence[float] = ()) -> Batch:
    texts = [json.dumps(body).encode() for body in bodies]
    return Batch([body["id"] for body in bodies], texts, range(len(bodies)), observed)


def job(mode: Mode = "upsert", **lane_memory: JsonValue) -> Job:
    return Job("run", "test", KIND, mode, lane_memory=lane_memory)


def target(resource: Tiny) -> Target:
    return Target("tiny", TinyAdapter(), resource, Plain())


def state(
    made: type[Tiny] = Tiny, known: Mapping[str, Known] | None = None, *, keeps_bodies: bool = False
) -> LastState:
    return LastState(cast(Journal, Remembered(known or {})), target(made(KIND, keeps_bodies=keeps_bodies)))


async def filtered(
    last: LastState, given: Batch, of: Job | None = None, digests: Sequence[int] = (), *, skip: bool = False
) -> tuple[list[int], dict[int, Status]]:
    """The order, and the outcomes of what is not sent."""
    found = await last.filter(of or job(), given, digests or range(10, 10 + len(given)), skip_unchanged=skip)
    return list(found.order), {index: outcome.status for index, outcome in found.decided.items()}


# ---------------------------------------------------------------------- older, and the same
async def one(
    observed: float = 0.0, *, body: int = 7, known: Known | None = None, skip: bool = False
) -> Outcome | None:
    """The decision about one record that has this body."""
    last = state(known={"a": known} if known else None)
    tried = Batch(["a"], [b"{}"], [1], [observed] if observed else ())
    return (await last.filter(job(), tried, [body], skip_unchanged=skip)).decided.get(0)


async def test_what_was_never_sent_is_sent() -> None:
    assert await one(JANUARY, known=None, skip=True) is None


async def test_an_older_state_is_rejected_with_both_times() -> None:
    outcome = await one(JANUARY, known=Known(7, MARCH))
    assert outcome is not None
    assert outcome.problem is not None
    assert (outcome.status, outcome.problem.field) == (Status.REJECTED, "observed_at")
    assert outcome.problem.found == "2026-01-01T00:00:00Z"
    assert "2026-03-01T12:30:00.25" in outcome.problem.expected


@pytest.mark.parametrize("known", [Known(7, JANUARY), Known(7, MARCH), Known(7, 0.0)])
async def test_a_state_as_new_or_newer_is_sent(known: Known) -> None:
    assert await one(MARCH, known=known) is None


async def test_what_a_wrong_clock_has_noted_makes_no_state_older() -> None:
    assert await one(MARCH, known=Known(7, seconds_of("9999-12-31T00:00:00Z"))) is None


async def test_a_state_of_unknown_time_is_sent() -> None:
    assert await one(0.0, known=Known(8, MARCH)) is None


@pytest.mark.parametrize(("body", "skip", "expected"), [(7, True, UNCHANGED), (7, False, None), (8, True, None)])
async def test_the_same_body_is_left_out_where_that_was_asked_for(
    body: int, skip: bool, expected: Outcome | None
) -> None:
    assert await one(body=body, known=Known(7, 0.0), skip=skip) == expected
    assert await one(MARCH, body=body, known=Known(7, JANUARY), skip=skip) == expected


async def test_the_same_body_of_an_older_state_is_rejected_all_the_same() -> None:
    outcome = await one(JANUARY, known=Known(7, MARCH), skip=True)
    assert outcome is not None
    assert outcome.status is Status.REJECTED


async def test_each_record_is_judged_by_its_own_place() -> None:
    tried = Batch(list("abcd"), [b"{}"] * 4, [1, 2, 3, 4], [JANUARY, MARCH, MARCH, 0.0])
    last = state(known={"a": Known(1, MARCH), "c": Known(3, MARCH), "d": Known(4, MARCH)})
    found = await filtered(last, tried, digests=[1, 2, 3, 9], skip=True)
    assert found == ([1, 3], {0: Status.REJECTED, 2: Status.UNCHANGED})


async def test_what_is_removed_is_not_compared() -> None:
    tried = Batch(["a"], [b"{}"], [1], [JANUARY])
    assert await filtered(state(known={"a": Known(7, MARCH)}), tried, job("remove"), [7], skip=True) == ([0], {})


@pytest.mark.parametrize("made", [StagedTiny, WholeTiny])
async def test_a_set_that_goes_whole_is_not_filtered(made: type[Tiny]) -> None:
    last, tried = state(made, known={"a": Known(7, MARCH)}), Batch(["a"], [b"{}"], [1], [JANUARY])
    assert await filtered(last, tried, job("snapshot"), [7], skip=True) == ([0], {})
    assert await filtered(last, tried, job(), [7], skip=True) == ([], {0: Status.REJECTED})


@pytest.mark.parametrize(
    ("known", "expected"),
    [
        ({}, False),
        ({"a": Known(1, 0.0)}, False),
        ({"a": Known(1, 0.0), "b": Known(3, 0.0)}, False),
        ({"a": Known(1, 0.0), "b": Known(IN_DOUBT, 0.0)}, False),
        ({"a": Known(1, 0.0), "b": Known(2, 0.0)}, True),
    ],
)
async def test_a_set_is_unchanged_when_each_of_its_bodies_is(known: dict[str, Known], expected: bool) -> None:
    assert await state(known=known).all_unchanged(job("snapshot"), batch_of("a", "b"), [1, 2]) == expected


# ---------------------------------------------------------------------- what makes a schema
FIT = {"id": "fit", "fit": True, "n": 1}


async def test_the_record_that_makes_the_schema_goes_first() -> None:
    given = batch({"id": "poor"}, FIT, {"id": "z"})
    found = await state(FreezingTiny).filter(job(), given, [1, 2, 3], skip_unchanged=False)
    assert (list(found.order), found.decided, found.freezes) == ([1, 0, 2], {}, ("things", {"began": "fit"}))


async def test_what_is_not_sent_makes_no_schema() -> None:
    last = state(FreezingTiny, known={"fit": Known(5, 100.0)})
    given = batch(FIT, {"id": "poor"}, {**FIT, "id": "b"}, {**FIT, "id": "c", "misfit": 1}, observed=[50.0, 0, 0, 0])
    found = await last.filter(job(), given, [1, 2, 3, 4], skip_unchanged=False)
    assert (list(found.order), sorted(found.decided)) == ([2, 1], [0, 3])
    assert {found.decided[i].status for i in (0, 3)} == {Status.REJECTED}
    assert found.freezes == ("things", {"began": "b"})
    nothing = await last.filter(job(), batch(FIT, observed=[50.0]), [1], skip_unchanged=False)
    assert (list(nothing.order), nothing.freezes) == ([], None), "nothing is left to make it of"


async def test_while_it_is_made_nothing_counts_as_unchanged() -> None:
    last = state(FreezingTiny, known={"fit": Known(10, 0.0)})
    assert await filtered(last, batch(FIT), skip=True) == ([0], {})
    assert await filtered(last, batch(FIT), job(things={"began": "fit"}), skip=True) == ([], {0: Status.UNCHANGED})


async def test_what_does_not_fit_is_rejected_though_it_is_unchanged() -> None:
    last, given = state(FreezingTiny, known={"a": Known(10, 0.0)}), batch({"id": "a", "misfit": 1})
    assert await filtered(last, given, job(things={}), skip=True) == ([], {0: Status.REJECTED})


async def freezing(
    answer: Any, *batches: Batch, journal: Journal | None = None, broken: pytest.MonkeyPatch | None = None
) -> tuple[DestinationRun, Mapping[str, JsonValue]]:
    """A delivery to a vendor that makes its schema of what it is sent, and the adapter's memory afterwards."""
    journal = journal or await memory_journal()
    tried = destination(ScriptedSender(send_records=answer), adapter=TinyAdapter(made=FreezingTiny))
    right = await attached(tried, journal)
    if broken is not None:

        async def fails(*_: object, **__: object) -> None:
            raise JournalError("the disk is full")

        broken.setattr(right, "keep_adapter_memory", fails)
    await deliver(tried, *batches)
    await right.release()
    return tried, await journal.adapter_memory(LANE)


@pytest.mark.parametrize(
    ("answer", "noted"),
    [(all_ok, True), (OutcomeUnknown("lost"), True), (Reply(422), False), (Reply(403), False)],
    ids=["taken", "lost", "rejected", "blocked"],
)
async def test_a_schema_is_noted_once_the_vendor_may_have_it(answer: Any, noted: bool) -> None:
    tried, memory = await freezing(answer, batch(FIT))
    assert memory == ({"things": {"began": "fit"}} if noted else {})
    assert ("things" in tried.job.lane_memory) == noted


async def test_a_schema_is_made_once() -> None:
    journal = await memory_journal()
    await freezing(all_ok, batch(FIT), batch({"id": "b"}), batch({**FIT, "id": "c"}), journal=journal)
    tried, memory = await freezing(all_ok, batch({**FIT, "id": "d"}), journal=journal)
    assert (counts(tried), memory) == ({"delivered": 1}, {"things": {"began": "fit"}})


async def test_what_was_delivered_before_a_schema_is_in_doubt() -> None:
    journal = await memory_journal()
    before = destination(ScriptedSender(send_records=all_ok), run_id="before")
    right = await attached(before, journal)
    await deliver(before, batch_of("a"))
    await right.release()
    await freezing(all_ok, batch(FIT), journal=journal)
    assert [last and last.body for last in await journal.known(LANE, KIND, ["a"])] == [IN_DOUBT]


async def test_a_schema_that_could_not_be_noted_leaves_its_records_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    tried, _ = await freezing(all_ok, batch(FIT), broken=monkeypatch)
    assert counts(tried) == {"unknown": 1}


async def test_a_batch_of_which_nothing_can_make_the_schema_stops_the_delivery() -> None:
    tried, memory = await freezing(OK, batch({"id": "poor"}))
    assert (counts(tried), memory, tried.report.notes) == ({"withheld": 1}, {}, ["none is fit"])


# ---------------------------------------------------------------------- what the adapter is shown
async def test_an_adapter_sees_what_was_delivered_last_of_each() -> None:
    known = {"here": Known(5, 0.0), "doubt": Known(IN_DOUBT, 0.0), "bare": Known(7, 0.0)}
    journal = Remembered(known, {"here": b"{h}", "doubt": b"{d}", "gone": b""})
    last = LastState(cast(Journal, journal), target(Tiny(KIND, keeps_bodies=True)))
    shown = await last.with_last(job("remove"), batch_of("here", "doubt", "gone", "never", "bare"))
    assert shown.last == [
        LastDelivered(b"{h}"),
        LastDelivered(b"{d}", certain=False),
        LastDelivered(removed=True),
        None,
        LastDelivered(),
    ]


@pytest.mark.parametrize("mode", ["patch", "remove"])
async def test_patches_and_removals_are_sent_with_it(mode: Mode) -> None:
    seen: list[Any] = []

    class Looking(Tiny):
        def send(self, job: Job, memory: Any, batch: Batch) -> Any:
            seen.extend(batch.last)
            return (yield from super().send(job, memory, batch))

    tried = destination(ScriptedSender(send_records=all_ok), mode=mode, adapter=TinyAdapter(made=Looking))
    await deliver(tried, batch_of("a"))
    assert seen == [None]


# ---------------------------------------------------------------------- what is kept
@pytest.mark.parametrize(
    ("outcome", "kept"), [(ACCEPTED, True), (unknown("lost"), True), (NO, False), (UNCHANGED, False)]
)
async def test_the_bodies_of_what_was_sent_are_kept(outcome: Outcome, kept: bool) -> None:
    given = batch({"id": "a"})
    last = state(keeps_bodies=True)
    assert await last.to_keep(job(), given, [outcome]) == [given.bodies[0] if kept else b""]


async def test_of_a_patch_the_patched_body_is_kept() -> None:
    texts = {"a": b'{"id":"a","x":1,"y":2}'}
    last = LastState(cast(Journal, Remembered(texts=texts)), target(Tiny(KIND, keeps_bodies=True)))
    given = batch({"id": "a", "x": None, "z": 3}, {"id": "never", "z": 3})
    kept, nothing = await last.to_keep(job("patch"), given, [ACCEPTED, ACCEPTED])
    assert json.loads(kept) == {"id": "a", "y": 2, "z": 3}
    assert nothing == b""


async def test_where_bodies_are_not_needed_none_is_kept() -> None:
    assert await state().to_keep(job(), batch(FIT), [ACCEPTED]) == ()
    assert await state(keeps_bodies=True).to_keep(job("remove"), batch(FIT), [ACCEPTED]) == ()


@pytest.mark.parametrize("keeps", [True, False])
async def test_kept_bodies_are_in_the_journal(keeps: bool) -> None:
    journal = await memory_journal()
    tried = destination(ScriptedSender(send_records=all_ok), adapter=TinyAdapter(keeps_bodies=keeps))
    await attached(tried, journal)
    await deliver(tried, batch_of("a"))
    assert await journal.bodies(LANE, KIND, ["a"]) == [batch_of("a").bodies[0] if keeps else None]


# ---------------------------------------------------------------------- digests
def test_a_digest_tells_every_change_of_a_batch() -> None:
    def digest(tried: Batch) -> bytes:
        return batch_digest(tried, digests_of(tried))

    same = batch_of("a", "b")
    assert digest(same) == digest(batch_of("a", "b", first=9)), "where it stood in the input is no part of it"
    others = [
        batch_of("b", "a"),
        batch_of("a"),
        batch_of("a", "b", "c"),
        Batch(["a", "b"], [same.bodies[0], b'{"id":"b","on":true}'], [1, 2]),
        Batch(["a", "c"], same.bodies, [1, 2]),
        Batch(["a", "b"], [b"", b""], [1, 2]),
    ]
    assert len({digest(same), *map(digest, others)}) == 1 + len(others)
