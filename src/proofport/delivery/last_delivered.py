"""The last delivered state of one lane and kind: the records that need not or must not be sent, and what is kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import orjson
from pydantic import JsonValue

from proofport.accounting import CONFIRMED, NOT_HELD, NOT_KNOWN, UNCHANGED, Outcome, Status, rejected
from proofport.adapter import Batch, Job, LastDelivered, MakesSchema, Replaces, Stages
from proofport.delivery.batching import part
from proofport.delivery.live_set import LiveSet
from proofport.delivery.same import was_sent
from proofport.delivery.target import Target
from proofport.errors import Problem
from proofport.evidence import format_timestamp
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


class LastState:
    """Asks the journal for one destination run."""

    def __init__(self, journal: Journal, target: Target) -> None:
        self._journal = journal
        self._resource = target.resource
        self._lane = target.lane
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
            known = await self._journal.known(self._lane, job.kind, batch.ids)
            decided |= _older(batch, known)
        rest = [i for i in range(len(batch)) if i not in decided]
        freezes = None
        if isinstance(self._resource, MakesSchema) and rest:
            admitted = self._resource.admit(job, part(batch, rest))
            decided |= {rest[i]: rejected(problem) for i, problem in admitted.refused.items()}
            rest, freezes = [rest[i] for i in admitted.order], admitted.freezes
        if skip_unchanged and freezes is None and known:
            unchanged = self._unchanged(batch, digests, known)
            decided = {**unchanged, **decided}
            rest = [i for i in rest if i not in unchanged]
        return Filtered(rest if decided or freezes else range(len(batch)), decided, freezes)

    def _unchanged(self, batch: Batch, digests: Sequence[int], known: Sequence[Known | None]) -> dict[int, Outcome]:
        if self.live is not None:
            return self.live.compare(batch, digests, known)
        return {i: UNCHANGED for i, each in enumerate(zip(known, digests, strict=True)) if was_sent(*each)}

    async def all_unchanged(self, job: Job, batch: Batch, digests: Sequence[int]) -> bool:
        """True if the vendor holds every record of a set with this very body, or else was sent it last."""
        known = await self._journal.known(self._lane, job.kind, batch.ids)
        return len(self._unchanged(batch, digests, known)) == len(batch)

    async def with_last(self, job: Job, batch: Batch) -> Batch:
        """The batch, with what was delivered last of each record."""
        known = await self._journal.known(self._lane, job.kind, batch.ids)
        bodies = await self._journal.bodies(self._lane, job.kind, batch.ids)
        return replace(batch, last=list(map(_last, known, bodies)))

    # ------------------------------------------------------------------ after sending
    async def to_keep(self, job: Job, batch: Batch, outcomes: Sequence[Outcome]) -> Sequence[bytes]:
        """The bodies to keep of what was sent. Of a patch, the last body with the patch applied."""
        if not self._resource.keeps_bodies or job.mode == "remove":
            return ()
        bodies: Sequence[bytes] = batch.bodies
        if job.mode == "patch":
            last = await self._journal.bodies(self._lane, job.kind, batch.ids)
            bodies = [_patched(body, patch) if body else b"" for body, patch in zip(last, bodies, strict=True)]
        pairs = zip(bodies, outcomes, strict=True)
        return [body if outcome.status in _MAY_HAVE_ARRIVED else b"" for body, outcome in pairs]


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


def seconds_of(observed_at: str | None) -> float:
    """Seconds since 1970 of a canonical timestamp, 0 for none."""
    return datetime.fromisoformat(observed_at).timestamp() if observed_at else 0.0


def _last(known: Known | None, body: bytes | None) -> LastDelivered | None:
    if known is None:
        return None if body is None else LastDelivered(removed=True)
    return LastDelivered(body or b"", certain=known.body != IN_DOUBT)


def _older(batch: Batch, known: Sequence[Known | None]) -> dict[int, Outcome]:
    """The records whose source looked before it saw what was sent last, by their index."""
    if not batch.observed:
        return {}
    pairs = enumerate(zip(batch.observed, known, strict=True))
    return {
        i: _refused_as_older(observed, last.observed)
        for i, (observed, last) in pairs
        if last is not None and observed and last.observed > observed
    }


def _refused_as_older(observed: float, last: float) -> Outcome:
    found, newer = (format_timestamp(datetime.fromtimestamp(at, UTC)) for at in (observed, last))
    problem = Problem(
        field="observed_at",
        found=found,
        expected=f"a time not before {newer}, when what was sent last had been observed",
        hint="The vendor holds a newer state of this record: sending the older one would undo it.",
    )
    return rejected(problem)


def _patched(body: bytes, patch: bytes) -> bytes:
    """Set the fields that the patch names; null deletes, the others stay."""
    merged = {**orjson.loads(body), **orjson.loads(patch)}
    return orjson.dumps({name: value for name, value in merged.items() if value is not None})
