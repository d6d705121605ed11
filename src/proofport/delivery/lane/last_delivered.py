"""The last delivered state of one lane and kind: the records that need not or must not be sent, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import orjson
from pydantic import JsonValue

from proofport.accounting import CONFIRMED, NOT_HELD, NOT_KNOWN, UNCHANGED, Outcome, Status, rejected
from proofport.adapter import Batch, Job, LastDelivered, ListsWhole, MakesSchema, Opens, Replaces, Resource, Stages
from proofport.delivery.batching import part
from proofport.delivery.ids.same import keys_in, was_sent
from proofport.delivery.lane.foreseen import Foreseen
from proofport.delivery.lane.live_set import LiveSet
from proofport.delivery.reading.observed import older
from proofport.delivery.target import Target
from proofport.journal.contract import IN_DOUBT, Journal, Known

_MAY_HAVE_ARRIVED = (Status.DELIVERED, Status.UNKNOWN)


@dataclass(frozen=True, slots=True)
class Filtered:
    """The records of a batch that are to be sent, and the outcomes of the others."""

    #: The indexes to send, in this order.
    order: Sequence[int]
    #: By index.
    decided: Mapping[int, Outcome]
    #: Key and value for the adapter's memory of the lane, once the vendor may have taken one of the records.
    freezes: tuple[str, JsonValue] | None = None
    #: A sentence for the report, about what the vendor makes of them.
    note: str | None = None


class LastState:
    """Asks the journal for one destination run."""

    def __init__(self, journal: Journal | Foreseen, target: Target, *, keep_last: bool = False) -> None:
        """`keep_last`: keep the bodies of a set that goes whole, where the vendor does not list whole records."""
        self._journal = journal
        resource = target.resource
        self._keep_last = keep_last and not (isinstance(resource, ListsWhole) and resource.lists_whole)
        self._resource = resource
        self._lane = target.lane
        self._tolerance = target.clock_tolerance
        #: The vendor's own list, where it was read to leave out what is equal.
        self.live: LiveSet | None = None

    async def lane_memory(self) -> Mapping[str, JsonValue]:
        """The memory that the adapter keeps of the lane from run to run."""
        return await self._journal.adapter_memory(self._lane) if isinstance(self._resource, MakesSchema) else {}

    # ------------------------------------------------------------------ before sending
    async def filter(self, job: Job, batch: Batch, digests: Sequence[int], *, skip_unchanged: bool) -> Filtered:
        """Leave out the records that the vendor has already, older ones, and those that its schema refuses.

        Raises UsageError when no record is fit to make the schema. A set that goes whole is not filtered.
        """
        if job.mode == "snapshot" and isinstance(self._resource, Stages | Replaces):
            return Filtered(range(len(batch)), {})
        decided: dict[int, Outcome] = {}
        known: Sequence[Known | None] = ()
        if job.mode != "remove" and (skip_unchanged or batch.observed):
            known = await self._journal.known(self._lane, job.kind, keys_in(batch))
            decided |= older(batch, known, self._tolerance)
        rest: Sequence[int] = range(len(batch))
        if decided:
            rest = [i for i in rest if i not in decided]
        freezes = note = None
        if isinstance(self._resource, MakesSchema) and rest:
            admitted = self._resource.admit(job, part(batch, rest))
            decided |= {rest[i]: rejected(problem) for i, problem in admitted.refused.items()}
            freezes, note = admitted.freezes, admitted.note
            if decided or freezes:
                rest = [rest[i] for i in admitted.order]
        if skip_unchanged and freezes is None and known and (unchanged := self._unchanged(batch, digests, known)):
            decided = {**unchanged, **decided}
            rest = [i for i in rest if i not in unchanged]
        return Filtered(rest, decided, freezes, note)

    def _unchanged(self, batch: Batch, digests: Sequence[int], known: Sequence[Known | None]) -> dict[int, Outcome]:
        if self.live is not None:
            return self.live.compare(batch, digests, known)
        return {i: UNCHANGED for i, each in enumerate(zip(known, digests, strict=True)) if was_sent(*each)}

    async def all_unchanged(self, job: Job, batch: Batch, digests: Sequence[int]) -> bool:
        """True if the vendor holds every record of a set with this very body, or else was sent it last."""
        known = await self._journal.known(self._lane, job.kind, keys_in(batch))
        return len(self._unchanged(batch, digests, known)) == len(batch)

    async def with_last(self, job: Job, batch: Batch) -> Batch:
        """The batch, with what was delivered last of each record."""
        known = await self._journal.known(self._lane, job.kind, keys_in(batch))
        bodies = await self._journal.bodies(self._lane, job.kind, keys_in(batch))
        return replace(batch, last=list(map(_last, known, bodies)))

    async def foreseen(self, job: Job, batch: Batch, digests: Sequence[int]) -> Filtered:
        """Leave out what a delivery would refuse, in a run that sends nothing."""
        wanted = await self.filter(job, batch, digests, skip_unchanged=False)
        if job.mode != "remove" or isinstance(self._resource, Opens):
            return wanted
        alone = _decided_alone(self._resource, job, await self.with_last(job, batch))
        return replace(wanted, decided={**wanted.decided, **alone})

    # ------------------------------------------------------------------ after sending
    async def to_keep(self, job: Job, batch: Batch, outcomes: Sequence[Outcome]) -> Sequence[bytes]:
        """The bodies to keep of what was sent."""
        if not (bodies := await self.if_sent(job, batch)):
            return ()
        pairs = zip(bodies, outcomes, strict=True)
        return [body if outcome.status in _MAY_HAVE_ARRIVED else b"" for body, outcome in pairs]

    async def if_sent(self, job: Job, batch: Batch) -> Sequence[bytes]:
        """The bodies to keep if all of a batch arrives. Of a patch, the last body with the patch applied."""
        whole = job.mode == "snapshot" and isinstance(self._resource, Stages | Replaces)
        if job.mode == "remove" or not (self._resource.keeps_bodies or (whole and self._keep_last)):
            return ()
        if job.mode != "patch":
            return batch.bodies
        last = await self._journal.bodies(self._lane, job.kind, keys_in(batch))
        return [_patched(body, patch) if body else b"" for body, patch in zip(last, batch.bodies, strict=True)]


def _decided_alone(resource: Resource, job: Job, batch: Batch) -> Mapping[int, Outcome]:
    """The ends of removals, by their index, that an adapter decides without a call: of what was never delivered."""
    indexes = [i for i, last in enumerate(batch.last) if last is None]
    if not indexes:
        return {}
    flow = resource.send(job, {}, part(batch, indexes))
    try:
        next(flow)
    except StopIteration as end:
        return dict(zip(indexes, end.value, strict=True))
    flow.close()
    return {}


def removed(batch: Batch, outcomes: Sequence[Outcome]) -> Sequence[Outcome]:
    """The ends of removals. Of what the vendor does not hold, only what was delivered from here is surely gone."""
    if NOT_HELD not in outcomes:
        return outcomes
    pairs = zip(batch.last, outcomes, strict=True)
    return [_end_of(last) if outcome == NOT_HELD else outcome for last, outcome in pairs]


def _end_of(last: LastDelivered | None) -> Outcome:
    if last is None:
        return NOT_KNOWN
    return UNCHANGED if last.removed else CONFIRMED


def may_have_arrived(outcomes: Sequence[Outcome]) -> bool:
    """True if the vendor has taken one of the records, or may have."""
    return any(outcome.status in _MAY_HAVE_ARRIVED for outcome in outcomes)


def _last(known: Known | None, body: bytes | None) -> LastDelivered | None:
    if known is None:
        return None if body is None else LastDelivered(removed=True)
    return LastDelivered(body or b"", certain=known.body != IN_DOUBT)


def _patched(body: bytes, patch: bytes) -> bytes:
    """Set the fields that the patch names; null deletes, the others stay."""
    merged = {**orjson.loads(body), **orjson.loads(patch)}
    return orjson.dumps({name: value for name, value in merged.items() if value is not None})
