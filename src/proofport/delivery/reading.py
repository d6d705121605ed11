"""From raw documents to batches: decode, map, check ids, make bodies, in one pass and in small blocks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import repeat
from operator import contains
from typing import Any, Protocol, TypeVar, cast

from proofport.accounting import rejected
from proofport.delivery.batching import Batcher
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids import IdStore, duplicate
from proofport.delivery.last_delivered import seconds_of
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral
from proofport.sources import BLANK, Malformed, NdjsonReader, Reader

T = TypeVar("T")
BLOCK = 64
"""Records held between mapping and making bodies: enough to check their ids at once, few enough for the cache."""

TURN = 0.004
"""Seconds of reading before the tasks that send get a turn. Each turn costs a poll of the event loop."""


class Decoder(Protocol):
    """Turns the documents of one input into neutral records."""

    @property
    def quick(self) -> Callable[[Any], Neutral] | None:
        """The same as calling it, where every document is one record and none says that there is more."""

    @property
    def of_lines(self) -> Callable[[bytes], list[Neutral | None]] | None:
        """The same from text, a line each, and quicker. None for a line that goes the whole way."""

    @property
    def source(self) -> str:
        """The name of the source, the same in every run."""
        ...

    def records(self, document: object) -> Iterable[tuple[Any, Any]]: ...
    def __call__(self, record: Any, parents: Any) -> Neutral: ...
    def incomplete(self, document: object) -> str | None: ...


class RecordStream:
    """The records of one input, each with its place, and a Problem instead of each that cannot be read.

    A place counts the lines or records of the file; in a file that is one document, the records within it.
    """

    def __init__(self, reader: Reader, decoder: Decoder) -> None:
        #: Why the input is not the whole source, if one of its documents says so.
        self.incomplete: str | None = None
        self._reader = reader
        self._decoder = decoder

    def __iter__(self) -> Iterator[tuple[int, Neutral | Problem, str | None]]:
        """Place, record or problem, and the id where it can be read although the record cannot."""
        quick = self._decoder.quick
        for number, document in self._reader:
            if quick is not None or isinstance(document, Malformed):
                yield number, *_read(quick or self._decoder, document)
            else:
                self.incomplete = self._why_incomplete(document) or self.incomplete
                for index, (record, parents) in enumerate(self._decoder.records(document), 1):
                    place = index if self._reader.whole else number
                    yield place, *_read(self._decoder, record, parents)

    def _why_incomplete(self, document: object) -> str | None:
        """A document that says so in more than one place is a reason, too."""
        try:
            return self._decoder.incomplete(document)
        except Rejected as error:
            return str(error.problem)


def place_in(reader: Reader, place: int) -> str:
    """A record's place for a person: `file.ndjson:12` (line), `file.json#3` (record)."""
    return f"{reader.name}#{place}" if reader.whole else reader.position(place)


class Branch:
    """One destination's end of the pipeline."""

    def __init__(self, destination: DestinationRun, encode: Callable[[Sequence[Neutral]], list[bytes]]) -> None:
        self.destination = destination
        self._encode = encode
        self._batcher = Batcher(destination.limits)

    async def take(self, block: Sequence[Neutral], positions: Sequence[int], skip: Collection[int] = ()) -> None:
        """Make the bodies of a block, and hand over every batch that is full.

        For a destination that has stopped, too: a record that it cannot take is rejected, not withheld, and a dry run
        is about that.
        """
        if skip:
            block, positions = _without(skip, block), _without(skip, positions)
        bodies, refused = self._bodies(block, positions)
        if refused:
            block, positions = _without(refused, block), _without(refused, positions)
        ids = [neutral["id"] for neutral in block]
        if met := self.destination.collisions.refused(ids, bodies, positions):
            for index, problem in met.items():
                self.destination.ledger.reject(ids[index], positions[index], problem)
            block, positions = _without(met, block), _without(met, positions)
            ids, bodies = _without(met, ids), _without(met, bodies)
        observed = [0.0] * len(block)
        if _any(block, "observed_at"):
            observed = [seconds_of(neutral.get("observed_at")) for neutral in block]
        self._batcher.extend(ids, bodies, positions, observed, extras=_any(block, "extras"))
        while (full := self._batcher.full()) is not None:
            await self.destination.take(full)

    def _bodies(self, block: Sequence[Neutral], positions: Sequence[int]) -> tuple[list[bytes], list[int]]:
        """The bodies, and the indexes of the records that have none."""
        with suppress(Rejected, TypeError):
            return self._encode(block), []
        bodies, refused = [], []
        for index, neutral in enumerate(block):
            try:
                bodies += self._encode([neutral])
            except (Rejected, TypeError) as error:
                problem = error.problem if isinstance(error, Rejected) else _not_json(error)
                self.destination.ledger.reject(neutral["id"], positions[index], problem)
                refused.append(index)
        return bodies, refused

    async def finish(self) -> None:
        last = self._batcher.flush()
        if last is not None:
            await self.destination.take(last)
        await self.destination.finish()


class Pipeline:
    """Feeds every branch from every input, in order."""

    def __init__(
        self,
        branches: Sequence[Branch],
        ids: IdStore | None,
        describe: Callable[[int], str],
        on_block: Callable[[], None],
    ) -> None:
        #: Records, the malformed ones included.
        self.read = 0
        self._branches = branches
        self._ids = ids
        self._describe = describe
        self._on_block = on_block
        self._block: list[Neutral] = []
        self._positions: list[int] = []
        self._turn_until = 0.0

    async def feed(self, reader: Reader, decoder: Decoder, base: int) -> str | None:
        """Take one input to its end. Returns why it is incomplete, if one of its documents says so.

        The position of a record is `base` and its place in the `RecordStream`.
        """
        stream = RecordStream(reader, decoder)
        if decoder.of_lines is not None and decoder.quick is not None and isinstance(reader, NdjsonReader):
            await self._feed_lines(reader, decoder.of_lines, decoder.quick, base)
        else:
            for place, record, record_id in stream:
                self._take(record, base + place, record_id)
                if len(self._block) >= BLOCK:
                    await self.flush()
        await self.flush()
        return stream.incomplete

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
                        self._take(neutral, position, None)
                    elif (document := reader.document(line)) is not BLANK:
                        record, record_id = _read(read, document)
                        self._take(record, position, record_id)
            await self.flush()

    def _take(self, record: Neutral | Problem, position: int, record_id: str | None) -> None:
        if isinstance(record, Problem):
            self.read += 1
            for branch in self._branches:
                branch.destination.ledger.book(record_id, position, rejected(record))
            return
        self._block.append(record)
        self._positions.append(position)

    async def flush(self) -> None:
        """Hand the block to every branch."""
        block, positions = self._block, self._positions
        self._block, self._positions = [], []
        self.read += len(block)
        record_ids = [neutral["id"] for neutral in block]
        skip = self._ids.add(record_ids, positions) if self._ids is not None else {}
        for index, first in skip.items():
            problem = duplicate(self._describe(first), self._describe(positions[index]))
            for branch in self._branches:
                branch.destination.ledger.book(record_ids[index], positions[index], rejected(problem))
        for branch in self._branches:
            await branch.take(block, positions, skip)
        self._on_block()
        if time.monotonic() > self._turn_until:
            await asyncio.sleep(0)
            self._turn_until = time.monotonic() + TURN

    async def finish(self) -> None:
        for branch in self._branches:
            await branch.finish()


def _read(decode: Callable[..., Neutral], document: Any, *parents: Any) -> tuple[Neutral | Problem, str | None]:
    """The record or its problem, and the id where it can be read although the record cannot."""
    if isinstance(document, Malformed):
        return document.problem, None
    try:
        neutral = decode(document, *parents)
    except Rejected as error:
        return error.problem, _id_of(document)
    return neutral, neutral["id"]


def _any(block: Sequence[Neutral], field: str) -> bool:
    return any(map(contains, block, repeat(field)))


def _without(indexes: Collection[int], items: Sequence[T]) -> list[T]:
    return [item for index, item in enumerate(items) if index not in indexes]


def _id_of(record: object) -> str | None:
    found = record.get("id") if isinstance(record, dict) else None
    return found if isinstance(found, str) else None


def _not_json(error: TypeError) -> Problem:
    return Problem(
        str(error), "values that JSON can carry", hint="Lone surrogates and integers beyond 64 bits cannot be sent."
    )
