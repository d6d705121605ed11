"""Fills the last delivered state of a journal that was lost, as far as the vendor lists what it holds."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from proofport.adapter import Lists, MakesSchema, Observed, ReadsBack, Resource
from proofport.delivery.conversation import Conversation
from proofport.delivery.ids.same import keys_of
from proofport.delivery.lane.lease import hold
from proofport.delivery.report.report import DestinationReport, summary
from proofport.delivery.target import lane_of
from proofport.errors import ProofportError, UsageError
from proofport.journal.contract import PERHAPS_OVERWRITTEN, BatchDone, Journal, LaneRun, NewRun, RunFilter, Sent
from proofport.text.wording import did_you_mean, listing

if TYPE_CHECKING:
    from proofport.gateway.gateway import Gateway

AT_ONCE = 2_000
INPUT = "the vendor's list"
OWN = "rebuild-"
"""Begins the ids of its runs. One of them that was cut off is not resumed, but made again."""

NO_LIST = (
    "The vendor does not list what it holds under our ids. Push the whole set once: it is the set that the next one is "
    "compared with. Who has left between the last push and that one stays at the vendor, unless you end them there."
)
LAGS = "The vendor's list lags behind: what was delivered lately may be missing from it. Run this once more later."
SCHEMA = "What the journal knew of the vendor's schema is not listed: `proofport schema list` says what to confirm."


@dataclass(slots=True)
class Rebuilt:
    """The outcome for one kind."""

    kind: str
    #: Ids that the vendor lists, and that the journal did not know. None: the vendor lists nothing of the kind.
    added: int | None = None
    #: Ids that the vendor lists, and that the journal knew.
    known: int = 0
    #: Records that the vendor lists as gone already.
    ended: int = 0
    #: Records that it lists, and that no set from here has brought.
    outside: int = 0
    notes: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


async def rebuilt(gateway: Gateway, destination: str, kind: str | None = None) -> list[Rebuilt]:
    """Note what a vendor lists as delivered, of one kind or of all that are configured.

    What the journal knows stays as it is. The digests of bodies are not known, so that nothing added counts as
    unchanged. Raises UsageError for a kind that is not configured and for one with a run that can be resumed, and the
    errors of reading.
    """
    adapter, journal = gateway.config.adapter(destination), await gateway.journal()
    kinds = list(adapter.settings.objects)
    if kind is not None and kind not in kinds:
        raise UsageError(
            f"{kind} is not configured for {destination}; configured: {listing(kinds) or 'nothing'}",
            hint=did_you_mean(kind, kinds),
        )
    found = []
    async with await gateway.sender(adapter) as sender:
        for each in kinds if kind is None else [kind]:
            resource = adapter.resource(each)
            result = Rebuilt(each)
            found.append(result)
            if isinstance(resource, MakesSchema):
                result.notes.append(SCHEMA)
            if not isinstance(resource, Lists):
                result.notes.append(NO_LIST)
                continue
            if resource.lags:
                result.notes.append(LAGS)
            talk = Conversation(resource, "upsert", sender, retry_seconds=gateway.config.patience, sleep=asyncio.sleep)
            await _fill(journal, destination, resource, talk, result, gateway.config)
    return found


async def _fill(
    journal: Journal, destination: str, resource: Resource, talk: Conversation, result: Rebuilt, config: Any
) -> None:
    lane, lost = lane_of(destination, resource), list[ProofportError]()
    async with hold(
        journal,
        lane,
        retry_seconds=config.patience,
        on_wait=lambda note: None,
        on_lost=lost.append,
        lease=config.lease,
    ) as holder:
        await _refuse_to_end_others(journal, lane, destination, resource.kind)
        run = NewRun(f"{OWN}{secrets.token_hex(6)}", destination, resource.kind, "upsert", (INPUT,))
        await holder.run.begin(run)
        result.added = 0
        async for page in _listed(talk):
            if lost:
                raise lost[0]
            await _note(journal, holder.run, run, resource, page, result)
        await holder.run.end(run.run_id, complete=True, report=_report(destination, result))


async def _refuse_to_end_others(journal: Journal, lane: str, destination: str, kind: str) -> None:
    """Raises UsageError while a run of the lane, which is held, could be resumed: a new one would end it."""
    chosen = RunFilter(destination=destination, kind=kind, state="open")
    runs = [run.run_id for run in await journal.runs(lane=lane, chosen=chosen) if not run.run_id.startswith(OWN)]
    if runs:
        raise UsageError(
            f"{kind} at {destination} has a run that can be resumed, and that this would end: {listing(runs)}",
            hint="Go on with it (`proofport push … --resume RUN`), or push again, which ends it. Then run this again.",
        )


async def _listed(talk: Conversation) -> AsyncIterator[list[Observed]]:
    waiting: list[Observed] = []
    async for page in talk.live_pages():
        waiting += page.records
        if len(waiting) >= AT_ONCE:
            yield waiting
            waiting = []
    yield waiting


async def _note(
    journal: Journal, held: LaneRun, run: NewRun, resource: Resource, page: list[Observed], result: Rebuilt
) -> None:
    """Add those of a page that count as held, and that the journal does not know."""
    there = [each for each in page if not _has_ended(resource, each)]
    result.ended += len(page) - len(there)
    result.outside += sum(each.outside for each in there)
    ids = [each.id for each in there if not each.outside]
    by_key = dict(zip(keys_of(ids), ids, strict=True))
    last = await journal.known(held.lane, run.kind, list(by_key))
    new = [key for key, known in zip(by_key, last, strict=True) if known is None]
    result.known += len(by_key) - len(new)
    if not new:
        return
    spellings = [None if by_key[key] == key else by_key[key] for key in new]
    sent = Sent(new, [PERHAPS_OVERWRITTEN] * len(new), spellings=spellings)
    number = (result.added or 0) + 1
    await held.batch_done(run.run_id, BatchDone(number, number, number + len(new) - 1, 0, b"", "[]", sent))
    result.added = (result.added or 0) + len(new)


def _has_ended(resource: Resource, record: Observed) -> bool:
    """True if the vendor shows that a record is gone: the list says so, or its fields are those of one that is."""
    if record.ended or not isinstance(resource, ReadsBack) or not resource.ended_fields:
        return record.ended
    return all(name in record.fields and record.fields[name] == end for name, end in resource.ended_fields.items())


def _report(destination: str, result: Rebuilt) -> str:
    """The books of a run that delivered nothing, and how many records it added."""
    books = orjson.loads(summary(DestinationReport(destination), {}))
    return orjson.dumps({"rebuilt": result.added, **books}).decode()
