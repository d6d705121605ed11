"""All that goes before sending a batch, done while those before it are on their way."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

from proofport.accounting import UNCHANGED, Outcome
from proofport.adapter import Batch, Job
from proofport.delivery.batching import part
from proofport.delivery.books import Books, Entry
from proofport.delivery.lane.last_delivered import Filtered, LastState


@dataclass(frozen=True, slots=True)
class Decided:
    """A batch of which nothing is to be sent."""

    entry: Entry
    outcomes: Sequence[Outcome]
    #: The outcomes are to be written down.
    new: bool = False
    wanted: Filtered | None = None


@dataclass(frozen=True, slots=True)
class ToSend:
    """A batch of which records are to be sent when its turn comes."""

    entry: Entry
    wanted: Filtered
    #: The records to send, in their order; where the adapter needs it, with what was sent of them last.
    rest: Batch

    def merged(self, sent: Sequence[Outcome]) -> Sequence[Outcome]:
        """The outcomes of the whole batch. `sent` are those of the records that were sent."""
        if self.rest.ids is self.entry.batch.ids:
            return sent
        ends = {**self.wanted.decided, **dict(zip(self.wanted.order, sent, strict=True))}
        return [ends[i] for i in range(len(self.entry.batch))]


Prepared: TypeAlias = Decided | ToSend


async def prepared(
    entry: Entry, job: Job, books: Books, state: LastState, *, skip_unchanged: bool, is_live: bool
) -> Prepared:
    """Leave out what is not to be sent, and have the rest noted as about to be sent.

    `is_live`: the vendor holds the whole set already.
    """
    batch = entry.batch
    earlier = books.acknowledged(entry)
    if earlier is not None:
        return Decided(entry, earlier)
    if is_live:
        return Decided(entry, [UNCHANGED] * len(batch), new=True)
    wanted = await state.filter(job, batch, entry.digests, skip_unchanged=skip_unchanged)
    rest = part(batch, wanted.order)
    if not len(rest):
        return Decided(entry, [wanted.decided[i] for i in range(len(batch))], new=True, wanted=wanted)
    if job.mode in ("patch", "remove"):
        rest = await state.with_last(job, rest)
    if job.mode != "remove":
        books.intend(entry, rest, await state.if_sent(job, rest))
    return ToSend(entry, wanted, rest)
