"""The toy adapters keep the contract that third parties inherit, and the contract notices adapters that do not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest
from tests.toy.contract import ToyContract, WholeContract
from tests.toy.toy_vendor import ToyAdapter, ToySettings, Widgets
from tests.toy.whole_vendor import WholeAdapter, WholeSet

from proofport.accounting import CONFIRMED, Outcome, Tally
from proofport.adapter import (
    Admission,
    Batch,
    Body,
    Flow,
    Job,
    Limits,
    MakesSchema,
    Memory,
    Mode,
    Opens,
    Resource,
    Schema,
    Stages,
    Token,
    TokenFlow,
    Tombstone,
)
from proofport.errors import Blocked, OutcomeUnknown, UnsupportedFeature, UsageError
from proofport.wire import Call


class TestToy(ToyContract):
    """Everything in the contract."""


class TestWhole(WholeContract):
    """Everything in the contract."""


# ------------------------------------------------------------------ broken toys
class ShowsItsOriginWithAPath(ToyAdapter):
    @property
    def origin(self) -> str:
        return "http://127.0.0.1:1/v1"


class BrokenWidgets(Widgets):
    def __init__(self, settings: ToySettings) -> None:
        super().__init__(settings, "cloud_resource")


class TakesEverything(BrokenWidgets):
    def limits(self, mode: Mode) -> Limits:
        return Limits()


class RefusesWithoutAWayOut(BrokenWidgets):
    def limits(self, mode: Mode) -> Limits:
        if mode != "snapshot":
            raise UnsupportedFeature("no")
        return super().limits(mode)


class CallsAFullBodyPartial(BrokenWidgets):
    def body(self, mode: Mode) -> Body:
        return Body("widget", "toy/widget", partial=True)


class NamesABodyThatItDoesNotList(BrokenWidgets):
    def body(self, mode: Mode) -> Body:
        return Body("gadget", "toy/widget")


class DoesNothingToCancel(BrokenWidgets):
    cancel = Stages.cancel


class EndsWithoutSayingWhen(BrokenWidgets):
    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield from ()
        return [CONFIRMED] * len(batch)


class PutsItsKeyIntoTheQuery(BrokenWidgets, Opens):
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield Call("hello", "GET", "/", (("key", self.settings.api_key.get_secret_value()),))
        return memory


class PublishesUnmarked(BrokenWidgets):
    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        yield Call("publish", "POST", f"/staged/{job.run_id}/publish")


class DropsWithoutAsking(BrokenWidgets):
    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        yield Call("drop", "DELETE", f"/staged/{job.run_id}", destructive=True)


class ReplacesTheSetInSend(BrokenWidgets):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield Call("put_live", "PUT", "/live", body=b"[" + b",".join(batch.bodies) + b"]")
        return [CONFIRMED] * len(batch)


class RepeatsBlindly(BrokenWidgets):
    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        call = Call("publish", "POST", f"/staged/{job.run_id}/publish", lost="ask", destructive=True)
        try:
            yield call
        except OutcomeUnknown:
            yield call


class ForgetsARecord(BrokenWidgets):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        return (yield from super().send(job, memory, batch))[1:]


class BelievesTheStatus(BrokenWidgets):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield from super().send(job, memory, batch)
        return [CONFIRMED] * len(batch)


class IgnoresRefusals(BrokenWidgets):
    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        yield Call("stage", "POST", f"/staged/{job.run_id}", body=b"[" + b",".join(batch.bodies) + b"]")
        return [CONFIRMED] * len(batch)


class RemembersMoreThanJson(BrokenWidgets, Opens):
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield from ()
        numbered: Any = {1: "one"}
        return {"numbers": numbered}


class ForgetsToAdmitARecord(BrokenWidgets, MakesSchema):
    def admit(self, job: Job, batch: Batch) -> Admission:
        return Admission(range(1, len(batch)))

    def schemas(self, lane_memory: Mapping[str, Any]) -> Sequence[Schema]:
        return ()

    def confirm(self, lane_memory: Mapping[str, Any], now: float) -> tuple[str, Any]:
        return "widget", now


def toy_with(broken: type[BrokenWidgets]) -> type[ToyAdapter]:
    class Broken(ToyAdapter):
        def resource(self, kind: str) -> Resource:
            return broken(self.settings) if kind == "cloud_resource" else super().resource(kind)

    return Broken


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (ShowsItsOriginWithAPath, "test_the_origin_is_scheme_and_host"),
        (toy_with(TakesEverything), "test_everything_else_is_refused_in_words"),
        (toy_with(RefusesWithoutAWayOut), "test_everything_else_is_refused_in_words"),
        (toy_with(CallsAFullBodyPartial), "test_every_supported_mode_has_a_lane_limits_and_a_body"),
        (toy_with(NamesABodyThatItDoesNotList), "test_every_supported_mode_has_a_lane_limits_and_a_body"),
        (toy_with(DoesNothingToCancel), "test_an_optional_protocol_is_there_as_a_whole"),
        (toy_with(EndsWithoutSayingWhen), "test_an_optional_protocol_is_there_as_a_whole"),
        (toy_with(PutsItsKeyIntoTheQuery), "test_calls_are_plain_and_hold_no_secret"),
        (toy_with(PublishesUnmarked), "test_calls_that_destroy_say_so"),
        (toy_with(DropsWithoutAsking), "test_nothing_else_destroys"),
        (toy_with(ReplacesTheSetInSend), "test_sending_changes_nothing_outside_the_batch"),
        (toy_with(RepeatsBlindly), "test_a_lost_answer_is_looked_into_before_repeating"),
        (toy_with(ForgetsARecord), "test_every_record_gets_an_outcome"),
        (toy_with(BelievesTheStatus), "test_a_refused_record_is_rejected_alone"),
        (toy_with(BelievesTheStatus), "test_a_record_without_a_verdict_is_unknown"),
        (toy_with(IgnoresRefusals), "test_refusals_are_sorted_by_what_to_do"),
        (toy_with(RemembersMoreThanJson), "test_memory_survives_the_journal"),
        (toy_with(ForgetsToAdmitARecord), "test_a_schema_takes_or_refuses_every_record"),
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


# ------------------------------------------------------------------ broken whole sets and tokens
class LeakyAdapter(WholeAdapter):
    """It keeps its token, which makes all else possible."""

    token = "nothing-yet"

    @property
    def auth(self) -> TokenFlow:
        return replace(super().auth, mint=self._mint_and_keep)

    def _mint_and_keep(self) -> Flow[Token]:
        token = yield from self._mint()
        self.token = token.headers["Authorization"].removeprefix("Bearer ")
        return token


class LeakySet(WholeSet):
    def __init__(self, adapter: LeakyAdapter, kind: str) -> None:
        super().__init__(adapter.settings, kind)
        self.token = adapter.token


class ReplacesUnmarked(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        yield Call("replace", "PUT", f"/sets/{self.kind}", body=b"[]")
        return [CONFIRMED] * len(batch)


class LeaksItIntoMemory(LeakySet, Opens):
    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield from ()
        return {**memory, "token": self.token}


class LeaksItIntoMemoryWhileSending(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        memory["token"] = self.token
        return (yield from super().replace(job, memory, batch, tombstones))


class LeaksItIntoAPath(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        yield Call("hello", "GET", f"/{self.token}")
        return (yield from super().replace(job, memory, batch, tombstones))


class LeaksItIntoItsName(LeakySet):
    def __repr__(self) -> str:
        return f"the set of {self.token}"


class LeaksItIntoAnError(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        reply = yield Call("replace", "PUT", f"/sets/{self.kind}", body=b"[]", destructive=True)
        if not reply.ok:
            raise UsageError("refused", hint=f"The token was {self.token}.")
        return [CONFIRMED] * len(batch)


class KeepsGoneWithoutBodies(LeakySet):
    keeps_bodies = False


class GivesTombstonesAnOutcome(LeakySet):
    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        outcomes = yield from super().replace(job, memory, batch, tombstones)
        return [*outcomes, *(CONFIRMED for _ in tombstones)]


def whole_with(broken: type[LeakySet]) -> type[WholeAdapter]:
    class Broken(LeakyAdapter):
        def resource(self, kind: str) -> Resource:
            super().resource(kind)
            return broken(self, kind)

    return Broken


class ShowsTheAnswerThatHoldsTheToken(WholeAdapter):
    def _mint(self) -> Flow[Token]:
        reply = yield Call("mint", "POST", "/token", body=b"{}")
        said = reply.json() or {}
        if "seconds" not in said:
            raise UsageError(f"this is no answer: {said}")
        return Token({"Authorization": f"Bearer {said['token']}"}, said["seconds"])


class ShowsItsSecretInAnError(WholeAdapter):
    def _mint(self) -> Flow[Token]:
        try:
            return (yield from super()._mint())
        except Blocked:
            raise Blocked(f"whole does not know {self.settings.client_secret.get_secret_value()}") from None


class AsksWithItsSecretInThePath(WholeAdapter):
    def _mint(self) -> Flow[Token]:
        yield Call("hello", "GET", f"/token/{self.settings.client_secret.get_secret_value()}")
        return (yield from super()._mint())


class NamesTheOwnerByTheSecret(WholeAdapter):
    @property
    def auth(self) -> TokenFlow:
        return replace(super().auth, scope=self.settings.client_secret.get_secret_value())


class TakesARefusedTokenForSuccess(WholeAdapter):
    def _mint(self) -> Flow[Token]:
        yield Call("mint", "POST", "/token", body=b"{}")
        return Token({"Authorization": "Bearer issued-token"}, 3600)


@pytest.mark.parametrize(
    ("broken", "noticed_by"),
    [
        (whole_with(KeepsGoneWithoutBodies), "test_tombstones_have_a_body_and_no_outcome"),
        (whole_with(GivesTombstonesAnOutcome), "test_tombstones_have_a_body_and_no_outcome"),
        (whole_with(ReplacesUnmarked), "test_calls_that_destroy_say_so"),
        (whole_with(LeaksItIntoMemory), "test_memory_and_names_hold_no_secret"),
        (whole_with(LeaksItIntoMemoryWhileSending), "test_memory_and_names_hold_no_secret"),
        (whole_with(LeaksItIntoItsName), "test_memory_and_names_hold_no_secret"),
        (whole_with(LeaksItIntoAPath), "test_calls_are_plain_and_hold_no_secret"),
        (AsksWithItsSecretInThePath, "test_calls_are_plain_and_hold_no_secret"),
        (whole_with(LeaksItIntoAnError), "test_errors_hold_no_secret"),
        (ShowsTheAnswerThatHoldsTheToken, "test_errors_hold_no_secret"),
        (ShowsItsSecretInAnError, "test_errors_hold_no_secret"),
        (NamesTheOwnerByTheSecret, "test_a_token_can_be_asked_for"),
        (TakesARefusedTokenForSuccess, "test_a_token_can_be_asked_for"),
    ],
)
def test_the_contract_notices_a_broken_whole_set(broken: type[WholeAdapter], noticed_by: str) -> None:
    class Broken(WholeContract):
        made = broken

    with pytest.raises(AssertionError):
        getattr(Broken(), noticed_by)()
