"""Drains queued deliveries: in the order of their lane, each to its end, resting where the vendor says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field

import orjson

from proofport.accounting import Outcome, Status, rejected, unknown
from proofport.adapter import Adapter, Batch, Job, Memory, Mode
from proofport.delivery.batching import Batcher, halves
from proofport.delivery.conversation import allow_destruction, converse, refuse_destruction
from proofport.delivery.digests import sent_of
from proofport.delivery.engine import Target
from proofport.delivery.lease import LEASE, RENEWALS, new_owner
from proofport.delivery.outcomes import encode
from proofport.delivery.sender import Sender
from proofport.errors import (
    AdapterFault,
    LaneLost,
    Problem,
    ProofportError,
    Rejected,
    Retryable,
    TooLarge,
)
from proofport.evidence import Neutral
from proofport.journal.contract import Delivery, Failure, Journal, LaneRun, NewDelivery
from proofport.logs import get_logger

TAKEN_AT_ONCE = 16
LONGEST_REST = 300.0

log = get_logger("delivery")


@dataclass(slots=True)
class Rendered:
    """A delivery as this vendor takes it: batches, and the end of every record that has none of its own yet."""

    batches: list[Batch] = field(default_factory=list)
    outcomes: dict[int, Outcome] = field(default_factory=dict)
    observed: dict[int, float] = field(default_factory=dict)


class Worker:
    """Delivers what a journal holds. `target` gives the adapter and mapping of a destination, kind and mode."""

    def __init__(
        self,
        journal: Journal,
        target: Callable[[str, str, Mode], Target],
        *,
        instance: str,
        slots: int = 8,
        lease: float = LEASE,
    ) -> None:
        self._journal = journal
        self._target = target
        self._instance = instance
        self._slots = slots
        self._lease = lease

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Deliveries in flight are brought to their end first."""
        await self._journal.work(self._drain, owner=new_owner(), slots=self._slots, lease=self._lease, stop=stop)

    async def _drain(self, lane: LaneRun) -> None:
        """Deliver in order until the lane is empty, rests or is parked."""
        keeper = asyncio.create_task(_renew(lane, self._lease / RENEWALS))
        try:
            async with AsyncExitStack() as stack:
                senders: dict[str, Sender] = {}
                while deliveries := await lane.take(TAKEN_AT_ONCE):
                    for delivery in deliveries:
                        await self._deliver(lane, delivery, senders, stack)
        except _LaneRests:
            pass
        except LaneLost as error:
            log.error("lane_lost", lane=lane.lane, error=error.message)
        finally:
            keeper.cancel()
            await lane.release()

    async def _deliver(
        self, lane: LaneRun, delivery: Delivery, senders: dict[str, Sender], stack: AsyncExitStack
    ) -> None:
        try:
            target = self._target(delivery.destination, delivery.kind, delivery.mode)
            if delivery.destination not in senders:
                senders[delivery.destination] = await stack.enter_async_context(Sender(target.adapter))
            conversation = _Conversation(target, delivery, self._instance, senders[delivery.destination])
            outcomes = await conversation.deliver()
        except Retryable as error:
            rest = error.after if error.after is not None else min(2.0**delivery.attempts, LONGEST_REST)
            await lane.later(delivery, rest, Failure("vendor_unavailable", str(error)))
            log.warning("lane_rests", lane=lane.lane, seconds=round(rest, 1), error=error.message)
            raise _LaneRests from error
        except LaneLost:
            raise
        except ProofportError as error:
            await lane.park(str(error))
            log.error("lane_parked", lane=lane.lane, error=error.message)
            raise _LaneRests from error
        await self._settle(lane, delivery, outcomes, conversation.rendered)

    async def _settle(self, lane: LaneRun, delivery: Delivery, outcomes: Sequence[Outcome], rendered: Rendered) -> None:
        records = orjson.loads(delivery.payload)
        bad = [record for record, end in zip(records, outcomes, strict=True) if end.status is Status.REJECTED]
        if len(bad) == len(records):
            await lane.dead(delivery, Failure("rejected", encode(outcomes)))
            return
        rest = None
        if bad:
            rest = NewDelivery(
                delivery.lane, delivery.destination, delivery.kind, delivery.mode, orjson.dumps(bad), len(bad)
            )
        delivered = {i for i, end in enumerate(outcomes) if end.status is Status.DELIVERED}
        await lane.done(
            delivery, encode(outcomes), sent=sent_of(rendered.batches, delivered, rendered.observed), dead=rest
        )


class _LaneRests(Exception):
    """Ends a drain without emptying the lane."""


class _Conversation:
    """One delivery on its way: rendered, cut into batches, sent, every record with its outcome."""

    def __init__(self, target: Target, delivery: Delivery, instance: str, sender: Sender) -> None:
        self._adapter: Adapter = target.adapter
        self._target = target
        self._delivery = delivery
        self._sender = sender
        self._job = Job(f"d{delivery.id}", instance, delivery.kind, delivery.mode, target.render.fields)
        self._gate = allow_destruction if delivery.mode == "remove" else refuse_destruction
        self.rendered = Rendered()

    async def deliver(self) -> list[Outcome]:
        records: list[Neutral] = orjson.loads(self._delivery.payload)
        self._render(records)
        outcomes = self.rendered.outcomes
        if self.rendered.batches:
            memory = await converse(self._adapter.open(self._job, {}), self._sender, gate=self._gate)
            for batch in self.rendered.batches:
                ends = await self._send(memory, batch)
                outcomes.update(zip(batch.positions, ends, strict=True))
        return [outcomes[index] for index in range(len(records))]

    def _render(self, records: Sequence[Neutral]) -> None:
        batcher = Batcher(self._adapter.capability(self._job.kind, self._job.mode))
        for index, record in enumerate(records):
            try:
                item = b"" if self._job.mode == "remove" else orjson.dumps(self._target.render(record))
            except Rejected as error:
                self.rendered.outcomes[index] = rejected(error.problem)
                continue
            full = batcher.add(record["id"], item, index)
            self.rendered.batches += [full] if full else []
        last = batcher.flush()
        self.rendered.batches += [last] if last else []

    async def _send(self, memory: Memory, batch: Batch) -> list[Outcome]:
        try:
            outcomes = await converse(self._adapter.send(self._job, memory, batch), self._sender, gate=self._gate)
        except TooLarge as error:
            if len(batch) == 1:
                return [
                    rejected(Problem("a record too large for one request", "a smaller one", vendor_message=str(error)))
                ]
            first, second = halves(batch)
            return [*await self._send(memory, first), *await self._send(memory, second)]
        except Rejected as error:
            return [rejected(error.problem)] * len(batch)
        except AdapterFault as error:
            return [unknown("adapter_fault", Problem(error.message, "an answer the adapter can read"))] * len(batch)
        return [*outcomes, *[unknown("no_verdict")] * (len(batch) - len(outcomes))][: len(batch)]


async def _renew(lane: LaneRun, every: float) -> None:
    """Keep the lease alive. When it is lost, the next write says so."""
    while True:
        await asyncio.sleep(every)
        try:
            await lane.renew()
        except LaneLost:
            return
