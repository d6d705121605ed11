"""One queued delivery on its way: rendered, cut into batches, sent, every record with its outcome."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from proofport.accounting import Outcome, Status, rejected
from proofport.adapter import Batch, Job, Memory
from proofport.delivery.batching import Batcher, part
from proofport.delivery.conversation import converse, refuse_destruction
from proofport.delivery.digests import bodies_of
from proofport.delivery.engine import Target
from proofport.delivery.exchange import exchange
from proofport.delivery.last_state import LastState
from proofport.delivery.lease import Holder
from proofport.delivery.payload import evidence_of, unpack_bodies
from proofport.delivery.pipeline import not_json
from proofport.delivery.screening import seconds_of
from proofport.delivery.sender import Sender
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral
from proofport.journal.contract import IN_DOUBT, Delivery, Journal, Sent
from proofport.wire import Call

NEVER_RENDERED = Problem(
    "no body: the mapping refused this record",
    "a body that was sent before",
    hint="Replay it without sending it as it was: it is mapped again.",
)


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a delivery: the outcome of each record, and the new last delivered state.

    `bodies`: of each record what was sent, or would have been; None where there is no body.
    """

    outcomes: Sequence[Outcome]
    sent: Sent
    bodies: Sequence[bytes | None]


class Courier:
    """Takes one delivery to its vendor. Raises what is not about single records: Retryable, Blocked, LaneLost …"""

    def __init__(self, target: Target, delivery: Delivery, instance: str, sender: Sender, holder: Holder) -> None:
        self._target = target
        self._adapter = target.adapter
        self._delivery = delivery
        self._sender = sender
        self._holder = holder
        self._capability = target.adapter.capability(delivery.kind, delivery.mode)
        self._job = Job(f"delivery-{delivery.id}", instance, delivery.kind, delivery.mode, target.render.fields)

    async def deliver(self, journal: Journal) -> Delivered:
        records = evidence_of(self._delivery)
        batches, outcomes = self._render(records)
        sent = Sent([], [], [], [])
        last = LastState(journal, self._adapter, self._capability, self._job, self._target.types)
        self._job = await last.load()
        memory: Memory | None = None
        for batch in batches:
            order, decided = await last.sift(batch, bodies_of(batch), skip_unchanged=False)
            outcomes.update({batch.positions[i]: outcome for i, outcome in decided.items()})
            rest = part(batch, order)
            if not rest:
                continue
            if memory is None:
                memory = await converse(self._adapter.open(self._job, {}), self._sender, gate=self._permit)
            ends = await self._send(memory, await last.with_bodies(rest) if self._job.mode == "remove" else rest)
            outcomes.update(zip(rest.positions, ends, strict=True))
            self._job = await last.note(self._holder.run, ends)
            sent = _joined(sent, _sent(rest, ends, await last.kept(rest, ends), removed=self._job.mode == "remove"))
        bodies = {at: item for each in batches for at, item in zip(each.positions, each.items, strict=True)}
        places = range(len(records))
        return Delivered([outcomes[at] for at in places], sent, [bodies.get(at) or None for at in places])

    def _render(self, records: Sequence[Neutral]) -> tuple[list[Batch], dict[int, Outcome]]:
        """Batches whose positions are indexes of `records`, and the outcomes of those that cannot be sent."""
        item_of = self._items()
        batcher = Batcher(self._capability)
        batches: list[Batch | None] = []
        outcomes: dict[int, Outcome] = {}
        for index, record in enumerate(records):
            try:
                item = item_of(index, record)
            except Rejected as error:
                outcomes[index] = rejected(error.problem)
            except TypeError as error:
                outcomes[index] = rejected(not_json(error))
            else:
                observed, extras = seconds_of(record.get("observed_at")), "extras" in record
                batches.append(batcher.add(record["id"], item, index, observed, extras=extras))
        batches.append(batcher.flush())
        return [batch for batch in batches if batch is not None], outcomes

    def _items(self) -> Callable[[int, Neutral], bytes]:
        """How a record gets its body: as it was, mapped now, or none where only ids are sent."""
        if self._delivery.bodies is not None:
            kept = unpack_bodies(self._delivery.bodies)
            return lambda index, _: _as_it_was(kept[index])
        encode = self._target.items(self._job.kind, self._job.mode)
        return lambda _, record: b"" if encode is None else encode([record])[0]

    async def _send(self, memory: Memory, batch: Batch) -> Sequence[Outcome]:
        return await exchange(
            batch,
            lambda some: converse(self._adapter.send(self._job, memory, some), self._sender, gate=self._permit),
        )

    async def _permit(self, call: Call) -> None:
        if self._job.mode != "remove":
            await refuse_destruction(call)
        await self._holder.permit(call)


def _as_it_was(body: bytes | None) -> bytes:
    if body is None:
        raise Rejected(NEVER_RENDERED)
    return body


def _sent(batch: Batch, outcomes: Sequence[Outcome], items: Sequence[bytes], *, removed: bool) -> Sent:
    """What became of the last delivered state; where the outcome is unknown, that is in doubt, and nothing removed."""
    noted = {Status.DELIVERED: True} if removed else {Status.DELIVERED: True, Status.UNKNOWN: False}
    arrived = [(i, noted[end.status]) for i, end in enumerate(outcomes) if end.status in noted]
    digests = bodies_of(batch)
    return Sent(
        [batch.ids[i] for i, _ in arrived],
        [digests[i] if sure else IN_DOUBT for i, sure in arrived],
        [batch.observed[i] if batch.observed else 0.0 for i, _ in arrived],
        [items[i] if items else b"" for i, _ in arrived],
    )


def _joined(some: Sent, more: Sent) -> Sent:
    return Sent(
        [*some.ids, *more.ids],
        [*some.bodies, *more.bodies],
        [*some.observed, *more.observed],
        [*some.items, *more.items],
    )
