"""Leaving out what a vendor holds already: the comparison before a run, and a set that goes whole or not at all."""

from __future__ import annotations

import asyncio
import pickle
import tempfile
from collections.abc import Iterator
from contextlib import AsyncExitStack, closing

from proofport.adapter import Batch
from proofport.delivery.closing import pages_of_vendor
from proofport.delivery.lane import Lane
from proofport.delivery.live_state import LiveState
from proofport.errors import ProofportError


async def compare_with_live(lane: Lane, stack: AsyncExitStack, *, resumed: bool) -> None:
    """Read what the lane's vendor holds, where it can be listed, so that equal records are not sent again.

    Elsewhere the journal is asked. A resumed set that is staged is sent to its end: a difference was found before.
    """
    capability, mode = lane.capability, lane.job.mode
    staged = capability.staged and mode == "snapshot"
    if lane.stopped is not None or not capability.listed or mode == "remove" or (staged and resumed):
        return
    live = stack.enter_context(closing(LiveState(partial=mode == "patch")))
    try:
        async for page in pages_of_vendor(lane):
            live.add(page.records)
    except ProofportError as error:
        await lane.halt(error)
        return
    lane.last.live = live
    if not resumed:
        lane.report.difference = live.difference
    if staged:
        lane.queue = stack.enter_context(closing(WholeOrNothing(live)))


class WholeOrNothing(asyncio.Queue[Batch | None]):
    """Keeps the batches of a set that replaces what is live on disk, until one of them differs from it.

    Then all of them go. When none differs, and nothing else is live, they go too, marked as `is_the_set`: not to be
    sent, only to be booked.
    """

    def __init__(self, live: LiveState) -> None:
        super().__init__(maxsize=1)
        self._live = live
        self._same_so_far = True
        self._kept = tempfile.TemporaryFile()  # noqa: SIM115  (closed by close)

    def close(self) -> None:
        self._kept.close()

    async def put(self, item: Batch | None) -> None:
        if item is None:
            self._live.is_the_set = self._same_so_far and self._kept.tell() > 0 and self._live.all_met()
        elif self._differs(item):
            self._same_so_far = False
        elif self._same_so_far:
            pickle.dump(item, self._kept)
            return
        for batch in self._released():
            await super().put(batch)
        await super().put(item)

    def _differs(self, batch: Batch) -> bool:
        return len(self._live.compare(batch)) < len(batch)

    def _released(self) -> Iterator[Batch]:
        """What waited, in its order; afterwards nothing waits."""
        end = self._kept.tell()
        self._kept.seek(0)
        while self._kept.tell() < end:
            yield pickle.load(self._kept)  # noqa: S301  (written by `put`)
        self._kept.seek(0)
        self._kept.truncate()
