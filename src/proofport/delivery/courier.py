"""One queued delivery on its way: rendered, cut into batches, sent, every record with its outcome."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from proofport.accounting import Outcome, Status, rejected
from proofport.adapter import Batch, Job, Memory
from proofport.delivery.batching import Batcher, part
from proofport.delivery.conversation import converse, refuse_destruction
from proofport.delivery.digests import bodies_of
from proofport.delivery.engine import Target
from proofport.delivery.exchange import exchange
from proofport.delivery.lease import Holder
from proofport.delivery.pipeline import not_json
from proofport.delivery.screening import screen, seconds_of
from proofport.delivery.sender import Sender
from proofport.errors import Rejected
from proofport.evidence import Neutral
from proofport.journal.contract import Delivery, Journal, Sent
from proofport.wire import Call


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of a delivery: the outcome of each record, and the new last delivered state."""

    outcomes: Sequence[Outcome]
    sent: Sent


class Courier:
    """Takes one delivery to its vendor. Raises what is not about single records: Retryable, Blocked, LaneLost …"""

    def __init__(self, target: Target, delivery: Delivery, instance: str, sender: Sender, holder: Holder) -> None:
        self._target = target
        self._adapter = target.adapter
        self._delivery = delivery
        self._sender = sender
        self._holder = holder
        self._job = Job(f"delivery-{delivery.id}", instance, delivery.kind, delivery.mode, target.render.fields)

    async def deliver(self, journal: Journal) -> Delivered:
        records: list[Neutral] = orjson.loads(self._delivery.payload)
        batches, outcomes = self._render(records)
        ids: list[str] = []
        bodies: list[int] = []
        observed: list[float] = []
        memory: Memory | None = None
        for batch in batches:
            digests = bodies_of(batch)
            decided = await self._decided(journal, batch, digests)
            outcomes.update({batch.positions[i]: outcome for i, outcome in decided.items()})
            rest = part(batch, [i for i in range(len(batch)) if i not in decided])
            if not rest:
                continue
            if memory is None:
                memory = await converse(self._adapter.open(self._job, {}), self._sender, gate=self._permit)
            outcomes.update(zip(rest.positions, await self._send(memory, rest), strict=True))
            for i, position in enumerate(batch.positions):
                if i not in decided and outcomes[position].status is Status.DELIVERED:
                    ids.append(batch.ids[i])
                    bodies.append(digests[i])
                    observed.append(batch.observed[i] if batch.observed else 0.0)
        return Delivered([outcomes[index] for index in range(len(records))], Sent(ids, bodies, observed))

    def _render(self, records: Sequence[Neutral]) -> tuple[list[Batch], dict[int, Outcome]]:
        """Batches whose positions are indexes of `records`, and the outcomes of those that cannot be sent."""
        batcher = Batcher(self._adapter.capability(self._job.kind, self._job.mode))
        batches: list[Batch | None] = []
        outcomes: dict[int, Outcome] = {}
        for index, record in enumerate(records):
            try:
                item = b"" if self._job.mode == "remove" else orjson.dumps(self._target.render(record))
            except Rejected as error:
                outcomes[index] = rejected(error.problem)
            except TypeError as error:
                outcomes[index] = rejected(not_json(error))
            else:
                batches.append(batcher.add(record["id"], item, index, seconds_of(record.get("observed_at"))))
        batches.append(batcher.flush())
        return [batch for batch in batches if batch is not None], outcomes

    async def _decided(self, journal: Journal, batch: Batch, digests: Sequence[int]) -> dict[int, Outcome]:
        """Older state than what was sent last is refused."""
        if self._job.mode == "remove" or not batch.observed:
            return {}
        known = await journal.known(self._delivery.lane, self._job.kind, batch.ids)
        return screen(batch, digests, known, skip_unchanged=False)

    async def _send(self, memory: Memory, batch: Batch) -> Sequence[Outcome]:
        return await exchange(
            batch,
            lambda some: converse(self._adapter.send(self._job, memory, some), self._sender, gate=self._permit),
        )

    async def _permit(self, call: Call) -> None:
        if self._job.mode != "remove":
            await refuse_destruction(call)
        await self._holder.permit(call)
