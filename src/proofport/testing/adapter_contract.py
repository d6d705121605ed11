"""What every adapter must keep to, as a test class to inherit from. Pure: no network, no clock, no files.

class TestAcme(AdapterContract):
    supported = {"cloud_resource": ("upsert", "snapshot")}
    secrets = ("s3cret",)

    def adapter(self): return AcmeAdapter(AcmeSettings(api_key="s3cret", ...))
    def accept(self, call): return Reply(200, body=b'{"ok": true}')
"""

from __future__ import annotations

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, TypeVar, get_args

from proofport.accounting import Outcome, Status, Tally
from proofport.adapter import Adapter, Batch, Flow, Job, Memory, Mode
from proofport.errors import Blocked, OutcomeUnknown, ProofportError, Retryable, TooLarge, UsageError
from proofport.evidence import KINDS
from proofport.wire import Call, Reply, checked_origin

T = TypeVar("T")
Answer = Callable[[Call], Reply]
MODES: tuple[Mode, ...] = get_args(Mode)


class Vendor:
    """Answers by a function, and remembers what it was asked."""

    def __init__(self, answer: Answer) -> None:
        self.calls: list[Call] = []
        self._answer = answer

    def __call__(self, call: Call) -> Reply:
        self.calls.append(call)
        return self._answer(call)


def json_reply(body: object, status: int = 200, **headers: str) -> Reply:
    """A reply with a JSON body. Underscores in header names stand for hyphens."""
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(body).encode())


def recorded(*replies: Reply | OutcomeUnknown) -> Vendor:
    """A vendor that gives these replies in their order; an `OutcomeUnknown` is a lost one."""
    left = iter(replies)

    def answer(call: Call) -> Reply:
        reply = next(left, None)
        assert reply is not None, f"there is no reply left for {call}"
        if isinstance(reply, OutcomeUnknown):
            raise reply
        return reply

    return Vendor(answer)


def drive(flow: Flow[T], answer: Answer) -> T:
    """Lead a flow to its end as the engine does; an `OutcomeUnknown` from `answer` is thrown into it."""
    try:
        call = next(flow)
        while True:
            assert isinstance(call, Call), f"a flow yields Call, not {call!r}"
            try:
                reply = answer(call)
            except OutcomeUnknown as error:
                call = flow.throw(error)
            else:
                call = flow.send(reply)
    except StopIteration as end:
        result: T = end.value
        return result


class AdapterContract(ABC):
    """Inherit from it in a class whose name begins with `Test`."""

    supported: ClassVar[Mapping[str, Sequence[Mode]]]
    """The kinds that `adapter()` is configured for, with their modes; everything else must be refused."""
    secrets: ClassVar[Sequence[str]]
    """The values of the secrets that `adapter()` holds."""

    @abstractmethod
    def adapter(self) -> Adapter:
        """An adapter for every supported kind."""

    @abstractmethod
    def accept(self, call: Call) -> Reply:
        """The answer of a vendor where everything goes well."""

    def reject_first(self, call: Call) -> Reply | None:
        """The answer to a sent batch that refuses its first record only. None: the vendor gives no such answer."""
        return None

    def say_nothing(self, call: Call) -> Reply | None:
        """A success that says nothing about the records. None: the vendor never says anything about them."""
        return None

    def record(self, kind: str, record_id: str) -> dict[str, Any]:
        """A body that the vendor accepts."""
        return {"id": record_id}

    # ------------------------------------------------------------------ settings
    def test_settings_hide_their_secrets(self) -> None:
        settings = self.adapter().settings
        for shown in (repr(settings), str(settings), settings.model_dump_json()):
            assert not any(secret in shown for secret in self.secrets), "the settings show a secret"

    def test_the_origin_is_scheme_and_host(self) -> None:
        origin = self.adapter().origin
        assert checked_origin(origin) == origin, f"{origin} is not a bare origin"

    # ------------------------------------------------------------------ what is supported
    def test_every_supported_mode_has_a_lane_limits_and_a_body(self) -> None:
        adapter = self.adapter()
        for job in self._jobs():
            capability, body = adapter.capability(job.kind, job.mode), adapter.body(job.kind, job.mode)
            assert adapter.lane(job.kind) == adapter.lane(job.kind) != "", f"{job.kind} has no stable lane"
            assert min(capability.max_records, capability.max_bytes, capability.parallel) > 0, f"{job}: limits"
            assert body.name, f"{job}: mappings name a body"
            assert body.partial == (job.mode == "patch"), f"{job}: a patch, and nothing else, has a partial body"
            assert job.mode == "snapshot" or not (capability.staged or capability.replaces), f"{job}: no snapshot"

    def test_everything_else_is_refused_in_words(self) -> None:
        adapter = self.adapter()
        for kind in {*KINDS, *self.supported}:
            for mode in MODES:
                if mode in self.supported.get(kind, ()):
                    continue
                error = _failure(lambda kind=kind, mode=mode: adapter.capability(kind, mode))  # type: ignore[misc]
                assert isinstance(error, UsageError), f"{kind}, {mode}: expected UnsupportedFeature, got {error!r}"
                assert error.hint, f"{kind}, {mode}: the refusal does not say what to do instead"

    # ------------------------------------------------------------------ calls
    def test_calls_are_plain_and_hold_no_secret(self) -> None:
        for job in self._jobs():
            for call in self._whole_run(job):
                assert call.path.startswith("/"), f"{call} needs a path"
                shown = f"{call!r} {call.body!r}"
                assert not any(secret in shown for secret in self.secrets), f"{call.operation} holds a secret"

    def test_calls_that_destroy_say_so(self) -> None:
        adapter = self.adapter()
        for job in self._jobs():
            calls = self._whole_run(job)
            destructive = any(call.destructive for call in calls)
            replaces = adapter.capability(job.kind, job.mode).replaces
            assert destructive or not (replaces or job.mode == "remove"), f"{job}: nothing is marked destructive"
            assert all(call.destructive for call in calls if call.method == "DELETE"), f"{job}: a DELETE is not marked"

    def test_only_the_closing_of_a_snapshot_destroys(self) -> None:
        adapter = self.adapter()
        for job in self._jobs():
            vendor = Vendor(self.accept)
            memory = drive(adapter.open(job, {}), vendor)
            drive(adapter.abort(job, memory), vendor)
            drive(adapter.observe(job.kind, None), vendor)
            drive(adapter.check(), vendor)
            if job.mode == "snapshot":
                drive(adapter.send(job, memory, self._batch(job)), vendor)
            assert not any(call.destructive for call in vendor.calls), f"{job}: destroys outside `close`"

    def test_a_lost_answer_is_looked_into_before_repeating(self) -> None:
        """A call with `lost="ask"` is followed by another one that looks, or the flow gives up as OutcomeUnknown."""
        for job in self._jobs():
            for operation in [call.operation for call in self._whole_run(job) if call.lost == "ask"]:
                calls, error = self._lose(job, operation)
                at = next(index for index, call in enumerate(calls) if call.operation == operation)
                looked = at + 1 < len(calls) and calls[at + 1].method == "GET"
                assert looked or isinstance(error, OutcomeUnknown), f"{operation} is repeated blindly"

    # ------------------------------------------------------------------ outcomes
    def test_every_record_gets_an_outcome(self) -> None:
        for job in self._jobs():
            outcomes = self._send(job, self.accept)
            assert len(outcomes) == len(self._batch(job)), f"{job}: {len(outcomes)} outcomes"
            assert all(outcome.status is Status.DELIVERED for outcome in outcomes), f"{job}: {outcomes}"
            assert all(outcome.assurance for outcome in outcomes), f"{job}: a delivery says how sure it is"

    def test_a_refused_record_is_rejected_alone(self) -> None:
        for job in self._jobs():
            outcomes = self._send(job, lambda call: self.reject_first(call) or self.accept(call))
            if self._asks(job, self.reject_first):
                expected = [Status.REJECTED] + [Status.DELIVERED] * (len(outcomes) - 1)
                assert [outcome.status for outcome in outcomes] == expected, f"{job}: {outcomes}"
                assert outcomes[0].problem is not None, f"{job}: a rejection says why"

    def test_a_record_without_a_verdict_is_unknown(self) -> None:
        for job in self._jobs():
            outcomes = self._send(job, lambda call: self.say_nothing(call) or self.accept(call))
            if self._asks(job, self.say_nothing):
                assert all(outcome.status is Status.UNKNOWN for outcome in outcomes), f"{job}: {outcomes}"

    def test_refusals_are_sorted_by_what_to_do(self) -> None:
        expected: dict[int, type[ProofportError]] = {401: Blocked, 413: TooLarge, 429: Retryable, 500: Retryable}
        for job in self._jobs():
            for status, kind_of_error in expected.items():
                refusal = Reply(status, {"retry-after": "7"}, b"<html>")
                error = _failure(lambda job=job, refusal=refusal: self._send(job, lambda _: refusal))  # type: ignore[misc]
                assert isinstance(error, kind_of_error), f"{job}: status {status} became {error!r}"
                assert status != 429 or (isinstance(error, Retryable) and error.after == 7), "Retry-After is lost"

    def test_memory_survives_the_journal(self) -> None:
        for job in self._jobs():
            memory = drive(self.adapter().open(job, {}), self.accept)
            again: Memory = json.loads(json.dumps(memory))
            assert again == memory, f"{job}: memory is plain JSON data"

    # ------------------------------------------------------------------ the run
    def _jobs(self) -> Iterator[Job]:
        for kind, modes in self.supported.items():
            for mode in modes:
                yield Job("run-1", "contract", kind, mode, tuple(self.record(kind, "a")))

    def _batch(self, job: Job) -> Batch:
        ids = ["a", "b"][: self.adapter().capability(job.kind, job.mode).max_records]
        empty = job.mode == "remove" and not self.adapter().capability(job.kind, job.mode).keeps_bodies
        items = [b"" if empty else json.dumps(self.record(job.kind, each)).encode() for each in ids]
        return Batch(ids, items, range(1, len(ids) + 1))

    def _send(self, job: Job, answer: Answer) -> list[Outcome]:
        memory = drive(self.adapter().open(job, {}), self.accept)
        return drive(self.adapter().send(job, memory, self._batch(job)), answer)

    def _asks(self, job: Job, answer: Callable[[Call], Reply | None]) -> bool:
        """Whether sending a batch makes a call that `answer` has a reply for."""
        vendor = Vendor(self.accept)
        self._send(job, vendor)
        return any(answer(call) is not None for call in vendor.calls)

    def _run(self, job: Job, answer: Answer) -> None:
        adapter, tally = self.adapter(), Tally()
        memory = drive(adapter.open(job, {}), answer)
        tally.add(drive(adapter.send(job, memory, self._batch(job)), answer))
        drive(adapter.close(job, memory, tally), answer)

    def _whole_run(self, job: Job) -> list[Call]:
        vendor = Vendor(self.accept)
        self._run(job, vendor)
        return vendor.calls

    def _lose(self, job: Job, operation: str) -> tuple[list[Call], ProofportError | None]:
        """A run in which the first answer to `operation` is lost."""

        def answer(call: Call) -> Reply:
            if call.operation == operation and [each.operation for each in vendor.calls].count(operation) == 1:
                raise OutcomeUnknown("the answer was lost")
            return self.accept(call)

        vendor = Vendor(answer)
        return vendor.calls, _failure(lambda: self._run(job, vendor))


def _failure(attempt: Callable[[], object]) -> ProofportError | None:
    try:
        attempt()
    except ProofportError as error:
        return error
    return None
