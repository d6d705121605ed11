"""From raw documents to the lanes' batches: decode, map, check ids, render, in one pass and in small blocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from itertools import repeat
from operator import contains
from typing import Any, Protocol, TypeVar, cast

from proofport.accounting import Outcome, rejected
from proofport.adapter import Capability
from proofport.delivery.batching import Batcher
from proofport.delivery.lane import Lane
from proofport.delivery.report import Exit
from proofport.delivery.screening import seconds_of
from proofport.errors import Problem, Rejected, UsageError
from proofport.evidence import Neutral
from proofport.planning.ids import IdStore, duplicate
from proofport.sources import BLANK, Malformed, NdjsonReader, Reader

T = TypeVar("T")
BLOCK = 64
"""Records that are held between mapping and rendering: enough to check their ids at once, few enough for the cache."""

TURN = 0.004
"""Seconds of reading before those have theirs who send what was read: each change asks the kernel for news."""


class Reads(Protocol):
    """How one input's documents become neutral records.

    `quick`: the same as calling it, where every document is one record and none says that there is more. `of_lines`:
    then also from text, a line each, and quicker; None for a line that goes the whole way.
    """

    @property
    def quick(self) -> Callable[[Any], Neutral] | None: ...
    @property
    def of_lines(self) -> Callable[[bytes], list[Neutral | None]] | None: ...
    def records(self, document: object) -> Iterable[tuple[Any, Any]]: ...
    def __call__(self, record: Any, parents: Any) -> Neutral: ...
    def incomplete(self, document: object) -> str | None: ...


@dataclass(slots=True)
class Branch:
    """One destination's end of the pipeline. `encode` is None where only ids are sent."""

    lane: Lane
    encode: Callable[[Sequence[Neutral]], list[bytes]] | None
    batcher: Batcher

    async def take(self, block: Sequence[Neutral], positions: Sequence[int], skip: Collection[int]) -> None:
        """Render a block and queue every batch that is full.

        For a lane that has stopped, too: what it cannot take is rejected, not withheld, and a dry run is about that.
        """
        if skip:
            block, positions = _without(skip, block), _without(skip, positions)
        items, refused = self._render(block, positions)
        if refused:
            block, positions = _without(refused, block), _without(refused, positions)
        ids = [neutral["id"] for neutral in block]
        observed = [0.0] * len(block)
        if _any(block, "observed_at"):
            observed = [seconds_of(neutral.get("observed_at")) for neutral in block]
        extras = _any(block, "extras")
        self.batcher.extend(ids, items, positions, observed, extras=extras)
        while (full := self.batcher.full()) is not None:
            if self.lane.capability.whole and self.lane.stopped is None:
                self.lane.stop(_too_large_a_whole(self.lane.capability), "too_large", Exit.USAGE)
            await self.lane.queue.put(full)

    def _render(self, block: Sequence[Neutral], positions: Sequence[int]) -> tuple[list[bytes], list[int]]:
        """The bodies, and the indexes of those that there is none for."""
        if self.encode is None:
            return [b""] * len(block), []
        with suppress(Rejected, TypeError):
            return self.encode(block), []
        items, refused = [], []
        for index, neutral in enumerate(block):
            try:
                items += self.encode([neutral])
            except Rejected as error:
                self.lane.reject(neutral["id"], positions[index], error.problem)
                refused.append(index)
            except TypeError as error:
                self.lane.reject(neutral["id"], positions[index], not_json(error))
                refused.append(index)
        return items, refused

    async def finish(self) -> None:
        last = self.batcher.flush()
        if last is not None:
            await self.lane.queue.put(last)
        await self.lane.queue.put(None)


class Pipeline:
    """Feeds every branch from every input, in order. `read` counts records, the malformed ones included."""

    def __init__(
        self,
        branches: Sequence[Branch],
        ids: IdStore | None,
        describe: Callable[[int], str],
        on_block: Callable[[], None],
    ) -> None:
        self.read = 0
        self._branches = branches
        self._ids = ids
        self._describe = describe
        self._on_block = on_block
        self._block: list[Neutral] = []
        self._positions: list[int] = []
        self._turn_until = 0.0

    async def feed(self, reader: Reader, reads: Reads, base: int) -> str | None:
        """Take one input to its end. Returns why it is incomplete, if one of its documents says so.

        Positions count lines or records of the file; in a file that is one document, the records within it.
        """
        incomplete = None
        if reads.quick is None:
            incomplete = await self._feed_documents(reader, reads, base)
        elif reads.of_lines is not None and isinstance(reader, NdjsonReader):
            await self._feed_lines(reader, reads.of_lines, reads.quick, base)
        else:
            await self._feed_records(reader, reads.quick, base)
        await self.flush()
        return incomplete

    async def _feed_lines(
        self,
        reader: NdjsonReader,
        of_lines: Callable[[bytes], list[Neutral | None]],
        read: Callable[[Any], Neutral],
        base: int,
    ) -> None:
        first = base + 1
        for text in reader.pieces():
            made = of_lines(text)
            positions = list(range(first, first + len(made)))
            first += len(made)
            if None not in made:
                self._block, self._positions = cast(list[Neutral], made), positions
            else:
                for neutral, line, position in zip(made, BytesIO(text), positions, strict=True):
                    if neutral is not None:
                        self._keep(neutral, position)
                    elif (document := reader.document(line)) is not BLANK:
                        self._take(document, position, read)
            await self.flush()

    async def _feed_records(self, reader: Reader, read: Callable[[Any], Neutral], base: int) -> None:
        for number, document in reader:
            self._take(document, base + number, read)
            if len(self._block) >= BLOCK:
                await self.flush()

    def _take(self, document: Any, position: int, read: Callable[[Any], Neutral]) -> None:
        if document.__class__ is Malformed:
            self._refuse(None, position, document.problem)
            return
        try:
            self._keep(read(document), position)
        except Rejected as error:
            self._refuse(_id_of(document), position, error.problem)

    def _keep(self, neutral: Neutral, position: int) -> None:
        self._block.append(neutral)
        self._positions.append(position)

    async def _feed_documents(self, reader: Reader, reads: Reads, base: int) -> str | None:
        incomplete = None
        for number, document in reader:
            if document.__class__ is Malformed:
                self._refuse(None, base + number, document.problem)
                continue
            incomplete = _incomplete(reads, document) or incomplete
            for index, (record, parents) in enumerate(reads.records(document), 1):
                position = base + (index if reader.whole else number)
                try:
                    self._keep(reads(record, parents), position)
                except Rejected as error:
                    self._refuse(_id_of(record), position, error.problem)
                if len(self._block) >= BLOCK:
                    await self.flush()
        return incomplete

    async def flush(self) -> None:
        """Hand the block to every branch."""
        block, positions = self._block, self._positions
        self._block, self._positions = [], []
        self.read += len(block)
        record_ids = [neutral["id"] for neutral in block]
        skip = self._ids.add(record_ids, positions) if self._ids is not None else {}
        for index, first in skip.items():
            problem = duplicate(self._describe(first), self._describe(positions[index]))
            self._settle(record_ids[index], positions[index], rejected(problem))
        for branch in self._branches:
            await branch.take(block, positions, skip)
        self._on_block()
        if time.monotonic() > self._turn_until:
            await asyncio.sleep(0)
            self._turn_until = time.monotonic() + TURN

    async def finish(self) -> None:
        for branch in self._branches:
            await branch.finish()

    def _refuse(self, record_id: str | None, position: int, problem: Problem) -> None:
        self.read += 1
        self._settle(record_id, position, rejected(problem))

    def _settle(self, record_id: str | None, position: int, outcome: Outcome) -> None:
        for branch in self._branches:
            branch.lane.settle(record_id, position, outcome)


def _any(block: Sequence[Neutral], field: str) -> bool:
    return any(map(contains, block, repeat(field)))


def _without(indexes: Collection[int], items: Sequence[T]) -> list[T]:
    return [item for index, item in enumerate(items) if index not in indexes]


def _incomplete(reads: Reads, document: object) -> str | None:
    """Why the document is not the whole source. Where it says so in more than one place, that is a reason, too."""
    try:
        return reads.incomplete(document)
    except Rejected as error:
        return str(error.problem)


def _too_large_a_whole(capability: Capability) -> UsageError:
    return UsageError(
        f"this set does not fit into one request ({capability.max_records:,} records, {capability.max_bytes:,} bytes), "
        "and the vendor takes it only as a whole",
        hint="Nothing was sent.",
    )


def _id_of(record: object) -> str | None:
    found = record.get("id") if isinstance(record, dict) else None
    return found if isinstance(found, str) else None


def not_json(error: TypeError) -> Problem:
    """Why a body cannot be written."""
    return Problem(
        str(error), "values that JSON can carry", hint="Lone surrogates and integers beyond 64 bits cannot be sent."
    )
