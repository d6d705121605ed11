"""A vendor as small as one can be, and a sender that answers from a script: what the tests of delivery stand on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, nullcontext
from dataclasses import replace
from types import TracebackType
from typing import Any, Literal, Self, cast

import orjson
from pydantic import JsonValue
from tests.support.clock import Naps

from proofport.accounting import CONFIRMED, Outcome, Tally, rejected, unknown
from proofport.adapter import (
    Adapter,
    Admission,
    Batch,
    Body,
    Credential,
    Ends,
    Flow,
    Job,
    Limits,
    Lists,
    Memory,
    Mode,
    Observed,
    Opens,
    Page,
    Replaces,
    Resource,
    Schema,
    Settings,
    Stages,
    StaticHeaders,
    Tombstone,
)
from proofport.delivery.books import RunBooks
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.lane.lease import Holder
from proofport.delivery.lane.live_set import LiveSet
from proofport.delivery.report.report import DestinationReport, Ledger
from proofport.delivery.snapshot.guard import Terms
from proofport.delivery.snapshot.listed import VendorList
from proofport.delivery.target import Target
from proofport.errors import Blocked, Problem, ProofportError, Rejected, TooLarge, UsageError
from proofport.evidence import Neutral
from proofport.http.flow import Gate
from proofport.http.sender import Sender
from proofport.journal import open_journal
from proofport.journal.contract import Attempt, Journal, LaneRun, NewRun
from proofport.wire import Call, Reply

KIND = "custom:thing"
SECRET = "s3cret-of-the-tiny-vendor"
VERDICTS = {"ok": CONFIRMED, "no": rejected(Problem("a bad field", "a good one")), "?": unknown("no_verdict")}
OK = Reply(200, body=b"{}")
LEASE = 90.0

Answer = Reply | BaseException | Callable[[Call], Reply]


def reply(data: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(data).encode())


class Plain:
    """Makes a body of a record as it is. One with `huge` has none, one with `odd` cannot be written as JSON."""

    fields: tuple[str, ...] = ()
    types: Mapping[str, str] | None = None

    def __call__(self, neutral: Neutral) -> dict[str, Any]:
        if "huge" in neutral:
            raise Rejected(Problem("a huge record", "a small one", field="huge"))
        return {**neutral, "odd": 1 << 70} if "odd" in neutral else neutral

    def encode(self, block: Sequence[Neutral]) -> list[bytes]:
        return [orjson.dumps(self(neutral)) for neutral in block]


class TinySettings(Settings):
    base_url: str = "http://127.0.0.1:9"
    key: Credential = cast(Any, SECRET)


class Tiny(Resource, Opens):
    """Takes batches, and answers with one word a record: ok, no or ?."""

    def __init__(self, kind: str, host: str = "tiny", *, keeps_bodies: bool = False, **limits: Any) -> None:
        super().__init__(kind)
        self._host, self._keeps_bodies = host, keeps_bodies
        self._limits = Limits(**limits)

    @property
    def lane(self) -> str:
        return f"{self._host}/{self.kind}"

    @property
    def keeps_bodies(self) -> bool:
        return self._keeps_bodies

    def limits(self, mode: Mode) -> Limits:
        return self._limits

    def body(self, mode: Mode) -> Body:
        return Body("anything", None, nulls="send")

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        yield from ()
        return {**memory, "run": job.run_id}

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(batch.bodies) + b"]"
        answer = yield Call("send_records", "POST", "/records", body=body, destructive=job.mode == "remove")
        expect_ok(answer)
        return [replace(VERDICTS[word]) for word in answer.json()]


class ListedTiny(Tiny, Lists):
    """Shows at once what it holds."""

    lags = False

    def page(self, cursor: str | None) -> Flow[Page]:
        answer = yield Call("list_records", "GET", "/records", query=(("after", cursor or ""),))
        expect_ok(answer)
        page = answer.json()
        return Page([Observed(record_id) for record_id in page["ids"]], page["next"])


class FreezingTiny(Tiny):
    """Its schema begins with the first record that is `fit`. It takes no record that is a `misfit`, and none that comes
    `late`, when the schema is there.
    """

    def admit(self, job: Job, batch: Batch) -> Admission:
        bodies = [json.loads(body) for body in batch.bodies]
        there = "things" in job.lane_memory
        refused = {
            i: Problem("a misfit", "a record that fits", field="misfit")
            for i, body in enumerate(bodies)
            if body.get("misfit") or (there and body.get("late"))
        }
        rest = [i for i in range(len(batch)) if i not in refused]
        if there or job.mode in ("patch", "remove"):
            return Admission(rest, refused)
        fit = [i for i in rest if bodies[i].get("fit")]
        if not fit:
            raise UsageError("none is fit")
        began = batch.ids[fit[0]]
        order = [fit[0], *(i for i in rest if i != fit[0])]
        return Admission(order, refused, ("things", {"began": began}), f"It begins with {began}.")

    def schemas(self, lane_memory: Mapping[str, JsonValue]) -> Sequence[Schema]:
        return []

    def confirm(self, lane_memory: Mapping[str, JsonValue], now: float) -> tuple[str, JsonValue]:
        raise NotImplementedError


class StagedTiny(ListedTiny, Stages):
    """Holds a set back until it is complete."""

    empty_set: Literal["refuse", "end"] = "refuse"

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        if job.mode == "snapshot":
            expect_ok((yield Call("open_set", "POST", "/sets")))
        return {**memory, "run": job.run_id}

    def complete(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        expect_ok((yield Call("complete_set", "POST", "/sets/complete", lost="ask", destructive=True)))

    def cancel(self, job: Job, memory: Memory) -> Flow[None]:
        expect_ok((yield Call("cancel_set", "POST", "/sets/cancel")))


class EndingTiny(Tiny, Ends):
    """Is told what is gone."""

    ends: Literal["always", "on_request"] = "always"

    def end(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = json.dumps(list(batch.ids)).encode()
        answer = yield Call("end_records", "POST", "/ended", body=body, destructive=True)
        expect_ok(answer)
        return [VERDICTS[word] for word in answer.json()]


class WholeTiny(Tiny, Replaces):
    """Takes a set only whole."""

    keeps_gone = 0

    def replace(self, job: Job, memory: Memory, batch: Batch, tombstones: Sequence[Tombstone]) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(batch.bodies) + b"]"
        answer = yield Call("replace_records", "PUT", "/records", body=body, destructive=True)
        expect_ok(answer)
        return [VERDICTS[word] for word in answer.json()]


class TinyAdapter(Adapter):
    """`made` is the class of its resources, `options` what they are made with."""

    name = "tiny"
    Settings = TinySettings
    settings: TinySettings

    def __init__(
        self, settings: TinySettings | None = None, made: type[Tiny] = Tiny, host: str = "tiny", **options: Any
    ) -> None:
        super().__init__(settings or TinySettings.model_validate({"key": SECRET}))
        self.made, self.host, self.options = made, host, options

    @property
    def origin(self) -> str:
        return str(self.settings.base_url)

    @property
    def auth(self) -> StaticHeaders:
        return StaticHeaders({"Authorization": f"Bearer {self.settings.key.get_secret_value()}"})

    def resource(self, kind: str) -> Tiny:
        return self.made(kind, self.host, **self.options)

    @classmethod
    def bodies(cls, kind: str) -> Sequence[Body]:
        return (Body("anything", None, nulls="send"),)


def expect_ok(answer: Reply) -> None:
    if answer.status in (401, 403):
        raise Blocked("the key was refused", hint="Look at the key.")
    if answer.status == 413:
        raise TooLarge("too large")
    if not answer.ok:
        raise Rejected(Problem("a bad batch", "a good one"))


class ScriptedSender:
    """Answers each call with what `answers` gives for its operation: a reply, an error, or a function of the call.

    A list is used up from the front; its last element repeats. Calls are kept in `calls`.
    """

    origin = "http://tiny"

    def __init__(self, **answers: Answer | Sequence[Answer]) -> None:
        self.calls: list[Call] = []
        self.attempts: list[Attempt] = []
        self.answers: dict[str, list[Answer]] = {
            operation: list(given) if isinstance(given, Sequence) else [given] for operation, given in answers.items()
        }

    @property
    def requests(self) -> int:
        return len(self.calls)

    @property
    def operations(self) -> list[str]:
        return [call.operation for call in self.calls]

    def credentials(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, value: object, trace: TracebackType | None) -> None:
        return None

    async def send(self, call: Call, gate: Gate | None = None) -> Reply:
        if gate is not None:
            await gate(call)
        self.calls.append(call)
        self.attempts.append(Attempt(call.operation, 0, 0.0, len(call.body or b""), "", "", 0.0))
        left = self.answers.get(call.operation, [OK])
        answer = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(answer, BaseException):
            raise answer
        return answer if isinstance(answer, Reply) else answer(call)

    def take_attempts(self, *, run_id: str | None = None) -> list[Attempt]:
        taken, self.attempts = self.attempts, []
        return [replace(attempt, run_id=run_id) for attempt in taken]


def all_ok(call: Call) -> Reply:
    """Every record of the batch is fine."""
    return reply(["ok"] * len(json.loads(call.body or b"[]")))


def batch(*ids: str, first: int = 1) -> Batch:
    bodies = [json.dumps({"id": record_id}).encode() for record_id in ids]
    return Batch(list(ids), bodies, list(range(first, first + len(ids))))


def destination(
    sender: ScriptedSender,
    *,
    mode: Mode = "upsert",
    adapter: TinyAdapter | None = None,
    retry_seconds: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    run_id: str = "run-1",
    **options: Any,
) -> DestinationRun:
    """A destination run at a tiny vendor, not attached to any journal."""
    vendor = adapter or TinyAdapter()
    target = Target("tiny", vendor, vendor.resource(KIND), Plain())
    report = DestinationReport("tiny", lanes=[target.resource.lane])
    ledger = Ledger(report, lambda position: f"i.ndjson:{position}", options.pop("on_problem", None))
    job = Job(run_id, "test", KIND, mode)
    wait = sleep or Naps()
    return DestinationRun(target, job, cast(Sender, sender), ledger, retry_seconds=retry_seconds, sleep=wait, **options)


async def memory_journal() -> Journal:
    journal = open_journal("memory:")
    await journal.open()
    return journal


async def attached(tried: DestinationRun, journal: Journal | None = None) -> LaneRun:
    """Give the destination run its books, in a journal of its own unless one is given. What comes back releases it."""
    journal, job = journal or await memory_journal(), tried.job
    run = await journal.claim(tried.resource.lane, owner="test", lease=LEASE)
    assert run is not None
    earlier = await journal.run(job.run_id, tried.name)
    new = NewRun(job.run_id, tried.name, job.kind, job.mode, staged=tried.stages)
    holder = Holder(run, LEASE)
    books = RunBooks(journal, holder, new, earlier)
    tried.attach(journal, holder, books)
    await books.begin()
    return run


async def deliver(tried: DestinationRun, *batches: Batch) -> None:
    """Feed the destination run and let it end; its books must balance."""
    if tried.vendor.holder is None:
        await attached(tried)
    async with asyncio.TaskGroup() as group:
        group.create_task(tried.run())
        for each in batches:
            await tried.take(each)
        await tried.finish()
    tried.report.tally.check(sum(len(each) for each in batches))


def listing(tried: DestinationRun, books: RunBooks, terms: Terms) -> VendorList:
    """The vendor's list, for the end of a snapshot."""
    return VendorList(tried, books.journal, terms, LiveSet(partial=False), books.forget)


def counts(tried: DestinationRun) -> dict[str, int]:
    return {status.value: count for status, count in tried.report.tally.status.items() if count}


def failures() -> list[ProofportError]:
    """One of each error that a conversation may end with, TooLarge and Rejected aside."""
    from proofport.errors import AdapterFault, GuardRefused, OutcomeUnknown, Retryable, UnsupportedFeature

    return [
        Blocked("blocked"),
        GuardRefused("guard"),
        OutcomeUnknown("unknown"),
        Retryable("later", after=1e9),
        AdapterFault("fault"),
        UnsupportedFeature("unsupported"),
    ]
