"""A vendor as small as one can be, and a sender that answers from a script: what the tests of delivery stand on."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from types import TracebackType
from typing import Any, ClassVar, Self, cast

from pydantic import Field
from tests.journals import MemoryJournal

from proofport.accounting import CONFIRMED, Outcome, Tally, rejected, unknown
from proofport.adapter import (
    Adapter,
    Batch,
    Body,
    Capability,
    Credential,
    Flow,
    Job,
    Memory,
    Mode,
    ObjectSettings,
    Observed,
    Page,
    Settings,
)
from proofport.delivery.lane import Lane
from proofport.delivery.lease import Holder
from proofport.delivery.ledger import Ledger
from proofport.delivery.sender import Gate, Sender
from proofport.errors import Blocked, Problem, ProofportError, Rejected, TooLarge
from proofport.journal.contract import Attempt, Journal, LaneRun, NewRun
from proofport.wire import Call, Reply

SECRET = "s3cret-of-the-tiny-vendor"
VERDICTS = {"ok": CONFIRMED, "no": rejected(Problem("a bad field", "a good one")), "?": unknown("no_verdict")}
OK = Reply(200, body=b"{}")
LEASE = 90.0

Answer = Reply | BaseException | Callable[[Call], Reply]


def reply(data: object, status: int = 200, **headers: str) -> Reply:
    return Reply(status, {name.replace("_", "-"): value for name, value in headers.items()}, json.dumps(data).encode())


class TinySettings(Settings):
    base_url: str = "http://127.0.0.1:9"
    key: Credential = cast(Any, SECRET)
    objects: dict[str, ObjectSettings] = Field(default_factory=dict)


class TinyAdapter(Adapter):
    """`capabilities` by mode. The vendor answers a batch with one word a record: ok, no or ?."""

    name = "tiny"
    Settings = TinySettings
    capabilities: ClassVar[Mapping[str, Capability]] = {}

    def __init__(self, settings: TinySettings | None = None, **capabilities: Capability) -> None:
        super().__init__(settings or TinySettings.model_validate({"key": SECRET}))
        self.chosen: dict[str, Capability] = {**self.capabilities, **capabilities}

    @property
    def origin(self) -> str:
        return str(self.settings.base_url)

    def headers(self) -> Mapping[str, str]:
        return {"Authorization": f"Bearer {self.settings.key.get_secret_value()}"}

    def lane(self, kind: str) -> str:
        return f"tiny/{kind}"

    def capability(self, kind: str, mode: Mode) -> Capability:
        return self.chosen.get(mode, Capability())

    def body(self, kind: str, mode: Mode) -> Body:
        return Body("anything", None, nulls="send")

    def open(self, job: Job, memory: Memory) -> Flow[Memory]:
        if self.chosen.get(job.mode, Capability()).staged:
            opened = yield Call("open_set", "POST", "/sets")
            _expect(opened)
        return {**memory, "run": job.run_id}

    def send(self, job: Job, memory: Memory, batch: Batch) -> Flow[list[Outcome]]:
        body = b"[" + b",".join(item or json.dumps(batch.ids[i]).encode() for i, item in enumerate(batch.items)) + b"]"
        destructive = job.mode == "remove"
        answer = yield Call("send_records", "POST", "/records", body=body, destructive=destructive)
        _expect(answer)
        return [VERDICTS[word] for word in answer.json()]

    def close(self, job: Job, memory: Memory, tally: Tally) -> Flow[None]:
        answer = yield Call("complete_set", "POST", "/sets/complete", lost="ask", destructive=True)
        _expect(answer)

    def abort(self, job: Job, memory: Memory) -> Flow[None]:
        answer = yield Call("cancel_set", "POST", "/sets/cancel")
        _expect(answer)

    def observe(self, kind: str, cursor: str | None) -> Flow[Page | None]:
        answer = yield Call("list_records", "GET", "/records", query=(("after", cursor or ""),))
        if answer.status == 404:
            return None
        _expect(answer)
        page = answer.json()
        return Page([Observed(record_id) for record_id in page["ids"]], page["next"])


def _expect(answer: Reply) -> None:
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

    def take_attempts(self, *, run_id: str | None = None, delivery: int | None = None) -> list[Attempt]:
        taken, self.attempts = self.attempts, []
        return [replace(attempt, run_id=run_id, delivery=delivery) for attempt in taken]


def all_ok(call: Call) -> Reply:
    """Every record of the batch is fine."""
    return reply(["ok"] * len(json.loads(call.body or b"[]")))


def batch(*ids: str, first: int = 1) -> Batch:
    items = [json.dumps({"id": record_id}).encode() for record_id in ids]
    return Batch(list(ids), items, list(range(first, first + len(ids))))


class Naps:
    """A sleep that takes no time and remembers how long it should have been."""

    def __init__(self) -> None:
        self.taken: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.taken.append(seconds)

    @property
    def total(self) -> float:
        return sum(self.taken)


def lane(
    sender: ScriptedSender,
    *,
    mode: Mode = "upsert",
    adapter: Adapter | None = None,
    patience: float = 60.0,
    sleep: Callable[[float], Awaitable[None]] | None = None,
    run_id: str = "run-1",
    **options: Any,
) -> Lane:
    job = Job(run_id, "test", "custom:thing", mode)
    return Lane(
        "tiny",
        adapter or TinyAdapter(),
        job,
        cast(Sender, sender),
        patience=patience,
        describe=lambda position: f"i.ndjson:{position}",
        sleep=sleep or Naps(),
        **options,
    )


async def memory_journal() -> Journal:
    return MemoryJournal()


async def held(tried: Lane, journal: Journal | None = None) -> LaneRun:
    """Give the lane its ledger, in a journal of its own unless one is given. What comes back releases it."""
    journal, job = journal or await memory_journal(), tried.job
    run = await journal.claim(tried.report.lanes[0], owner="test", lease=LEASE)
    assert run is not None
    staged = tried.capability.staged and job.mode == "snapshot"
    earlier = await journal.run(job.run_id, tried.name)
    new = NewRun(job.run_id, tried.name, job.kind, job.mode, staged=staged)
    tried.ledger = Ledger(journal, Holder(run, LEASE), new, earlier)
    await tried.ledger.begin()
    return run


async def deliver(tried: Lane, *batches: Batch) -> None:
    """Feed the lane and let it end; its books must balance."""
    if tried.ledger is None:
        await held(tried)
    async with asyncio.TaskGroup() as group:
        group.create_task(tried.run())
        for each in batches:
            await tried.queue.put(each)
        await tried.queue.put(None)
    tried.report.tally.check(sum(len(each) for each in batches))


def counts(tried: Lane) -> dict[str, int]:
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
