"""Notes what is about to be sent, together with the batch before, so that it costs no commit of its own.

A process that is killed after a request has left leaves its intent in the journal. So a record that arrived, and whose
arrival nobody noted, is known to the next set: it may be gone.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Container, Sequence
from typing import TypeAlias

from proofport.journal.contract import Intent

Write: TypeAlias = Callable[[Sequence[Intent]], Awaitable[None]]


class Intents:
    """The intents of one destination run. `write` notes some of them alone."""

    def __init__(self, write: Write) -> None:
        self._write = write
        #: Those that no write has taken along yet.
        self._waiting: list[Intent] = []
        #: For each batch whose intents are being written, the end of that.
        self._writing: dict[int, asyncio.Event] = {}
        #: Those that are durable, of batches whose outcomes are not noted.
        self._open: dict[int, list[Intent]] = {}

    def add(self, intents: Sequence[Intent]) -> None:
        """Let them go with the next write."""
        self._waiting += intents

    async def carried(self, write: Write) -> None:
        """Carry out a write, which takes along all that wait. If it fails, they wait for the next one."""
        some, self._waiting = self._waiting, []
        written = asyncio.Event()
        self._writing.update((each.batch, written) for each in some)
        try:
            await write(some)
        except BaseException:
            self._waiting = some + self._waiting
            raise
        else:
            for each in some:
                self._open.setdefault(each.batch, []).append(each)
        finally:
            for each in some:
                self._writing.pop(each.batch, None)
            written.set()

    async def durable(self, batch: int) -> None:
        """Return when the intents of a batch are durable: written alone, if no other write takes them along."""
        while batch not in self._open:
            if written := self._writing.get(batch):
                await written.wait()
            elif any(each.batch == batch for each in self._waiting):
                await self.carried(self._write)
            else:
                return

    def noted(self, batch: int) -> None:
        """Drop the intent of a batch: its outcomes are noted, or it may have arrived."""
        self._open.pop(batch, None)

    def not_sent(self, keep: Container[int] = ()) -> list[Intent]:
        """The durable intents of batches that were not sent after all, without those of the batches to `keep`."""
        return [each for batch, some in self._open.items() if batch not in keep for each in some]
