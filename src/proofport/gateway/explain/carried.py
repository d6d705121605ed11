"""The request that carried a record, made again, and looked for in the list of exchanges beside a receipt.

What is not known any more is tried: which records of a batch were not sent, or in which halves it went. Nothing is
believed: a request counts where its SHA-256, with method and path, is one of the list.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from urllib.parse import unquote

import orjson

from proofport.accounting import Outcome, Status
from proofport.adapter import Batch, Flow, Job, MakesSchema, Memory, Replaces, Tombstone
from proofport.delivery.batching import part
from proofport.delivery.lane.last_delivered import LastState
from proofport.delivery.target import DAY, Target
from proofport.errors import ProofportError
from proofport.journal.contract import Journal
from proofport.wire import Call, Reply

YES = b'{"success":true}'
"""An answer that says yes in the plainest words, to go through a flow again. Where that needs more, it ends there."""

MOST_CALLS = 10_000
"""Of one flow."""

MAYBE_NOT_SENT = Status.UNCHANGED, Status.REJECTED
"""Ends of a record that may have been decided without a request."""

NOT_LISTED = "its request is not among the exchanges"
NEEDS_ANSWERS = "its request cannot be made again without the vendor's answers"


class Exchanges:
    """The list beside a receipt."""

    def __init__(self, content: bytes) -> None:
        rows = map(orjson.loads, content.splitlines())
        #: The last status by method, path and digest: a request that was refused for now was sent again.
        self._status: Mapping[tuple[str, str, str | None], int] = {
            (row["method"], row["path"], row["request"]): row["status"] for row in rows
        }

    def status_of(self, call: Call) -> int | None:
        """None: no such request was sent."""
        return self._status.get((call.method, call.path, sha256(call.body or b"").hexdigest()))


class Carrier:
    """Makes requests of one run, or of queued deliveries, again."""

    def __init__(self, journal: Journal, target: Target, job: Job, memory: Memory, exchanges: Exchanges) -> None:
        self._journal = journal
        self._target = target
        self._job = job
        self._memory = memory
        self._exchanges = exchanges
        self._why = NEEDS_ANSWERS

    async def request_of(self, index: int, batch: Batch, outcomes: Sequence[Outcome]) -> str:
        """The SHA-256 of the request that carried the record at an index. Raises NotCarried.

        `outcomes`: those of the batch.
        """
        self._why = NEEDS_ANSWERS
        record_id = batch.ids[index]
        for order in self._orders(batch, outcomes):
            if index not in order:
                continue
            sent = part(batch, order)
            if self._job.mode in ("patch", "remove"):
                sent = await LastState(self._journal, self._target).with_last(self._job, sent)
            for some in halves(len(sent), order.index(index)):
                for flow in await self._flows(part(sent, some)):
                    if (found := self._carrying(flow, record_id)) is not None:
                        return sha256(found.body or b"").hexdigest()
        raise NotCarried(self._why)

    def _orders(self, batch: Batch, outcomes: Sequence[Outcome]) -> Iterator[list[int]]:
        """The indexes of the records that may have been sent, in their order then."""
        everything = list(range(len(batch)))
        yield everything
        not_held_back = [i for i in everything if outcomes[i].status not in (Status.UNCHANGED, Status.WITHHELD)]
        yield not_held_back
        if isinstance(self._target.resource, MakesSchema) and not_held_back:
            try:
                admitted = self._target.resource.admit(self._job, part(batch, not_held_back))
            except ProofportError:
                return
            yield [not_held_back[i] for i in admitted.order]
        yield [i for i in not_held_back if outcomes[i].status is not Status.REJECTED]

    async def _flows(self, batch: Batch) -> list[Flow[list[Outcome]]]:
        resource, job = self._target.resource, self._job
        if job.mode != "snapshot" or not isinstance(resource, Replaces):
            return [resource.send(job, dict(self._memory), batch)]
        return [resource.replace(job, dict(self._memory), batch, each) for each in await self._tombstones(resource)]

    async def _tombstones(self, resource: Replaces) -> list[Sequence[Tombstone]]:
        """None, and those that the journal has of what was gone by then, in the order of their ids."""
        if not resource.keeps_gone:
            return [[]]
        since, after, found = self._job.started - resource.keeps_gone * DAY, "", list[Tombstone]()
        while page := await self._journal.tombstones(self._target.lane, self._job.kind, since=since, after=after):
            after = page[-1].id
            found += [each for each in page if each.gone_at <= self._job.started]
        return [[], found] if found else [[]]

    def _carrying(self, flow: Flow[list[Outcome]], record_id: str) -> Call | None:
        """The first call of a flow that names the record and was sent."""
        try:
            call = next(flow)
            for _ in range(MOST_CALLS):
                status = self._exchanges.status_of(call)
                if call.method != "GET" and self._names(call, record_id):
                    if status is not None:
                        return call
                    self._why = NOT_LISTED
                call = flow.send(Reply(200 if status is None else status, {}, YES))
        except (StopIteration, ProofportError):
            pass
        finally:
            flow.close()
        return None

    def _names(self, call: Call, record_id: str) -> bool:
        """True if a record stands in a request: under its id in a body of JSON, or at the end of the path."""
        id_field = self._target.resource.body(self._job.mode).id_field
        named = b"%b:%b" % (orjson.dumps(id_field), orjson.dumps(record_id))
        return named in (call.body or b"") or unquote(call.path.rpartition("/")[2]) == record_id


class NotCarried(Exception):
    """No request can be found that carried a record; the text says why."""


def halves(count: int, index: int) -> Iterator[range]:
    """All of so many, then the half with the index, its half, and so on: a request that is too large goes in halves."""
    start, stop = 0, count
    while True:
        yield range(start, stop)
        if stop - start <= 1:
            return
        middle = (start + stop) // 2
        start, stop = (start, middle) if index < middle else (middle, stop)
