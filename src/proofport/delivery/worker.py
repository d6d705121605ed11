"""Drains the lanes of queued deliveries: in order, each delivery to its end, resting where the vendor says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Protocol

from proofport.accounting import Outcome, Status
from proofport.adapter import Mode
from proofport.delivery.courier import Courier, Delivered
from proofport.delivery.engine import Target
from proofport.delivery.lease import Holder, kept, new_owner
from proofport.delivery.outcomes import encode
from proofport.delivery.pacer import Pacer
from proofport.delivery.payload import pack, pack_bodies, unpack
from proofport.delivery.sender import Sender
from proofport.errors import JournalError, LaneLost, OutcomeUnknown, ProofportError, Retryable
from proofport.journal.contract import Attempt, Delivery, Failure, Journal, LaneRun, NewDelivery
from proofport.logs import get_logger

TAKEN_AT_ONCE = 16
LONGEST_REST = 300.0

log = get_logger("delivery")


class Watch(Protocol):
    """Is told what a worker does."""

    def settled(self, delivery: Delivery, outcomes: Sequence[Outcome]) -> None: ...
    def attempted(self, destination: str, attempts: Sequence[Attempt]) -> None: ...


class Worker:
    """Delivers what a journal holds. `target` gives the adapter and mapping of a destination, kind and mode.

    `grace`: seconds that what is in flight may take to end once it is time to stop. What has not ended stays queued,
    its lane is released, and whoever claims that sends it again; None: it is waited for.
    """

    def __init__(
        self,
        journal: Journal,
        target: Callable[[str, str, Mode], Target],
        *,
        instance: str,
        lease: float,
        slots: int = 8,
        grace: float | None = None,
        watch: Watch | None = None,
    ) -> None:
        self._journal = journal
        self._target = target
        self._instance = instance
        self._slots = slots
        self._lease = lease
        self._grace = grace
        self._watch = watch

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set. Deliveries in flight are brought to their end first, within `grace`."""

        async def drain(run: LaneRun) -> None:
            try:
                async with _limited(stop, self._grace) as limit:
                    await self._drain(run, stop)
            except TimeoutError:
                if not limit.expired():
                    raise
                log.warning("delivery_released", lane=run.lane, seconds=self._grace)

        await self._journal.work(drain, owner=new_owner(), slots=self._slots, lease=self._lease, stop=stop)

    async def _drain(self, run: LaneRun, stop: asyncio.Event) -> None:
        """Deliver in order until the lane is empty, rests, is parked, or is lost, or it is time to stop."""
        holder = Holder(run, self._lease)
        try:
            async with kept(holder, self._lease, lambda error: None), AsyncExitStack() as stack:
                senders: dict[str, Sender] = {}
                while deliveries := await run.take(TAKEN_AT_ONCE):
                    for delivery in deliveries:
                        if stop.is_set() or not await self._deliver(holder, delivery, senders, stack):
                            return
        except LaneLost as error:
            log.error("lane_lost", lane=run.lane, error=error.message)

    async def _deliver(
        self, holder: Holder, delivery: Delivery, senders: dict[str, Sender], stack: AsyncExitStack
    ) -> bool:
        """Whether the lane goes on with its next delivery.

        It rests where time may mend it, and is parked for everything that a person has to look at.
        """
        run = holder.run
        try:
            delivered = await self._send(holder, delivery, senders, stack)
        except (LaneLost, JournalError):  # without its journal a lane can be neither rested nor parked
            raise
        except (Retryable, OutcomeUnknown) as error:  # what may have arrived is sent again: at least once
            asked = error.after if isinstance(error, Retryable) else None
            rest = asked or min(2.0 ** min(delivery.attempts, 8), LONGEST_REST)
            await run.later(delivery, rest, Failure("vendor_unavailable", str(error)))
            log.warning("lane_rests", lane=run.lane, seconds=round(rest, 1), error=error.message)
            return False
        except ProofportError as error:
            await run.park(str(error))
            log.error("lane_parked", lane=run.lane, error=error.message)
            return False
        await _settle(run, delivery, delivered)
        if self._watch is not None:
            self._watch.settled(delivery, delivered.outcomes)
        return True

    async def _send(
        self, holder: Holder, delivery: Delivery, senders: dict[str, Sender], stack: AsyncExitStack
    ) -> Delivered:
        target = self._target(delivery.destination, delivery.kind, delivery.mode)
        if delivery.destination not in senders:
            pacer = Pacer(self._journal, target.adapter)
            senders[delivery.destination] = await stack.enter_async_context(Sender(target.adapter, pacer))
        sender = senders[delivery.destination]
        try:
            return await Courier(target, delivery, self._instance, sender, holder).deliver(self._journal)
        finally:
            attempts = sender.take_attempts(delivery=delivery.id)
            await holder.run.attempted(attempts)
            if self._watch is not None:
                self._watch.attempted(delivery.destination, attempts)


@asynccontextmanager
async def _limited(stop: asyncio.Event, grace: float | None) -> AsyncIterator[asyncio.Timeout]:
    """Raises TimeoutError when the block has not ended `grace` seconds after `stop` was set."""
    async with asyncio.timeout(None) as limit:

        async def begin() -> None:
            await stop.wait()
            if grace is not None:
                limit.reschedule(asyncio.get_running_loop().time() + grace)

        beginning = asyncio.create_task(begin())
        try:
            yield limit
        finally:
            beginning.cancel()


async def _settle(run: LaneRun, delivery: Delivery, delivered: Delivered) -> None:
    """Done; what was rejected of it becomes a dead letter, alone or as a whole."""
    bad = [i for i, outcome in enumerate(delivered.outcomes) if outcome.status is Status.REJECTED]
    if bad and len(bad) == len(delivered.outcomes):
        failure = Failure("rejected", encode(delivered.outcomes))
        await run.dead(delivery, failure, bodies=pack_bodies(delivered.bodies))
        return
    letter = _dead_letter(delivery, bad, delivered) if bad else None
    await run.done(delivery, encode(delivered.outcomes), sent=delivered.sent, dead=letter)


def _dead_letter(delivery: Delivery, bad: Sequence[int], delivered: Delivered) -> tuple[NewDelivery, Failure]:
    records = unpack(delivery.payload)
    rest = NewDelivery(
        delivery.lane,
        delivery.destination,
        delivery.kind,
        delivery.mode,
        pack([records[i] for i in bad]),
        len(bad),
        bodies=pack_bodies([delivered.bodies[i] for i in bad]),
    )
    return rest, Failure("rejected", encode([delivered.outcomes[i] for i in bad]))
