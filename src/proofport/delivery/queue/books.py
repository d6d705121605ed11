"""The books of queued deliveries: every outcome finds its way back to the delivery that its record came with."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Container, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from proofport.accounting import SKIPPED, Outcome, Status, surest, withheld
from proofport.adapter import Batch, Memory
from proofport.delivery.batching import part
from proofport.delivery.books import Entry, about_to_be_sent
from proofport.delivery.ids.same import keys_in
from proofport.delivery.lane.intents import Intents
from proofport.delivery.lane.payload import encode_outcomes, pack, pack_bodies
from proofport.delivery.report.report import DestinationReport, Ledger
from proofport.errors import Problem
from proofport.evidence import Neutral
from proofport.journal.contract import IN_DOUBT, Attempt, Delivery, Failure, Intent, LaneRun, NewDelivery, Sent


class Watch(Protocol):
    """Hears what a worker does."""

    def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None: ...
    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None: ...


@dataclass(frozen=True, slots=True)
class _End:
    """The end of one record. `body` was sent, or would have been; `kept` is to be kept of what was sent."""

    outcome: Outcome
    #: How its id compares, and how it was sent.
    key: str = ""
    record_id: str = ""
    digest: int = 0
    observed: float = 0.0
    body: bytes | None = None
    kept: bytes = b""


@dataclass(slots=True)
class _Open:
    """A delivery on its way."""

    delivery: Delivery
    records: Sequence[Neutral]
    #: Their ids compare without case.
    fold: bool
    #: One for each record, None as long as it has no outcome.
    ends: list[_End | None]


class QueueBooks:
    """Writes down what becomes of some deliveries of one lane, each as soon as all of its records have an outcome.

    A position is the number of a record, counted over all deliveries.
    """

    # a queued delivery is never resumed: it begins anew
    memory: Memory = {}  # noqa: RUF012
    unchecked = False

    def __init__(self, lane_run: LaneRun, watch: Watch | None) -> None:
        self._lane_run = lane_run
        self._watch = watch
        self._open: list[_Open] = []
        self._starts: list[int] = []
        self._count = 0
        #: Those that have not ended, in order.
        self._waiting: list[_Open] = []
        self._turn = asyncio.Lock()
        self._intents = Intents(self._intend)

    def add(self, delivery: Delivery, records: Sequence[Neutral], *, fold: bool) -> int:
        """One more delivery. Returns the position of its first record."""
        start = self._count
        self._open.append(_Open(delivery, records, fold, [None] * len(records)))
        self._waiting.append(self._open[-1])
        self._starts.append(start)
        self._count += len(records)
        return start

    def describe(self, position: int) -> str:
        """A record's place for a person."""
        of, at = self._place(position)
        return f"record {at + 1} of delivery {of.delivery.id}"

    @property
    def unsettled(self) -> Sequence[Delivery]:
        """The deliveries that have not ended, in order."""
        return [each.delivery for each in self._waiting]

    # ------------------------------------------------------------------ as `Books`
    async def opened(self, memory: Memory) -> None:
        """Nothing is remembered: the delivery begins anew when it is interrupted."""

    def acknowledged(self, entry: Entry) -> list[Outcome] | None:
        return None

    def check_end(self) -> None:
        """Nothing was sent before."""

    def intend(self, entry: Entry, batch: Batch, bodies: Sequence[bytes]) -> None:
        """One intent for each delivery: it ends with that."""
        places: defaultdict[int, list[int]] = defaultdict(list)
        for index, position in enumerate(batch.positions):
            places[self._place(position)[0].delivery.id].append(index)
        for delivery, indexes in places.items():
            own = part(batch, indexes)
            kept = [bodies[index] for index in indexes] if bodies else ()
            self._intents.add([Intent(entry.number, about_to_be_sent(own, kept), delivery=delivery)])

    async def intended(self, entry: Entry) -> None:
        await self._intents.durable(entry.number)

    async def _intend(self, intents: Sequence[Intent]) -> None:
        await self._lane_run.intend(self._open[0].delivery.kind, intents)

    async def done(
        self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt], bodies: Sequence[bytes]
    ) -> None:
        batch = entry.batch
        self._intents.noted(entry.number)
        own = [self._place(position)[0].delivery for position in batch.positions]
        await self.attempted(attempts, own)
        again = _refused_together(own, outcomes)
        observed = batch.observed or [0.0] * len(batch)
        kept = bodies or [b""] * len(batch)
        rows = zip(outcomes, keys_in(batch), batch.ids, entry.digests, observed, batch.bodies, kept, strict=True)
        for position, row in zip(batch.positions, rows, strict=True):
            of, at = self._place(position)
            if of.delivery.id not in again:
                of.ends[at] = _End(*row)
        await self.settle()

    async def doubted(self, entry: Entry, outcomes: Sequence[Outcome], attempts: Sequence[Attempt]) -> None:
        """The deliveries stay queued, and are sent again: at least once."""
        self._intents.noted(entry.number)
        await self.attempted(attempts, [self._place(position)[0].delivery for position in entry.batch.positions])

    # ------------------------------------------------------------------ writing down
    def reject(self, position: int, outcome: Outcome) -> None:
        """Note a record that cannot be sent."""
        of, at = self._place(position)
        of.ends[at] = _End(outcome)

    async def attempted(self, attempts: Sequence[Attempt], deliveries: Sequence[Delivery]) -> None:
        """Note requests with every delivery that they were made for."""
        if not attempts or not deliveries:
            return
        numbers = dict.fromkeys(delivery.id for delivery in deliveries)
        await self._lane_run.attempted([replace(each, delivery=number) for number in numbers for each in attempts])
        if self._watch is not None:
            self._watch.attempted(deliveries[0].destination, attempts)

    async def withdraw(self) -> None:
        """Drop the intents of what was not sent after all."""
        if intents := self._intents.not_sent():
            await self._lane_run.withdraw(self._open[0].delivery.kind, intents)

    async def settle(self, *, all_that_can: bool = False) -> None:
        """End every delivery at the head that has all its outcomes; with `all_that_can` those behind it as well."""
        async with self._turn:
            for each in list(self._waiting):
                if None not in each.ends:
                    await self._end(each)
                    self._waiting.remove(each)
                elif not all_that_can:
                    return

    async def _end(self, of: _Open) -> None:
        """It is done; what was rejected of it becomes a dead letter, alone or as a whole."""
        ends = [end for end in of.ends if end is not None]
        outcomes = [end.outcome for end in ends]
        bodies = [None if of.delivery.mode == "remove" else end.body for end in ends]
        bad = [i for i, outcome in enumerate(outcomes) if outcome.status is Status.REJECTED]
        if bad and len(bad) == len(outcomes):
            failure = Failure("rejected", encode_outcomes(outcomes))
            await self._lane_run.dead(of.delivery, failure, bodies=pack_bodies(bodies))
        else:
            letter = _dead_letter(of, bad, outcomes, bodies) if bad else None
            sent, text = _sent(of, ends), encode_outcomes(outcomes)

            async def write(intents: Sequence[Intent]) -> None:
                await self._lane_run.done(
                    of.delivery, text, sent=sent, dead=letter, intents=intents, arrived=surest(outcomes)
                )

            await self._intents.carried(write)
        if self._watch is not None:
            self._watch.settled(of.delivery, outcomes)

    def _place(self, position: int) -> tuple[_Open, int]:
        number = bisect_right(self._starts, position) - 1
        return self._open[number], position - self._starts[number]


class QueueLedger(Ledger):
    """Passes records that cannot be sent on to the books of their delivery."""

    def __init__(self, report: DestinationReport, describe: Callable[[int], str], books: QueueBooks) -> None:
        super().__init__(report, describe)
        self._books = books

    def refuse(self, record_id: str, position: int, outcome: Outcome, *, key: str | None) -> None:
        super().refuse(record_id, position, outcome, key=key)
        self._books.reject(position, outcome)

    def leave_out(self, record_id: str, position: int, reason: str, *, key: str | None = None) -> None:
        """Withhold it: of a delivery that was accepted, every record has an outcome."""
        why = Problem(f"a record that is left out ({reason})", "one that goes to this destination")
        self.refuse(record_id, position, withheld(SKIPPED, why), key=key)


def _refused_together(deliveries: Sequence[Delivery], outcomes: Sequence[Outcome]) -> Container[int]:
    """The deliveries of which nobody can say whose record is to blame: each is sent again by itself.

    They shared a request that was refused as a whole: its records have one outcome, the same object. Where all that was
    sent has equal outcomes, it is taken for such a request.
    """
    sharing: defaultdict[int, set[int]] = defaultdict(set)
    for delivery, outcome in zip(deliveries, outcomes, strict=True):
        if outcome.status is Status.REJECTED:
            sharing[id(outcome)].add(delivery.id)
    if outcomes.count(outcomes[0]) == len(outcomes):
        sharing = defaultdict(set, {0: set().union(*sharing.values())})
    return set().union(*(some for some in sharing.values() if len(some) > 1))


def _dead_letter(
    of: _Open, bad: Sequence[int], outcomes: Sequence[Outcome], bodies: Sequence[bytes | None]
) -> tuple[NewDelivery, Failure]:
    delivery = of.delivery
    rest = NewDelivery(
        delivery.lane,
        delivery.destination,
        delivery.kind,
        delivery.mode,
        pack([of.records[i] for i in bad], fold=of.fold),
        len(bad),
        bodies=pack_bodies([bodies[i] for i in bad]),
    )
    return rest, Failure("rejected", encode_outcomes([outcomes[i] for i in bad]))


def _sent(of: _Open, ends: Sequence[_End]) -> Sent:
    """The new last delivered state; where the outcome is unknown, that is in doubt, and nothing is removed."""
    removal = of.delivery.mode == "remove"
    noted = {Status.DELIVERED: True} if removal else {Status.DELIVERED: True, Status.UNKNOWN: False}
    arrived = [end for end in ends if end.outcome.status in noted]
    return Sent(
        [end.key for end in arrived],
        [end.digest if noted[end.outcome.status] else IN_DOUBT for end in arrived],
        [end.observed for end in arrived],
        [end.kept for end in arrived],
        spellings=[None if end.key == end.record_id else end.record_id for end in arrived],
    )
