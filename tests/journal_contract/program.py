"""A process that works on a journal until something happens to it. Run as a program by the process tests.

    python -P program.py accept|deliver|lease|prune URL NAME PIPE LEASE SLOTS

It says `ready NAME`, and after a SIGUSR1 what it does, in lines on the file descriptor PIPE. A line is one write: lines
of several processes on one pipe stand in the order in which things happened, and who is killed has written whole lines.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time

from proofport.errors import LaneLost
from proofport.journal import open_journal
from proofport.journal.contract import PRUNABLE, IdempotencyRecord, Journal, LaneRun, NewDelivery

ACCEPTING_AT_ONCE = 64
CALL_SECONDS = 0.005
TAKEN_AT_ONCE = 16


class Program:
    def __init__(self, journal: Journal, name: str, pipe: int) -> None:
        self._journal = journal
        self._name = name
        self._pipe = pipe

    def tell(self, *words: object) -> None:
        os.write(self._pipe, (" ".join(map(str, words)) + "\n").encode())

    async def accept(self) -> None:
        """Accept for ever, and say `ID KEY` of each delivery once it is acknowledged."""

        async def one_after_the_other(number: int) -> None:
            count = 0
            while True:
                count += 1
                key = f"{self._name}-{number}-{count}"
                new = NewDelivery(f"lane {number % 20}", "somewhere", "device", "upsert", key.encode(), 1)
                record = IdempotencyRecord("default", key, b"", b"")
                accepted = await self._journal.accept([new], record=record)
                self.tell(accepted.ids[0], key)

        async with asyncio.TaskGroup() as group:
            for number in range(ACCEPTING_AT_ONCE):
                group.create_task(one_after_the_other(number))

    async def deliver(self, lease: float, slots: int) -> None:
        """Deliver until SIGTERM: say `sent NAME EPOCH LANE ID` as a vendor would see it, `lost LANE` of lost lanes."""
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)

        async def drain(run: LaneRun) -> None:
            keeper = asyncio.create_task(_renew(run, lease / 3))
            try:
                while deliveries := await run.take(TAKEN_AT_ONCE):
                    for delivery in deliveries:
                        self.tell("sent", self._name, run.epoch, run.lane, delivery.id)
                        await asyncio.sleep(CALL_SECONDS)
                        await run.done(delivery, f"{run.epoch} {self._name}")
            except LaneLost:
                self.tell("lost", self._name, run.lane)
                raise
            finally:
                keeper.cancel()

        await self._journal.work(drain, owner=self._name, slots=slots, lease=lease, stop=stop)

    async def prune(self, lease: float, _: int) -> None:
        """Prune all that has ended, in small windows: say `dropped ROWS` after each that held anything, and `done`."""
        before = time.time()
        for what in PRUNABLE:
            after: int | None = 0
            while after is not None:
                pruned = await self._journal.prune(what, before=before, after=after, limit=100)
                if pruned.dropped:
                    self.tell("dropped", pruned.dropped[0].rows)
                after = pruned.after
        while await self._journal.give_space_back():
            pass
        self.tell("done", self._name)

    async def lease(self, lease: float, _: int) -> None:
        """Take turns with others at a lease, until SIGTERM: say `took NAME` and `gave NAME`. A busy holder, who asks
        again at once after giving it back."""
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        while not stop.is_set():
            held = await self._journal.take_lease("app", owner=self._name, lease=lease)
            if held.owner != self._name:
                await asyncio.sleep(CALL_SECONDS)
                continue
            self.tell("took", self._name)
            while not held.wanted and not stop.is_set():
                held = await self._journal.take_lease("app", owner=self._name, lease=lease)
                await asyncio.sleep(CALL_SECONDS)
            self.tell("gave", self._name)
            await self._journal.give_back_lease("app", owner=self._name)


async def _renew(run: LaneRun, every: float) -> None:
    while True:
        await asyncio.sleep(every)
        try:
            await run.renew()
        except LaneLost:
            return


async def main(what: str, url: str, name: str, pipe: str, lease: str, slots: str) -> None:
    journal = open_journal(url)
    await journal.open()
    program = Program(journal, name, int(pipe))
    asked = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, asked.set)
    program.tell("ready", name)
    await asked.wait()
    try:
        work = {"deliver": program.deliver, "lease": program.lease, "prune": program.prune}
        await (program.accept() if what == "accept" else work[what](float(lease), int(slots)))
    finally:
        await journal.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
