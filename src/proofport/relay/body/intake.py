"""Takes in the body of a request: checks each record, packs it for the journal, and lists every mistake.

Memory holds one body, its documents, the records of one portion, and the packed portions. With NDJSON it holds one
line instead of the body and its documents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import aclosing
from typing import Any

from aiohttp import web
from pydantic import ValidationError
from xxhash import xxh3_128

from proofport.delivery.payload import pack
from proofport.delivery.queue.deliveries import RECORDS
from proofport.delivery.reading import Decoder
from proofport.errors import Problem, Rejected
from proofport.evidence import Neutral, model_of
from proofport.relay.body.documents import Place, documents
from proofport.relay.problems import entry, pointer_of
from proofport.sources.reader import Malformed
from proofport.text.wording import problems_of

LISTED = 1_000
"""The most mistakes that an answer lists. It counts all of them."""


class Intake:
    """Reads one body, and holds what was found.

    `source`: documents are raw, and `decoder` applies a source mapping; else they are evidence of `kind` already.
    `portion`: the most records in one payload; None puts all of them into one.
    """

    def __init__(self, decoder: Decoder, kind: str, *, source: bool, portion: int | None = RECORDS) -> None:
        #: How many records, and their payload.
        self.portions: list[tuple[int, bytes]] = []
        self.records = 0
        self.rejected = 0
        #: One entry for each mistake, at most LISTED.
        self.errors: list[dict[str, Any]] = []
        #: How many mistakes there are in all.
        self.mistakes = 0
        #: Why the source says that more records should follow.
        self.incomplete: str | None = None
        #: Of `about` and the bytes of the body; empty without `about`.
        self.digest = b""
        self._decoder = decoder
        self._kind = kind
        self._source = source
        self._size = portion
        self._portion: list[Neutral] = []

    async def read(self, request: web.Request, *, about: bytes | None = None) -> None:
        """Raises ProblemError for a body that cannot be read. `about` begins the digest."""
        hasher = None if about is None else xxh3_128(about)
        async with aclosing(documents(request, hasher)) as found:
            async for place, document in found:
                for record, parents in self._records(place, document):
                    self._take(place, record, parents)
                    if len(self._portion) == self._size:
                        self._flush()
                        await asyncio.sleep(0)
        self._flush()
        if hasher is not None:
            self.digest = hasher.digest()

    def _records(self, place: Place, document: object) -> Iterable[tuple[object, object]]:
        """The records of a document, each with its parents; none where it is malformed, which is a mistake."""
        if isinstance(document, Malformed):
            self._refuse([_mistake(self._number, place, document.problem)])
            return ()
        try:
            self.incomplete = self._decoder.incomplete(document) or self.incomplete
        except Rejected as error:
            self.incomplete = str(error.problem)
        return self._decoder.records(document)

    def _take(self, place: Place, record: object, parents: object) -> None:
        try:
            self._portion.append(self._decoder(record, parents))
        except Rejected as error:
            self._refuse(self._mistakes(place, record, error))

    @property
    def _number(self) -> int:
        """The number of the record that is being read."""
        return self.records + len(self._portion) + self.rejected + 1

    def _mistakes(self, place: Place, record: object, error: Rejected) -> list[dict[str, Any]]:
        """All that is wrong with a record. Only evidence says more than its first problem."""
        by_model = error.__context__
        if self._source or not isinstance(by_model, ValidationError):
            return [_mistake(self._number, place, error.problem, "", record)]
        fields = list(model_of(self._kind).model_fields)
        return [
            _mistake(self._number, place, each, pointer_of(path), record)
            for path, each in problems_of(by_model, self._kind, fields)
        ]

    def _refuse(self, mistakes: list[dict[str, Any]]) -> None:
        self.rejected += 1
        self.mistakes += len(mistakes)
        self.errors += mistakes[: LISTED - len(self.errors)]

    def _flush(self) -> None:
        if self._portion:
            self.portions.append((len(self._portion), pack(self._portion)))
            self.records += len(self._portion)
            self._portion = []


def _mistake(number: int, place: Place, problem: Problem, within: str = "", record: object = None) -> dict[str, Any]:
    found = record.get("id") if isinstance(record, dict) else None
    row: dict[str, Any] = {"record": number, "pointer": place.pointer + within}
    if place.line is not None:
        row["line"] = place.line
    row["id"] = found if isinstance(found, str) else None
    return entry(problem, **row, field=problem.field)
