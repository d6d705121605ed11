"""The contract notices adapters that believe answers which read as success and are not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Literal

import pytest
from tests.toy.contract import ToyContract, WholeContract
from tests.toy.test_toy_adapter import BrokenWidgets, IgnoresRefusals, LeakySet, toy_with, whole_with
from tests.toy.toy_vendor import ToyAdapter, ok
from tests.toy.whole_vendor import WholeAdapter

from proofport.accounting import ACCEPTED, CONFIRMED, Outcome, Tally, unknown
from proofport.adapter import (
    Adapter,
    Batch,
    Blueprint,
    Flow,
    Job,
    Memory,
    Observed,
    Opens,
    Page,
    Provisioned,
    Provisions,
    Token,
    Tombstone,
)
from proofport.errors import OutcomeUnknown, Retryable
from proofport.wire import Call


class TakesResultsByTheirPlace(BrokenWidgets):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(batch.bodies) + b"]"
        results = ok((yield Call("stage", "POST", f"/staged/{job.run_id}", body=body))).json()
        good = isinstance(results, list) and len(results) == len(batch)
        return [CONFIRMED if good else unknown("no_verdict")] * len(batch)


class TakesAnyStatusForAcceptance(BrokenWidgets):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        ok((yield Call("stage", "POST", f"/staged/{job.run_id}", body=b"[" + b",".join(batch.bodies) + b"]")))
        return [ACCEPTED] * len(batch)


class CompletesOnAnyAnswer(BrokenWidgets):
    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        call = Call("publish", "POST", f"/staged/{job.run_id}/publish", lost="ask", destructive=True)
        try:
            ok((yield call))
        except OutcomeUnknown:
            yield from super().complete(job, memory, tally)


class CancelsOnAnyAnswer(BrokenWidgets):
    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        ok((yield Call("drop", "DELETE", f"/staged/{job.run_id}")))


class CompletesAgainWithoutLooking(BrokenWidgets):
    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        for _ in range(3):
            said = ok((yield Call("publish", "POST", f"/staged/{job.run_id}/publish", destructive=True))).json()
            if isinstance(said, dict) and said.get("run") == job.run_id:
                return
        raise Retryable("toy does not publish")


class TakesAnythingForAnEmptyList(BrokenWidgets):
    def page(self, cursor: str | None) -> Flow[Page]:
        live = ok((yield Call("read_live", "GET", "/live"))).json()
        rows = live.get("widgets", []) if isinstance(live, dict) else []
        return Page([Observed(row["id"], row, whole=True) for row in rows])


class BreaksDownOnAPage(BrokenWidgets):
    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        dropped = ok((yield Call("drop", "DELETE", f"/staged/{job.run_id}"))).json()
        if dropped["dropped"] != job.run_id:
            raise Retryable("toy does not drop it")


class MakesIt(BrokenWidgets, Provisions):
    """Finds its object by name, or makes it."""

    looks: ClassVar[bool] = True
    lost: ClassVar[Literal["ask", "repeat"]] = "ask"

    def provision(self, blueprint: Blueprint) -> Flow[Provisioned]:
        if self.looks:
            yield Call("find", "GET", "/objects")
        made = yield Call("make", "POST", "/objects", body=b"{}", lost=self.lost)
        return Provisioned({"number": made.status}, created=True)


class MakesItWithoutLooking(MakesIt):
    looks = False


class MakesItAgainAfterALostAnswer(MakesIt):
    lost = "repeat"


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (toy_with(IgnoresRefusals), "test_a_record_is_delivered_only_by_the_answer_about_it"),
        (toy_with(TakesResultsByTheirPlace), "test_a_record_is_delivered_only_by_the_answer_about_it"),
        (toy_with(TakesAnyStatusForAcceptance), "test_a_record_is_delivered_only_by_the_answer_about_it"),
        (toy_with(CompletesOnAnyAnswer), "test_a_set_is_ended_only_by_the_answer_that_says_so"),
        (toy_with(CancelsOnAnyAnswer), "test_a_set_is_ended_only_by_the_answer_that_says_so"),
        (toy_with(CompletesAgainWithoutLooking), "test_a_set_is_ended_only_by_the_answer_that_says_so"),
        (toy_with(TakesAnythingForAnEmptyList), "test_a_list_ends_only_where_the_vendor_says_so"),
        (toy_with(BreaksDownOnAPage), "test_no_answer_breaks_a_flow"),
        (toy_with(MakesIt), "test_an_object_is_looked_up_before_it_is_made_and_after_a_doubtful_answer"),
        (toy_with(MakesItWithoutLooking), "test_an_object_is_looked_up_before_it_is_made_and_after_a_doubtful_answer"),
        (
            toy_with(MakesItAgainAfterALostAnswer),
            "test_an_object_is_looked_up_before_it_is_made_and_after_a_doubtful_answer",
        ),
    ],
)
def test_a_toy_that_believes_is_noticed(broken: type[ToyAdapter], noticed_by: str) -> None:
    class Broken(ToyContract):
        made = broken

        def unconfigured(self) -> Adapter:
            return self.adapter()

    with pytest.raises(AssertionError):
        getattr(Broken(), noticed_by)()


# ------------------------------------------------------------------ whole sets, lists and tokens
class ConfirmsWhatTheAnswerDoesNotName(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        outcomes = yield from super().replace(job, memory, batch, tombstones)
        return [CONFIRMED if each == ACCEPTED else each for each in outcomes]


class BelievesAnyCount(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        yield Call("replace", "PUT", f"/sets/{self.kind}", body=b"[]", destructive=True)
        return [ACCEPTED] * len(batch)


class BelievesAShortList(LeakySet):
    def page(self, cursor: str | None) -> Flow[Page]:
        return replace((yield from super().page(cursor)), total=None)


class ReadsAListThatGoesRound(LeakySet, Opens):
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        page = yield from self.page(None)
        while page.cursor is not None:
            page = yield from self.page(page.cursor)
        return memory


class TakesAnythingForAToken(WholeAdapter):
    def _mint(self) -> Flow[Token]:
        said = (yield Call("mint", "POST", "/token", body=b"{}")).json()
        issued = said if isinstance(said, dict) else {}
        return Token({"Authorization": f"Bearer {issued.get('token')}"}, issued.get("seconds", 60))


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (TakesAnythingForAToken, "test_a_token_is_taken_only_from_the_answer_that_holds_one"),
        (
            whole_with(ConfirmsWhatTheAnswerDoesNotName),
            "test_an_answer_that_names_no_record_confirms_none_of_several",
        ),
        (whole_with(BelievesAnyCount), "test_a_record_is_delivered_only_by_the_answer_about_it"),
        (whole_with(BelievesAShortList), "test_a_list_that_goes_round_or_is_short_ends_with_an_error"),
        (whole_with(ReadsAListThatGoesRound), "test_a_list_that_goes_round_or_is_short_ends_with_an_error"),
    ],
)
def test_a_whole_set_that_believes_is_noticed(broken: type[WholeAdapter], noticed_by: str) -> None:
    class Broken(WholeContract):
        made = broken

    with pytest.raises(AssertionError):
        getattr(Broken(), noticed_by)()
