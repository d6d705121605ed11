"""Takes in the body of a request: checks each record, packs it for the journal, and lists every mistake.

Memory holds one body, its documents, the records of one portion, and the packed portions. With NDJSON it holds one
line instead of the body and its documents.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

from aiohttp import web
from pydantic import ValidationError
from xxhash import xxh3_128

from proofport.accounting import LeftOut
from proofport.delivery.ids.same import key_of
from proofport.delivery.lane.payload import pack
from proofport.delivery.queue.deliveries import RECORDS
from proofport.delivery.reading.decoder import Decoder
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral, model_of
from proofport.relay.body.documents import Place, documents, is_json
from proofport.relay.body.memory import HELD, LARGE
from proofport.relay.problems import LONGEST_NAME, entry, pointer_of
from proofport.sources.pages import Pages, joined
from proofport.sources.reader import Malformed
from proofport.text.wording import count_of, problems_of, short

TURN = 0.002
"""Seconds of checking records before other requests get a turn."""

VALUES_OF_RECORD = 100_000
"""The most JSON values of one record of evidence. A parser lets nothing else run, and each unknown name costs much."""

LISTED = 1_000
"""The most mistakes that an answer lists. It counts all of them."""

MOST_AGAIN = 100
"""The most records of a body whose id is there already: each makes one more delivery."""
TOO_OFTEN = Problem(
    "an id that came before in the body, like those of many records",
    f"at most {MOST_AGAIN} records that come again",
    field="id",
    hint="Send later states of a record in requests of their own.",
)


class Intake:
    """Reads one body, and holds what was found.

    `source`: documents are raw, and `decoder` applies a source mapping; else they are evidence of `kind` already.
    `portion`: the most records in one payload, which then has no id twice; None puts all of them into one. `name`: that
    of the body, for a person.
    """

    def __init__(
        self, decoder: Decoder, kind: str, *, source: bool, portion: int | None = RECORDS, name: str = ""
    ) -> None:
        #: How many records, and their payload.
        self.portions: list[tuple[int, bytes]] = []
        self.records = 0
        self.rejected = 0
        #: How many records the source mapping leaves out, by the reason.
        self.skipped = Counter[str]()
        #: The same one by one, where all goes into one payload.
        self.left: list[LeftOut] = []
        #: One entry for each mistake, at most LISTED.
        self.errors: list[dict[str, Any]] = []
        #: How many mistakes there are in all.
        self.mistakes = 0
        #: What its documents, which may be pages of a list, say together about that list.
        self.pages: Pages | None = None
        #: True if the body says that it holds no record: it is an empty array or an empty page.
        self.is_empty = False
        #: Of `about` and the bytes of the body; empty without `about`.
        self.digest = b""
        self._decoder = decoder
        self._kind = kind
        self._source = source
        self._size = portion
        self._name = name
        self._portion: list[Neutral] = []
        #: The keys of its ids, and how many records began another portion.
        self._keys: set[str] = set()
        self._again = 0
        self._turn_until = 0.0

    async def read(self, request: web.Request, *, about: bytes | None = None) -> None:
        """Raises ProblemError for a body that cannot be read. `about` begins the digest."""
        hasher = None if about is None else xxh3_128(about)
        most = None if self._source else VALUES_OF_RECORD
        async with aclosing(documents(request, hasher, most_values=most)) as found:
            async for place, document in found:
                first, is_page = self._number, not isinstance(document, Malformed)
                for record, parents in self._records(place, document):
                    is_page = parents is not None
                    neutral = self._read(place, record, parents)
                    if neutral is not None:
                        await self._take(request, place, neutral)
                    if time.monotonic() > self._turn_until:
                        await asyncio.sleep(0)
                        self._turn_until = time.monotonic() + TURN
                if is_page:
                    self._join(self._decoder.page(document, place.within(self._name), self._number - first))
        await self._flush(request)
        if not self.records and not self.rejected:
            self.is_empty = is_json(request) or self.pages is not None
        if hasher is not None:
            self.digest = hasher.digest()

    def _records(self, place: Place, document: object) -> Iterable[tuple[object, object]]:
        """The records of a document, each with its parents; none where it is malformed, which is a mistake."""
        if isinstance(document, Malformed):
            self._refuse([_mistake(self._number, place, document.problem)])
            return ()
        return self._decoder.records(document)

    def _join(self, page: Pages | None) -> None:
        self.pages = joined(self.pages, page)

    def _read(self, place: Place, record: object, parents: object) -> Neutral | None:
        try:
            return self._decoder(record, parents)
        except Rejected as error:
            self._refuse(self._mistakes(place, record, error))
        except LeftOut as left:
            self.skipped[left.reason] += 1
            if self._size is None:
                self.left.append(LeftOut(left.reason, self._decoder.id_of(record, parents)))
        return None

    async def _take(self, request: web.Request, place: Place, neutral: Neutral) -> None:
        """Add a record to the portion. One whose id is there begins another, which is delivered after this one."""
        if self._size is not None:
            key = key_of(neutral["id"], fold=self._decoder.folds)
            if key in self._keys:
                self._again += 1
                if self._again > MOST_AGAIN:
                    self._refuse([_mistake(self._number, place, TOO_OFTEN, record=neutral)])
                    return
                await self._flush(request)
            self._keys.add(key)
        self._portion.append(neutral)
        if len(self._portion) == self._size:
            await self._flush(request)

    @property
    def _number(self) -> int:
        """The number of the record that is being read."""
        return self.records + len(self._portion) + self.rejected + self.skipped.total() + 1

    def _mistakes(self, place: Place, record: object, error: Rejected) -> list[dict[str, Any]]:
        """All that is wrong with a record. Only evidence says more than its first problem."""
        by_model = error.__context__
        if len(self.errors) >= LISTED:  # counted, and not worded
            return [{}] * (1 if self._source or not isinstance(by_model, ValidationError) else count_of(by_model))
        if self._source or not isinstance(by_model, ValidationError):
            field = None if self._source else error.problem.field
            return [_mistake(self._number, place, error.problem, pointer_of([field] if field else []), record)]
        fields = list(model_of(self._kind).model_fields)
        return [
            _mistake(self._number, place, each, pointer_of(path), record)
            for path, each in problems_of(by_model, self._kind, fields)
        ]

    def _refuse(self, mistakes: list[dict[str, Any]]) -> None:
        self.rejected += 1
        self.mistakes += len(mistakes)
        self.errors += mistakes[: LISTED - len(self.errors)]

    async def _flush(self, request: web.Request) -> None:
        if self._portion:
            if request.get(HELD, 0) >= LARGE:  # compressing takes long: do it beside the event loop
                payload = await asyncio.to_thread(pack, self._portion, fold=self._decoder.folds, left=self.left)
            else:
                payload = pack(self._portion, fold=self._decoder.folds, left=self.left)
            self.portions.append((len(self._portion), payload))
            self.records += len(self._portion)
            self._portion, self._keys = [], set()


def _mistake(number: int, place: Place, problem: Problem, within: str = "", record: object = None) -> dict[str, Any]:
    found = record.get("id") if isinstance(record, dict) else None
    row: dict[str, Any] = {"record": number, "pointer": place.pointer + within}
    if place.line is not None:
        row["line"] = place.line
    row["id"] = short(found, LONGEST_NAME) if isinstance(found, str) else None
    return entry(problem, **row, field=problem.field)
