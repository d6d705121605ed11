"""Explains records that went through the queue: from the evidence that the journal keeps of every delivery."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from itertools import product

import orjson

from proofport.accounting import Outcome, Status
from proofport.adapter import Batch
from proofport.audit import explain
from proofport.audit.explain import Explanation, FieldTold
from proofport.delivery.batching import Batcher
from proofport.delivery.ids.spellings import Spellings
from proofport.delivery.lane.payload import left_with
from proofport.delivery.queue.shown import outcomes_of
from proofport.delivery.queue.taken import content_of, taken
from proofport.delivery.reading.observed import seconds_of
from proofport.delivery.target import Target
from proofport.errors import JournalError, UsageError
from proofport.evidence import Neutral
from proofport.gateway.explain.carried import MAYBE_NOT_SENT, Carrier, NotCarried
from proofport.gateway.explain.certified import Certified, in_words, target_of
from proofport.gateway.targets import Targets
from proofport.journal.contract import Delivery, Filter, Journal

ATTEMPTS = 20_000
"""The latest requests of a lane, among which those of a delivery are looked for."""


@dataclass(frozen=True, slots=True)
class _Sent:
    """A record of a delivery as it was sent, or would have been."""

    delivery: int
    #: Its number in the delivery.
    number: int
    record: Neutral
    body: bytes
    outcome: Outcome


class QueueExplainer:
    """Explains records of one receipt of a lane's deliveries."""

    def __init__(self, journal: Journal, targets: Targets, certified: Certified) -> None:
        self._journal = journal
        self._targets = targets
        self._certified = certified
        self._lane: str = certified.told["object"]

    async def explain(self, record_id: str, only: int | None) -> list[Explanation]:
        """A record, by each of the deliveries that holds it, or by this one. Raises UsageError where none does."""
        rows = list(map(orjson.loads, (await self._certified.file("deliveries") or b"").splitlines()))
        listed = await self._journal.find(Filter(ids=[row["id"] for row in rows]), limit=len(rows))
        deliveries = [each for each in listed if only is None or each.id == only]
        found = [told for each in deliveries for told in await self._in_delivery(each, record_id, listed)]
        if found:
            return found
        lost = len(rows) - len(listed)
        words = f"; {lost:,} of its deliveries are not in the journal any more" if lost else ""
        name = self._certified.receipt.name
        raise UsageError(f"no delivery of the receipt {name} holds the record {record_id!r}{words}")

    async def _in_delivery(self, delivery: Delivery, record_id: str, listed: Sequence[Delivery]) -> list[Explanation]:
        told = Explanation(delivery.destination, self._certified.receipt.name, record_id)
        told.place = f"delivery {delivery.id}"
        try:
            read = taken(delivery)
        except JournalError as error:
            told.missing.append(f"delivery {delivery.id} cannot be read: {error.message}")
            return [told]
        for left in left_with(delivery.payload):
            if left.record_id == record_id:
                told.outcome = f"left out: {left.reason}"
                return [told]
        number = next((n for n, each in enumerate(read.records) if each["id"] == record_id), None)
        if number is None:
            return []
        told.place += f", record {number + 1}"
        record, outcomes = read.records[number], outcomes_of(delivery) or []
        told.outcome = in_words(outcomes[number]) if outcomes else None
        told.evidence = explain.as_it_is(record)
        target = target_of(self._targets, delivery.destination, delivery.kind, delivery.mode, told)
        if target is None:
            return [told]
        if (kept := _kept_bodies(delivery)) is not None and (body := kept[number]) is not None:
            told.body = [FieldTold(name, "kept", value) for name, value in orjson.loads(body).items()]
        elif not await self._certified.tell_body(target, delivery.mode, record, told):
            return [told]
        if outcomes and outcomes[number].status is not Status.WITHHELD:
            await self._request(target, delivery, number, listed, told)
        return [told]

    # ------------------------------------------------------------------ the request
    async def _request(
        self, target: Target, delivery: Delivery, number: int, listed: Sequence[Delivery], told: Explanation
    ) -> None:
        """Make the request again: with the records of all deliveries that went in it."""
        exchanges = await self._certified.exchanges()
        if exchanges is None:
            told.missing.append("the receipt was written from the journal: it has no digests of requests")
            return
        why = "its request cannot be made again"
        together = await self._together(delivery, listed)
        for spelled, group in product((False, True), together):
            sent = [
                each for other in group for each in _sent(target, other, await self._records(target, other, spelled))
            ]
            for batch in _batches(target, delivery, sent):
                held = [sent[at] for at in batch.positions]
                places = [(each.delivery, each.number) for each in held]
                if (delivery.id, number) not in places:
                    continue
                name, instance = f"delivery-{group[0].id}", self._certified.told["instance"]
                job = target.job(name, instance, delivery.kind, delivery.mode)
                carrier = Carrier(self._journal, target, job, {}, exchanges)
                try:
                    index = places.index((delivery.id, number))
                    told.request = await carrier.request_of(index, batch, [each.outcome for each in held])
                except NotCarried as error:
                    why = str(error)
                else:
                    return
        if not (told.outcome or "").startswith(MAYBE_NOT_SENT):
            told.missing.append(f"its delivery is in the receipt; {why}")

    async def _records(self, target: Target, delivery: Delivery, spelled: bool) -> Sequence[Neutral]:
        """The records of a delivery; `spelled`: with their ids as they were written first. None of a damaged one."""
        try:
            read = taken(delivery)
        except JournalError:
            return []
        if not spelled:
            return read.records
        with closing(Spellings(self._journal, target.lane, delivery.kind, None)) as spellings:
            return (await spellings.sent_as(read.records, read.keys, fold=read.fold))[0]

    async def _together(self, delivery: Delivery, listed: Sequence[Delivery]) -> list[Sequence[Delivery]]:
        """The deliveries that may have shared a request with this one, in their order: by the requests that the
        journal noted with each."""
        by_delivery: defaultdict[int | None, set[str]] = defaultdict(set)
        for each in await self._journal.attempts(lane=self._lane, limit=ATTEMPTS):
            by_delivery[each.delivery].add(each.digest)
        own, alike = by_delivery[delivery.id], [each for each in listed if _sort(each) == _sort(delivery)]
        groups: list[Sequence[Delivery]] = [
            [each for each in alike if digest in by_delivery[each.id]] for digest in sorted(own)
        ]
        connected = [each for each in alike if own & by_delivery[each.id]]
        return [*groups, connected, [delivery]]


def _sort(delivery: Delivery) -> tuple[str, str, str]:
    return delivery.destination, delivery.kind, delivery.mode


def _kept_bodies(delivery: Delivery) -> Sequence[bytes | None] | None:
    """The bodies of a delivery that was to be sent as it was before. Those of a dead letter may be others."""
    return content_of(delivery)[2] if delivery.state != "dead" else None


def _sent(target: Target, delivery: Delivery, records: Sequence[Neutral]) -> list[_Sent]:
    """The records of a delivery that have a body."""
    if not records:
        return []
    encode, found = target.encoder(delivery.mode), list[_Sent]()
    kept = _kept_bodies(delivery) or [None] * len(records)
    for number, (record, outcome) in enumerate(zip(records, outcomes_of(delivery) or [], strict=False)):
        body = kept[number]
        if body is None and delivery.mode != "remove" and not isinstance(target.body_of(record), dict):
            continue
        if outcome.status is not Status.WITHHELD:
            found.append(_Sent(delivery.id, number, record, body or encode([record])[0], outcome))
    return found


def _batches(target: Target, delivery: Delivery, sent: Sequence[_Sent]) -> list[Batch]:
    """The batches that records make, as a worker cuts them. A position is an index of `sent`."""
    batcher = Batcher(target.resource.limits(delivery.mode))
    observed = [seconds_of(each.record.get("observed_at")) for each in sent]
    extras = any("extras" in each.record for each in sent)
    ids, bodies = [each.record["id"] for each in sent], [each.body for each in sent]
    batcher.extend(ids, bodies, range(len(sent)), observed, extras=extras)
    found: list[Batch] = []
    while (batch := batcher.full() or batcher.flush()) is not None:
        found.append(batch)
    return found
