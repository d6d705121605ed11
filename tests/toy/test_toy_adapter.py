"""The toy adapter keeps to the contract that third parties inherit, and the contract notices one that does not."""

from __future__ import annotations

from typing import Any

import pytest
from tests.toy.contract import ToyContract
from tests.toy.toy_vendor import ToyAdapter

from proofport.accounting import CONFIRMED, Outcome, Tally
from proofport.adapter import Batch, Body, Capability, Flow, Job, Memory, Mode
from proofport.errors import OutcomeUnknown, UnsupportedFeature
from proofport.wire import Call


class TestToy(ToyContract):
    """Everything in the contract."""


class ShowsItsOriginWithAPath(ToyAdapter):
    @property
    def origin(self) -> str:
        return "http://127.0.0.1:1/v1"


class TakesEverything(ToyAdapter):
    def capability(self, kind: str, mode: Mode) -> Capability:
        return Capability()


class RefusesWithoutAWayOut(ToyAdapter):
    def capability(self, kind: str, mode: Mode) -> Capability:
        if (kind, mode) != ("cloud_resource", "snapshot"):
            raise UnsupportedFeature("no")
        return super().capability(kind, mode)


class CallsAFullBodyPartial(ToyAdapter):
    def body(self, kind: str, mode: Mode) -> Body:
        return Body("widget", "toy/widget", partial=True)


class PutsItsKeyIntoTheQuery(ToyAdapter):
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield Call("hello", "GET", "/", (("key", self.settings.api_key.get_secret_value()),))
        return memory


class PublishesUnmarked(ToyAdapter):
    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        yield Call("publish", "POST", f"/staged/{job.run_id}/publish")


class DropsWithoutAsking(ToyAdapter):
    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        yield Call("drop", "DELETE", f"/staged/{job.run_id}", destructive=True)


class RepeatsBlindly(ToyAdapter):
    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        call = Call("publish", "POST", f"/staged/{job.run_id}/publish", lost="ask", destructive=True)
        try:
            yield call
        except OutcomeUnknown:
            yield call


class ForgetsARecord(ToyAdapter):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        return (yield from super().send(job, memory, batch))[1:]


class BelievesTheStatus(ToyAdapter):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield from super().send(job, memory, batch)
        return [CONFIRMED] * len(batch)


class IgnoresRefusals(ToyAdapter):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield Call("stage", "POST", f"/staged/{job.run_id}", body=b"[" + b",".join(batch.items) + b"]")
        return [CONFIRMED] * len(batch)


class RemembersMoreThanJson(ToyAdapter):
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield from ()
        numbered: Any = {1: "one"}
        return {"numbers": numbered}


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (ShowsItsOriginWithAPath, "test_the_origin_is_scheme_and_host"),
        (TakesEverything, "test_everything_else_is_refused_in_words"),
        (RefusesWithoutAWayOut, "test_everything_else_is_refused_in_words"),
        (CallsAFullBodyPartial, "test_every_supported_mode_has_a_lane_limits_and_a_body"),
        (PutsItsKeyIntoTheQuery, "test_calls_are_plain_and_hold_no_secret"),
        (PublishesUnmarked, "test_calls_that_destroy_say_so"),
        (DropsWithoutAsking, "test_only_the_closing_of_a_snapshot_destroys"),
        (RepeatsBlindly, "test_a_lost_answer_is_looked_into_before_repeating"),
        (ForgetsARecord, "test_every_record_gets_an_outcome"),
        (BelievesTheStatus, "test_a_refused_record_is_rejected_alone"),
        (BelievesTheStatus, "test_a_record_without_a_verdict_is_unknown"),
        (IgnoresRefusals, "test_refusals_are_sorted_by_what_to_do"),
        (RemembersMoreThanJson, "test_memory_survives_the_journal"),
    ],
)
def test_the_contract_notices(broken: type[ToyAdapter], noticed_by: str) -> None:
    class Broken(ToyContract):
        made = broken

    with pytest.raises((AssertionError, ValueError)):
        getattr(Broken(), noticed_by)()


def test_a_secret_in_plain_text_is_noticed() -> None:
    class Plain(ToyContract):
        secrets = ("127.0.0.1",)

    with pytest.raises(AssertionError, match="show a secret"):
        Plain().test_settings_hide_their_secrets()
