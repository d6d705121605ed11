"""From raw documents to batches: decode, map, check ids, make bodies, in one pass and in small blocks."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from io import BytesIO
from itertools import islice, repeat
from operator import contains
from typing import Any, TypeAlias, TypeVar, cast

from proofport.accounting import LeftOut, rejected
from proofport.delivery.batching import Batcher
from proofport.delivery.books import POSITION_BITS
from proofport.delivery.destination_run import DestinationRun
from proofport.delivery.ids.ids import IdStore, duplicate
from proofport.delivery.ids.same import keys_of
from proofport.delivery.ids.spellings import Spellings
from proofport.delivery.reading.decoder import Decoder
from proofport.delivery.reading.observed import seconds_of
from proofport.delivery.report.unmatched import Unmatched
from proofport.delivery.target import no_body
from proofport.errors import Problem, ProofportError, Rejected, ValueUnknown
from proofport.evidence import Neutral
from proofport.sources import BLANK, Malformed, NdjsonReader, Reader
from proofport.sources.ndjson import records_in
from proofport.sources.pages import Pages, joined

T = TypeVar("T")
Read: TypeAlias = Neutral | Problem | LeftOut
BLOCK = 64
"""Records held between mapping and making bodies: enough to check their ids at once, few enough for the cache."""

TURN = 0.004
"""Seconds of reading before the tasks that send get a turn. Each turn costs a poll of the event loop."""


class RecordStream:
    """The records of one input, each with its place. A Problem stands for each that cannot be read, and LeftOut for
    each that the source mapping leaves out.

    A place counts the lines or records of the file; in a file that is one document, the records within it.
    """

    def __init__(self, reader: Reader, decoder: Decoder) -> None:
        #: What its documents, which may be pages of a list, say together about that list.
        self.pages = reader.pages
        self._reader = reader
        self._decoder = decoder

    def __iter__(self) -> Iterator[tuple[int, Read, str | None]]:
        """Place, record or what is there instead, and the id where it can be read although the record cannot."""
        quick = self._decoder.quick
        for number, document in self._reader:
            if quick is not None:
                for record in records_in(document):
                    yield number, *_read(self._decoder, quick, record)
            elif isinstance(document, Malformed):
                yield number, *_read(self._decoder, self._decoder, document)
                self._join(number, document, 1)
            else:
                yield from self._records(number, document)

    def _records(self, number: int, document: object) -> Iterator[tuple[int, Read, str | None]]:
        """The records of one document. One without a place for records is no page."""
        count, is_page = 0, True
        for count, (record, parents) in enumerate(self._decoder.records(document), 1):
            is_page = parents is not None
            yield count if self._reader.whole else number, *_read(self._decoder, self._decoder, record, parents)
        if is_page:
            self._join(number, document, count)

    def _join(self, number: int, document: object, records: int) -> None:
        place = self._reader.name if self._reader.whole else self._reader.position(number)
        page = self._decoder.page(document, place, records)
        self.pages = joined(self.pages, page)


def place_in(reader: Reader, place: int) -> str:
    """A record's place for a person: `file.ndjson:12` (line), `file.json#3` (record)."""
    return f"{reader.name}#{place}" if reader.whole else reader.position(place)


class Branch:
    """One destination's end of the pipeline."""

    def __init__(
        self,
        destination: DestinationRun,
        encode: Callable[[Sequence[Neutral]], list[bytes]],
        spellings: Spellings | None = None,
        leave_out: Callable[[Neutral], None] | None = None,
    ) -> None:
        """`spellings`: ids are sent as they were written first. Without it, as they come.

        `leave_out` raises LeftOut for what is left out at this destination, and Rejected where that is not known.
        """
        self.destination = destination
        self.spellings = spellings
        self._encode = encode
        self._leave_out = leave_out
        self._batcher = Batcher(destination.limits)

    async def take(
        self,
        block: Sequence[Neutral],
        positions: Sequence[int],
        skip: Collection[int] = (),
        *,
        keys: Sequence[str] | None = None,
        fold: bool = False,
    ) -> None:
        """Make the bodies of a block, and hand over every batch that is full.

        `keys` are those of its ids; None: the ids themselves. `fold`: they were made without regard to case.
        For a destination that has stopped, too: a record that it cannot take is rejected, not withheld, and a dry run
        is about that.
        """
        if skip:
            block, positions, keys = _left(skip, block, positions, keys)
        if self._leave_out is not None and (left := self._left_out(self._leave_out, block, positions, keys)):
            block, positions, keys = _left(left, block, positions, keys)
        if self.spellings is not None and self.destination.error is None:
            block, keys = await self._sent_as(self.spellings, block, keys, fold=fold)
        bodies, refused = self._bodies(block, positions, keys)
        if refused:
            block, positions, keys = _left(refused, block, positions, keys)
        ids = [neutral["id"] for neutral in block]
        if met := self.destination.collisions.refused(ids, bodies, positions):
            for index, problem in met.items():
                key = ids[index] if keys is None else keys[index]
                self.destination.ledger.reject(ids[index], positions[index], problem, key=key)
            block, positions, keys = _left(met, block, positions, keys)
            ids, bodies = _without(met, ids), _without(met, bodies)
        observed = [0.0] * len(block)
        if _any(block, "observed_at"):
            observed = [seconds_of(neutral.get("observed_at")) for neutral in block]
        self._batcher.extend(ids, bodies, positions, observed, extras=_any(block, "extras"), keys=keys)
        while (full := self._batcher.full()) is not None:
            await self.destination.take(full)

    def _left_out(
        self,
        leave_out: Callable[[Neutral], None],
        block: Sequence[Neutral],
        positions: Sequence[int],
        keys: Sequence[str] | None,
    ) -> set[int]:
        """The indexes of the records that do not go to this destination. Each is noted."""
        ledger, left = self.destination.ledger, set[int]()
        for index, neutral in enumerate(block):
            place, key = (neutral["id"], positions[index]), None if keys is None else keys[index]
            try:
                leave_out(neutral)
            except LeftOut as found:
                ledger.leave_out(*place, found.reason, key=key)
            except Rejected as error:
                ledger.reject(*place, error.problem, key=key)
            else:
                continue
            left.add(index)
        return left

    async def _sent_as(
        self, spellings: Spellings, block: Sequence[Neutral], keys: Sequence[str] | None, *, fold: bool
    ) -> tuple[Sequence[Neutral], Sequence[str] | None]:
        try:
            return await spellings.sent_as(block, keys, fold=fold)
        except ProofportError as error:
            await self.destination.halt(error)
            return block, keys

    def _bodies(
        self, block: Sequence[Neutral], positions: Sequence[int], keys: Sequence[str] | None
    ) -> tuple[list[bytes], list[int]]:
        """The bodies, and the indexes of the records that have none."""
        with suppress(Exception):  # a record that nobody foresaw takes nothing from the others
            return self._encode(block), []
        bodies, refused = [], []
        for index, neutral in enumerate(block):
            try:
                bodies += self._encode([neutral])
            except Exception as error:
                key, ledger = None if keys is None else keys[index], self.destination.ledger
                place = neutral["id"], positions[index]
                if isinstance(error, ValueUnknown):
                    ledger.lack(*place, error.problem, key=key, excluded=error.excluded)
                else:
                    ledger.reject(*place, no_body(error), key=key)
                refused.append(index)
        return bodies, refused

    async def finish(self) -> None:
        while (last := self._batcher.flush()) is not None:
            await self.destination.take(last)
        if self.spellings is not None:
            self.destination.report.notes += self.spellings.notes()
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
        #: Records, the malformed ones and those that are left out included.
        self.read = 0
        #: How many of them the source mappings leave out, by the reason.
        self.skipped = Counter[str]()
        #: Looks at the records of the input that is being read.
        self.unmatched = Unmatched(())
        #: How many ids of one input, the second number, were read in another or the same before, the first.
        self.repeated = Counter[tuple[int, int]]()
        self._branches = branches
        self._ids = ids
        self._describe = describe
        self._on_block = on_block
        self._block: list[Neutral] = []
        self._positions: list[int] = []
        self._folds = False
        self._turn_until = 0.0

    async def feed(self, reader: Reader, decoder: Decoder, base: int) -> Pages | None:
        """Take one input to its end. Returns what its pages say about the whole list.

        The position of a record is `base` and its place in the `RecordStream`.
        """
        stream = RecordStream(reader, decoder)
        self._folds = decoder.folds
        if decoder.of_lines is not None and decoder.quick is not None and isinstance(reader, NdjsonReader):
            await self._feed_lines(reader, decoder, decoder.of_lines, decoder.quick, base)
        else:
            more = True
            while more:
                more = await reader.fetch()
                for place, record, record_id in stream:
                    self._take(record, base + place, record_id)
                    if len(self._block) >= BLOCK:
                        await self.flush()
        await self.flush()
        return stream.pages

    async def _feed_lines(
        self,
        reader: NdjsonReader,
        decoder: Decoder,
        of_lines: Callable[[bytes], list[Neutral | None]],
        read: Callable[[Any], Neutral],
        base: int,
    ) -> None:
        first = base + 1
        for text in reader.pieces():
            made = of_lines(text)
            for index in reader.repeating(text):
                made[index] = None
            positions = list(range(first, first + len(made)))
            first += len(made)
            if None not in made:
                self._block, self._positions = cast(list[Neutral], made), positions
            else:
                for neutral, line, position in zip(made, BytesIO(text), positions, strict=True):
                    if neutral is not None:
                        self._take(neutral, position, None)
                    elif (document := reader.document(line)) is not BLANK:
                        for item in records_in(document):
                            record, record_id = _read(decoder, read, item)
                            self._take(record, position, record_id)
            await self.flush()

    def _take(self, record: Read, position: int, record_id: str | None) -> None:
        if isinstance(record, LeftOut):
            self.read += 1
            self.skipped[record.reason] += 1
            if self._ids is not None:
                self._ids.leave_out(record_id, record.reason)
            return
        if isinstance(record, Problem):
            self.read += 1
            if self._ids is not None:
                self._ids.refuse(record_id, self._describe(position))
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
        self.unmatched.look(block)
        record_ids = [neutral["id"] for neutral in block]
        keys = keys_of(record_ids, fold=self._folds)
        plain = keys is record_ids
        skip = self._ids.add(keys, positions) if self._ids is not None else {}
        for index, first in skip.items():
            self.repeated[first >> POSITION_BITS, positions[index] >> POSITION_BITS] += 1
            alike = self._folds or not plain or "@" in keys[index]
            problem = duplicate(self._describe(first), self._describe(positions[index]), alike=alike)
            for branch in self._branches:
                branch.destination.ledger.repeat(record_ids[index], positions[index], problem, key=keys[index])
        for branch in self._branches:
            await branch.take(block, positions, skip, keys=None if plain else keys, fold=self._folds)
        self._on_block()
        if time.monotonic() > self._turn_until:
            await asyncio.sleep(0)
            self._turn_until = time.monotonic() + TURN

    async def finish(self) -> None:
        for branch in self._branches:
            await branch.finish()


def _read(decoder: Decoder, decode: Callable[..., Neutral], document: Any, *parents: Any) -> tuple[Read, str | None]:
    """The record or what is there instead, and the id where it can be read although the record cannot."""
    if isinstance(document, Malformed):
        return document.problem, _id_of_part(decoder, document.part)
    if isinstance(document, LeftOut):
        return document, document.record_id
    try:
        neutral = decode(document, *parents)
    except Rejected as error:
        return error.problem, decoder.id_of(document, *parents)
    except LeftOut as left:
        return left.with_traceback(None), decoder.id_of(document, *parents)
    return neutral, neutral["id"]


def _id_of_part(decoder: Decoder, part: object) -> str | None:
    """The id of the one record in what could be decoded of a malformed document."""
    if part is None:
        return None
    try:
        found = list(islice(decoder.records(part), 2))
    except Rejected:
        return None
    return decoder.id_of(*found[0]) if len(found) == 1 else None


def _any(block: Sequence[Neutral], field: str) -> bool:
    return any(map(contains, block, repeat(field)))


def _left(
    indexes: Collection[int], block: Sequence[Neutral], positions: Sequence[int], keys: Sequence[str] | None
) -> tuple[Sequence[Neutral], Sequence[int], Sequence[str] | None]:
    """The rest of a block without some of its records."""
    kept = None if keys is None else _without(indexes, keys)
    return _without(indexes, block), _without(indexes, positions), kept


def _without(indexes: Collection[int], items: Sequence[T]) -> list[T]:
    return [item for index, item in enumerate(items) if index not in indexes]
